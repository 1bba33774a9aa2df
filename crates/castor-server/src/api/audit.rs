//! The audit log.

use super::user::limit;
use crate::audit::AuditEntry;
use crate::config::Service;
use crate::envelope::{Answer, Params, Success, answer};
use crate::repo::audit;
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::routes;

pub(super) fn routes() -> Routes {
    Routes::new().add(Access::Needs(Permission::ViewAudit), Limit::Default, routes!(list))
}

/// Which page of the log.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogPage {
    /// The id of the last one of the page before.
    before: Option<i64>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// Who did what, the newest first.
#[utoipa::path(get, path = "/api/audit", tag = "audit", params(LogPage),
    responses((status = 200, body = Success<Vec<AuditEntry>>)))]
async fn list(State(server): State<Server>, Params(page): Params<LogPage>) -> Answer<Vec<AuditEntry>> {
    let mut connection = server.database(Service::Core)?.connection().await?;
    answer(audit::list(&mut connection, page.before, limit(page.limit)).await?)
}
