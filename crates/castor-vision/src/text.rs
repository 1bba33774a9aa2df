//! Printed text: one line at a time through the text recogniser (PP-OCRv6 small), read by greedy CTC decoding over the
//! characters that Colombian forms print.

mod lines;

pub use lines::{LineBand, Region, crop_line, find_digits, find_lines, ink_of};

use crate::printed::{Charset, PrintLook, PrintedLine, fit_band, read_band};
use crate::raster::{index, real, resize};
use crate::runtime::{RuntimeError, SessionPool};
use image::GrayImage;
use std::path::{Path, PathBuf};

/// Height of the recogniser's input, in pixels.
const INPUT_HEIGHT: u32 = 48;
/// The recogniser answers once per this many input pixels.
const STRIDE: u32 = 8;

/// Which characters a line can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// Latin letters with Spanish accents, digits, spaces and punctuation.
    Text,
    /// Digits and the signs that stand between them on the forms: hyphen, comma, point, the X around the control code.
    Codes,
}

/// One character of a line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReadChar {
    /// The character.
    pub character: char,
    /// 0–1, the recogniser's own opinion.
    pub confidence: f32,
    /// Horizontal centre on the crop, in pixels.
    pub x: f32,
}

/// One printed line as read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TextLine {
    /// The text, without spaces at the ends.
    pub text: String,
    /// 0–1, mean over the characters; 0 for an empty line.
    pub confidence: f32,
    /// Every character with its place.
    pub characters: Vec<ReadChar>,
}

/// The text recogniser.
#[derive(Debug)]
pub struct TextReader {
    pool: SessionPool,
    /// For each output class its character, `None` for the characters that forms do not print; class 0 is CTC's blank.
    characters: Vec<Option<char>>,
    /// Classes that may win, for [`Alphabet::Text`] and [`Alphabet::Codes`]; class 0 first.
    text_classes: Vec<usize>,
    code_classes: Vec<usize>,
}

impl TextReader {
    /// Where the recogniser is installed.
    #[must_use]
    pub fn installed() -> PathBuf {
        crate::runtime::home().join("models").join("text_rec.onnx")
    }

    /// Opens the recogniser.
    ///
    /// # Errors
    /// [`RuntimeError`] when ONNX Runtime or the model is missing, or the model carries no character set.
    pub fn open(model: &Path) -> Result<Self, RuntimeError> {
        let pool = SessionPool::open(model)?;
        let charset = pool.metadata("character")?.ok_or_else(|| RuntimeError::Model {
            path: model.to_owned(),
            reason: "no metadata key `character`".into(),
        })?;
        // PaddleOCR's order: blank, the listed characters, the space.
        let characters: Vec<Option<char>> = std::iter::once(None)
            .chain(charset.split('\n').map(|c| single(c).filter(|&c| is_printed(c))))
            .chain(std::iter::once(Some(' ')))
            .collect();
        let classes = |allowed: fn(char) -> bool| {
            std::iter::once(0)
                .chain(
                    characters
                        .iter()
                        .enumerate()
                        .filter_map(|(i, c)| c.filter(|&c| allowed(c)).map(|_| i)),
                )
                .collect()
        };
        Ok(Self {
            text_classes: classes(|_| true),
            code_classes: classes(|c| c.is_ascii_digit() || " -,.X".contains(c)),
            characters,
            pool,
        })
    }

    /// Reads one line of printed text from a tight crop, at its natural proportions.
    ///
    /// # Errors
    /// [`RuntimeError::Run`] when the recogniser fails.
    pub fn read_line(&self, crop: &GrayImage) -> Result<TextLine, RuntimeError> {
        self.read(crop, Alphabet::Text, 1.0)
    }

    /// Reads one line with its width multiplied by `squeeze` (0.4–1): cost is proportional to the width, and printed
    /// capitals stand some squeezing.
    ///
    /// # Errors
    /// [`RuntimeError::Run`] when the recogniser fails.
    pub fn read(&self, crop: &GrayImage, alphabet: Alphabet, squeeze: f32) -> Result<TextLine, RuntimeError> {
        let [line] = self.answers(crop, [alphabet], squeeze)?;
        Ok(line)
    }

