//! Figures for Prometheus.

use crate::audit::Action;
use crate::config::Service;
use crate::error::ApiError;
use crate::repo::{form, job};
use crate::role::Role;
use crate::route::Limit;
use crate::server::{Server, ServerError};
use castor_ingest::Source;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Seconds; the targets of the objectives (0.05, 0.1, 0.25, 0.5, 1.5, 2, 3, 5) are among them.
const REQUEST_BUCKETS: [f64; 13] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0];
/// Seconds, of reading one form.
const OCR_BUCKETS: [f64; 8] = [5.0, 15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0];

/// Seconds, of taking one file in.
const INGESTION_BUCKETS: [f64; 7] = [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0];
/// Seconds, of waiting for a worker; draining a backlog may take an hour and a half.
const WAIT_BUCKETS: [f64; 8] = [1.0, 5.0, 15.0, 60.0, 300.0, 1_200.0, 2_400.0, 5_400.0];
/// Lowest confidence of a form's cells.
const CONFIDENCE_BUCKETS: [f64; 8] = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99];
/// Bytes of a file.
const SIZE_BUCKETS: [f64; 6] = [1e4, 1e5, 5e5, 1e6, 5e6, 1e7];

/// Between two questions to the dependencies, however often the page is read.
const ASK_EVERY: Duration = Duration::from_secs(5);
/// Between two tidyings of what was measured: until then each measurement is kept by itself.
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// How long the database is asked for what waits; Prometheus itself waits 10 seconds for the page.
const PATIENCE: Duration = Duration::from_secs(5);

static RECORDER: Mutex<Option<PrometheusHandle>> = Mutex::new(None);
/// The server of this process, and when its dependencies were last asked.
static ASKED: Mutex<Option<(Uuid, Instant)>> = Mutex::new(None);

/// The process's one recorder, installed when it is first asked for.
pub(crate) fn recorder() -> Result<PrometheusHandle, ServerError> {
    let mut installed = RECORDER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let failed = |error: &dyn std::fmt::Display| ServerError::Metrics(error.to_string());
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full("castor_ocr_duration_seconds".to_owned()), &OCR_BUCKETS)
        .and_then(|b| {
            b.set_buckets_for_metric(
                Matcher::Full("castor_ingestion_duration_seconds".to_owned()),
                &INGESTION_BUCKETS,
            )
        })
        .and_then(|b| {
            b.set_buckets_for_metric(Matcher::Full("castor_ocr_queue_wait_seconds".to_owned()), &WAIT_BUCKETS)
        })
        .and_then(|b| b.set_buckets_for_metric(Matcher::Full("castor_ocr_confidence".to_owned()), &CONFIDENCE_BUCKETS))
        .and_then(|b| {
            b.set_buckets_for_metric(
                Matcher::Full("castor_ingestion_file_size_bytes".to_owned()),
                &SIZE_BUCKETS,
            )
        })
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &REQUEST_BUCKETS))
        .map_err(|error| failed(&error))?
        .install_recorder()
        .map_err(|error| failed(&error))?;
    describe();
    begin();
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
    describe_histogram!("castor_authz_duration_seconds", "Knowing who asks and whether they may");
    describe_counter!("castor_authz_denied_total", "Requests that a role does not allow");
    describe_counter!("castor_rate_limit_hits_total", "Requests above a limit");
    describe_counter!("castor_audit_events_total", "Entries of the audit log");
    describe_counter!("castor_cache_hits_total", "Values found in the cache");
    describe_counter!("castor_cache_misses_total", "Values not found in the cache");
    describe_gauge!("castor_db_connections_active", "Connections in use, by service");
    describe_counter!("castor_ingestion_requests_total", "Files given, by source");
    describe_counter!("castor_ingestion_errors_total", "Files that were not taken in, by code");
    describe_histogram!(
        "castor_ingestion_duration_seconds",
        "Looking a file over, storing and noting it"
    );
    describe_histogram!("castor_ingestion_file_size_bytes", "Sizes of files taken in");
    describe_histogram!(
        "castor_ocr_duration_seconds",
        "Reading one form, with fetching its file from the store"
    );
    describe_histogram!("castor_ocr_queue_wait_seconds", "From being queued to being taken");
    describe_histogram!("castor_ocr_confidence", "Lowest confidence of a form's cells");
    describe_counter!("castor_ocr_pages_total", "Pages read");
    describe_counter!("castor_ocr_errors_total", "Readings that failed, by code");
    describe_counter!("castor_ocr_needs_review_total", "Forms read with cells for a person");
    describe_gauge!("castor_ocr_workers_active", "Readings under way in this process");
    describe_gauge!("castor_ocr_queue_depth", "Jobs that wait, over all processes");
    describe_gauge!("castor_forms_pending_total", "Forms that wait for a person");
    describe_counter!("castor_forms_received_total", "Forms new to the log");
    describe_counter!("castor_forms_processed_total", "Forms read");
    describe_counter!(
        "castor_forms_validated_total",
        "Reviews that somebody ended, on desks or through the server"
    );
    describe_counter!("castor_validation_executions_total", "Forms checked after reading");
    describe_counter!(
        "castor_validation_alerts_total",
        "Failed checks after reading, by code and severity"
    );
    describe_counter!(
        "castor_corrections_total",
        "Cells corrected or confirmed, on desks or through the server"
    );
    describe_counter!(
        "castor_sync_events_total",
        "Events that desks sent, each counted once, by what became of them"
    );
    describe_counter!(
        "castor_sync_files_total",
        "Files that desks sent to their end, by whether their bytes are those of their hash"
    );
    describe_histogram!(
        "castor_db_write_duration_seconds",
        "Writing what desks sent, several pushes together, with the commit"
    );
    describe_gauge!("castor_dependency_up", "1 when a dependency answers");
    describe_gauge!("castor_disk_used_ratio", "How full the disk of the data folder is");
    describe_gauge!("castor_circuit_open", "1 when a service is not asked because it failed");
}

