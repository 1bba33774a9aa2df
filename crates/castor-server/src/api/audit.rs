//! The audit log: shown by pages, taken out whole.

use super::user::limit;
use crate::audit::{Action, AuditEntry};
use crate::config::Service;
use crate::envelope::{Answer, Params, Success, answer};
use crate::error::ApiError;
use crate::field::Check;
use crate::guard::{Caller, Origin};
use crate::repo::audit::{self, Sought};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use utoipa::IntoParams;
use utoipa_axum::routes;
use uuid::Uuid;

/// Entries that are read at once for the file.
const AT_ONCE: i64 = 500;
/// First line of the file.
const COLUMNS: &str = "id,at,actor,actor_email,action,subject,subject_email,detail,address,request_id\r\n";

const VIEW: Access = Access::Needs(Permission::ViewAudit);
const TAKE_OUT: Access = Access::NeedsBoth(Permission::ViewAudit, Permission::ExportData);

pub(super) fn routes() -> Routes {
    Routes::new()
        .add(VIEW, Limit::Work, routes!(list))
        .add(TAKE_OUT, Limit::Default, routes!(export))
}

/// What the e14 service wrote down, which is in no database of the core where the two run apart.
pub(super) fn of_e14() -> Routes {
    Routes::new()
        .add(VIEW, Limit::Work, routes!(list_of_e14))
        .add(TAKE_OUT, Limit::Default, routes!(export_of_e14))
}

/// Which part of the log, by pages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct LogPage {
    /// Done by this account.
    actor: Option<Uuid>,
    /// Done to this account, session or lead.
    subject: Option<Uuid>,
    /// This action, or with a dot at its end those that begin so, such as `admin.`.
    action: Option<String>,
    /// At this instant or later, such as `2026-05-31T08:00:00-05:00`.
    #[serde(default, deserialize_with = "crate::instant::read_option")]
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<OffsetDateTime>,
    /// Before this instant.
    #[serde(default, deserialize_with = "crate::instant::read_option")]
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<OffsetDateTime>,
    /// The id of the last one of the page before.
    before: Option<i64>,
    /// How many, 1 to 100; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

impl LogPage {
    fn sought(&self) -> Result<Sought, ApiError> {
        let mut check = Check::default();
        check.optional_text("action", self.action.as_deref(), 60);
        check.done()?;
        Ok(Sought {
            actor: self.actor,
            subject: self.subject.map(|subject| subject.to_string()),
            action: self.action.clone(),
            from: self.from,
            to: self.to,
        })
    }
}

/// Who did what, the newest first.
#[utoipa::path(get, path = "/api/audit", tag = "audit", params(LogPage),
    responses((status = 200, body = Success<Vec<AuditEntry>>)))]
async fn list(State(server): State<Server>, Params(page): Params<LogPage>) -> Answer<Vec<AuditEntry>> {
    answer(shown(&server, Service::Core, &page).await?)
}

/// What was done at the e14 service, the newest first: the log of its database. Where that is not the core's too, entries have
/// ids of accounts and no addresses of mail, which the core alone knows.
#[utoipa::path(get, path = "/api/e14/audit", tag = "audit", params(LogPage),
    responses((status = 200, body = Success<Vec<AuditEntry>>)))]
async fn list_of_e14(State(server): State<Server>, Params(page): Params<LogPage>) -> Answer<Vec<AuditEntry>> {
    answer(shown(&server, Service::E14, &page).await?)
}

async fn shown(server: &Server, of: Service, page: &LogPage) -> Result<Vec<AuditEntry>, ApiError> {
    let sought = page.sought()?;
    let mut connection = server.database(of)?.connection().await?;
    Ok(audit::list(&mut connection, &sought, page.before, limit(page.limit)).await?)
}

/// The same as a file for spreadsheets, whole, the newest first: `before` and `limit` say nothing here. That it was taken
/// out is its first entry.
#[utoipa::path(get, path = "/api/audit/export", tag = "audit", params(LogPage),
    responses((status = 200, body = String, content_type = "text/csv")))]
async fn export(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Params(page): Params<LogPage>,
) -> Result<Response, ApiError> {
    taken_out(server, Service::Core, &origin, caller, &page).await
}

/// The log of the e14 service as a file, as `/api/audit/export` gives the core's.
#[utoipa::path(get, path = "/api/e14/audit/export", tag = "audit", params(LogPage),
    responses((status = 200, body = String, content_type = "text/csv")))]
async fn export_of_e14(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Params(page): Params<LogPage>,
) -> Result<Response, ApiError> {
    taken_out(server, Service::E14, &origin, caller, &page).await
}

async fn taken_out(
    server: Server,
    of: Service,
    origin: &Origin,
    caller: Caller,
    page: &LogPage,
) -> Result<Response, ApiError> {
    let sought = page.sought()?;
    let mut connection = server.database(of)?.connection().await?;
    let detail = json!({ "action": page.action, "actor": page.actor, "subject": page.subject });
    let by = Some(caller.user);
    audit::write(&mut connection, Some(origin), by, Action::LogExported, None, detail).await?;
    drop(connection);
    let rest = stream::try_unfold(Some(None), move |next: Option<Option<i64>>| {
        let (server, sought) = (server.clone(), sought.clone());
        async move {
            let Some(before) = next else { return Ok(None) };
            let entries = entries(&server, of, &sought, before).await?;
            let lines: String = entries.iter().map(line).collect();
            Ok::<_, ApiError>((!entries.is_empty()).then(|| (lines, Some(entries.last().map(|last| last.id)))))
        }
    });
    let head = stream::once(async { Ok::<_, ApiError>(COLUMNS.to_owned()) });
    let name = match of {
        Service::Core | Service::Dashboard => "castor-audit.csv",
        Service::E14 => "castor-audit-e14.csv",
    };
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    let body = Body::from_stream(futures_util::StreamExt::chain(head, rest));
    Ok((headers, body).into_response())
}

/// A connection is held for one stretch alone: whoever reads slowly keeps none.
async fn entries(
    server: &Server,
    of: Service,
    sought: &Sought,
    before: Option<i64>,
) -> Result<Vec<AuditEntry>, ApiError> {
    let mut connection = server.database(of)?.connection().await?;
    Ok(audit::list(&mut connection, sought, before, AT_ONCE).await?)
}

fn line(entry: &AuditEntry) -> String {
    let actor = entry.actor.map(|actor| actor.to_string());
    let detail = entry.detail.to_string();
    let at = crate::instant::text(entry.at).unwrap_or_default();
    let fields = [
        Some(at.as_str()),
        actor.as_deref(),
        entry.actor_email.as_deref(),
        Some(entry.action.as_str()),
        entry.subject.as_deref(),
        entry.subject_email.as_deref(),
        Some(detail.as_str()),
        entry.address.as_deref(),
        entry.request_id.as_deref(),
    ];
    let fields = fields.map(|field| quoted(field.unwrap_or_default()));
    format!("{},{}\r\n", entry.id, fields.join(","))
}

/// A text as one field (RFC 4180). Signs that a spreadsheet takes for a formula are put out of action.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        "'"
    } else {
        ""
    };
    if guard.is_empty() && !text.contains([',', '"', '\r', '\n']) {
        return text.to_owned();
    }
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
