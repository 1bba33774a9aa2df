//! The numbers of a form as the checks see them: each cell once, with what is known of it, and what the form lacks.

use std::collections::{BTreeMap, BTreeSet};

use super::{FieldRef, Missing};
use crate::form::{Copia, Corporacion, FieldPath, ListCode, Nivelacion};
use crate::header::{Item, Source};
use crate::reading::{FieldReading, FormReading, PageReading};
use crate::symbol::Symbol;

/// What a check knows of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FieldState {
    /// A number is written.
    Read(u16),
    /// Fillers only, or nothing: no votes.
    ImplicitZero,
    /// Unread, or waits for a person.
    Undecided,
}

impl FieldState {
    /// State of a field that counts only when nobody needs to look at it.
    #[must_use]
    pub fn settled(field: &FieldReading) -> Self {
        if field.needs_review {
            Self::Undecided
        } else {
            Self::tentative(field)
        }
    }

    /// State of a field taken at its likeliest reading.
    #[must_use]
    pub fn tentative(field: &FieldReading) -> Self {
        let written = field.marks.iter().any(|mark| matches!(mark, Symbol::Digit(_)));
        match field.value {
            Some(0) | None if !written => Self::ImplicitZero,
            Some(number) => Self::Read(number),
            // Digits that make no number.
            None => Self::Undecided,
        }
    }

    /// Number of votes; nothing when undecided.
    #[must_use]
    pub fn votes(self) -> Option<u16> {
        match self {
            Self::Read(number) => Some(number),
            Self::ImplicitZero => Some(0),
            Self::Undecided => None,
        }
    }
}

impl FieldState {
    /// The number, when one is written.
    pub(super) fn written(self) -> Option<u16> {
        match self {
            Self::Read(number) => Some(number),
            Self::ImplicitZero | Self::Undecided => None,
        }
    }

    pub(super) fn is_implicit(self) -> bool {
        self == Self::ImplicitZero
    }
}

/// One cell of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) field: FieldRef,
    pub(super) state: FieldState,
}

/// The rows of one list. A list that stands in two circunscripciones counts as two.
#[derive(Debug, Default)]
pub(super) struct ListRows<'t> {
    pub(super) solo: Option<&'t Cell>,
    pub(super) candidates: Vec<&'t Cell>,
    pub(super) total: Option<&'t Cell>,
}

/// The numbers of a form for the sums.
#[derive(Debug, Clone)]
pub struct Tally {
    cells: Vec<Cell>,
    page_gaps: Vec<Missing>,
    corporacion: Option<Corporacion>,
}

impl Tally {
    /// Only what needs no person counts as read.
    #[must_use]
    pub fn settled(form: &FormReading) -> Self {
        Self::new(form, &Pages::of(form), FieldState::settled)
    }

    /// Every field at its likeliest reading, for looking for what might be misread.
    #[must_use]
    pub fn tentative(form: &FormReading) -> Self {
        Self::new(form, &Pages::of(form), FieldState::tentative)
    }

    /// As [`Self::settled`], of a form whose pages are at hand.
    pub(super) fn settled_on(form: &FormReading, pages: &Pages) -> Self {
        Self::new(form, pages, FieldState::settled)
    }

