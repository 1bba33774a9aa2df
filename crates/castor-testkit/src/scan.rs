//! Scanners and cameras: from a page's shapes to the image that a portal or a phone would give.

use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};
use imageproc::geometric_transformations::Projection;
use rand::{Rng, RngExt};

use crate::degrade::{add_noise, blur, speckle};
use crate::draw::{Look, draw};
use crate::fonts::Fonts;
use crate::hand::normal;
use crate::ink::Canvas;
use crate::num::{ceil, dimension, floor, level};
use crate::sheet::Sheet;

/// Device that takes the image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Device {
    /// 1-bit scan of the given width in pixels (about 868 on the portal): coloured and grey print vanishes.
    DropOut {
        /// Pixels across.
        width: u32,
    },
    /// 1-bit scan of the given resolution that keeps box frames.
    Bitonal {
        /// Dots per inch.
        dpi: f32,
    },
    /// Colour flat-bed scan.
    Colour {
        /// Dots per inch.
        dpi: f32,
    },
    /// Phone photograph of the given width in pixels, desk included.
    Phone {
        /// Pixels across.
        width: u32,
    },
}

/// Turn of the whole image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Upright.
    None,
    /// 90° clockwise.
    Quarter,
    /// Upside down.
    Half,
    /// 270° clockwise.
    ThreeQuarters,
}

/// How a page becomes an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scan {
    /// Scanner or camera.
    pub device: Device,
    /// Slant of the paper in the image, degrees clockwise.
    pub skew: f32,
    /// Turn of the whole image.
    pub turn: Turn,
    /// A corner of the paper, with its mark, is missing: 0 top left, 1 top right, 2 bottom right, 3 bottom left.
    pub cut: Option<u8>,
}

impl Scan {
    fn straight(device: Device) -> Self {
        Self {
            device,
            skew: 0.0,
            turn: Turn::None,
            cut: None,
        }
    }

    /// The portal's 1-bit scan of 2023 to 2026.
    #[must_use]
    pub fn drop_out() -> Self {
        Self::straight(Device::DropOut { width: 868 })
    }

    /// The 1-bit 300-dpi scan of 2022.
    #[must_use]
    pub fn bitonal_300() -> Self {
        Self::straight(Device::Bitonal { dpi: 300.0 })
    }

    /// The colour scan of claveros copies.
    #[must_use]
    pub fn colour_300() -> Self {
        Self::straight(Device::Colour { dpi: 300.0 })
    }

    /// A phone photograph.
    #[must_use]
    pub fn phone(width: u32) -> Self {
        Self::straight(Device::Phone { width })
    }

    /// The same scan with a turned image.
    #[must_use]
    pub fn turned(self, turn: Turn) -> Self {
        Self { turn, ..self }
    }

    /// The same scan with slanted paper, in degrees.
    #[must_use]
    pub fn skewed(self, skew: f32) -> Self {
        Self { skew, ..self }
    }

    /// The same scan without one corner of the paper (0 top left, clockwise).
    #[must_use]
    pub fn without_corner(self, corner: u8) -> Self {
        Self {
            cut: Some(corner),
            ..self
        }
    }

    /// Draws a scan as they occur: mostly 1-bit, then colour, then phones; a few turned, cut or coarse.
    pub fn sample<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let device = match rng.random_range(0..100) {
            0..45 => Device::DropOut {
                width: rng.random_range(820..900),
            },
            45..60 => Device::Bitonal { dpi: 300.0 },
            60..80 => Device::Colour {
                dpi: *[200.0, 300.0, 300.0].get(rng.random_range(0..3)).unwrap_or(&300.0),
            },
            _ => Device::Phone {
                width: rng.random_range(180..1200),
            },
        };
        let turn = match rng.random_range(0..40) {
            0 => Turn::Quarter,
            1 => Turn::Half,
            2 => Turn::ThreeQuarters,
            _ => Turn::None,
        };
        let cut = rng.random_bool(0.03).then(|| rng.random_range(0..4));
        Self {
            device,
            skew: normal(rng, 0.0, 0.5),
            turn,
            cut,
        }
    }
}

