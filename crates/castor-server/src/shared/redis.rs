//! Shared memory in Redis. When Redis is lost, the process's own memory stands in until it is back.

use super::{Event, Later, Local, Shared};
use crate::limit::{Rate, Taken};
use futures_util::StreamExt;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{AsyncCommands, Client, Msg, RedisError, Script, Value};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, broadcast};
use tokio::task::AbortHandle;

const PREFIX: &str = "castor:";
const CHANNEL: &str = "castor:events";
/// Longer than this, and the process goes on alone.
const PATIENCE: Duration = Duration::from_millis(500);
/// Between two attempts to listen again.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);
/// Between two attempts to reach Redis once it did not answer. Nothing is asked of it meanwhile.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// Between two signs of life that a connection which only listens asks for: a way that was cut without a word looks like
/// one on which nothing happens.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// Time for it.
const LIFE_PATIENCE: Duration = Duration::from_secs(2);

/// Moves a bucket on by one, all in Redis's own time; the same arithmetic as [`Rate::take`], in microseconds.
const TAKE: &str = "
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = tonumber(redis.call('GET', KEYS[1]) or '0')
local after = math.max(full_at, now) + ARGV[1]
if after <= now + ARGV[1] * ARGV[2] then
    redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1)
end
return {string.format('%.0f', full_at), string.format('%.0f', now)}
";

/// Redis, with the process's own memory behind it.
pub struct Redis {
    connection: ConnectionManager,
    take: Script,
    local: Arc<Local>,
    way: Arc<Way>,
    tasks: [AbortHandle; 2],
}

/// Whether Redis answers.
struct Way {
    up: AtomicBool,
    lost: Notify,
}

impl Redis {
    /// Reaches Redis when it is first used, and listens to events from now on. Must be called within a runtime.
    ///
    /// # Errors
    /// The URL is not one of Redis.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        Self::with_patience(url, PATIENCE)
    }

    /// The same with so much time for each answer, before the process goes on alone.
    ///
    /// # Errors
    /// As [`Redis::new`].
    pub fn with_patience(url: &str, patience: Duration) -> Result<Self, RedisError> {
        let client = Client::open(url)?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience))
            .set_number_of_retries(1)
            .set_max_delay(LISTEN_AGAIN);
        let connection = client.get_connection_manager_lazy(config)?;
        let local = Arc::new(Local::default());
        let way = Arc::new(Way {
            up: AtomicBool::new(true),
            lost: Notify::new(),
        });
        let listener = tokio::spawn(listen(client, Arc::clone(&local)));
        let finder = tokio::spawn(find_again(connection.clone(), Arc::clone(&way)));
        Ok(Self {
            connection,
            take: Script::new(TAKE),
            local,
            way,
            tasks: [listener.abort_handle(), finder.abort_handle()],
        })
    }

    /// What Redis answered, or nothing when it does not; the change is logged once. Once it did not answer nobody waits for it
    /// until it was found again.
    async fn ask<T>(&self, question: impl Future<Output = Result<T, RedisError>>) -> Option<T> {
        if !self.way.up.load(Ordering::Relaxed) {
            return None;
        }
        match within(PATIENCE, question).await {
            Ok(value) => Some(value),
            Err(error) => {
                if self.way.up.swap(false, Ordering::Relaxed) {
                    tracing::warn!(
                        error,
                        "Redis does not answer; limits, cache and events stay in this process"
                    );
                    self.way.lost.notify_one();
                }
                None
            }
        }
    }
}

async fn within<T>(time: Duration, question: impl Future<Output = Result<T, RedisError>>) -> Result<T, String> {
    match tokio::time::timeout(time, question).await {
        Ok(answered) => answered.map_err(|error| error.to_string()),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

/// Tries to reach Redis whenever it was lost, for all who would ask.
async fn find_again(mut connection: ConnectionManager, way: Arc<Way>) {
    loop {
        way.lost.notified().await;
        while within(PATIENCE, redis::cmd("PING").query_async::<()>(&mut connection))
            .await
            .is_err()
        {
            tokio::time::sleep(TRY_AGAIN).await;
        }
        way.up.store(true, Ordering::Relaxed);
        tracing::info!("Redis answers again");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Passes on what is published, and listens again whenever the connection ends.
async fn listen(client: Client, local: Arc<Local>) {
    loop {
        if let Err(error) = hear(&client, &local).await {
            tracing::debug!(error, "events in Redis are not heard now");
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

/// Passes on what is published, as long as the connection shows that it lives.
async fn hear(client: &Client, local: &Local) -> Result<(), String> {
    let (mut says, mut messages) = within(LIFE_PATIENCE, client.get_async_pubsub()).await?.split();
    within(LIFE_PATIENCE, says.subscribe(CHANNEL)).await?;
    let mut every = tokio::time::interval(SIGN_OF_LIFE);
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) => pass_on(&message, local),
                None => return Ok(()),
            },
            _ = every.tick() => within(LIFE_PATIENCE, says.ping::<Value>()).await.map(|_| ())?,
        }
    }
}

fn pass_on(message: &Msg, local: &Local) {
    match serde_json::from_slice::<Event>(message.get_payload_bytes()) {
        Ok(event) => local.tell(event),
        Err(error) => tracing::warn!(%error, "an event in Redis cannot be read"),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Shared for Redis {
    fn take<'a>(&'a self, key: &'a str, rate: Rate) -> Later<'a, Taken> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            let mut call = self.take.key(format!("{PREFIX}{key}"));
            call.arg(micros(rate.interval())).arg(rate.count);
            let asked = self.ask(call.invoke_async::<(u64, u64)>(&mut connection)).await;
            match asked {
                Some((full_at, now)) => rate.take(Duration::from_micros(full_at), Duration::from_micros(now)).0,
                None => self.local.take(key, rate).await,
            }
        })
    }

    fn get<'a>(&'a self, key: &'a str) -> Later<'a, Option<Vec<u8>>> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            match self
                .ask(connection.get::<_, Option<Vec<u8>>>(format!("{PREFIX}{key}")))
                .await
            {
                Some(value) => value,
                None => self.local.get(key).await,
            }
        })
    }

    fn put<'a>(&'a self, key: &'a str, value: Vec<u8>, ttl: Duration) -> Later<'a, ()> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            let milliseconds = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX).max(1);
            let put = connection.pset_ex::<_, _, ()>(format!("{PREFIX}{key}"), &value, milliseconds);
            if self.ask(put).await.is_none() {
                self.local.put(key, value, ttl).await;
            }
        })
    }

    fn remove<'a>(&'a self, key: &'a str) -> Later<'a, ()> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            self.ask(connection.del::<_, ()>(format!("{PREFIX}{key}"))).await;
            self.local.remove(key).await;
        })
    }

    fn publish<'a>(&'a self, event: &'a Event) -> Later<'a, ()> {
        Box::pin(async move {
            let sent = match serde_json::to_vec(event) {
                Ok(text) => {
                    let mut connection = self.connection.clone();
                    self.ask(connection.publish::<_, _, ()>(CHANNEL, text)).await
                }
                Err(error) => {
                    tracing::error!(%error, "an event cannot be written");
                    None
                }
            };
            if sent.is_none() {
                self.local.tell(event.clone());
            }
        })
    }

    fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.local.subscribe()
    }

    fn alive(&self) -> Later<'_, bool> {
        Box::pin(async move {
            let mut connection = self.connection.clone();
            self.ask(redis::cmd("PING").query_async::<()>(&mut connection))
                .await
                .is_some()
        })
    }

    fn name(&self) -> &'static str {
        "redis"
    }
}
