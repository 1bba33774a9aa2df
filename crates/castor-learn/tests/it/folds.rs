use castor_learn::folds::folds_by_group;
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_group_is_in_two_folds_and_every_item_is_judged_once(
        groups in prop::collection::vec(0_u8..12, 1..80),
        k in 1_usize..8,
        seed in any::<u64>(),
    ) {
        let folds = folds_by_group(&groups, k, seed);
        prop_assert_eq!(folds.of().len(), groups.len());
        for (a, fold_a) in groups.iter().zip(folds.of()) {
            for (b, fold_b) in groups.iter().zip(folds.of()) {
                prop_assert!(a != b || fold_a == fold_b);
            }
        }
        let mut judged = vec![0; groups.len()];
        for fold in 0..folds.count() {
            let (learn, judge) = folds.split(fold);
            prop_assert_eq!(learn.len() + judge.len(), groups.len());
            prop_assert!(!judge.is_empty());
            for i in judge {
                judged[i] += 1;
            }
        }
        prop_assert!(judged.iter().all(|n| *n == 1));
        prop_assert_eq!(folds_by_group(&groups, k, seed), folds);
    }
}

#[test]
fn folds_are_of_about_equal_size() {
    let groups: Vec<usize> = (0..20).flat_map(|table| vec![table; 10 + table]).collect();
    let folds = folds_by_group(&groups, 5, 3);
    let sizes: Vec<usize> = (0..5).map(|f| folds.split(f).1.len()).collect();
    let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
    assert!(most - least <= 15, "{sizes:?}");
}

#[test]
fn another_seed_gives_another_split() {
    let groups: Vec<usize> = (0..100).collect();
    assert_ne!(folds_by_group(&groups, 5, 1), folds_by_group(&groups, 5, 2));
}
