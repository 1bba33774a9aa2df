//! The families that print their boxes in black: three boxes in a row are seen as such, and named by what stands beside
//! or above them. This also serves families never seen, as long as their boxes and labels are printed.

mod columns;

use super::lines::Line;
use super::numbering;
use super::{Cell, FrameRect, PageLayout, PageView};
use castor_domain::form::{FieldPath, ListCode, Nivelacion};

/// Widths of a box.
const BOX_WIDTH: [f32; 2] = [0.062, 0.100];
/// Heights of a box.
const BOX_HEIGHT: [f32; 2] = [0.012, 0.034];
/// How much the widths of boxes beside each other may differ.
const EVEN: f32 = 0.007;
/// Share of its height over which the side of a box is drawn.
const DRAWN: f32 = 0.75;
/// The body starts below the header box.
const BODY: [f32; 2] = [0.205, 0.985];

/// Confidence from which a printed number alone says what a row is.
const SURE_NUMBER: f32 = 0.8;

/// Three printed boxes in a row.
#[derive(Debug, Clone, Copy)]
struct Triple {
    /// Edges of the boxes.
    edges: [f32; 4],
    top: f32,
    bottom: f32,
}

impl Triple {
    fn middle(&self) -> f32 {
        f32::midpoint(self.top, self.bottom)
    }

    /// Largest difference between the widths of two of the boxes.
    fn unevenness(&self) -> f32 {
        let widths = [0, 1, 2].map(|i| self.edges[i + 1] - self.edges[i]);
        widths.iter().copied().fold(f32::MIN, f32::max) - widths.iter().copied().fold(f32::MAX, f32::min)
    }

    /// The same boxes with their edges where the ink shows them, and how many of the four edges are drawn over the given
    /// share of the height; strokes of letters are shorter.
    fn drawn(&self, view: &PageView<'_>, share: f32) -> (Self, usize) {
        let found = self
            .edges
            .map(|x| view.drawn_down(x, self.top + 0.001, self.bottom - 0.001));
        let mut edges = self.edges;
        for (edge, (drawn, x)) in edges.iter_mut().zip(found) {
            if drawn >= share {
                *edge = x;
            }
        }
        let closed = found.iter().filter(|f| f.0 >= share).count();
        (Self { edges, ..*self }, closed)
    }

    /// Whether the boxes stand in one printed column with others.
    fn in_column(&self, other: &Self) -> bool {
        self.edges.iter().zip(other.edges).all(|(a, b)| (a - b).abs() < 0.012)
    }

    /// Whether the boxes stand beside others as wide and as high.
    fn in_row(&self, other: &Self) -> bool {
        let width = |t: &Self| t.edges[3] - t.edges[0];
        (self.top - other.top).abs() < 0.003
            && (self.bottom - other.bottom).abs() < 0.003
            && (width(self) - width(other)).abs() < 0.015
    }

    /// Whether the boxes stand directly above or below others.
    fn touches(&self, other: &Self) -> bool {
        (self.top - other.bottom).abs() < 0.002 || (self.bottom - other.top).abs() < 0.002
    }

    /// Whether they are the same boxes.
    fn same(&self, other: &Self) -> bool {
        self.in_column(other) && (self.middle() - other.middle()).abs() < 0.006
    }

    /// Whether the boxes share paper with others.
    fn overlaps(&self, other: &Self) -> bool {
        self.edges[0] < other.edges[3] - 0.01
            && other.edges[0] < self.edges[3] - 0.01
            && self.top < other.bottom - 0.002
            && other.top < self.bottom - 0.002
    }

    fn of(boxes: &[FrameRect; 3]) -> Self {
        Self {
            edges: [boxes[0].x0, boxes[1].x0, boxes[2].x0, boxes[2].x1],
            top: boxes[0].y0,
            bottom: boxes[0].y1,
        }
    }

    fn boxes(&self) -> [FrameRect; 3] {
        [0, 1, 2].map(|i| FrameRect {
            x0: self.edges[i],
            y0: self.top,
            x1: self.edges[i + 1],
            y1: self.bottom,
        })
    }
}

