//! The address box (department or consulate, municipality or country, zona, puesto, mesa, lugar) and the control code
//! under it.

use super::fuzzy::{closest, find};
use super::{HeaderLine, HeaderScope, HeaderText, Printed, PrintedHeader, ReadBy, SURE, believed};
use crate::page::RectifiedPage;
use crate::printed::{Charset, PrintLook, PrintedChar, PrintedLine, fit_band, read_band, read_digits};
use crate::runtime::RuntimeError;
use crate::text::{Alphabet, LineBand, Region, TextLine, TextReader, crop_line, find_lines};

/// Where the address box and the control code stand on every family, in canonical pixels.
const REGION: Region = Region {
    left: 16,
    top: 355,
    right: 905,
    bottom: 700,
};
/// Height of the address's capitals, in canonical pixels, with what perspective and families change.
const CAPITALS: std::ops::RangeInclusive<f32> = 13.0..=25.0;

/// Share of unexplained ink below which a line tells how the page's print looks.
const EXPLAINED: f32 = 0.25;

/// Squeeze at which the recogniser still reads the address without loss.
const SQUEEZE: f32 = 0.6;

/// What the address says of the page's geometry.
#[derive(Debug, Clone, Copy)]
pub(super) struct AddressFrame {
    /// Middle of the first line of the address.
    pub(super) top: f32,
    /// Fall of the lines per pixel.
    pub(super) slope: f32,
}

/// An item that may not have been found.
type Item = Option<Printed<String>>;

/// The kinds of line that the box holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Departamento,
    Consulado,
    Municipio,
    Pais,
    Zona,
    Lugar,
}

const LABELS: [(&str, Label); 6] = [
    ("DEPARTAMENTO", Label::Departamento),
    ("CONSULADO", Label::Consulado),
    ("MUNICIPIO", Label::Municipio),
    ("PAÍS", Label::Pais),
    ("ZONA", Label::Zona),
    ("LUGAR", Label::Lugar),
];

/// One line under both readers.
struct Reading<'a> {
    page: &'a RectifiedPage,
    reader: &'a TextReader,
    band: LineBand,
    matched: PrintedLine,
    look: PrintLook,
    /// The recogniser's reading of the whole line, when it was asked.
    recognised: Option<TextLine>,
}

impl Reading<'_> {
    fn text(&self) -> String {
        self.recognised
            .as_ref()
            .map_or_else(|| self.matched.text(), |r| r.text.clone())
    }

    fn recognise(&mut self) -> Result<&TextLine, RuntimeError> {
        if self.recognised.is_none() {
            let crop = crop_line(&self.page.gray, &self.band, 0.38, 0.3, 0.35);
            self.recognised = Some(self.reader.read(&crop, Alphabet::Text, SQUEEZE)?);
        }
        Ok(self.recognised.get_or_insert_default())
    }

    /// A code of a known number of digits between two places.
    fn code(&self, (left, right): (f32, f32), digits: usize) -> Option<Printed<String>> {
        let line = read_digits(&self.page.gray, &self.band.part(left, right), digits, &self.look);
        digits_of(&line, digits)
    }

    /// Page places of a stretch of the recognised text, by the places of its characters.
    fn recognised_place(&self, from: usize, to: usize) -> Option<(f32, f32)> {
        let line = self.recognised.as_ref()?;
        let crop_left = self.band.left - 0.35 * self.band.height;
        let half = 0.42 * self.band.height;
        let inked: Vec<f32> = line
            .characters
            .get(from..to)?
            .iter()
            .filter(|c| c.character.is_alphanumeric() || c.character == '#')
            .map(|c| crop_left + c.x)
            .collect();
        Some((inked.first()? - half, inked.last()? + half))
    }

    fn part(&self, left: f32, right: f32, charset: Charset) -> PrintedLine {
        read_band(&self.page.gray, &self.band.part(left, right), charset, &self.look)
    }
}

/// The size and look of a line of the address, and the line as matched so. What other pages say of the look is tried
/// first; it is sought anew where that does not explain the line.
fn fitted(
    page: &RectifiedPage,
    band: &LineBand,
    charset: Charset,
    (look, of_others): (Option<&PrintLook>, Option<&PrintLook>),
) -> (LineBand, PrintLook, PrintedLine) {
    let read = |look: Option<&PrintLook>| {
        let (band, found) = fit_band(&page.gray, band, Charset::Labels, look);
        (band, found, read_band(&page.gray, &band, charset, &found))
    };
    if look.is_none() && of_others.is_some() {
        let soon = read(of_others);
        if soon.2.residual < EXPLAINED {
            return soon;
        }
    }
    read(look)
}

