//! Layout: which cells a page prints and where, found on the page itself.
//!
//! The page's own rules bound the rows; a cell stands in the middle of its row, at the box columns that the template of
//! the family gives. Rows are named by the numbers and labels printed in them; a row whose name is not confirmed says
//! so. A page that no family explains is not recognised: it yields no cells and goes to a person.

mod boxes;
mod lines;
mod numbering;
mod rows;
mod template;

use crate::page::{FRAME_WIDTH, RectifiedPage};
use crate::raster::{index, part, real};
use castor_domain::form::{Corporacion, FieldPath, ListCode};
use image::GrayImage;

pub(crate) use lines::PageLines;

/// A rectangle in the square frame: x in widths, y in heights between the corner marks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameRect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl FrameRect {
    /// Width over the frame's width.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    /// Height over the frame's height.
    #[must_use]
    pub fn height(&self) -> f32 {
        self.y1 - self.y0
    }
}

/// One vote cell: three printed boxes.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The field that the row names.
    pub path: FieldPath,
    /// The three boxes, hundreds first.
    pub boxes: [FrameRect; 3],
    /// Whether the row's printed number or label was read and agrees.
    pub named: bool,
}

/// What a page turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Layout {
    /// A page with vote cells.
    Cells(PageLayout),
    /// A page of the form that prints no vote cell (constancias and signatures).
    NoCells,
    /// No family explains the page; the text says what was missing.
    NotRecognised(String),
}

/// The cells of a page and where its other parts stand.
#[derive(Debug, Clone, PartialEq)]
pub struct PageLayout {
    /// The template that explains the page.
    pub template: String,
    /// In reading order.
    pub cells: Vec<Cell>,
    /// Candidate and party names: the field or list they belong to, and where they stand.
    pub names: Vec<(FieldPath, FrameRect)>,
    /// 0–1: share of the rows whose name was confirmed, less what contradicts the template.
    pub quality: f32,
    /// Where the last vote row ends; constancias and signatures follow.
    pub foot: f32,
    /// What the family prints and the page did not show: cells may be missing, a person must look at the page.
    pub doubts: Vec<String>,
}

impl PageLayout {
    /// Whether rows of candidates or lists were found, all rows are confirmed, and nothing is doubted.
    fn leaves_nothing_open(&self) -> bool {
        /// Fewer rows might be the tables that every family prints, with one more by chance.
        const ROWS: usize = 2;
        let votes = |c: &&Cell| matches!(c.path, FieldPath::Candidato(_)) || c.path.list().is_some();
        self.doubts.is_empty() && self.cells.iter().all(|c| c.named) && self.cells.iter().filter(votes).count() >= ROWS
    }
}

/// Reads printed labels and numbers for the layout. Crops are canonical pixels.
pub trait LabelReader {
    /// A printed whole number in the crop with its confidence 0–1.
    fn number(&self, crop: &GrayImage) -> Option<(u32, f32)>;
    /// A printed list code: as `number`, but sure only when two readers agree, since it names a whole list.
    fn code(&self, crop: &GrayImage) -> Option<(u32, f32)>;
    /// A printed word that may be as short as one letter or digit.
    fn word(&self, crop: &GrayImage) -> Option<String>;
    /// Printed label in the crop, upper case as printed. A reader may stop looking closer at a line that is `expected`.
    fn label(&self, crop: &GrayImage, expected: &dyn Fn(&str) -> bool) -> Option<String>;
}

/// Quality above which a layout is accepted. One confirmed cell alone gives exactly this: it explains no page.
const ACCEPTED: f32 = 0.5;

