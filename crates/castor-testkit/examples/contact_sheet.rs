//! Draws a contact sheet of synthetic boxes: one row per person, the digits, fillers and a cell.
//!
//! `cargo run --release -p castor-testkit --example contact_sheet -- SHEET.png [SEED]`

use castor_domain::symbol::{BOX_SIDE, Symbol};
use castor_testkit::boxes::{BoxStyle, sample_box};
use castor_testkit::hand::Hand;
use image::{GrayImage, Luma};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("usage: contact_sheet SHEET.png [SEED]")?;
    let seed = args.next().map_or(Ok(1), |s| s.parse())?;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let side = u32::try_from(BOX_SIDE)?;
    let symbols: Vec<Symbol> = (0..10)
        .map(Symbol::Digit)
        .chain([
            Symbol::Digit(1),
            Symbol::Digit(4),
            Symbol::Digit(7),
            Symbol::Filler,
            Symbol::Filler,
            Symbol::Filler,
            Symbol::Blank,
        ])
        .collect();
    let rows = 24;
    let mut sheet = GrayImage::from_pixel((side + 2) * u32::try_from(symbols.len())?, (side + 2) * rows, Luma([0]));
    for row in 0..rows {
        let hand = Hand::sample(&mut rng);
        let style = BoxStyle::sample(&mut rng);
        for (column, symbol) in (0..).zip(&symbols) {
            let drawn = sample_box(&mut rng, &hand, Some(*symbol), &style);
            for (i, ink) in (0..).zip(drawn.image.0.iter()) {
                let (x, y) = (column * (side + 2) + i % side, row * (side + 2) + i / side);
                sheet.put_pixel(x, y, Luma([255 - ink]));
            }
        }
    }
    sheet.save(path)?;
    let started = std::time::Instant::now();
    let hand = Hand::sample(&mut rng);
    let many = 5000_u32;
    for _ in 0..many {
        let style = BoxStyle::sample(&mut rng);
        std::hint::black_box(sample_box(&mut rng, &hand, None, &style));
    }
    eprintln!(
        "{:.0} boxes a second",
        f64::from(many) / started.elapsed().as_secs_f64()
    );
    Ok(())
}
