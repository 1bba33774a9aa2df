//! Files made for the tests, byte by byte where an encoder would not make them wrong enough.

use image::{DynamicImage, GrayImage, ImageFormat, Luma};
use std::fmt::Write;
use std::io::Cursor;

/// A page whose corners and shape tell how it was turned: a black bar at the top, a black square at the bottom left.
pub(crate) fn page(width: u32, height: u32) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let bar = y < height / 10;
        let square = x < width / 4 && y >= height - width / 4;
        Luma([if bar || square { 0 } else { 255 }])
    })
}

/// Whether a picture shows [`page`] upright at its own or another size.
pub(crate) fn shows_page_upright(gray: &GrayImage) -> bool {
    let (w, h) = gray.dimensions();
    let dark = |x: u32, y: u32| gray.get_pixel(x, y).0[0] < 128;
    dark(w / 8, h / 20)
        && dark(w * 7 / 8, h / 20)
        && dark(w / 8, h - w / 8)
        && !dark(w * 7 / 8, h - w / 8)
        && !dark(w / 2, h / 2)
}

pub(crate) fn encoded(gray: &GrayImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(gray.clone())
        .write_to(&mut out, format)
        .unwrap();
    out.into_inner()
}

/// A colour JPEG, with an EXIF orientation when given.
pub(crate) fn jpeg(gray: &GrayImage, orientation: Option<u8>) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    let colour = DynamicImage::ImageLuma8(gray.clone()).into_rgb8();
    colour.write_to(&mut out, ImageFormat::Jpeg).unwrap();
    let mut bytes = out.into_inner();
    if let Some(orientation) = orientation {
        // APP1: "Exif", a little-endian TIFF with one entry, tag 0x0112, type short, count 1.
        let mut exif = b"Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let mut segment = vec![0xff, 0xe1, length[0], length[1]];
        segment.extend(exif);
        bytes.splice(2..2, segment);
    }
    bytes
}

/// An uncompressed TIFF with one eight-bit page after the other.
pub(crate) fn tiff(pages: &[GrayImage]) -> Vec<u8> {
    let mut out = b"II\x2a\0".to_vec();
    let mut link = out.len();
    out.extend([0; 4]);
    for page in pages {
        let strip = u32::try_from(out.len()).unwrap();
        out.extend(page.as_raw());
        out.resize(out.len().next_multiple_of(2), 0);
        let directory = u32::try_from(out.len()).unwrap();
        out[link..link + 4].copy_from_slice(&directory.to_le_bytes());
        let (w, h) = page.dimensions();
        // Tag and value of long entries: width, height, bits, no compression, black is zero, strip, one sample, rows,
        // bytes of the strip.
        let entries = [
            (256u16, w),
            (257, h),
            (258, 8),
            (259, 1),
            (262, 1),
            (273, strip),
            (277, 1),
            (278, h),
            (279, w * h),
        ];
        out.extend(u16::try_from(entries.len()).unwrap().to_le_bytes());
        for (tag, value) in entries {
            out.extend(tag.to_le_bytes());
            out.extend(4u16.to_le_bytes());
            out.extend(1u32.to_le_bytes());
            out.extend(value.to_le_bytes());
        }
        link = out.len();
        out.extend([0; 4]);
    }
    out
}

/// A PDF of numbered objects with a correct cross-reference table; object 1 is the catalogue. `trailer` is added to the
/// trailer's dictionary.
pub(crate) fn pdf(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut table = String::new();
    for (i, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", out.len()).unwrap();
        out.extend(format!("{} 0 obj\n", i + 1).bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let start = out.len();
    let size = objects.len() + 1;
    let text = format!(
        "xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    );
    out.extend(text.bytes());
    out
}

pub(crate) fn stream(dictionary: &str, data: &[u8]) -> Vec<u8> {
    let mut out = format!("<< {dictionary} /Length {} >>\nstream\n", data.len()).into_bytes();
    out.extend(data);
    out.extend(b"\nendstream");
    out
}

/// A page of a [`scan_pdf`].
pub(crate) struct Scan {
    /// Dictionary entries of the image beside its size.
    pub(crate) image: String,
    pub(crate) data: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// Content stream; `/I` is the image, on a page of 210 × 630 points.
    pub(crate) content: String,
    /// Entries of the page's dictionary.
    pub(crate) page: String,
}

impl Scan {
    /// A grey scan that fills the page.
    pub(crate) fn of(gray: &GrayImage) -> Self {
        Self {
            image: "/ColorSpace /DeviceGray /BitsPerComponent 8".into(),
            data: gray.as_raw().clone(),
            width: gray.width(),
            height: gray.height(),
            content: "q 210 0 0 630 0 0 cm /I Do Q".into(),
            page: String::new(),
        }
    }
}

/// A PDF with one page for each scan.
pub(crate) fn scan_pdf(scans: &[Scan]) -> Vec<u8> {
    let kids: String = (0..scans.len()).map(|i| format!("{} 0 R ", 3 + 3 * i)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {} >>", scans.len()).into_bytes(),
    ];
    for scan in scans {
        let n = objects.len() + 1;
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 210 630] /Contents {} 0 R /Resources << /XObject << /I {} 0 R >> \
             /Font << /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> {} >>",
            n + 1,
            n + 2,
            scan.page
        );
        objects.push(page.into_bytes());
        objects.push(stream("", scan.content.as_bytes()));
        let image = format!(
            "/Type /XObject /Subtype /Image /Width {} /Height {} {}",
            scan.width, scan.height, scan.image
        );
        objects.push(stream(&image, &scan.data));
    }
    pdf(&objects, "")
}

/// Rows of one bit a pixel, 1 white.
pub(crate) fn packed(gray: &GrayImage) -> Vec<u8> {
    gray.rows()
        .flat_map(|row| {
            let bits: Vec<bool> = row.map(|p| p.0[0] >= 128).collect();
            bits.chunks(8)
                .map(|c| {
                    c.iter()
                        .enumerate()
                        .fold(0u8, |b, (i, &on)| b | u8::from(on) << (7 - i))
                })
                .collect::<Vec<u8>>()
        })
        .collect()
}
