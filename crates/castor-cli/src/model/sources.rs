//! Where the boxes come from that a model learns: drawn hands, and the digits of MNIST drawn into boxes.

use castor_domain::symbol::Symbol;
use castor_learn::LearnError;
use castor_learn::augment::Augmentation;
use castor_learn::mnist::{MNIST_SIDE, MnistDigit, MnistPart, read_mnist};
use castor_learn::sample::{Origin, Sample, ScanType};
use castor_learn::source::{Mixture, Source, Spoilt};
use castor_testkit::boxes::{BoxScan, BoxStyle, LabelledBox, sample_box, sample_box_with_ink, sample_rare_box};
use castor_testkit::hand::Hand;
use image::GrayImage;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;

/// Share of drawn boxes in the mixture; the rest are MNIST digits.
const DRAWN: f64 = 0.85;
/// Boxes written over, among drawn ones: more than people correct themselves, so that the signal is learnt.
const CORRECTED: f64 = 0.12;

/// The MNIST digits that `scripts/install.sh` fetched.
pub(crate) fn mnist(part: MnistPart) -> Result<Vec<MnistDigit>, LearnError> {
    let home = std::env::var_os("CASTOR_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache/castor"),
        PathBuf::from,
    );
    read_mnist(&home.join("data/mnist"), part)
}

/// Drawn boxes and MNIST digits, lightly spoilt.
pub(crate) fn synthetic(digits: &[MnistDigit]) -> Mixture<'_> {
    Mixture::new()
        .with(DRAWN, Spoilt::new(drawn, Augmentation::LIGHT))
        .with(1.0 - DRAWN, Spoilt::new(placed(digits), Augmentation::LIGHT))
}

/// Drawn boxes and MNIST digits with a share of drawn boxes that few forms show, lightly spoilt.
pub(crate) fn with_rare(digits: &[MnistDigit], share: f64) -> Mixture<'_> {
    Mixture::new()
        .with(1.0 - share, synthetic(digits))
        .with(share, Spoilt::new(rare, Augmentation::LIGHT))
}

fn rare(rng: &mut ChaCha8Rng) -> Sample {
    let (hand, style) = (Hand::sample(rng), BoxStyle::sample(rng));
    sample(sample_rare_box(rng, &hand, &style), &style, Origin::Synthetic)
}

fn drawn(rng: &mut ChaCha8Rng) -> Sample {
    let (hand, mut style) = (Hand::sample(rng), BoxStyle::sample(rng));
    style.corrected = CORRECTED;
    sample(sample_box(rng, &hand, None, &style), &style, Origin::Synthetic)
}

fn placed(digits: &[MnistDigit]) -> impl Source {
    move |rng: &mut ChaCha8Rng| {
        let digit = &digits[rng.random_range(0..digits.len())];
        let style = BoxStyle::sample(rng);
        let side = u32::try_from(MNIST_SIDE).unwrap_or_default();
        let ink = GrayImage::from_raw(side, side, digit.pixels.clone()).unwrap_or_default();
        let drawn = sample_box_with_ink(rng, &ink, Symbol::Digit(digit.digit), &style);
        sample(drawn, &style, Origin::Mnist)
    }
}

fn sample(drawn: LabelledBox, style: &BoxStyle, origin: Origin) -> Sample {
    Sample {
        image: drawn.image,
        symbol: Some(drawn.symbol),
        cross: Some(drawn.cross),
        overwritten: Some(drawn.overwritten),
        group: String::new(),
        scan: match style.scan {
            BoxScan::Bitonal { .. } => ScanType::Bitonal,
            BoxScan::Grey { .. } if style.native >= 52.0 => ScanType::Colour,
            BoxScan::Grey { .. } => ScanType::Photo,
        },
        origin,
    }
}