/// Explains the page by its printed boxes; `None` when there are too few.
pub(super) fn explain(view: &PageView<'_>) -> Option<PageLayout> {
    let triples = triples(view);
    if triples.len() < 3 {
        return None;
    }
    let mut state = Naming::default();
    let mut row: Vec<Triple> = Vec::new();
    // Rows from top to bottom; a grid's columns are named together afterwards.
    for triple in triples {
        if row.last().is_some_and(|t| (t.middle() - triple.middle()).abs() > 0.006) {
            state.row(view, &std::mem::take(&mut row));
        }
        row.push(triple);
    }
    state.row(view, &row);
    state.close_grid();
    state.close_candidates();
    state.close_specials();
    // No form has both lists and single candidates: beside lists such a row is a list's, or print that looks like boxes;
    // then the page stays doubted.
    let printed = state.cells.len();
    if state.cells.iter().any(|c| c.path.list().is_some()) {
        state.rename_candidates(view);
        state.cells.retain(|c| !matches!(c.path, FieldPath::Candidato(_)));
    }
    let dropped = state.cells.len() < printed;
    let named: f32 = state.cells.iter().filter(|c| c.named).map(|_| 1.0).sum();
    let all: f32 = state.cells.iter().map(|_| 1.0).sum();
    if all < 1.0 {
        return None;
    }
    let mut doubts = Vec::new();
    if named < all || dropped {
        doubts.push("rows whose name is not confirmed".to_owned());
    }
    if state.holes || !lists_end(&state.cells) {
        doubts.push("boxes between others not found".to_owned());
    }
    Some(PageLayout {
        template: "printed-boxes".to_owned(),
        foot: state.cells.iter().map(|c| c.boxes[0].y1).fold(0.0, f32::max),
        doubts,
        cells: state.cells,
        names: state.names,
        quality: named / all * (1.0 - 1.0 / (1.0 + all)),
    })
}

/// Finds every row of three boxes, from top to bottom and left to right.
fn triples(view: &PageView<'_>) -> Vec<Triple> {
    const STEP: f32 = 0.0015;
    /// A strip: edges, first and last height at which they were seen.
    struct Strip {
        edges: [f32; 4],
        top: f32,
        bottom: f32,
    }
    let mut strips: Vec<Strip> = Vec::new();
    let mut y = BODY[0];
    while y < BODY[1] {
        for edges in fours(&active(view, y)) {
            let near =
                |s: &Strip| s.edges.iter().zip(edges).all(|(a, b)| (a - b).abs() < 0.008) && y - s.bottom < 0.010;
            match strips.iter_mut().rev().find(|s| near(s)) {
                Some(strip) => strip.bottom = y,
                None => strips.push(Strip {
                    edges,
                    top: y,
                    bottom: y,
                }),
            }
        }
        y += STEP;
    }
    let mut found: Vec<Triple> = Vec::new();
    for strip in &strips {
        let (x0, x1) = (strip.edges[0], strip.edges[3]);
        let middle = f32::midpoint(x0, x1);
        let mut lines: Vec<&Line> = view
            .lines
            .horizontal
            .iter()
            .filter(|l| l.coverage(x0, x1) >= 0.55)
            .filter(|l| (strip.top - 0.012..strip.bottom + 0.012).contains(&l.at(middle)))
            .collect();
        lines.sort_by(|a, b| a.at(middle).total_cmp(&b.at(middle)));
        for pair in lines.windows(2) {
            let (top, bottom) = (pair[0].at(middle), pair[1].at(middle));
            if !(BOX_HEIGHT[0]..BOX_HEIGHT[1]).contains(&(bottom - top)) {
                continue;
            }
            let edges = strip.edges;
            let (triple, closed) = Triple { edges, top, bottom }.drawn(view, DRAWN);
            if closed == 4 && triple.unevenness() < 2.0 * EVEN && !found.iter().any(|t| t.same(&triple)) {
                found.push(triple);
            }
        }
    }
    let mut found = columns::settle(view, found);
    complete_columns(view, &mut found);
    found = without_strays(&found);
    found.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
    // Rows are told apart by height first; inside a row the boxes go from left to right.
    let mut start = 0;
    for i in 1..=found.len() {
        if i == found.len() || found[i].middle() - found[start].middle() > 0.006 {
            found[start..i].sort_by(|a, b| a.edges[0].total_cmp(&b.edges[0]));
            start = i;
        }
    }
    found
}

