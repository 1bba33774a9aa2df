//! Which three of several rules at equal distances are boxes. All rows of a printed column share their places across,
//! and only a number cell holds printed numbers that grow from row to row; so the whole column decides, not one row.

use super::{DRAWN, FrameRect, PageView, Triple};

/// Widths of a number cell.
const NUMBER_CELL: [f32; 2] = [0.060, 0.140];
/// Rows of a column whose numbers are asked.
const ASKED: usize = 6;
/// Growing numbers that make a column sure; one with half as many beside it is the same rules taken one cell aside.
const SURE_COLUMN: usize = 3;

/// Keeps of triples that overlap those of the better column: the one beside printed numbers that grow, else the one that
/// stands at more rows, else the more even one.
pub(super) fn settle(view: &PageView<'_>, found: Vec<Triple>) -> Vec<Triple> {
    let contested = |t: &Triple| found.iter().any(|o| !o.same(t) && o.overlaps(t));
    let (open, mut kept): (Vec<Triple>, Vec<Triple>) = found.iter().partition(|t| contested(t));
    // The columns that the contested boxes stand in, with all their boxes on the page.
    let mut columns: Vec<(usize, Vec<Triple>)> = Vec::new();
    for triple in &open {
        if !columns.iter().any(|c| c.1.iter().any(|t| t.in_column(triple))) {
            let boxes: Vec<Triple> = found.iter().filter(|t| t.in_column(triple)).copied().collect();
            columns.push((growing_numbers(view, &boxes), boxes));
        }
    }
    let evenness = |boxes: &[Triple]| -boxes.iter().map(Triple::unevenness).fold(f32::MAX, f32::min);
    columns.sort_by(|(a, x), (b, y)| {
        b.cmp(a)
            .then(y.len().cmp(&x.len()))
            .then(evenness(y).total_cmp(&evenness(x)))
    });
    // A column beside numbers leaves nothing to the ones that share its paper: they are the same rules, one cell aside.
    let mut sure: Vec<(usize, Triple)> = Vec::new();
    for (numbers, mut boxes) in columns {
        let aside = |t: &Triple, of: usize| of >= 2 * numbers && boxes.iter().any(|b| b.overlaps(t) && !b.same(t));
        if sure.iter().any(|(of, t)| aside(t, *of)) {
            kept.retain(|k| !boxes.iter().any(|b| b.same(k)));
            continue;
        }
        if numbers >= SURE_COLUMN {
            super::complete_columns(view, &mut boxes);
            sure.extend(boxes.iter().map(|b| (numbers, *b)));
        }
        for triple in boxes {
            if !kept.iter().any(|k| k.overlaps(&triple)) {
                kept.push(triple);
            }
        }
    }
    kept
}

/// How many of the numbers beside a column's boxes grow from row to row.
fn growing_numbers(view: &PageView<'_>, boxes: &[Triple]) -> usize {
    /// Confidence of a printed number.
    const SURE: f32 = 0.6;
    let mut rows: Vec<&Triple> = boxes.iter().collect();
    rows.sort_by(|a, b| a.top.total_cmp(&b.top));
    let step = rows.len().div_ceil(ASKED).max(1);
    let numbers: Vec<u32> = rows
        .iter()
        .step_by(step)
        .filter_map(|t| {
            let place = number_place(t, left_rule(view, t));
            (view.ink_share(place) > 0.01).then(|| view.number(place)).flatten()
        })
        .filter(|n| n.1 >= SURE)
        .map(|n| n.0)
        .collect();
    // The longest run of growing numbers that ends at each.
    let mut runs: Vec<usize> = Vec::with_capacity(numbers.len());
    for (i, n) in numbers.iter().enumerate() {
        let before = (0..i).filter(|&j| numbers[j] < *n).map(|j| runs[j]).max();
        runs.push(1 + before.unwrap_or(0));
    }
    runs.into_iter().max().unwrap_or(0)
}

/// The rule that closes a number cell left of the boxes.
pub(super) fn left_rule(view: &PageView<'_>, triple: &Triple) -> Option<f32> {
    super::active(view, triple.middle())
        .into_iter()
        .filter(|x| (NUMBER_CELL[0]..NUMBER_CELL[1]).contains(&(triple.edges[0] - x)))
        .map(|x| view.drawn_down(x, triple.top + 0.001, triple.bottom - 0.001))
        .filter(|(drawn, _)| *drawn >= DRAWN)
        .map(|(_, x)| x)
        .max_by(f32::total_cmp)
}

/// Where the number of a row stands: in the cell left of its boxes, which a rule may close.
pub(super) fn number_place(triple: &Triple, rule: Option<f32>) -> FrameRect {
    /// What a rule takes beside its middle.
    const CLEARANCE: f32 = 0.007;
    /// Width of a number cell that no rule closes.
    const OPEN: f32 = 0.115;
    let aside = (triple.bottom - triple.top) * 0.06;
    FrameRect {
        x0: rule.map_or(triple.edges[0] - OPEN, |x| x + CLEARANCE),
        x1: triple.edges[0] - CLEARANCE,
        y0: triple.top + aside,
        y1: triple.bottom - aside,
    }
}
