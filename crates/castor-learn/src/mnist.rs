//! The MNIST collection of handwritten digits, in its own file format (IDX).

use std::path::Path;

use crate::error::LearnError;

/// Side of an MNIST picture, in pixels.
pub const MNIST_SIDE: usize = 28;

/// One digit: light ink on dark paper, [`MNIST_SIDE`] × [`MNIST_SIDE`], row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MnistDigit {
    /// Ink levels.
    pub pixels: Vec<u8>,
    /// The digit, 0–9.
    pub digit: u8,
}

/// The two parts of the collection, written by different people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MnistPart {
    /// 60,000 digits to learn from.
    Train,
    /// 10,000 digits to judge by.
    Test,
}

/// Reads one part from the folder that holds the four `*-ubyte` files.
///
/// # Errors
/// [`LearnError::File`] when a file is missing, [`LearnError::Format`] when it is no IDX file of the right kind or the
/// pictures and labels do not match.
pub fn read_mnist(folder: &Path, part: MnistPart) -> Result<Vec<MnistDigit>, LearnError> {
    let stem = match part {
        MnistPart::Train => "train",
        MnistPart::Test => "t10k",
    };
    let images_path = folder.join(format!("{stem}-images-idx3-ubyte"));
    let labels_path = folder.join(format!("{stem}-labels-idx1-ubyte"));
    let images = std::fs::read(&images_path).map_err(LearnError::file(&images_path))?;
    let labels = std::fs::read(&labels_path).map_err(LearnError::file(&labels_path))?;
    let pictures = idx(&images, [MNIST_SIDE, MNIST_SIDE].as_slice()).ok_or_else(|| bad(&images_path))?;
    let digits = idx(&labels, &[]).ok_or_else(|| bad(&labels_path))?;
    let size = MNIST_SIDE * MNIST_SIDE;
    if pictures.len() != digits.len() * size || digits.iter().any(|d| *d > 9) {
        return Err(bad(&labels_path));
    }
    let pairs = pictures.chunks_exact(size).zip(digits);
    Ok(pairs
        .map(|(pixels, digit)| MnistDigit {
            pixels: pixels.to_vec(),
            digit: *digit,
        })
        .collect())
}

fn bad(path: &Path) -> LearnError {
    LearnError::Format {
        path: path.to_owned(),
        expected: "MNIST file",
        reason: "its header, size or values are not those of the collection".into(),
    }
}

/// The bytes of an IDX file of unsigned bytes whose items have the given shape.
fn idx<'a>(bytes: &'a [u8], shape: &[usize]) -> Option<&'a [u8]> {
    let dimensions = u8::try_from(shape.len() + 1).ok()?;
    let mut rest = bytes.strip_prefix(&[0, 0, 8, dimensions])?;
    let mut size = || -> Option<usize> {
        let (head, tail) = rest.split_first_chunk::<4>()?;
        rest = tail;
        usize::try_from(u32::from_be_bytes(*head)).ok()
    };
    let mut total = size()?;
    for expected in shape {
        let found = size()?;
        if found != *expected {
            return None;
        }
        total = total.checked_mul(found)?;
    }
    (rest.len() == total).then_some(rest)
}