/// Adds the boxes that a column of boxes lacks: where its rows go on and a mark or a broken rule hides one of the edges.
fn complete_columns(view: &PageView<'_>, found: &mut Vec<Triple>) {
    /// Boxes that make a column.
    const COLUMN: usize = 3;
    /// Heights of a column's boxes may differ by this.
    const ALIKE: f32 = 1.15;
    let seen = found.clone();
    for model in &seen {
        let column: Vec<&Triple> = seen.iter().filter(|t| t.in_column(model)).collect();
        if column.len() < COLUMN {
            continue;
        }
        let (x0, x1) = (model.edges[0], model.edges[3]);
        let middle = f32::midpoint(x0, x1);
        let mut heights: Vec<f32> = view
            .lines
            .horizontal
            .iter()
            .filter(|l| l.coverage(x0, x1) >= 0.55)
            .map(|l| l.at(middle))
            .filter(|y| (BODY[0]..BODY[1]).contains(y))
            .collect();
        heights.sort_by(f32::total_cmp);
        let pairs = heights
            .iter()
            .enumerate()
            .flat_map(|(i, &top)| (i + 1..heights.len()).map(move |j| (top, j, j == i + 1)));
        for (top, j, neighbours) in pairs {
            let triple = Triple {
                edges: model.edges,
                top,
                bottom: heights[j],
            };
            // Dashes through all three boxes look like a rule: a row that goes on a column and that another column shows
            // may have one inside.
            let hole = || column.iter().any(|t| t.touches(&triple)) && seen.iter().any(|t| t.in_row(&triple));
            if !neighbours && !hole() {
                continue;
            }
            let height = triple.bottom - triple.top;
            let usual = column.iter().any(|t| {
                let other = t.bottom - t.top;
                height < other * ALIKE && other < height * ALIKE
            });
            if !usual || found.iter().any(|t| t.overlaps(&triple)) {
                continue;
            }
            let (triple, closed) = triple.drawn(view, 0.6);
            if closed >= 3 {
                found.push(triple);
            }
        }
    }
}

/// Boxes without those lower than printed ones mostly are that stand neither in a column nor in a row with others: they
/// are letters between rules.
fn without_strays(found: &[Triple]) -> Vec<Triple> {
    /// Height of a box that needs no company.
    const TALL: f32 = 0.016;
    let accompanied = |i: usize, triple: &Triple| {
        found
            .iter()
            .enumerate()
            .any(|(j, t)| i != j && (t.in_column(triple) || t.in_row(triple)))
    };
    found
        .iter()
        .enumerate()
        .filter(|(i, t)| t.bottom - t.top >= TALL || accompanied(*i, t))
        .map(|(_, t)| *t)
        .collect()
}

/// Vertical rules that pass a height, from left to right.
fn active(view: &PageView<'_>, y: f32) -> Vec<f32> {
    rules_through(view, y, 0.002, 0.6)
}

/// Vertical rules drawn over a share of the way from so far above a height to so far below it, from left to right.
fn rules_through(view: &PageView<'_>, y: f32, reach: f32, share: f32) -> Vec<f32> {
    let mut xs: Vec<f32> = view
        .lines
        .short_vertical
        .iter()
        .chain(&view.lines.vertical)
        .filter(|l| l.coverage(y - reach, y + reach) >= share)
        .map(|l| l.at(y))
        .collect();
    xs.sort_by(f32::total_cmp);
    xs.dedup_by(|a, b| (*a - *b).abs() < 0.004);
    xs
}

/// Four rules at equal distances.
fn fours(xs: &[f32]) -> Vec<[f32; 4]> {
    let mut out = Vec::new();
    for (i, &a) in xs.iter().enumerate() {
        for &b in &xs[i + 1..] {
            let pitch = b - a;
            if !(BOX_WIDTH[0]..BOX_WIDTH[1]).contains(&pitch) {
                continue;
            }
            let near = |x: f32| xs.iter().copied().find(|v| (v - x).abs() < EVEN);
            if let Some(c) = near(b + pitch)
                && let Some(d) = near(a + 3.0 * pitch)
            {
                out.push([a, b, c, d]);
            }
        }
    }
    out
}

/// A list whose rows come.
#[derive(Debug, Clone)]
struct OpenList {
    code: ListCode,
    /// Whether its code was read surely and its rows follow each other.
    sure: bool,
    row0: Triple,
    /// Where its last row ends.
    bottom: f32,
}

