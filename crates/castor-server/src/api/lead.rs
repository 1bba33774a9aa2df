//! People who ask for a demonstration.

use super::user::limit;
use crate::audit::{Action, is_new};
use crate::config::Service;
use crate::envelope::{Answer, Params, Payload, Segment, Success, answer, answer_with};
use crate::error::{ApiError, ErrorCode};
use crate::field::Check;
use crate::guard::{Caller, Origin};
use crate::lead::{Lead, LeadStatus, NewLead};
use crate::repo::{audit, lead as leads};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::routes;
use uuid::Uuid;

pub(super) fn routes() -> Routes {
    let administer = Access::Needs(Permission::Administer);
    Routes::new()
        .add(Access::Public, Limit::Auth, routes!(demo_request))
        .add(administer, Limit::Work, routes!(list))
        .add(administer, Limit::Work, routes!(count))
        .add(administer, Limit::Work, routes!(change, delete))
}

/// What the person gets back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Received {
    /// The request's id.
    id: Uuid,
}

/// Asks for a demonstration.
#[utoipa::path(post, path = "/api/leads/demo-request", tag = "leads", request_body = NewLead,
    responses((status = 201, body = Success<Received>)))]
async fn demo_request(State(server): State<Server>, Payload(new): Payload<NewLead>) -> Result<Response, ApiError> {
    let mut check = Check::default();
    check.text("first_name", &new.first_name, 100);
    check.text("last_name", &new.last_name, 100);
    check.email("email", &new.email);
    check.phone("phone", &new.phone, 7..=15, 7..=20);
    check.text("location", &new.location, 120);
    check.done()?;
    let mut connection = server.database(Service::Core)?.connection().await?;
    let lead = leads::insert(&mut connection, &new).await.map_err(|error| {
        let error = ApiError::from(error);
        if error.code() == ErrorCode::AlreadyExists {
            ApiError::new(
                ErrorCode::AlreadyExists,
                "a request with this e-mail address has been received already",
            )
        } else {
            error
        }
    })?;
    Ok(answer_with(StatusCode::CREATED, Received { id: lead.id }))
}

/// Which leads.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Those of this status alone.
    status: Option<LeadStatus>,
    /// The id of the last one of the page before.
    before: Option<Uuid>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// Leads, the newest first. That an account looks at them is written down, once an hour.
#[utoipa::path(get, path = "/api/leads", tag = "leads", params(Which), responses((status = 200, body = Success<Vec<Lead>>)))]
async fn list(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Params(which): Params<Which>,
) -> Answer<Vec<Lead>> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    if is_new(&server, Action::LeadsViewed, &caller.user.to_string()).await {
        let by = Some(caller.user);
        audit::write(&mut connection, Some(&origin), by, Action::LeadsViewed, None, json!({})).await?;
    }
    answer(leads::list(&mut connection, which.status, which.before, limit(which.limit)).await?)
}

/// Of which status.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfStatus {
    /// Of this status alone.
    status: Option<LeadStatus>,
}

/// How many.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Count {
    /// So many.
    pub(super) count: i64,
}

/// How many leads there are.
#[utoipa::path(get, path = "/api/leads/count", tag = "leads", params(OfStatus),
    responses((status = 200, body = Success<Count>)))]
async fn count(State(server): State<Server>, Params(of): Params<OfStatus>) -> Answer<Count> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(Count {
        count: leads::count(&mut connection, of.status).await?,
    })
}

/// How far the talk has come.
#[derive(Deserialize, ToSchema)]
pub(super) struct LeadChange {
    status: LeadStatus,
}

/// Notes how far the talk has come.
#[utoipa::path(patch, path = "/api/leads/{id}", tag = "leads", params(("id" = Uuid, Path)), request_body = LeadChange,
    responses((status = 200, body = Success<Lead>)))]
async fn change(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
    Payload(change): Payload<LeadChange>,
) -> Answer<Lead> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    let lead = leads::set_status(&mut transaction, id, change.status)
        .await?
        .ok_or_else(|| ApiError::not_found("lead"))?;
    let detail = json!({ "status": change.status });
    audit::write(
        &mut transaction,
        Some(&origin),
        Some(caller.user),
        Action::LeadChanged,
        Some(id),
        detail,
    )
    .await?;
    transaction.commit().await?;
    answer(lead)
}

/// What was deleted.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Deleted {
    /// Its id, which alone stays in the audit log.
    pub(super) id: Uuid,
}

/// Deletes a lead with all that the person wrote, for good.
#[utoipa::path(delete, path = "/api/leads/{id}", tag = "leads", params(("id" = Uuid, Path)),
    responses((status = 200, body = Success<Deleted>)))]
async fn delete(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(id): Segment<Uuid>,
) -> Answer<Deleted> {
    let mut transaction = server.database(Service::Core)?.begin().await?;
    if !leads::delete(&mut transaction, id).await? {
        return Err(ApiError::not_found("lead"));
    }
    let (by, action) = (Some(caller.user), Action::LeadDeleted);
    audit::write(&mut transaction, Some(&origin), by, action, Some(id), json!({})).await?;
    transaction.commit().await?;
    answer(Deleted { id })
}
