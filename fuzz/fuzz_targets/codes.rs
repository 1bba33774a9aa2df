//! Barcode and QR code in any pixels under any map.
#![no_main]

use castor_vision::homography::{Homography, Point};
use castor_vision::page::PageImage;
use castor_vision::qr::read_qr;
use castor_vision::serial::read_serial;
use image::GrayImage;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Width, eight corner coordinates and a flag, then pixels, repeated to half the canonical page's height.
    let Some((head, pixels)) = bytes.split_first_chunk::<10>() else {
        return;
    };
    let [width, flag, corners @ ..] = *head;
    if pixels.is_empty() {
        return;
    }
    let (width, height) = (u32::from(width) + 1, 200);
    let gray = GrayImage::from_fn(width, height, |x, y| {
        // A row of pixels and its length decide the whole picture, so that stripes come easily.
        let row = usize::try_from(y / 64).unwrap() * 7;
        image::Luma([pixels[(usize::try_from(x).unwrap() + row) % pixels.len()]])
    });
    let canonical = [(0.0, 0.0), (920.0, 0.0), (920.0, 2738.0), (0.0, 2738.0)].map(|(x, y)| Point::new(x, y));
    let offset = |i: usize| f32::from(corners[i].cast_signed()) * 4.0;
    let mut on_page = canonical.map(|p| Point::new(p.x * 0.28, p.y * 0.28));
    for (i, corner) in on_page.iter_mut().enumerate() {
        corner.x += offset(2 * i);
        corner.y += offset(2 * i + 1);
    }
    let Some(to_page) = Homography::from_corners(canonical, on_page) else {
        return;
    };
    let page = PageImage {
        number: 1,
        gray,
        bitonal: flag % 2 == 0,
    };
    if let Some(reading) = read_serial(&page, &to_page) {
        assert!(reading.digits.iter().all(|d| *d < 10));
        assert!((0.0..=1.0).contains(&reading.confidence), "{}", reading.confidence);
        for place in reading.probabilities {
            assert!((place.iter().sum::<f32>() - 1.0).abs() < 1e-3, "{place:?}");
        }
    }
    if flag > 127 {
        let _ = read_qr(&page.gray, &to_page);
    }
});
