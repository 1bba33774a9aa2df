use castor_domain::symbol::{BoxImage, Symbol};
use castor_learn::augment::Augmentation;
use castor_learn::seed::{Purpose, stream};
use castor_learn::source::{Mixture, Pool, Source, draw_many};

use crate::shapes::{picture, sample, shape};

fn ink(image: &BoxImage) -> u64 {
    image.0.iter().map(|v| u64::from(*v)).sum()
}

#[test]
fn no_augmentation_changes_nothing() {
    let mut rng = stream(1, Purpose::Training, 0);
    let image = shape(&mut rng).image;
    let other = shape(&mut rng).image;
    assert_eq!(Augmentation::NONE.apply(&mut rng, &image, &other), image);
}

#[test]
fn the_same_stream_spoils_the_same_way() {
    let image = picture(|x, y| {
        if x.abs_diff(20) < 3 && y.abs_diff(20) < 12 {
            255
        } else {
            0
        }
    });
    let spoil = |position| Augmentation::STRONG.apply(&mut stream(5, Purpose::Training, position), &image, &image);
    assert_eq!(spoil(3), spoil(3));
    assert_ne!(spoil(3), spoil(4));
}

#[test]
fn spoiling_keeps_most_of_the_ink_near_its_place() {
    let image = picture(|x, y| {
        if x.abs_diff(20) < 5 && y.abs_diff(20) < 10 {
            255
        } else {
            0
        }
    });
    let blank = picture(|_, _| 0);
    let moderate = Augmentation {
        bitonal: 0.0,
        outline: 0.0,
        ..Augmentation::STRONG
    };
    for position in 0..300 {
        let spoilt = moderate.apply(&mut stream(2, Purpose::Training, position), &image, &blank);
        let ratio = ink(&spoilt) as f64 / ink(&image) as f64;
        assert!((0.3..2.2).contains(&ratio), "position {position}: {ratio}");
    }
}

#[test]
fn a_pool_draws_rare_classes_more_often_than_they_occur() {
    let mut samples = vec![sample(picture(|_, _| 0), Symbol::Blank); 900];
    samples.extend(vec![
        sample(
            picture(|x, _| if x == 20 { 255 } else { 0 }),
            Symbol::Digit(1)
        );
        9
    ]);
    let pool = Pool::new(&samples, Augmentation::LIGHT).unwrap();
    let drawn = draw_many(&pool, 2000, 1, Purpose::Training);
    let rare = drawn.iter().filter(|s| s.symbol == Some(Symbol::Digit(1))).count();
    // √9 against √900: one in eleven.
    assert!((120..260).contains(&rare), "{rare}");
}

#[test]
fn a_pool_needs_samples() {
    assert!(Pool::new(&[], Augmentation::NONE).is_err());
}

#[test]
fn a_mixture_draws_its_parts_by_weight() {
    let of = |symbol: Symbol| move |_: &mut rand_chacha::ChaCha8Rng| sample(picture(|_, _| 0), symbol);
    let mixture = Mixture::new()
        .with(3.0, of(Symbol::Blank))
        .with(1.0, of(Symbol::Filler));
    let mut rng = stream(1, Purpose::Training, 0);
    let fillers = (0..1000)
        .filter(|_| mixture.draw(&mut rng).symbol == Some(Symbol::Filler))
        .count();
    assert!((200..300).contains(&fillers), "{fillers}");
}
