//! A minimal PDF: one image per page, as the portal's files are.

use std::fmt::Write as _;
use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder};

use crate::error::TestkitError;

/// Encodes page images as a PDF. Black-and-white pages are stored bit by bit, the others as JPEG of the given quality.
pub(crate) fn encode(pages: &[DynamicImage], quality: u8) -> Result<Vec<u8>, TestkitError> {
    let mut file = Writer {
        bytes: b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n".to_vec(),
        offsets: Vec::new(),
    };
    // Objects: 1 catalogue, 2 page tree, then three per page: page, contents, image.
    let kids = (0..pages.len())
        .map(|i| format!("{} 0 R", 3 + i * 3))
        .collect::<Vec<_>>()
        .join(" ");
    file.object(1, b"<< /Type /Catalog /Pages 2 0 R >>");
    file.object(
        2,
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", pages.len()).as_bytes(),
    );
    for (i, page) in pages.iter().enumerate() {
        let id = 3 + i * 3;
        // 72 dpi nominal, as the portal's scans say of themselves.
        let (w, h) = (page.width(), page.height());
        let body = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {w} {h}] /Contents {} 0 R /Resources << /XObject << /Im {} 0 R >> >> >>",
            id + 1,
            id + 2
        );
        file.object(id, body.as_bytes());
        file.stream(id + 1, "", format!("q {w} 0 0 {h} 0 0 cm /Im Do Q").as_bytes());
        let (kind, data) = image_stream(page, quality)?;
        let dictionary = format!(" /Type /XObject /Subtype /Image /Width {w} /Height {h}{kind}");
        file.stream(id + 2, &dictionary, &data);
    }
    Ok(file.finish())
}

fn image_stream(page: &DynamicImage, quality: u8) -> Result<(&'static str, Vec<u8>), TestkitError> {
    if let DynamicImage::ImageLuma8(gray) = page
        && gray.pixels().all(|p| p.0[0] == 0 || p.0[0] == 255)
    {
        let mut rows = Vec::with_capacity(gray.width().div_ceil(8) as usize * gray.height() as usize);
        for row in gray.rows() {
            let bits: Vec<bool> = row.map(|p| p.0[0] > 127).collect();
            rows.extend(
                bits.chunks(8)
                    .map(|c| (0..8).fold(0_u8, |b, i| b << 1 | u8::from(c.get(i).copied().unwrap_or(true)))),
            );
        }
        return Ok((
            " /ColorSpace /DeviceGray /BitsPerComponent 1 /Filter /RunLengthDecode",
            run_length(&rows),
        ));
    }
    let rgb = page.to_rgb8();
    let mut jpeg = Cursor::new(Vec::new());
    JpegEncoder::new_with_quality(&mut jpeg, quality).write_image(
        rgb.as_raw(),
        rgb.width(),
        rgb.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok((
        " /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode",
        jpeg.into_inner(),
    ))
}

/// PDF's RunLengthDecode: a length byte and literal bytes, or 257 − n and a byte that is repeated n times.
fn run_length(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 4);
    let run_at = |i: usize| data[i..].iter().take(128).take_while(|b| **b == data[i]).count();
    let mut i = 0;
    while i < data.len() {
        let run = run_at(i);
        if run > 1 {
            out.push(u8::try_from(257 - run).unwrap_or(129));
            out.push(data[i]);
            i += run;
            continue;
        }
        let start = i;
        while i < data.len() && i - start < 128 && run_at(i) < 3 {
            i += 1;
        }
        let literal = &data[start..i.max(start + 1)];
        i = start + literal.len();
        out.push(u8::try_from(literal.len() - 1).unwrap_or(127));
        out.extend_from_slice(literal);
    }
    out.push(128);
    out
}

struct Writer {
    bytes: Vec<u8>,
    offsets: Vec<usize>,
}

impl Writer {
    fn object(&mut self, id: usize, body: &[u8]) {
        debug_assert_eq!(id, self.offsets.len() + 1, "objects are written in order");
        self.offsets.push(self.bytes.len());
        self.bytes.extend_from_slice(format!("{id} 0 obj\n").as_bytes());
        self.bytes.extend_from_slice(body);
        self.bytes.extend_from_slice(b"\nendobj\n");
    }

    fn stream(&mut self, id: usize, dictionary: &str, data: &[u8]) {
        let mut body = format!("<< /Length {}{dictionary} >>\nstream\n", data.len()).into_bytes();
        body.extend_from_slice(data);
        body.extend_from_slice(b"\nendstream");
        self.object(id, &body);
    }

    fn finish(mut self) -> Vec<u8> {
        let start = self.bytes.len();
        let size = self.offsets.len() + 1;
        let mut tail = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for offset in &self.offsets {
            // Writing to a string cannot fail.
            let _ = writeln!(tail, "{offset:010} 00000 n ");
        }
        let _ = write!(
            tail,
            "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
        );
        self.bytes.extend_from_slice(tail.as_bytes());
        self.bytes
    }
}
