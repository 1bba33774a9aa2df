//! Above the address: serial digits, page of pages, copy band, title, date and corporación.

use super::address::AddressFrame;
use super::fuzzy::{closest, likeness};
use super::{FOREIGN, HeaderLine, HeaderScope, HeaderText, Printed, PrintedHeader, ReadBy, SURE, believed};
use crate::page::RectifiedPage;
use crate::printed::{Charset, PrintLook, PrintedChar, fit_band, read_band};
use crate::raster::{index, real};
use crate::runtime::RuntimeError;
use crate::text::{Alphabet, LineBand, Region, TextReader, crop_line, find_lines, ink_of};
use castor_domain::form::{Copia, Corporacion};

/// Digits under the barcode; the region begins above the bars' middle, so that a bar is too tall to be print.
const SERIAL: Region = Region {
    left: 300,
    top: 56,
    right: 640,
    bottom: 178,
};
/// `Ver: 01 Pag: 1 de 2`.
const PAGE_OF: Region = Region {
    left: 640,
    top: 100,
    right: 915,
    bottom: 190,
};
/// The centre column: band, title, date, corporación.
const CENTRE: Region = Region {
    left: 246,
    top: 160,
    right: 672,
    bottom: 440,
};
/// Height of the band, in canonical pixels.
const BAND_HEIGHT: usize = 40;
/// Middle of the centre column.
const BAND_MIDDLE: f32 = 461.0;

const COPIES: [(&str, Copia); 4] = [
    ("CLAVEROS", Copia::Claveros),
    ("DELEGADOS", Copia::Delegados),
    ("TRANSMISIÓN", Copia::Transmision),
    ("CÓNSUL/EMBAJADOR", Copia::Consul),
];

const BODIES: [(&str, Corporacion); 9] = [
    ("GOBERNADOR", Corporacion::Gobernador),
    ("ASAMBLEA", Corporacion::Asamblea),
    ("ALCALDE", Corporacion::Alcalde),
    ("CONCEJO", Corporacion::Concejo),
    ("CONSEJO MUNICIPAL", Corporacion::Cmj),
    ("CONSEJO MUNICIPAL DE JUVENTUD", Corporacion::Cmj),
    ("SENADO", Corporacion::Senado),
    ("CÁMARA", Corporacion::Camara),
    ("JUNTA ADMINISTRADORA LOCAL", Corporacion::Jal),
];

/// Beginnings of the known titles, with the rest of the title where it is always the same.
const PRESIDENTIAL: [(&str, &str); 2] = [
    ("ELECCIÓN PRESIDENCIA Y", "VICEPRESIDENCIA DE LA REPÚBLICA"),
    ("ELECCIONES DE PRESIDENTE Y", "VICEPRESIDENTE DE LA REPÚBLICA"),
];

const MONTHS: [&str; 12] = [
    "ENERO",
    "FEBRERO",
    "MARZO",
    "ABRIL",
    "MAYO",
    "JUNIO",
    "JULIO",
    "AGOSTO",
    "SEPTIEMBRE",
    "OCTUBRE",
    "NOVIEMBRE",
    "DICIEMBRE",
];

/// A line's text with its confidence and reader.
struct Seen {
    text: String,
    confidence: f32,
    by: ReadBy,
}

/// Reads what stands above the address.
pub(super) fn read(
    page: &RectifiedPage,
    reader: &TextReader,
    scope: HeaderScope,
    frame: Option<AddressFrame>,
    header: &mut PrintedHeader,
    look: Option<&PrintLook>,
) -> Result<(), RuntimeError> {
    serial(page, reader, header, look)?;
    page_of(page, reader, header, look)?;
    if scope == HeaderScope::PageIdentity {
        return Ok(());
    }
    let slope = frame.map_or(0.0, |f| f.slope);
    let end = frame.map_or(385.0, |f| f.top - 32.0);
    let lines = find_lines(&page.gray, CENTRE, 1.1);
    let band_bottom = copy_band(page, reader, jurados_line(&lines), (slope, end), header)?;
    title(page, reader, &lines, (band_bottom, end), header, look)
}

fn keep(header: &mut PrintedHeader, line: HeaderLine, seen: &Seen) {
    header.lines.push(HeaderText {
        line,
        text: seen.text.clone(),
        confidence: seen.confidence,
        by: seen.by,
    });
}

