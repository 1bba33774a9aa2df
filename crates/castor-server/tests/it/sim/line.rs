//! The way to the server, with what a bad line does to it.

use castor_sync::{HttpTransport, SyncError, Transport};
use castor_testkit::line::{Fate, Faults};
use castor_wire::sync::{Lease, LeaseRequest, PullAnswer, Push, PushAnswer, SyncState};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What is under way on all lines of one laptop: it outlives the round in which it was sent.
#[derive(Debug, Default)]
pub(crate) struct UnderWay {
    pushes: Vec<Push>,
    pulls: HashMap<u64, PullAnswer>,
}

/// One laptop's line to one server for one round.
pub(crate) struct Line<'a> {
    server: &'a HttpTransport,
    faults: Mutex<Faults>,
    under_way: &'a Mutex<UnderWay>,
}

fn cut<T>(what: &str) -> Result<T, SyncError> {
    Err(SyncError::Unreachable(what.to_owned()))
}

impl<'a> Line<'a> {
    pub(crate) fn new(server: &'a HttpTransport, faults: Faults, under_way: &'a Mutex<UnderWay>) -> Self {
        Self {
            server,
            faults: Mutex::new(faults),
            under_way,
        }
    }

    fn faults(&self) -> std::sync::MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, UnderWay> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn deliver<T, F>(&self, fate: Fate, ask: impl Fn() -> F + Send + Sync) -> Result<T, SyncError>
    where
        T: Send,
        F: Future<Output = Result<T, SyncError>> + Send,
    {
        match fate {
            Fate::Arrives | Fate::AgainLater | Fate::Stale => ask().await,
            Fate::Late(wait) => {
                tokio::time::sleep(wait).await;
                ask().await
            }
            Fate::RequestLost => cut("the request was lost"),
            Fate::AnswerLost => {
                let _ = ask().await;
                cut("the answer was lost")
            }
            Fate::Cut(after) => tokio::time::timeout(after, ask())
                .await
                .unwrap_or_else(|_| cut("the line was cut")),
            Fate::Twice => {
                let _ = ask().await;
                ask().await
            }
            Fate::TwiceAtOnce => tokio::join!(ask(), ask()).1,
        }
    }

    /// Delivers what was held back, behind whatever was sent since.
    pub(crate) async fn catch_up(&self) {
        let pushes = std::mem::take(&mut self.under_way().pushes);
        for push in pushes {
            let _ = self.server.push(&push).await;
        }
    }
}

impl Transport for Line<'_> {
    async fn state(&self, client: &str) -> Result<SyncState, SyncError> {
        let fate = self.faults().fate();
        self.deliver(fate, || self.server.state(client)).await
    }

    async fn push(&self, push: &Push) -> Result<PushAnswer, SyncError> {
        let (fate, part, late) = {
            let mut faults = self.faults();
            (faults.fate(), faults.part(u16::MAX), faults.fate() == Fate::AgainLater)
        };
        if late {
            self.catch_up().await;
        }
        let mut push = push.clone();
        push.events.truncate(usize::from(part));
        if fate == Fate::AgainLater {
            self.under_way().pushes.push(push.clone());
        }
        self.deliver(fate, || self.server.push(&push)).await
    }

    async fn pull(&self, client: &str, after: u64, limit: u16) -> Result<PullAnswer, SyncError> {
        let (fate, limit) = {
            let mut faults = self.faults();
            (faults.fate(), faults.part(limit))
        };
        if fate == Fate::Stale {
            let former = self.under_way().pulls.get(&after).cloned();
            if let Some(former) = former {
                return Ok(former);
            }
        }
        let answer = self.deliver(fate, || self.server.pull(client, after, limit)).await?;
        self.under_way().pulls.insert(after, answer.clone());
        Ok(answer)
    }

    async fn lease(&self, request: &LeaseRequest) -> Result<Vec<Lease>, SyncError> {
        let fate = self.faults().fate();
        self.deliver(fate, || self.server.lease(request)).await
    }
}

/// Waits until the server answers.
pub(crate) async fn reached(server: &HttpTransport) {
    for _ in 0..6_000 {
        if server.state(&uuid::Uuid::nil().to_string()).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the server that was started again does not answer");
}
