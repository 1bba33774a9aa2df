//! The cells of drawn forms: every family's pages, and a page that no family prints.

use castor_testkit::form::{Family, Form, Options};
use castor_testkit::scan::Scan;
use castor_vision::input::{Document, Limits};
use castor_vision::read::FormReader;
use castor_vision::symbols::SymbolReader;
use castor_vision::text::TextReader;
use image::{GrayImage, Luma};
use std::collections::BTreeMap;
use std::path::Path;

fn text() -> TextReader {
    TextReader::open(&TextReader::installed()).unwrap()
}

/// One page as a file.
fn document(page: &image::DynamicImage) -> Document {
    let mut bytes = std::io::Cursor::new(Vec::new());
    page.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    Document::from_bytes(Path::new("page.png"), bytes.into_inner(), &Limits::default()).unwrap()
}

/// Codes of lists are the same with and without leading zeros.
fn plain(path: &str) -> String {
    let part = |p: &str| p.trim_start_matches('0').to_owned();
    let parts: Vec<String> = path.split('.').map(part).collect();
    parts.join(".")
}

/// Reads the layout of pages of a drawn form: every cell is there once, under its name and in its place.
fn assert_every_cell_found(reader: &FormReader, family: Family, seed: u64, pages: &[usize], scan: Scan) {
    let form = Form::sample(seed, family, &Options::default()).unwrap();
    for &page in pages {
        let cells = reader.cut(&document(&form.render(page, scan).unwrap())).unwrap();
        let printed: BTreeMap<String, [f32; 4]> = form
            .truth(page)
            .unwrap()
            .cells
            .iter()
            .map(|c| plain(&c.field))
            .zip(form.places(page).unwrap().iter().copied())
            .collect();
        let mut found: Vec<String> = cells.iter().map(|c| plain(&c.cell.path.to_string())).collect();
        found.sort();
        let expected: Vec<String> = printed.keys().cloned().collect();
        assert_eq!(found, expected, "{family:?} {seed} page {page}");
        for cut in &cells {
            let [left, top, right, bottom] = printed[&plain(&cut.cell.path.to_string())];
            let (first, last) = (cut.cell.boxes[0], cut.cell.boxes[2]);
            let across = last.x1.min(right) - first.x0.max(left);
            let down = first.y1.min(bottom) - first.y0.max(top);
            assert!(
                across > 0.85 * (right - left) && down > 0.7 * (bottom - top),
                "{family:?} {seed} page {page} {}: {:?} for {:?}",
                cut.cell.path,
                cut.cell.boxes,
                [left, top, right, bottom]
            );
        }
    }
}

#[test]
fn every_cell_in_printed_boxes_is_found_in_its_place() {
    let reader = FormReader::cutter(text());
    for (family, seed, page) in [
        (Family::Senado2018, 1, 4),
        (Family::Senado2018, 3, 1),
        (Family::Presidente2022, 1, 1),
        (Family::Camara2022, 2, 1),
    ] {
        assert_every_cell_found(&reader, family, seed, &[page], Scan::bitonal_300());
    }
}

#[test]
fn every_cell_whose_boxes_dropped_out_is_found_in_its_place() {
    let reader = FormReader::cutter(text());
    for (family, seed, pages) in [
        (Family::Uninominal2023, 14, &[1, 2][..]),
        (Family::Lists2023, 2, &[1]),
        (Family::Cmj2025, 2, &[1, 2]),
        (Family::PrimeraVuelta2026, 14, &[2]),
        (Family::SegundaVuelta2026, 13, &[1]),
    ] {
        assert_every_cell_found(&reader, family, seed, pages, Scan::drop_out());
    }
}

#[test]
fn a_rule_that_runs_on_into_a_faint_box_parts_two_rows() {
    let reader = FormReader::cutter(text());
    assert_every_cell_found(&reader, Family::SegundaVuelta2026, 12, &[1], Scan::colour_300());
}

#[test]
fn lists_of_letters_are_never_taken_for_lists_of_numbers() {
    let reader = FormReader::cutter(text());
    let form = Form::sample(1, Family::Camara2022, &Options::default()).unwrap();
    let cells = reader
        .cut(&document(&form.render(3, Scan::bitonal_300()).unwrap()))
        .unwrap();
    let codes: Vec<&str> = cells
        .iter()
        .filter_map(|c| c.cell.path.list())
        .map(|l| l.0.as_str())
        .collect();
    assert!(codes.iter().all(|c| c.chars().all(char::is_alphabetic)), "{codes:?}");
    // Nothing confirms the first letter; each other one follows the one before.
    let unsure = |code: &str| {
        cells
            .iter()
            .any(|c| !c.cell.named && c.cell.path.list().is_some_and(|l| l.0 == code))
    };
    assert!(unsure("A") && !unsure("B"), "{codes:?}");
}

#[test]
fn a_page_that_no_family_prints_goes_to_a_person_without_cells() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/symbols.onnx");
    let reader = FormReader::new(text(), SymbolReader::open(&models).unwrap());
    let form = Form::sample(4, Family::Camara2022, &Options::default()).unwrap();
    let mut page = form.render(1, Scan::bitonal_300()).unwrap().into_luma8();
    draw_table(&mut page);
    let read = reader.read(&document(&page.into())).unwrap().reading;
    assert!(
        read.fields.is_empty(),
        "{:?}",
        read.fields.iter().map(|f| f.path.to_string()).collect::<Vec<_>>()
    );
    assert!(read.pages[0].needs_review);
    assert!(
        read.pages[0].notes.iter().any(|n| n.contains("layout not recognised")),
        "{:?}",
        read.pages[0].notes
    );
}

/// Replaces the body of a page by a table of empty cells that say nothing: four a row, beside a wide one.
fn draw_table(page: &mut GrayImage) {
    let (w, h) = page.dimensions();
    let (top, bottom) = (h * 23 / 100, h * 90 / 100);
    for y in top..bottom {
        for x in 0..w {
            page.put_pixel(x, y, Luma([255]));
        }
    }
    let columns = [6, 40, 54, 68, 82, 94].map(|c| w * c / 100);
    let rows: Vec<u32> = (0..=14).map(|i| top + 20 + i * h * 4 / 100).collect();
    let (left, right) = (columns[0], columns[5]);
    let (first, last) = (rows[0], rows[rows.len() - 1]);
    for (from, to, across) in columns.iter().map(|&x| (first, last, x)) {
        for y in from..to {
            (0..3).for_each(|d| page.put_pixel(across + d, y, Luma([0])));
        }
    }
    for &y in &rows {
        for x in left..right {
            (0..3).for_each(|d| page.put_pixel(x, y + d, Luma([0])));
        }
    }
}
