//! Pages with their cells coloured by state.

use anyhow::{Context, Result};
use castor_domain::reading::{FieldReading, FormReading};
use castor_domain::symbol::Symbol;
use castor_vision::input::Document;
use image::{Rgb, RgbImage};
use imageproc::drawing::draw_hollow_rect_mut;
use imageproc::rect::Rect;
use std::path::{Path, PathBuf};

/// Draws every page of a form; gives the pictures' paths.
pub(crate) fn draw(document: &Document, form: &FormReading, source: &Path, folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make folder {}", folder.display()))?;
    let stem = source
        .file_stem()
        .map_or_else(|| "form".into(), |s| s.to_string_lossy().into_owned());
    let mut paths = Vec::new();
    for number in 1..=document.page_count() {
        let page = document.page(number)?;
        let mut picture = RgbImage::from_fn(page.gray.width(), page.gray.height(), |x, y| {
            let v = page.gray.get_pixel(x, y).0[0];
            Rgb([v, v, v])
        });
        for field in form.fields.iter().filter(|f| f.page == number) {
            frame(&mut picture, field);
        }
        let path = folder.join(format!("{stem}_page_{number:02}.png"));
        picture
            .save(&path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        paths.push(path);
    }
    Ok(paths)
}

/// Orange to review, green read, blue fillers only, grey blank.
fn colour(field: &FieldReading) -> Rgb<u8> {
    if field.needs_review {
        Rgb([230, 90, 0])
    } else if field.marks.iter().any(|m| matches!(m, Symbol::Digit(_))) {
        Rgb([0, 140, 40])
    } else if field.marks.contains(&Symbol::Filler) {
        Rgb([30, 90, 200])
    } else {
        Rgb([130, 130, 130])
    }
}

fn frame(picture: &mut RgbImage, field: &FieldReading) {
    let b = field.bbox;
    let colour = colour(field);
    let thick = (b.height / 25).clamp(1, 4);
    for i in 0..thick {
        let at = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        let (w, h) = (b.width + 2 * i, b.height + 2 * i);
        if w > 0 && h > 0 {
            draw_hollow_rect_mut(
                picture,
                Rect::at(at(b.x) - at(i), at(b.y) - at(i)).of_size(w, h),
                colour,
            );
        }
    }
    if let Some(value) = field.value {
        write_number(
            picture,
            value,
            b.x.saturating_sub(b.width * 2 / 5),
            b.y + b.height / 4,
            (b.height / 12).max(1),
            colour,
        );
    }
}

/// Five rows of three bits a digit: enough to read a number beside its cell without a font.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 7, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 2, 2, 2],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];

fn write_number(picture: &mut RgbImage, value: u16, x: u32, y: u32, dot: u32, colour: Rgb<u8>) {
    for (i, digit) in (0u32..).zip(value.to_string().bytes()) {
        let rows = DIGITS[usize::from(digit - b'0')];
        for (r, row) in (0u32..).zip(rows) {
            for c in 0..3u32 {
                if row >> (2 - c) & 1 == 1 {
                    for dy in 0..dot {
                        for dx in 0..dot {
                            let (px, py) = (x + (i * 4 + c) * dot + dx, y + r * dot + dy);
                            if px < picture.width() && py < picture.height() {
                                picture.put_pixel(px, py, colour);
                            }
                        }
                    }
                }
            }
        }
    }
}
