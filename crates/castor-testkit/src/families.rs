//! The layout families, each with its printed positions as measured on real forms (square frame).

mod camara;
mod cmj;
mod columns;
mod lists;
mod presidente2022;
mod senado;
mod uninominal;

use castor_domain::form::{FieldPath, Nivelacion};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::error::TestkitError;
use crate::fonts::Weight;
use crate::form::{Family, Options};
use crate::hand::Hand;
use crate::header::{HeaderStyle, Identity};
use crate::marks::Habit;
use crate::page::{BoxPrint, Constancias, FAINT_BOXES, Juror, Page, RULE};
use crate::sheet::{Geometry, Tone};
use crate::tally::{Count, Table};
use crate::truth::Section;

/// A form in the making.
pub(crate) struct Draft {
    pub(crate) identity: Identity,
    pub(crate) style: HeaderStyle,
    pub(crate) pages: Vec<Page>,
}

/// Draws a complete form of a family.
pub(crate) fn compose(seed: u64, family: Family, options: Options) -> Result<Draft, TestkitError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let hand = Hand::sample(&mut rng);
    let habit = options.habit.unwrap_or_else(|| Habit::sample(&mut rng));
    let mut juror = Juror {
        rng,
        hand,
        habit,
        options,
    };
    let mut draft = match family {
        Family::Uninominal2023 => uninominal::uninominal_2023(&mut juror),
        Family::PrimeraVuelta2026 => uninominal::primera_vuelta_2026(&mut juror),
        Family::SegundaVuelta2026 => uninominal::segunda_vuelta_2026(&mut juror),
        Family::Lists2023 => lists::lists_2023(&mut juror),
        Family::Cmj2025 => cmj::cmj_2025(&mut juror),
        Family::Presidente2022 => presidente2022::presidente_2022(&mut juror),
        Family::Camara2022 => camara::camara_2022(&mut juror),
        Family::Senado2018 => senado::senado_2018(&mut juror),
    };
    draft.identity.pages = u16::try_from(draft.pages.len()).unwrap_or(u16::MAX);
    for (number, page) in (1..).zip(&mut draft.pages) {
        page.head_and_foot(&draft.identity, number, &draft.style)?;
    }
    Ok(draft)
}

/// Paper of 2023 and later.
const NARROW: Geometry = Geometry {
    width_mm: 96.7,
    height_mm: 316.5,
    paper_width_mm: 108.0,
    paper_height_mm: 330.0,
};
/// Paper of 2018 and 2022.
const NARROW_2022: Geometry = Geometry {
    width_mm: 92.0,
    height_mm: 318.0,
    paper_width_mm: 107.0,
    paper_height_mm: 331.0,
};

/// Left and right of the body's frames.
const SIDES: (f32, f32) = (-0.010, 1.0085);

const HEADER_2023: HeaderStyle = HeaderStyle {
    place_box: [-0.010, 0.1270, 1.0085, 0.1912],
    place_x: 0.012,
    place_y: [0.1375, 0.1520, 0.1665, 0.1805],
    lugar_first: false,
    bold_codes: true,
    control_y: 0.2042,
    padded_page: false,
    triangles: false,
};

/// Boxes of candidate rows.
const ROW_EDGES: [f32; 4] = [0.7365, 0.8200, 0.9035, 0.9870];
/// Boxes in the right column of list forms.
const LIST_EDGES: [f32; 4] = [0.6430, 0.7520, 0.8610, 0.9700];

/// NIVELACIÓN DE LA MESA with one row per number.
struct NivelacionRows {
    bar: [f32; 2],
    banded: bool,
    /// Rules between the rows, then the foot.
    rules: [f32; 3],
    /// Rule above the first row where the bar does not border on it.
    first_rule: Option<f32>,
    divider: f32,
    edges: [f32; 4],
    boxes: [[f32; 2]; 3],
    /// What the urn held: "DE GOBERNADOR " and so on.
    of: String,
}

