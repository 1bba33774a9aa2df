//! Cámara 2022: three circunscripciones, each with its own special rows, solid black boxes.

use castor_domain::form::FieldPath;
use rand::RngExt;

use super::columns::{GridStyle, SIDES, SOLID_BOXES, constancias_2022, framed_row, nivelacion};
use super::lists::{List, codes, list, numbers};
use super::presidente2022::HEADER_2022;
use super::{Draft, NARROW_2022};
use crate::fonts::Weight;
use crate::header::{HeaderStyle, Identity};
use crate::page::{Juror, Page};
use crate::sheet::Tone;
use crate::tally::{Count, Table, Votes, share};
use crate::truth::Section;

const GRID: GridStyle = GridStyle {
    title: 0.0150,
    head: 0.0400,
    pitch: 0.0262,
    box_height: 0.0245,
    number_em: 0.0415,
    alone: "VOTOS SOLO POR LA AGRUPACIÓN POLÍTICA",
    total: "TOTAL = VOTOS AGRUPACIÓN + VOTOS CANDIDATOS",
};
const TOP: f32 = 0.2107;
const FOOT: f32 = 0.985;

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
    nivelacion(&mut pages[0], juror, table, TOP, SOLID_BOXES);
    let mut top = 0.2950;
    for block in &blocks {
        top = circunscripcion(&mut pages, juror, block, top);
        // Blanco, nulos and no marcados are told apart by their page: the next block starts on a new one.
        pages.push(Page::new(NARROW_2022));
        top = top.min(TOP);
    }
    let last = pages.len() - 1;
    let page = &mut pages[last];
    page.constancias(juror, &constancias_2022(0.2200));
    page.firmas(juror, 0.69, 0.91, 6);
    Draft {
        identity,
        style: HeaderStyle {
            lugar_first: true,
            ..HEADER_2022
        },
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
            let code = if i == 2 { letters(n) } else { printed.remove(0) };
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

fn circunscripcion(pages: &mut Vec<Page>, juror: &mut Juror, block: &Block, from: f32) -> f32 {
    let (l, r) = SIDES;
    let mut top = from;
    let mut titled = false;
    for list in &block.lists {
        let title = if titled { 0.0 } else { 0.0215 };
        if top + title + GRID.height(list) > FOOT {
            pages.push(Page::new(NARROW_2022));
            top = TOP;
        }
        let last = pages.len() - 1;
        let page = &mut pages[last];
        if !titled {
            page.fill([l, top, r, top + 0.0165], Tone::Band, [0.0, 0.0]);
            page.print(block.title, (l + r) * 0.5, top + 0.0083, 0.029, Weight::Bold)
                .tone = Tone::White;
            top += 0.0215;
            titled = true;
        }
        GRID.print(page, juror, list, top, SOLID_BOXES);
        top += GRID.height(list) + 0.008;
    }
    if top + 0.083 > FOOT {
        pages.push(Page::new(NARROW_2022));
        top = TOP;
    }
    let last = pages.len() - 1;
    let page = &mut pages[last];
    page.sections.push(Section::Special {
        circunscripcion: Some(block.name.to_owned()),
    });
    let specials = [
        ("VOTOS EN BLANCO", FieldPath::Blanco, Count::Number(block.votes.blanco)),
        ("VOTOS NULOS", FieldPath::Nulos, Count::Number(block.votes.nulos)),
        (
            "VOTOS NO MARCADOS",
            FieldPath::NoMarcados,
            Count::Number(block.votes.no_marcados),
        ),
    ];
    for row in &specials {
        framed_row(page, juror, row, [top, top + 0.0245], 1.0, SOLID_BOXES);
        top += 0.0272;
    }
    top
}
