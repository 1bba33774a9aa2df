//! Barcode and QR code drawn on canonical pages and read back.

use castor_vision::homography::{Homography, Point};
use castor_vision::page::{FRAME_HEIGHT, FRAME_MARGIN, FRAME_WIDTH, PageImage, RectifiedPage};
use castor_vision::qr::{QrContent, read_qr};
use castor_vision::serial::read_serial;
use image::{GrayImage, Luma};

const SERIAL: &str = "710123452010203";

/// The map of a page that is `scale` times the canonical one.
fn scaled(scale: f32) -> Homography {
    let corner = |x: f32, y: f32| Point::new(x, y);
    let from = [
        corner(0.0, 0.0),
        corner(100.0, 0.0),
        corner(100.0, 100.0),
        corner(0.0, 100.0),
    ];
    Homography::from_corners(from, from.map(|p| Point::new(p.x * scale, p.y * scale))).unwrap()
}

/// An empty page `scale` times the canonical one.
fn paper(scale: f32) -> GrayImage {
    let side = |v: u16| pixel(f32::from(v + 2 * FRAME_MARGIN) * scale);
    GrayImage::from_pixel(side(FRAME_WIDTH), side(FRAME_HEIGHT), Luma([255]))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test's coordinates are small and positive"
)]
fn pixel(v: f32) -> u32 {
    v.round() as u32
}

/// Bars of the code in modules: start and end.
fn bars(digits: &str) -> Vec<(f32, f32)> {
    let pattern = |c: char| match c {
        '0' => "000110100",
        '1' => "100100001",
        '2' => "001100001",
        '3' => "101100000",
        '4' => "000110001",
        '5' => "100110000",
        '6' => "001110000",
        '7' => "000100101",
        '8' => "100100100",
        '9' => "001100100",
        _ => "010010100",
    };
    let (mut at, mut bars) = (0.0, Vec::new());
    for c in format!("*{digits}*").chars() {
        for (i, element) in pattern(c).chars().enumerate() {
            let width = if element == '1' { 3.0 } else { 1.0 };
            if i % 2 == 0 {
                bars.push((at, at + width));
            }
            at += width;
        }
        at += 1.0;
    }
    bars
}

/// A page with a barcode where forms have it, its bars `gain` modules wider than ideal, each column as dark as it is
/// covered.
fn barcode_page(digits: &str, scale: f32, gain: f32) -> GrayImage {
    let mut page = paper(scale);
    let (left, top) = RectifiedPage::pixel(0.223, 0.0);
    let (right, bottom) = RectifiedPage::pixel(0.777, 0.0175);
    let module = (right - left) / 271.0;
    let bars = bars(digits);
    for x in 0..page.width() {
        #[expect(clippy::cast_precision_loss, reason = "a test's coordinates are small")]
        let at = |v: u32| v as f32;
        // Pixel centres are whole numbers.
        let (a, b) = ((at(x) - 0.5) / scale, (at(x) + 0.5) / scale);
        let covered: f32 = bars
            .iter()
            .map(|(from, to)| {
                let (from, to) = (left + (from - gain / 2.0) * module, left + (to + gain / 2.0) * module);
                (to.min(b) - from.max(a)).max(0.0)
            })
            .sum();
        let dark = (covered / (b - a)).min(1.0);
        for y in pixel(top * scale)..pixel(bottom * scale) {
            page.put_pixel(x, y, Luma([u8::try_from(pixel(255.0 * (1.0 - dark))).unwrap()]));
        }
    }
    page
}

fn serial_of(gray: GrayImage, bitonal: bool, scale: f32) -> Option<(String, f32)> {
    let page = PageImage {
        number: 1,
        gray,
        bitonal,
    };
    read_serial(&page, &scaled(scale)).map(|r| (r.text(), r.confidence))
}

#[test]
fn a_barcode_is_read_at_every_usual_resolution() {
    for scale in [0.6, 1.0, 1.6, 2.3] {
        let (text, confidence) = serial_of(barcode_page(SERIAL, scale, 0.0), false, scale).unwrap();
        assert_eq!(text, SERIAL, "at {scale}");
        assert!(confidence > 0.99, "{confidence} at {scale}");
    }
}

#[test]
fn a_barcode_is_read_in_black_and_white() {
    let mut page = barcode_page(SERIAL, 1.0, 0.2);
    page.pixels_mut()
        .for_each(|p| p.0[0] = if p.0[0] < 128 { 0 } else { 255 });
    let (text, confidence) = serial_of(page, true, 1.0).unwrap();
    assert_eq!(text, SERIAL);
    assert!(confidence > 0.9, "{confidence}");
}