/// The fifteen digits under the barcode.
fn serial(
    page: &RectifiedPage,
    reader: &TextReader,
    header: &mut PrintedHeader,
    look: Option<&PrintLook>,
) -> Result<(), RuntimeError> {
    let Some(band) = find_lines(&page.gray, SERIAL, 1.6)
        .into_iter()
        .filter(|b| (9.0..26.0).contains(&b.height) && (120.0..290.0).contains(&(b.right - b.left)))
        .min_by(|a, b| a.middle().total_cmp(&b.middle()))
    else {
        return Ok(());
    };
    let (fitted, fitted_look) = fit_band(&page.gray, &band, Charset::Digits, look);
    let line = read_band(&page.gray, &fitted, Charset::Digits, &fitted_look);
    let digits: Vec<&PrintedChar> = line
        .characters
        .iter()
        .filter(|c| c.character.is_ascii_digit())
        .collect();
    let matched: String = digits.iter().map(|c| c.character).collect();
    if matched.len() == 15 && line.residual < FOREIGN && line.confidence() >= SURE {
        let confidence = line.confidence();
        header.serial = Some(Printed {
            value: matched.clone(),
            raw: matched.clone(),
            confidence,
            alternatives: Vec::new(),
            by: ReadBy::Matching,
        });
        keep(
            header,
            HeaderLine::Serial,
            &Seen {
                text: matched,
                confidence,
                by: ReadBy::Matching,
            },
        );
        return Ok(());
    }
    let crop = crop_line(&page.gray, &band, 0.38, 0.3, 0.4);
    let read = reader.read(&crop, Alphabet::Codes, 0.75)?;
    let value: String = read.text.chars().filter(char::is_ascii_digit).collect();
    keep(
        header,
        HeaderLine::Serial,
        &Seen {
            text: read.text.clone(),
            confidence: read.confidence,
            by: ReadBy::Recogniser,
        },
    );
    let lowest = read.characters.iter().map(|c| c.confidence).fold(1.0, f32::min);
    let other = (matched.len() == 15 && matched != value).then_some((matched, line.confidence()));
    header.serial = match (value.len(), other) {
        (15, other) => Some(Printed {
            value,
            raw: read.text,
            confidence: lowest,
            alternatives: other.into_iter().collect(),
            by: ReadBy::Recogniser,
        }),
        (_, Some((matched, confidence))) => Some(Printed {
            value: matched,
            raw: read.text,
            confidence: confidence * 0.5,
            alternatives: Vec::new(),
            by: ReadBy::Matching,
        }),
        _ => None,
    };
    Ok(())
}

/// `Ver: 01 Pag: 1 de 2`.
fn page_of(
    page: &RectifiedPage,
    reader: &TextReader,
    header: &mut PrintedHeader,
    look: Option<&PrintLook>,
) -> Result<(), RuntimeError> {
    let Some(band) = find_lines(&page.gray, PAGE_OF, 2.4)
        .into_iter()
        .filter(|b| (8.0..24.0).contains(&b.height) && b.right - b.left > 90.0)
        .min_by(|a, b| a.middle().total_cmp(&b.middle()))
    else {
        return Ok(());
    };
    let (fitted, fitted_look) = fit_band(&page.gray, &band, Charset::Marginalia, look);
    let line = read_band(&page.gray, &fitted, Charset::Marginalia, &fitted_look);
    let mut seen = Seen {
        text: line.text(),
        confidence: line.confidence(),
        by: ReadBy::Matching,
    };
    let mut parsed = parse_page_of(&seen.text);
    if parsed.is_none() || line.residual > FOREIGN || seen.confidence < 0.3 {
        let crop = crop_line(&page.gray, &band, 0.38, 0.35, 0.4);
        let read = reader.read(&crop, Alphabet::Text, 0.65)?;
        if let Some(found) = parse_page_of(&read.text) {
            parsed = Some(found);
            seen = Seen {
                text: read.text,
                confidence: read.confidence,
                by: ReadBy::Recogniser,
            };
        }
    }
    keep(header, HeaderLine::PageOf, &seen);
    let Some((version, number, of)) = parsed else {
        return Ok(());
    };
    let printed = |raw: &str| Printed {
        value: (number, of),
        raw: raw.to_owned(),
        confidence: seen.confidence,
        alternatives: Vec::new(),
        by: seen.by,
    };
    header.page_of = Some(printed(&seen.text));
    header.version = version.map(|value| Printed {
        value,
        raw: seen.text.clone(),
        confidence: seen.confidence,
        alternatives: Vec::new(),
        by: seen.by,
    });
    Ok(())
}