/// Counters begin at none where their labels are known: what is born with its first event has not increased by it.
fn begin() {
    for name in [
        "castor_ocr_pages_total",
        "castor_ocr_needs_review_total",
        "castor_forms_received_total",
        "castor_forms_processed_total",
        "castor_forms_validated_total",
        "castor_validation_executions_total",
        "castor_corrections_total",
    ] {
        counter!(name).absolute(0);
    }
    for outcome in ["ok", "refused"] {
        counter!("castor_auth_attempts_total", "outcome" => outcome).absolute(0);
    }
    for outcome in ["accepted", "refused"] {
        counter!("castor_sync_events_total", "outcome" => outcome).absolute(0);
    }
    for outcome in ["whole", "differs"] {
        counter!("castor_sync_files_total", "outcome" => outcome).absolute(0);
    }
    for role in Role::ALL {
        counter!("castor_authz_denied_total", "role" => role.name()).absolute(0);
    }
    for limit in [Limit::Default, Limit::Auth, Limit::Work] {
        counter!("castor_rate_limit_hits_total", "limit" => limit.name()).absolute(0);
    }
    for action in Action::ALL {
        counter!("castor_audit_events_total", "action" => action.name()).absolute(0);
    }
    for source in Source::ALL {
        counter!("castor_ingestion_requests_total", "source" => source.name()).absolute(0);
    }
}

/// Adds up what was measured, whether or not anybody reads the page.
pub(crate) async fn keep_small(server: Server) {
    loop {
        tokio::time::sleep(TIDY_EVERY).await;
        server.metrics.run_upkeep();
    }
}

/// The page that Prometheus reads.
pub(crate) async fn page(server: &Server) -> String {
    let ask = async {
        if is_time(server.worker, Instant::now()) {
            crate::api::own_checks(server).await;
        }
    };
    let ((), waiting) = tokio::join!(ask, tokio::time::timeout(PATIENCE, waiting(server)));
    // Without the database the rest is shown all the same.
    if let Ok(Ok(waiting)) = waiting {
        gauge!("castor_ocr_queue_depth").set(float(waiting.0));
        gauge!("castor_forms_pending_total").set(float(waiting.1));
    }
    for (service, database) in server.databases() {
        let (open, idle) = database.connections();
        gauge!("castor_db_connections_active", "service" => service.name()).set(f64::from(open.saturating_sub(idle)));
    }
    server.circuits.show();
    server.metrics.run_upkeep();
    server.metrics.render()
}

/// Whether the dependencies of a server are asked again; if so, that counts as done.
fn is_time(server: Uuid, now: Instant) -> bool {
    let mut asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let lately = asked.is_some_and(|(of, at)| of == server && now.saturating_duration_since(at) < ASK_EVERY);
    if !lately {
        *asked = Some((server, now));
    }
    !lately
}

/// Jobs that wait for a worker, and forms that wait for a person.
async fn waiting(server: &Server) -> Result<(i64, i64), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    Ok((
        job::waiting(&mut connection).await?,
        form::waiting(&mut connection).await?,
    ))
}

fn float(number: i64) -> f64 {
    u32::try_from(number).map_or(f64::INFINITY, f64::from)
}
