//! Pages of the log as they were answered, for the many laptops that catch up with the same events.

use super::kept::Kept;
use axum::body::Bytes;
use time::OffsetDateTime;
use uuid::Uuid;

/// Bytes kept; a page of readings takes some two megabytes as gzip.
const MOST: usize = 64 << 20;

/// A page as it was answered.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// The answer as gzip.
    pub(crate) body: Bytes,
    /// The place of its last event, this event, and when it was received: the page is good as long as the log says the same,
    /// which one that was brought back from a backup does not.
    pub(crate) last: (i64, (Uuid, OffsetDateTime)),
}

/// Whole pages by the place after which they begin and their size. The log is only added to, so that a page with more behind
/// it does not change.
#[derive(Debug)]
pub(crate) struct Pages(Kept<(u32, usize), Page>);

impl Default for Pages {
    fn default() -> Self {
        Self(Kept::new(MOST, |page| page.body.len()))
    }
}

impl Pages {
    /// A page, if it is here.
    pub(crate) fn get(&self, after: u32, size: usize) -> Option<Page> {
        self.0.get(&(after, size))
    }

    /// Keeps a page.
    pub(crate) fn put(&self, after: u32, size: usize, page: Page) {
        self.0.put((after, size), page);
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