/// Version, page and pages of `Ver: 01 Pag: 1 de 2`.
fn parse_page_of(text: &str) -> Option<(Option<String>, u16, u16)> {
    // `1` stands beside small l and capital I in this typeface.
    let text: String = text.chars().map(|c| if "lI|".contains(c) { '1' } else { c }).collect();
    let mut numbers: Vec<String> = Vec::new();
    let mut open = false;
    let characters: Vec<char> = text.chars().collect();
    for (i, &c) in characters.iter().enumerate() {
        if c.is_ascii_digit() {
            // A narrow 1 can stand a space away from its 0.
            let joins = open || (i >= 2 && characters[i - 1] == ' ' && characters[i - 2] == '0');
            match numbers.last_mut() {
                Some(last) if joins && last.len() < 2 => last.push(c),
                _ => numbers.push(c.to_string()),
            }
            open = true;
        } else {
            open = false;
        }
    }
    let (pages, rest) = numbers.split_last()?;
    let (page, rest) = rest.split_last()?;
    let (page, pages): (u16, u16) = (page.parse().ok()?, pages.parse().ok()?);
    ((1..=pages).contains(&page) && rest.len() <= 1 && pages <= 60).then(|| (rest.first().cloned(), page, pages))
}

/// The band with the copy's name. Returns its bottom in canonical pixels.
fn copy_band(
    page: &RectifiedPage,
    reader: &TextReader,
    above: Option<LineBand>,
    (slope, end): (f32, f32),
    header: &mut PrintedHeader,
) -> Result<f32, RuntimeError> {
    let (start, bottom, slope) = match above {
        Some(line) => {
            let unit = line.height / 27.0;
            let base = line.base_at(BAND_MIDDLE);
            (base + 5.0 * unit, base + 53.0 * unit, line.slope)
        }
        None => {
            let start = darkest_stretch(page, slope, end);
            (start, start + real(u32::try_from(BAND_HEIGHT).unwrap_or(0)), slope)
        }
    };
    let height = (bottom - start) / 1.34;
    let band = LineBand {
        left: 278.0,
        right: 644.0,
        base: bottom - 0.18 * height + slope * (278.0 - BAND_MIDDLE),
        slope,
        height,
    };
    let crop = crop_line(&page.gray, &band, 0.16, 0.18, 0.0);
    let read = reader.read(&crop, Alphabet::Text, 0.42)?;
    let seen = Seen {
        text: read.text,
        confidence: read.confidence,
        by: ReadBy::Recogniser,
    };
    keep(header, HeaderLine::CopyBand, &seen);
    if let Some((value, alike)) = closest(&seen.text, &COPIES).filter(|c| c.1 > 0.5) {
        header.copia = Some(Printed {
            value,
            raw: seen.text,
            confidence: alike,
            alternatives: Vec::new(),
            by: ReadBy::Recogniser,
        });
    }
    Ok(bottom)
}

/// `JURADOS DE VOTACIÓN`, the line above the band.
fn jurados_line(lines: &[LineBand]) -> Option<LineBand> {
    lines
        .iter()
        .copied()
        .filter(|b| {
            let width = b.right - b.left;
            (21.0..38.0).contains(&b.height)
                && (230.0..310.0).contains(&width)
                && (f32::midpoint(b.left, b.right) - BAND_MIDDLE).abs() < 30.0
                && (195.0..270.0).contains(&b.middle())
        })
        .min_by(|a, b| a.middle().total_cmp(&b.middle()))
}

/// Top of the darkest stretch of the band's height in the centre column.
fn darkest_stretch(page: &RectifiedPage, slope: f32, end: f32) -> f32 {
    let (left, right) = (310u32, 610u32);
    let top = 205u32;
    let region = Region {
        left,
        top,
        right,
        bottom: index(end.max(320.0), page.gray.height()).max(top + 60),
    };
    let ink = ink_of(&page.gray, region);
    let rows: Vec<f32> = (0..ink.height())
        .map(|y| {
            (0..ink.width())
                .step_by(2)
                .map(|x| {
                    let drop = slope * (real(x) - real(ink.width()) / 2.0);
                    f32::from(ink.get_pixel(x, index(real(y) + drop, ink.height())).0[0])
                })
                .sum()
        })
        .collect();
    let start = rows
        .windows(BAND_HEIGHT)
        .map(|w| w.iter().sum::<f32>())
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
        .map_or(0, |(i, _)| i);
    real(top + u32::try_from(start).unwrap_or(0))
}

