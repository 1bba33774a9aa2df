//! Writes synthetic forms as files: PDF forms, truth per page, and an index, laid out as the corpus of real forms is.

use std::fs;
use std::path::Path;

use image::DynamicImage;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use crate::error::TestkitError;
use crate::form::{Family, Form, Options};
use crate::pdf;
use crate::scan::{Device, Scan};

/// Quality of JPEG pages.
const QUALITY: u8 = 85;

/// One form of the index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexEntry {
    /// Name of the form: `forms/<form>.pdf`.
    pub form: String,
    /// Election, as printed.
    pub election: String,
    /// Corporación.
    pub corporacion: String,
    /// Copy band.
    pub copy: String,
    /// Number of pages.
    pub pages: usize,
    /// Size of the first page, pixels.
    pub px: [u32; 2],
    /// `bitonal` or `colour`.
    pub colour: String,
    /// How the image was taken.
    pub quality: String,
    /// Always true.
    pub synthetic: bool,
}

/// Writes `n` forms drawn from `seed` into `dir`: `forms/*.pdf`, `truth/*_page_NN.json` and `index.json`.
///
/// Families take turns; every form has its own person, scanner and damage.
///
/// # Errors
/// Any [`TestkitError`].
pub fn write_corpus(dir: &Path, seed: u64, n: usize, options: &Options) -> Result<Vec<IndexEntry>, TestkitError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut index = Vec::with_capacity(n);
    for i in 0..n {
        let family = Family::ALL[i % Family::ALL.len()];
        let form = Form::sample(rng.random(), family, options)?.named(&format!("s{:03}", i + 1));
        let scan = Scan::sample(&mut rng);
        index.push(write_form(dir, &form, scan)?);
    }
    write_index(dir, &index)?;
    Ok(index)
}

/// Writes demonstration sets: in each one form per family, with the scanner its real kind is known by.
///
/// # Errors
/// Any [`TestkitError`].
pub fn sample_forms(dir: &Path, sets: u8) -> Result<Vec<IndexEntry>, TestkitError> {
    let mut index = Vec::with_capacity(Family::ALL.len() * usize::from(sets));
    let kinds = (1..=sets).flat_map(|set| Family::ALL.map(|family| (set, family)));
    for (seed, (set, family)) in (2026..).zip(kinds) {
        let scan = match family {
            Family::Senado2018 | Family::Camara2022 | Family::Presidente2022 => Scan::bitonal_300(),
            Family::Uninominal2023 | Family::Lists2023 | Family::SegundaVuelta2026 => Scan::drop_out(),
            Family::Cmj2025 => Scan::colour_300(),
            Family::PrimeraVuelta2026 => Scan::phone(1100),
        };
        let name = match set {
            1 => format!("ejemplo-{}", family.slug()),
            set => format!("ejemplo-{}-{set}", family.slug()),
        };
        let form = Form::sample(seed, family, &Options::default())?.named(&name);
        index.push(write_form(dir, &form, scan)?);
    }
    write_index(dir, &index)?;
    Ok(index)
}

/// Writes one form as PDF with the truth of its pages.
///
/// # Errors
/// Any [`TestkitError`].
pub fn write_form(dir: &Path, form: &Form, scan: Scan) -> Result<IndexEntry, TestkitError> {
    let pages: Vec<DynamicImage> = (1..=form.pages())
        .map(|page| form.render(page, scan))
        .collect::<Result<_, _>>()?;
    write(
        &dir.join("forms").join(format!("{}.pdf", form.name())),
        &pdf::encode(&pages, QUALITY)?,
    )?;
    for page in 1..=form.pages() {
        let json = serde_json::to_vec_pretty(form.truth(page)?)?;
        write(
            &dir.join("truth").join(format!("{}_page_{page:02}.json", form.name())),
            &json,
        )?;
    }
    let header = &form.truth(1)?.header;
    let bitonal = match scan.device {
        Device::DropOut { .. } | Device::Bitonal { .. } => true,
        Device::Colour { .. } | Device::Phone { .. } => false,
    };
    Ok(IndexEntry {
        form: form.name().to_owned(),
        election: header.eleccion.clone(),
        corporacion: header.corporacion.clone(),
        copy: header.copia.clone(),
        pages: pages.len(),
        px: pages.first().map_or([0, 0], |p| [p.width(), p.height()]),
        colour: if bitonal { "bitonal" } else { "colour" }.to_owned(),
        quality: format!("{scan:?}"),
        synthetic: true,
    })
}

fn write_index(dir: &Path, index: &[IndexEntry]) -> Result<(), TestkitError> {
    write(&dir.join("index.json"), &serde_json::to_vec_pretty(index)?)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), TestkitError> {
    let failed = |source| TestkitError::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, bytes).map_err(failed)
}
