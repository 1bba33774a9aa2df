//! Keeping the results up with the forms.

use crate::config::Service;
use crate::error::ApiError;
use crate::repo::result;
use crate::server::Server;
use std::time::Duration;

/// Between two looks whether forms changed.
const EVERY: Duration = Duration::from_millis(500);
/// Events taken in at a time.
const BATCH: i64 = 4_000;

/// Takes forms that changed into the sums, until the server ends. Several processes may do so.
pub(crate) async fn keep_up(server: Server) {
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        loop {
            match step(&server).await {
                Ok(0) => break,
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
    let mut transaction = database.begin().await?;
    let taken = result::advance(&mut transaction, BATCH).await?;
    transaction.commit().await?;
    Ok(taken)
}
