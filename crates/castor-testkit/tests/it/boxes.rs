use castor_domain::symbol::{BOX_SIDE, Symbol};
use castor_testkit::boxes::{
    BoxScan, BoxStyle, LabelledBox, sample_box, sample_box_with_ink, sample_cell, sample_rare_box,
};
use castor_testkit::hand::{Filler, Hand};
use castor_testkit::marks::{Habit, Leading, ZeroRow, value_of};
use image::{GrayImage, Luma};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A style without anything that is not writing.
fn clean(rng: &mut ChaCha8Rng) -> BoxStyle {
    BoxStyle {
        native: 66.0,
        shift: [0.0, 0.0],
        scale: [1.0, 1.0],
        turn: 0.0,
        outline: None,
        ring: None,
        rules: Vec::new(),
        neighbours: 0.0,
        corrected: 0.0,
        scan: BoxScan::Bitonal {
            blur: 0.5,
            threshold: 0.4,
            noise: 0.02,
        },
        specks: 0.0,
        contrast: [1.0, 0.0],
        ..BoxStyle::sample(rng)
    }
}

/// Pixels with clear ink in the square whose sides are `margin` away from the picture's.
fn ink(picture: &LabelledBox, margin: usize) -> usize {
    let inner = margin..BOX_SIDE - margin;
    let pixels = picture.image.0.iter().enumerate();
    pixels
        .filter(|(i, p)| **p > 128 && inner.contains(&(i % BOX_SIDE)) && inner.contains(&(i / BOX_SIDE)))
        .count()
}

#[test]
fn the_same_seed_gives_the_same_boxes() {
    let draw = |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let hand = Hand::sample(&mut rng);
        (0..40)
            .map(|_| {
                let style = BoxStyle::sample(&mut rng);
                sample_box(&mut rng, &hand, None, &style)
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(draw(7), draw(7));
    assert_ne!(draw(7), draw(8));
}

#[test]
fn a_blank_box_has_no_stroke_and_any_other_has_one() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let style = clean(&mut rng);
    let symbols = (0..10).map(Symbol::Digit).chain([Symbol::Filler, Symbol::Blank]);
    for symbol in symbols.cycle().take(1200) {
        let hand = Hand::sample(&mut rng);
        let drawn = sample_box(&mut rng, &hand, Some(symbol), &style);
        assert_eq!(drawn.symbol, symbol);
        let expected = symbol != Symbol::Blank;
        assert_eq!(ink(&drawn, 4) > 2, expected, "{symbol:?} of {hand:?}");
    }
}

#[test]
fn the_writing_of_a_box_stands_in_the_box() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let style = clean(&mut rng);
    let (mut inside, mut all) = (0, 0);
    for digit in (0..10).cycle().take(500) {
        let hand = Hand::sample(&mut rng);
        let drawn = sample_box(&mut rng, &hand, Some(Symbol::Digit(digit)), &style);
        inside += ink(&drawn, 4);
        all += ink(&drawn, 0);
    }
    assert!(
        inside * 100 > all * 95,
        "{inside} of {all} inked pixels are inside the printed box"
    );
}

#[test]
fn neighbours_leave_the_middle_of_a_blank_box_free() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let style = BoxStyle {
        neighbours: 1.0,
        ..clean(&mut rng)
    };
    let mut touched = 0;
    for _ in 0..400 {
        let hand = Hand::sample(&mut rng);
        let drawn = sample_box(&mut rng, &hand, Some(Symbol::Blank), &style);
        assert_eq!(ink(&drawn, 14), 0, "{hand:?}");
        touched += usize::from(ink(&drawn, 0) > 0);
    }
    assert!(
        touched > 30,
        "neighbours are seen at the edges of only {touched} of 400 boxes"
    );
}

#[test]
fn corrections_and_crosses_are_labelled() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut style = clean(&mut rng);
    style.corrected = 1.0;
    let mut hand = Hand::sample(&mut rng);
    let corrected = sample_box(&mut rng, &hand, Some(Symbol::Digit(3)), &style);
    assert!(corrected.overwritten);
    for (filler, _) in Filler::SHARES {
        let glyph = hand.draw_filler_of(&mut rng, filler);
        assert_eq!(
            glyph.cross,
            matches!(filler, Filler::Cross | Filler::CrossedRing),
            "{filler:?}"
        );
    }
    hand.filler = Filler::Cross;
    style.corrected = 0.0;
    let crosses = (0..100)
        .filter(|_| sample_box(&mut rng, &hand, Some(Symbol::Filler), &style).cross)
        .count();
    assert!(
        crosses > 80,
        "{crosses} of 100 fillers of a person who writes X carry a cross"
    );
}