    /// The line at its natural proportions as text and as a code: one run of the recogniser says both.
    pub(crate) fn text_and_code(&self, crop: &GrayImage) -> Result<[TextLine; 2], RuntimeError> {
        self.answers(crop, [Alphabet::Text, Alphabet::Codes], 1.0)
    }

    /// What the line says in each alphabet.
    fn answers<const N: usize>(
        &self,
        crop: &GrayImage,
        alphabets: [Alphabet; N],
        squeeze: f32,
    ) -> Result<[TextLine; N], RuntimeError> {
        if crop.width() < 3 || crop.height() < 3 {
            return Ok(alphabets.map(|_| TextLine::default()));
        }
        let scale = real(INPUT_HEIGHT) / real(crop.height());
        let wanted = real(crop.width()) * scale * squeeze;
        let width = (index(wanted, 3200).max(STRIDE)).div_ceil(STRIDE) * STRIDE;
        let input = network_input(&resize(crop, width, INPUT_HEIGHT));
        let step = real(crop.width()) / real(width) * real(STRIDE);
        self.pool.run(|session| {
            let shape = [1usize, 3, INPUT_HEIGHT as usize, width as usize];
            let tensor = ort::value::TensorRef::from_array_view((shape, input.as_slice()))?;
            let outputs = session.run(ort::inputs![tensor])?;
            let (shape, probabilities) = outputs[0].try_extract_tensor::<f32>()?;
            let count = shape.last().and_then(|&n| usize::try_from(n).ok()).unwrap_or(1).max(1);
            Ok(alphabets.map(|alphabet| {
                let classes = match alphabet {
                    Alphabet::Text => &self.text_classes,
                    Alphabet::Codes => &self.code_classes,
                };
                self.decode(probabilities, count, classes, step)
            }))
        })
    }

    /// Reads a name set in one or two lines on a crop (candidate, party): by matching Arial where that is sure, by the
    /// recogniser where it is not. The lines are joined by a space; the characters' places are lost.
    ///
    /// # Errors
    /// [`RuntimeError::Run`] when the recogniser fails.
    pub fn read_name(&self, crop: &GrayImage) -> Result<TextLine, RuntimeError> {
        self.name(crop, &mut None)
    }

    /// Reads the names of one page's rows, as [`TextReader::read_name`]. The typeface's width and the page's blur are
    /// found once, which makes it three times faster.
    ///
    /// # Errors
    /// [`RuntimeError::Run`] when the recogniser fails.
    pub fn read_names(&self, crops: &[GrayImage]) -> Result<Vec<TextLine>, RuntimeError> {
        let mut look = None;
        crops.iter().map(|crop| self.name(crop, &mut look)).collect()
    }

    /// As [`TextReader::read_names`], one crop at a time; `look` goes from one to the next.
    fn name(&self, crop: &GrayImage, look: &mut Option<PrintLook>) -> Result<TextLine, RuntimeError> {
        let region = Region {
            left: 0,
            top: 0,
            right: crop.width(),
            bottom: crop.height(),
        };
        let mut words = Vec::new();
        let mut confidences = Vec::new();
        for band in find_lines(crop, region, 1.6) {
            if band.height < 8.0 || band.right - band.left < band.height {
                continue;
            }
            let (text, confidence) = self.name_line(crop, &band, look)?;
            if !text.is_empty() {
                words.push(text);
                confidences.push(confidence);
            }
        }
        Ok(TextLine {
            text: words.join(" "),
            confidence: confidences.iter().copied().reduce(f32::min).unwrap_or(0.0),
            characters: Vec::new(),
        })
    }