impl NivelacionRows {
    fn print(&self, page: &mut Page, juror: &mut Juror, table: Table, print: BoxPrint) {
        page.sections.push(Section::Nivelacion);
        let [top, below] = self.bar;
        let (l, r) = SIDES;
        let title = "NIVELACIÓN DE LA MESA";
        if self.banded {
            page.bar([l, top, r, below], &[(title, 0.5)], 0.0292, [0.014, 0.0]);
        } else {
            page.print(title, 0.5, (top + below) * 0.5, 0.0292, Weight::Bold);
            page.rule([l, below], [r, below]);
        }
        page.frame([l, top, r, self.rules[2]], RULE, [0.014, 0.0]);
        let upper = self.first_rule.unwrap_or(below);
        for y in self.first_rule.iter().chain(&self.rules[..2]) {
            page.rule([l, *y], [self.divider, *y]);
        }
        page.rule([self.divider, upper], [self.divider, self.rules[2]]);
        let urna = format!("TOTAL VOTOS {}EN LA URNA", self.of);
        let labels = ["TOTAL VOTANTES FORMULARIO E-11", &urna, "TOTAL VOTOS INCINERADOS"];
        let burnt = match table.incinerados {
            0 if rand::RngExt::random_bool(&mut juror.rng, 0.35) => Count::Blank,
            n => Count::Number(n),
        };
        let counts = [Count::Number(table.sufragantes), Count::Number(table.urna), burnt];
        let fields = [Nivelacion::Sufragantes, Nivelacion::Urna, Nivelacion::Incinerados];
        for i in 0..3 {
            // Labels stand in the middle of their row; in 2023 the row is as high as its boxes, the third one but for its foot.
            let row = match self.first_rule {
                Some(_) => self.boxes[i],
                None => [if i == 0 { below } else { self.rules[i - 1] }, self.rules[i]],
            };
            let middle = (row[0] + row[1]) * 0.5;
            page.print(labels[i], (l + self.divider) * 0.5, middle, 0.0293, Weight::Bold)
                .longest = self.divider - l - 0.012;
            page.cell(
                juror,
                &FieldPath::Nivelacion(fields[i]),
                self.edges,
                self.boxes[i],
                counts[i],
                print,
            );
        }
    }
}

/// A table of labelled rows at the foot of the votes.
struct SpecialRows<'a> {
    top: f32,
    /// Foot of each row.
    feet: &'a [f32],
    labels: &'a [(&'a str, FieldPath, Count)],
    /// Middles of the boxes.
    middles: &'a [f32],
    box_height: f32,
    divider: f32,
    edges: [f32; 4],
}

impl SpecialRows<'_> {
    fn print(&self, page: &mut Page, juror: &mut Juror, print: BoxPrint) {
        page.sections.push(Section::Special { circunscripcion: None });
        let (l, r) = SIDES;
        let foot = self.feet.last().copied().unwrap_or(self.top);
        page.frame([l, self.top, r, foot], RULE, [0.0, 0.0]);
        page.rule([self.divider, self.top], [self.divider, foot]);
        for (i, (label, field, count)) in self.labels.iter().enumerate() {
            if i + 1 < self.labels.len() {
                page.rule([l, self.feet[i]], [self.divider, self.feet[i]]);
            }
            let y = self.middles[i];
            let lines: Vec<&str> = label.split('\n').collect();
            for (n, line) in lines.iter().enumerate() {
                let shift = 0.0124 * (n as f32 - (lines.len() - 1) as f32 * 0.5);
                let em = match (lines.len(), n) {
                    (1, _) => 0.0293,
                    (_, 0) => 0.0329,
                    _ => 0.0310,
                };
                page.print(*line, (l + self.divider) * 0.5, y + shift, em, Weight::Bold)
                    .longest = self.divider - l - 0.02;
            }
            let rows = [y - self.box_height * 0.5, y + self.box_height * 0.5];
            page.cell(juror, field, self.edges, rows, *count, print);
        }
    }
}

/// Remarks of the forms since 2023: drop-out lines and boxes, title in a bar.
fn constancias(top: f32, bottom: f32, ask: f32, by: f32, of: f32) -> Constancias {
    Constancias {
        title: "CONSTANCIAS DE LOS JURADOS DE VOTACIÓN",
        question: "HUBO RECUENTO DE VOTOS",
        sides: SIDES,
        top,
        head: top + 0.0142,
        bottom,
        ask,
        by,
        of,
        yes_no: [0.4440, 0.5320],
        banded: true,
        line_pitch: 0.0165,
        line_tone: Tone::DropOut(0.14),
        choice_tone: Tone::DropOut(0.2),
    }
}

/// Frames of 2026 forms: faint, with rings.
const RINGED_BOXES: BoxPrint = BoxPrint {
    rings: true,
    ..FAINT_BOXES
};
