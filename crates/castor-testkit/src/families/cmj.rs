//! Consejo Municipal de Juventud 2025 (E-14J): one block per list.

use castor_domain::form::FieldPath;
use rand::RngExt;

use super::lists::{List, codes, list};
use super::{Draft, HEADER_2023, NARROW, NivelacionRows, SIDES, SpecialRows, constancias};
use crate::fonts::Weight;
use crate::header::{HeaderStyle, Identity};
use crate::names;
use crate::page::{BoxPrint, FAINT_BOXES, Juror, Page, RULE};
use crate::sheet::{Item, Tone};
use crate::tally::{Count, Table, Votes};

const HEADER_CMJ: HeaderStyle = HeaderStyle {
    place_box: [-0.010, 0.1273, 1.0100, 0.2059],
    control_y: 0.2190,
    ..HEADER_2023
};
const EDGES: [f32; 4] = [0.6450, 0.7600, 0.8720, 0.9850];
/// Hardly visible even in colour.
const FAINTEST_BOXES: BoxPrint = BoxPrint {
    tone: Tone::DropOut(0.05),
    ..FAINT_BOXES
};
const PITCH: f32 = 0.1232;

/// A youth council form: five lists a page, then the special rows.
pub(super) fn cmj_2025(juror: &mut Juror) -> Draft {
    let election = ["ELECCIONES DE JUVENTUDES", "OCTUBRE 19 DE 2025"];
    let mut identity = Identity::sample(&mut juror.rng, 74, "CMJ", &election, false);
    identity.printed_corporacion = Some("CONSEJO MUNICIPAL");
    identity.form_code = "E-14J";
    let mut table = Table::sample(&mut juror.rng);
    table.urna = table.sufragantes;
    table.incinerados = 0;
    table.counted = table.urna;
    let count = juror.rng.random_range(3..=9);
    let votes = Votes::sample(&mut juror.rng, table.counted, count, false);
    let codes = codes(juror, count);
    let lists: Vec<List> = votes
        .rows
        .iter()
        .zip(codes)
        .map(|(votes, code)| list(juror, code, *votes, Vec::new()))
        .collect();
    let mut pages = Vec::new();
    for (number, block) in lists.chunks(5).enumerate() {
        let mut page = Page::new(NARROW);
        if number == 0 {
            nivelacion().print(&mut page, juror, table, FAINTEST_BOXES);
        }
        let start = if number == 0 { 0.3556 } else { 0.2343 };
        for (i, list) in block.iter().enumerate() {
            print_list(&mut page, juror, list, number * 5 + i + 1, start + PITCH * i as f32);
        }
        pages.push(page);
    }
    pages.push(last_page(juror, &votes));
    Draft {
        identity,
        style: HEADER_CMJ,
        pages,
    }
}

fn nivelacion() -> NivelacionRows {
    NivelacionRows {
        bar: [0.2343, 0.2500],
        banded: false,
        rules: [0.2832, 0.3104, 0.3436],
        first_rule: None,
        divider: 0.6330,
        edges: EDGES,
        boxes: [[0.2563, 0.2833], [0.2833, 0.3104], [0.3104, 0.3376]],
        of: String::new(),
    }
}

fn print_list(page: &mut Page, juror: &mut Juror, list: &List, position: usize, top: f32) {
    page.sections.push(list.section());
    let (l, r) = SIDES;
    let (head, row, foot) = (top + 0.0241, top + 0.0711, top + 0.1109);
    page.items.push(Item::Ring {
        centre: [0.053, top + 0.0112],
        radius: 0.032,
        width: 0.005,
        tone: Tone::Black,
    });
    page.print(format!("{position:02}"), 0.053, top + 0.0112, 0.036, Weight::Bold);
    let category = names::pick(
        &mut juror.rng,
        &[
            "PROCESOS Y PRÁCTICAS",
            "PARTIDOS Y MOVIMIENTOS POLÍTICOS",
            "LISTAS INDEPENDIENTES",
        ],
    );
    page.fill([0.122, top, r, head], Tone::DropOut(0.4), [0.018, 0.0]);
    page.frame([0.122, top, r, head], RULE, [0.018, 0.0]);
    page.print(category, 0.556, (top + head) * 0.5, 0.0329, Weight::Bold)
        .longest = 0.8;
    page.frame([l, head, r, foot], RULE, [0.0, 0.0]);
    page.rule([0.2545, head], [0.2545, foot]);
    page.rule([l, row], [0.2545, row]);
    page.items.push(Item::Frame {
        area: [0.2545, row, r, foot],
        width: 0.006,
        tone: Tone::Half(0.6),
        round: [0.0, 0.0],
    });
    page.logo(&mut juror.rng, [0.035, head + 0.012, 0.215, head + 0.036], &list.name);
    let lines = names::two_lines(&list.name, 22);
    for (i, line) in lines.iter().enumerate() {
        let y = (head + row) * 0.5 + 0.0143 * (i as f32 - (lines.len() - 1) as f32 * 0.5);
        page.print(line.clone(), 0.622, y, 0.0403, Weight::Bold).longest = 0.7;
    }
    for (line, dy) in [("TOTAL VOTOS", -0.0045), ("POR LA LISTA", 0.0045)] {
        page.print(line, 0.117, (row + foot) * 0.5 + dy, 0.0255, Weight::Bold);
    }
    page.print("CÓDIGO AGRUPACIÓN", 0.4435, row + 0.0096, 0.0258, Weight::Regular);
    page.print(list.code.0.clone(), 0.4440, row + 0.0241, 0.0454, Weight::Bold)
        .stretch = 1.15;
    let rows = [row + 0.0068, row + 0.0336];
    page.cell(
        juror,
        &list.alone_field(),
        EDGES,
        rows,
        Count::Number(list.alone),
        FAINTEST_BOXES,
    );
}

fn last_page(juror: &mut Juror, votes: &Votes) -> Page {
    let mut page = Page::new(NARROW);
    let labels = [
        ("VOTOS NULOS", FieldPath::Nulos, Count::Number(votes.nulos)),
        (
            "VOTOS NO MARCADOS",
            FieldPath::NoMarcados,
            Count::Number(votes.no_marcados),
        ),
    ];
    SpecialRows {
        top: 0.2595,
        feet: &[0.2926, 0.3258],
        labels: &labels,
        middles: &[0.2793, 0.3062],
        box_height: 0.0269,
        divider: 0.6325,
        edges: EDGES,
    }
    .print(&mut page, juror, FAINTEST_BOXES);
    let mut layout = constancias(0.3627, 0.8337, 0.6770, 0.6985, 0.7663);
    layout.banded = false;
    layout.question = "¿HUBO RECUENTO DE VOTOS?";
    layout.yes_no = [0.4530, 0.5400];
    page.constancias(juror, &layout);
    page.firmas(juror, 0.842, 0.968, 4);
    page
}
