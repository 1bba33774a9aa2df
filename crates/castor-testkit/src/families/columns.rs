//! What the forms of 2018 and 2022 share: nivelación in three columns, black boxes, lists with a grid in three columns.

use castor_domain::form::{FieldPath, Nivelacion};
use rand::RngExt;

use super::lists::List;
use crate::fonts::Weight;
use crate::names;
use crate::page::{BoxPrint, Constancias, Juror, Page, RULE};
use crate::sheet::{Item, Tone};
use crate::tally::{Count, Table};
use crate::truth::Section;

/// Left and right of the body.
pub(super) const SIDES: (f32, f32) = (-0.0312, 1.0405);

/// Box columns of the nivelación; the last one is also the column of the votes.
pub(super) const NIVELACION_EDGES: [[f32; 4]; 3] = [
    [-0.0312, 0.0512, 0.1331, 0.2162],
    [0.3787, 0.4619, 0.5450, 0.6281],
    [0.7913, 0.8747, 0.9575, 1.0405],
];

/// Dotted black boxes of Presidente 2022.
pub(super) const DOTTED_BOXES: BoxPrint = BoxPrint {
    tone: Tone::Black,
    width: 0.0030,
    dots: Some(0.0062),
    rings: false,
};
/// Solid black boxes of Cámara 2022 and Senado 2018.
pub(super) const SOLID_BOXES: BoxPrint = BoxPrint {
    tone: Tone::Black,
    width: 0.0026,
    dots: None,
    rings: false,
};

/// Title, column heads and boxes; `top` is the title's top.
pub(super) fn nivelacion(page: &mut Page, juror: &mut Juror, table: Table, top: f32, print: BoxPrint) {
    page.sections.push(Section::Nivelacion);
    let (l, r) = SIDES;
    page.frame([l, top, r, top + 0.0194], RULE * 1.3, [0.0, 0.0]);
    page.print(
        "NIVELACIÓN DE LA MESA",
        (l + r) * 0.5,
        top + 0.0099,
        0.0302,
        Weight::Bold,
    );
    let heads = [
        ["TOTAL", "SUFRAGANTES", "FORMATO E-11"],
        ["TOTAL", "VOTOS", "EN LA URNA"],
        ["TOTAL", "VOTOS", "INCINERADOS"],
    ];
    let burnt = match table.incinerados {
        0 if juror.rng.random_bool(0.3) => Count::Blank,
        n => Count::Number(n),
    };
    let counts = [Count::Number(table.sufragantes), Count::Number(table.urna), burnt];
    let fields = [Nivelacion::Sufragantes, Nivelacion::Urna, Nivelacion::Incinerados];
    for (i, edges) in NIVELACION_EDGES.into_iter().enumerate() {
        let x = (edges[0] + edges[3]) * 0.5;
        for (line, dy) in heads[i].iter().zip([0.0274, 0.0363, 0.0451]) {
            page.print(*line, x, top + dy, 0.0262, Weight::Bold).longest = 0.26;
        }
        page.cell(
            juror,
            &FieldPath::Nivelacion(fields[i]),
            edges,
            [top + 0.0526, top + 0.0763],
            counts[i],
            print,
        );
    }
}

/// A labelled row with a frame of its own and the boxes at the right.
pub(super) fn framed_row(
    page: &mut Page,
    juror: &mut Juror,
    (label, field, count): &(&str, FieldPath, Count),
    rows: [f32; 2],
    thick: f32,
    print: BoxPrint,
) {
    let l = SIDES.0;
    page.frame([l, rows[0], 0.7640, rows[1]], RULE * thick, [0.0, 0.0]);
    let weight = if thick > 1.0 { Weight::Bold } else { Weight::Regular };
    page.print(*label, (l + 0.764) * 0.5, (rows[0] + rows[1]) * 0.5, 0.0305, weight);
    page.cell(juror, field, NIVELACION_EDGES[2], rows, *count, print);
}

/// Remarks of 2018 and 2022: black lines and boxes.
pub(super) fn constancias_2022(top: f32) -> Constancias {
    Constancias {
        title: "OTRAS CONSTANCIAS DE LOS JURADOS DE VOTACIÓN",
        question: "HUBO RECUENTO DE VOTOS",
        sides: SIDES,
        top,
        head: top + 0.0116,
        bottom: top + 0.1526,
        ask: top + 0.0963,
        by: top + 0.1188,
        of: top + 0.1398,
        yes_no: [0.4584, 0.5441],
        banded: false,
        line_pitch: 0.0164,
        line_tone: Tone::Black,
        choice_tone: Tone::Black,
    }
}

/// Measures of a list with a grid in three columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct GridStyle {
    /// Height of the title row; 0 when there is none.
    pub(super) title: f32,
    /// Height of logo, code and name.
    pub(super) head: f32,
    /// Distance of the grid's rows.
    pub(super) pitch: f32,
    /// Height of a box.
    pub(super) box_height: f32,
    /// Size of the candidates' numbers.
    pub(super) number_em: f32,
    /// Words beside the boxes of row 0 of a list with preferential vote.
    pub(super) alone: &'static str,
    /// Words before the boxes of a list's total.
    pub(super) total: &'static str,
}

const COLUMN: f32 = 0.3572;
const BOXES_FROM: f32 = 0.0850;
const BOX_WIDTH: f32 = 0.0880;

