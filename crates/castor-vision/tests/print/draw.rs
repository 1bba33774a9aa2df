//! Pages drawn with the typeface's samples.

use castor_vision::page::RectifiedPage;
use image::{GrayImage, Luma};
use std::collections::HashMap;

pub(crate) const REGULAR: &str = "regular";
pub(crate) const BOLD: &str = "bold";

/// The samples that the matcher ships with, by weight and character: left edge on the sheet and advance.
pub(crate) struct Typeface {
    sheet: GrayImage,
    glyphs: HashMap<(String, char), (f32, f32)>,
}

impl Typeface {
    pub(crate) fn load() -> Self {
        let sheet = image::load_from_memory(include_bytes!("../../assets/print.png"))
            .unwrap()
            .into_luma8();
        let glyphs = include_str!("../../assets/print.tsv")
            .lines()
            .map(|line| {
                let parts: Vec<&str> = line.split('\t').collect();
                let character = parts[1].chars().next().unwrap();
                let place = (parts[2].parse().unwrap(), parts[3].parse::<f32>().unwrap());
                ((parts[0].to_owned(), character), place)
            })
            .collect();
        Self { sheet, glyphs }
    }

    /// Draws words of different weights one after the other; capitals are `height` pixels, and the base line falls by
    /// `slope` per pixel.
    pub(crate) fn write(&self, page: &mut GrayImage, at: (f32, f32), height: f32, slope: f32, words: &[(&str, &str)]) {
        let mut x = at.0;
        for &(weight, text) in words {
            for c in text.chars() {
                let Some(&(left, advance)) = self.glyphs.get(&(weight.to_owned(), c)) else {
                    x += 0.388 * height;
                    continue;
                };
                self.glyph(page, (x, at.1 + slope * (x - at.0)), height, left, advance);
                x += advance * height;
            }
        }
    }

    fn glyph(&self, page: &mut GrayImage, at: (f32, f32), height: f32, left: f32, advance: f32) {
        let scale = 20.0 / height;
        let (w, h) = ((advance * height).round() as i32, (1.6 * height).round() as i32);
        let top = at.1 - 1.36 * height;
        for dy in 0..h {
            for dx in 0..w {
                // Three samples each way smooth the reduction.
                let mut sum = 0.0;
                for i in 0..3 {
                    for j in 0..3 {
                        let sx = left + (dx as f32 + (i as f32 + 0.5) / 3.0) * scale;
                        let sy = (dy as f32 + (j as f32 + 0.5) / 3.0) * scale;
                        let inside = sx < left + (advance * 20.0).round() && sy < self.sheet.height() as f32;
                        if inside {
                            sum += f32::from(self.sheet.get_pixel(sx as u32, sy as u32).0[0]);
                        }
                    }
                }
                let (px, py) = ((at.0 + dx as f32).round(), (top + dy as f32).round());
                if sum > 0.0 && px >= 0.0 && py >= 0.0 && px < page.width() as f32 && py < page.height() as f32 {
                    let pixel = page.get_pixel_mut(px as u32, py as u32);
                    pixel.0[0] = pixel.0[0].min(255 - (sum / 9.0) as u8);
                }
            }
        }
    }
}

/// A blank canonical page.
pub(crate) fn page() -> GrayImage {
    GrayImage::from_pixel(920, 2738, Luma([255]))
}

pub(crate) fn rectified(gray: GrayImage) -> RectifiedPage {
    RectifiedPage { gray }
}

/// A stroke three pixels wide.
pub(crate) fn stroke(page: &mut GrayImage, from: (f32, f32), to: (f32, f32)) {
    let steps = (to.0 - from.0).abs().max((to.1 - from.1).abs()) as u32 * 2;
    for i in 0..=steps {
        let t = i as f32 / steps as f32;
        let (x, y) = (from.0 + (to.0 - from.0) * t, from.1 + (to.1 - from.1) * t);
        for dy in -1..=1 {
            for dx in -1..=1 {
                page.put_pixel((x as i32 + dx) as u32, (y as i32 + dy) as u32, Luma([20]));
            }
        }
    }
}

/// A box outline two pixels wide.
pub(crate) fn frame(page: &mut GrayImage, left: u32, top: u32, right: u32, bottom: u32) {
    for t in 0..2 {
        for x in left..=right {
            page.put_pixel(x, top + t, Luma([90]));
            page.put_pixel(x, bottom - t, Luma([90]));
        }
        for y in top..=bottom {
            page.put_pixel(left + t, y, Luma([90]));
            page.put_pixel(right - t, y, Luma([90]));
        }
    }
}

/// The page as a poor photograph shows it: blurred, grey paper that darkens to the right.
pub(crate) fn photographed(page: &GrayImage, sigma: f32) -> GrayImage {
    let mut blurred = image::imageops::blur(page, sigma);
    for (x, _, p) in blurred.enumerate_pixels_mut() {
        let paper = 215.0 - 60.0 * x as f32 / 920.0;
        p.0[0] = (40.0 + (paper - 40.0) * f32::from(p.0[0]) / 255.0) as u8;
    }
    blurred
}
