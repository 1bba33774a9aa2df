//! Agreement of two readers, against figures worked out by hand.

use castor_domain::agreement::{NoKappa, kappa, share};

type Pairs = Vec<(Option<u16>, Option<u16>)>;

fn table(cells: &[(u16, u16, usize)]) -> Pairs {
    let one = |&(a, b, n): &(u16, u16, usize)| vec![(Some(a), Some(b)); n];
    cells.iter().flat_map(one).collect()
}

fn near(found: f64, due: f64) {
    assert!((found - due).abs() < 5e-5, "{found} is not {due}");
}

#[test]
fn kappa_of_a_table_worked_out_by_hand() {
    // 20 and 15 agree, 5 and 10 do not: observed 0.7, expected 0.5·0.6 + 0.5·0.4 = 0.5.
    let found = kappa(&table(&[(1, 1, 20), (1, 2, 5), (2, 1, 10), (2, 2, 15)])).unwrap();
    assert_eq!(found.n, 50);
    near(found.value, 0.4);
    // A = 0.10972, B = 0.10188, C = 0.01, so SE = √(0.2016 / 12.5) = 0.126996.
    let interval = found.interval.unwrap();
    near(interval.low, 0.151093);
    near(interval.high, 0.648907);
}

#[test]
fn kappa_takes_a_blank_for_a_number_of_its_own() {
    let pairs = [(None, None), (Some(0), Some(0)), (None, Some(0)), (Some(7), Some(7))];
    // Observed 3/4; expected (2·1 + 1·2 + 1·1) / 16 = 5/16; κ = (12 − 5) / (16 − 5).
    near(kappa(&pairs).unwrap().value, 7.0 / 11.0);
}

#[test]
fn kappa_of_readers_who_only_ever_differ_is_below_nothing() {
    // Observed 0, expected 1/2.
    near(kappa(&table(&[(1, 2, 3), (2, 1, 3)])).unwrap().value, -1.0);
}

#[test]
fn kappa_has_no_interval_where_nothing_differs() {
    let found = kappa(&table(&[(1, 1, 4), (2, 2, 4)])).unwrap();
    near(found.value, 1.0);
    assert_eq!(found.interval, None);
}

#[test]
fn kappa_is_undefined_without_pairs_and_with_one_number_throughout() {
    assert_eq!(kappa(&[]), Err(NoKappa::NoPairs));
    assert_eq!(kappa(&table(&[(3, 3, 9)])), Err(NoKappa::OneCategory));
}

#[test]
fn a_share_has_wilsons_interval() {
    // p = 0.8, n = 10: (0.99207 ± 0.31362) / 1.38415, with z² = 3.84146.
    let found = share(8, 10).unwrap();
    near(found.value, 0.8);
    near(found.interval.low, 0.490162);
    near(found.interval.high, 0.943318);
    // All of ten: from 10 / (10 + z²) to 1.
    let all = share(10, 10).unwrap();
    near(all.interval.low, 10.0 / (10.0 + 3.841_458_8));
    near(all.interval.high, 1.0);
    assert_eq!(share(0, 0), None);
}
