//! Pages of the log as they were answered, for the many laptops that catch up with the same events.

use axum::body::Bytes;
use lru::LruCache;
use std::sync::{Mutex, PoisonError};
use time::OffsetDateTime;
use uuid::Uuid;

/// Bytes kept; a page of readings takes some megabytes.
const MOST: usize = 64 << 20;

/// A page as it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The answer.
    pub(crate) body: Bytes,
    /// The place of its last event, this event, and when it was received: the page is good as long as the log says the same,
    /// which one that was brought back from a backup does not.
    pub(crate) last: (i64, (Uuid, OffsetDateTime)),
}

/// Whole pages by the place after which they begin and their size. The log is only added to, so that a page with more behind
/// it does not change.
#[derive(Debug)]
pub(crate) struct Pages(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    pages: LruCache<(u32, usize), Page>,
    bytes: usize,
}

impl Default for Pages {
    fn default() -> Self {
        Self(Mutex::new(Kept {
            pages: LruCache::unbounded(),
            bytes: 0,
        }))
    }
}

impl Pages {
    /// A page, if it is here.
    pub(crate) fn get(&self, after: u32, size: usize) -> Option<Page> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.pages.get(&(after, size)).cloned()
    }

    /// Keeps a page, and as many others as there is room for.
    pub(crate) fn put(&self, after: u32, size: usize, page: Page) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += page.body.len();
        if let Some(before) = kept.pages.put((after, size), page) {
            kept.bytes -= before.body.len();
        }
        while kept.bytes > MOST
            && let Some((_, oldest)) = kept.pages.pop_lru()
        {
            kept.bytes -= oldest.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_beyond_the_room_go_the_oldest_first() {
        let pages = Pages::default();
        let page = Page {
            body: Bytes::from(vec![0; MOST / 3]),
            last: (500, (Uuid::nil(), OffsetDateTime::UNIX_EPOCH)),
        };
        for after in 0..4 {
            pages.put(after, 500, page.clone());
        }
        assert_eq!(
            [0, 1, 2, 3].map(|after| pages.get(after, 500).is_some()),
            [false, true, true, true]
        );
        assert!(pages.get(1, 400).is_none());
    }
}
