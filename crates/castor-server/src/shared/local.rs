//! Shared memory of one process.

use super::{Event, Later, Shared};
use crate::limit::{Rate, Taken};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;

/// Entries above which ended ones are cleared away before the next is added.
const CLEAR_ABOVE: usize = 10_000;
/// Events that a slow receiver may lag behind.
const EVENTS_KEPT: usize = 1_024;

/// The process's own memory.
pub struct Local {
    start: Instant,
    held: Mutex<Held>,
    events: broadcast::Sender<Event>,
}

#[derive(Default)]
struct Held {
    /// When each bucket is full again, since the start.
    buckets: HashMap<String, Duration>,
    values: HashMap<String, (Instant, Vec<u8>)>,
    /// Size at which entries that have ended are cleared next.
    clear_buckets_at: usize,
    clear_values_at: usize,
}

impl Default for Local {
    fn default() -> Self {
        let held = Held {
            clear_buckets_at: CLEAR_ABOVE,
            clear_values_at: CLEAR_ABOVE,
            ..Held::default()
        };
        Self {
            start: Instant::now(),
            held: Mutex::new(held),
            events: broadcast::Sender::new(EVENTS_KEPT),
        }
    }
}

impl Local {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the receivers in this process. None listening is no fault.
    pub(super) fn tell(&self, event: Event) {
        let _ = self.events.send(event);
    }
}

impl Held {
    fn take(&mut self, key: &str, rate: Rate, now: Duration) -> Taken {
        if self.buckets.len() > self.clear_buckets_at {
            self.buckets.retain(|_, full_at| *full_at > now);
            self.clear_buckets_at = (self.buckets.len() * 2).max(CLEAR_ABOVE);
        }
        let bucket = self.buckets.entry(key.to_owned()).or_default();
        let (taken, full_at) = rate.take(*bucket, now);
        *bucket = full_at;
        taken
    }

    fn put(&mut self, key: &str, value: Vec<u8>, until: Instant, now: Instant) {
        if self.values.len() > self.clear_values_at {
            self.values.retain(|_, (until, _)| *until > now);
            self.clear_values_at = (self.values.len() * 2).max(CLEAR_ABOVE);
        }
        self.values.insert(key.to_owned(), (until, value));
    }
}

impl Shared for Local {
    fn take<'a>(&'a self, key: &'a str, rate: Rate) -> Later<'a, Taken> {
        Box::pin(async move { self.held().take(key, rate, self.start.elapsed()) })
    }

    fn get<'a>(&'a self, key: &'a str) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let held = self.held();
            let (until, value) = held.values.get(key)?;
            (*until > Instant::now()).then(|| value.clone())
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Vec<u8>, ttl: Duration) -> Later<'a, ()> {
        let now = Instant::now();
        Box::pin(async move { self.held().put(key, value, now + ttl, now) })
    }

    fn remove<'a>(&'a self, key: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            self.held().values.remove(key);
        })
    }

    fn publish<'a>(&'a self, event: &'a Event) -> Later<'a, ()> {
        Box::pin(async move { self.tell(event.clone()) })
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.events.subscribe()
    }

    fn alive(&self) -> Later<'_, bool> {
        Box::pin(async { true })
    }

    fn name(&self) -> &'static str {
        "process"
    }
}
