//! Checks of the sheets: pages, header, serials, signatures, fields that wait for a person.

use super::tally::Pages;
use super::{
    CheckCode, Detail, ExpectedTable, FieldRef, Finding, Input, Missing, Numbers, Outcome, SeenSheet, Severity,
};
use crate::header::{Item, Source};
use crate::reading::{FormReading, PageReading};
use std::fmt::Display;

/// Fewest signatures that make a form valid in form.
const FEWEST_SIGNATURES: u8 = 3;
/// A header reading below this is too weak to contradict another.
const FIRM: f32 = 0.5;

/// OCR_001.
pub(super) fn reviewed(form: &FormReading) -> Finding {
    let code = CheckCode::Ocr001;
    let waiting: Vec<FieldRef> = form
        .fields
        .iter()
        .filter(|field| field.needs_review)
        .map(|field| FieldRef {
            page: field.page,
            path: field.path.clone(),
        })
        .collect();
    let unexplained: Vec<Missing> = form
        .pages
        .iter()
        .filter(|p| p.needs_review)
        .map(|p| Missing::Layout(p.page))
        .collect();
    if waiting.is_empty() && !unexplained.is_empty() {
        return Finding::not_evaluable(code, unexplained);
    }
    let numbers = Numbers {
        expected: 0,
        found: i64::try_from(waiting.len()).unwrap_or(i64::MAX),
    };
    Finding::of_numbers(code, Severity::Medium, numbers, waiting)
}

/// FRM_001.
pub(super) fn signatures(form: &FormReading) -> Finding {
    let code = CheckCode::Frm001;
    let Some(found) = form.signatures else {
        return Finding::not_evaluable(code, vec![Missing::Input(Input::Signatures)]);
    };
    let numbers = Numbers {
        expected: i64::from(FEWEST_SIGNATURES),
        found: i64::from(found),
    };
    let (outcome, severity) = if numbers.difference() >= 0 {
        (Outcome::Pass, Severity::Info)
    } else {
        (Outcome::Fail, Severity::Low)
    };
    Finding {
        numbers: Some(numbers),
        ..Finding::new(code, outcome, severity)
    }
}

/// PAG_001.
pub(super) fn pages(pages: &Pages) -> Finding {
    let code = CheckCode::Pag001;
    let unread: Vec<Missing> = pages.unnumbered().map(Missing::PrintedPage).collect();
    let mut details = Vec::new();
    // A page with an unread number may be the one that seems missing, unless the file has too few pages anyway.
    let absent: Vec<u16> = pages.absent().collect();
    if absent.len() > unread.len() {
        details.extend(absent.into_iter().map(Detail::PageMissing));
    }
    let mut highest = 0;
    for sheet in pages.own() {
        if sheet.repeats.is_some() {
            details.push(Detail::PageRepeated(sheet.file));
        } else if sheet.printed.is_some_and(|printed| printed < highest) {
            details.push(Detail::PageOutOfOrder(sheet.file));
        }
        highest = sheet.printed.map_or(highest, |printed| printed.max(highest));
    }
    let strangers = pages.sheets.iter().filter(|sheet| sheet.stranger);
    details.extend(strangers.map(|sheet| Detail::PageOfOtherForm(sheet.file)));
    if details.is_empty() {
        let mut missing = unread;
        if pages.total.is_none() {
            missing.push(Missing::PageCount);
        }
        if !missing.is_empty() {
            return Finding::not_evaluable(code, missing);
        }
    }
    let severity = details.iter().map(page_severity).max().unwrap_or(Severity::Info);
    let numbers = pages.total.map(|total| Numbers {
        expected: i64::from(total),
        found: i64::try_from(pages.sheets.len()).unwrap_or(i64::MAX),
    });
    Finding {
        numbers,
        ..Finding::of_details(code, severity, details)
    }
}

fn page_severity(detail: &Detail) -> Severity {
    match detail {
        Detail::PageMissing(_) | Detail::PageOfOtherForm(_) => Severity::High,
        Detail::PageRepeated(_) => Severity::Medium,
        Detail::PageOutOfOrder(_)
        | Detail::Field { .. }
        | Detail::Header { .. }
        | Detail::SeenIn { .. }
        | Detail::EqualSums => Severity::Low,
    }
}

/// Items of a header compared one by one.
#[derive(Default)]
struct Comparison {
    details: Vec<Detail>,
    missing: Vec<Missing>,
    compared: usize,
}

impl Comparison {
    fn compare<T: Display + PartialEq>(&mut self, item: &'static str, page: u16, expected: &T, found: &T) {
        self.compared += 1;
        if expected != found {
            self.details.push(Detail::Header {
                item,
                page,
                expected: expected.to_string(),
                found: found.to_string(),
            });
        }
    }

    fn expect<T: Clone + Display + PartialEq>(&mut self, item: &'static str, expected: &T, found: &Item<T>) {
        match found.value() {
            Some(found) => self.compare(item, 0, expected, found),
            None => self.missing.push(Missing::Input(Input::HeaderItem(item))),
        }
    }

    /// Compares what the QR says in plain digits with the item's printed line.
    fn qr_against_print<T: Clone + Display + PartialEq>(&mut self, item: &'static str, readings: &Item<T>) {
        let firm = |source: Source| {
            readings
                .readings()
                .iter()
                .filter(move |r| r.source == source && r.confidence >= FIRM)
        };
        for qr in firm(Source::QrPlaintext) {
            for printed in firm(Source::PrintedText).filter(|printed| printed.page == qr.page) {
                self.compare(item, qr.page, &qr.value, &printed.value);
            }
        }
    }
}