/// Finds the cells of a canonical page. `ink` is the page as ink levels; `corporacion` what the form's header says.
#[must_use]
pub fn find_layout(
    page: &RectifiedPage,
    ink: &GrayImage,
    labels: &dyn LabelReader,
    corporacion: Option<Corporacion>,
) -> Layout {
    let page_lines = lines::find(ink);
    let templates = match template::shipped() {
        Ok(templates) => templates,
        Err(message) => return Layout::NotRecognised(message.to_owned()),
    };
    let view = PageView {
        page,
        ink,
        lines: &page_lines,
        labels,
    };
    if rows::is_constancias(&view, templates) {
        return Layout::NoCells;
    }
    // Explanations are made one after another and each reads labels: none is sought beyond one that leaves nothing open.
    let mut best: Option<PageLayout> = None;
    let by_rows = templates.iter().filter_map(|t| rows::explain(&view, t, corporacion));
    for layout in by_rows.chain(std::iter::once_with(|| boxes::explain(&view)).flatten()) {
        let settled = layout.leaves_nothing_open();
        let rank = |l: &PageLayout| (l.quality, std::cmp::Reverse(l.doubts.len()));
        if best.as_ref().is_none_or(|b| rank(&layout) > rank(b)) {
            best = Some(layout);
        }
        if settled {
            break;
        }
    }
    match best {
        Some(layout) if layout.quality > ACCEPTED => Layout::Cells(layout),
        _ if rows::is_titled_constancias(&view) => Layout::NoCells,
        Some(layout) => Layout::NotRecognised(format!(
            "{} cells found by {} but too few row names confirmed",
            layout.cells.len(),
            layout.template
        )),
        None => Layout::NotRecognised("no row of vote cells found".to_owned()),
    }
}

/// Everything that is known of a page while its layout is sought.
pub(crate) struct PageView<'a> {
    pub(crate) page: &'a RectifiedPage,
    pub(crate) ink: &'a GrayImage,
    pub(crate) lines: &'a PageLines,
    pub(crate) labels: &'a dyn LabelReader,
}