    fn new(form: &FormReading, pages: &Pages, state: fn(&FieldReading) -> FieldState) -> Self {
        let mut merged: BTreeMap<FieldRef, (FieldState, u16)> = BTreeMap::new();
        for field in form.fields.iter().filter(|field| !pages.is_stranger(field.page)) {
            let at = FieldRef {
                page: pages.first_like(field.page),
                path: field.path.clone(),
            };
            let state = state(field);
            merged
                .entry(at)
                .and_modify(|(known, page)| {
                    // A page that comes twice must say the same both times; one page cannot print a row twice.
                    if *known != state || *page == field.page {
                        *known = FieldState::Undecided;
                    }
                })
                .or_insert((state, field.page));
        }
        let corporacion = form.header.corporacion.value().copied();
        let mut cells: Vec<Cell> = merged
            .into_iter()
            .map(|(field, (state, _))| Cell { field, state })
            .collect();
        undecide_rows_named_twice(&mut cells, corporacion);
        let mut tally = Self {
            cells,
            page_gaps: Vec::new(),
            corporacion,
        };
        let whole = tally.is_whole_ballot();
        if !whole {
            tally.page_gaps.clone_from(&pages.gaps);
        }
        let holds_fields = |page: u16| form.fields.iter().any(|field| field.page == page);
        let unexplained =
            |page: &&PageReading| !pages.is_stranger(page.page) && (page.layout.is_none() || page.needs_review);
        for page in form.pages.iter().filter(unexplained) {
            if !whole || holds_fields(page.page) {
                tally.page_gaps.push(Missing::Layout(page.page));
            }
        }
        tally
    }

    /// The same numbers with one field changed.
    #[must_use]
    pub fn with(&self, field: &FieldRef, state: FieldState) -> Self {
        let mut changed = self.clone();
        for cell in &mut changed.cells {
            if cell.field == *field {
                cell.state = state;
            }
        }
        changed
    }

    /// The fields with their states, by page and path.
    pub fn states(&self) -> impl Iterator<Item = (&FieldRef, FieldState)> {
        self.cells.iter().map(|cell| (&cell.field, cell.state))
    }

    pub(super) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    pub(super) fn find(&self, path: &FieldPath) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.field.path == *path)
    }

    /// A number of the NIVELACIÓN block or a total, which must be written to be compared.
    pub(super) fn written(&self, path: &FieldPath) -> Result<(u16, &FieldRef), Missing> {
        let cell = self.find(path).ok_or_else(|| Missing::NotFound(path.clone()))?;
        match cell.state {
            FieldState::Read(number) => Ok((number, &cell.field)),
            FieldState::ImplicitZero => Err(Missing::LeftBlank(cell.field.clone())),
            FieldState::Undecided => Err(Missing::Unread(cell.field.clone())),
        }
    }

    /// What keeps the list of the form's fields from being complete.
    pub(super) fn gaps(&self) -> Vec<Missing> {
        let mut gaps = self.page_gaps.clone();
        let blanco = self.corporacion.is_none_or(Corporacion::prints_blanco);
        let specials = [
            (FieldPath::Blanco, blanco),
            (FieldPath::Nulos, true),
            (FieldPath::NoMarcados, true),
        ];
        for (path, printed) in specials {
            if printed && self.find(&path).is_none() {
                gaps.push(Missing::NotFound(path));
            }
        }
        gaps
    }

    /// What keeps the rows of one list from being complete: an unexplained page that it stands on or, when it runs over
    /// several pages, any page missing.
    pub(super) fn list_gaps(&self, rows: &ListRows<'_>) -> Vec<Missing> {
        let cells = || {
            rows.solo
                .into_iter()
                .chain(rows.candidates.iter().copied())
                .chain(rows.total)
        };
        let first = cells().next().map(|cell| cell.field.page);
        if cells().any(|cell| Some(cell.field.page) != first) {
            return self.page_gaps.clone();
        }
        let own = |gap: &&Missing| matches!(gap, Missing::Layout(page) if Some(*page) == first);
        self.page_gaps.iter().filter(own).cloned().collect()
    }

    /// The lists in the order of their pages.
    pub(super) fn lists(&self) -> Vec<(ListCode, ListRows<'_>)> {
        let mut starts: BTreeMap<&ListCode, Vec<u16>> = BTreeMap::new();
        for cell in &self.cells {
            if let FieldPath::SoloLista(code) = &cell.field.path {
                starts.entry(code).or_default().push(cell.field.page);
            }
        }
        // A list's rows are gathered under the page of its row 0, so that a list that runs over a page's end stays one.
        let start = |code: &ListCode, page: u16| {
            let begun = starts
                .get(code)
                .into_iter()
                .flatten()
                .copied()
                .filter(|start| *start <= page);
            begun.max().unwrap_or(page)
        };
        let mut lists: BTreeMap<(u16, ListCode), ListRows<'_>> = BTreeMap::new();
        for cell in &self.cells {
            let Some(code) = cell.field.path.list() else { continue };
            let rows = lists.entry((start(code, cell.field.page), code.clone())).or_default();
            match cell.field.path {
                FieldPath::SoloLista(_) => rows.solo = Some(cell),
                FieldPath::ListaTotal(_) => rows.total = Some(cell),
                FieldPath::ListaCandidato(..)
                | FieldPath::Nivelacion(_)
                | FieldPath::Candidato(_)
                | FieldPath::Blanco
                | FieldPath::Nulos
                | FieldPath::NoMarcados
                | FieldPath::Total => rows.candidates.push(cell),
            }
        }
        lists.into_iter().map(|((_, code), rows)| (code, rows)).collect()
    }

    /// Whether the vote section is seen to be whole without counting pages: voters and urn, candidates 1 to n without a
    /// gap, special rows, and the SUMA TOTAL that ends it. A page of signatures alone is then not missed.
    fn is_whole_ballot(&self) -> bool {
        let mut numbers: Vec<u16> = Vec::new();
        for cell in &self.cells {
            match cell.field.path {
                FieldPath::Candidato(number) => numbers.push(number),
                FieldPath::SoloLista(_) | FieldPath::ListaCandidato(..) | FieldPath::ListaTotal(_) => return false,
                FieldPath::Nivelacion(_)
                | FieldPath::Blanco
                | FieldPath::Nulos
                | FieldPath::NoMarcados
                | FieldPath::Total => {}
            }
        }
        numbers.sort_unstable();
        let framed = [
            FieldPath::Nivelacion(Nivelacion::Sufragantes),
            FieldPath::Nivelacion(Nivelacion::Urna),
            FieldPath::Nivelacion(Nivelacion::Incinerados),
            FieldPath::Blanco,
            FieldPath::Nulos,
            FieldPath::NoMarcados,
            FieldPath::Total,
        ];
        !numbers.is_empty()
            && numbers
                .iter()
                .copied()
                .eq(1..=u16::try_from(numbers.len()).unwrap_or(u16::MAX))
            && framed.iter().all(|path| self.find(path).is_some())
    }
}

