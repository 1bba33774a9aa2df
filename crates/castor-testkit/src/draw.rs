//! Turns a [`Sheet`] into pixels.

use ab_glyph::{Font, Glyph as FontGlyph, PxScale, point};
use image::{Rgb, RgbImage};

use crate::fonts::Fonts;
use crate::ink::{Canvas, Placement};
use crate::num::{ceil, dimension, floor, level};
use crate::sheet::{Align, Geometry, Item, Sheet, Text, Tone};

/// How print and pen look under one scanner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Look {
    /// Colour of the form's bands.
    pub(crate) band: [u8; 3],
    /// Whether drop-out print vanishes.
    pub(crate) drop_out: bool,
    /// Factor on the ink of drop-out print.
    pub(crate) faint: f32,
    /// Colour of the pen.
    pub(crate) pen: [u8; 3],
    /// Pixels per millimetre.
    pub(crate) per_mm: f32,
}

/// Draws a page on white paper.
pub(crate) fn draw(sheet: &Sheet, look: Look, fonts: &Fonts) -> RgbImage {
    let mut brush = Brush::new(sheet.geometry, look, fonts);
    for item in &sheet.items {
        brush.item(item);
    }
    brush.finish()
}

struct Brush<'a> {
    image: RgbImage,
    pen: Canvas,
    look: Look,
    fonts: &'a Fonts,
    scale: [f32; 2],
    origin: [f32; 2],
}

impl<'a> Brush<'a> {
    fn new(geometry: Geometry, look: Look, fonts: &'a Fonts) -> Self {
        let (w, h) = (
            ceil(geometry.paper_width_mm * look.per_mm),
            ceil(geometry.paper_height_mm * look.per_mm),
        );
        Self {
            image: RgbImage::from_pixel(dimension(w), dimension(h), Rgb([255; 3])),
            pen: Canvas::new(w, h),
            look,
            fonts,
            scale: [geometry.width_mm * look.per_mm, geometry.height_mm * look.per_mm],
            origin: [
                (geometry.paper_width_mm - geometry.width_mm) * 0.5 * look.per_mm,
                (geometry.paper_height_mm - geometry.height_mm) * 0.5 * look.per_mm,
            ],
        }
    }

    fn at(&self, p: [f32; 2]) -> (f32, f32) {
        (
            self.origin[0] + p[0] * self.scale[0],
            self.origin[1] + p[1] * self.scale[1],
        )
    }

    /// Pixels of a length in frame widths.
    fn length(&self, l: f32) -> f32 {
        l * self.scale[0]
    }

    fn colour(&self, tone: Tone) -> Option<[u8; 3]> {
        let grey = |ink: f32| [level(255.0 * (1.0 - ink)); 3];
        match tone {
            Tone::Black => Some([18; 3]),
            Tone::White => Some([255; 3]),
            Tone::Band => Some(self.look.band),
            Tone::Half(ink) => Some(grey(ink)),
            Tone::DropOut(_) if self.look.drop_out => None,
            Tone::DropOut(ink) => Some(grey((ink * self.look.faint).min(1.0))),
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Fill { area, tone, round } => self.fill(*area, *tone, *round),
            Item::Frame {
                area,
                width,
                tone,
                round,
            } => self.frame(*area, *width, *tone, *round),
            Item::Line {
                from,
                to,
                width,
                tone,
                dots,
            } => self.line(*from, *to, *width, *tone, *dots),
            Item::Ring {
                centre,
                radius,
                width,
                tone,
            } => self.ring(*centre, *radius, *width, *tone),
            Item::Disc {
                centre,
                radius,
                aspect,
                tone,
            } => {
                let (cx, cy) = self.at(*centre);
                let (rx, ry) = (self.length(*radius), self.length(radius * aspect));
                self.shape(*tone, [cx - rx, cy - ry, cx + rx, cy + ry], |x, y| {
                    let d = ((x - cx) / rx).hypot((y - cy) / ry);
                    ((1.0 - d) * rx.min(ry) + 0.5).clamp(0.0, 1.0)
                });
            }
            Item::Triangle { corners, tone } => self.triangle(corners, *tone),
            Item::Text(text) => self.text(text),
            Item::Runs {
                runs,
                x,
                y,
                em,
                longest,
            } => {
                let natural: f32 = runs.iter().map(|(t, w)| self.fonts.width(*w, t) * em).sum();
                let stretch = (longest / natural).min(1.0);
                let mut left = *x;
                for (text, weight) in runs {
                    let width = self.fonts.width(*weight, text) * em * stretch;
                    self.text(&Text {
                        text: text.clone(),
                        x: left,
                        y: *y,
                        em: *em,
                        stretch,
                        longest: f32::MAX,
                        weight: *weight,
                        align: Align::Left,
                        tone: Tone::Black,
                    });
                    left += width;
                }
            }
            Item::Pen { glyph, at, side } => {
                let (left, top) = self.at(*at);
                let scale = self.length(*side);
                self.pen.draw(
                    glyph,
                    Placement {
                        left,
                        top,
                        scale_x: scale,
                        scale_y: scale,
                    },
                );
            }
        }
    }

