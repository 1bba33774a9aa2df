//! What services that run without the accounts hear of them: sessions that ended early and roles that changed. It goes
//! through the shared memory, which may be away at that moment or forget; so all of it is told again and again, for as long
//! as an access token of before can live.

use crate::config::Service;
use crate::error::ApiError;
use crate::repo::{session, user as users};
use crate::role::Role;
use crate::server::Server;
use futures_util::future::join_all;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

/// Between two times that everything is told again.
const AGAIN: Duration = Duration::from_secs(15);
/// Told at once. Roles are held until they are told.
const AT_ONCE: i64 = 200;
/// A transaction may end this long after the moment that it wrote down.
const SLACK: Duration = Duration::from_secs(60);

/// Tells the other services that sessions have ended, for as long as their last access tokens could live.
pub(crate) async fn tell_ended(server: &Server, sessions: &[Uuid]) {
    let life = server.config.access_ttl;
    let tell = async |session: &Uuid| server.shared.put(&ended_key(*session), b"ended".to_vec(), life).await;
    join_all(sessions.iter().map(tell)).await;
}

/// Tells the other services of an account's present role, for as long as a token with the former one can live.
pub(crate) async fn tell_role(server: &Server, user: Uuid) {
    if let Err(error) = tell_role_of(server, user).await {
        tracing::warn!(%error, %user, "the other services do not know yet of a role that was changed");
    }
}

async fn tell_role_of(server: &Server, user: Uuid) -> Result<(), ApiError> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    // Held until it is told: of two changes the one that was committed last is told last.
    if let Some(role) = users::hold_role(&mut transaction, user).await? {
        put_role(server, user, role).await;
    }
    transaction.commit().await?;
    Ok(())
}

async fn put_role(server: &Server, user: Uuid, role: Role) {
    let name = role.name().as_bytes().to_vec();
    server.shared.put(&role_key(user), name, server.config.access_ttl).await;
}

/// Whether it was told that a session has ended.
pub(crate) async fn has_ended(server: &Server, session: Uuid) -> bool {
    server.shared.get(&ended_key(session)).await.is_some()
}

/// The role of an account, where it was told that it changed.
///
/// # Errors
/// `INTERNAL` when what was told is no role.
pub(crate) async fn changed_role(server: &Server, user: Uuid) -> Result<Option<Role>, ApiError> {
    let Some(name) = server.shared.get(&role_key(user)).await else {
        return Ok(None);
    };
    let role = std::str::from_utf8(&name).ok().and_then(Role::parse);
    role.map(Some).ok_or_else(ApiError::internal)
}

/// Tells everything again, for ever.
pub(crate) async fn keep_telling(server: Server) {
    let mut every = tokio::time::interval(AGAIN);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every.tick().await;
    loop {
        every.tick().await;
        if !server.shared.alive().await {
            continue;
        }
        if let Err(error) = tell_again(&server).await {
            tracing::warn!(%error, "ended sessions and changed roles could not be told again; trying again later");
        }
    }
}

/// What was ended or changed before then need not be told any more: its last access tokens have ended by themselves.
pub(crate) fn still_told(server: &Server) -> OffsetDateTime {
    OffsetDateTime::now_utc() - server.config.access_ttl - SLACK
}

async fn tell_again(server: &Server) -> Result<(), ApiError> {
    let since = still_told(server);
    let mut after = None;
    loop {
        let sessions = {
            let mut connection = server.database(Service::Core)?.connection().await?;
            session::revoked_since(&mut connection, since, after, AT_ONCE).await?
        };
        tell_ended(server, &sessions).await;
        after = sessions.last().copied();
        if after.is_none() {
            break;
        }
    }
    loop {
        let mut transaction = server.database(Service::Core)?.begin().await?;
        let roles = users::hold_changed_roles(&mut transaction, since, after, AT_ONCE).await?;
        join_all(roles.iter().map(|(user, role)| put_role(server, *user, *role))).await;
        transaction.commit().await?;
        after = roles.last().map(|(user, _)| *user);
        if after.is_none() {
            return Ok(());
        }
    }
}

fn role_key(user: Uuid) -> String {
    format!("role-changed:{user}")
}

fn ended_key(session: Uuid) -> String {
    format!("session-ended:{session}")
}
