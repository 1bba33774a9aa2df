//! Asamblea and Concejo 2023: lists with and without preferential vote, the grid in two columns.

use castor_domain::form::{FieldPath, ListCode};
use rand::RngExt;

use super::{Draft, HEADER_2023, LIST_EDGES, NARROW, NivelacionRows, SIDES, SpecialRows, constancias};
use crate::fonts::Weight;
use crate::header::Identity;
use crate::names;
use crate::page::{FAINT_BOXES, Juror, Page, RULE};
use crate::sheet::{Item, Tone};
use crate::tally::{Count, Table, Votes, share, written_total};
use crate::truth::Section;

/// A list of candidates with its votes.
#[derive(Debug, Clone)]
pub(super) struct List {
    pub(super) code: ListCode,
    pub(super) name: String,
    /// Votes for the list alone.
    pub(super) alone: u16,
    /// Number and votes of each candidate; none on lists without preferential vote.
    pub(super) candidates: Vec<(u16, u16)>,
    pub(super) circunscripcion: Option<String>,
}

impl List {
    pub(super) fn total(&self) -> u16 {
        self.alone + self.candidates.iter().map(|c| c.1).sum::<u16>()
    }

    pub(super) fn section(&self) -> Section {
        let list_type = if self.candidates.is_empty() {
            "SIN_VOTO_PREFERENTE"
        } else {
            "CON_VOTO_PREFERENTE"
        };
        Section::List {
            list_type: list_type.to_owned(),
            party_code: self.code.0.clone(),
            party_name: self.name.clone(),
            circunscripcion: self.circunscripcion.clone(),
            candidate_numbers: self.candidates.iter().map(|c| c.0.to_string()).collect(),
        }
    }

    pub(super) fn alone_field(&self) -> FieldPath {
        FieldPath::SoloLista(self.code.clone())
    }

    pub(super) fn candidate_field(&self, number: u16) -> FieldPath {
        FieldPath::ListaCandidato(self.code.clone(), number)
    }

    pub(super) fn total_field(&self) -> FieldPath {
        FieldPath::ListaTotal(self.code.clone())
    }

    /// The printed total as the juror writes it.
    pub(super) fn total_count(&self, juror: &mut Juror) -> Count {
        let options = juror.options;
        written_total(
            &mut juror.rng,
            self.total(),
            options.arithmetic_error * 0.3,
            options.blank_total,
        )
    }
}

/// Numbers of a list: from `first` on, some withdrawn.
pub(super) fn numbers(juror: &mut Juror, first: u16, count: u16) -> Vec<u16> {
    (first..first + count)
        .filter(|n| *n == first || !juror.rng.random_bool(0.06))
        .collect()
}

/// Splits a list's votes between the list alone and its candidates.
pub(super) fn list(juror: &mut Juror, code: String, votes: u16, numbers: Vec<u16>) -> List {
    let name = names::party(&mut juror.rng);
    let shares = share(&mut juror.rng, votes, numbers.len() + 1, 2.2);
    let candidates = numbers.into_iter().zip(shares.iter().skip(1).copied()).collect();
    List {
        code: ListCode(code),
        name,
        alone: shares[0],
        candidates,
        circunscripcion: None,
    }
}