/// HDR_001.
pub(super) fn expected_table(form: &FormReading, expected: Option<&ExpectedTable>) -> Finding {
    let code = CheckCode::Hdr001;
    let header = &form.header;
    let mut comparison = Comparison::default();
    if let Some(expected) = expected {
        comparison.expect("departamento", &expected.mesa.departamento, &header.departamento);
        comparison.expect("municipio", &expected.mesa.municipio, &header.municipio);
        comparison.expect("zona", &expected.mesa.zona, &header.zona);
        comparison.expect("puesto", &expected.mesa.puesto, &header.puesto);
        comparison.expect("mesa", &expected.mesa.mesa, &header.mesa);
        if let Some(corporacion) = &expected.corporacion {
            comparison.expect("corporacion", corporacion, &header.corporacion);
        }
        if let Some(copia) = &expected.copia {
            comparison.expect("copia", copia, &header.copia);
        }
    }
    comparison.qr_against_print("departamento", &header.departamento);
    comparison.qr_against_print("municipio", &header.municipio);
    comparison.qr_against_print("zona", &header.zona);
    comparison.qr_against_print("puesto", &header.puesto);
    comparison.qr_against_print("mesa", &header.mesa);
    let mut missing = comparison.missing;
    if expected.is_none() && comparison.compared == 0 {
        missing.push(Missing::Input(Input::ExpectedTable));
    }
    if comparison.details.is_empty() && !missing.is_empty() {
        return Finding::not_evaluable(code, missing);
    }
    Finding::of_details(code, Severity::High, comparison.details)
}

/// BAR_001.
pub(super) fn serials(form: &FormReading) -> Finding {
    let code = CheckCode::Bar001;
    let mut comparison = Comparison::default();
    for page in &form.pages {
        compare_serial(form, page, &mut comparison);
    }
    if comparison.compared == 0 {
        return Finding::not_evaluable(code, vec![Missing::Input(Input::Serial)]);
    }
    Finding::of_details(code, Severity::Medium, comparison.details)
}

/// Compares a page's serial with what is printed elsewhere on the same sheet; of header items that all pages print,
/// with every page's own reading.
fn compare_serial(form: &FormReading, page: &PageReading, comparison: &mut Comparison) {
    let Some(serial) = page
        .serial
        .chosen()
        .filter(|chosen| chosen.confidence >= FIRM)
        .map(|chosen| chosen.value)
    else {
        return;
    };
    let no = page.page;
    for kit in printed(&page.kit, Source::PrintedKit, no) {
        comparison.compare("kit", no, &serial.kit, kit);
    }
    for of in printed(&page.page_of, Source::PrintedPageOf, no) {
        comparison.compare("page", no, &serial.page_of.page, &of.page);
        comparison.compare("pages", no, &serial.page_of.pages, &of.pages);
    }
    for control in printed(&page.control, Source::PrintedText, no) {
        comparison.compare("control", no, &serial.class.number(), &control.class_number());
    }
    for copia in printed(&form.header.copia, Source::PrintedText, no) {
        let expected = serial.copy.copia(form.header.abroad());
        let expected = if serial.copy.may_be(*copia) { *copia } else { expected };
        comparison.compare("copia", no, &expected, copia);
    }
    for corporacion in printed(&form.header.corporacion, Source::PrintedText, no) {
        let class = serial.class;
        let fits = class.may_be(*corporacion);
        let candidates: Vec<&str> = class.candidates().iter().map(|c| c.name()).collect();
        let expected = if fits {
            corporacion.to_string()
        } else {
            candidates.join(" | ")
        };
        comparison.compare("corporacion", no, &expected, &corporacion.to_string());
    }
}

/// Firm readings of one source on one page.
fn printed<T: Clone + PartialEq>(item: &Item<T>, source: Source, page: u16) -> impl Iterator<Item = &T> {
    item.readings()
        .iter()
        .filter(move |r| r.source == source && r.page == page && r.confidence >= FIRM)
        .map(|r| &r.value)
}

/// DUP_001.
pub(super) fn duplicates(form: &FormReading, seen: Option<&[SeenSheet]>) -> Finding {
    let code = CheckCode::Dup001;
    let Some(seen) = seen else {
        return Finding::not_evaluable(code, vec![Missing::Input(Input::SeenSheets)]);
    };
    let mut details = Vec::new();
    let mut known = 0;
    for page in &form.pages {
        let place = form.sheet_place(page);
        known += usize::from(page.qr.is_some() || page.serial.value().is_some() || place.is_some());
        let same_place = |sheet: &SeenSheet| place.is_some() && place == sheet.place && !other_election(page, sheet);
        for sheet in seen
            .iter()
            .filter(|sheet| is_same_sheet(page, sheet) || same_place(sheet))
        {
            details.push(Detail::SeenIn {
                page: page.page,
                form: sheet.form.clone(),
            });
        }
    }
    if details.is_empty() && known == 0 {
        return Finding::not_evaluable(code, vec![Missing::Input(Input::Serial)]);
    }
    Finding::of_details(code, Severity::Medium, details)
}

/// Whether a page is a sheet seen before: the same QR or, since serials come again in other elections, the same serial
/// and no different control code.
fn is_same_sheet(page: &PageReading, sheet: &SeenSheet) -> bool {
    if let (Some(own), Some(seen)) = (&page.qr, &sheet.qr) {
        return own == seen;
    }
    let serial = page
        .serial
        .value()
        .is_some_and(|serial| sheet.serial.as_ref() == Some(serial));
    serial && !other_election(page, sheet)
}

/// Whether control codes say that two sheets are of different elections.
fn other_election(page: &PageReading, sheet: &SeenSheet) -> bool {
    page.control
        .value()
        .zip(sheet.control.as_ref())
        .is_some_and(|(own, seen)| own != seen)
}
