//! Structured logs: one JSON object a line, on standard error; and, where a collector is named, the same spans to it.

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// Logs that run. Dropped, what a collector has not been sent yet is sent.
#[derive(Debug)]
#[must_use = "spans are sent as long as it lives"]
pub struct Logs(Option<SdkTracerProvider>);

impl Drop for Logs {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.0.take().map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last spans did not reach the collector");
        }
    }
}

/// Begins logging. `CASTOR_LOG` chooses what, as in `info,castor_server=debug`; without it `info`.
/// `OTEL_EXPORTER_OTLP_ENDPOINT` is the address of an OpenTelemetry collector that takes OTLP over HTTP, such as
/// `http://127.0.0.1:4318`; without it nothing is sent anywhere.
///
/// # Errors
/// The filter or the address cannot be read, or logging has begun already.
pub fn begin() -> Result<Logs, String> {
    let (filter, collector) = variables();
    let (subscriber, logs) = subscriber(filter.as_deref(), collector.as_deref())?;
    subscriber.try_init().map_err(|error| error.to_string())?;
    Ok(logs)
}

/// Whether logging could begin: reads the same variables and begins nothing.
///
/// # Errors
/// The filter or the address cannot be read.
pub fn look() -> Result<(), String> {
    let (filter, collector) = variables();
    subscriber(filter.as_deref(), collector.as_deref()).map(|_| ())
}

/// What is logged, and where spans are sent.
fn variables() -> (Option<String>, Option<String>) {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    (variable("CASTOR_LOG"), variable("OTEL_EXPORTER_OTLP_ENDPOINT"))
}

fn subscriber(
    filter: Option<&str>,
    collector: Option<&str>,
) -> Result<(impl tracing::Subscriber + Send + Sync, Logs), String> {
    let chosen = || {
        let chosen = EnvFilter::try_new(filter.unwrap_or("info,sqlx=warn"));
        chosen.map_err(|error| format!("CASTOR_LOG: {error}"))
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(std::io::stderr)
        .flatten_event(true)
        .with_span_list(false)
        .with_filter(chosen()?);
    let provider = collector.map(provider).transpose()?;
    let spans = match &provider {
        Some(provider) => {
            let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("castor"));
            Some(spans.with_filter(chosen()?))
        }
        None => None,
    };
    Ok((tracing_subscriber::registry().with(lines).with(spans), Logs(provider)))
}

/// Sends spans in batches, from a thread of its own: a collector that does not answer holds nothing up.
fn provider(collector: &str) -> Result<SdkTracerProvider, String> {
    // Another part of the program may have installed it already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", collector.trim_end_matches('/')))
        .build()
        .map_err(|error| format!("OTEL_EXPORTER_OTLP_ENDPOINT: {error}"))?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("castor").build())
        .build())
}

#[cfg(test)]
mod tests {
    use super::subscriber;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// Takes one request and says what was in it.
    fn collector() -> (String, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut request, mut piece) = (Vec::new(), [0; 4096]);
            while !request.windows(7).any(|window| window == b"reading") {
                let count = stream.read(&mut piece).unwrap();
                assert!(count > 0, "the request ended without the span");
                request.extend_from_slice(&piece[..count]);
            }
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                .unwrap();
            request
        });
        (address, heard)
    }

    #[test]
    fn spans_reach_the_collector_before_the_end() {
        let (address, heard) = collector();
        let (subscriber, logs) = subscriber(None, Some(&address)).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info_span!("reading").in_scope(|| tracing::info!("done"));
        });
        drop(logs);
        let request = heard.join().unwrap();
        assert!(request.starts_with(b"POST /v1/traces "));
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_named() {
        let error = subscriber(Some("no=such=filter"), None).err().unwrap();
        assert!(error.starts_with("CASTOR_LOG: "), "{error}");
    }
}
