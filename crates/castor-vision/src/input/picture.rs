//! Pictures: PNG, JPEG, WebP, and TIFF with one or more pages.

use super::error::{InputError, one_line};
use super::sniff::{self, FileType};
use super::{Limits, gray, jpeg};
use image::codecs::{jpeg::JpegDecoder, png::PngDecoder, tiff::TiffDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageError};
use std::io::{BufRead, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

/// Number of pages in a picture file; 1 where the type has no pages.
pub(super) fn count(kind: FileType, bytes: &[u8]) -> u16 {
    match kind {
        FileType::Tiff => u16::try_from(tiff_directories(bytes).len()).unwrap_or(u16::MAX).max(1),
        FileType::Pdf | FileType::Png | FileType::Jpeg | FileType::Webp => 1,
    }
}

/// Decodes picture `index` (from 0) of a file.
pub(super) fn decode(file: &Path, bytes: &[u8], index: u16, limits: &Limits) -> Result<GrayImage, InputError> {
    if bytes.is_empty() {
        return Err(InputError::Empty { file: file.to_owned() });
    }
    let refuse = |e: ImageError| refusal(file, e);
    let source = Cursor::new(bytes);
    match sniff::file_type(bytes) {
        Some(FileType::Png) => {
            let decoder = PngDecoder::with_limits(source, decoder_limits(limits)).map_err(refuse)?;
            finish(file, decoder, limits)
        }
        Some(FileType::Jpeg) => {
            let mut decoder = JpegDecoder::new(source).map_err(refuse)?;
            match jpeg::brightness(file, bytes, limits)? {
                Some(gray) => Ok(upright(gray, orientation(&mut decoder))),
                None => finish(file, decoder, limits),
            }
        }
        Some(FileType::Webp) => finish(file, WebPDecoder::new(source).map_err(refuse)?, limits),
        Some(FileType::Tiff) => {
            let source = TiffAt::new(bytes, index);
            finish(file, TiffDecoder::new(source).map_err(refuse)?, limits)
        }
        Some(FileType::Pdf) | None => Err(InputError::UnsupportedType { file: file.to_owned() }),
    }
}

fn finish(file: &Path, mut decoder: impl ImageDecoder, limits: &Limits) -> Result<GrayImage, InputError> {
    let (width, height) = decoder.dimensions();
    check_pixels(file, width, height, limits)?;
    let refuse = |e: ImageError| refusal(file, e);
    decoder.set_limits(decoder_limits(limits)).map_err(refuse)?;
    let orientation = orientation(&mut decoder);
    let gray = DynamicImage::from_decoder(decoder).map_err(refuse)?.into_luma8();
    Ok(upright(gray, orientation))
}

/// How the camera or scanner was held; an unreadable note of it counts as none.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

fn upright(gray: GrayImage, orientation: Orientation) -> GrayImage {
    let mut page = DynamicImage::ImageLuma8(gray::fit(gray));
    page.apply_orientation(orientation);
    page.into_luma8()
}

/// Refuses a page with more pixels than allowed, or none.
pub(super) fn check_pixels(file: &Path, width: u32, height: u32, limits: &Limits) -> Result<(), InputError> {
    if width == 0 || height == 0 {
        return Err(InputError::corrupt(file, &"a page without pixels"));
    }
    if u64::from(width) * u64::from(height) > limits.page_pixels {
        return Err(InputError::TooManyPixels {
            file: file.to_owned(),
            width,
            height,
            limit: limits.page_pixels,
        });
    }
    Ok(())
}

/// Memory that a decoder may take: eight bytes a pixel (16 bits, four channels) and as much again for its own tables.
fn decoder_limits(limits: &Limits) -> image::Limits {
    let mut bound = image::Limits::default();
    bound.max_alloc = Some(limits.page_pixels.saturating_mul(16));
    bound
}

fn refusal(file: &Path, error: ImageError) -> InputError {
    match &error {
        ImageError::IoError(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => {
            InputError::Truncated { file: file.to_owned() }
        }
        ImageError::Unsupported(e) => InputError::UnsupportedVariant {
            file: file.to_owned(),
            reason: one_line(&e.to_string()),
        },
        ImageError::IoError(_)
        | ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::Limits(_) => InputError::corrupt(file, &error),
    }
}

/// Offsets of the picture directories of a classic TIFF, in order. A BigTIFF gives none and is read as one picture.
fn tiff_directories(bytes: &[u8]) -> Vec<u32> {
    /// No form has as many; a longer or circular chain ends here.
    const MOST: usize = 10_001;
    let little = bytes.starts_with(b"II");
    let u16_at = |at: usize| -> Option<u16> {
        let raw = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little {
            u16::from_le_bytes(raw)
        } else {
            u16::from_be_bytes(raw)
        })
    };
    let u32_at = |at: usize| -> Option<u32> {
        let raw = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if little {
            u32::from_le_bytes(raw)
        } else {
            u32::from_be_bytes(raw)
        })
    };
    let mut found = Vec::new();
    if u16_at(2) != Some(42) {
        return found;
    }
    let mut next = u32_at(4);
    while let Some(offset) = next.filter(|&o| o != 0) {
        if found.len() >= MOST || found.contains(&offset) {
            break;
        }
        let at = offset as usize;
        let Some(entries) = u16_at(at) else { break };
        found.push(offset);
        next = u32_at(at + 2 + usize::from(entries) * 12);
    }
    found
}

/// A TIFF whose header points at a chosen directory, so that a decoder of first pictures reads any of them.
struct TiffAt<'a> {
    header: Vec<u8>,
    rest: Cursor<&'a [u8]>,
}

impl<'a> TiffAt<'a> {
    fn new(bytes: &'a [u8], index: u16) -> Self {
        let mut header = bytes[..bytes.len().min(8)].to_vec();
        if let (Some(offset), Some(place)) = (tiff_directories(bytes).get(usize::from(index)), header.get_mut(4..8)) {
            let little = bytes.starts_with(b"II");
            place.copy_from_slice(&if little {
                offset.to_le_bytes()
            } else {
                offset.to_be_bytes()
            });
        }
        Self {
            header,
            rest: Cursor::new(bytes),
        }
    }
}

impl BufRead for TiffAt<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        let at = usize::try_from(self.rest.position()).unwrap_or(usize::MAX);
        if at < self.header.len() {
            Ok(&self.header[at..])
        } else {
            self.rest.fill_buf()
        }
    }

    fn consume(&mut self, amount: usize) {
        self.rest.consume(amount);
    }
}

impl Read for TiffAt<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let ready = self.fill_buf()?;
        let n = ready.len().min(out.len());
        out[..n].copy_from_slice(&ready[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl Seek for TiffAt<'_> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.rest.seek(to)
    }
}