fn grid_edges(column: usize) -> [f32; 4] {
    let left = SIDES.0 + COLUMN * column as f32 + BOXES_FROM;
    [left, left + BOX_WIDTH, left + 2.0 * BOX_WIDTH, left + 3.0 * BOX_WIDTH]
}

impl GridStyle {
    /// Height of a list's block.
    pub(super) fn height(&self, list: &List) -> f32 {
        let rows = list.candidates.len().div_ceil(3);
        let grid = if rows == 0 {
            0.0
        } else {
            self.pitch * rows as f32 + self.row() + 0.004
        };
        self.title + self.head + self.row() + grid
    }

    fn row(&self) -> f32 {
        self.box_height.max(0.0235) + 0.008
    }

    /// Prints and fills a list's block from `top` on.
    pub(super) fn print(&self, page: &mut Page, juror: &mut Juror, list: &List, top: f32, print: BoxPrint) {
        page.sections.push(list.section());
        let (l, r) = SIDES;
        let open = !list.candidates.is_empty();
        page.frame([l, top, r, top + self.height(list)], RULE * 1.3, [0.0, 0.0]);
        if self.title > 0.0 {
            let title = if open {
                "LISTA CON VOTO PREFERENTE"
            } else {
                "LISTA SIN VOTO PREFERENTE"
            };
            page.print(title, (l + r) * 0.5, top + self.title * 0.5, 0.0262, Weight::Bold);
            page.rule([l, top + self.title], [r, top + self.title]);
        }
        let head = top + self.title;
        let zero = head + self.head;
        page.rule([l, zero], [r, zero]);
        page.logo(
            &mut juror.rng,
            [0.0, head + self.head * 0.2, 0.19, head + self.head * 0.8],
            &list.name,
        );
        page.rule([0.2300, head], [0.2300, zero]);
        page.rule([0.3600, head], [0.3600, zero]);
        page.number(list.code.0.clone(), 0.295, head + self.head * 0.5, 0.0415);
        let lines = names::two_lines(&list.name, 24);
        for (i, line) in lines.iter().enumerate() {
            let y = head + self.head * 0.5 + 0.0145 * (i as f32 - (lines.len() - 1) as f32 * 0.5);
            page.print(line.clone(), 0.70, y, 0.0385, Weight::Bold).longest = 0.64;
        }
        self.row_zero(page, juror, list, zero, print);
        if open {
            self.grid(page, juror, list, zero + self.row(), print);
        }
    }

    fn row_zero(&self, page: &mut Page, juror: &mut Juror, list: &List, top: f32, print: BoxPrint) {
        let middle = top + self.row() * 0.5;
        let rows = [middle - self.box_height * 0.5, middle + self.box_height * 0.5];
        page.number("0", SIDES.0 + 0.043, middle, 0.0415);
        let open = !list.candidates.is_empty();
        let edges = if open { grid_edges(0) } else { grid_edges(2) };
        page.cell(
            juror,
            &list.alone_field(),
            edges,
            rows,
            Count::Number(list.alone),
            print,
        );
        if open {
            arrow(page, [0.40, 0.345], middle);
            page.print(self.alone, 0.715, middle, 0.0265, Weight::Bold).longest = 0.6;
        } else {
            page.print("VOTOS POR LA AGRUPACIÓN POLÍTICA", 0.355, middle, 0.0265, Weight::Bold)
                .longest = 0.6;
            arrow(page, [0.68, 0.735], middle);
        }
    }

    fn grid(&self, page: &mut Page, juror: &mut Juror, list: &List, top: f32, print: BoxPrint) {
        let (l, r) = SIDES;
        page.rule([l, top], [r, top]);
        let rows = list.candidates.len().div_ceil(3);
        for (i, (number, votes)) in list.candidates.iter().enumerate() {
            let (column, row) = (i / rows, i % rows);
            let y = top + 0.002 + self.pitch * (row as f32 + 0.5);
            page.number(
                number.to_string(),
                l + COLUMN * column as f32 + 0.043,
                y,
                self.number_em,
            );
            let field = list.candidate_field(*number);
            let span = [y - self.box_height * 0.5, y + self.box_height * 0.5];
            page.cell(juror, &field, grid_edges(column), span, Count::Number(*votes), print);
        }
        let foot = top + self.pitch * rows as f32 + 0.004;
        page.rule([l, foot], [r, foot]);
        let middle = foot + self.row() * 0.5;
        page.print(self.total, 0.35, middle, 0.0265, Weight::Bold).longest = 0.72;
        let count = list.total_count(juror);
        let span = [middle - self.box_height * 0.5, middle + self.box_height * 0.5];
        page.cell(juror, &list.total_field(), grid_edges(2), span, count, print);
    }
}

/// An arrow from one place to another.
fn arrow(page: &mut Page, [from, to]: [f32; 2], y: f32) {
    let (thick, wing) = (page.down(0.005), page.down(0.014));
    page.fill(
        [from.min(to), y - thick, from.max(to), y + thick],
        Tone::Black,
        [0.0, 0.0],
    );
    let back = if to > from { -0.022 } else { 0.022 };
    let corners = [[to + back, y - wing], [to, y], [to + back, y + wing]];
    page.items.push(Item::Triangle {
        corners,
        tone: Tone::Black,
    });
}
