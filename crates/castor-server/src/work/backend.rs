//! The queue as apalis takes it: one job at a time, when a place is free.

use super::job::Claimed;
use crate::config::Service;
use crate::error::ApiError;
use crate::repo::job as jobs;
use crate::server::Server;
use apalis_core::backend::finalize::Ephemeral;
use apalis_core::backend::{Backend, BackendConfig};
use apalis_core::task::Task;
use apalis_core::task::builder::TaskBuilder;
use apalis_core::task::task_id::TaskId;
use apalis_core::worker::context::WorkerContext;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tower::layer::util::Identity;
use uuid::Uuid;

/// Between two looks at an empty queue; a database that does not answer is asked as seldom.
const LOOK: Duration = Duration::from_millis(500);

/// What the queue does at the moment.
enum Doing {
    Nothing,
    /// Asks the database for a job.
    Looking(BoxFuture<'static, Option<Claimed>>),
    /// Waits before it asks again, or gives back what it took at the last moment.
    Waiting(BoxFuture<'static, ()>),
}

/// Where jobs come from.
pub(super) struct Queue {
    server: Server,
    model: Arc<str>,
    doing: Doing,
}

impl Queue {
    pub(super) fn new(server: Server, model: &str) -> Self {
        Self {
            server,
            model: model.into(),
            doing: Doing::Nothing,
        }
    }

    fn look(&self) -> BoxFuture<'static, Option<Claimed>> {
        let (server, model) = (self.server.clone(), Arc::clone(&self.model));
        async move {
            let taken = take(&server, &model).await;
            taken.unwrap_or_else(|error| {
                tracing::warn!(%error, "the queue does not answer; asking again");
                None
            })
        }
        .boxed()
    }
}

async fn take(server: &Server, model: &str) -> Result<Option<Claimed>, ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let taker = jobs::Taker {
        worker: server.worker,
        model,
    };
    Ok(jobs::take(&mut connection, &taker, &server.config.work.queue).await?)
}

async fn give_back(server: Server, claimed: Claimed) {
    let given = async {
        let mut connection = server.database(Service::E14)?.connection().await?;
        jobs::give_back(&mut connection, &claimed, server.worker).await?;
        Ok::<_, ApiError>(())
    };
    if let Err(error) = given.await {
        tracing::warn!(job = %claimed.id, %error, "a job could not be given back; it comes back by itself");
    }
}

impl Backend for Queue {
    type Task = Task<Claimed>;
    type Error = Infallible;

    fn poll_ready(&mut self, _: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Option<Result<Self::Task, Infallible>>> {
        loop {
            match &mut self.doing {
                Doing::Nothing => self.doing = Doing::Looking(self.look()),
                Doing::Looking(looking) => {
                    let taken = ready!(looking.poll_unpin(cx));
                    self.doing = Doing::Nothing;
                    if let Some(claimed) = taken {
                        let id = TaskId::String(claimed.id.to_string());
                        return Poll::Ready(Some(Ok(TaskBuilder::new(claimed).task_id(id).build())));
                    }
                    self.doing = Doing::Waiting(tokio::time::sleep(LOOK).boxed());
                }
                Doing::Waiting(waiting) => {
                    ready!(waiting.poll_unpin(cx));
                    self.doing = Doing::Nothing;
                }
            }
        }
    }

    /// A look that is under way is waited for, and a job that it took is given back.
    fn poll_close(&mut self, cx: &mut Context<'_>, _: &WorkerContext) -> Poll<Result<(), Infallible>> {
        if let Doing::Looking(looking) = &mut self.doing {
            let taken = ready!(looking.poll_unpin(cx));
            let server = self.server.clone();
            self.doing = match taken {
                Some(claimed) => Doing::Waiting(give_back(server, claimed).boxed()),
                None => Doing::Nothing,
            };
        }
        if let Doing::Waiting(waiting) = &mut self.doing {
            // At most one pause between two looks.
            ready!(waiting.poll_unpin(cx));
            self.doing = Doing::Nothing;
        }
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for Queue {
    type Args = Claimed;
    type Id = Uuid;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Identity {
        Identity::new()
    }
}