/// Title, date and corporación, between the band and the address.
fn title(
    page: &RectifiedPage,
    reader: &TextReader,
    lines: &[LineBand],
    (from, to): (f32, f32),
    header: &mut PrintedHeader,
    look: Option<&PrintLook>,
) -> Result<(), RuntimeError> {
    let bands: Vec<LineBand> = lines
        .iter()
        .copied()
        .filter(|b| {
            let middle = b.middle();
            let centre = f32::midpoint(b.left, b.right);
            middle > from + 4.0 && middle < to && b.right - b.left > 60.0 && (380.0..540.0).contains(&centre)
        })
        .collect();
    let mut words: Vec<String> = Vec::new();
    let mut skip = 0;
    for band in &bands {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        let seen = title_line(page, reader, band, look)?;
        keep(header, HeaderLine::Title, &seen);
        if let Some(date) = date_of(&seen.text) {
            header.date.get_or_insert(Printed {
                value: date,
                raw: seen.text,
                confidence: seen.confidence,
                alternatives: Vec::new(),
                by: seen.by,
            });
            continue;
        }
        if let Some((value, alike)) = closest(&seen.text, &BODIES).filter(|c| c.1 > 0.75) {
            header.corporacion = Some(Printed {
                value,
                raw: seen.text,
                confidence: alike,
                alternatives: Vec::new(),
                by: seen.by,
            });
            continue;
        }
        let known = PRESIDENTIAL
            .iter()
            .map(|&(first, rest)| (first, rest, likeness(&seen.text, first)))
            .max_by(|a, b| a.2.total_cmp(&b.2))
            .filter(|k| k.2 > 0.68);
        if let Some((first, rest, alike)) = known {
            // The second line of this title never varies and is not read.
            words.extend([first.to_owned(), rest.to_owned()]);
            skip = 1;
            header.corporacion.get_or_insert(Printed {
                value: Corporacion::Presidente,
                raw: seen.text,
                confidence: alike,
                alternatives: Vec::new(),
                by: seen.by,
            });
        } else if seen.confidence > 0.5 {
            words.push(seen.text);
        }
    }
    let text = words.join(" ");
    if header.corporacion.is_none() {
        let named = if text.contains("PRESIDEN") {
            Some(Corporacion::Presidente)
        } else if text.contains("JUVENTUD") {
            Some(Corporacion::Cmj)
        } else {
            None
        };
        header.corporacion = named.map(|value| Printed {
            value,
            raw: text.clone(),
            confidence: 0.9,
            alternatives: Vec::new(),
            by: ReadBy::Recogniser,
        });
    }
    if !text.is_empty() {
        header.election = Some(Printed {
            value: text.clone(),
            raw: text,
            confidence: 0.9,
            alternatives: Vec::new(),
            by: ReadBy::Recogniser,
        });
    }
    Ok(())
}

/// A line of the title: bold Arial, else whatever the recogniser makes of it.
fn title_line(
    page: &RectifiedPage,
    reader: &TextReader,
    band: &LineBand,
    look: Option<&PrintLook>,
) -> Result<Seen, RuntimeError> {
    if band.height < 22.0 {
        let (fitted, fitted_look) = fit_band(&page.gray, band, Charset::Bold, look);
        let line = read_band(&page.gray, &fitted, Charset::Bold, &fitted_look);
        if believed(&line) {
            return Ok(Seen {
                text: line.text(),
                confidence: line.confidence(),
                by: ReadBy::Matching,
            });
        }
    }
    let crop = crop_line(&page.gray, band, 0.4, 0.3, 0.3);
    let read = reader.read(&crop, Alphabet::Text, 0.55)?;
    Ok(Seen {
        text: read.text,
        confidence: read.confidence,
        by: ReadBy::Recogniser,
    })
}

/// The date of a title line (`OCTUBRE 29 DE 2023`, `29 DE MAYO DE 2022`), its month put right.
fn date_of(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let month = words
        .iter()
        .filter(|w| w.len() > 3)
        .flat_map(|w| MONTHS.iter().map(move |m| (*w, *m, likeness(w, m))))
        .filter(|m| m.2 > 0.7)
        .max_by(|a, b| a.2.total_cmp(&b.2))?;
    let digits = text.chars().filter(char::is_ascii_digit).count();
    (digits >= 4).then(|| text.replace(month.0, month.1))
}
