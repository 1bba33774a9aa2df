//! Pushes that come at the same time share one transaction: the order is held once, and the disk waited for once. While one
//! transaction is written, the next is prepared.

use super::draft::Stretch;
use super::fold::Look;
use super::push::{Prepared, finish, prepare, warm};
use super::work::Work;
use crate::config::Service;
use crate::error::ApiError;
use crate::repo::sync;
use crate::server::Server;
use crate::work::tell;
use castor_wire::sync::PushAnswer;
use metrics::histogram;
use sqlx::{Postgres, Transaction};
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{OwnedMutexGuard, oneshot};
use uuid::Uuid;

/// Events in one transaction: what waits meanwhile is understood while the database writes.
const MOST: usize = 2_000;
/// Names kept in memory.
const MOST_NAMES: usize = 10_000;

/// Pushes that wait for their turn.
#[derive(Default)]
pub(crate) struct Line {
    queue: Mutex<Queue>,
    /// Who prepares.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// Who writes, and what this process has written.
    pen: Arc<tokio::sync::Mutex<Stretch>>,
    /// Where the order ends when what is being written is.
    expected: AtomicI64,
    /// Names that are known to belong to somebody.
    names: Mutex<HashSet<String>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    busy: Busy,
}

/// Laptops and forms of which something is being written. What is prepared meanwhile is of others: so it cannot be made stale.
#[derive(Default)]
struct Busy {
    laptops: HashSet<Uuid>,
    forms: HashSet<String>,
}

impl Busy {
    fn has(&self, work: &Work) -> bool {
        self.laptops.contains(&work.client) || work.forms.iter().any(|form| self.forms.contains(form))
    }

    fn add(&mut self, work: &Work) {
        self.laptops.insert(work.client);
        self.forms.extend(work.forms.iter().cloned());
    }

    fn remove(&mut self, pushes: &[Waiting]) {
        for Waiting { work, .. } in pushes {
            self.laptops.remove(&work.client);
            for form in &work.forms {
                self.forms.remove(form);
            }
        }
    }
}

struct Waiting {
    work: Work,
    answer: Option<oneshot::Sender<Result<PushAnswer, ApiError>>>,
}

/// Pushes of one transaction, which count as busy as long as this lives.
struct Together {
    server: Server,
    pushes: Vec<Waiting>,
}

impl Together {
    fn works(&self) -> Vec<&Work> {
        self.pushes.iter().map(|one| &one.work).collect()
    }

    /// The next pushes; none where all that wait must wait for what is being written.
    fn next(server: &Server) -> Self {
        let mut queue = server.line.queue();
        let Queue { waiting, busy } = &mut *queue;
        let (mut pushes, mut left) = (Vec::new(), VecDeque::new());
        let (mut laptops, mut events) = (HashSet::new(), 0);
        // What is left behind is not overtaken by others of the same laptop or forms.
        let mut behind = Busy::default();
        for one in waiting.drain(..) {
            let fits = pushes.is_empty() || events + one.work.len() <= MOST;
            // Of each laptop one, since its next one depends on it.
            if fits && !busy.has(&one.work) && !behind.has(&one.work) && laptops.insert(one.work.client) {
                events += one.work.len();
                pushes.push(one);
            } else {
                behind.add(&one.work);
                left.push_back(one);
            }
        }
        *waiting = left;
        for Waiting { work, .. } in &pushes {
            busy.add(work);
        }
        drop(queue);
        Self {
            server: server.clone(),
            pushes,
        }
    }

    /// Lets go of laptops and forms; the pushes, whose memory may be given back when nobody waits.
    fn leave(mut self) -> Vec<Waiting> {
        self.server.line.queue().busy.remove(&self.pushes);
        std::mem::take(&mut self.pushes)
    }
}

impl Drop for Together {
    fn drop(&mut self) {
        self.server.line.queue().busy.remove(&self.pushes);
    }
}

impl Queue {
    fn waits(&self, laptop: Uuid) -> bool {
        self.waiting.iter().any(|one| one.work.client == laptop)
    }
}

