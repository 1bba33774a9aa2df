//! Pushes that come at the same time share one transaction: the order is held once, and the disk waited for once.

use super::push::{Work, push, warm};
use crate::config::Service;
use crate::error::ApiError;
use crate::server::Server;
use crate::work::announce;
use castor_wire::sync::PushAnswer;
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Events in one transaction: what waits meanwhile is understood while the database writes.
const MOST: usize = 2_000;

/// Pushes that wait for their turn.
#[derive(Default)]
pub(crate) struct Line {
    waiting: Mutex<VecDeque<Waiting>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct Waiting {
    work: Work,
    answer: oneshot::Sender<Result<PushAnswer, ApiError>>,
}

impl Line {
    /// The next pushes: of each laptop one, since its next one depends on it.
    fn next(&self) -> Vec<Waiting> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut next, mut left) = (Vec::new(), VecDeque::new());
        let (mut laptops, mut events) = (HashSet::new(), 0);
        for one in waiting.drain(..) {
            let fits = next.is_empty() || events + one.work.len() <= MOST;
            if fits && laptops.insert(one.work.client) {
                events += one.work.len();
                next.push(one);
            } else {
                left.push_back(one);
            }
        }
        *waiting = left;
        next
    }
}

/// Takes a push in together with those that wait already; its answer, once it is on the disk.
pub(crate) async fn take(server: &Server, work: Work) -> Result<PushAnswer, ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    warm(&mut connection, &server.cases, &work).await?;
    drop(connection);
    let (answer, mut answered) = oneshot::channel();
    {
        let mut waiting = server.line.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(Waiting { work, answer });
    }
    loop {
        // Whose turn it is takes the others along, so that an answer may be here by now.
        let turn = Arc::clone(&server.line.turn).lock_owned().await;
        match answered.try_recv() {
            Ok(answer) => return answer,
            Err(oneshot::error::TryRecvError::Closed) => return Err(ApiError::internal()),
            Err(oneshot::error::TryRecvError::Empty) => {}
        }
        let next = server.line.next();
        let server = server.clone();
        // Not given up when this laptop hangs up: others wait for it too.
        let carried = tokio::spawn(async move {
            carry(&server, next).await;
            drop(turn);
        });
        carried.await.map_err(|_| ApiError::internal())?;
    }
}

async fn carry(server: &Server, next: Vec<Waiting>) {
    let all: Vec<&Work> = next.iter().map(|one| &one.work).collect();
    let answers = match commit(server, &all).await {
        Ok(answers) => answers,
        // One that cannot be written must not keep the others from it.
        Err(error) if all.len() > 1 => {
            tracing::warn!(%error, pushes = all.len(), "pushes could not be written together; each is written by itself");
            let mut answers = Vec::with_capacity(all.len());
            for work in all {
                let one = commit(server, &[work]).await;
                answers.push(one.and_then(|mut one| one.pop().unwrap_or_else(|| Err(ApiError::internal()))));
            }
            answers
        }
        Err(error) => vec![Err(error)],
    };
    for (one, answer) in next.into_iter().zip(answers) {
        // Who hung up asks again.
        let _ = one.answer.send(answer);
    }
}

async fn commit(server: &Server, pushes: &[&Work]) -> Result<Vec<Result<PushAnswer, ApiError>>, ApiError> {
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let (answers, changed) = push(&mut transaction, &server.cases, pushes).await?;
    transaction.commit().await?;
    if changed.forms().next().is_some() {
        announce(server, changed).await;
    }
    Ok(answers)
}
