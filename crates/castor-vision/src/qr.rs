//! The QR code at the left of the header, as a fingerprint of the page.
//!
//! From 2022 on its text is enciphered: nothing can be read from it, but the same mesa and page give the same first 16
//! bytes whatever the copy, and a copy of one page never shows two codes. In 2018 it is 21 plain digits.

use crate::homography::{Homography, Point};
use crate::page::RectifiedPage;
use crate::raster::{index, warp};
use castor_domain::serial::QrPlaintext;
use image::GrayImage;
use rxing::common::{GlobalHistogramBinarizer, HybridBinarizer};
use rxing::qrcode::cpp_port::QrReader;
use rxing::{Binarizer, BinaryBitmap, DecodeHints, Luma8Source, Reader};
use sha2::{Digest, Sha256};

/// What the QR code of a page says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QrReading {
    /// The text, as coded.
    pub bytes: Vec<u8>,
    /// SHA-256 of the text in hexadecimal.
    pub fingerprint: String,
    /// What the text is.
    pub content: QrContent,
}

/// The kinds of text that E-14 codes hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QrContent {
    /// Enciphered, from 2022 on.
    Opaque {
        /// The first 16 of 32 bytes: equal for the same mesa and page of an election, in every copy.
        mesa_page_block: [u8; 16],
    },
    /// Plain digits of 2018.
    Plain(QrPlaintext),
    /// Anything else: not the code of a form known here.
    Other,
}

/// Where the code may stand in the square frame.
const LEFT: f32 = -0.03;
const RIGHT: f32 = 0.27;
const TOP: f32 = 0.03;
const BOTTOM: f32 = 0.15;

/// Samples a canonical pixel of the attempts: about four and six pixels a module of the usual code.
const DENSITIES: [f32; 2] = [1.0, 1.7];

/// Reads the QR code of a registered page. `to_page` maps canonical pixels to pixels of `page`, as
/// [`crate::register::Registration::to_page`] does. None when no code can be read; that is common on photographs.
#[must_use]
pub fn read_qr(page: &GrayImage, to_page: &Homography) -> Option<QrReading> {
    if page.width() < 2 || page.height() < 2 {
        return None;
    }
    let bytes = DENSITIES.iter().find_map(|&density| {
        let crop = crop(page, to_page, density);
        let source = || Luma8Source::new_with_slice(crop.as_raw(), crop.width(), crop.height()).ok();
        decode(GlobalHistogramBinarizer::new(source()?)).or_else(|| decode(HybridBinarizer::new(source()?)))
    })?;
    Some(QrReading {
        fingerprint: Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect(),
        content: content(&bytes),
        bytes,
    })
}

fn decode(binarizer: impl Binarizer) -> Option<Vec<u8>> {
    let hints = DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let result = QrReader
        .decode_with_hints(&mut BinaryBitmap::new(binarizer), &hints)
        .ok()?;
    let text = result.getText();
    (!text.is_empty()).then(|| text.as_bytes().to_vec())
}

/// The part of the page with the code, upright, `density` samples a canonical pixel.
fn crop(page: &GrayImage, to_page: &Homography, density: f32) -> GrayImage {
    let (left, top) = RectifiedPage::pixel(LEFT, TOP);
    let (right, bottom) = RectifiedPage::pixel(RIGHT, BOTTOM);
    let side = |v: f32| index(v * density, u32::from(u16::MAX)).max(1);
    // A square of the picture, and where it lies on the canonical page.
    let square = [(0.0, 0.0), (256.0, 0.0), (256.0, 256.0), (0.0, 256.0)];
    let to_canonical = Homography::from_corners(
        square.map(|(x, y)| Point::new(x, y)),
        square.map(|(x, y)| Point::new(left + x / density, top + y / density)),
    );
    let map = to_canonical.map_or(*to_page, |own| own.then(to_page));
    warp(page, &map, side(right - left), side(bottom - top))
}

fn content(bytes: &[u8]) -> QrContent {
    if let Some(plain) = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()) {
        return QrContent::Plain(plain);
    }
    match base64(bytes).as_deref().and_then(<[u8]>::first_chunk) {
        Some(&mesa_page_block) => QrContent::Opaque { mesa_page_block },
        None => QrContent::Other,
    }
}

/// Exactly 32 bytes in standard base64 with padding, as the codes hold them.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let (body, padding) = text.split_at_checked(43)?;
    if padding != b"=" {
        return None;
    }
    let mut out = Vec::with_capacity(33);
    let (mut bits, mut held) = (0u32, 0u32);
    for &c in body {
        let six = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(six);
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push(u8::try_from(bits >> held & 0xff).ok()?);
        }
    }
    Some(out)
}