#[test]
fn a_cell_means_its_value() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let hand = Hand::sample(&mut rng);
    for value in [Some(0), Some(7), Some(48), Some(300), Some(999), None] {
        for _ in 0..20 {
            let (habit, style) = (Habit::sample(&mut rng), BoxStyle::sample(&mut rng));
            let symbols = sample_cell(&mut rng, &hand, value, habit, &style).map(|b| b.symbol);
            assert_eq!(value_of(&symbols).unwrap_or(0), value.unwrap_or(0), "{symbols:?}");
        }
    }
}

#[test]
fn habits_decide_what_stands_before_the_digits() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (filler, blank, zero) = (Symbol::Filler, Symbol::Blank, Symbol::Digit(0));
    let cases = [
        (
            Leading::Fillers,
            ZeroRow::Fillers,
            Some(7),
            [filler, filler, Symbol::Digit(7)],
        ),
        (Leading::Fillers, ZeroRow::Fillers, Some(0), [filler, filler, filler]),
        (Leading::Fillers, ZeroRow::Digit, Some(0), [filler, filler, zero]),
        (Leading::Blanks, ZeroRow::Blank, Some(0), [blank, blank, blank]),
        (
            Leading::Blanks,
            ZeroRow::Blank,
            Some(40),
            [blank, Symbol::Digit(4), zero],
        ),
        (Leading::Zeros, ZeroRow::Digit, Some(0), [zero, zero, zero]),
    ];
    for (leading, zero, value, expected) in cases {
        assert_eq!(Habit { leading, zero }.marks(&mut rng, value), expected);
    }
}

#[test]
fn foreign_ink_is_laid_into_the_box() {
    let mut rng = ChaCha8Rng::seed_from_u64(8);
    let style = clean(&mut rng);
    // A vertical bar as a collection of digits has it: light ink on dark paper.
    let bar = GrayImage::from_fn(28, 28, |x, y| {
        Luma([if (12..15).contains(&x) && (4..24).contains(&y) {
            255
        } else {
            0
        }])
    });
    for _ in 0..50 {
        let drawn = sample_box_with_ink(&mut rng, &bar, Symbol::Digit(1), &style);
        assert!(ink(&drawn, 4) > 5);
        assert_eq!(drawn.symbol, Symbol::Digit(1));
    }
}

/// Many boxes of the kinds that few forms show, each by another hand.
fn rare_boxes(seed: u64) -> Vec<LabelledBox> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let style = clean(&mut rng);
    (0..400)
        .map(|_| {
            let hand = Hand::sample(&mut rng);
            sample_rare_box(&mut rng, &hand, &style)
        })
        .collect()
}

#[test]
fn rare_boxes_hold_every_kind_of_symbol_and_the_same_seed_gives_the_same() {
    let boxes = rare_boxes(3);
    assert_eq!(boxes, rare_boxes(3));
    for symbol in (0..10).map(Symbol::Digit).chain([Symbol::Filler, Symbol::Blank]) {
        assert!(boxes.iter().any(|b| b.symbol == symbol), "{symbol:?}");
    }
    let written = boxes.iter().filter(|b| b.symbol != Symbol::Blank);
    for one in written {
        assert!(ink(one, 0) > 8, "{:?} without ink", one.symbol);
    }
}

#[test]
fn many_rare_digits_stand_against_a_side_of_their_box() {
    let digits: Vec<LabelledBox> = rare_boxes(4)
        .into_iter()
        .filter(|b| matches!(b.symbol, Symbol::Digit(_)))
        .collect();
    // Against a side: no ink in the half of the picture that lies on the other one.
    let aside = digits.iter().filter(|b| {
        let inked = |columns: std::ops::Range<usize>| {
            let pixels = b.image.0.iter().enumerate();
            pixels
                .filter(|(i, p)| **p > 128 && columns.contains(&(i % BOX_SIDE)))
                .count()
        };
        inked(0..8) > 0 && inked(24..BOX_SIDE) == 0 || inked(32..BOX_SIDE) > 0 && inked(0..16) == 0
    });
    let aside = aside.count();
    assert!(aside * 6 > digits.len(), "{aside} of {}", digits.len());
}

#[test]
fn only_retraced_rare_boxes_are_labelled_as_written_over() {
    let boxes = rare_boxes(5);
    let over = boxes.iter().filter(|b| b.overwritten);
    assert!(over.clone().count() > 10);
    assert!(over.clone().all(|b| matches!(b.symbol, Symbol::Digit(_))));
}
