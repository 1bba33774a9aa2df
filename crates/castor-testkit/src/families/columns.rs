//! What the forms of 2018 and 2022 share: nivelación in three columns, black boxes, lists with a grid in three columns.

use castor_domain::form::{FieldPath, Nivelacion};
use rand::RngExt;

use super::lists::List;
use crate::fonts::Weight;
use crate::names;
use crate::page::{BoxPrint, Constancias, Juror, Page, RULE};
use crate::sheet::{Align, Item, Tone};
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

/// Grey boxes of Presidente 2022, which scans show as dense dots.
pub(super) const DOTTED_BOXES: BoxPrint = BoxPrint {
    tone: Tone::Half(0.55),
    width: 0.0042,
    dots: None,
    rings: false,
};
/// Solid black boxes of Cámara 2022 and Senado 2018.
pub(super) const SOLID_BOXES: BoxPrint = BoxPrint {
    tone: Tone::Black,
    width: 0.0026,
    dots: None,
    rings: false,
};

/// Measures of a nivelación in three columns, from its top.
#[derive(Debug, Clone, Copy)]
pub(super) struct NivelacionColumns {
    /// Height of the title.
    pub(super) title: f32,
    /// Middles of the lines above the boxes.
    pub(super) heads: [f32; 3],
    /// Upper and lower side of the boxes.
    pub(super) boxes: [f32; 2],
    /// Edges of the boxes.
    pub(super) edges: [[f32; 4]; 3],
}

/// As measured on Presidente 2022.
pub(super) const NIVELACION: NivelacionColumns = NivelacionColumns {
    title: 0.0194,
    heads: [0.0274, 0.0363, 0.0451],
    boxes: [0.0526, 0.0763],
    edges: NIVELACION_EDGES,
};