    fn blend(&mut self, x: usize, y: usize, colour: [u8; 3], cover: f32) {
        if cover <= 0.0 {
            return;
        }
        if let Some(pixel) = self.image.get_pixel_mut_checked(dimension(x), dimension(y)) {
            for (p, c) in pixel.0.iter_mut().zip(colour) {
                *p = level(f32::from(*p) + (f32::from(c) - f32::from(*p)) * cover.min(1.0));
            }
        }
    }

    /// Paints a shape given by its coverage of the pixel with centre (x, y).
    fn shape(&mut self, tone: Tone, bounds: [f32; 4], cover: impl Fn(f32, f32) -> f32) {
        let Some(colour) = self.colour(tone) else { return };
        for y in floor(bounds[1] - 1.0)..ceil(bounds[3] + 1.0).min(self.pen.height) {
            for x in floor(bounds[0] - 1.0)..ceil(bounds[2] + 1.0).min(self.pen.width) {
                self.blend(x, y, colour, cover(x as f32 + 0.5, y as f32 + 0.5));
            }
        }
    }

    fn fill(&mut self, area: [f32; 4], tone: Tone, round: [f32; 2]) {
        let (l, t) = self.at([area[0], area[1]]);
        let (r, b) = self.at([area[2], area[3]]);
        let radius = [self.length(round[0]), self.length(round[1])];
        self.shape(tone, [l, t, r, b], |x, y| {
            let flat = (x - l + 0.5).clamp(0.0, 1.0)
                * (r - x + 0.5).clamp(0.0, 1.0)
                * (y - t + 0.5).clamp(0.0, 1.0)
                * (b - y + 0.5).clamp(0.0, 1.0);
            let (corner, edge) = if y - t < b - y {
                (radius[0], y - t)
            } else {
                (radius[1], b - y)
            };
            let side = (x - l).min(r - x);
            if side < corner && edge < corner {
                flat * (corner - (corner - side).hypot(corner - edge) + 0.5).clamp(0.0, 1.0)
            } else {
                flat
            }
        });
    }

    fn frame(&mut self, area: [f32; 4], width: f32, tone: Tone, round: [f32; 2]) {
        let [l, t, r, b] = area;
        let aspect = self.scale[0] / self.scale[1];
        let mut path = Vec::new();
        let mut corner = |x: f32, y: f32, radius: f32, from: f32, sx: f32, sy: f32| {
            let steps = if radius > 0.0 { 8 } else { 0 };
            for i in 0..=steps {
                let angle = from + std::f32::consts::FRAC_PI_2 * if steps == 0 { 0.0 } else { i as f32 / 8.0 };
                let centre = [x + sx * radius, y + sy * radius * aspect];
                path.push([
                    centre[0] + radius * angle.cos(),
                    centre[1] + radius * angle.sin() * aspect,
                ]);
            }
        };
        let quarter = std::f32::consts::FRAC_PI_2;
        corner(l, t, round[0], 2.0 * quarter, 1.0, 1.0);
        corner(r, t, round[0], 3.0 * quarter, -1.0, 1.0);
        corner(r, b, round[1], 0.0, -1.0, -1.0);
        corner(l, b, round[1], quarter, 1.0, -1.0);
        path.push(path[0]);
        for pair in path.windows(2) {
            self.line(pair[0], pair[1], width, tone, None);
        }
    }

