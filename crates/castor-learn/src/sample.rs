//! Labelled boxes, and the file that keeps them.
//!
//! A sample file is the eight bytes `CASTORB1`, the number of samples, then one record each; numbers are little-endian.

use std::path::Path;

use castor_domain::symbol::{BOX_SIDE, BoxImage, Symbol};

use crate::error::{LearnError, write_whole};
use crate::num::wide;

/// What took the picture of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScanType {
    /// 1-bit scan.
    Bitonal,
    /// Colour or grey flat-bed scan.
    Colour,
    /// Phone photograph or small picture.
    Photo,
}

impl ScanType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Bitonal, Self::Colour, Self::Photo];

    /// Name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bitonal => "bitonal",
            Self::Colour => "colour",
            Self::Photo => "photo",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Bitonal => 0,
            Self::Colour => 1,
            Self::Photo => 2,
        }
    }
}

/// Where a sample comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A digit of the MNIST collection.
    Mnist,
    /// Drawn by a program.
    Synthetic,
    /// Cut from a transcribed form.
    Corpus,
}

impl Origin {
    /// Every origin.
    pub const ALL: [Self; 3] = [Self::Mnist, Self::Synthetic, Self::Corpus];

    /// Name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "MNIST",
            Self::Synthetic => "synthetic",
            Self::Corpus => "corpus",
        }
    }

    fn byte(self) -> u8 {
        match self {
            Self::Mnist => 0,
            Self::Synthetic => 1,
            Self::Corpus => 2,
        }
    }
}

/// One box picture and what is known of it; what is not known takes no part in learning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The picture.
    pub image: BoxImage,
    /// What is written.
    pub symbol: Option<Symbol>,
    /// Whether the mark is a cross or carries one.
    pub cross: Option<bool>,
    /// Whether something was written over, or two digits share the box.
    pub overwritten: Option<bool>,
    /// What must not be torn apart between learning and judging: a polling table of the corpus, a writer.
    pub group: String,
    /// What took the picture.
    pub scan: ScanType,
    /// Where it comes from.
    pub origin: Origin,
}

const MAGIC: &[u8; 8] = b"CASTORB1";
const KIND: &str = "sample file";
const UNKNOWN: u8 = 255;

/// Writes samples to a file, replacing it whole.
///
/// # Errors
/// [`LearnError::File`] when it cannot be written.
pub fn write_samples(path: &Path, samples: &[Sample]) -> Result<(), LearnError> {
    let mut bytes = Vec::with_capacity(samples.len() * (BOX_SIDE * BOX_SIDE + 32));
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&wide(samples.len()).to_le_bytes());
    let flag = |known: Option<bool>| known.map_or(UNKNOWN, u8::from);
    for sample in samples {
        let class = sample.symbol.and_then(|s| u8::try_from(s.class()).ok());
        bytes.extend_from_slice(&[
            class.unwrap_or(UNKNOWN),
            flag(sample.cross),
            flag(sample.overwritten),
            sample.scan.byte(),
            sample.origin.byte(),
        ]);
        bytes.extend_from_slice(&wide(sample.group.len()).to_le_bytes());
        bytes.extend_from_slice(sample.group.as_bytes());
        bytes.extend_from_slice(sample.image.0.as_slice());
    }
    write_whole(path, &bytes)
}

/// Reads a file of [`write_samples`].
///
/// # Errors
/// [`LearnError::File`] when it cannot be read, [`LearnError::Format`] when it is damaged or something else.
pub fn read_samples(path: &Path) -> Result<Vec<Sample>, LearnError> {
    let bytes = std::fs::read(path).map_err(LearnError::file(path))?;
    decode(&bytes).ok_or_else(|| LearnError::Format {
        path: path.to_owned(),
        expected: KIND,
        reason: "it ends early or holds impossible values".into(),
    })
}

fn decode(bytes: &[u8]) -> Option<Vec<Sample>> {
    let mut rest = bytes.strip_prefix(MAGIC.as_slice())?;
    let count = number(&mut rest)?;
    let mut samples = Vec::new();
    for _ in 0..count {
        let [class, cross, overwritten, scan, origin] = *take(&mut rest, 5)?.first_chunk::<5>()?;
        let length = usize::try_from(number(&mut rest)?).ok()?;
        let group = std::str::from_utf8(take(&mut rest, length)?).ok()?.to_owned();
        let pixels = take(&mut rest, BOX_SIDE * BOX_SIDE)?;
        samples.push(Sample {
            image: BoxImage(pixels.to_vec().into_boxed_slice().try_into().ok()?),
            symbol: match class {
                UNKNOWN => None,
                class => Some(Symbol::from_class(usize::from(class))?),
            },
            cross: flag(cross)?,
            overwritten: flag(overwritten)?,
            group,
            scan: ScanType::ALL.into_iter().find(|s| s.byte() == scan)?,
            origin: Origin::ALL.into_iter().find(|o| o.byte() == origin)?,
        });
    }
    rest.is_empty().then_some(samples)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    Some(u64::from_le_bytes(*take(rest, 8)?.first_chunk()?))
}

fn flag(byte: u8) -> Option<Option<bool>> {
    match byte {
        0 => Some(Some(false)),
        1 => Some(Some(true)),
        UNKNOWN => Some(None),
        _ => None,
    }
}
