//! The serial numbers at the foot (`KIT 8,490`, `No. Form: 8490`, `Civ 142356`), and what must agree with the serial.

use super::fuzzy::likeness;
use super::{HeaderLine, HeaderScope, HeaderText, Printed, PrintedHeader, ReadBy};
use crate::page::RectifiedPage;
use crate::printed::{Charset, PrintLook, PrintedChar, fit_band, read_band};
use crate::text::{LineBand, Region, find_lines};
use castor_domain::form::Copia;

/// The strip of the footer between the bottom marks. Nothing above it is looked at: the last page ends in the
/// signature area.
const TOP: u32 = 2640;
const BOTTOM: u32 = 2722;

/// Reads the footer. A line that does not begin with its printed label is not kept: it may be anything.
pub(super) fn read(page: &RectifiedPage, scope: HeaderScope, header: &mut PrintedHeader, look: Option<&PrintLook>) {
    let region = |left, right| Region {
        left,
        top: TOP,
        right,
        bottom: BOTTOM,
    };
    header.kit = labelled(
        page,
        region(300, 640),
        "KIT",
        Charset::Kit,
        HeaderLine::Kit,
        &mut header.lines,
        look,
    );
    if scope == HeaderScope::PageIdentity {
        return;
    }
    header.form_number = labelled(
        page,
        region(84, 300),
        "No. Form",
        Charset::Marginalia,
        HeaderLine::FormNumber,
        &mut header.lines,
        look,
    );
    header.civ = labelled(
        page,
        region(640, 838),
        "Civ",
        Charset::Marginalia,
        HeaderLine::Civ,
        &mut header.lines,
        look,
    );
}

fn labelled(
    page: &RectifiedPage,
    region: Region,
    label: &str,
    charset: Charset,
    line: HeaderLine,
    lines: &mut Vec<HeaderText>,
    look: Option<&PrintLook>,
) -> Option<Printed<String>> {
    let bands: Vec<LineBand> = find_lines(&page.gray, region, 2.2)
        .into_iter()
        .filter(|b| (8.0..30.0).contains(&b.height) && b.right - b.left > 40.0)
        .collect();
    // The frame of the last row, a tear line or a speck may stand in the strip; only the labelled line is kept.
    bands
        .iter()
        .take(3)
        .find_map(|band| labelled_line(page, band, label, charset, line, lines, look))
}

fn labelled_line(
    page: &RectifiedPage,
    band: &LineBand,
    label: &str,
    charset: Charset,
    line: HeaderLine,
    lines: &mut Vec<HeaderText>,
    look: Option<&PrintLook>,
) -> Option<Printed<String>> {
    let (band, look) = fit_band(&page.gray, band, charset, look);
    let read = read_band(&page.gray, &band, charset, &look);
    let text = read.text();
    let letters = label.chars().filter(|c| c.is_alphanumeric()).count();
    let start: String = text.chars().filter(|c| c.is_alphanumeric()).take(letters).collect();
    if likeness(&start, label) < 0.6 || read.residual > 0.45 {
        return None;
    }
    // Digits again with digits alone allowed, from behind the label.
    let mut left_over = letters;
    let after: Vec<&PrintedChar> = read
        .characters
        .iter()
        .skip_while(|c| {
            let skip = left_over > 0;
            if c.character.is_alphanumeric() {
                left_over = left_over.saturating_sub(1);
            }
            skip
        })
        .filter(|c| c.character.is_alphanumeric())
        .collect();
    let (left, right) = (after.first()?.left, after.last()?.right);
    let digits = read_band(&page.gray, &band.part(left, right), Charset::Numbers, &look);
    let digits: Vec<&PrintedChar> = digits
        .characters
        .iter()
        .filter(|c| c.character.is_ascii_digit())
        .collect();
    let value: String = digits.iter().map(|c| c.character).collect();
    let confidence = digits.iter().map(|c| c.confidence).fold(1.0, f32::min);
    lines.push(HeaderText {
        line,
        text: text.clone(),
        confidence,
        by: ReadBy::Matching,
    });
    (1..=7).contains(&value.len()).then_some(Printed {
        value,
        raw: text,
        confidence,
        alternatives: Vec::new(),
        by: ReadBy::Matching,
    })
}

/// Weighs serial, kit, page and copy against each other. No reading replaces another: agreement raises confidence,
/// disagreement lowers it and the serial's alternative that agrees with the rest takes the first place, with the
/// former value kept among the alternatives.
pub(super) fn agree(header: &mut PrintedHeader) {
    let Some(serial) = header.serial.clone() else {
        return;
    };
    let (kit, page_of, copia) = (
        header.kit.as_ref().map(|k| k.value.clone()),
        header.page_of.as_ref().map(|p| p.value),
        header.copia.as_ref().map(|c| c.value),
    );
    let witnesses = |digits: &str| -> (u32, u32) {
        let mut for_and_against = (0, 0);
        let mut weigh = |agrees: bool| {
            if agrees {
                for_and_against.0 += 1;
            } else {
                for_and_against.1 += 1;
            }
        };
        let number = |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<u32>().ok());
        if let Some(kit) = kit.as_deref().and_then(|k| k.parse::<u32>().ok()) {
            weigh(number(2, 8) == Some(kit));
        }
        if let Some((page, pages)) = page_of {
            weigh(number(11, 13) == Some(page.into()) && number(13, 15) == Some(pages.into()));
        }
        if let Some(copia) = copia {
            let digit = match copia {
                Copia::Claveros => 1,
                Copia::Delegados | Copia::Consul => 2,
                Copia::Transmision => 3,
            };
            weigh(number(8, 9) == Some(digit));
        }
        for_and_against
    };
    let own = witnesses(&serial.value);
    let better = serial
        .alternatives
        .iter()
        .filter(|(v, _)| v.len() == 15)
        .map(|(v, c)| (v.clone(), *c, witnesses(v)))
        .find(|(_, _, w)| w.1 < own.1);
    let mut serial = serial;
    if let Some((value, confidence, _)) = better {
        let former = std::mem::replace(&mut serial.value, value.clone());
        serial.alternatives.retain(|(v, _)| *v != value);
        serial.alternatives.insert(0, (former, serial.confidence));
        serial.confidence = confidence.max(0.5);
    }
    let (agreeing, against) = witnesses(&serial.value);
    let doubt = 1.0 - serial.confidence;
    serial.confidence = if against > 0 {
        serial.confidence * 0.5
    } else if agreeing > 1 {
        1.0 - doubt * 0.2
    } else {
        serial.confidence
    };
    if let (Some(page_of), Some(page), Some(pages)) = (
        header.page_of.as_mut(),
        serial.value.get(11..13).and_then(|d| d.parse::<u16>().ok()),
        serial.value.get(13..15).and_then(|d| d.parse::<u16>().ok()),
    ) {
        if page_of.value == (page, pages) {
            page_of.confidence = 1.0 - (1.0 - page_of.confidence) * (1.0 - serial.confidence);
        } else {
            page_of
                .alternatives
                .insert(0, (format!("{page} de {pages}"), serial.confidence));
            page_of.confidence *= 0.5;
        }
    }
    header.serial = Some(serial);
}
