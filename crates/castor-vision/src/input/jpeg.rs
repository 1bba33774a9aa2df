//! JPEG straight to brightness: the colour planes are neither unpacked nor converted.

use super::error::{InputError, one_line};
use super::{Limits, picture};
use image::GrayImage;
use std::path::Path;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Brightness of a JPEG whose first plane is brightness; None for the other kinds (RGB planes, inks).
pub(super) fn brightness(file: &Path, bytes: &[u8], limits: &Limits) -> Result<Option<GrayImage>, InputError> {
    if !ends(bytes) {
        return Err(InputError::Truncated { file: file.to_owned() });
    }
    let side = usize::from(u16::MAX);
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::Luma)
        .set_strict_mode(false)
        .set_max_width(side)
        .set_max_height(side);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let refuse = |e: DecodeErrors| InputError::Corrupt {
        file: file.to_owned(),
        reason: one_line(&format!("{e:?}")),
    };
    decoder.decode_headers().map_err(refuse)?;
    let Some(info) = decoder.info() else {
        return Err(InputError::corrupt(file, &"a JPEG without a header"));
    };
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    picture::check_pixels(file, width, height, limits)?;
    if !matches!(decoder.input_colorspace(), Some(ColorSpace::YCbCr | ColorSpace::Luma)) {
        return Ok(None);
    }
    let pixels = decoder.decode().map_err(refuse)?;
    Ok(GrayImage::from_raw(width, height, pixels))
}

/// Whether the end marker follows the picture's data. Decoders fill what is missing with grey, which would pass for a
/// page; marker codes cannot occur inside the data, and thumbnails come before it.
fn ends(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let (Some(0xff), Some(&marker)) = (bytes.get(at), bytes.get(at + 1)) {
        match marker {
            0xff => at += 1,
            // Start of scan: from here on only data and, at the end, the end marker.
            0xda => return bytes[at..].windows(2).any(|w| w == [0xff, 0xd9]),
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => {
                let (Some(&high), Some(&low)) = (bytes.get(at + 2), bytes.get(at + 3)) else {
                    return false;
                };
                at += 2 + usize::from(u16::from_be_bytes([high, low])).max(2);
            }
        }
    }
    // Not a chain of segments: whatever is wrong, the decoder says it better.
    at < bytes.len()
}