/// Draws the page and takes its image.
pub(crate) fn render<R: Rng + ?Sized>(rng: &mut R, sheet: &Sheet, scan: Scan, fonts: &Fonts) -> DynamicImage {
    let paper = sheet.geometry;
    let blue = rng.random_bool(0.35);
    let pen = if blue { [28, 40, 120] } else { [26, 26, 30] };
    let per_mm = match scan.device {
        Device::DropOut { width } => width as f32 / paper.paper_width_mm,
        Device::Bitonal { dpi } | Device::Colour { dpi } => dpi / 25.4,
        // Drawn a little finer than photographed: the lens blurs.
        Device::Phone { width } => (width as f32 * 1.25 / paper.paper_width_mm).max(2.2),
    };
    let bitonal = matches!(scan.device, Device::DropOut { .. } | Device::Bitonal { .. });
    let bands = [[24, 24, 28], [120, 60, 160], [20, 90, 140], [150, 90, 30], [90, 90, 96]];
    let band = match scan.device {
        // Some copies' bands come out mottled.
        Device::DropOut { .. } => {
            [if rng.random_bool(0.25) {
                rng.random_range(96..140)
            } else {
                30
            }; 3]
        }
        Device::Bitonal { .. } => [30; 3],
        Device::Colour { .. } | Device::Phone { .. } => bands[rng.random_range(0..bands.len())],
    };
    let look = Look {
        band,
        drop_out: matches!(scan.device, Device::DropOut { .. }),
        faint: rng.random_range(0.7..1.8),
        pen: if bitonal { [26, 26, 30] } else { pen },
        per_mm,
    };
    let mut page = draw(sheet, look, fonts);
    if let Some(corner) = scan.cut {
        cut_corner(&mut page, corner, per_mm);
    }
    let image = match scan.device {
        Device::DropOut { .. } | Device::Bitonal { .. } => {
            DynamicImage::ImageLuma8(bitonal_scan(rng, &page, scan.skew))
        }
        Device::Colour { .. } => DynamicImage::ImageRgb8(colour_scan(rng, &page, scan.skew)),
        Device::Phone { width } => DynamicImage::ImageRgb8(photograph(rng, &page, scan.skew, width)),
    };
    match scan.turn {
        Turn::None => image,
        Turn::Quarter => image.rotate90(),
        Turn::Half => image.rotate180(),
        Turn::ThreeQuarters => image.rotate270(),
    }
}

/// Tears a triangle of about 12 × 25 mm off.
fn cut_corner(page: &mut RgbImage, corner: u8, per_mm: f32) {
    let (w, h) = page.dimensions();
    let (across, down) = (14.0 * per_mm, 28.0 * per_mm);
    let (right, bottom) = (corner == 1 || corner == 2, corner >= 2);
    for (x, y, pixel) in page.enumerate_pixels_mut() {
        let dx = if right { w - 1 - x } else { x } as f32;
        let dy = if bottom { h - 1 - y } else { y } as f32;
        if dx / across + dy / down < 1.0 {
            *pixel = Rgb([255; 3]);
        }
    }
}

/// Places of the paper's corners in an image of the same size after a rotation about the centre.
fn rotated(w: f32, h: f32, degrees: f32) -> [(f32, f32); 4] {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (cx, cy) = (w * 0.5, h * 0.5);
    [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)].map(|(x, y)| {
        let (dx, dy) = (x - cx, y - cy);
        (cx + dx * cos - dy * sin, cy + dx * sin + dy * cos)
    })
}

