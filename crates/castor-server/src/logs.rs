//! Structured logs: one JSON object a line, on standard error.

use tracing_subscriber::EnvFilter;

/// Begins logging. `CASTOR_LOG` chooses what, as in `info,castor_server=debug`; without it `info`.
///
/// # Errors
/// The filter cannot be read, or logging has begun already.
pub fn begin(filter: Option<&str>) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter.unwrap_or("info,sqlx=warn")).map_err(|error| error.to_string())?;
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .flatten_event(true)
        .with_span_list(false)
        .try_init()
        .map_err(|error| error.to_string())
}
