use crate::draw::{BOLD, REGULAR, Typeface, page, photographed};
use castor_vision::printed::{Charset, fit_band, read_band, read_digits, read_number};
use castor_vision::text::{Region, find_lines};
use image::GrayImage;

const WHOLE: Region = Region {
    left: 20,
    top: 300,
    right: 900,
    bottom: 700,
};

fn texts(page: &GrayImage, charset: Charset) -> Vec<String> {
    find_lines(page, WHOLE, 3.0)
        .iter()
        .map(|band| {
            let (band, look) = fit_band(page, band, charset, None);
            read_band(page, &band, charset, &look).text()
        })
        .collect()
}

#[test]
fn level_lines_are_found_top_to_bottom_and_read_exactly() {
    let face = Typeface::load();
    let mut sheet = page();
    let places = [
        ("DEPARTAMENTO: 01 - ANTIOQUIA", 400.0),
        ("LUGAR: INST. EDU. QUINTÍN ÑAÑEZ", 450.0),
    ];
    for (text, y) in places {
        face.write(&mut sheet, (70.0, y), 20.0, 0.0, &[(REGULAR, text)]);
    }
    assert_eq!(texts(&sheet, Charset::Capitals), places.map(|p| p.0.to_owned()));
}

#[test]
fn a_line_that_slopes_as_on_a_photograph_is_read() {
    let face = Typeface::load();
    for slope in [-0.04, -0.015, 0.02, 0.04] {
        let mut sheet = page();
        face.write(
            &mut sheet,
            (70.0, 480.0),
            20.0,
            slope,
            &[(REGULAR, "MUNICIPIO: 280 - TURBO")],
        );
        assert_eq!(
            texts(&sheet, Charset::Capitals),
            ["MUNICIPIO: 280 - TURBO"],
            "slope {slope}"
        );
    }
}

#[test]
fn blurred_grey_print_is_read() {
    let face = Typeface::load();
    for sigma in [0.8, 1.6, 2.2] {
        let mut sheet = page();
        face.write(
            &mut sheet,
            (250.0, 500.0),
            26.0,
            0.0,
            &[(BOLD, "X   7 - 6 1 - 2 4 - 1 0   X")],
        );
        let photo = photographed(&sheet, sigma);
        let band = find_lines(&photo, WHOLE, 3.0)
            .into_iter()
            .max_by(|a, b| a.height.total_cmp(&b.height))
            .unwrap();
        let (band, look) = fit_band(&photo, &band, Charset::Codes, None);
        let read = read_band(&photo, &band, Charset::Codes, &look).text();
        let digits: String = read.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(digits, "7612410", "blur {sigma}");
    }
}

#[test]
fn print_whose_height_was_measured_wrongly_is_fitted_and_read() {
    let face = Typeface::load();
    let mut sheet = page();
    face.write(
        &mut sheet,
        (70.0, 480.0),
        20.0,
        0.0,
        &[(REGULAR, "CONSULADO: 88 - CONSULADOS")],
    );
    let measured = find_lines(&sheet, WHOLE, 3.0)[0];
    for error in [0.95, 1.0, 1.05] {
        let mut band = measured;
        band.height *= error;
        let (fitted, look) = fit_band(&sheet, &band, Charset::Labels, None);
        let line = read_band(&sheet, &fitted, Charset::Capitals, &look);
        assert_eq!(
            line.text(),
            "CONSULADO: 88 - CONSULADOS",
            "height taken {error} times too tall"
        );
        assert!(line.residual < 0.15, "unexplained {}", line.residual);
    }
}

#[test]
fn a_code_of_known_length_is_read_between_its_ends() {
    let face = Typeface::load();
    let mut sheet = page();
    face.write(&mut sheet, (300.0, 480.0), 20.0, 0.0, &[(BOLD, "031")]);
    let photo = photographed(&sheet, 1.2);
    let band = find_lines(&photo, WHOLE, 1.0)[0];
    let (band, look) = fit_band(&photo, &band, Charset::Digits, None);
    assert_eq!(read_digits(&photo, &band, 3, &look).text(), "031");
}

#[test]
fn row_numbers_and_party_codes_are_read_from_crops() {
    let face = Typeface::load();
    for number in [
        "1", "4", "7", "10", "11", "14", "41", "51", "68", "101", "117", "306", "0302", "6345", "7774",
    ] {
        for (height, sigma) in [(14.0, 0.1), (20.0, 0.6), (24.0, 1.6)] {
            let mut crop = GrayImage::from_pixel(130, 70, image::Luma([255]));
            face.write(&mut crop, (18.0, 46.0), height, 0.0, &[(BOLD, number)]);
            let crop = photographed(&crop, sigma);
            let read = read_number(&crop);
            assert_eq!(read.digits, number, "height {height} blur {sigma}");
            assert!(read.confidence > 0.5, "{number}: confidence {}", read.confidence);
        }
    }
}

#[test]
fn a_crop_without_a_number_reads_as_no_number() {
    let empty = GrayImage::from_pixel(90, 60, image::Luma([240]));
    let read = read_number(&empty);
    assert_eq!(read.digits, "");
    assert!(read.confidence.abs() < f32::EPSILON);
}
