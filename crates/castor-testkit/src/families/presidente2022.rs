//! Presidente 2022, first round: one page, dotted boxes, nivelación in three columns.

use castor_domain::form::FieldPath;
use rand::RngExt;

use super::columns::{DOTTED_BOXES, NIVELACION, NIVELACION_EDGES, SIDES, constancias_2022, framed_row};
use super::{Draft, NARROW_2022};
use crate::fonts::Weight;
use crate::header::{HeaderStyle, Identity};
use crate::names;
use crate::page::{Juror, Page, RULE};
use crate::tally::{Count, Table, Votes, written_total};
use crate::truth::{CandidateTruth, Section};

pub(super) const HEADER_2022: HeaderStyle = HeaderStyle {
    place_box: [-0.0312, 0.1270, 1.0405, 0.1864],
    place_x: -0.0055,
    place_y: [0.1367, 0.1506, 0.1650, 0.1791],
    lugar_first: false,
    bold_codes: true,
    control_y: 0.1989,
    padded_page: true,
    triangles: false,
};

const FIRST_ROW: f32 = 0.3121;
const PITCH: f32 = 0.03275;
const ROW: f32 = 0.0305;

/// The one page of the form.
pub(super) fn presidente_2022(juror: &mut Juror) -> Draft {
    let election = [
        "ELECCIONES DE PRESIDENTE Y",
        "VICEPRESIDENTE DE LA REPÚBLICA",
        "29 DE MAYO DE 2022",
    ];
    let abroad = juror.options.abroad.unwrap_or(false);
    let identity = Identity::sample(&mut juror.rng, 71, "PRESIDENTE", &election, abroad);
    let table = Table::sample(&mut juror.rng);
    let votes = Votes::sample(&mut juror.rng, table.counted, 8, true);
    let mut page = Page::new(NARROW_2022);
    NIVELACION.print(&mut page, juror, table, 0.2107, DOTTED_BOXES);
    let l = SIDES.0;
    let column = NIVELACION_EDGES[2];
    page.frame([l, 0.2934, 0.7640, 0.3097], RULE * 1.3, [0.0, 0.0]);
    page.frame([column[0], 0.2934, column[3], 0.3097], RULE * 1.3, [0.0, 0.0]);
    for (title, x) in [("AGRUPACIÓN", 0.166), ("CANDIDATO", 0.514), ("VOTACIÓN", 0.915)] {
        page.print(title, x, 0.3015, 0.0302, Weight::Bold).stretch = 0.9;
    }
    candidates(&mut page, juror, &votes);
    let specials = [
        ("VOTOS EN BLANCO", FieldPath::Blanco, Count::Number(votes.blanco)),
        ("VOTOS NULOS", FieldPath::Nulos, Count::Number(votes.nulos)),
        (
            "VOTOS NO MARCADOS",
            FieldPath::NoMarcados,
            Count::Number(votes.no_marcados),
        ),
    ];
    page.sections.push(Section::Special { circunscripcion: None });
    for (row, top) in specials.iter().zip([0.5773, 0.5995, 0.6217]) {
        framed_row(&mut page, juror, row, [top, top + 0.0199], 1.0, DOTTED_BOXES);
    }
    let options = juror.options;
    let total = written_total(
        &mut juror.rng,
        table.counted,
        options.arithmetic_error,
        options.blank_total,
    );
    let row = ("TOTAL VOTOS DE LA MESA", FieldPath::Total, total);
    framed_row(&mut page, juror, &row, [0.6491, 0.6718], 1.6, DOTTED_BOXES);
    page.constancias(juror, &constancias_2022(0.6832));
    page.firmas(juror, 0.843, 0.986, 6);
    Draft {
        identity,
        style: HEADER_2022,
        pages: vec![page],
    }
}

fn candidates(page: &mut Page, juror: &mut Juror, votes: &Votes) {
    let l = SIDES.0;
    let mut printed = Vec::new();
    for (i, votes) in votes.rows.iter().enumerate() {
        let number = u16::try_from(i + 1).unwrap_or(u16::MAX);
        let top = FIRST_ROW + PITCH * i as f32;
        let middle = top + ROW * 0.5;
        page.frame([l, top, 0.7640, top + ROW], RULE * 1.3, [0.0, 0.0]);
        page.print(number.to_string(), 0.003, middle, 0.047, Weight::Bold);
        page.rule([0.0375, top], [0.0375, top + ROW]);
        page.photo(&mut juror.rng, [0.052, top + 0.003, 0.118, top + ROW - 0.002]);
        let party = names::party(&mut juror.rng);
        page.logo(&mut juror.rng, [0.138, top + 0.008, 0.302, top + 0.024], &party);
        let name = names::person(&mut juror.rng);
        page.print(name.clone(), 0.5325, middle, 0.0312, Weight::Regular)
            .longest = 0.45;
        let party = juror.rng.random_bool(0.7).then_some(party);
        printed.push(CandidateTruth {
            number: number.to_string(),
            name,
            party,
        });
        let rows = [top, top + ROW];
        page.cell(
            juror,
            &FieldPath::Candidato(number),
            NIVELACION_EDGES[2],
            rows,
            Count::Number(*votes),
            DOTTED_BOXES,
        );
    }
    page.sections.push(Section::Candidates { candidates: printed });
}
