use castor_testkit::fonts::Fonts;
use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::{Scan, Turn};
use image::{DynamicImage, GrayImage};
use rxing::{BarcodeFormat, DecodeHints};

fn form(seed: u64, family: Family) -> Form {
    Form::sample(seed, family, &Options::default()).unwrap()
}

/// Reads a code from the given part (left, top, right, bottom, in percent of the image).
fn decode(image: &GrayImage, part: [u32; 4], format: BarcodeFormat) -> String {
    let (w, h) = image.dimensions();
    let cut = |percent: u32, of: u32| percent * of / 100;
    let (x, y) = (cut(part[0], w), cut(part[1], h));
    let (right, bottom) = (cut(part[2], w), cut(part[3], h));
    let crop = image::imageops::crop_imm(image, x, y, right - x, bottom - y).to_image();
    // Twice the size: readers want a few pixels per bar.
    let big = image::imageops::resize(
        &crop,
        crop.width() * 2,
        crop.height() * 2,
        image::imageops::FilterType::Triangle,
    );
    let hints = &mut DecodeHints {
        TryHarder: Some(true),
        ..DecodeHints::default()
    };
    let (w, h) = big.dimensions();
    rxing::helpers::detect_in_luma_with_hints(big.into_raw(), w, h, Some(format), hints)
        .unwrap_or_else(|e| panic!("{format:?} at {part:?}: {e}"))
        .getText()
        .to_owned()
}

#[test]
fn the_same_form_and_scan_give_the_same_pixels() {
    let form = form(21, Family::SegundaVuelta2026);
    for scan in [Scan::drop_out(), Scan::phone(300)] {
        let draw = || form.render(1, scan).unwrap().to_rgb8();
        assert!(draw() == draw());
    }
}

#[test]
fn serials_decode() {
    for family in Family::ALL {
        let form = form(22, family);
        let image = form.render(1, Scan::colour_300()).unwrap().to_luma8();
        let serial = decode(&image, [20, 0, 85, 5], BarcodeFormat::CODE_39);
        assert_eq!(serial, form.truth(1).unwrap().header.barcode, "{}", form.name());
    }
}

#[test]
fn qr_codes_hold_32_bytes_and_in_2018_the_plain_place() {
    for family in Family::ALL {
        let form = form(23, family);
        let image = form.render(1, Scan::colour_300()).unwrap().to_luma8();
        let text = decode(&image, [0, 3, 34, 15], BarcodeFormat::QR_CODE);
        if family == Family::Senado2018 {
            let header = &form.truth(1).unwrap().header;
            let place = format!(
                "71{}{}{}{}{}",
                header.departamento, header.municipio, header.zona, header.puesto, header.mesa
            );
            assert!(text.starts_with(&place), "{text}");
            assert_eq!(text.len(), 21);
        } else {
            assert_eq!((text.len(), text.ends_with('=')), (44, true), "{text}");
        }
    }
}

#[test]
fn one_bit_scans_hold_only_black_and_white_and_drop_the_boxes() {
    let form = form(24, Family::PrimeraVuelta2026);
    let image = form.render(1, Scan::drop_out()).unwrap();
    assert!(image.as_luma8().unwrap().pixels().all(|p| p.0[0] == 0 || p.0[0] == 255));
    assert_eq!(image.width(), 868);
    // The page is the same but for what a drop-out scan loses: colour shows more ink.
    let dark = |image: &DynamicImage| {
        let gray = image.to_luma8();
        gray.pixels().filter(|p| p.0[0] < 235).count() as f64 / f64::from(gray.width() * gray.height())
    };
    assert!(dark(&form.render(3, Scan::colour_300()).unwrap()) > dark(&form.render(3, Scan::drop_out()).unwrap()));
}

#[test]
fn every_family_renders_under_every_device() {
    for family in Family::ALL {
        let form = form(25, family);
        for scan in [
            Scan::drop_out(),
            Scan::bitonal_300(),
            Scan::colour_300(),
            Scan::phone(180),
        ] {
            let image = form.render(form.pages(), scan).unwrap().to_luma8();
            let (w, h) = image.dimensions();
            assert!(h > 2 * w, "{} {scan:?}: {w} × {h}", form.name());
            let mean = image.pixels().map(|p| u64::from(p.0[0])).sum::<u64>() / u64::from(w * h);
            assert!((60..254).contains(&mean), "{} {scan:?}: mean level {mean}", form.name());
        }
    }
}

#[test]
fn turns_and_cut_corners_change_the_image() {
    let form = form(26, Family::SegundaVuelta2026);
    let upright = form.render(1, Scan::drop_out()).unwrap().to_luma8();
    let half = form.render(1, Scan::drop_out().turned(Turn::Half)).unwrap().to_luma8();
    assert_eq!(image::imageops::rotate180(&half), upright);
    let side = form.render(1, Scan::drop_out().turned(Turn::Quarter)).unwrap();
    assert_eq!((side.width(), side.height()), (upright.height(), upright.width()));
    // The mark of the torn corner is gone, the opposite one stays.
    let torn = form.render(1, Scan::drop_out().without_corner(0)).unwrap().to_luma8();
    let black = |image: &GrayImage, x: u32, y: u32| {
        image::imageops::crop_imm(image, x, y, 60, 80)
            .to_image()
            .pixels()
            .filter(|p| p.0[0] == 0)
            .count()
    };
    assert!(black(&upright, 10, 10) > 300 && black(&torn, 10, 10) < 50);
    let (right, bottom) = (upright.width() - 70, upright.height() - 90);
    assert!(black(&torn, right, bottom) > 300);
}

#[test]
fn a_missing_font_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Fonts::load(folder.path()).unwrap_err();
    assert_eq!(error.code(), "testkit.font");
    assert!(error.to_string().contains("LiberationSans-Regular.ttf") && error.to_string().contains("CASTOR_FONTS"));
}