/// A row that a form prints once and that was found on two of its pages is misnamed on one of them.
fn undecide_rows_named_twice(cells: &mut [Cell], corporacion: Option<Corporacion>) {
    let repeats = corporacion.is_none_or(|c| c == Corporacion::Camara);
    let mut pages: BTreeMap<FieldPath, usize> = BTreeMap::new();
    for cell in cells.iter() {
        *pages.entry(cell.field.path.clone()).or_default() += 1;
    }
    for cell in cells.iter_mut() {
        let by_circunscripcion = match cell.field.path {
            FieldPath::Blanco
            | FieldPath::Nulos
            | FieldPath::NoMarcados
            | FieldPath::SoloLista(_)
            | FieldPath::ListaCandidato(..)
            | FieldPath::ListaTotal(_) => repeats,
            FieldPath::Nivelacion(_) | FieldPath::Candidato(_) | FieldPath::Total => false,
        };
        if !by_circunscripcion && pages.get(&cell.field.path).is_some_and(|count| *count > 1) {
            cell.state = FieldState::Undecided;
        }
    }
}

/// A page says something of its sheet only when it says so at least this surely.
const SURE: f32 = 0.8;

/// Which sheet of the form each page of the file is, and which sheets are missing.
pub(super) struct Pages {
    /// The pages of the file, in its order.
    pub(super) sheets: Vec<Sheet>,
    /// Pages of the whole form.
    pub(super) total: Option<u16>,
    /// What keeps the pages from being complete.
    pub(super) gaps: Vec<Missing>,
}

