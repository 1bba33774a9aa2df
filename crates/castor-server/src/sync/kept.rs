//! What is kept in memory by its weight, the least recently used let go first.

use lru::LruCache;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values up to a weight of all together.
#[derive(Debug)]
pub(super) struct Kept<K: Hash + Eq, V> {
    values: Mutex<Values<K, V>>,
    most: usize,
    weigh: fn(&V) -> usize,
}

#[derive(Debug)]
struct Values<K: Hash + Eq, V> {
    by_key: LruCache<K, V>,
    weight: usize,
}

impl<K: Hash + Eq, V> Kept<K, V> {
    pub(super) fn new(most: usize, weigh: fn(&V) -> usize) -> Self {
        Self {
            values: Mutex::new(Values {
                by_key: LruCache::unbounded(),
                weight: 0,
            }),
            most,
            weigh,
        }
    }

    fn values(&self) -> MutexGuard<'_, Values<K, V>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is a value, which does not count as a use.
    pub(super) fn has<Q>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.values().by_key.contains(key)
    }

    /// A copy of a value.
    pub(super) fn get(&self, key: &K) -> Option<V>
    where
        V: Clone,
    {
        self.values().by_key.get(key).cloned()
    }

    /// Takes a value out.
    pub(super) fn take<Q>(&self, key: &Q) -> Option<V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut values = self.values();
        let value = values.by_key.pop(key)?;
        values.weight -= (self.weigh)(&value);
        Some(value)
    }

    /// Keeps a value, and as many others as there is room for.
    pub(super) fn put(&self, key: K, value: V) {
        let mut values = self.values();
        values.weight += (self.weigh)(&value);
        if let Some(before) = values.by_key.put(key, value) {
            values.weight -= (self.weigh)(&before);
        }
        while values.weight > self.most
            && let Some((_, oldest)) = values.by_key.pop_lru()
        {
            values.weight -= (self.weigh)(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_room_goes_the_oldest_first() {
        let kept = Kept::new(10, |weight: &usize| *weight);
        for key in 0..4 {
            kept.put(key, 3);
        }
        assert_eq!([0, 1, 2, 3].map(|key| kept.has(&key)), [false, true, true, true]);
        assert_eq!(kept.get(&1), Some(3));
        kept.put(2, 4);
        assert_eq!([1, 2, 3].map(|key| kept.has(&key)), [true, true, true]);
        assert_eq!(kept.take(&3), Some(3));
        kept.put(4, 3);
        assert_eq!([1, 2, 4].map(|key| kept.has(&key)), [true, true, true]);
        kept.put(5, 11);
        assert_eq!(
            [1, 2, 4, 5].map(|key| kept.has(&key)),
            [false; 4],
            "what is too heavy by itself is not kept"
        );
    }
}