/// Reads the address and the control code; says where it stands and how its print looks. `of_others` is how that of the
/// form's other pages looks.
pub(super) fn read(
    page: &RectifiedPage,
    reader: &TextReader,
    scope: HeaderScope,
    header: &mut PrintedHeader,
    of_others: Option<PrintLook>,
) -> Result<(Option<AddressFrame>, Option<PrintLook>), RuntimeError> {
    let mut look: Option<PrintLook> = None;
    let bands: Vec<LineBand> = find_lines(&page.gray, REGION, 3.4)
        .into_iter()
        .filter(|b| b.right - b.left > 70.0)
        .collect();
    let address: Vec<LineBand> = bands
        .iter()
        .filter(|b| b.left < 150.0 && CAPITALS.contains(&b.height))
        .copied()
        .collect();
    let mut frame: Option<AddressFrame> = None;
    let mut bottom = 0.0;
    let mut size: Option<f32> = None;
    for band in address {
        // The box is set in one size: the first line that fits tells it.
        let charset = match scope {
            HeaderScope::Full => Charset::Capitals,
            HeaderScope::PageIdentity => Charset::Labels,
        };
        let (band, found, matched) = match (size, look) {
            (Some(height), Some(known)) if (band.height / height - 1.0).abs() < 0.2 => {
                let band = LineBand { height, ..band };
                (band, known, read_band(&page.gray, &band, charset, &known))
            }
            _ => fitted(page, &band, charset, (look.as_ref(), of_others.as_ref())),
        };
        if matched.characters.len() < 4 {
            continue;
        }
        let mut reading = Reading {
            page,
            reader,
            band,
            matched,
            look: found,
            recognised: None,
        };
        let Some(label) = label_of(&mut reading, scope)? else {
            continue;
        };
        if reading.matched.residual < EXPLAINED {
            look.get_or_insert(found);
            size.get_or_insert(band.height);
        }
        frame.get_or_insert(AddressFrame {
            top: band.middle(),
            slope: band.slope,
        });
        bottom = band.middle().max(bottom);
        match label {
            Label::Departamento | Label::Consulado => {
                header.abroad |= label == Label::Consulado;
                let (code, name) = code_and_name(&mut reading, 2, scope)?;
                header.departamento = code;
                header.departamento_name = name;
                keep(header, HeaderLine::Departamento, &reading);
            }
            Label::Municipio | Label::Pais => {
                let (code, name) = code_and_name(&mut reading, 3, scope)?;
                header.municipio = code;
                header.municipio_name = name;
                keep(header, HeaderLine::Municipio, &reading);
            }
            Label::Zona => {
                mesa(&mut reading, scope, header)?;
                keep(header, HeaderLine::Mesa, &reading);
            }
            Label::Lugar => {
                if scope == HeaderScope::Full {
                    header.lugar = Some(lugar(&mut reading)?);
                }
                keep(header, HeaderLine::Lugar, &reading);
            }
        }
    }
    let control = bands
        .iter()
        .filter(|b| b.left > 150.0 && b.middle() > bottom + 20.0 && b.right - b.left > 250.0 && b.height > 16.0)
        .min_by(|a, b| a.middle().total_cmp(&b.middle()));
    if let Some(band) = control {
        header.control = control_code(page, reader, band, header, look.as_ref())?;
        header.bottom = Some(band.base);
    }
    Ok((frame, look))
}

fn keep(header: &mut PrintedHeader, line: HeaderLine, reading: &Reading<'_>) {
    header.lines.push(HeaderText {
        line,
        text: reading.text(),
        confidence: reading
            .recognised
            .as_ref()
            .map_or_else(|| reading.matched.confidence(), |r| r.confidence),
        by: if reading.recognised.is_some() {
            ReadBy::Recogniser
        } else {
            ReadBy::Matching
        },
    });
}

