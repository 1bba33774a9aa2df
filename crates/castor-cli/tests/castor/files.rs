//! Bad files made for the tests, byte by byte where no encoder makes them.

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use std::fmt::Write;
use std::io::Cursor;

/// A PDF of numbered objects with a correct cross-reference table; object 1 is the catalogue. `trailer` is added to the
/// trailer's dictionary.
pub(crate) fn pdf(objects: &[String], trailer: &str) -> Vec<u8> {
    let mut out = String::from("%PDF-1.4\n");
    let mut table = String::new();
    for (i, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", out.len()).unwrap();
        write!(out, "{} 0 obj\n{object}\nendobj\n", i + 1).unwrap();
    }
    let (start, size) = (out.len(), objects.len() + 1);
    write!(
        out,
        "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    )
    .unwrap();
    out.into_bytes()
}

const CATALOGUE: &str = "<< /Type /Catalog /Pages 2 0 R >>";
const EMPTY_PAGE: &str = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 210 630] >>";

fn tree(pages: usize) -> String {
    format!("<< /Type /Pages /Kids [{}] /Count {pages} >>", "3 0 R ".repeat(pages))
}

/// A PDF that opens only with a password.
pub(crate) fn encrypted_pdf() -> Vec<u8> {
    let key = "0123456789abcdef".repeat(4);
    let trailer = format!(
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<{id}> <{id}>]",
        id = "00112233445566778899aabbccddeeff"
    );
    pdf(&[CATALOGUE.into(), tree(1), EMPTY_PAGE.into()], &trailer)
}

/// A PDF of so many empty pages.
pub(crate) fn long_pdf(pages: usize) -> Vec<u8> {
    pdf(&[CATALOGUE.into(), tree(pages), EMPTY_PAGE.into()], "")
}

/// A PDF whose one picture says that it has this size.
pub(crate) fn pdf_bomb(width: u32, height: u32) -> Vec<u8> {
    let content = "q 210 0 0 630 0 0 cm /I Do Q";
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 210 630] /Contents 4 0 R /Resources << /XObject << /I 5 0 R >> >> >>";
    let image = format!(
        "<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /DeviceGray /BitsPerComponent 8 \
         /Length 4 >>\nstream\nabcd\nendstream"
    );
    let content = format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len());
    pdf(&[CATALOGUE.into(), tree(1), page.into(), content, image], "")
}

/// A PNG that says that it has this size.
pub(crate) fn png_bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(&GrayImage::new(8, 8), ImageFormat::Png);
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 0, 0, 0, 0]);
    let mut crc = u32::MAX;
    for byte in &header {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    bytes.splice(12..33, header.into_iter().chain((!crc).to_be_bytes()));
    bytes
}

/// A photograph of something else: a lit wall with things on it, and grain.
pub(crate) fn something_else(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let picture = GrayImage::from_fn(width, height, |x, y| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let light = 90 + 120 * x / width;
        let thing = (x / 97 + y / 61) % 5 == 0;
        let level = if thing { light / 2 } else { light } + (state >> 27);
        Luma([u8::try_from(level.min(255)).unwrap()])
    });
    encoded(&picture, ImageFormat::Jpeg)
}

pub(crate) fn encoded(picture: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(picture.clone())
        .write_to(&mut out, format)
        .unwrap();
    out.into_inner()
}
