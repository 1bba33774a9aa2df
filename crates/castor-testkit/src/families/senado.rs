//! Senado 2018: one list a page, candidates 1 to 100 in three columns, triangles in the corners.

use castor_domain::form::FieldPath;
use rand::RngExt;

use super::columns::{GridStyle, NIVELACION, SIDES, SOLID_BOXES, constancias_2022, framed_row};
use super::lists::{List, codes, list, numbers};
use super::presidente2022::HEADER_2022;
use super::{Draft, NARROW_2022};
use crate::fonts::Weight;
use crate::header::{HeaderStyle, Identity};
use crate::page::{Juror, Page};
use crate::tally::{Count, Table, Votes};
use crate::truth::Section;

/// Columns that touch, with number cells as wide as the boxes.
const TOUCHING: GridStyle = GridStyle {
    sides: SIDES,
    title: 0.0,
    head: 0.0231,
    row: 0.0175,
    pitch: 0.0173,
    gap: 0.0033,
    number: 0.0893,
    box_width: 0.0893,
    aside: 0.0,
    number_em: 0.031,
    alone: "VOTOS PARA LA LISTA",
    total: "TOTAL PARTIDO (VOTOS LISTA + VOTOS CANDIDATOS)",
};
/// Columns that stand apart, with wide number cells.
const APART: GridStyle = GridStyle {
    number: 0.1185,
    box_width: 0.0770,
    aside: 0.0100,
    ..TOUCHING
};

const HEADER_2018: HeaderStyle = HeaderStyle {
    lugar_first: true,
    bold_codes: false,
    triangles: true,
    ..HEADER_2022
};

/// One page per list, then special rows, remarks and signatures.
pub(super) fn senado_2018(juror: &mut Juror) -> Draft {
    let election = ["ELECCIONES DE CONGRESO", "11 DE MARZO DE 2018"];
    let mut identity = Identity::sample(&mut juror.rng, 71, "SENADO", &election, false);
    identity.printed_corporacion = Some("SENADO");
    let table = Table::sample(&mut juror.rng);
    let count = juror.rng.random_range(3..=5);
    let votes = Votes::sample(&mut juror.rng, table.counted, count, true);
    let codes = codes(juror, count);
    let lists: Vec<List> = votes
        .rows
        .iter()
        .zip(codes)
        .map(|(votes, code)| {
            let open = juror.rng.random_bool(0.85);
            let last = juror.rng.random_range(60..=100);
            let numbers = if open { numbers(juror, 1, last) } else { Vec::new() };
            list(juror, code, *votes, numbers)
        })
        .collect();
    // The one known page does not tell how wide the number cells are.
    let grid = if juror.rng.random_bool(0.5) { TOUCHING } else { APART };
    let mut pages = Vec::with_capacity(count + 1);
    for (i, list) in lists.iter().enumerate() {
        let mut page = Page::new(NARROW_2022);
        let mut top = 0.2107;
        if i == 0 {
            NIVELACION.print(&mut page, juror, table, top, SOLID_BOXES);
            top = 0.2920;
        }
        page.print("CIRCUNSCRIPCIÓN NACIONAL", 0.5, top + 0.006, 0.03, Weight::Bold);
        grid.print(&mut page, juror, list, top + 0.0140, SOLID_BOXES);
        pages.push(page);
    }
    let mut page = Page::new(NARROW_2022);
    page.sections.push(Section::Special { circunscripcion: None });
    let specials = [
        ("VOTOS EN BLANCO", FieldPath::Blanco, Count::Number(votes.blanco)),
        ("VOTOS NULOS", FieldPath::Nulos, Count::Number(votes.nulos)),
        (
            "VOTOS NO MARCADOS",
            FieldPath::NoMarcados,
            Count::Number(votes.no_marcados),
        ),
    ];
    for (row, top) in specials.iter().zip([0.2200, 0.2470, 0.2740]) {
        framed_row(&mut page, juror, row, [top, top + 0.0245], 1.0, SOLID_BOXES);
    }
    page.constancias(juror, &constancias_2022(0.3200));
    page.firmas(juror, 0.55, 0.90, 6);
    pages.push(page);
    Draft {
        identity,
        style: HEADER_2018,
        pages,
    }
}
