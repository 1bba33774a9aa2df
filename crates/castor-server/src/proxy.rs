//! The core's way to the other services: the seed's paths work on the core's port wherever the service runs.

use crate::breaker::{Circuit, Outcome};
use crate::config::Service;
use crate::error::{ApiError, ErrorCode};
use crate::guard::{Origin, guard};
use crate::route::{Access, Limit, Rule};
use crate::server::Server;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::any;
use futures_util::TryStreamExt;
use metrics::gauge;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// First parts of the paths of each service.
const PATHS: [(Service, &[&str]); 2] = [
    (
        Service::E14,
        &["e14", "pipeline", "queue", "review", "results", "sync", "blobs"],
    ),
    (
        Service::Dashboard,
        &[
            "media",
            "chat",
            "forecast",
            "campaign",
            "campaign-team",
            "team",
            "advisor",
        ],
    ),
];
/// Tries of a request that may be repeated.
const TRIES: u32 = 3;
/// Before the second try; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Headers that belong to one connection (RFC 9110, 7.6.1) and those that this server sets itself.
const NOT_PASSED_ON: [HeaderName; 10] = [
    header::CONNECTION,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("x-forwarded-for"),
];

/// The circuits to the other services.
#[derive(Debug, Default)]
pub struct Circuits(Mutex<BTreeMap<Service, Circuit>>);

impl Circuits {
    fn held(&self) -> MutexGuard<'_, BTreeMap<Service, Circuit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a service is left alone because it keeps failing.
    pub(crate) fn is_open(&self, service: Service) -> bool {
        matches!(self.held().get(&service), Some(Circuit::Open { .. }))
    }

    fn admit(&self, service: Service) -> Result<(), ApiError> {
        let mut held = self.held();
        let circuit = held.entry(service).or_default();
        *circuit = circuit
            .admit(Instant::now())
            .map_err(|wait| unavailable(service).retry_after(wait))?;
        Ok(())
    }

    fn note(&self, service: Service, outcome: Outcome) {
        let mut held = self.held();
        let circuit = held.entry(service).or_default();
        let after = circuit.after(outcome, Instant::now());
        let open = matches!(after, Circuit::Open { .. });
        if open && !matches!(circuit, Circuit::Open { .. }) {
            tracing::warn!(
                service = service.name(),
                "the service keeps failing; it is left alone for a minute"
            );
        }
        *circuit = after;
    }

    /// Shows which circuits are open, of services that were asked.
    pub(crate) fn show(&self) {
        for (service, circuit) in self.held().iter() {
            let open = matches!(circuit, Circuit::Open { .. });
            gauge!("castor_circuit_open", "service" => service.name()).set(if open { 1.0 } else { 0.0 });
        }
    }
}

/// Routes to the services that do not run in this process.
pub(crate) fn routes(server: &Server) -> Router<Server> {
    // The service itself knows what each of its routes needs and may cost; here, that the caller has an account.
    let rule = Rule {
        access: Access::SignedIn,
        limit: Limit::None,
    };
    let elsewhere = PATHS.into_iter().filter(|(service, _)| !server.config.runs(*service));
    let mut router = Router::new();
    for (service, paths) in elsewhere {
        let handler = move |State(server): State<Server>, origin: Origin, request: Request| async move {
            pass_on(&server, service, &origin, request).await
        };
        for path in paths {
            let handler = any(handler).layer(from_fn_with_state((server.clone(), rule), guard));
            router = router.route(&format!("/api/{path}/{{*rest}}"), handler);
        }
    }
    router
}

async fn pass_on(server: &Server, service: Service, origin: &Origin, request: Request) -> Result<Response, ApiError> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let url = format!("{}{path}", server.config.discovery.of(service));
    let method = request.method().clone();
    let headers = passed_on(request.headers(), origin);
    // A body that is streamed can be sent once.
    let may_repeat = matches!(method, Method::GET | Method::HEAD);
    let hung_up = Arc::new(AtomicBool::new(false));
    let mut body = (!may_repeat).then(|| {
        let hung_up = Arc::clone(&hung_up);
        let stream = request.into_body().into_data_stream();
        reqwest::Body::wrap_stream(stream.inspect_err(move |_| hung_up.store(true, Ordering::Relaxed)))
    });
    let mut pause = FIRST_PAUSE;
    for tried in 1.. {
        server.circuits.admit(service)?;
        let mut asked = server.passing.request(method.clone(), &url).headers(headers.clone());
        if let Some(body) = body.take() {
            asked = asked.body(body);
        }
        let answered = asked.send().await;
        let failed = answered.as_ref().map_or(true, |answer| is_fault(answer.status()));
        // Who hangs up within a body of their own says nothing of the service.
        if !hung_up.load(Ordering::Relaxed) {
            let outcome = if failed { Outcome::Failed } else { Outcome::Answered };
            server.circuits.note(service, outcome);
        }
        if failed && may_repeat && tried < TRIES {
            tokio::time::sleep(pause.mul_f64(0.5 + rand::random::<f64>())).await;
            pause *= 2;
            continue;
        }
        return answered.map(given_back).map_err(|error| {
            tracing::warn!(%error, service = service.name(), "the service does not answer");
            unavailable(service).retry_after(Duration::from_secs(2))
        });
    }
    Err(unavailable(service))
}

/// Whether an answer tells of the service itself: not of a host that a file was to come from, nor of what it has no room for.
fn is_fault(status: StatusCode) -> bool {
    [
        StatusCode::INTERNAL_SERVER_ERROR,
        StatusCode::SERVICE_UNAVAILABLE,
        StatusCode::GATEWAY_TIMEOUT,
    ]
    .contains(&status)
}

fn unavailable(service: Service) -> ApiError {
    let message = format!("the {} service does not answer; try again shortly", service.name());
    ApiError::new(ErrorCode::UpstreamUnavailable, message)
}

fn passed_on(headers: &HeaderMap, origin: &Origin) -> HeaderMap {
    let mut headers: HeaderMap = without_connection(headers);
    if let Ok(address) = HeaderValue::from_str(&origin.address.to_string()) {
        headers.insert("x-forwarded-for", address);
    }
    headers
}

fn without_connection(headers: &HeaderMap) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| !NOT_PASSED_ON.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn given_back(answer: reqwest::Response) -> Response {
    let (status, headers) = (answer.status(), without_connection(answer.headers()));
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
