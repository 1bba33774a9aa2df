//! The two small boxes after `HUBO RECUENTO DE VOTOS`: which one is crossed.

use crate::page::RectifiedPage;
use crate::printed::{Charset, fit_band, read_band};
use crate::raster::{index, real};
use crate::text::{LineBand, Region, find_lines, ink_of};

/// What the jurors marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Recount {
    /// SÍ alone is marked.
    Yes,
    /// NO alone is marked.
    No,
    /// Neither is marked.
    Unmarked,
    /// Both are marked: a person decides.
    Both,
}

/// The question as printed, without signs.
const QUESTION: &str = "HUBO RECUENTO DE VOTOS";
/// From the left end of the question to the middle of the boxes, in canonical pixels (2022 forms print them a little
/// further right than later ones, within the boxes' half side).
const YES_OFFSET: f32 = 359.0;
const NO_OFFSET: f32 = 430.0;
/// Half the side of the window in which a mark is looked for.
const HALF: i32 = 23;
/// Rows nearer than this to the middle hold the printed word.
const WORD: i32 = 12;
/// SÍ carries an accent above.
const ACCENT: i32 = 17;
/// Inked pixels outside the word from which a box is marked.
const MARK: u32 = 26;
/// Inked pixels of the printed words, at most.
const YES_LETTERS: usize = 300;
const NO_LETTERS: usize = 430;
/// Ink level of a mark.
const INKED: u8 = 88;

/// Finds the printed question between two heights in canonical pixels: `from` below the header or the specials, `until`
/// where the template's signature area begins. Nothing outside is looked at, and nothing below the question.
#[must_use]
pub fn find_question(page: &RectifiedPage, from: f32, until: f32) -> Option<LineBand> {
    const STRIP: u32 = 240;
    let height = page.gray.height();
    let (mut top, end) = (index(from, height), index(until, height));
    while top + 24 < end {
        let region = Region {
            left: 20,
            top,
            right: 420,
            bottom: (top + STRIP).min(end),
        };
        let found = find_lines(&page.gray, region, 1.4).into_iter().find(|band| {
            let width = band.right - band.left;
            let printed = (225.0..345.0).contains(&width) && (11.0..24.0).contains(&band.height);
            // The question may reach beyond a strip; the strips overlap by a line.
            printed && {
                let (fitted, look) = fit_band(&page.gray, band, Charset::Bold, None);
                let line = read_band(&page.gray, &fitted, Charset::Bold, &look);
                crate::header::likeness(&line.text(), QUESTION) > 0.55
            }
        });
        if found.is_some() {
            return found;
        }
        top += STRIP - 40;
    }
    None
}

/// Which box beside the question is marked.
#[must_use]
pub fn read_recount(page: &RectifiedPage, question: &LineBand) -> Recount {
    let yes = marked(page, question, YES_OFFSET, ACCENT, YES_LETTERS);
    let no = marked(page, question, NO_OFFSET, WORD, NO_LETTERS);
    let more = |a: u32, b: u32| a >= MARK && a >= 3 * b.max(1) / 2;
    match (yes >= MARK, no >= MARK) {
        (false, false) => Recount::Unmarked,
        (true, false) => Recount::Yes,
        (false, true) => Recount::No,
        // A long stroke of one cross reaches into the other box.
        (true, true) if more(no, 2 * yes) => Recount::No,
        (true, true) if more(yes, 2 * no) => Recount::Yes,
        (true, true) => Recount::Both,
    }
}

/// Inked pixels around the printed word of a box, frame lines aside.
fn marked(page: &RectifiedPage, question: &LineBand, offset: f32, above: i32, letters: usize) -> u32 {
    let x = question.left + offset;
    let y = question.base_at(x) - question.height / 2.0;
    let whole = 40.0;
    let region = Region {
        left: index(x - whole, page.gray.width()),
        top: index(y - whole, page.gray.height()),
        right: index(x + whole, page.gray.width()),
        bottom: index(y + whole, page.gray.height()),
    };
    let ink = ink_of(&page.gray, region);
    let (cx, cy) = (x - real(region.left), y - real(region.top));
    let at = |dx: i32, dy: i32| {
        let place = |c: f32, d: i32, n: u32| index(c + f32::from(i16::try_from(d).unwrap_or(0)), n);
        ink.get_pixel(place(cx, dx, ink.width()), place(cy, dy, ink.height())).0[0] >= INKED
    };
    // The frame is a straight line all along the window; a cross never is.
    let frame_row = |dy: i32| (-HALF..=HALF).filter(|&dx| at(dx, dy)).count() > 30;
    let frame_column = |dx: i32| (-HALF..=HALF).filter(|&dy| at(dx, dy)).count() > 30;
    let columns: Vec<i32> = (-HALF + 2..=HALF - 2).filter(|&dx| !frame_column(dx)).collect();
    let around = (-HALF..=-above)
        .chain(WORD..=HALF)
        .filter(|&dy| !frame_row(dy))
        .map(|dy| columns.iter().filter(|&&dx| at(dx, dy)).count())
        .sum::<usize>();
    // A scribble along the word leaves its rows but not its neighbourhood: ink beyond what the letters have.
    let within = (1 - WORD..WORD)
        .map(|dy| columns.iter().filter(|&&dx| at(dx, dy)).count())
        .sum::<usize>();
    let count = around + within.saturating_sub(letters);
    u32::try_from(count).unwrap_or(u32::MAX)
}