/// Lays the page into an image so that its corners fall on the given places; `outside` gives the colour around it.
fn lay(
    page: &RgbImage,
    size: (u32, u32),
    corners: [(f32, f32); 4],
    outside: impl Fn(f32, f32) -> [f32; 3],
) -> Vec<[f32; 3]> {
    let (w, h) = (page.width() as f32, page.height() as f32);
    let source = [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)];
    // Degenerate corners cannot occur: they are always a slightly moved rectangle.
    let Some(back) = Projection::from_control_points(corners, source) else {
        return Vec::new();
    };
    let mut pixels = Vec::with_capacity(size.0 as usize * size.1 as usize);
    for y in 0..size.1 {
        for x in 0..size.0 {
            let at = (x as f32 + 0.5, y as f32 + 0.5);
            let (u, v) = back * at;
            let inside = u >= 0.0 && v >= 0.0 && u < w && v < h;
            pixels.push(if inside {
                sample(page, u - 0.5, v - 0.5)
            } else {
                outside(at.0, at.1)
            });
        }
    }
    pixels
}

fn sample(page: &RgbImage, x: f32, y: f32) -> [f32; 3] {
    let (x, y) = (x.max(0.0), y.max(0.0));
    let (fx, fy) = (x.fract(), y.fract());
    let (x0, y0) = (
        dimension(floor(x)).min(page.width() - 1),
        dimension(floor(y)).min(page.height() - 1),
    );
    let (x1, y1) = ((x0 + 1).min(page.width() - 1), (y0 + 1).min(page.height() - 1));
    let (a, b) = (page.get_pixel(x0, y0).0, page.get_pixel(x1, y0).0);
    let (c, d) = (page.get_pixel(x0, y1).0, page.get_pixel(x1, y1).0);
    [0, 1, 2].map(|k| {
        let top = f32::from(a[k]) * (1.0 - fx) + f32::from(b[k]) * fx;
        let bottom = f32::from(c[k]) * (1.0 - fx) + f32::from(d[k]) * fx;
        top * (1.0 - fy) + bottom * fy
    })
}

fn bitonal_scan<R: Rng + ?Sized>(rng: &mut R, page: &RgbImage, skew: f32) -> GrayImage {
    let (w, h) = page.dimensions();
    let stretch = rng.random_range(-0.004..0.004);
    let mut corners = rotated(w as f32, h as f32, skew);
    corners[1].0 *= 1.0 + stretch;
    corners[2].0 *= 1.0 - stretch;
    let pixels = lay(page, (w, h), corners, |_, _| [255.0; 3]);
    let mut ink = Canvas::new(w as usize, h as usize);
    for (to, [r, g, b]) in ink.ink.iter_mut().zip(&pixels) {
        *to = 1.0 - (0.299 * r + 0.587 * g + 0.114 * b) / 255.0;
    }
    if rng.random_bool(0.3) {
        let specks = rng.random_range(0.01..0.15);
        speckle(rng, &mut ink, specks);
    }
    blur(&mut ink, rng.random_range(0.35..0.6));
    let noise = rng.random_range(0.02..0.07);
    add_noise(rng, &mut ink, noise);
    let threshold = normal(rng, 0.45, 0.05).clamp(0.32, 0.58);
    let mut image = GrayImage::from_pixel(w, h, Luma([255]));
    for (pixel, ink) in image.pixels_mut().zip(&ink.ink) {
        if *ink > threshold {
            pixel.0[0] = 0;
        }
    }
    image
}

/// Light on the paper at a place of the image, both from 0 to 1.
type Light<'a> = &'a dyn Fn(f32, f32) -> f32;