/// A page of the file.
pub(super) struct Sheet {
    /// Page of the file, from 1.
    pub(super) file: u16,
    /// Printed number, read or inferred.
    pub(super) printed: Option<u16>,
    /// The earlier page of the file that is the same sheet.
    pub(super) repeats: Option<u16>,
    /// Whether the page belongs to another form.
    pub(super) stranger: bool,
}

impl Pages {
    pub(super) fn of(form: &FormReading) -> Self {
        let strangers = strangers(form);
        let mut pages = Self {
            sheets: Vec::with_capacity(form.pages.len()),
            total: None,
            gaps: Vec::new(),
        };
        for page in &form.pages {
            let stranger = strangers.contains(&page.page);
            let mut printed = page.printed_page();
            let mut repeats = None;
            if !stranger {
                let earlier = form.pages.iter().zip(&pages.sheets).find(|(other, sheet)| {
                    let equal_number = printed.is_some() && printed == sheet.printed;
                    !sheet.stranger && (equal_number || is_same_sheet(other, page))
                });
                if let Some((_, sheet)) = earlier {
                    repeats = Some(sheet.file);
                    printed = sheet.printed.or(printed);
                }
            }
            pages.sheets.push(Sheet {
                file: page.page,
                printed,
                repeats,
                stranger,
            });
        }
        pages.total = form.header.pages.value().copied().or_else(|| {
            let own = form.pages.iter().filter(|page| !strangers.contains(&page.page));
            own.filter_map(|p| p.page_of.value().map(|of| of.pages)).next()
        });
        pages.place_the_last_unread();
        pages.gaps = match pages.total {
            None => vec![Missing::PageCount],
            Some(_) => pages.absent().map(Missing::Page).collect(),
        };
        pages
    }

    /// Printed pages that the file lacks.
    pub(super) fn absent(&self) -> impl Iterator<Item = u16> {
        let there = |number: u16| self.own().any(|sheet| sheet.printed == Some(number));
        (1..=self.total.unwrap_or(0)).filter(move |number| !there(*number))
    }

    /// The pages of the file that are sheets of this form.
    pub(super) fn own(&self) -> impl Iterator<Item = &Sheet> {
        self.sheets.iter().filter(|sheet| !sheet.stranger)
    }

    /// Pages of the file that are sheets of this form, each sheet once, whose printed number is unread.
    pub(super) fn unnumbered(&self) -> impl Iterator<Item = u16> {
        let unnumbered = |sheet: &&Sheet| sheet.printed.is_none() && sheet.repeats.is_none();
        self.own().filter(unnumbered).map(|sheet| sheet.file)
    }

    /// When one page's number is unread and one printed page is left over, they are the same.
    fn place_the_last_unread(&mut self) {
        let left: Vec<u16> = self.absent().collect();
        let unread: Vec<u16> = self.unnumbered().collect();
        if let (&[printed], &[file]) = (left.as_slice(), unread.as_slice()) {
            for sheet in &mut self.sheets {
                if sheet.file == file || sheet.repeats == Some(file) {
                    sheet.printed = Some(printed);
                }
            }
        }
    }

    /// The first page of the file that is the same sheet.
    fn first_like(&self, page: u16) -> u16 {
        let sheet = self.sheets.iter().find(|sheet| sheet.file == page);
        sheet.and_then(|sheet| sheet.repeats).unwrap_or(page)
    }

    fn is_stranger(&self, page: u16) -> bool {
        self.sheets.iter().any(|sheet| sheet.file == page && sheet.stranger)
    }
}

/// Whether two pages of the file show one sheet of paper: no two sheets have the same QR or the same serial.
fn is_same_sheet(a: &PageReading, b: &PageReading) -> bool {
    match (&a.qr, &b.qr) {
        (Some(a), Some(b)) => a == b,
        (None, _) | (_, None) => sure(&a.serial).zip(sure(&b.serial)).is_some_and(|(a, b)| a == b),
    }
}