impl OpenList {
    /// Rows of one list follow each other closer than this: more room holds another list's head and row 0.
    const ROOM: f32 = 0.040;

    /// Whether there is room for one more row, as high as the given boxes, before what begins at `top`.
    fn lacks_row(&self, top: f32, like: &Triple) -> bool {
        top - self.bottom > 0.75 * (like.bottom - like.top)
    }

    /// Takes note of the list's next rows; unsure where they may be another's: too far below, or under the row 0 of a list
    /// without candidates, whose boxes stand at the right.
    fn goes_on(&mut self, top: f32, bottom: f32) {
        self.sure &= top - self.bottom < Self::ROOM && self.row0.edges[0] < 0.5;
        self.bottom = bottom;
    }
}

/// Names rows while they come.
#[derive(Default)]
struct Naming {
    cells: Vec<Cell>,
    names: Vec<(FieldPath, FrameRect)>,
    list: Option<OpenList>,
    /// Code of the list before, where it is made of letters.
    letters: Option<ListCode>,
    /// Grid cells that wait for their numbers: column, box row, number read.
    grid: Vec<(f32, Triple, numbering::Reading)>,
    /// Candidates of a form without lists: their cells and the numbers read.
    candidates: Vec<(usize, numbering::Reading)>,
    /// The table's total closes the votes of a form.
    ended: bool,
    /// A grid printed more cells than were found.
    holes: bool,
}

impl Naming {
    /// Names the boxes of one row of the page.
    fn row(&mut self, view: &PageView<'_>, row: &[Triple]) {
        let Some(first) = row.first() else { return };
        if self.ended {
            return;
        }
        if row.len() == 3 && first.middle() < 0.32 && under_nivelacion_labels(view, first.top) {
            // Nothing above the nivelación is a cell.
            *self = Self::default();
            let fields = [Nivelacion::Sufragantes, Nivelacion::Urna, Nivelacion::Incinerados];
            for (triple, field) in row.iter().zip(fields) {
                self.push(triple, FieldPath::Nivelacion(field), true);
            }
            return;
        }
        for triple in row {
            self.one(view, triple, row.len());
        }
    }

    fn one(&mut self, view: &PageView<'_>, triple: &Triple, beside: usize) {
        let at_right = triple.edges[3] > 0.93 && beside == 1;
        // A form without lists numbers its candidates; where the number that comes next is surely read, the name beside it
        // need not be.
        if at_right && self.list.is_none() {
            let number = candidate_number(view, triple);
            let before = self.candidates.last().and_then(|c| c.1);
            let next = before.map_or(1, |(n, _)| n + 1);
            if number.is_some_and(|(n, confidence)| n == next && confidence >= SURE_NUMBER) {
                self.candidate(triple, number);
                return;
            }
        }
        if at_right && self.labelled(view, triple) {
            return;
        }
        let rule = columns::left_rule(view, triple);
        if !at_right || rule.is_some() {
            let number_place = columns::number_place(triple, rule);
            let number = (view.ink_share(number_place) > 0.01)
                .then(|| view.number(number_place))
                .flatten();
            // Code and name stand above a row 0; what stands right under a cell of the grid is another one of it.
            let under = |g: &(f32, Triple, _)| g.1.in_column(triple) && (g.1.bottom - triple.top).abs() < 0.003;
            if self.grid.iter().any(under) {
                self.grid.push((triple.edges[0], *triple, number.filter(|n| n.0 >= 1)));
                return;
            }
            if number.is_some_and(|n| n.0 == 0)
                || (!at_right && number.is_none() && triple.edges[0] < 0.15 && self.grid.is_empty())
            {
                self.start_list(view, triple, number.is_some());
                return;
            }
            if let Some(n) = number
                && n.0 >= 1
                && self.list.is_some()
            {
                self.grid.push((triple.edges[0], *triple, Some(n)));
                return;
            }
            if !at_right && self.list.is_some() {
                self.grid.push((triple.edges[0], *triple, number));
                return;
            }
        }
        if at_right || !self.labelled(view, triple) {
            self.candidate(triple, candidate_number(view, triple));
        }
    }