/// The label at the beginning of a line; the recogniser is asked when matching finds none.
fn label_of(reading: &mut Reading<'_>, scope: HeaderScope) -> Result<Option<Label>, RuntimeError> {
    let first = |text: &str| -> Option<Label> {
        LABELS
            .iter()
            .filter_map(|&(word, label)| {
                let length = word.chars().count();
                // A blurred first letter may be missing.
                (length.saturating_sub(1)..=length)
                    .filter_map(|n| {
                        let start: String = text.chars().take(n).collect();
                        closest(&start, &[(word, label)])
                    })
                    .max_by(|a, b| a.1.total_cmp(&b.1))
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .filter(|&(_, alike)| alike > 0.72)
            .map(|(label, _)| label)
    };
    if let Some(label) = first(&reading.matched.text()) {
        return Ok(Some(label));
    }
    if scope == HeaderScope::PageIdentity {
        return Ok(None);
    }
    let text = reading.recognise()?.text.clone();
    Ok(first(&text))
}

/// Code and name of `LABEL: 01 - NAME`.
fn code_and_name(reading: &mut Reading<'_>, digits: usize, scope: HeaderScope) -> Result<(Item, Item), RuntimeError> {
    if let Some(places) = matched_places(&reading.matched)
        && let Some(code) = reading.code(places.code, digits).filter(|c| c.confidence >= SURE)
    {
        let name = match scope {
            HeaderScope::Full => Some(name(reading, places.name)?),
            HeaderScope::PageIdentity => None,
        };
        return Ok((Some(code), name));
    }
    if scope == HeaderScope::PageIdentity {
        return Ok((None, None));
    }
    let line = reading.recognise()?.clone();
    let after = line.text.split_once(':').map_or(line.text.as_str(), |s| s.1);
    let (left, right) = after.split_once('-').unwrap_or((after, ""));
    let code: String = left.chars().filter(char::is_ascii_digit).collect();
    let code = (code.len() == digits).then(|| Printed {
        value: code,
        raw: left.trim().to_owned(),
        confidence: line.confidence,
        alternatives: Vec::new(),
        by: ReadBy::Recogniser,
    });
    let matched = recognised_code_place(&line)
        .and_then(|(from, to)| reading.recognised_place(from, to))
        .and_then(|place| reading.code(place, digits));
    let code = weighed(matched, code);
    let name = (!right.trim().is_empty()).then(|| Printed {
        value: right.trim().to_owned(),
        raw: right.trim().to_owned(),
        confidence: line.confidence,
        alternatives: Vec::new(),
        by: ReadBy::Recogniser,
    });
    Ok((code, name))
}

/// Where the code stands among the characters of a recognised line: after the label, before the hyphen.
fn recognised_code_place(line: &TextLine) -> Option<(usize, usize)> {
    let at = |c: char| line.characters.iter().position(|r| r.character == c);
    let hyphen = at('-')?;
    let start = at(':').filter(|&c| c < hyphen).map(|c| c + 1).or_else(|| {
        let before = line.characters.get(..hyphen)?;
        before
            .iter()
            .position(|r| r.character.is_ascii_digit() || r.character == '#')
    })?;
    (start < hyphen).then_some((start, hyphen))
}

/// One item from the readings of both readers: agreement makes it surer, of two that differ the surer goes first and the
/// other stays as an alternative.
fn weighed(matched: Item, recognised: Item) -> Item {
    match (matched, recognised) {
        (Some(m), Some(r)) if m.value == r.value => Some(Printed {
            confidence: 1.0 - (1.0 - m.confidence) * (1.0 - r.confidence),
            ..m
        }),
        (Some(mut m), Some(mut r)) => {
            if m.confidence >= SURE {
                m.alternatives.insert(0, (r.value, r.confidence));
                m.confidence *= 0.6;
                Some(m)
            } else {
                r.alternatives.insert(0, (m.value, m.confidence));
                r.confidence *= 0.8;
                Some(r)
            }
        }
        // One reader alone where the other was asked too.
        (Some(one), None) | (None, Some(one)) => Some(Printed {
            confidence: one.confidence * 0.9,
            ..one
        }),
        (None, None) => None,
    }
}

struct Places {
    code: (f32, f32),
    name: (f32, f32),
}

/// Where code and name stand on a matched line: between the label and the hyphen, and after it.
fn matched_places(line: &PrintedLine) -> Option<Places> {
    let characters = &line.characters;
    let hyphen = characters.iter().position(|c| c.character == '-')?;
    let before = &characters[..hyphen];
    // The code is the last word before the hyphen that follows the label's colon or gap: the widest gap ends the label.
    let colon = before.iter().rposition(|c| c.character == ':');
    let start = colon.map(|i| i + 1).or_else(|| {
        before
            .iter()
            .enumerate()
            .filter(|(i, c)| c.character == ' ' && *i > 2)
            .max_by(|a, b| (a.1.right - a.1.left).total_cmp(&(b.1.right - b.1.left)))
            .map(|(i, _)| i + 1)
    })?;
    let code = inked(before.get(start..)?)?;
    let name = inked(&characters[hyphen + 1..])?;
    Some(Places { code, name })
}

/// From the left edge of the first to the right edge of the last character that is no space.
fn inked(characters: &[PrintedChar]) -> Option<(f32, f32)> {
    let first = characters.iter().find(|c| c.character != ' ')?;
    let last = characters.iter().rev().find(|c| c.character != ' ')?;
    Some((first.left, last.right))
}

/// A code of a known length from a matched line of digits.
fn digits_of(line: &PrintedLine, length: usize) -> Option<Printed<String>> {
    let digits: Vec<&PrintedChar> = line
        .characters
        .iter()
        .filter(|c| c.character.is_ascii_digit())
        .collect();
    if digits.len() != length || line.residual > 0.4 {
        return None;
    }
    let value: String = digits.iter().map(|c| c.character).collect();
    let alternatives = digits
        .iter()
        .enumerate()
        .filter(|(_, c)| c.second.is_ascii_digit() && c.confidence < 0.97)
        .map(|(i, c)| {
            let other = value
                .chars()
                .enumerate()
                .map(|(j, d)| if i == j { c.second } else { d });
            (other.collect(), 1.0 - c.confidence)
        })
        .collect();
    Some(Printed {
        raw: value.clone(),
        value,
        confidence: line.confidence(),
        alternatives,
        by: ReadBy::Matching,
    })
}

/// A name between two places of a line.
fn name(reading: &mut Reading<'_>, place: (f32, f32)) -> Result<Printed<String>, RuntimeError> {
    let capitals = reading.part(place.0, place.1, Charset::Names);
    let mut line = capitals;
    if !believed(&line) {
        let mixed = reading.part(place.0, place.1, Charset::Mixed);
        if mixed.residual + 0.04 < line.residual {
            line = mixed;
        }
    }
    if believed(&line) {
        let text = line.text().trim().to_owned();
        return Ok(Printed {
            value: text.clone(),
            raw: text,
            confidence: line.confidence(),
            alternatives: Vec::new(),
            by: ReadBy::Matching,
        });
    }
    let crop = crop_line(
        &reading.page.gray,
        &reading.band.part(place.0, place.1),
        0.38,
        0.3,
        0.35,
    );
    let read = reading.reader.read(&crop, Alphabet::Text, SQUEEZE)?;
    Ok(Printed {
        value: read.text.clone(),
        raw: read.text.clone(),
        confidence: read.confidence,
        alternatives: vec![(line.text().trim().to_owned(), line.confidence())],
        by: ReadBy::Recogniser,
    })
}

/// The name after `LUGAR:`.
fn lugar(reading: &mut Reading<'_>) -> Result<Printed<String>, RuntimeError> {
    let characters = &reading.matched.characters;
    let label = characters.iter().position(|c| c.character == ':' || c.character == ' ');
    let place = label.and_then(|i| inked(&characters[i + 1..]));
    if let Some(place) = place {
        return name(reading, place);
    }
    let line = reading.recognise()?.clone();
    let text = line
        .text
        .split_once(':')
        .map_or(line.text.as_str(), |s| s.1)
        .trim()
        .to_owned();
    Ok(Printed {
        value: text.clone(),
        raw: text,
        confidence: line.confidence,
        alternatives: Vec::new(),
        by: ReadBy::Recogniser,
    })
}

/// The codes of `ZONA: 99 PUESTO: 01 MESA: 001`.
fn mesa(reading: &mut Reading<'_>, scope: HeaderScope, header: &mut PrintedHeader) -> Result<(), RuntimeError> {
    let matched = mesa_matched(reading);
    let sure = |c: &Option<Printed<String>>| c.as_ref().is_some_and(|c| c.confidence >= SURE);
    let codes = if scope == HeaderScope::PageIdentity || matched.iter().all(sure) {
        matched
    } else {
        let line = reading.recognise()?.clone();
        let mut recognised = mesa_recognised(&line, reading).into_iter();
        matched.map(|m| {
            let (again, r) = recognised.next().unwrap_or_default();
            weighed(m.filter(|m| m.confidence >= SURE).or(again), r)
        })
    };
    let [zona, puesto, mesa] = codes;
    header.zona = zona;
    header.puesto = puesto;
    header.mesa = mesa;
    Ok(())
}

fn mesa_matched(reading: &Reading<'_>) -> [Option<Printed<String>>; 3] {
    let characters = &reading.matched.characters;
    let text: Vec<char> = characters.iter().map(|c| c.character).collect();
    let labels = ["ZONA", "PUESTO", "MESA"].map(|word| find(&text, word).filter(|f| f.2 > 0.7));
    let between = |from: Option<(usize, usize, f32)>, to: Option<usize>, digits: usize| {
        let (_, start, _) = from?;
        let end = to.unwrap_or(characters.len());
        let code: Vec<PrintedChar> = characters
            .get(start..end)?
            .iter()
            .copied()
            .filter(|c| !":.,".contains(c.character))
            .collect();
        let (left, right) = inked(&code)?;
        reading.code((left, right), digits)
    };
    [
        between(labels[0], labels[1].map(|l| l.0), 2),
        between(labels[1], labels[2].map(|l| l.0), 2),
        between(labels[2], None, 3),
    ]
}

/// For zona, puesto and mesa, what matching and what the recogniser read at the place that the recogniser found.
fn mesa_recognised(line: &TextLine, reading: &Reading<'_>) -> [(Item, Item); 3] {
    let text: Vec<char> = line.characters.iter().map(|c| c.character).collect();
    let labels = ["ZONA", "PUESTO", "MESA"].map(|word| find(&text, word).filter(|f| f.2 > 0.6));
    let between = |from: Option<(usize, usize, f32)>, to: Option<usize>, digits: usize| {
        let Some((_, start, _)) = from else {
            return (None, None);
        };
        let end = to.unwrap_or(text.len());
        let matched = reading
            .recognised_place(start, end)
            .and_then(|place| reading.code(place, digits));
        let raw: String = text.get(start..end).unwrap_or_default().iter().collect();
        let value: String = raw.chars().filter(char::is_ascii_digit).collect();
        let recognised = (value.len() == digits).then(|| Printed {
            value,
            raw: raw.trim().to_owned(),
            confidence: line.confidence,
            alternatives: Vec::new(),
            by: ReadBy::Recogniser,
        });
        (matched, recognised)
    };
    [
        between(labels[0], labels[1].map(|l| l.0), 2),
        between(labels[1], labels[2].map(|l| l.0), 2),
        between(labels[2], None, 3),
    ]
}

/// The control code `X 7-61-24-10 X`, returned as `7-61-24-10`.
fn control_code(
    page: &RectifiedPage,
    reader: &TextReader,
    band: &LineBand,
    header: &mut PrintedHeader,
    look: Option<&PrintLook>,
) -> Result<Option<Printed<String>>, RuntimeError> {
    let (fitted, look) = fit_band(&page.gray, band, Charset::Codes, look);
    let line = read_band(&page.gray, &fitted, Charset::Codes, &look);
    let digits: Vec<&PrintedChar> = line
        .characters
        .iter()
        .filter(|c| c.character.is_ascii_digit())
        .collect();
    let value: String = digits.iter().map(|c| c.character).collect();
    let confidence = digits.iter().map(|c| c.confidence).fold(1.0, f32::min);
    if value.len() == 7 && line.residual < 0.35 && confidence >= SURE {
        header.lines.push(HeaderText {
            line: HeaderLine::Control,
            text: line.text(),
            confidence,
            by: ReadBy::Matching,
        });
        return Ok(grouped(&value).map(|value| Printed {
            value,
            raw: line.text(),
            confidence,
            alternatives: Vec::new(),
            by: ReadBy::Matching,
        }));
    }
    let crop = crop_line(&page.gray, band, 0.38, 0.3, 0.35);
    let read = reader.read(&crop, Alphabet::Codes, SQUEEZE)?;
    header.lines.push(HeaderText {
        line: HeaderLine::Control,
        text: read.text.clone(),
        confidence: read.confidence,
        by: ReadBy::Recogniser,
    });
    let digits: String = read.text.chars().filter(char::is_ascii_digit).collect();
    Ok(grouped(&digits).map(|code| Printed {
        value: code,
        raw: read.text.clone(),
        confidence: read.confidence,
        alternatives: if value.len() == 7 {
            grouped(&value).map(|v| (v, confidence)).into_iter().collect()
        } else {
            Vec::new()
        },
        by: ReadBy::Recogniser,
    }))
}

/// `7612410` as `7-61-24-10`.
fn grouped(digits: &str) -> Option<String> {
    (digits.len() == 7 && digits.is_ascii())
        .then(|| format!("{}-{}-{}-{}", &digits[..1], &digits[1..3], &digits[3..5], &digits[5..]))
}
