//! Cámara 2022: three circunscripciones, each with its own special rows, solid black boxes.

use castor_domain::form::FieldPath;
use rand::RngExt;

use super::columns::{GridStyle, NivelacionColumns, SOLID_BOXES, constancias_2022};
use super::lists::{List, codes, list, numbers};
use super::presidente2022::HEADER_2022;
use super::{Draft, NARROW_2022};
use crate::fonts::Weight;
use crate::header::{HeaderStyle, Identity};
use crate::page::{Juror, Page, RULE};
use crate::sheet::Align;
use crate::tally::{Count, Table, Votes, share};
use crate::truth::Section;

/// Left and right of the body.
const SIDES: (f32, f32) = (-0.0340, 1.0386);

const GRID: GridStyle = GridStyle {
    sides: SIDES,
    title: 0.0086,
    head: 0.0231,
    row: 0.0175,
    pitch: 0.0174,
    gap: 0.0032,
    number: 0.1190,
    box_width: 0.0771,
    aside: 0.0108,
    number_em: 0.0300,
    alone: "VOTOS SOLO POR LA AGRUPACIÓN POLÍTICA",
    total: "TOTAL = VOTOS AGRUPACIÓN + VOTOS CANDIDATOS",
};

const NIVELACION: NivelacionColumns = NivelacionColumns {
    title: 0.0117,
    heads: [0.0198, 0.0284, 0.0374],
    boxes: [0.0448, 0.0638],
    edges: [
        [-0.0340, 0.0485, 0.1310, 0.2145],
        [0.3763, 0.4590, 0.5417, 0.6259],
        [0.7881, 0.8710, 0.9538, 1.0386],
    ],
};

const HEADER: HeaderStyle = HeaderStyle {
    place_box: [-0.0340, 0.1453, 1.0386, 0.2132],
    place_y: [0.1575, 0.1717, 0.1857, 0.2000],
    lugar_first: true,
    bold_codes: false,
    control_y: 0.2255,
    ..HEADER_2022
};

const TOP: f32 = 0.2368;
const FOOT: f32 = 0.985;
/// Between lists.
const GAP: f32 = 0.0034;
/// Height of a row of special votes.
const SPECIAL: f32 = 0.0182;
/// Height of a circunscripción's title.
const TITLE: f32 = 0.0196;

/// One circunscripción with its lists.
struct Block {
    name: &'static str,
    title: &'static str,
    lists: Vec<List>,
    votes: Votes,
}

/// The form: about one page per two or three lists, then remarks and signatures.
pub(super) fn camara_2022(juror: &mut Juror) -> Draft {
    let election = ["ELECCIONES DE CONGRESO", "DE LA REPÚBLICA", "13 DE MARZO DE 2022"];
    let mut identity = Identity::sample(&mut juror.rng, 72, "CAMARA", &election[..2], false);
    identity.election = vec!["ELECCIONES DE CONGRESO", "13 DE MARZO DE 2022"];
    identity.printed_corporacion = Some("CÁMARA");
    let table = Table::sample(&mut juror.rng);
    let blocks = blocks(juror, table.counted);
    let mut pages = vec![Page::new(NARROW_2022)];
    NIVELACION.print(&mut pages[0], juror, table, TOP, SOLID_BOXES);
    let mut top = 0.3078;
    for block in &blocks {
        circunscripcion(&mut pages, juror, block, top);
        // Blanco, nulos and no marcados are told apart by their page: the next block starts on a new one.
        pages.push(Page::new(NARROW_2022));
        top = TOP;
    }
    let last = pages.len() - 1;
    let page = &mut pages[last];
    page.constancias(juror, &constancias_2022(0.2400));
    page.firmas(juror, 0.69, 0.91, 6);
    Draft {
        identity,
        style: HEADER,
        pages,
    }
}

