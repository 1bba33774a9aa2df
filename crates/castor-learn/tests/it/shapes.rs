//! Boxes simple enough to be learnt in seconds: one class is a bar, one a column, one a blob, one nothing.

use castor_domain::symbol::{BOX_SIDE, BoxImage, Symbol};
use castor_learn::sample::{Origin, Sample, ScanType};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub(crate) fn picture(ink: impl Fn(usize, usize) -> u8) -> BoxImage {
    let mut pixels = Box::new([0; BOX_SIDE * BOX_SIDE]);
    for (i, pixel) in pixels.iter_mut().enumerate() {
        *pixel = ink(i % BOX_SIDE, i / BOX_SIDE);
    }
    BoxImage(pixels)
}

pub(crate) fn sample(image: BoxImage, symbol: Symbol) -> Sample {
    Sample {
        image,
        symbol: Some(symbol),
        cross: Some(false),
        overwritten: Some(false),
        group: "shapes".into(),
        scan: ScanType::Bitonal,
        origin: Origin::Synthetic,
    }
}

pub(crate) fn shape(rng: &mut ChaCha8Rng) -> Sample {
    let (x0, y0) = (rng.random_range(14..22), rng.random_range(14..22));
    let dark = rng.random_range(150..=255);
    let near = |a: usize, b: usize, reach: usize| a.abs_diff(b) <= reach;
    let symbol = [Symbol::Digit(1), Symbol::Digit(7), Symbol::Filler, Symbol::Blank][rng.random_range(0..4)];
    let (width, height) = match symbol {
        Symbol::Digit(1) => (1, 12),
        Symbol::Digit(_) => (12, 1),
        Symbol::Filler => (4, 4),
        Symbol::Blank => return sample(picture(|_, _| 0), symbol),
    };
    let inside = |x, y| near(x, x0, width) && near(y, y0, height);
    let mut sample = sample(picture(|x, y| if inside(x, y) { dark } else { 0 }), symbol);
    // What is not known must not stop learning.
    if rng.random_bool(0.2) {
        sample.symbol = None;
        sample.cross = None;
    }
    sample.overwritten = Some(symbol == Symbol::Filler);
    sample
}