    fn line(&mut self, from: [f32; 2], to: [f32; 2], width: f32, tone: Tone, dots: Option<f32>) {
        let (a, b) = (self.at(from), self.at(to));
        let r = self.length(width) * 0.5;
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy).max(1e-3);
        let period = dots.map(|d| self.length(d));
        let strong = (2.0 * r).min(1.0);
        self.shape(
            tone,
            [a.0.min(b.0) - r, a.1.min(b.1) - r, a.0.max(b.0) + r, a.1.max(b.1) + r],
            |x, y| {
                let along = ((x - a.0) * dx + (y - a.1) * dy) / length;
                let (ex, ey) = (
                    x - a.0 - dx / length * along.clamp(0.0, length),
                    y - a.1 - dy / length * along.clamp(0.0, length),
                );
                let cover = (r + 0.5 - ex.hypot(ey)).clamp(0.0, 1.0) * strong;
                match period {
                    Some(p) if along.rem_euclid(p) > p * 0.5 => 0.0,
                    _ => cover,
                }
            },
        );
    }

    fn ring(&mut self, centre: [f32; 2], radius: f32, width: f32, tone: Tone) {
        let (cx, cy) = self.at(centre);
        let (radius, half) = (self.length(radius), self.length(width) * 0.5);
        let reach = radius + half;
        let strong = (2.0 * half).min(1.0);
        self.shape(tone, [cx - reach, cy - reach, cx + reach, cy + reach], |x, y| {
            (half + 0.5 - ((x - cx).hypot(y - cy) - radius).abs()).clamp(0.0, 1.0) * strong
        });
    }

    fn triangle(&mut self, corners: &[[f32; 2]; 3], tone: Tone) {
        let points = corners.map(|c| self.at(c));
        let xs = points.map(|p| p.0);
        let ys = points.map(|p| p.1);
        let bounds = [
            xs[0].min(xs[1]).min(xs[2]),
            ys[0].min(ys[1]).min(ys[2]),
            xs[0].max(xs[1]).max(xs[2]),
            ys[0].max(ys[1]).max(ys[2]),
        ];
        let cross = |a: (f32, f32), b: (f32, f32), x: f32, y: f32| {
            let (dx, dy) = (b.0 - a.0, b.1 - a.1);
            (dx * (y - a.1) - dy * (x - a.0)) / dx.hypot(dy)
        };
        let sign = cross(points[0], points[1], points[2].0, points[2].1).signum();
        self.shape(tone, bounds, |x, y| {
            (0..3)
                .map(|i| (cross(points[i], points[(i + 1) % 3], x, y) * sign + 0.5).clamp(0.0, 1.0))
                .fold(1.0, f32::min)
        });
    }

    fn text(&mut self, text: &Text) {
        let Some(colour) = self.colour(text.tone) else { return };
        let font = self.fonts.of(text.weight);
        let natural = self.fonts.width(text.weight, &text.text) * text.em * text.stretch;
        let squeeze = if natural > text.longest {
            text.longest / natural
        } else {
            1.0
        };
        let width = natural * squeeze;
        let left = match text.align {
            Align::Left => text.x,
            Align::Centre => text.x - width * 0.5,
            Align::Right => text.x - width,
        };
        // ab_glyph scales by the line height, the form's sizes are ems; capitals are 0.716 em high.
        let units = font.units_per_em().unwrap_or(2048.0);
        let em = self.length(text.em);
        let line = font.height_unscaled() / units;
        let scale = PxScale {
            x: em * line * text.stretch * squeeze,
            y: em * line,
        };
        let (mut x, y) = self.at([left, text.y]);
        let baseline = y + em * 0.716 * 0.5;
        for c in text.text.chars() {
            let id = font.glyph_id(c);
            let glyph = FontGlyph {
                id,
                scale,
                position: point(x, baseline),
            };
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|gx, gy, cover| {
                    let (px, py) = (bounds.min.x + gx as f32, bounds.min.y + gy as f32);
                    if px >= 0.0 && py >= 0.0 {
                        self.blend(floor(px), floor(py), colour, cover);
                    }
                });
            }
            x += font.h_advance_unscaled(id) / units * em * text.stretch * squeeze;
        }
    }

    fn finish(mut self) -> RgbImage {
        let pen = std::mem::replace(&mut self.pen, Canvas::new(0, 0));
        for (pixel, ink) in self.image.pixels_mut().zip(&pen.ink) {
            if *ink > 0.0 {
                for (p, c) in pixel.0.iter_mut().zip(self.look.pen) {
                    // Ink darkens what is printed under it, it never lightens it.
                    let under = f32::from(*p);
                    *p = level(under.min(under + (f32::from(c) - under) * ink));
                }
            }
        }
        self.image
    }
}