/// Distinct printed codes: short for parties, of four digits for coalitions.
pub(super) fn codes(juror: &mut Juror, count: usize) -> Vec<String> {
    let mut codes: Vec<String> = Vec::new();
    while codes.len() < count {
        let long = juror.rng.random_bool(0.3);
        let code = if long {
            juror.rng.random_range(6000..7990)
        } else {
            juror.rng.random_range(1..45_u16)
        }
        .to_string();
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    codes
}

const BAR: f32 = 0.0152;
const HEADER: f32 = 0.0472;
const ROW_ZERO: f32 = 0.0365;
const GRID_FIRST: f32 = 0.0180;
const GRID_PITCH: f32 = 0.02375;
const GRID_LAST: f32 = 0.0480;
const GAP: f32 = 0.0190;
const FOOT: f32 = 0.988;
const LEFT_EDGES: [f32; 4] = [0.1400, 0.2500, 0.3600, 0.4700];

fn height(list: &List) -> f32 {
    let rows = list.candidates.len().div_ceil(2);
    let grid = if rows == 0 {
        0.0
    } else {
        GRID_FIRST + GRID_PITCH * (rows - 1) as f32 + GRID_LAST
    };
    BAR + HEADER + ROW_ZERO + grid
}

/// Asamblea or Concejo 2023.
pub(super) fn lists_2023(juror: &mut Juror) -> Draft {
    let asamblea = juror.rng.random_bool(0.5);
    let (prefix, name) = if asamblea { (72, "ASAMBLEA") } else { (74, "CONCEJO") };
    let election = ["ELECCIONES TERRITORIALES", "OCTUBRE 29 DE 2023"];
    let mut identity = Identity::sample(&mut juror.rng, prefix, name, &election, false);
    identity.printed_corporacion = Some(name);
    let table = Table::sample(&mut juror.rng);
    let count = juror.rng.random_range(4..=9);
    let votes = Votes::sample(&mut juror.rng, table.counted, count, true);
    let codes = codes(juror, count);
    let first_number = if asamblea { 51 } else { 1 };
    let seats = if asamblea {
        juror.rng.random_range(11..=20)
    } else {
        juror.rng.random_range(7..=19)
    };
    let lists: Vec<List> = votes
        .rows
        .iter()
        .zip(codes)
        .map(|(votes, code)| {
            let open = juror.rng.random_bool(0.75);
            let numbers = if open {
                numbers(juror, first_number, seats)
            } else {
                Vec::new()
            };
            list(juror, code, *votes, numbers)
        })
        .collect();
    let mut pages = vec![Page::new(NARROW)];
    let nivelacion = NivelacionRows {
        bar: [0.2206, 0.2376],
        banded: true,
        rules: [0.2668, 0.2907, 0.3204],
        first_rule: Some(0.2431),
        divider: 0.6300,
        edges: LIST_EDGES,
        boxes: [[0.2431, 0.2668], [0.2668, 0.2907], [0.2907, 0.3144]],
        of: format!("DE {name} "),
    };
    nivelacion.print(&mut pages[0], juror, table, FAINT_BOXES);
    let mut top = 0.3325;
    for list in &lists {
        if top + height(list) > FOOT {
            pages.push(Page::new(NARROW));
            top = 0.2206;
        }
        let last = pages.len() - 1;
        print_list(&mut pages[last], juror, list, top);
        top += height(list) + GAP;
    }
    pages.push(last_page(juror, &votes));
    Draft {
        identity,
        style: HEADER_2023,
        pages,
    }
}

fn last_page(juror: &mut Juror, votes: &Votes) -> Page {
    let mut page = Page::new(NARROW);
    let labels = [
        ("VOTOS EN BLANCO", FieldPath::Blanco, Count::Number(votes.blanco)),
        ("VOTOS NULOS", FieldPath::Nulos, Count::Number(votes.nulos)),
        (
            "VOTOS NO MARCADOS",
            FieldPath::NoMarcados,
            Count::Number(votes.no_marcados),
        ),
    ];
    SpecialRows {
        top: 0.2617,
        feet: &[0.2926, 0.3172, 0.3484],
        labels: &labels,
        middles: &[0.2790, 0.3040, 0.3290],
        box_height: 0.0248,
        divider: 0.6325,
        edges: LIST_EDGES,
    }
    .print(&mut page, juror, FAINT_BOXES);
    page.constancias(juror, &constancias(0.3955, 0.7490, 0.6023, 0.6245, 0.6956));
    page.firmas(juror, 0.756, 0.968, 6);
    page
}

fn print_list(page: &mut Page, juror: &mut Juror, list: &List, top: f32) {
    page.sections.push(list.section());
    let (l, r) = SIDES;
    let open = !list.candidates.is_empty();
    let title = if open {
        "LISTA CON VOTO PREFERENTE"
    } else {
        "LISTA SIN VOTO PREFERENTE"
    };
    page.bar([l, top, r, top + BAR], &[(title, 0.495)], 0.025, [0.018, 0.0]);
    let (head, zero) = (top + BAR, top + BAR + HEADER);
    let grid = zero + ROW_ZERO;
    page.frame([l, top, r, top + height(list)], RULE, [0.018, 0.0]);
    page.rule([l, zero], [r, zero]);
    for x in [0.2540, 0.3655] {
        page.rule([x, head], [x, zero]);
    }
    page.logo(&mut juror.rng, [0.035, head + 0.012, 0.206, head + 0.034], &list.name);
    let middle = (head + zero) * 0.5;
    page.number(list.code.0.clone(), 0.3100, middle, 0.0415);
    for (i, line) in names::two_lines(&list.name, 22).iter().enumerate() {
        let lines = names::two_lines(&list.name, 22).len();
        let y = middle + 0.0155 * (i as f32 - (lines - 1) as f32 * 0.5);
        page.print(line.clone(), 0.688, y, 0.0399, Weight::Bold).longest = 0.62;
    }
    row_zero(page, juror, list, zero, grid);
    if !open {
        return;
    }
    page.rule([l, grid], [r, grid]);
    let rows = list.candidates.len().div_ceil(2);
    for (i, (number, votes)) in list.candidates.iter().enumerate() {
        let y = grid + GRID_FIRST + GRID_PITCH * (i % rows) as f32;
        let (x, edges) = if i < rows {
            (0.0680, LEFT_EDGES)
        } else {
            (0.5755, LIST_EDGES)
        };
        page.number(number.to_string(), x, y, 0.0415);
        let field = list.candidate_field(*number);
        page.cell(
            juror,
            &field,
            edges,
            [y - 0.0118, y + 0.0118],
            Count::Number(*votes),
            FAINT_BOXES,
        );
    }
    let y = top + height(list) - 0.0180;
    for (line, dy) in [
        ("TOTAL AGRUPACIÓN POLÍTICA (VOTOS POR LA", -0.0047),
        ("LISTA + VOTOS POR CANDIDATOS)", 0.0047),
    ] {
        page.print(line, 0.308, y + dy, 0.0253, Weight::Bold);
    }
    let count = list.total_count(juror);
    page.cell(
        juror,
        &list.total_field(),
        LIST_EDGES,
        [y - 0.0130, y + 0.0118],
        count,
        FAINT_BOXES,
    );
}

fn row_zero(page: &mut Page, juror: &mut Juror, list: &List, top: f32, bottom: f32) {
    let middle = (top + bottom) * 0.5;
    for x in [0.1228, 0.6300] {
        page.rule([x, top], [x, bottom]);
    }
    page.number("0", 0.0680, middle, 0.0415);
    let label: &[&str] = if list.candidates.is_empty() {
        &["VOTOS POR LA AGRUPACIÓN", "POLÍTICA"]
    } else {
        &["VOTOS SOLO POR LA LISTA"]
    };
    for (i, line) in label.iter().enumerate() {
        let y = middle + 0.0085 * (i as f32 - (label.len() - 1) as f32 * 0.5);
        page.print(*line, 0.344, y, 0.0252, Weight::Bold);
    }
    arrow(page, middle);
    let rows = [middle - 0.0128, middle + 0.0128];
    page.cell(
        juror,
        &list.alone_field(),
        LIST_EDGES,
        rows,
        Count::Number(list.alone),
        FAINT_BOXES,
    );
}

fn arrow(page: &mut Page, y: f32) {
    let thick = page.down(0.005);
    page.fill([0.575, y - thick, 0.606, y + thick], Tone::Black, [0.0, 0.0]);
    let wing = page.down(0.014);
    let corners = [[0.602, y - wing], [0.624, y], [0.602, y + wing]];
    page.items.push(Item::Triangle {
        corners,
        tone: Tone::Black,
    });
}