    /// One line of a name with its confidence. A line that matching explains leaves its look to the next ones.
    fn name_line(
        &self,
        crop: &GrayImage,
        band: &LineBand,
        look: &mut Option<PrintLook>,
    ) -> Result<(String, f32), RuntimeError> {
        if let Some((line, found)) = matched_line(crop, band, look.as_ref(), true, &explains) {
            *look = Some(found);
            return Ok((line.text().trim().to_owned(), line.confidence()));
        }
        let read = self.recognised_line(crop, band, 0.6)?;
        Ok((read.text, read.confidence))
    }

    /// One printed line of a crop by the recogniser.
    pub(crate) fn recognised_line(
        &self,
        crop: &GrayImage,
        band: &LineBand,
        squeeze: f32,
    ) -> Result<TextLine, RuntimeError> {
        self.read(&crop_line(crop, band, 0.38, 0.3, 0.35), Alphabet::Text, squeeze)
    }

    /// Greedy CTC: the best allowed class of each step, repeats merged, blanks dropped.
    fn decode(&self, probabilities: &[f32], count: usize, classes: &[usize], step: f32) -> TextLine {
        let mut characters: Vec<ReadChar> = Vec::new();
        let mut last = 0;
        let mut x = 0.5 * step;
        for row in probabilities.chunks_exact(count) {
            let best = classes
                .iter()
                .copied()
                .filter(|&c| c < count)
                .max_by(|&a, &b| row[a].total_cmp(&row[b]))
                .unwrap_or(0);
            if let (Some(Some(character)), true) = (self.characters.get(best), best != 0) {
                if best != last {
                    characters.push(ReadChar {
                        character: *character,
                        confidence: row[best],
                        x,
                    });
                } else if let Some(c) = characters.last_mut() {
                    c.confidence = c.confidence.max(row[best]);
                }
            }
            last = best;
            x += step;
        }
        TextLine::of(characters)
    }
}

/// Whether matching alone explains a line.
pub(crate) fn explains(line: &PrintedLine) -> bool {
    line.residual < 0.25 && line.confidence() > 0.75
}

/// The first reading of a printed line that is accepted, and its look: in the known look, then in any where `searching`.
pub(crate) fn matched_line(
    crop: &GrayImage,
    band: &LineBand,
    known: Option<&PrintLook>,
    searching: bool,
    accept: &dyn Fn(&PrintedLine) -> bool,
) -> Option<(PrintedLine, PrintLook)> {
    let kept = known.map(|look| (Charset::Names, Some(look)));
    let searched = [(Charset::Names, None), (Charset::Bold, None)];
    let tries = kept.into_iter().chain(searched.into_iter().filter(|_| searching));
    tries
        .map(|(charset, look)| {
            let (fitted, found) = fit_band(crop, band, charset, look);
            (read_band(crop, &fitted, charset, &found), found)
        })
        .find(|(line, _)| accept(line))
}

impl TextLine {
    fn of(characters: Vec<ReadChar>) -> Self {
        let text: String = characters.iter().map(|c| c.character).collect();
        let inked: Vec<f32> = characters
            .iter()
            .filter(|c| !c.character.is_whitespace())
            .map(|c| c.confidence)
            .collect();
        let n = real(u32::try_from(inked.len()).unwrap_or(u32::MAX)).max(1.0);
        Self {
            text: text.trim().to_owned(),
            confidence: inked.iter().sum::<f32>() / n,
            characters,
        }
    }
}

/// The only character of a charset entry.
fn single(entry: &str) -> Option<char> {
    let mut characters = entry.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// Whether Colombian forms print the character.
fn is_printed(c: char) -> bool {
    c.is_ascii_graphic() || "ÁÉÍÓÚÜÑáéíóúüñ¿¡°º".contains(c)
}

/// Three equal planes of (x/255 − 0.5)/0.5.
fn network_input(line: &GrayImage) -> Vec<f32> {
    let plane: Vec<f32> = line.as_raw().iter().map(|&v| f32::from(v) / 127.5 - 1.0).collect();
    plane.repeat(3)
}
