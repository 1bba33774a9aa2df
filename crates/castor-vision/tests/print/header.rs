use crate::draw::{BOLD, REGULAR, Typeface, page, photographed, rectified};
use castor_domain::form::{Copia, Corporacion};
use castor_vision::header::{HeaderScope, Printed, PrintedHeader, read_header};
use castor_vision::text::{Alphabet, TextReader};
use image::{GrayImage, Luma};

/// The recogniser, or a line that says why the test did nothing.
fn reader() -> Option<TextReader> {
    match TextReader::open(&TextReader::installed()) {
        Ok(reader) => Some(reader),
        Err(reason) => {
            eprintln!("skipped: {reason}");
            None
        }
    }
}

/// What a drawn header says.
struct Says {
    serial: &'static str,
    page: &'static str,
    kit: &'static str,
}

const SAYS: Says = Says {
    serial: "730123452010204",
    page: "Ver: 01 Pag: 2 de 4",
    kit: "KIT 12,345",
};

fn drawn(says: &Says) -> GrayImage {
    let face = Typeface::load();
    let mut sheet = page();
    for bar in 0..60u32 {
        for y in 50..120 {
            for x in 0..(2 + bar % 3) {
                sheet.put_pixel(240 + bar * 7 + x, y, Luma([0]));
            }
        }
    }
    face.write(&mut sheet, (366.0, 147.0), 17.0, 0.0, &[(REGULAR, says.serial)]);
    face.write(&mut sheet, (688.0, 155.0), 15.0, 0.0, &[(REGULAR, says.page)]);
    // The band: white on black.
    let mut band = GrayImage::from_pixel(348, 44, Luma([255]));
    face.write(&mut band, (40.0, 36.0), 28.0, 0.0, &[(BOLD, "DELEGADOS")]);
    for (x, y, p) in band.enumerate_pixels() {
        sheet.put_pixel(287 + x, 242 + y, Luma([255 - p.0[0]]));
    }
    face.write(&mut sheet, (318.0, 231.0), 27.0, 0.0, &[(BOLD, "JURADOS VOTACIÓN")]);
    face.write(
        &mut sheet,
        (300.0, 312.0),
        16.0,
        0.0,
        &[(BOLD, "ELECCIONES TERRITORIALES")],
    );
    face.write(&mut sheet, (350.0, 339.0), 16.0, 0.0, &[(BOLD, "OCTUBRE 29 DE 2023")]);
    face.write(&mut sheet, (372.0, 374.0), 24.0, 0.0, &[(BOLD, "ALCALDE")]);
    let address = [
        (
            430.0,
            [(REGULAR, "DEPARTAMENTO: "), (BOLD, "17"), (REGULAR, " - CHOCO")].as_slice(),
        ),
        (
            467.0,
            [(REGULAR, "MUNICIPIO: "), (BOLD, "104"), (REGULAR, " - VILLA QUIETA")].as_slice(),
        ),
        (
            504.0,
            [
                (REGULAR, "ZONA: "),
                (BOLD, "41"),
                (REGULAR, "  PUESTO: "),
                (BOLD, "07"),
                (REGULAR, "  MESA: "),
                (BOLD, "014"),
            ]
            .as_slice(),
        ),
        (541.0, [(REGULAR, "LUGAR: ESC. LA LOMA NO 3")].as_slice()),
    ];
    for (y, words) in address {
        face.write(&mut sheet, (72.0, y), 20.0, 0.0, words);
    }
    face.write(
        &mut sheet,
        (272.0, 613.0),
        26.0,
        0.0,
        &[(BOLD, "X   4 - 1 7 - 4 1 - 3 4   X")],
    );
    face.write(&mut sheet, (400.0, 2685.0), 19.0, 0.0, &[(BOLD, says.kit)]);
    sheet
}

fn read(sheet: GrayImage, reader: &TextReader, scope: HeaderScope) -> PrintedHeader {
    read_header(&rectified(sheet), reader, scope, &mut None).unwrap()
}

fn value(item: &Option<Printed<String>>) -> &str {
    item.as_ref().map_or("", |p| p.value.as_str())
}

