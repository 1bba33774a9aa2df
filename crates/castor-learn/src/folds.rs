//! Splitting for cross-validation: what belongs together stays together.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;

use crate::seed::{Purpose, stream};

/// A split of items into folds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folds {
    of: Vec<usize>,
    count: usize,
}

impl Folds {
    /// Number of folds.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The fold of each item, in the order of the items.
    #[must_use]
    pub fn of(&self) -> &[usize] {
        &self.of
    }

    /// Positions of the items to learn from and of those to judge by, when the given fold is held out.
    #[must_use]
    pub fn split(&self, held_out: usize) -> (Vec<usize>, Vec<usize>) {
        (0..self.of.len()).partition(|i| self.of[*i] != held_out)
    }
}

/// Splits items into `k` folds of about equal size so that no group (a polling table, a writer) is in two folds.
///
/// There are never more folds than groups, and at least one. The same groups, `k` and seed give the same folds.
#[must_use]
pub fn folds_by_group<G: Ord>(groups: &[G], k: usize, seed: u64) -> Folds {
    let mut members: BTreeMap<&G, Vec<usize>> = BTreeMap::new();
    for (i, group) in groups.iter().enumerate() {
        members.entry(group).or_default().push(i);
    }
    let mut members: Vec<Vec<usize>> = members.into_values().collect();
    members.shuffle(&mut stream(seed, Purpose::Split, 0));
    members.sort_by_key(|m| std::cmp::Reverse(m.len()));
    let count = k.clamp(1, members.len().max(1));
    let mut sizes = vec![0; count];
    let mut of = vec![0; groups.len()];
    for group in members {
        let smallest = (0..count).min_by_key(|f| sizes[*f]).unwrap_or(0);
        sizes[smallest] += group.len();
        for i in group {
            of[i] = smallest;
        }
    }
    Folds { of, count }
}