#[test]
fn a_blurred_barcode_of_a_small_photograph_is_read() {
    let page = image::imageops::blur(&barcode_page(SERIAL, 0.5, 0.0), 0.6);
    let (text, confidence) = serial_of(page, false, 0.5).unwrap();
    assert_eq!(text, SERIAL);
    assert!(confidence > 0.5, "{confidence}");
}

#[test]
fn bars_blurred_beyond_reading_are_not_read_with_confidence() {
    for sigma in [2.0, 3.0, 4.0] {
        let page = image::imageops::blur(&barcode_page(SERIAL, 0.5, 0.0), sigma);
        if let Some((text, confidence)) = serial_of(page, false, 0.5) {
            assert!(text == SERIAL || confidence < 0.5, "{text} {confidence} at {sigma}");
        }
    }
}

#[test]
fn digits_that_can_be_no_serial_have_no_confidence() {
    let (_, confidence) = serial_of(barcode_page("999999999999999", 1.0, 0.0), false, 1.0).unwrap();
    assert!(confidence < 0.05, "{confidence}");
}

#[test]
fn what_is_no_barcode_is_not_read_as_one() {
    assert!(serial_of(paper(1.0), false, 1.0).is_none());
    let stripes = |period: u32| {
        let mut page = paper(1.0);
        for (x, _, p) in page.enumerate_pixels_mut() {
            p.0[0] = if x / period % 2 == 0 { 0 } else { 255 };
        }
        page
    };
    for period in [1, 2, 3, 5, 9, 30] {
        for bitonal in [false, true] {
            if let Some((text, confidence)) = serial_of(stripes(period), bitonal, 1.0) {
                assert!(confidence < 0.05, "{text} {confidence} in stripes of {period}");
            }
        }
    }
}

#[test]
fn a_reading_weighs_other_digits_too() {
    let page = PageImage {
        number: 1,
        gray: barcode_page(SERIAL, 1.0, 0.0),
        bitonal: false,
    };
    let reading = read_serial(&page, &scaled(1.0)).unwrap();
    assert!(reading.probability_of(&reading.digits) > 0.99);
    let mut other = reading.digits;
    other[5] = (other[5] + 1) % 10;
    assert!(reading.probability_of(&other) < 0.01);
    assert_eq!(reading.serial().unwrap().to_string(), SERIAL);
}

/// A page with a QR code where forms have it.
fn qr_page(text: &str) -> GrayImage {
    let code = qrcode::QrCode::with_error_correction_level(text, qrcode::EcLevel::M).unwrap();
    let modules = u32::try_from(code.width()).unwrap();
    let colours = code.to_colors();
    let (left, top) = RectifiedPage::pixel(0.02, 0.05);
    let (left, top) = (pixel(left), pixel(top));
    let mut page = paper(1.0);
    for y in 0..modules * 5 {
        for x in 0..modules * 5 {
            let i = usize::try_from(y / 5 * modules + x / 5).unwrap();
            if colours[i] == qrcode::Color::Dark {
                page.put_pixel(left + x, top + y, Luma([0]));
            }
        }
    }
    page
}

#[test]
fn an_enciphered_qr_gives_a_fingerprint_and_the_block_of_its_mesa_and_page() {
    // 32 bytes counting up.
    let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let reading = read_qr(&qr_page(text), &scaled(1.0)).unwrap();
    assert_eq!(reading.bytes, text.as_bytes());
    assert_eq!(reading.fingerprint.len(), 64);
    let mesa_page_block = std::array::from_fn(|i| u8::try_from(i).unwrap());
    assert_eq!(reading.content, QrContent::Opaque { mesa_page_block });
}

#[test]
fn a_plain_qr_of_2018_is_read() {
    let text = "710100101010100113201";
    let reading = read_qr(&qr_page(text), &scaled(1.0)).unwrap();
    let QrContent::Plain(plain) = reading.content else {
        panic!("{reading:?}");
    };
    assert_eq!(plain.to_string(), text);
}

#[test]
fn a_qr_of_something_else_is_no_form() {
    let reading = read_qr(&qr_page("pago 25.000"), &scaled(1.0)).unwrap();
    assert_eq!(reading.content, QrContent::Other);
    assert!(read_qr(&paper(1.0), &scaled(1.0)).is_none());
}