    /// Names the boxes by the words before them; false when they say nothing.
    fn labelled(&mut self, view: &PageView<'_>, triple: &Triple) -> bool {
        match row_label(view, triple) {
            None => return false,
            Some(RowLabel::Special(field)) => {
                if field == FieldPath::Blanco {
                    self.close_list();
                }
                self.ended |= field == FieldPath::Total;
                self.push(triple, field, true);
            }
            Some(RowLabel::ListTotal) => {
                self.close_grid();
                let (code, named) = match &mut self.list {
                    Some(list) => {
                        self.holes |= list.lacks_row(triple.top, triple);
                        list.goes_on(triple.top, triple.bottom);
                        (list.code.clone(), list.sure)
                    }
                    None => (ListCode("ilegible".to_owned()), false),
                };
                self.push(triple, FieldPath::ListaTotal(code), named);
            }
            Some(RowLabel::ListAlone) => self.start_list(view, triple, true),
        }
        true
    }

    /// A row of a form with one row per candidate.
    fn candidate(&mut self, triple: &Triple, number: numbering::Reading) {
        self.candidates.push((self.cells.len(), number));
        self.push(triple, FieldPath::Candidato(0), false);
    }

    /// Numbers the candidates of a form without lists.
    fn close_candidates(&mut self) {
        /// Confidence from which a number confirms its row.
        const SURE: f32 = 0.5;
        let candidates = std::mem::take(&mut self.candidates);
        let readings: Vec<numbering::Reading> = candidates.iter().map(|c| c.1).collect();
        let numbers = numbering::assign_candidates(&readings);
        self.holes |= numbers.windows(2).any(|w| w[1].0 != w[0].0 + 1);
        for ((number, agrees), (cell, reading)) in numbers.into_iter().zip(candidates) {
            if let Some(cell) = self.cells.get_mut(cell) {
                cell.path = FieldPath::Candidato(u16::try_from(number).unwrap_or(u16::MAX));
                cell.named = agrees && reading.is_some_and(|r| r.1 >= SURE);
            }
        }
    }

    /// Names a row of special votes that two others of its table tell: each says which field every row is.
    fn close_specials(&mut self) {
        let fields = [FieldPath::Blanco, FieldPath::Nulos, FieldPath::NoMarcados];
        for start in 0..self.cells.len().saturating_sub(2) {
            let three = &mut self.cells[start..start + 3];
            let tops = [three[0].boxes[0].y0, three[1].boxes[0].y0, three[2].boxes[0].y0];
            let pitch = tops[1] - tops[0];
            let even = (0.012..0.045).contains(&pitch) && ((tops[2] - tops[1]) / pitch - 1.0).abs() < 0.15;
            let agree = three.iter().zip(&fields).filter(|(c, f)| c.path == **f).count();
            let other = |c: &Cell| matches!(c.path, FieldPath::Candidato(_));
            if even && agree == 2 && three.iter().any(other) {
                for (cell, field) in three.iter_mut().zip(&fields) {
                    cell.path = field.clone();
                    cell.named = true;
                }
            }
        }
    }

    /// Names rows taken for single candidates as the row of a list without candidates, where their words say so.
    fn rename_candidates(&mut self, view: &PageView<'_>) {
        self.letters = None;
        for cell in std::mem::take(&mut self.cells) {
            let triple = Triple::of(&cell.boxes);
            if matches!(cell.path, FieldPath::Candidato(_)) && row_label(view, &triple) == Some(RowLabel::ListAlone) {
                self.start_list(view, &triple, true);
                self.letters = None;
            } else {
                self.cells.push(cell);
            }
        }
    }

    /// A list begins with its row 0; its code stands in the row above.
    fn start_list(&mut self, view: &PageView<'_>, row0: &Triple, labelled: bool) {
        self.close_list();
        // No row 0 stands right under another: the upper one is the row of code and name.
        let head = |c: &Cell| (c.boxes[0].y1 - row0.top).abs() < 0.010 && matches!(c.path, FieldPath::SoloLista(_));
        if self.cells.last().is_some_and(head) {
            self.cells.pop();
            self.names.pop();
        }
        let (code, name) = list_head(view, row0);
        let (code, mut read) = view.list_code(code, self.cells.len() + 1);
        // Letters are no sure reading, but lists that carry letters follow the alphabet.
        read |= self.letters.as_ref().and_then(next_letters).as_ref() == Some(&code);
        self.letters = code.0.chars().all(|c| c.is_ascii_uppercase()).then(|| code.clone());
        let path = FieldPath::SoloLista(code.clone());
        self.names.push((path.clone(), name));
        self.list = Some(OpenList {
            code,
            sure: read,
            row0: *row0,
            bottom: row0.bottom,
        });
        self.push(row0, path, read && labelled);
    }

