//! Gobernador and Alcalde 2023, Presidente 2026: one framed row per candidate.

use castor_domain::form::FieldPath;
use rand::RngExt;

use super::{Draft, HEADER_2023, NARROW, NivelacionRows, RINGED_BOXES, ROW_EDGES, SIDES, SpecialRows, constancias};
use crate::fonts::Weight;
use crate::header::{HeaderStyle, Identity};
use crate::names;
use crate::page::{BoxPrint, FAINT_BOXES, Juror, Page, RULE};
use crate::tally::{Count, Table, Votes, written_total};
use crate::truth::{CandidateTruth, Section};

/// A candidate with votes.
struct Row {
    truth: CandidateTruth,
    number: u16,
    votes: u16,
}

fn rows(juror: &mut Juror, votes: &Votes, pairs: bool) -> Vec<Row> {
    (1_u16..)
        .zip(&votes.rows)
        .map(|(number, votes)| {
            let rng = &mut juror.rng;
            let mut name = names::person(rng);
            if pairs {
                name = format!("{name} / {}", names::person(rng));
            }
            let party = rng.random_bool(0.8).then(|| names::party(rng));
            Row {
                truth: CandidateTruth {
                    number: number.to_string(),
                    name,
                    party,
                },
                number,
                votes: *votes,
            }
        })
        .collect()
}

/// Where the parts of a candidate's frame stand, downwards from its top.
struct RowLayout {
    height: f32,
    number: f32,
    number_x: f32,
    number_em: f32,
    photo: [f32; 4],
    logo: [f32; 4],
    /// Middle of the first name line, distance to the next, and where lines are centred.
    name: [f32; 3],
    longest_line: usize,
    box_middle: f32,
    box_height: f32,
}

const ROW_2023: RowLayout = RowLayout {
    height: 0.0459,
    number: 0.0229,
    number_x: 0.0194,
    number_em: 0.0415,
    photo: [0.075, 0.0035, 0.165, 0.0405],
    logo: [0.54, 0.008, 0.69, 0.038],
    name: [0.0172, 0.0115, 0.335],
    longest_line: 16,
    box_middle: 0.0235,
    box_height: 0.0246,
};

const ROW_2026: RowLayout = RowLayout {
    height: 0.0819,
    number: 0.0415,
    number_x: 0.0248,
    number_em: 0.0415,
    photo: [0.1, 0.0065, 0.245, 0.060],
    logo: [0.335, 0.009, 0.668, 0.055],
    name: [0.0722, 0.0115, 0.383],
    longest_line: 60,
    box_middle: 0.0405,
    box_height: 0.0250,
};

const ROW_RUNOFF: RowLayout = RowLayout {
    height: 0.1511,
    number: 0.0755,
    number_x: 0.0265,
    number_em: 0.0637,
    photo: [0.063, 0.018, 0.418, 0.0935],
    logo: [0.43, 0.034, 0.72, 0.076],
    name: [0.1240, 0.0137, 0.39],
    longest_line: 1,
    box_middle: 0.0765,
    box_height: 0.0254,
};

fn candidate_bar(page: &mut Page, top: f32, bottom: f32) {
    let titles = [("CANDIDATO", 0.167), ("AGRUPACIÓN", 0.499), ("VOTACIÓN", 0.858)];
    page.bar([SIDES.0, top, SIDES.1, bottom], &titles, 0.0269, [0.018, 0.018]);
}

fn candidate(
    page: &mut Page,
    juror: &mut Juror,
    row: &Row,
    top: f32,
    layout: &RowLayout,
    edges: [f32; 4],
    print: BoxPrint,
) {
    let (l, r) = SIDES;
    page.frame([l, top, r, top + layout.height], RULE, [0.028, 0.0]);
    page.number(
        row.number.to_string(),
        layout.number_x,
        top + layout.number,
        layout.number_em,
    );
    let [pl, pt, pr, pb] = layout.photo;
    if row.truth.name.contains(" / ") {
        let middle = (pl + pr) * 0.5;
        page.photo(&mut juror.rng, [pl, top + pt, middle - 0.01, top + pb]);
        page.photo(&mut juror.rng, [middle + 0.01, top + pt, pr, top + pb]);
    } else {
        page.photo(&mut juror.rng, [pl, top + pt, pr, top + pb]);
    }
    let [ll, lt, lr, lb] = layout.logo;
    let logo = row.truth.party.clone().unwrap_or_else(|| "A".to_owned());
    page.logo(&mut juror.rng, [ll, top + lt, lr, top + lb], &logo);
    let lines = match row.truth.name.split_once(" / ") {
        Some((a, b)) => vec![a.to_owned(), b.to_owned()],
        None => names::two_lines(&row.truth.name, layout.longest_line),
    };
    let [first, pitch, x] = layout.name;
    let first = if lines.len() == 1 && layout.longest_line < 30 {
        first + pitch * 0.5
    } else {
        first
    };
    for (i, line) in lines.iter().enumerate() {
        let text = page.print(line.clone(), x, top + first + pitch * i as f32, 0.0333, Weight::Regular);
        text.stretch = 0.81;
        text.longest = if layout.longest_line < 30 { 0.34 } else { 0.66 };
    }
    let middle = top + layout.box_middle;
    let rows = [middle - layout.box_height * 0.5, middle + layout.box_height * 0.5];
    page.cell(
        juror,
        &FieldPath::Candidato(row.number),
        edges,
        rows,
        Count::Number(row.votes),
        print,
    );
}