/// Blurs, lights and adds noise to each channel.
fn develop<R: Rng + ?Sized>(
    rng: &mut R,
    pixels: &[[f32; 3]],
    size: (u32, u32),
    sigma: f32,
    noise: f32,
    light: Light<'_>,
    tint: [f32; 3],
) -> RgbImage {
    let (w, h) = (size.0 as usize, size.1 as usize);
    let mut image = RgbImage::new(size.0, size.1);
    for channel in 0..3 {
        let mut plane = Canvas::new(w, h);
        for (to, from) in plane.ink.iter_mut().zip(pixels) {
            *to = from[channel] / 255.0;
        }
        blur(&mut plane, sigma);
        add_noise(rng, &mut plane, noise);
        for (i, (pixel, value)) in image.pixels_mut().zip(&plane.ink).enumerate() {
            let (x, y) = ((i % w) as f32 / w as f32, (i / w) as f32 / h as f32);
            pixel.0[channel] = level(value * tint[channel] * light(x, y) * 255.0);
        }
    }
    image
}

fn colour_scan<R: Rng + ?Sized>(rng: &mut R, page: &RgbImage, skew: f32) -> RgbImage {
    let size = page.dimensions();
    let corners = rotated(size.0 as f32, size.1 as f32, skew);
    let edge = rng.random_range(200.0..250.0);
    let pixels = lay(page, size, corners, |_, _| [edge; 3]);
    let white = rng.random_range(0.9..0.97);
    let tint = [white, white - 0.005, white + rng.random_range(-0.02..0.03)];
    let fall = rng.random_range(-0.02..0.02);
    let (sigma, noise) = (rng.random_range(0.45..0.8), rng.random_range(0.008..0.02));
    develop(rng, &pixels, size, sigma, noise, &|x, _| 1.0 + fall * (x - 0.5), tint)
}

fn photograph<R: Rng + ?Sized>(rng: &mut R, page: &RgbImage, skew: f32, width: u32) -> RgbImage {
    let aspect = page.height() as f32 / page.width() as f32;
    let w = width as f32;
    let margin = w * rng.random_range(0.015..0.08);
    let h = (w - 2.0 * margin) * aspect + 2.0 * margin;
    let size = (width, dimension(ceil(h)));
    let turned = rotated(w - 2.0 * margin, h - 2.0 * margin, skew);
    // The camera is never quite above the paper.
    let lean = [(); 4].map(|()| (normal(rng, 0.0, 0.012) * w, normal(rng, 0.0, 0.010) * w));
    let corners = [0, 1, 2, 3].map(|i| {
        let (x, y) = (turned[i].0 + margin + lean[i].0, turned[i].1 + margin + lean[i].1);
        (x.clamp(w * -0.005, w * 1.005), y.clamp(h * -0.002, h * 1.002))
    });
    let wood = [
        rng.random_range(60.0..200.0),
        rng.random_range(60.0..180.0),
        rng.random_range(50.0..170.0_f32),
    ];
    let grain = rng.random_range(0.02..0.3);
    let pixels = lay(page, size, corners, |x, y| {
        let wave = 1.0 + 0.12 * (y * grain + (x * 0.03).sin() * 3.0).sin();
        wood.map(|c| c * wave)
    });
    let white = rng.random_range(0.72..0.97);
    let warm = rng.random_range(-0.05..0.05);
    let tint = [white + warm, white, white - warm];
    let (gx, gy) = (rng.random_range(-0.25..0.25), rng.random_range(-0.2..0.2));
    let shadow = rng.random_bool(0.5).then(|| {
        (
            rng.random_range(0.0..6.3_f32),
            rng.random_range(-0.3..0.5_f32),
            rng.random_range(0.08..0.35_f32),
        )
    });
    let light = |x: f32, y: f32| {
        let mut light = 1.0 + gx * (x - 0.5) + gy * (y - 0.5);
        if let Some((angle, place, depth)) = shadow {
            let side = ((x - 0.5) * angle.cos() + (y - 0.5) * angle.sin() - place) * 14.0;
            light *= 1.0 - depth / (1.0 + (-side).exp());
        }
        light
    };
    let (sigma, noise) = (rng.random_range(0.3..0.85), rng.random_range(0.006..0.03));
    develop(rng, &pixels, size, sigma, noise, &light, tint)
}