    /// Numbers the candidates of the grid gathered so far, column by column.
    fn close_grid(&mut self) {
        let mut grid = std::mem::take(&mut self.grid);
        let Some(list) = &mut self.list else { return };
        if let (Some(first), Some(last)) = (
            grid.iter().map(|g| g.1).min_by(|a, b| a.top.total_cmp(&b.top)),
            grid.iter().map(|g| g.1).max_by(|a, b| a.bottom.total_cmp(&b.bottom)),
        ) {
            // The first column of a grid stands under the boxes of row 0.
            let under = |t: &Triple| (t.edges[0] - list.row0.edges[0]).abs() < 0.03;
            self.holes |= list.lacks_row(first.top, &first) || !grid.iter().any(|g| under(&g.1));
            list.goes_on(first.top, last.bottom);
        }
        let (code, named) = (list.code.clone(), list.sure);
        grid.sort_by(|a, b| {
            (a.0 * 20.0)
                .round()
                .total_cmp(&(b.0 * 20.0).round())
                .then(a.1.top.total_cmp(&b.1.top))
        });
        let readings: Vec<numbering::Reading> = grid.iter().map(|g| g.2).collect();
        let first = readings.iter().flatten().map(|r| r.0).min().unwrap_or(1);
        let places: Vec<(f32, f32)> = grid.iter().map(|g| (g.0, g.1.middle())).collect();
        self.holes |= grid_has_holes(&places);
        for ((number, confirmed), (_, triple, _)) in numbering::assign(&readings, first).into_iter().zip(grid) {
            let path = FieldPath::ListaCandidato(code.clone(), u16::try_from(number).unwrap_or(u16::MAX));
            self.push(&triple, path, confirmed && named);
        }
    }

    fn close_list(&mut self) {
        self.close_grid();
        self.list = None;
    }

    fn push(&mut self, triple: &Triple, path: FieldPath, named: bool) {
        self.cells.push(Cell {
            path,
            boxes: triple.boxes(),
            named,
        });
    }
}

/// Whether the words above a height are those of a nivelación in three columns.
fn under_nivelacion_labels(view: &PageView<'_>, y: f32) -> bool {
    let label = FrameRect {
        x0: -0.05,
        x1: 1.05,
        y0: y - 0.020,
        y1: y - 0.002,
    };
    let says_so = |text: &str| {
        ["URNA", "E-11", "INCINERADOS", "FORMATO"]
            .iter()
            .any(|w| text.contains(w))
    };
    says_so(&upper(view, label, &says_so))
}

/// Whether cells are missing in a grid, given the left edge and the height of each cell, sorted by column: all columns
/// have the same rows, and only the last one may end early.
fn grid_has_holes(places: &[(f32, f32)]) -> bool {
    /// Cells of one column differ less than this across, cells of one row less than `ROW` down.
    const COLUMN: f32 = 0.03;
    const ROW: f32 = 0.006;
    let mut rows: Vec<f32> = places.iter().map(|p| p.1).collect();
    rows.sort_by(f32::total_cmp);
    rows.dedup_by(|a, b| (*a - *b).abs() < ROW);
    // Rows stand at one distance; a larger one is a row that no column shows.
    let pitch = rows.windows(2).map(|w| w[1] - w[0]).fold(f32::MAX, f32::min);
    if rows.windows(2).any(|w| w[1] - w[0] > 1.5 * pitch) {
        return true;
    }
    let columns: Vec<&[(f32, f32)]> = places.chunk_by(|a, b| (a.0 - b.0).abs() < COLUMN).collect();
    columns.iter().enumerate().any(|(i, column)| {
        let last = i + 1 == columns.len();
        let expected = if last { column.len() } else { rows.len() };
        column.len() != expected
            || column
                .iter()
                .zip(&rows)
                .any(|(place, row)| (place.1 - row).abs() >= ROW)
    })
}

