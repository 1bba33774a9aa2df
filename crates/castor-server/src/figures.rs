//! Figures for Prometheus.

use crate::server::{Server, ServerError};
use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};

/// Seconds; the targets of the objectives (0.05, 0.1, 0.25, 0.5, 1.5, 2, 3, 5) are among them.
const REQUEST_BUCKETS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
/// Seconds, of reading one form.
const OCR_BUCKETS: [f64; 8] = [5.0, 15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0];

static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// The process's one recorder, installed when it is first asked for.
pub(crate) fn recorder() -> Result<PrometheusHandle, ServerError> {
    let mut installed = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let failed = |error: &dyn std::fmt::Display| ServerError::Metrics(error.to_string());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("castor_ocr_duration_seconds".to_owned()), &OCR_BUCKETS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &REQUEST_BUCKETS))
        .map_err(|error| failed(&error))?
        .install_recorder()
        .map_err(|error| failed(&error))?;
    describe();
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe() {
    describe_histogram!(
        "castor_http_request_duration_seconds",
        "From the head of the request to the head of the answer"
    );
    describe_counter!("castor_http_requests_total", "Requests by method, route and status");
    describe_counter!("castor_auth_attempts_total", "Sign-ins by outcome");
    describe_histogram!("castor_auth_duration_seconds", "Time of a sign-in");
    describe_counter!("castor_authz_denied_total", "Requests that a role does not allow");
    describe_counter!("castor_rate_limit_hits_total", "Requests above a limit");
    describe_counter!("castor_audit_events_total", "Entries of the audit log");
    describe_counter!("castor_cache_hits_total", "Values found in the cache");
    describe_counter!("castor_cache_misses_total", "Values not found in the cache");
    describe_gauge!("castor_db_connections_active", "Connections in use, by service");
    describe_gauge!("castor_dependency_up", "1 when a dependency answers");
    describe_gauge!("castor_circuit_open", "1 when a service is not asked because it failed");
}

/// The page that Prometheus reads.
pub(crate) fn page(server: &Server) -> String {
    for (service, database) in server.databases() {
        let (open, idle) = database.connections();
        gauge!("castor_db_connections_active", "service" => service.name()).set(f64::from(open.saturating_sub(idle)));
    }
    server.metrics.run_upkeep();
    server.metrics.render()
}
