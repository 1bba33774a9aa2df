//! Plane projective maps: the canonical page onto the photographed one.

/// A point in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Rightwards.
    pub x: f32,
    /// Downwards.
    pub y: f32,
}

impl Point {
    /// A point at (x, y).
    #[must_use]
    pub const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    /// Euclidean distance to another point.
    #[must_use]
    pub fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A 3×3 projective map, row by row, the last element 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homography([f64; 9]);

impl Homography {
    /// The map that takes each of four points to its partner; `None` when three of them lie on a line.
    #[must_use]
    pub fn from_corners(from: [Point; 4], to: [Point; 4]) -> Option<Self> {
        // Direct linear transform: two equations a pair, the unknowns h0..h7 with h8 = 1.
        let mut m = [[0.0f64; 9]; 8];
        for (i, (a, b)) in from.iter().zip(&to).enumerate() {
            let (x, y, u, v) = (f64::from(a.x), f64::from(a.y), f64::from(b.x), f64::from(b.y));
            m[2 * i] = [x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u];
            m[2 * i + 1] = [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v];
        }
        let h = solve(m)?;
        Some(Self([h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], 1.0]))
    }

    /// Where a point goes.
    #[must_use]
    pub fn apply(&self, p: Point) -> Point {
        let h = &self.0;
        let (x, y) = (f64::from(p.x), f64::from(p.y));
        let w = h[6] * x + h[7] * y + h[8];
        Point::new(
            narrow((h[0] * x + h[1] * y + h[2]) / w),
            narrow((h[3] * x + h[4] * y + h[5]) / w),
        )
    }

    /// First this map, then `next`.
    #[must_use]
    pub fn then(&self, next: &Self) -> Self {
        let (a, b) = (&next.0, &self.0);
        let mut out = [0.0; 9];
        for r in 0..3 {
            for c in 0..3 {
                out[3 * r + c] = (0..3).map(|k| a[3 * r + k] * b[3 * k + c]).sum();
            }
        }
        let scale = out[8];
        Self(out.map(|v| v / scale))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "pixel coordinates need no more than f32")]
fn narrow(v: f64) -> f32 {
    v as f32
}

/// Gaussian elimination with partial pivoting of eight equations in eight unknowns.
fn solve(mut m: [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for col in 0..8 {
        let pivot = (col..8).max_by(|&a, &b| m[a][col].abs().total_cmp(&m[b][col].abs()))?;
        if m[pivot][col].abs() < 1e-9 {
            return None;
        }
        m.swap(col, pivot);
        let pivot_row = m[col];
        for row in 0..8 {
            if row != col {
                let factor = m[row][col] / m[col][col];
                for (v, p) in m[row].iter_mut().zip(pivot_row).skip(col) {
                    *v -= factor * p;
                }
            }
        }
    }
    let mut h = [0.0; 8];
    for (i, v) in h.iter_mut().enumerate() {
        *v = m[i][8] / m[i][i];
    }
    Some(h)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_corners_go_where_they_were_told() {
        let from = [
            Point::new(0.0, 0.0),
            Point::new(10.0, 0.0),
            Point::new(10.0, 30.0),
            Point::new(0.0, 30.0),
        ];
        let to = [
            Point::new(3.0, 1.0),
            Point::new(14.0, 2.0),
            Point::new(12.0, 33.0),
            Point::new(1.0, 29.0),
        ];
        let h = Homography::from_corners(from, to).unwrap();
        for (a, b) in from.iter().zip(to) {
            assert!(h.apply(*a).distance(b) < 1e-3);
        }
        let back = Homography::from_corners(to, from).unwrap();
        assert!(h.then(&back).apply(Point::new(5.0, 7.0)).distance(Point::new(5.0, 7.0)) < 1e-3);
    }

    #[test]
    fn three_corners_on_a_line_have_no_map() {
        let line = [
            Point::new(0.0, 0.0),
            Point::new(1.0, 0.0),
            Point::new(2.0, 0.0),
            Point::new(0.0, 3.0),
        ];
        assert!(Homography::from_corners(line, line).is_none());
    }
}