/// Pages of the file that surely differ, in something that all sheets of one form print alike, from what most pages
/// say; the earlier page is right where as many say one as the other. What a sheet prints twice must differ twice: once
/// is a misreading, of which `BAR_001` speaks.
fn strangers(form: &FormReading) -> BTreeSet<u16> {
    // A page by itself differs from none.
    if form.pages.len() < 2 {
        return BTreeSet::new();
    }
    let serial = |page: &PageReading| sure(&page.serial).copied();
    let kits = |page: &PageReading| {
        let footer = sure(&page.kit).copied();
        footer.into_iter().chain(serial(page).map(|s| s.kit)).collect()
    };
    let classes = |page: &PageReading| {
        let control = sure(&page.control).map(|c| c.class_number());
        control
            .into_iter()
            .chain(serial(page).map(|s| s.class.number()))
            .collect()
    };
    let copies = |page: &PageReading| {
        let band = printed_on(&form.header.copia, page).into_iter().map(Copia::digit);
        band.chain(serial(page).map(|s| s.copy.digit())).collect()
    };
    let mut strangers = differing(form, kits);
    strangers.extend(differing(form, classes));
    strangers.extend(differing(form, copies));
    strangers.extend(differing(form, |page| {
        sure(&page.control).copied().into_iter().collect()
    }));
    // A sheet prints its table once: a kit that is this form's says that a code was misread.
    let (own, _) = parted(form, kits);
    strangers.extend(of_other_tables(form).difference(&own));
    strangers
}

/// Pages whose address names another table than most pages'.
fn of_other_tables(form: &FormReading) -> BTreeSet<u16> {
    let header = &form.header;
    let mut pages = differing(form, |page| printed_on(&header.departamento, page));
    pages.extend(differing(form, |page| printed_on(&header.municipio, page)));
    pages.extend(differing(form, |page| printed_on(&header.zona, page)));
    pages.extend(differing(form, |page| printed_on(&header.puesto, page)));
    pages.extend(differing(form, |page| printed_on(&header.mesa, page)));
    pages
}

/// What a page surely prints of an item that each page prints.
fn printed_on<T: Clone + PartialEq>(item: &Item<T>, page: &PageReading) -> Vec<T> {
    let here = item.readings().iter();
    let sure = here.filter(|r| r.source == Source::PrintedText && r.page == page.page && r.confidence >= SURE);
    sure.map(|r| r.value.clone()).collect()
}

fn differing<T: PartialEq>(form: &FormReading, said: impl Fn(&PageReading) -> Vec<T>) -> BTreeSet<u16> {
    parted(form, said).1
}

/// The pages that say what most pages say, and those that say something else.
fn parted<T: PartialEq>(form: &FormReading, said: impl Fn(&PageReading) -> Vec<T>) -> (BTreeSet<u16>, BTreeSet<u16>) {
    let votes: Vec<(u16, Vec<T>)> = form.pages.iter().map(|page| (page.page, said(page))).collect();
    let support = |value: &T| votes.iter().filter(|(_, said)| said.contains(value)).count();
    let values = || votes.iter().flat_map(|(_, said)| said);
    let most = values().map(support).max();
    let Some(right) = values().find(|value| Some(support(value)) == most) else {
        return Default::default();
    };
    let (own, others): (Vec<_>, Vec<_>) = votes
        .iter()
        .filter(|(_, said)| !said.is_empty())
        .partition(|(_, said)| said.contains(right));
    let numbers = |pages: Vec<&(u16, Vec<T>)>| pages.into_iter().map(|(page, _)| *page).collect();
    (numbers(own), numbers(others))
}

/// The value of an item, when it is surely read.
fn sure<T: Clone + PartialEq>(item: &Item<T>) -> Option<&T> {
    item.chosen()
        .filter(|chosen| chosen.confidence >= SURE)
        .map(|chosen| &chosen.value)
}