impl PageView<'_> {
    /// The page's grey pixels in a frame rectangle.
    pub(crate) fn crop(&self, rect: FrameRect) -> GrayImage {
        crop_frame(&self.page.gray, rect)
    }

    /// The printed number in a frame rectangle, with its confidence. Rules that cut through the sides of the rectangle are
    /// left outside: a vertical rule beside a number reads like a 1.
    pub(crate) fn number(&self, rect: FrameRect) -> Option<(u32, f32)> {
        self.labels.number(&self.crop(self.between_rules(rect)))
    }

    /// The part of a rectangle between the vertical rules that cut through its sides.
    fn between_rules(&self, rect: FrameRect) -> FrameRect {
        /// What a rule takes beside its middle.
        const CLEARANCE: f32 = 0.006;
        let y = f32::midpoint(rect.y0, rect.y1);
        let (reach, middle) = (rect.height() / 4.0, f32::midpoint(rect.x0, rect.x1));
        let mut inside = rect;
        for line in self.lines.vertical.iter().chain(&self.lines.short_vertical) {
            let x = line.at(y);
            let aside = rect.width() / 4.0;
            if x < rect.x0 || x > rect.x1 || (x > rect.x0 + aside && x < rect.x1 - aside) {
                continue;
            }
            // A rule passes beyond the number above and below; a stroke of the number does not.
            let (from, to) = (rect.y0 - reach, rect.y1 + reach);
            if line.coverage(from, to) < 0.8 || self.drawn_down(x, from, to).0 < 0.8 {
                continue;
            }
            if x < middle {
                inside.x0 = inside.x0.max(x + CLEARANCE);
            } else {
                inside.x1 = inside.x1.min(x - CLEARANCE);
            }
        }
        inside
    }

    /// The code of a list in a frame rectangle, and whether it was read surely. A code that was not gets a name of its own,
    /// `ordinal`, so that no two lists share it. A code of letters is never sure by itself.
    pub(crate) fn list_code(&self, rect: FrameRect, ordinal: usize) -> (ListCode, bool) {
        /// Codes have at most four digits.
        const MOST: u32 = 9999;
        /// Confidence from which a code needs no person.
        const SURE: f32 = 0.6;
        let read = |up: f32, taller: f32| {
            let place = FrameRect {
                y0: rect.y0 - up - taller,
                y1: rect.y1 - up,
                ..rect
            };
            self.labels.code(&self.crop(self.between_rules(place)))
        };
        let mut code = read(0.0, 0.0);
        // Where the two readers differ, a crop a little higher or taller may lose the rule or the logo that misled one. It
        // may lose digits too, so it must not say less than the first.
        if let Some((first, confidence)) = code
            && confidence < SURE
        {
            let sure = |c: &(u32, f32)| c.1 >= SURE && c.0.checked_ilog10() >= first.checked_ilog10();
            code = [(0.002, 0.0), (0.0, 0.003)]
                .into_iter()
                .filter_map(|(up, taller)| read(up, taller))
                .find(sure)
                .or(code);
        }
        // Digits alone explain letters badly but surely: an A makes a 4. What reads as letters is a list of letters.
        let word = self
            .labels
            .word(&self.crop(self.between_rules(rect)))
            .unwrap_or_default();
        if (1..=2).contains(&word.len()) && word.chars().all(|c| c.is_ascii_uppercase()) {
            return (ListCode(word), false);
        }
        let agrees = |n: u32| word.parse().ok().is_none_or(|w: u32| w == n);
        match code {
            Some((n, confidence)) if n <= MOST => (ListCode(n.to_string()), confidence >= SURE && agrees(n)),
            Some(_) | None => (ListCode(format!("ilegible-{ordinal}")), false),
        }
    }

    /// Whether a rule is drawn down the page near `x` between two heights: the share of the way that carries ink, and
    /// where it runs. Lines found on strips may bridge a gap over strokes of letters; this looks at the ink itself.
    pub(crate) fn drawn_down(&self, x: f32, y0: f32, y1: f32) -> (f32, f32) {
        /// How far the rule may stand from `x`, in pixels.
        const ASIDE: i16 = 5;
        /// Ink of a faint printed rule, of 255.
        const FAINT: u8 = 40;
        let (px, top) = RectifiedPage::pixel(x, y0);
        let (_, bottom) = RectifiedPage::pixel(x, y1);
        let (width, height) = self.ink.dimensions();
        let (from, to) = (index(top, height), index(bottom, height));
        let level = |x: f32, y: u32| self.ink.as_raw()[y as usize * width as usize + index(x, width) as usize];
        // The share along a column of pixels, its neighbours helping; the inkiest of the fullest is the rule's middle.
        let share = |at: f32| {
            let inked = (from..to).filter(|&y| [-1.0, 0.0, 1.0].iter().any(|d| level(at + d, y) >= FAINT));
            real(u32::try_from(inked.count()).unwrap_or(0)) / real((to - from).max(1))
        };
        let mass = |at: f32| (from..to).map(|y| u32::from(level(at, y))).sum::<u32>();
        let best = (-ASIDE..=ASIDE)
            .map(|d| px + f32::from(d))
            .max_by(|&a, &b| share(a).total_cmp(&share(b)).then(mass(a).cmp(&mass(b))))
            .unwrap_or(px);
        (share(best), x + (best - px) / f32::from(FRAME_WIDTH))
    }

    /// Mean ink 0–1 in a frame rectangle.
    pub(crate) fn ink_share(&self, rect: FrameRect) -> f32 {
        let (x0, y0, w, h) = pixels(self.ink, rect);
        if w == 0 || h == 0 {
            return 0.0;
        }
        let stride = self.ink.width() as usize;
        let mut sum = 0u64;
        for y in y0..y0 + h {
            let row = y as usize * stride;
            sum += self.ink.as_raw()[row + x0 as usize..row + (x0 + w) as usize]
                .iter()
                .map(|&v| u64::from(v))
                .sum::<u64>();
        }
        real(u32::try_from(sum / 255).unwrap_or(u32::MAX)) / (real(w) * real(h))
    }
}

/// Left, top, width, height in canonical pixels, clipped to the image.
fn pixels(image: &GrayImage, rect: FrameRect) -> (u32, u32, u32, u32) {
    let (a, b) = RectifiedPage::pixel(rect.x0, rect.y0);
    let (c, d) = RectifiedPage::pixel(rect.x1, rect.y1);
    let (w, h) = image.dimensions();
    let (x0, y0) = (index(a, w), index(b, h));
    let (x1, y1) = (index(c, w), index(d, h));
    (x0, y0, x1.saturating_sub(x0), y1.saturating_sub(y0))
}

/// The pixels of a frame rectangle.
pub(crate) fn crop_frame(image: &GrayImage, rect: FrameRect) -> GrayImage {
    let (x, y, w, h) = pixels(image, rect);
    part(image, x, y, w.max(1), h.max(1))
}
