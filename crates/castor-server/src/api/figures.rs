//! The figures that an administrator looks at, read from those that Prometheus gets, so that both say the same.

use crate::envelope::{Answer, Success, answer};
use crate::exposition::{Histogram, Sample, Within, read};
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

pub(super) fn routes() -> Routes {
    Routes::new().add(Access::Needs(Permission::Administer), Limit::Work, routes!(figures))
}

/// What this process did since its start. What never happened yet is counted as none; times of nothing are unknown.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Figures {
    /// Seconds since the start.
    uptime: u64,
    /// Requests that were answered.
    requests: u64,
    /// Of these, with a fault of the server (5xx).
    faults: u64,
    /// Within what 95 of 100 requests were answered.
    p95: Option<Within>,
    /// Within what 99 of 100 were.
    p99: Option<Within>,
    /// Good sign-ins.
    signed_in: u64,
    /// Refused sign-ins.
    sign_ins_refused: u64,
    /// Requests that a role did not allow.
    denied: u64,
    /// Requests above a limit.
    limited: u64,
    /// Entries written to the audit log.
    audited: u64,
    /// Connections in use, by service.
    connections: Vec<Connections>,
}

/// Connections to one database.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Connections {
    /// Whose database.
    service: String,
    /// In use now.
    used: u32,
    /// As many there may be.
    most: u32,
}

/// What this process did since its start.
#[utoipa::path(get, path = "/api/health/figures", tag = "health", responses((status = 200, body = Success<Figures>)))]
async fn figures(State(server): State<Server>) -> Answer<Figures> {
    let page = crate::figures::page(&server).await;
    let samples = read(&page);
    let sum = |name: &str, of: &dyn Fn(&Sample<'_>) -> bool| {
        samples
            .iter()
            .filter(|sample| sample.name == name && of(sample))
            .filter_map(|sample| sample.value.parse::<u64>().ok())
            .sum()
    };
    let all = |_: &Sample<'_>| true;
    let outcome = |wanted: &'static str| move |sample: &Sample<'_>| sample.label("outcome") == Some(wanted);
    let took = Histogram::of(&samples, "castor_http_request_duration_seconds");
    let most = server.config.connections;
    let connections = server.databases().map(|(service, database)| {
        let (open, idle) = database.connections();
        Connections {
            service: service.name().to_owned(),
            used: open.saturating_sub(idle),
            most,
        }
    });
    answer(Figures {
        uptime: server.started.elapsed().as_secs(),
        requests: sum("castor_http_requests_total", &all),
        faults: sum("castor_http_requests_total", &|sample| {
            sample.label("status").is_some_and(|status| status.starts_with('5'))
        }),
        p95: took.within(0.95),
        p99: took.within(0.99),
        signed_in: sum("castor_auth_attempts_total", &outcome("ok")),
        sign_ins_refused: sum("castor_auth_attempts_total", &outcome("refused")),
        denied: sum("castor_authz_denied_total", &all),
        limited: sum("castor_rate_limit_hits_total", &all),
        audited: sum("castor_audit_events_total", &all),
        connections: connections.collect(),
    })
}
