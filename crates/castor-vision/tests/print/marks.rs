use crate::draw::{BOLD, Typeface, frame, page, photographed, rectified, stroke};
use castor_vision::recount::{Recount, find_question, read_recount};
use castor_vision::signatures::{SignatureGrid, count_signatures};
use image::GrayImage;

/// A page with the question at a height, and its boxes with or without frames.
fn question(y: f32, framed: bool) -> GrayImage {
    let face = Typeface::load();
    let mut sheet = page();
    face.write(&mut sheet, (69.0, y), 14.0, 0.0, &[(BOLD, "HUBO RECUENTO DE VOTOS")]);
    for (x, word) in [(416.0, "SÍ"), (479.0, "NO")] {
        face.write(&mut sheet, (x, y + 1.0), 16.5, 0.0, &[(BOLD, word)]);
    }
    if framed {
        for x in [402u32, 473] {
            frame(&mut sheet, x, y as u32 - 33, x + 51, y as u32 + 18);
        }
    }
    sheet
}

fn cross(sheet: &mut GrayImage, x: f32, y: f32) {
    stroke(sheet, (x - 20.0, y - 20.0), (x + 20.0, y + 18.0));
    stroke(sheet, (x - 18.0, y + 20.0), (x + 20.0, y - 20.0));
}

fn answer(sheet: GrayImage) -> Option<Recount> {
    let page = rectified(sheet);
    find_question(&page, 620.0, 2200.0).map(|q| read_recount(&page, &q))
}

#[test]
fn the_crossed_recount_box_is_told() {
    for framed in [false, true] {
        for (crossed, expected) in [
            (vec![], Recount::Unmarked),
            (vec![428.0], Recount::Yes),
            (vec![498.0], Recount::No),
            (vec![428.0, 498.0], Recount::Both),
        ] {
            let mut sheet = question(1640.0, framed);
            for x in crossed {
                cross(&mut sheet, x, 1632.0);
            }
            assert_eq!(answer(sheet.clone()), Some(expected), "framed {framed}");
            assert_eq!(
                answer(photographed(&sheet, 1.2)),
                Some(expected),
                "blurred, framed {framed}"
            );
        }
    }
}

#[test]
fn the_question_is_found_wherever_the_family_prints_it() {
    for y in [905.0, 1240.0, 1833.0, 2100.0] {
        assert_eq!(answer(question(y, false)), Some(Recount::Unmarked), "at {y}");
    }
}

#[test]
fn nothing_is_looked_at_from_the_signature_area_on() {
    let page = rectified(question(2100.0, false));
    assert!(find_question(&page, 620.0, 2060.0).is_none());
}

#[test]
fn a_page_without_the_question_has_no_recount() {
    assert_eq!(answer(page()), None);
}

#[test]
fn signed_cells_are_counted() {
    let grid = SignatureGrid {
        top: 0.75,
        bottom: 0.98,
        rows: 3,
    };
    for signed in 0..=6u8 {
        let mut sheet = page();
        for cell in 0..signed {
            let (column, row) = (f32::from(cell % 2), f32::from(cell / 2));
            let (x, y) = (100.0 + 400.0 * column, 2090.0 + 200.0 * row);
            for i in 0..8u8 {
                let dx = 30.0 * f32::from(i);
                stroke(&mut sheet, (x + dx, y + 60.0), (x + dx + 24.0, y + 10.0));
                stroke(&mut sheet, (x + dx + 24.0, y + 10.0), (x + dx + 30.0, y + 60.0));
            }
        }
        assert_eq!(count_signatures(&rectified(sheet), &grid), Some(signed));
    }
}

#[test]
fn a_grid_off_the_page_counts_nothing() {
    let off = SignatureGrid {
        top: 0.9,
        bottom: 1.2,
        rows: 3,
    };
    assert_eq!(count_signatures(&rectified(page()), &off), None);
}
