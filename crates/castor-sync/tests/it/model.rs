//! The server as docs/SYNC.md describes it, in memory, and lines to it that cut, repeat and lose.

use castor_domain::review::Case;
use castor_sync::{SyncError, Transport};
use castor_wire::sync::{
    Lease, LeaseRequest, Outcome, PROTOCOL, PullAnswer, Pulled, Push, PushAnswer, Settled, SyncEvent, SyncState,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// The server.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    protocol: u16,
    order: Vec<SyncEvent>,
    outcomes: BTreeMap<String, Vec<Outcome>>,
    forms: BTreeMap<String, Case>,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            protocol: PROTOCOL,
            order: Vec::new(),
            outcomes: BTreeMap::new(),
            forms: BTreeMap::new(),
        }
    }
}

impl Model {
    /// A server that speaks one version alone.
    pub(crate) fn of_version(protocol: u16) -> Self {
        Self {
            protocol,
            ..Self::default()
        }
    }

    pub(crate) fn forms(&self) -> BTreeMap<String, Case> {
        self.forms.clone()
    }

    /// Events of a laptop that were settled.
    pub(crate) fn of(&self, client: &str) -> usize {
        self.outcomes.get(client).map_or(0, Vec::len)
    }

    fn next(&self, client: &str) -> u64 {
        self.of(client) as u64 + 1
    }

    fn push(&mut self, push: &Push) -> PushAnswer {
        let next = self.next(&push.client);
        let mut settled = Vec::new();
        if push.events.first().is_none_or(|first| first.counter > next) {
            return PushAnswer { next, settled };
        }
        for pushed in &push.events {
            let done = self.of(&push.client) as u64;
            if pushed.counter > done {
                let outcome = self.judge(&pushed.event);
                self.outcomes.entry(push.client.clone()).or_default().push(outcome);
            }
            let outcome = self.outcomes[&push.client][usize::try_from(pushed.counter - 1).unwrap()].clone();
            settled.push(Settled {
                counter: pushed.counter,
                outcome,
            });
        }
        PushAnswer {
            next: self.next(&push.client),
            settled,
        }
    }

    fn judge(&mut self, event: &SyncEvent) -> Outcome {
        if let Some(at) = self.order.iter().position(|known| known.id == event.id) {
            return Outcome::Accepted { global: at as u64 + 1 };
        }
        let recorded = event.recorded().unwrap();
        let mut case = self.forms.get(&event.form).cloned().unwrap_or_default();
        match case.apply(&recorded) {
            Ok(()) => {
                self.forms.insert(event.form.clone(), case);
                self.order.push(event.clone());
                Outcome::Accepted {
                    global: self.order.len() as u64,
                }
            }
            Err(refusal) => Outcome::Refused {
                code: refusal.code().to_owned(),
                message: refusal.to_string(),
            },
        }
    }

    fn pull(&self, after: u64, limit: u16) -> PullAnswer {
        let rest = self.order.iter().enumerate().skip(usize::try_from(after).unwrap());
        let events: Vec<Pulled> = rest
            .take(usize::from(limit))
            .map(|(at, event)| Pulled {
                global: at as u64 + 1,
                event: event.clone(),
            })
            .collect();
        let upto = events.last().map_or(after, |event| event.global);
        PullAnswer {
            more: upto < self.order.len() as u64,
            events,
            upto,
        }
    }
}

/// A line to the server.
pub(crate) struct Line {
    model: Arc<Mutex<Model>>,
    draw: Mutex<ChaCha8Rng>,
    bad: bool,
}

impl Line {
    pub(crate) fn good(model: Arc<Mutex<Model>>) -> Self {
        Self {
            model,
            draw: Mutex::new(ChaCha8Rng::seed_from_u64(0)),
            bad: false,
        }
    }

    /// Cuts some requests on their way, some answers on theirs, and delivers some requests twice.
    pub(crate) fn bad(model: Arc<Mutex<Model>>, seed: u64) -> Self {
        Self {
            model,
            draw: Mutex::new(ChaCha8Rng::seed_from_u64(seed)),
            bad: true,
        }
    }

    fn happens(&self, share: f64) -> bool {
        self.bad && self.draw.lock().unwrap().random_bool(share)
    }

    fn deliver<T>(&self, ask: impl Fn(&mut Model) -> T) -> Result<T, SyncError> {
        let cut = |what: &str| Err(SyncError::Unreachable(what.to_owned()));
        if self.happens(0.15) {
            return cut("the request was lost");
        }
        if self.happens(0.2) {
            ask(&mut self.model.lock().unwrap());
        }
        let answer = ask(&mut self.model.lock().unwrap());
        if self.happens(0.2) {
            return cut("the answer was lost");
        }
        Ok(answer)
    }

    /// How many events travel at once: few on a bad line, so that rounds are cut in the middle.
    fn few(&self, limit: u16) -> u16 {
        if self.bad {
            self.draw.lock().unwrap().random_range(1..=4)
        } else {
            limit
        }
    }
}

impl Transport for Line {
    async fn state(&self, client: &str) -> Result<SyncState, SyncError> {
        self.deliver(|model| SyncState {
            protocol: model.protocol,
            oldest: model.protocol,
            next: model.next(client),
            last: model.order.len() as u64,
        })
    }

    async fn push(&self, push: &Push) -> Result<PushAnswer, SyncError> {
        let mut push = push.clone();
        push.events.truncate(usize::from(self.few(u16::MAX)));
        self.deliver(|model| model.push(&push))
    }

    async fn pull(&self, _: &str, after: u64, limit: u16) -> Result<PullAnswer, SyncError> {
        let limit = self.few(limit);
        self.deliver(|model| model.pull(after, limit))
    }

    async fn lease(&self, _: &LeaseRequest) -> Result<Vec<Lease>, SyncError> {
        Ok(Vec::new())
    }
}