/// Blanco, nulos, no marcados and the form's own label of the total.
fn special_counts<'a>(
    juror: &mut Juror,
    votes: &Votes,
    counted: u16,
    total_label: &'a str,
) -> [(&'a str, FieldPath, Count); 4] {
    let options = juror.options;
    let total = written_total(&mut juror.rng, counted, options.arithmetic_error, options.blank_total);
    [
        ("VOTOS EN BLANCO", FieldPath::Blanco, Count::Number(votes.blanco)),
        ("VOTOS NULOS", FieldPath::Nulos, Count::Number(votes.nulos)),
        (
            "VOTOS NO MARCADOS",
            FieldPath::NoMarcados,
            Count::Number(votes.no_marcados),
        ),
        (total_label, FieldPath::Total, total),
    ]
}

fn section(rows: &[Row]) -> Section {
    Section::Candidates {
        candidates: rows.iter().map(|r| r.truth.clone()).collect(),
    }
}

/// Gobernador or Alcalde 2023 on one or two pages.
pub(super) fn uninominal_2023(juror: &mut Juror) -> Draft {
    let gobernador = juror.rng.random_bool(0.5);
    let (prefix, name) = if gobernador {
        (71, "GOBERNADOR")
    } else {
        (73, "ALCALDE")
    };
    let election = ["ELECCIONES TERRITORIALES", "OCTUBRE 29 DE 2023"];
    let mut identity = Identity::sample(&mut juror.rng, prefix, name, &election, false);
    identity.printed_corporacion = Some(name);
    let table = Table::sample(&mut juror.rng);
    let count = juror.rng.random_range(3..=15);
    let votes = Votes::sample(&mut juror.rng, table.counted, count, true);
    let rows = rows(juror, &votes, false);
    let specials = special_counts(juror, &votes, table.counted, "SUMA TOTAL DE VOTOS DEL ACTA E-14");
    let mut pages = vec![Page::new(NARROW)];
    let nivelacion = NivelacionRows {
        bar: [0.2180, 0.2332],
        banded: true,
        rules: [0.2639, 0.2886, 0.3198],
        first_rule: Some(0.2391),
        divider: 0.7178,
        edges: ROW_EDGES,
        boxes: [[0.2391, 0.2639], [0.2639, 0.2886], [0.2886, 0.3133]],
        of: format!("DE {name} "),
    };
    nivelacion.print(&mut pages[0], juror, table, FAINT_BOXES);
    candidate_bar(&mut pages[0], 0.3290, 0.3432);
    // With more than ten candidates the rows are taller and the rest goes to page 2.
    let (pitch, stretch) = if count > 10 {
        (0.0642, 0.0577 / 0.0459)
    } else {
        (0.0520, 1.0)
    };
    let layout = RowLayout {
        height: ROW_2023.height * stretch,
        number: ROW_2023.number * stretch,
        photo: [
            ROW_2023.photo[0],
            ROW_2023.photo[1],
            ROW_2023.photo[2] + 0.01,
            ROW_2023.photo[3] * stretch,
        ],
        logo: [
            ROW_2023.logo[0],
            ROW_2023.logo[1] * stretch,
            ROW_2023.logo[2],
            ROW_2023.logo[3] * stretch,
        ],
        name: [
            ROW_2023.name[0] + 0.0229 * (stretch - 1.0),
            ROW_2023.name[1],
            ROW_2023.name[2],
        ],
        box_middle: ROW_2023.box_middle * stretch,
        ..ROW_2023
    };
    let first = &rows[..count.min(10)];
    pages[0].sections.push(section(first));
    for (i, row) in first.iter().enumerate() {
        candidate(
            &mut pages[0],
            juror,
            row,
            0.3501 + pitch * i as f32,
            &layout,
            ROW_EDGES,
            FAINT_BOXES,
        );
    }
    let mut foot = 0.3501 + pitch * first.len() as f32;
    if count > 10 {
        let mut page = Page::new(NARROW);
        candidate_bar(&mut page, 0.2196, 0.2334);
        page.sections.push(section(&rows[10..]));
        for (i, row) in rows[10..].iter().enumerate() {
            candidate(
                &mut page,
                juror,
                row,
                0.2395 + pitch * i as f32,
                &layout,
                ROW_EDGES,
                FAINT_BOXES,
            );
        }
        foot = 0.2395 + pitch * (count - 10) as f32;
        pages.push(page);
    }
    let top = foot + 0.0031;
    let last = pages.len() - 1;
    special_2023(&mut pages[last], juror, top, &specials);
    let end = top + 0.1157;
    if end < 0.68 {
        closing(&mut pages[last], juror, end + 0.008);
    } else {
        let mut page = Page::new(NARROW);
        closing(&mut page, juror, 0.2200);
        pages.push(page);
    }
    Draft {
        identity,
        style: HEADER_2023,
        pages,
    }
}

/// The special rows of 2023: the total stands in a frame of its own.
fn special_2023(page: &mut Page, juror: &mut Juror, top: f32, specials: &[(&str, FieldPath, Count); 4]) {
    page.sections.push(Section::Special { circunscripcion: None });
    let (l, r) = SIDES;
    let divider = 0.7178;
    page.frame([l, top, r, top + 0.1157], RULE, [0.0, 0.0]);
    page.rule([divider, top], [divider, top + 0.0789]);
    for y in [0.0304, 0.0548, 0.0789] {
        page.rule([l, top + y], [divider, top + y]);
    }
    page.frame([l, top + 0.0850, divider, top + 0.1157], RULE * 1.3, [0.0, 0.0]);
    let middles = [0.0180, 0.0425, 0.0670, 0.0975];
    for ((label, field, count), middle) in specials.iter().zip(middles) {
        let y = top + middle;
        let em = if *field == FieldPath::Total { 0.0335 } else { 0.0293 };
        page.print(*label, (l + divider) * 0.5, y, em, Weight::Bold).longest = 0.68;
        page.cell(juror, field, ROW_EDGES, [y - 0.0123, y + 0.0123], *count, FAINT_BOXES);
    }
}

/// Remarks, recount and six signatures of 2023 forms.
fn closing(page: &mut Page, juror: &mut Juror, top: f32) {
    page.constancias(
        juror,
        &constancias(top, top + 0.1520, top + 0.1030, top + 0.1240, top + 0.1410),
    );
    page.firmas(juror, top + 0.158, top + 0.298, 6);
}

const HEADER_2026: HeaderStyle = HeaderStyle {
    control_y: 0.2040,
    ..HEADER_2023
};

/// Presidente 2026, first round, on three pages.
pub(super) fn primera_vuelta_2026(juror: &mut Juror) -> Draft {
    let abroad = juror.options.abroad.unwrap_or_else(|| juror.rng.random_bool(0.3));
    let election = [
        "ELECCIÓN PRESIDENCIA Y",
        "VICEPRESIDENCIA DE LA REPÚBLICA",
        "MAYO 31 DE 2026",
    ];
    let identity = Identity::sample(&mut juror.rng, 71, "PRESIDENTE", &election, abroad);
    let table = Table::sample(&mut juror.rng);
    let count = juror.rng.random_range(10..=13);
    let votes = Votes::sample(&mut juror.rng, table.counted, count, true);
    let rows = rows(juror, &votes, false);
    let mut first = Page::new(NARROW);
    let nivelacion = NivelacionRows {
        bar: [0.2165, 0.2336],
        banded: true,
        rules: [0.2636, 0.2890, 0.3205],
        first_rule: None,
        divider: 0.7190,
        edges: ROW_EDGES,
        boxes: [[0.2402, 0.2650], [0.2650, 0.2896], [0.2896, 0.3140]],
        of: String::new(),
    };
    nivelacion.print(&mut first, juror, table, RINGED_BOXES);
    candidate_bar(&mut first, 0.3348, 0.3512);
    first.sections.push(section(&rows[..7]));
    for (i, row) in rows[..7].iter().enumerate() {
        candidate(
            &mut first,
            juror,
            row,
            0.3583 + 0.0889 * i as f32,
            &ROW_2026,
            ROW_EDGES,
            RINGED_BOXES,
        );
    }
    let mut second = Page::new(NARROW);
    candidate_bar(&mut second, 0.2165, 0.2316);
    second.sections.push(section(&rows[7..]));
    for (i, row) in rows[7..].iter().enumerate() {
        candidate(
            &mut second,
            juror,
            row,
            0.2383 + 0.0889 * i as f32,
            &ROW_2026,
            ROW_EDGES,
            RINGED_BOXES,
        );
    }
    let top = 0.2383 + 0.0889 * (count - 7) as f32 + 0.0069;
    let labels = special_counts(
        juror,
        &votes,
        table.counted,
        "SUMA TOTAL (CANDIDATOS +\nEN BLANCO + NULOS + NO MARCADOS)",
    );
    SpecialRows {
        top,
        feet: &[0.0314, 0.0560, 0.0816, 0.1129].map(|y| y + top),
        labels: &labels,
        middles: &[0.0180, 0.0436, 0.0690, 0.0985].map(|y| y + top),
        box_height: 0.0250,
        divider: 0.7200,
        edges: ROW_EDGES,
    }
    .print(&mut second, juror, RINGED_BOXES);
    let third = closing_2026(juror, abroad, 0.2165, 0.5970);
    Draft {
        identity,
        style: HEADER_2026,
        pages: vec![first, second, third],
    }
}

/// Presidente 2026, run-off, on two pages.
pub(super) fn segunda_vuelta_2026(juror: &mut Juror) -> Draft {
    let abroad = juror.options.abroad.unwrap_or_else(|| juror.rng.random_bool(0.3));
    let election = [
        "ELECCIÓN PRESIDENCIA Y",
        "VICEPRESIDENCIA DE LA REPÚBLICA",
        "JUNIO 21 DE 2026",
    ];
    let identity = Identity::sample(&mut juror.rng, 71, "PRESIDENTE", &election, abroad);
    let table = Table::sample(&mut juror.rng);
    let votes = Votes::sample(&mut juror.rng, table.counted, 2, true);
    let rows = rows(juror, &votes, true);
    let edges = [0.7420, 0.8247, 0.9073, 0.9900];
    let mut first = Page::new(NARROW);
    let nivelacion = NivelacionRows {
        bar: [0.2222, 0.2384],
        banded: true,
        rules: [0.2725, 0.3039, 0.3384],
        first_rule: None,
        divider: 0.7200,
        edges,
        boxes: [[0.2440, 0.2696], [0.2758, 0.3012], [0.3078, 0.3332]],
        of: String::new(),
    };
    nivelacion.print(&mut first, juror, table, RINGED_BOXES);
    candidate_bar(&mut first, 0.3595, 0.3758);
    first.sections.push(section(&rows));
    for (row, top) in rows.iter().zip([0.3845, 0.5451]) {
        candidate(&mut first, juror, row, top, &ROW_RUNOFF, edges, RINGED_BOXES);
    }
    let labels = special_counts(
        juror,
        &votes,
        table.counted,
        "SUMA TOTAL (CANDIDATOS +\nEN BLANCO + NULOS + NO MARCADOS)",
    );
    SpecialRows {
        top: 0.7187,
        feet: &[0.7532, 0.7844, 0.8157, 0.8503],
        labels: &labels,
        middles: &[0.7405, 0.7720, 0.8035, 0.8355],
        box_height: 0.0254,
        divider: 0.7200,
        edges,
    }
    .print(&mut first, juror, RINGED_BOXES);
    let second = closing_2026(juror, abroad, 0.2215, 0.6030);
    Draft {
        identity,
        style: HEADER_2026,
        pages: vec![first, second],
    }
}

/// The last page of 2026 forms: remarks, recount, six signatures (four abroad).
fn closing_2026(juror: &mut Juror, abroad: bool, top: f32, ask: f32) -> Page {
    let mut page = Page::new(NARROW);
    let (bottom, ask) = if abroad { (0.820, ask + 0.075) } else { (0.757, ask) };
    let mut layout = constancias(top, bottom, ask, ask + 0.021, ask + 0.090);
    layout.question = "¿HUBO RECUENTO DE VOTOS?";
    layout.yes_no = [0.4530, 0.5400];
    page.constancias(juror, &layout);
    page.firmas(juror, bottom + 0.006, 0.972, if abroad { 4 } else { 6 });
    page
}
