//! A page in the making: printed shapes, what the jurors write, and the truth of both.

use castor_domain::form::FieldPath;
use castor_domain::symbol::Symbol;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use crate::boxes::draw_symbol;
use crate::fonts::Weight;
use crate::form::Options;
use crate::hand::{Filler, Hand, normal};
use crate::marks::Habit;
use crate::sheet::{Align, Geometry, Item, Sheet, Text, Tone};
use crate::tally::Count;
use crate::truth::{CellTruth, Section};

/// The juror who fills the form in.
#[derive(Debug)]
pub(crate) struct Juror {
    pub(crate) rng: ChaCha8Rng,
    pub(crate) hand: Hand,
    pub(crate) habit: Habit,
    pub(crate) options: Options,
}

impl Juror {
    pub(crate) fn marks(&mut self, count: Count) -> [Symbol; 3] {
        match count {
            Count::Number(n) => self.habit.marks(&mut self.rng, Some(n)),
            Count::Blank => [Symbol::Blank; 3],
            Count::Fillers => [Symbol::Filler; 3],
        }
    }
}

/// How a family prints its boxes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct BoxPrint {
    pub(crate) tone: Tone,
    pub(crate) width: f32,
    pub(crate) dots: Option<f32>,
    /// Rings in the hundreds and tens boxes.
    pub(crate) rings: bool,
}

/// Light grey frames that 1-bit scans drop.
pub(crate) const FAINT_BOXES: BoxPrint = BoxPrint {
    tone: Tone::DropOut(0.16),
    width: 0.0022,
    dots: None,
    rings: false,
};

/// Everything on one page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) geometry: Geometry,
    pub(crate) items: Vec<Item>,
    pub(crate) sections: Vec<Section>,
    pub(crate) cells: Vec<CellTruth>,
    /// Left, top, right, bottom of the boxes of each cell.
    pub(crate) places: Vec<[f32; 4]>,
    pub(crate) overwritten: Vec<String>,
    pub(crate) recount: Option<String>,
    pub(crate) constancias: String,
    pub(crate) signatures: u16,
    pub(crate) notes: String,
}