fn blocks(juror: &mut Juror, counted: u16) -> Vec<Block> {
    let small = counted / 20;
    let mut parts = share(&mut juror.rng, small, 2, 1.0);
    parts.insert(0, counted - small);
    let counts = [
        juror.rng.random_range(4..=7),
        juror.rng.random_range(2..=3),
        juror.rng.random_range(3..=7),
    ];
    let mut printed = codes(juror, counts[0] + counts[1]);
    let titles = [
        ("TERRITORIAL", "CIRCUNSCRIPCIÓN TERRITORIAL"),
        ("INDIGENA", "CIRCUNSCRIPCIÓN ESPECIAL COMUNIDADES INDÍGENAS"),
        ("AFRO", "CIRCUNSCRIPCIÓN ESPECIAL AFRO-DESCENDIENTES"),
    ];
    let seats = juror.rng.random_range(5..=17);
    let mut blocks = Vec::with_capacity(3);
    for (i, (name, title)) in titles.into_iter().enumerate() {
        let votes = Votes::sample(&mut juror.rng, parts[i], counts[i], true);
        let (first, seats) = [(101, seats), (201, 6), (301, 3)][i];
        let mut lists = Vec::with_capacity(counts[i]);
        for (n, votes) in votes.rows.iter().enumerate() {
            let code = if i == 2 {
                letters(n)
            } else {
                format!("{:0>4}", printed.remove(0))
            };
            let open = juror.rng.random_bool(if i == 0 { 0.7 } else { 0.5 });
            let numbers = if open { numbers(juror, first, seats) } else { Vec::new() };
            let mut list = list(juror, code, *votes, numbers);
            list.circunscripcion = Some(name.to_owned());
            lists.push(list);
        }
        blocks.push(Block {
            name,
            title,
            lists,
            votes,
        });
    }
    blocks
}

/// Code of a list of the afro block: A to Z, then AA, AB and so on.
fn letters(n: usize) -> String {
    let letter = |i: usize| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"[i % 26]);
    if n < 26 {
        letter(n).to_string()
    } else {
        format!("{}{}", letter(n / 26 - 1), letter(n))
    }
}

fn circunscripcion(pages: &mut Vec<Page>, juror: &mut Juror, block: &Block, from: f32) {
    let (l, r) = SIDES;
    let mut top = from;
    let mut titled = false;
    for list in &block.lists {
        let title = if titled { 0.0 } else { TITLE };
        if top + title + GRID.height(list) > FOOT {
            pages.push(Page::new(NARROW_2022));
            top = TOP;
        }
        let last = pages.len() - 1;
        let page = &mut pages[last];
        if !titled {
            page.frame([l, top, r, top + TITLE], RULE * 1.3, [0.0, 0.0]);
            page.print(block.title, (l + r) * 0.5, top + TITLE * 0.5, 0.036, Weight::Bold);
            top += TITLE;
            titled = true;
        }
        GRID.print(page, juror, list, top, SOLID_BOXES);
        top += GRID.height(list) + GAP;
    }
    top += 2.0 * GAP;
    if top + 3.0 * SPECIAL > FOOT {
        pages.push(Page::new(NARROW_2022));
        top = TOP;
    }
    let last = pages.len() - 1;
    special_rows(&mut pages[last], juror, block, top);
}

fn special_rows(page: &mut Page, juror: &mut Juror, block: &Block, top: f32) {
    let (l, r) = SIDES;
    page.sections.push(Section::Special {
        circunscripcion: Some(block.name.to_owned()),
    });
    let specials = [
        ("VOTOS EN BLANCO", FieldPath::Blanco, block.votes.blanco),
        ("VOTOS NULOS", FieldPath::Nulos, block.votes.nulos),
        ("VOTOS NO MARCADOS", FieldPath::NoMarcados, block.votes.no_marcados),
    ];
    page.frame([l, top, r, top + 3.0 * SPECIAL], RULE, [0.0, 0.0]);
    let edges = GRID.edges(2);
    for (i, (label, field, votes)) in specials.iter().enumerate() {
        let rows = [0.0, 1.0].map(|n| top + SPECIAL * (i as f32 + n));
        page.rule([l, rows[1]], [edges[0], rows[1]]);
        let middle = (rows[0] + rows[1]) * 0.5;
        page.print(*label, l + 0.014, middle, 0.036, Weight::Bold).align = Align::Left;
        page.cell(juror, field, edges, rows, Count::Number(*votes), SOLID_BOXES);
    }
}