#[test]
fn a_whole_header_is_read() {
    let Some(reader) = reader() else { return };
    for sheet in [drawn(&SAYS), photographed(&drawn(&SAYS), 1.0)] {
        let header = read(sheet, &reader, HeaderScope::Full);
        assert_eq!(value(&header.serial), SAYS.serial);
        assert_eq!(header.page_of.as_ref().map(|p| p.value), Some((2, 4)));
        assert_eq!(header.copia.as_ref().map(|c| c.value), Some(Copia::Delegados));
        assert_eq!(header.corporacion.as_ref().map(|c| c.value), Some(Corporacion::Alcalde));
        assert_eq!(value(&header.date), "OCTUBRE 29 DE 2023");
        assert_eq!(value(&header.departamento), "17");
        assert_eq!(value(&header.departamento_name), "CHOCO");
        assert_eq!(value(&header.municipio), "104");
        assert_eq!(value(&header.municipio_name), "VILLA QUIETA");
        assert_eq!(value(&header.zona), "41");
        assert_eq!(value(&header.puesto), "07");
        assert_eq!(value(&header.mesa), "014");
        assert_eq!(value(&header.lugar), "ESC. LA LOMA NO 3");
        assert_eq!(value(&header.control), "4-17-41-34");
        assert_eq!(value(&header.kit), "12345");
        assert!(!header.abroad);
    }
}

#[test]
fn page_identity_names_the_page_without_reading_words() {
    let Some(reader) = reader() else { return };
    let header = read(drawn(&SAYS), &reader, HeaderScope::PageIdentity);
    assert_eq!(value(&header.serial), SAYS.serial);
    assert_eq!(header.page_of.as_ref().map(|p| p.value), Some((2, 4)));
    assert_eq!(value(&header.control), "4-17-41-34");
    assert_eq!(value(&header.kit), "12345");
    assert!(header.lugar.is_none() && header.copia.is_none() && header.departamento_name.is_none());
}

#[test]
fn a_kit_that_contradicts_the_serial_lowers_confidence_and_both_stay() {
    let Some(reader) = reader() else { return };
    let agreeing = read(drawn(&SAYS), &reader, HeaderScope::Full);
    let torn = Says {
        kit: "KIT 12,346",
        ..SAYS
    };
    let contradicted = read(drawn(&torn), &reader, HeaderScope::Full);
    assert_eq!(value(&contradicted.serial), SAYS.serial);
    assert_eq!(value(&contradicted.kit), "12346");
    let confidence = |h: &PrintedHeader| h.serial.as_ref().map_or(0.0, |s| s.confidence);
    assert!(confidence(&contradicted) < 0.6 && confidence(&agreeing) > 0.9);
}

#[test]
fn a_blank_page_has_no_header() {
    let Some(reader) = reader() else { return };
    let header = read(page(), &reader, HeaderScope::Full);
    assert!(header.serial.is_none() && header.control.is_none() && header.departamento.is_none());
    assert!(header.kit.is_none() && header.page_of.is_none() && header.copia.is_none());
}

#[test]
fn names_in_two_lines_are_joined() {
    let Some(reader) = reader() else { return };
    let face = Typeface::load();
    let mut crop = GrayImage::from_pixel(320, 90, Luma([255]));
    face.write(&mut crop, (40.0, 36.0), 17.0, 0.0, &[(REGULAR, "ROSALBA QUIROZ")]);
    face.write(&mut crop, (70.0, 66.0), 17.0, 0.0, &[(REGULAR, "DEL MONTE")]);
    assert_eq!(reader.read_name(&crop).unwrap().text, "ROSALBA QUIROZ DEL MONTE");
    let both = reader.read_names(&[crop.clone(), crop]).unwrap();
    assert!(both.iter().all(|n| n.text == "ROSALBA QUIROZ DEL MONTE"), "{both:?}");
}

#[test]
fn the_recogniser_reads_a_line_and_tells_where_its_characters_stand() {
    let Some(reader) = reader() else { return };
    let face = Typeface::load();
    let mut crop = GrayImage::from_pixel(300, 40, Luma([255]));
    face.write(&mut crop, (10.0, 29.0), 20.0, 0.0, &[(REGULAR, "MESA: 014")]);
    let line = reader.read(&crop, Alphabet::Text, 0.7).unwrap();
    assert_eq!(line.text.replace(' ', ""), "MESA:014");
    assert!(line.confidence > 0.8);
    let places: Vec<f32> = line.characters.iter().map(|c| c.x).collect();
    assert!(places.windows(2).all(|w| w[0] < w[1]));
    let digits = reader.read(&crop, Alphabet::Codes, 0.7).unwrap();
    assert!(digits.text.chars().all(|c| c.is_ascii_digit() || " -,.X".contains(c)));
}

#[test]
fn a_missing_model_is_said_plainly() {
    let refused = TextReader::open(std::path::Path::new("/nowhere/text_rec.onnx")).unwrap_err();
    assert!(refused.to_string().contains("/nowhere/text_rec.onnx"), "{refused}");
}