impl Line {
    /// Whether pushes are being written.
    pub(crate) fn is_busy(&self) -> bool {
        !self.queue().busy.laptops.is_empty()
    }

    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives new names to the account that writes under them, before anybody waits for this push: two transactions that both make a
/// name would wait for each other.
async fn claim(server: &Server, work: &Work) -> Result<(), ApiError> {
    let new: BTreeSet<_> = {
        let known = server.line.names();
        work.names()
            .into_iter()
            .filter(|(name, _)| !known.contains(*name))
            .collect()
    };
    if new.is_empty() {
        return Ok(());
    }
    let mut connection = server.database(Service::E14)?.connection().await?;
    let owned = sync::authors(&mut connection, &new).await?;
    let mut known = server.line.names();
    if known.len() > MOST_NAMES {
        known.clear();
    }
    known.extend(owned.into_keys());
    Ok(())
}

/// Takes a push in together with those that wait already; its answer, once it is on the disk.
pub(crate) async fn take(server: &Server, work: Work) -> Result<PushAnswer, ApiError> {
    claim(server, &work).await?;
    warm(server.database(Service::E14)?, &server.cases, &work).await?;
    let lost = |_| Err(ApiError::internal());
    let laptop = work.client;
    let (answer, mut answered) = oneshot::channel();
    server.line.queue().waiting.push_back(Waiting {
        work,
        answer: Some(answer),
    });
    loop {
        // Whose turn it is takes the others along, so that the answer may come without a turn.
        let turn = tokio::select! {
            biased;
            answer = &mut answered => return answer.unwrap_or_else(lost),
            turn = Arc::clone(&server.line.turn).lock_owned() => turn,
        };
        let together = Together::next(server);
        if !together.pushes.is_empty() {
            // Not given up when this laptop hangs up: others wait for it too.
            tokio::spawn(carry(together, turn));
        } else if server.line.queue().waits(laptop) {
            drop(server.line.pen.lock().await);
        } else {
            drop(turn);
            return answered.await.unwrap_or_else(lost);
        }
    }
}

/// Writes pushes and answers them.
async fn carry(mut together: Together, turn: OwnedMutexGuard<()>) {
    let server = together.server.clone();
    let works = together.works();
    let ahead = ahead(&server, &works, Look::Quick).await;
    let mut pen = Arc::clone(&server.line.pen).lock_owned().await;
    // What comes next is prepared while this is written.
    drop(turn);
    let (answers, told) = match ahead {
        Err(error) => (vec![Err(error); works.len()], 0),
        Ok(ahead) => match written(&server, ahead, &mut pen).await {
            Ok(done) => done,
            // One that cannot be written, or holds what the log has already, must not keep the others from it.
            Err(error) => {
                tracing::warn!(%error, pushes = works.len(), "pushes could not be written together; each is written by itself");
                one_by_one(&server, &works, &mut pen).await
            }
        },
    };
    for (one, answer) in together.pushes.iter_mut().zip(answers) {
        // Who hung up asks again.
        let _ = one.answer.take().map(|to| to.send(answer));
    }
    // What follows may be of these laptops and forms as soon as it can have the pen.
    let done = together.leave();
    drop(pen);
    drop(done);
    if told > 0 {
        tell(&server, told).await;
    }
}

/// Pushes within the transaction that will write them.
struct Ahead<'a> {
    transaction: Transaction<'static, Postgres>,
    prepared: Result<Prepared<'a>, ApiError>,
}

async fn ahead<'a>(server: &Server, works: &[&'a Work], look: Look) -> Result<Ahead<'a>, ApiError> {
    let mut transaction = server.database(Service::E14)?.begin_writing().await?;
    let prepared = prepare(&mut transaction, &server.cases, works, look, &server.line.expected).await;
    Ok(Ahead { transaction, prepared })
}

type Answers = Vec<Result<PushAnswer, ApiError>>;

/// Writes what is prepared: the answers, and how many forms changed.
async fn written(server: &Server, ahead: Ahead<'_>, pen: &mut Stretch) -> Result<(Answers, usize), ApiError> {
    let Ahead {
        mut transaction,
        prepared,
    } = ahead;
    let began = Instant::now();
    let written = finish(&mut transaction, &server.cases, prepared?, *pen, &server.line.expected).await?;
    transaction.commit().await?;
    histogram!("castor_db_write_duration_seconds").record(began.elapsed());
    written.tally.count();
    *pen = written.ours;
    let forms = written.changed.forms().count();
    written.changed.keep(&server.cases);
    Ok((written.answers, forms))
}

async fn one_by_one(server: &Server, works: &[&Work], pen: &mut Stretch) -> (Answers, usize) {
    let (mut answers, mut forms) = (Vec::with_capacity(works.len()), 0);
    for work in works {
        let done = match ahead(server, &[work], Look::Careful).await {
            Ok(ahead) => written(server, ahead, pen).await,
            Err(error) => Err(error),
        };
        answers.push(done.and_then(|(mut answers, changed)| {
            forms += changed;
            answers.pop().unwrap_or_else(|| Err(ApiError::internal()))
        }));
    }
    (answers, forms)
}
