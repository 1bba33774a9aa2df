//! Pen marks as geometry, and the canvas that turns them into ink levels.

use crate::num::{ceil, floor};

/// A place of a pen path with the half width of the trace there, in box units (the printed box is 1 × 1, y downwards).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PenPoint {
    /// Horizontal place.
    pub x: f32,
    /// Vertical place.
    pub y: f32,
    /// Half the width of the trace.
    pub radius: f32,
}

/// One movement of the pen between setting it down and lifting it. A single point is a dab.
#[derive(Debug, Clone, PartialEq)]
pub struct Stroke {
    /// The path.
    pub points: Vec<PenPoint>,
    /// Ink left on the paper, 0 none to 1 black.
    pub darkness: f32,
}

/// Everything that one person wrote into one box.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Glyph {
    /// Pen movements in the order of writing.
    pub strokes: Vec<Stroke>,
    /// The mark is a cross or carries one.
    pub cross: bool,
    /// Something was written over, or two digits share the box.
    pub overwritten: bool,
}

impl Glyph {
    /// Smallest rectangle around the ink: left, top, right, bottom; `None` when nothing is written.
    #[must_use]
    pub fn bounds(&self) -> Option<[f32; 4]> {
        self.strokes.iter().flat_map(|s| &s.points).fold(None, |found, p| {
            let [l, t, r, b] = found.unwrap_or([f32::MAX, f32::MAX, f32::MIN, f32::MIN]);
            Some([
                l.min(p.x - p.radius),
                t.min(p.y - p.radius),
                r.max(p.x + p.radius),
                b.max(p.y + p.radius),
            ])
        })
    }

    /// The glyph moved by whole or broken boxes.
    #[must_use]
    pub fn moved(mut self, dx: f32, dy: f32) -> Self {
        for p in self.strokes.iter_mut().flat_map(|s| &mut s.points) {
            p.x += dx;
            p.y += dy;
        }
        self
    }

    /// The glyph stretched about the centre of the box; the width of the pen stays.
    #[must_use]
    pub fn stretched(mut self, sx: f32, sy: f32) -> Self {
        for p in self.strokes.iter_mut().flat_map(|s| &mut s.points) {
            p.x = 0.5 + (p.x - 0.5) * sx;
            p.y = 0.5 + (p.y - 0.5) * sy;
        }
        self
    }

    /// Both glyphs in one box.
    #[must_use]
    pub fn over(mut self, under: Self) -> Self {
        let mut strokes = under.strokes;
        strokes.append(&mut self.strokes);
        Self {
            strokes,
            cross: self.cross || under.cross,
            overwritten: true,
        }
    }
}

/// Where box units fall on a canvas.
#[derive(Debug, Clone, Copy)]
pub struct Placement {
    /// Pixel column of the box's left edge.
    pub left: f32,
    /// Pixel row of the box's top edge.
    pub top: f32,
    /// Pixels per box width.
    pub scale_x: f32,
    /// Pixels per box height.
    pub scale_y: f32,
}

/// Ink levels, 0 paper to 1 black, row by row.
#[derive(Debug, Clone)]
pub struct Canvas {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` ink levels.
    pub ink: Vec<f32>,
}

impl Canvas {
    /// Bare paper.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            ink: vec![0.0; width * height],
        }
    }

    /// Leaves at least this much ink on a pixel; outside the canvas nothing happens.
    pub fn dab(&mut self, x: usize, y: usize, ink: f32) {
        if x < self.width && y < self.height {
            let pixel = &mut self.ink[y * self.width + x];
            *pixel = pixel.max(ink);
        }
    }

    /// Draws a glyph with smooth edges.
    pub fn draw(&mut self, glyph: &Glyph, at: Placement) {
        for stroke in &glyph.strokes {
            let scale = (at.scale_x * at.scale_y).sqrt();
            let mut previous: Option<(f32, f32, f32)> = None;
            for p in &stroke.points {
                let here = (at.left + p.x * at.scale_x, at.top + p.y * at.scale_y, p.radius * scale);
                let from = previous.unwrap_or(here);
                if previous.is_some() || stroke.points.len() == 1 {
                    self.capsule(from, here, stroke.darkness);
                }
                previous = Some(here);
            }
        }
    }

    /// Draws a straight trace between two points given as x, y, radius in pixels.
    pub fn capsule(&mut self, a: (f32, f32, f32), b: (f32, f32, f32), darkness: f32) {
        let reach = a.2.max(b.2) + 1.0;
        let (left, right) = (a.0.min(b.0) - reach, a.0.max(b.0) + reach);
        let (top, bottom) = (a.1.min(b.1) - reach, a.1.max(b.1) + reach);
        if right < 0.0 || bottom < 0.0 {
            return;
        }
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length2 = (dx * dx + dy * dy).max(1e-9);
        for y in floor(top)..ceil(bottom).min(self.height) {
            let py = y as f32 + 0.5 - a.1;
            let row = &mut self.ink[y * self.width..(y + 1) * self.width];
            for (x, pixel) in row.iter_mut().enumerate().take(ceil(right)).skip(floor(left)) {
                let px = x as f32 + 0.5 - a.0;
                let t = ((px * dx + py * dy) / length2).clamp(0.0, 1.0);
                let (ex, ey) = (px - t * dx, py - t * dy);
                let radius = a.2 + (b.2 - a.2) * t;
                // A trace thinner than a pixel never covers it whole.
                let cover = (radius + 0.5 - (ex * ex + ey * ey).sqrt()).clamp(0.0, 1.0) * (2.0 * radius).min(1.0);
                *pixel = pixel.max(cover * darkness);
            }
        }
    }
}