/// Whether each list with candidates has its total.
fn lists_end(cells: &[Cell]) -> bool {
    cells.iter().all(|cell| {
        let FieldPath::ListaCandidato(code, _) = &cell.path else {
            return true;
        };
        cells
            .iter()
            .any(|c| matches!(&c.path, FieldPath::ListaTotal(other) if other == code))
    })
}

/// The letters after others: A, B … Z, AA, AB …
fn next_letters(code: &ListCode) -> Option<ListCode> {
    let number = code.0.bytes().try_fold(0u32, |n, b| {
        let place = b.checked_sub(b'A').filter(|p| *p < 26)?;
        Some(n * 26 + u32::from(place) + 1)
    })?;
    let letter = |n: u32| u8::try_from(n % 26).ok().map(|n| char::from(b'A' + n));
    let last = letter(number)?;
    let first = (number >= 26).then(|| letter(number / 26 - 1)).flatten();
    Some(ListCode(first.into_iter().chain([last]).collect()))
}

/// Where code and name of a list stand: in the last two cells of the row above its row 0, the name in the wide one.
fn list_head(view: &PageView<'_>, row0: &Triple) -> (FrameRect, FrameRect) {
    /// Heights of that row; the usual one where its upper rule is not found.
    const HEIGHT: [f32; 2] = [0.014, 0.042];
    const USUAL: f32 = 0.020;
    /// Widths of the code's cell, and where the name begins.
    const CODE: [f32; 2] = [0.055, 0.180];
    const NAME: [f32; 2] = [0.230, 0.500];
    /// What a rule takes beside its middle: across, down.
    const CLEARANCE: [f32; 2] = [0.005, 0.0015];
    let bottom = row0.top;
    let top = view
        .lines
        .horizontal
        .iter()
        .filter(|l| l.coverage(0.35, 0.95) >= 0.6)
        .map(|l| l.at(0.5))
        .filter(|y| (HEIGHT[0]..HEIGHT[1]).contains(&(bottom - y)))
        .fold(bottom - USUAL - 0.02, f32::max);
    let top = if bottom - top < HEIGHT[1] { top } else { bottom - USUAL };
    let mut rules: Vec<f32> = active(view, f32::midpoint(top, bottom))
        .into_iter()
        .map(|x| view.drawn_down(x, top + CLEARANCE[1], bottom - CLEARANCE[1]))
        .filter(|(drawn, _)| *drawn >= DRAWN)
        .map(|(_, x)| x)
        .collect();
    rules.dedup_by(|a, b| (*a - *b).abs() < 0.006);
    let cell = rules
        .windows(2)
        .rev()
        .map(|w| [w[0], w[1]])
        .find(|w| (NAME[0]..NAME[1]).contains(&w[1]) && (CODE[0]..CODE[1]).contains(&(w[1] - w[0])));
    let [x0, x1] = cell.unwrap_or([0.233, 0.345]);
    let place = |x0: f32, x1: f32| FrameRect {
        x0: x0 + CLEARANCE[0],
        x1: x1 - CLEARANCE[0],
        y0: top + CLEARANCE[1],
        y1: bottom - CLEARANCE[1],
    };
    (place(x0, x1), place(x1, 1.025))
}

/// The number of a candidate's row: it stands at the left of the page.
fn candidate_number(view: &PageView<'_>, triple: &Triple) -> numbering::Reading {
    let middle = triple.middle();
    let (x0, x1) = number_cell(view, middle);
    view.number(FrameRect {
        x0,
        x1,
        y0: middle - 0.008,
        y1: middle + 0.008,
    })
}

/// Where a candidate's number stands at a height: between the first two rules, or at the usual place.
fn number_cell(view: &PageView<'_>, y: f32) -> (f32, f32) {
    /// Widths of a number cell.
    const WIDTH: [f32; 2] = [0.035, 0.120];
    /// What a rule takes beside its middle.
    const CLEARANCE: f32 = 0.006;
    /// A rule reaches farther than the stem of a number.
    const REACH: f32 = 0.009;
    let rules = rules_through(view, y, REACH, 0.85);
    rules
        .windows(2)
        .map(|w| (w[0], w[1]))
        .find(|w| w.1 < 0.16 && (WIDTH[0]..WIDTH[1]).contains(&(w.1 - w.0)))
        .map_or((-0.060, 0.022), |w| (w.0 + CLEARANCE, w.1 - CLEARANCE))
}

