//! What the processes of a server share for a while: counters of limits, cached values, events. In the process alone, or
//! in Redis for all of them.

mod local;
mod redis;

pub use local::Local;
pub use redis::Redis;

use crate::limit::{Rate, Taken};
use crate::role::Permission;
use metrics::counter;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::broadcast;

/// An answer that comes later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Something that happened, pushed to the desks that may know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// What happened, such as `review.changed`.
    pub kind: String,
    /// Who may know.
    pub audience: Permission,
    /// What belongs to it.
    pub body: serde_json::Value,
}

/// Memory that may be lost at any time without harm. None of it fails: an implementation that loses its other side falls
/// back to the process's own memory and says so in the log and in [`Shared::alive`].
pub trait Shared: Send + Sync {
    /// Takes one from a bucket.
    fn take<'a>(&'a self, key: &'a str, rate: Rate) -> Later<'a, Taken>;
    /// A value that was put and has not ended.
    fn get<'a>(&'a self, key: &'a str) -> Later<'a, Option<Vec<u8>>>;
    /// Keeps a value for a time.
    fn put<'a>(&'a self, key: &'a str, value: Vec<u8>, ttl: Duration) -> Later<'a, ()>;
    /// Forgets a value.
    fn remove<'a>(&'a self, key: &'a str) -> Later<'a, ()>;
    /// Tells every process.
    fn publish<'a>(&'a self, event: &'a Event) -> Later<'a, ()>;
    /// What is told from now on. A receiver that falls behind loses the oldest.
    fn subscribe(&self) -> broadcast::Receiver<Event>;
    /// Whether the other side answers.
    fn alive(&self) -> Later<'_, bool>;
    /// Its name, for the health page.
    fn name(&self) -> &'static str;
}

/// The value of the cache, or a new one that is then kept for a time. What cannot be read counts as absent.
///
/// # Errors
/// Those of making the value.
pub async fn cached<T, E>(
    shared: &dyn Shared,
    key: &str,
    ttl: Duration,
    make: impl Future<Output = Result<T, E>>,
) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
{
    let found = shared
        .get(key)
        .await
        .and_then(|value| serde_json::from_slice(&value).ok());
    if let Some(value) = found {
        counter!("castor_cache_hits_total").increment(1);
        return Ok(value);
    }
    counter!("castor_cache_misses_total").increment(1);
    let value = make.await?;
    match serde_json::to_vec(&value) {
        Ok(text) => shared.put(key, text, ttl).await,
        Err(error) => tracing::error!(%error, key, "a value cannot be cached"),
    }
    Ok(value)
}