impl NivelacionColumns {
    /// Title, column heads and boxes; `top` is the title's top.
    pub(super) fn print(&self, page: &mut Page, juror: &mut Juror, table: Table, top: f32, print: BoxPrint) {
        page.sections.push(Section::Nivelacion);
        let (l, r) = (self.edges[0][0], self.edges[2][3]);
        page.frame([l, top, r, top + self.title], RULE * 1.3, [0.0, 0.0]);
        let middle = top + self.title * 0.51;
        page.print("NIVELACIÓN DE LA MESA", (l + r) * 0.5, middle, 0.0302, Weight::Bold);
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
        for (i, edges) in self.edges.into_iter().enumerate() {
            let x = (edges[0] + edges[3]) * 0.5;
            for (line, dy) in heads[i].iter().zip(self.heads) {
                page.print(*line, x, top + dy, 0.0262, Weight::Bold).longest = 0.26;
            }
            let rows = self.boxes.map(|y| top + y);
            page.cell(juror, &FieldPath::Nivelacion(fields[i]), edges, rows, counts[i], print);
        }
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

/// Measures of a list with a grid in three columns: heights in frame heights, widths in frame widths.
#[derive(Debug, Clone, Copy)]
pub(super) struct GridStyle {
    /// Left and right of the list.
    pub(super) sides: (f32, f32),
    /// Height of the title row; 0 when there is none.
    pub(super) title: f32,
    /// Height of logo, code and name.
    pub(super) head: f32,
    /// Height of row 0 and of the total.
    pub(super) row: f32,
    /// Height of a row of the grid.
    pub(super) pitch: f32,
    /// Between row 0, grid and total.
    pub(super) gap: f32,
    /// Width of a number's cell.
    pub(super) number: f32,
    /// Width of a box.
    pub(super) box_width: f32,
    /// Between the columns of the grid.
    pub(super) aside: f32,
    /// Size of codes and numbers.
    pub(super) number_em: f32,
    /// Words beside the boxes of row 0 of a list with preferential vote.
    pub(super) alone: &'static str,
    /// Words before the boxes of a list's total.
    pub(super) total: &'static str,
}

impl GridStyle {
    fn column(&self, column: usize) -> f32 {
        self.sides.0 + (self.number + 3.0 * self.box_width + self.aside) * column as f32
    }

    /// Edges of the boxes of a column of the grid.
    pub(super) fn edges(&self, column: usize) -> [f32; 4] {
        let left = self.column(column) + self.number;
        [0.0, 1.0, 2.0, 3.0].map(|i| left + self.box_width * i)
    }

    /// Height of a list's block.
    pub(super) fn height(&self, list: &List) -> f32 {
        let rows = list.candidates.len().div_ceil(3);
        let grid = if rows == 0 {
            0.0
        } else {
            self.pitch * rows as f32 + self.row + 2.0 * self.gap
        };
        self.title + self.head + self.row + grid
    }

    /// Prints and fills a list's block from `top` on.
    pub(super) fn print(&self, page: &mut Page, juror: &mut Juror, list: &List, top: f32, print: BoxPrint) {
        page.sections.push(list.section());
        let (l, r) = self.sides;
        let open = !list.candidates.is_empty();
        let (head, zero) = (top + self.title, top + self.title + self.head);
        page.frame([l, top, r, zero + self.row], RULE, [0.0, 0.0]);
        if self.title > 0.0 {
            let title = if open {
                "LISTA CON VOTO PREFERENTE"
            } else {
                "LISTA SIN VOTO PREFERENTE"
            };
            page.print(title, (l + r) * 0.5, top + self.title * 0.5, 0.0262, Weight::Bold);
            page.rule([l, head], [r, head]);
        }
        page.rule([l, zero], [r, zero]);
        let boxes = self.edges(0);
        let (logo, code, name) = (boxes[0], boxes[2], boxes[2] + 0.105);
        for x in [logo, code, name] {
            page.rule([x, head], [x, zero]);
        }
        page.logo(
            &mut juror.rng,
            [
                logo + 0.015,
                head + self.head * 0.12,
                code - 0.015,
                head + self.head * 0.88,
            ],
            &list.name,
        );
        let middle = head + self.head * 0.5;
        page.number(list.code.0.clone(), (code + name) * 0.5, middle, self.number_em);
        let lines = names::two_lines(&list.name, 36);
        for (i, line) in lines.iter().enumerate() {
            let y = middle + 0.0078 * (i as f32 - (lines.len() - 1) as f32 * 0.5);
            let text = page.print(line.clone(), name + 0.014, y, 0.029, Weight::Bold);
            text.align = Align::Left;
            text.longest = r - name - 0.03;
        }
        self.row_zero(page, juror, list, zero, print);
        if open {
            self.grid(page, juror, list, zero + self.row + self.gap, print);
        }
    }

    fn row_zero(&self, page: &mut Page, juror: &mut Juror, list: &List, top: f32, print: BoxPrint) {
        let middle = top + self.row * 0.5;
        page.number("0", self.sides.0 + self.number * 0.5, middle, self.number_em);
        let open = !list.candidates.is_empty();
        let edges = self.edges(if open { 0 } else { 2 });
        let rows = [top, top + self.row];
        page.cell(
            juror,
            &list.alone_field(),
            edges,
            rows,
            Count::Number(list.alone),
            print,
        );
        if open {
            arrow(page, [0.425, 0.345], middle);
            page.print(self.alone, 0.725, middle, 0.0265, Weight::Bold).longest = 0.52;
        } else {
            page.print("VOTOS POR LA AGRUPACIÓN POLÍTICA", 0.372, middle, 0.0265, Weight::Bold)
                .longest = 0.46;
            arrow(page, [0.65, 0.735], middle);
        }
    }

    fn grid(&self, page: &mut Page, juror: &mut Juror, list: &List, top: f32, print: BoxPrint) {
        let rows = list.candidates.len().div_ceil(3);
        for (i, (number, votes)) in list.candidates.iter().enumerate() {
            let (column, row) = (i / rows, i % rows);
            let (left, edges) = (self.column(column), self.edges(column));
            let span = [0.0, 1.0].map(|n| top + self.pitch * (row as f32 + n));
            for y in span {
                page.rule([left, y], [edges[0], y]);
            }
            page.rule([left, span[0]], [left, span[1]]);
            let middle = (span[0] + span[1]) * 0.5;
            page.number(number.to_string(), left + self.number * 0.5, middle, self.number_em);
            let field = list.candidate_field(*number);
            page.cell(juror, &field, edges, span, Count::Number(*votes), print);
        }
        let foot = top + self.pitch * rows as f32 + self.gap;
        let text = page.print(
            self.total,
            self.edges(2)[0] - 0.028,
            foot + self.row * 0.5,
            0.0285,
            Weight::Bold,
        );
        text.align = Align::Right;
        text.longest = 0.7;
        let count = list.total_count(juror);
        let span = [foot, foot + self.row];
        page.cell(juror, &list.total_field(), self.edges(2), span, count, print);
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