impl Page {
    pub(crate) fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            items: Vec::new(),
            sections: Vec::new(),
            cells: Vec::new(),
            places: Vec::new(),
            overwritten: Vec::new(),
            recount: None,
            constancias: String::new(),
            signatures: 0,
            notes: String::new(),
        }
    }

    pub(crate) fn sheet(&self) -> Sheet {
        Sheet {
            geometry: self.geometry,
            items: self.items.clone(),
        }
    }

    /// Height, in frame heights, of a length given in frame widths.
    pub(crate) fn down(&self, length: f32) -> f32 {
        length * self.geometry.width_mm / self.geometry.height_mm
    }

    pub(crate) fn fill(&mut self, area: [f32; 4], tone: Tone, round: [f32; 2]) {
        self.items.push(Item::Fill { area, tone, round });
    }

    pub(crate) fn frame(&mut self, area: [f32; 4], width: f32, round: [f32; 2]) {
        self.items.push(Item::Frame {
            area,
            width,
            tone: Tone::Black,
            round,
        });
    }

    pub(crate) fn rule(&mut self, from: [f32; 2], to: [f32; 2]) {
        self.items.push(Item::Line {
            from,
            to,
            width: RULE,
            tone: Tone::Black,
            dots: None,
        });
    }

    pub(crate) fn print(&mut self, text: impl Into<String>, x: f32, y: f32, em: f32, weight: Weight) -> &mut Text {
        self.items.push(Item::Text(Text {
            text: text.into(),
            x,
            y,
            em,
            stretch: 1.0,
            longest: 1.0,
            weight,
            align: Align::Centre,
            tone: Tone::Black,
        }));
        match self.items.last_mut() {
            Some(Item::Text(text)) => text,
            _ => unreachable!("a text was pushed just now"),
        }
    }

    /// A printed number: the form's digits are a little narrower than the font's.
    pub(crate) fn number(&mut self, number: impl Into<String>, x: f32, y: f32, em: f32) {
        let text = self.print(number, x, y, em, Weight::Bold);
        text.stretch = 0.92;
        text.longest = 0.12;
    }

    /// Bar in the form's colour with a white title.
    pub(crate) fn bar(&mut self, area: [f32; 4], titles: &[(&str, f32)], em: f32, round: [f32; 2]) {
        self.fill(area, Tone::Band, round);
        for (title, x) in titles {
            let text = self.print(*title, *x, (area[1] + area[3]) * 0.5, em / BAR_STRETCH, Weight::Bold);
            text.tone = Tone::White;
            text.stretch = BAR_STRETCH;
        }
    }

    /// The three printed boxes of a cell and what the juror writes into them. `edges` are the boxes' vertical sides.
    pub(crate) fn cell(
        &mut self,
        juror: &mut Juror,
        field: &FieldPath,
        edges: [f32; 4],
        rows: [f32; 2],
        count: Count,
        print: BoxPrint,
    ) {
        self.boxes(edges, rows, print);
        let marks = juror.marks(count);
        let per_box = juror.options.overwritten;
        let mut overwritten = false;
        let height = (rows[1] - rows[0]) / self.down(1.0);
        for (i, mark) in marks.iter().enumerate() {
            let (left, right) = (edges[i], edges[i + 1]);
            let side = (right - left).min(height);
            let glyph = draw_symbol(&mut juror.rng, &juror.hand, *mark, per_box);
            overwritten |= glyph.overwritten;
            if glyph.strokes.is_empty() {
                continue;
            }
            let stray = self.down(side * normal(&mut juror.rng, 0.0, 0.03));
            let at = [
                (left + right - side) * 0.5 + side * normal(&mut juror.rng, 0.0, 0.03),
                (rows[0] + rows[1]) * 0.5 - self.down(side) * 0.5 + stray,
            ];
            self.items.push(Item::Pen { glyph, at, side });
        }
        self.cells.push(CellTruth::new(field, &marks));
        self.places.push([edges[0], rows[0], edges[3], rows[1]]);
        if overwritten {
            self.overwritten.push(field.to_string());
        }
    }

    fn boxes(&mut self, edges: [f32; 4], rows: [f32; 2], print: BoxPrint) {
        let BoxPrint {
            tone,
            width,
            dots,
            rings,
        } = print;
        for y in rows {
            self.items.push(Item::Line {
                from: [edges[0], y],
                to: [edges[3], y],
                width,
                tone,
                dots,
            });
        }
        for x in edges {
            self.items.push(Item::Line {
                from: [x, rows[0]],
                to: [x, rows[1]],
                width,
                tone,
                dots,
            });
        }
        if rings {
            for i in 0..2 {
                let centre = [(edges[i] + edges[i + 1]) * 0.5, (rows[0] + rows[1]) * 0.5];
                self.items.push(Item::Ring {
                    centre,
                    radius: 0.0115,
                    width: 0.0022,
                    tone: Tone::DropOut(0.22),
                });
            }
        }
    }

    /// An invented portrait: nobody's head and shoulders.
    pub(crate) fn photo<R: Rng + ?Sized>(&mut self, rng: &mut R, area: [f32; 4]) {
        let [l, t, r, b] = area;
        let (w, h) = (r - l, b - t);
        let x = (l + r) * 0.5;
        let coat = Tone::Half(rng.random_range(0.65..0.95));
        let skin = Tone::Half(rng.random_range(0.2..0.55));
        let hair = Tone::Half(rng.random_range(0.5..0.95));
        let head = w * rng.random_range(0.2..0.27);
        self.fill([l, b - h * 0.32, r, b], coat, [w * 0.3, 0.0]);
        self.items.push(Item::Disc {
            centre: [x, t + h * 0.34],
            radius: head * 1.18,
            aspect: 1.2,
            tone: hair,
        });
        self.items.push(Item::Disc {
            centre: [x, t + h * 0.42],
            radius: head,
            aspect: 1.25,
            tone: skin,
        });
        for side in [-0.38, 0.38] {
            let centre = [x + head * side, t + h * 0.39];
            self.items.push(Item::Disc {
                centre,
                radius: head * 0.12,
                aspect: 0.6,
                tone: Tone::Black,
            });
        }
    }

    /// An invented party logo.
    pub(crate) fn logo<R: Rng + ?Sized>(&mut self, rng: &mut R, area: [f32; 4], name: &str) {
        let [l, t, r, b] = area;
        let (w, h) = (r - l, b - t);
        let (x, y) = ((l + r) * 0.5, (t + b) * 0.5);
        let tone = Tone::Half(rng.random_range(0.45..1.0));
        let short: String = name.split(' ').next_back().unwrap_or(name).chars().take(9).collect();
        let em = (w / short.chars().count().max(3) as f32 * 1.3).min(h / self.down(1.0) * 0.6);
        match rng.random_range(0..4) {
            0 => {
                self.fill(area, tone, [0.004, 0.004]);
                self.print(short, x, y, em * 0.85, Weight::Bold).tone = Tone::White;
            }
            1 => {
                let radius = (h / self.down(1.0) * 0.5).min(w * 0.5);
                self.items.push(Item::Disc {
                    centre: [x, y],
                    radius,
                    aspect: 1.0,
                    tone,
                });
                let initial: String = short.chars().take(1).collect();
                self.print(initial, x, y, radius * 1.3, Weight::Bold).tone = Tone::White;
            }
            2 => {
                self.print(short, x, t + h * 0.4, em, Weight::Bold).tone = tone;
                self.fill([l + w * 0.1, b - h * 0.2, r - w * 0.1, b - h * 0.1], tone, [0.0, 0.0]);
            }
            _ => {
                let corners = [[l + w * 0.1, b], [l + w * 0.4, t], [l + w * 0.7, b]];
                self.items.push(Item::Triangle { corners, tone });
                self.print(short, l + w * 0.6, y, em * 0.8, Weight::Bold);
            }
        }
    }

    /// Remarks, the recount question, and who asked for it. `top` is the title bar's top, `bottom` the block's foot;
    /// `ask` the height of the question, `by` and `of` those of the two lines under it.
    pub(crate) fn constancias(&mut self, juror: &mut Juror, layout: &Constancias) {
        self.sections.push(Section::Constancias);
        let [top, head, bottom] = [layout.top, layout.head, layout.bottom];
        let (l, r) = layout.sides;
        if layout.banded {
            self.bar(
                [l, top, r, head],
                &[(layout.title, (l + r) * 0.5)],
                0.0262,
                [0.014, 0.0],
            );
        } else {
            self.print(layout.title, (l + r) * 0.5, (top + head) * 0.5, 0.0262, Weight::Bold);
            self.rule([l, head], [r, head]);
        }
        self.frame(
            [l, top, r, bottom],
            RULE,
            [if layout.banded { 0.014 } else { 0.0 }, 0.0],
        );
        let pitch = layout.line_pitch;
        let mut y = head + pitch;
        while y < layout.ask - pitch * 0.8 {
            let (from, to) = ([l + 0.02, y], [r - 0.02, y]);
            self.items.push(Item::Line {
                from,
                to,
                width: 0.0015,
                tone: layout.line_tone,
                dots: None,
            });
            y += pitch;
        }
        let ask_x = l + 0.025;
        for (text, y) in [
            (layout.question, layout.ask),
            ("SOLICITADO POR:", layout.by),
            ("EN REPRESENTACIÓN DE:", layout.of),
        ] {
            self.print(text, ask_x, y, 0.0255, Weight::Bold).align = Align::Left;
        }
        let half = self.down(0.032);
        for (label, x) in [("SI", layout.yes_no[0]), ("NO", layout.yes_no[1])] {
            self.print(label, x, layout.ask, 0.0255, Weight::Bold);
            let area = [x - 0.031, layout.ask - half, x + 0.031, layout.ask + half];
            self.items.push(Item::Frame {
                area,
                width: 0.0022,
                tone: layout.choice_tone,
                round: [0.0, 0.0],
            });
        }
        let answer = match juror.rng.random_range(0..100) {
            0..10 => None,
            10..22 => Some("SI"),
            _ => Some("NO"),
        };
        if let Some(answer) = answer {
            let x = if answer == "SI" {
                layout.yes_no[0]
            } else {
                layout.yes_no[1]
            };
            let mut firm = juror.hand.clone();
            firm.offset = [0.0, 0.0];
            let glyph = firm.draw_filler_of(&mut juror.rng, Filler::Cross).stretched(1.5, 1.5);
            let side = 0.062;
            let at = [x - side * 0.5, layout.ask - self.down(side) * 0.5];
            self.items.push(Item::Pen { glyph, at, side });
            self.recount = Some(answer.to_owned());
        }
        self.remarks(juror, [l + 0.03, head, r - 0.03, layout.ask - 0.025], pitch);
    }

    /// Sometimes a juror writes remarks; here they are wild lines that say nothing.
    fn remarks(&mut self, juror: &mut Juror, area: [f32; 4], pitch: f32) {
        if !juror.rng.random_bool(0.3) || area[3] - area[1] < pitch {
            return;
        }
        let lines = juror.rng.random_range(1..4);
        for i in 0..lines {
            let base = area[1] + pitch * (i as f32 + 0.95);
            if base > area[3] {
                break;
            }
            let mut x = area[0];
            let end = area[2] - juror.rng.random_range(0.0..0.4);
            while x < end {
                let width = juror.rng.random_range(0.05..0.17);
                self.scrawl(juror, [x, base - self.down(0.03), (x + width).min(area[2]), base]);
                x += width + 0.025;
            }
        }
        "constancias are scribbles without words".clone_into(&mut self.notes);
    }

    fn scrawl(&mut self, juror: &mut Juror, area: [f32; 4]) {
        let [l, t, r, b] = area;
        let height = (b - t) / self.down(1.0);
        let glyph = juror.hand.scribble(&mut juror.rng, [0.0, 0.0, r - l, height], 0.0045);
        self.items.push(Item::Pen {
            glyph,
            at: [l, t],
            side: 1.0,
        });
    }

    /// Signature fields in two columns with labels and, mostly, signatures.
    pub(crate) fn firmas(&mut self, juror: &mut Juror, top: f32, bottom: f32, count: u16) {
        self.sections.push(Section::Firmas);
        let rows = count.div_ceil(2);
        let pitch = (bottom - top) / f32::from(rows);
        for i in 0..count {
            let (column, row) = (i % 2, i / 2);
            let l = 0.01 + 0.51 * f32::from(column);
            let y = top + pitch * f32::from(row);
            let label = format!("JURADO {}", i + 1);
            self.print(label, l, y + pitch * 0.2, 0.022, Weight::Regular).align = Align::Left;
            self.rule([l, y + pitch * 0.74], [l + 0.46, y + pitch * 0.74]);
            self.print("C.C.", l, y + pitch * 0.9, 0.02, Weight::Regular).align = Align::Left;
            if juror.rng.random_bool(0.95) {
                let width = juror.rng.random_range(0.18..0.42);
                self.scrawl(juror, [l + 0.03, y + pitch * 0.28, l + 0.03 + width, y + pitch * 0.74]);
                self.signatures += 1;
            }
        }
    }
}

/// Width of the form's rules, in frame widths.
/// Width of the letters of bar titles as a multiple of the font's.
const BAR_STRETCH: f32 = 0.85;

pub(crate) const RULE: f32 = 0.0032;

/// Where a family prints remarks and recount.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Constancias {
    pub(crate) title: &'static str,
    pub(crate) question: &'static str,
    pub(crate) sides: (f32, f32),
    pub(crate) top: f32,
    pub(crate) head: f32,
    pub(crate) bottom: f32,
    pub(crate) ask: f32,
    pub(crate) by: f32,
    pub(crate) of: f32,
    /// Middles of the printed SI and NO.
    pub(crate) yes_no: [f32; 2],
    pub(crate) banded: bool,
    pub(crate) line_pitch: f32,
    pub(crate) line_tone: Tone,
    pub(crate) choice_tone: Tone,
}
