//! One round of sync, and how long to wait before the next.

use crate::{SyncError, Transport};
use castor_store::Store;
use castor_wire::sync::{PROTOCOL, Pulled, Push, Pushed};
use std::time::Duration;

/// Events in one push or pull.
const BATCH: u16 = 500;

/// Bytes of events in one push, readings being large: few enough for a slow line within the time of one answer.
const BYTES: usize = 512 << 10;

/// What a round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Round {
    /// Own events that count now.
    pub accepted: usize,
    /// Own events that were refused.
    pub refused: usize,
    /// Events of others that came in.
    pub received: usize,
}

/// Sends what waits and takes in what is new, until both sides have everything.
///
/// # Errors
/// [`SyncError`]; what was done until then stays, and the next round goes on from there.
pub async fn round<T: Transport>(store: &Store, transport: &T) -> Result<Round, SyncError> {
    let client = store.client().await?;
    let mut done = Round::default();
    loop {
        let next = begin(store, transport, &client).await?;
        send(store, transport, &client, next, &mut done).await?;
        if receive(store, transport, &client, &mut done).await? == Received::Everything {
            return Ok(done);
        }
    }
}

/// Sends what waits, for an account that does not see the work of others.
///
/// # Errors
/// As [`round`].
pub async fn sending<T: Transport>(store: &Store, transport: &T) -> Result<Round, SyncError> {
    let client = store.client().await?;
    let mut done = Round::default();
    let next = begin(store, transport, &client).await?;
    send(store, transport, &client, next, &mut done).await?;
    Ok(done)
}

/// The counter that the server waits for, once both sides understand each other.
async fn begin<T: Transport>(store: &Store, transport: &T, client: &str) -> Result<u64, SyncError> {
    let state = transport.state(client).await?;
    if state.protocol < PROTOCOL || state.oldest > PROTOCOL {
        let message = format!(
            "SYNC_VERSION it speaks versions {} to {}, this program {PROTOCOL}",
            state.oldest, state.protocol
        );
        return Err(SyncError::Refused(message));
    }
    // A server that knows less than it once said was restored from a backup: what it forgot is sent and asked for again.
    store.forget_after(state.last).await?;
    Ok(state.next)
}

async fn send<T: Transport>(
    store: &Store,
    transport: &T,
    client: &str,
    mut next: u64,
    done: &mut Round,
) -> Result<(), SyncError> {
    loop {
        // From the counter that the server waits for, which a lost answer may have left behind the store's own view.
        let mut events = store.unsettled(next, u32::from(BATCH)).await?;
        keep_within(&mut events);
        let Some(first) = events.first().map(|event| event.counter) else {
            return Ok(());
        };
        let sent = events.len();
        let push = Push {
            protocol: PROTOCOL,
            client: client.to_owned(),
            events,
        };
        let answer = transport.push(&push).await?;
        if answer.settled.is_empty() {
            if answer.next >= first {
                return Err(SyncError::Unexpected(format!(
                    "nothing settled of {sent} events from {first}"
                )));
            }
            next = answer.next;
            continue;
        }
        let (accepted, refused) = store.settle(&answer.settled).await?;
        done.accepted += accepted;
        done.refused += refused;
        next = answer.next;
    }
}

/// Drops what a push has no room for; the first event always goes.
fn keep_within(events: &mut Vec<Pushed>) {
    let mut bytes = 0;
    let fit = events.iter().take_while(|pushed| {
        bytes += pushed.event.body.len();
        bytes <= BYTES
    });
    let fit = fit.count().max(1);
    events.truncate(fit);
}

/// How taking in ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Received {
    Everything,
    /// The server has another order than it once had: it was restored from a backup, and others have come since. Places
    /// from there on are forgotten; own events among them are sent again.
    OtherOrder,
}

async fn receive<T: Transport>(
    store: &Store,
    transport: &T,
    client: &str,
    done: &mut Round,
) -> Result<Received, SyncError> {
    let upto = store.received_upto().await?;
    // The last event that is here is asked for once more: it tells whether the server still has the same one there.
    let mut after = upto.saturating_sub(1);
    loop {
        let answer = transport.pull(client, after, BATCH).await?;
        if answer.upto < after || (answer.more && answer.upto == after) {
            return Err(SyncError::Unexpected(format!(
                "places after {after} end at {}",
                answer.upto
            )));
        }
        if after < upto && !same_at(store, upto, &answer.events).await? {
            let last = last_in_common(store, transport, client, upto).await?;
            store.forget_after(last).await?;
            return Ok(Received::OtherOrder);
        }
        // An account that does not see the last event is told of no place behind it.
        let reached = answer.upto.max(upto);
        done.received += store.receive(&answer.events, reached).await?;
        if !answer.more {
            return Ok(Received::Everything);
        }
        after = reached;
    }
}

/// Whether the event that the server shows at a place, if any, is the one that is known here. None is known where an own
/// event has another place by now.
async fn same_at(store: &Store, place: u64, events: &[Pulled]) -> Result<bool, SyncError> {
    let there = events.first().filter(|event| event.global == place);
    let here = store.at_place(place).await?;
    Ok(there.is_none_or(|there| here.as_deref() == Some(&there.event.id)))
}

/// The last place at which server and laptop have the same event. Orders that differ have their beginning in common.
async fn last_in_common<T: Transport>(
    store: &Store,
    transport: &T,
    client: &str,
    differs: u64,
) -> Result<u64, SyncError> {
    let (mut same, mut differs) = (0, differs);
    while differs - same > 1 {
        let middle = same + (differs - same) / 2;
        let answer = transport.pull(client, middle - 1, 1).await?;
        let there = answer.events.first().filter(|event| event.global == middle);
        let here = store.at_place(middle).await?;
        if here.zip(there).is_some_and(|(here, there)| here == there.event.id) {
            same = middle;
        } else {
            differs = middle;
        }
    }
    Ok(same)
}

/// Waits that double up to a limit, each drawn between nothing and its full length, so that laptops that lost the server
/// together do not come back together.
#[derive(Debug, Clone, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The first wait at most.
    const FIRST: Duration = Duration::from_secs(1);
    /// The longest wait.
    const LONGEST: Duration = Duration::from_secs(300);

    /// After a round that went well.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// After one that did not: how long to wait, with a draw in 0–1 and what the server asked for.
    pub fn wait(&mut self, draw: f64, asked: Option<u64>) -> Duration {
        let full = Self::FIRST
            .saturating_mul(1 << self.failures.min(16))
            .min(Self::LONGEST);
        self.failures = self.failures.saturating_add(1);
        full.mul_f64(draw.clamp(0.0, 1.0))
            .max(Duration::from_secs(asked.unwrap_or(0)))
    }
}
