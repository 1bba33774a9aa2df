//! Transcribed forms: the boxes that the product itself cuts, beside what two people read in them.
//!
//! A corpus is a folder with `forms/` (files that `castor e14 read` takes) and `truth/` (one JSON file a page, named
//! `FORM_page_NN.json`).

use anyhow::{Context, Result, bail};
use castor_domain::form::FieldPath;
use castor_domain::symbol::BoxImage;
use castor_learn::sample::{Origin, Sample, ScanType};
use castor_vision::input::{Document, Limits};
use castor_vision::page::PageImage;
use castor_vision::read::FormReader;
use rayon::prelude::*;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One form of the corpus.
pub(crate) struct CorpusForm {
    /// Its file.
    pub(crate) path: PathBuf,
    /// The polling table that it belongs to; copies of one table share it.
    pub(crate) table: String,
    /// The cells that the product found on it and that are transcribed.
    pub(crate) cells: Vec<CorpusCell>,
    /// Transcribed cells that the product did not find.
    pub(crate) not_found: usize,
}

/// One cell with what is written in it.
#[derive(Debug, Clone)]
pub(crate) struct CorpusCell {
    /// Page of the file, from 1.
    pub(crate) page: u16,
    /// Which field.
    pub(crate) path: FieldPath,
    /// Its three boxes as samples.
    pub(crate) boxes: [Sample; 3],
    /// The number it means.
    pub(crate) value: Option<u16>,
    /// The paper itself can be read.
    pub(crate) decidable: bool,
}

#[derive(Deserialize)]
struct TruthPage {
    page: u16,
    header: TruthHeader,
    cells: Vec<TruthCell>,
    #[serde(default)]
    overwritten: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct TruthHeader {
    corporacion: Option<String>,
    departamento: Option<String>,
    municipio: Option<String>,
    zona: Option<String>,
    puesto: Option<String>,
    mesa: Option<String>,
}

#[derive(Deserialize)]
struct TruthCell {
    field: String,
    marks: [String; 3],
    value: Option<u16>,
}

/// Cuts every transcribed cell of a corpus.
pub(crate) fn read_corpus(folder: &Path, cutter: &FormReader) -> Result<Vec<CorpusForm>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder.join("forms"))
        .with_context(|| format!("no corpus in {}: it has no folder `forms`", folder.display()))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .collect();
    paths.sort();
    let truth = read_truth(&folder.join("truth"))?;
    let forms: Vec<CorpusForm> = paths
        .par_iter()
        .filter_map(|path| {
            let pages = truth.get(path.file_stem()?.to_string_lossy().as_ref())?;
            Some(form(path, pages, cutter))
        })
        .collect::<Result<_>>()?;
    if forms.is_empty() {
        bail!("no form of {} is transcribed", folder.display());
    }
    Ok(forms)
}

fn read_truth(folder: &Path) -> Result<BTreeMap<String, Vec<TruthPage>>> {
    let mut forms: BTreeMap<String, Vec<TruthPage>> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Some((form, _)) = stem.rsplit_once("_page_") else {
            continue;
        };
        let page = serde_json::from_str(&std::fs::read_to_string(&path)?)
            .with_context(|| format!("{} is no transcribed page", path.display()))?;
        forms.entry(form.to_owned()).or_default().push(page);
    }
    Ok(forms)
}

fn form(path: &Path, pages: &[TruthPage], cutter: &FormReader) -> Result<CorpusForm> {
    let document = Document::open(path, &Limits::default())?;
    let scans = (1..=document.page_count())
        .map(|number| Ok((number, scan_type(&document.page(number)?))))
        .collect::<Result<BTreeMap<u16, ScanType>>>()?;
    let cut = cutter.cut(&document)?;
    let table = table(pages, path);
    let mut transcribed = BTreeMap::new();
    for page in pages {
        let overwritten: BTreeSet<FieldPath> = page.overwritten.iter().filter_map(|p| p.parse().ok()).collect();
        for cell in &page.cells {
            let field: FieldPath = cell
                .field
                .parse()
                .with_context(|| format!("{}: field {}", path.display(), cell.field))?;
            let corrected = overwritten.contains(&field);
            transcribed.insert((page.page, field), (cell, corrected));
        }
    }
    let all = transcribed.len();
    let cells: Vec<CorpusCell> = cut
        .into_iter()
        .filter_map(|found| {
            let at = (found.page, found.cell.path);
            let (cell, corrected) = transcribed.remove(&at)?;
            let scan = scans.get(&found.page).copied().unwrap_or(ScanType::Colour);
            let boxes = samples(cell, corrected, found.boxes, &table, scan);
            Some(CorpusCell {
                page: at.0,
                path: at.1,
                decidable: boxes.iter().all(|b| b.symbol.is_some()),
                boxes,
                value: cell.value,
            })
        })
        .collect();
    Ok(CorpusForm {
        path: path.to_owned(),
        table,
        not_found: all - cells.len(),
        cells,
    })
}

/// What took the picture of a page, by its looks: two levels with little between them, or few pixels.
fn scan_type(page: &PageImage) -> ScanType {
    const PHOTO_WIDTH: u32 = 640;
    let pixels = page.gray.as_raw();
    let between = pixels.iter().filter(|v| (64..192).contains(*v)).count();
    if page.bitonal || between * 12 < pixels.len() {
        ScanType::Bitonal
    } else if page.gray.width() < PHOTO_WIDTH {
        ScanType::Photo
    } else {
        ScanType::Colour
    }
}

/// What tells a table from others; a form that does not say stands for itself.
fn table(pages: &[TruthPage], path: &Path) -> String {
    let h = |part: fn(&TruthHeader) -> &Option<String>| {
        pages
            .iter()
            .find_map(|p| part(&p.header).clone())
            .unwrap_or_else(|| "?".into())
    };
    let parts = [
        h(|p| &p.departamento),
        h(|p| &p.municipio),
        h(|p| &p.zona),
        h(|p| &p.puesto),
        h(|p| &p.mesa),
    ];
    if parts.iter().any(|p| p == "?") {
        return path.display().to_string();
    }
    format!("{} {}", h(|p| &p.corporacion), parts.join("."))
}

fn samples(cell: &TruthCell, corrected: bool, boxes: [BoxImage; 3], table: &str, scan: ScanType) -> [Sample; 3] {
    let mut marks = cell.marks.iter();
    boxes.map(|image| Sample {
        image,
        symbol: marks.next().and_then(|m| castor_wire::write::symbol(m)),
        cross: None,
        // A correction is transcribed for its cell, not for one of its boxes.
        overwritten: (!corrected).then_some(false),
        group: table.to_owned(),
        scan,
        origin: Origin::Corpus,
    })
}
