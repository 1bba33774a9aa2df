//! Synthetic forms: sampled from a seed, drawn page by page, with their truth.

use image::DynamicImage;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::error::TestkitError;
use crate::families::{Draft, compose};
use crate::fonts::Fonts;
use crate::marks::Habit;
use crate::scan::{Scan, render};
use crate::sheet::Sheet;
use crate::truth::PageTruth;

/// Layout family of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// A: Senado 2018.
    Senado2018,
    /// B: Presidente 2022, first round.
    Presidente2022,
    /// C: Cámara 2022.
    Camara2022,
    /// D: Gobernador or Alcalde 2023.
    Uninominal2023,
    /// E: Asamblea or Concejo 2023.
    Lists2023,
    /// F: Consejo Municipal de Juventud 2025.
    Cmj2025,
    /// G: Presidente 2026, first round.
    PrimeraVuelta2026,
    /// H: Presidente 2026, run-off.
    SegundaVuelta2026,
}

impl Family {
    /// Every family, A to H.
    pub const ALL: [Self; 8] = [
        Self::Senado2018,
        Self::Presidente2022,
        Self::Camara2022,
        Self::Uninominal2023,
        Self::Lists2023,
        Self::Cmj2025,
        Self::PrimeraVuelta2026,
        Self::SegundaVuelta2026,
    ];

    /// Short name, used in file names.
    #[must_use]
    pub fn slug(self) -> &'static str {
        match self {
            Self::Senado2018 => "senado-2018",
            Self::Presidente2022 => "presidente-2022",
            Self::Camara2022 => "camara-2022",
            Self::Uninominal2023 => "uninominal-2023",
            Self::Lists2023 => "lists-2023",
            Self::Cmj2025 => "cmj-2025",
            Self::PrimeraVuelta2026 => "presidente-2026-1",
            Self::SegundaVuelta2026 => "presidente-2026-2",
        }
    }
}

/// How people fill the forms in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// Chance per digit of a correction.
    pub overwritten: f64,
    /// Chance that the printed total is written wrongly.
    pub arithmetic_error: f64,
    /// Chance that the printed total is left blank or filled with fillers.
    pub blank_total: f64,
    /// Consular form; drawn when not given. Only presidential forms exist abroad.
    pub abroad: Option<bool>,
    /// Habits of the juror; drawn when not given.
    pub habit: Option<Habit>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            overwritten: 0.012,
            arithmetic_error: 0.06,
            blank_total: 0.05,
            abroad: None,
            habit: None,
        }
    }
}

/// A synthetic form.
#[derive(Debug)]
pub struct Form {
    /// Its layout family.
    pub family: Family,
    name: String,
    seed: u64,
    sheets: Vec<Sheet>,
    truths: Vec<PageTruth>,
    places: Vec<Vec<[f32; 4]>>,
}

impl Form {
    /// Draws a form. The same seed, family and options give the same form.
    ///
    /// # Errors
    /// [`TestkitError::Qr`] when the QR code cannot be made.
    pub fn sample(seed: u64, family: Family, options: &Options) -> Result<Self, TestkitError> {
        let Draft { identity, style, pages } = compose(seed, family, *options)?;
        let name = format!("{}-{seed}", family.slug());
        let sheets = pages.iter().map(crate::page::Page::sheet).collect();
        let places = pages.iter().map(|page| page.places.clone()).collect();
        let truths = (1_u16..)
            .zip(pages)
            .map(|(number, page)| PageTruth {
                form: name.clone(),
                page: number,
                printed_page: number,
                header: identity.truth(number, style.triangles),
                sections: page.sections,
                cells: page.cells,
                recount: page.recount,
                constancias: page.constancias,
                signatures: page.signatures,
                overwritten: page.overwritten,
                notes: page.notes,
                synthetic: true,
            })
            .collect();
        Ok(Self {
            family,
            name,
            seed,
            sheets,
            truths,
            places,
        })
    }

    /// Name within a corpus: family and seed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Gives the form another name within its corpus.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        for truth in &mut self.truths {
            name.clone_into(&mut truth.form);
        }
        self
    }

    /// Number of pages.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.sheets.len()
    }

    /// The page as shapes.
    ///
    /// # Errors
    /// [`TestkitError::NoSuchPage`] when the form has no such page; pages count from 1.
    pub fn sheet(&self, page: usize) -> Result<&Sheet, TestkitError> {
        of_page(&self.sheets, page)
    }

    /// Truth of a page.
    ///
    /// # Errors
    /// [`TestkitError::NoSuchPage`] when the form has no such page; pages count from 1.
    pub fn truth(&self, page: usize) -> Result<&PageTruth, TestkitError> {
        of_page(&self.truths, page)
    }

    /// Where the cells of a page stand, in the order of its truth: left, top, right and bottom of the three boxes in the
    /// square frame.
    ///
    /// # Errors
    /// [`TestkitError::NoSuchPage`] when the form has no such page; pages count from 1.
    pub fn places(&self, page: usize) -> Result<&[[f32; 4]], TestkitError> {
        of_page(&self.places, page).map(Vec::as_slice)
    }

    /// Draws a page as a scanner or camera sees it. The same form, page and scan give the same pixels.
    ///
    /// # Errors
    /// [`TestkitError::NoSuchPage`] and [`TestkitError::Font`].
    pub fn render(&self, page: usize, scan: Scan) -> Result<DynamicImage, TestkitError> {
        let sheet = self.sheet(page)?;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ (page as u64).rotate_left(32) ^ 0x5ca9);
        Ok(render(&mut rng, sheet, scan, Fonts::shared()?))
    }
}

/// What belongs to a page; pages count from 1.
fn of_page<T>(pages: &[T], page: usize) -> Result<&T, TestkitError> {
    let missing = TestkitError::NoSuchPage {
        page,
        pages: pages.len(),
    };
    page.checked_sub(1).and_then(|i| pages.get(i)).ok_or(missing)
}
