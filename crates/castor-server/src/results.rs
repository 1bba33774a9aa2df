//! Keeping the results up with the forms.

use crate::config::Service;
use crate::error::ApiError;
use crate::repo::result;
use crate::server::Server;
use std::time::{Duration, Instant};

/// Between two looks whether forms changed.
const EVERY: Duration = Duration::from_millis(500);
/// How long the database is left to pushes while there are any, in times of what a batch took.
const REST: u32 = 9;
/// Events taken in at a time; forms that several of them are about are added up once. Pushes wait for the processor as long as a
/// batch takes.
const BATCH: i64 = 2_000;

/// Takes forms that changed into the sums, until the server ends. Several processes may do so.
pub(crate) async fn keep_up(server: Server) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        loop {
            let began = Instant::now();
            match step(&server).await {
                Ok(0) => break,
                // While laptops push, most of the time is theirs: sums may be a moment late.
                Ok(_) if server.line.is_busy() => tokio::time::sleep(REST * began.elapsed()).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "results could not be brought up to date; trying again");
                    break;
                }
            }
        }
    }
}

async fn step(server: &Server) -> Result<usize, ApiError> {
    let database = server.database(Service::E14)?;
    let (upto, last) = result::state(&mut *database.connection().await?).await?;
    if upto >= last {
        return Ok(0);
    }
    // What is taken out of the sums, what comes in and what is noted of it must be of one moment, whatever is pushed meanwhile.
    let mut transaction = database.begin_still().await?;
    let taken = result::advance(&mut transaction, BATCH).await?;
    transaction.commit().await?;
    Ok(taken)
}