/// What the words before boxes say.
#[derive(Debug, Clone, PartialEq)]
enum RowLabel {
    /// Special votes or the table's total.
    Special(FieldPath),
    /// The total of a list.
    ListTotal,
    /// The votes of a list alone.
    ListAlone,
}

/// Reads the words before boxes: within the rules of their row, and again with them where that says nothing.
fn row_label(view: &PageView<'_>, triple: &Triple) -> Option<RowLabel> {
    [[-0.025, 0.001], [0.0, 0.0]].into_iter().find_map(|[x0, inset]| {
        let place = FrameRect {
            x0,
            x1: triple.edges[0] - 0.012,
            y0: triple.top + inset,
            y1: triple.bottom - inset,
        };
        // A total is known by what it adds up, not by that word alone.
        let expected = |text: &str| meaning(text).is_some_and(|m| m != RowLabel::ListTotal || says(text, "CANDIDATOS"));
        meaning(&upper(view, place, &expected))
    })
}

/// What the words of a label say.
fn meaning(label: &str) -> Option<RowLabel> {
    // Wide letters may be read with spaces between.
    let text: String = label.chars().filter(|c| c.is_alphabetic()).collect();
    let has = |words: &[&str]| words.iter().any(|w| says(&text, w));
    if has(&["BLANCO"]) {
        Some(RowLabel::Special(FieldPath::Blanco))
    } else if has(&["NULOS"]) {
        Some(RowLabel::Special(FieldPath::Nulos))
    } else if has(&["MARCADOS"]) {
        Some(RowLabel::Special(FieldPath::NoMarcados))
    } else if has(&["MESA"]) {
        Some(RowLabel::Special(FieldPath::Total))
    } else if has(&["TOTAL", "CANDIDATOS"]) {
        Some(RowLabel::ListTotal)
    } else if has(&["AGRUPACI", "POLITICA", "POLÍTICA"]) {
        Some(RowLabel::ListAlone)
    } else {
        None
    }
}

/// Whether a text holds a word, one letter in four misread; short words must be read well.
fn says(text: &str, word: &str) -> bool {
    let letters: Vec<char> = word.chars().collect();
    let misread = if letters.len() < 5 { 0 } else { letters.len() / 4 };
    // Edits that turn the end of what was read so far into the word's first letters, for each number of them.
    let mut edits: Vec<usize> = (0..=letters.len()).collect();
    let mut best = letters.len();
    for c in text.chars() {
        let mut above = edits[0];
        for i in 1..edits.len() {
            let kept = above + usize::from(letters[i - 1] != c);
            above = edits[i];
            edits[i] = kept.min(edits[i] + 1).min(edits[i - 1] + 1);
        }
        best = best.min(edits[letters.len()]);
    }
    best <= misread
}

/// The label in a rectangle, upper case.
fn upper(view: &PageView<'_>, rect: FrameRect, expected: &dyn Fn(&str) -> bool) -> String {
    let label = view.labels.label(&view.crop(rect), expected);
    label.unwrap_or_default().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Left edge and height of the cells of a grid with the given rows in each column.
    fn grid(columns: &[&[u16]]) -> Vec<(f32, f32)> {
        [0.08, 0.44, 0.80]
            .iter()
            .zip(columns)
            .flat_map(|(&x, rows)| rows.iter().map(move |&row| (x, 0.4 + 0.0173 * f32::from(row))))
            .collect()
    }

    #[test]
    fn a_grid_whose_last_column_ends_early_is_whole() {
        assert!(!grid_has_holes(&grid(&[&[0, 1, 2], &[0, 1, 2], &[0, 1]])));
        assert!(!grid_has_holes(&grid(&[&[0]])));
    }

    #[test]
    fn a_grid_that_lacks_a_cell_between_above_or_below_others_has_a_hole() {
        assert!(grid_has_holes(&grid(&[&[0, 2], &[0, 1, 2], &[0, 1]])));
        assert!(grid_has_holes(&grid(&[&[0, 1, 2], &[1, 2], &[0, 1]])));
        assert!(grid_has_holes(&grid(&[&[0, 1, 2], &[0, 1], &[0, 1]])));
        assert!(grid_has_holes(&grid(&[&[0, 1, 2], &[0, 1, 2], &[1]])));
        assert!(grid_has_holes(&grid(&[&[0, 1, 3, 4]])));
    }
}
