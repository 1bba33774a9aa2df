//! What was done with a form, event by event, for those who audit.

use super::review::Said;
use super::user::limit;
use crate::config::Service;
use crate::envelope::{Answer, Params, Success, answer};
use crate::error::ApiError;
use crate::repo::sync::{self as log, Logged};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use crate::sync;
use axum::extract::State;
use castor_domain::review::{Event, Recorded, Round, Telling};
use castor_wire::event::kind;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    Routes::new().add(Access::Needs(Permission::ViewAudit), Limit::Work, routes!(list))
}

/// Of which form.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// The form's id: SHA-256 of its file.
    form: String,
    /// The place of the last one of the page before.
    before: Option<i64>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// An event of a form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FormEvent {
    /// Its place in the order of all events.
    place: i64,
    /// Its id, as the entries of the audit name it.
    event_id: String,
    /// What it is: `imported`, `read`, `cell`, `completed` and so on.
    event: String,
    /// When, by the writer's clock; milliseconds since 1970.
    at: i64,
    /// When the server took it in.
    #[serde(serialize_with = "crate::instant::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    received_at: OffsetDateTime,
    /// The name under which it was written; `castor` is the machine.
    by: String,
    /// The account that has this name.
    account: Option<Uuid>,
    /// The laptop that it came from; null where it came without one.
    laptop: Option<Uuid>,
    /// The cell that it is about.
    cell_id: Option<String>,
    /// What was said of the cell until then.
    before: Option<Said>,
    /// What is said from then on.
    after: Option<Said>,
    /// Why.
    reason: Option<String>,
    /// What the person wrote beside it.
    note: Option<String>,
}

/// What was done with a form, the latest first. While it is read a second time, and for good where settled cells are asked
/// again to know how well somebody reads, what was said of cells is not shown.
#[utoipa::path(get, path = "/api/review/events", tag = "review", params(Which), responses((status = 200, body = Success<Vec<FormEvent>>)))]
async fn list(State(server): State<Server>, Params(which): Params<Which>) -> Answer<Vec<FormEvent>> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let logged = log::log_of(&mut connection, &which.form).await?;
    // Asked for last: who may not be told by now is not told.
    let sealed = is_compared(&mut connection, &server, &which.form).await?;
    let mut telling = Telling::default();
    let mut events = Vec::with_capacity(logged.len());
    for one in logged {
        let recorded = one.event.recorded().map_err(|error| {
            tracing::error!(form = which.form, event = one.event.id, %error, "an event of the log is not understood");
            ApiError::internal()
        })?;
        events.push(told(&mut telling, one, &recorded, sealed));
    }
    let before = which.before.unwrap_or(i64::MAX);
    let page = events.into_iter().rev().filter(|event| event.place < before);
    answer(page.take(usize::try_from(limit(which.limit)).unwrap_or(0)).collect())
}

/// Whether two readings of the form are being made or compared.
async fn is_compared(connection: &mut PgConnection, server: &Server, form: &str) -> Result<bool, ApiError> {
    let stands = sync::form(connection, &server.cases, &[form.to_owned()]).await?;
    let round = stands
        .get(form)
        .map(|folded| folded.case.state().round())
        .ok_or_else(|| ApiError::not_found("form"))?;
    stands.keep(&server.cases);
    Ok(match round {
        Some(Round::Second | Round::Adjudication) => true,
        Some(Round::First) | None => false,
    })
}

fn told(telling: &mut Telling, logged: Logged, recorded: &Recorded, sealed: bool) -> FormEvent {
    let change = telling.next(recorded);
    let sealed = sealed || matches!(recorded.event, Event::Probe { .. });
    let said = change.as_ref().filter(|_| !sealed);
    FormEvent {
        place: logged.place,
        event_id: logged.event.id,
        event: kind(&recorded.event).to_owned(),
        at: logged.event.at,
        received_at: logged.received_at,
        by: logged.event.by,
        account: logged.account,
        laptop: Some(logged.client).filter(|client| *client != sync::OWN),
        cell_id: change.as_ref().map(|change| change.field.key()),
        before: said.and_then(|change| change.before).map(Said::of),
        after: said.and_then(|change| change.after).map(Said::of),
        reason: recorded.event.reason().map(ToOwned::to_owned),
        note: logged.note,
    }
}
