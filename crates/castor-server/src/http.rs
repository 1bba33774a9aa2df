//! What every request passes through: request id, log, figures, limits of size and time, headers, panics.

use crate::error::{ApiError, ErrorCode};
use crate::server::Server;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use metrics::{counter, histogram};
use std::any::Any;
use std::time::{Duration, Instant};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use tracing::Instrument;
use uuid::Uuid;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest silence within a body that is streamed.
const BODY_IDLE: Duration = Duration::from_secs(15);
/// What a request has beyond the server's time when another service answers it: that one has the same time, and says what was
/// late.
const PASSED_ON: Duration = Duration::from_secs(10);

/// When to come back to a server that was too slow.
const COME_BACK: Duration = Duration::from_secs(5);

/// Methods that have a name in the figures. Anybody may make up others: each would be a series more, without end.
const METHODS: [Method; 9] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
    Method::CONNECT,
    Method::TRACE,
];

/// Headers of every answer.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
];

/// Wraps the routes that are answered here and those that other services answer.
pub(crate) fn wrapped(here: Router<Server>, elsewhere: Router<Server>, server: &Server) -> Router {
    let time = server.config.request_timeout;
    let here = here
        .fallback(|| async { ApiError::new(ErrorCode::NotFound, "there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(ErrorCode::MethodNotAllowed, "this path has other methods")
        });
    layered(here, server, time).merge(layered(elsewhere, server, time + PASSED_ON))
}

fn layered(router: Router<Server>, server: &Server, time: Duration) -> Router {
    router
        .with_state(server.clone())
        .layer(DefaultBodyLimit::max(server.config.body_limit))
        .layer(RequestBodyTimeoutLayer::new(BODY_IDLE))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(to_its_end))
        .layer(from_fn_with_state(time, in_time))
        .layer(from_fn(observed))
        .layer(from_fn(with_headers))
}

#[allow(clippy::needless_pass_by_value)] // The layer hands it over.
fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    tracing::error!(panic = text.unwrap_or("(no text)"), "a handler panicked");
    ApiError::internal().into_response()
}

/// Lets what was begun come to its end, also when the client has gone or time is over: a database connection that is left
/// while a transaction begins keeps it open, and what the next requests write on it is undone with it.
async fn to_its_end(request: Request, next: Next) -> Response {
    let work = next.run(request).instrument(tracing::Span::current());
    match tokio::spawn(work).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%error, "a request did not come to its end");
            ApiError::internal().into_response()
        }
    }
}

/// The head of the answer within a time.
async fn in_time(State(time): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = "no answer in time; what was begun comes to its end, look before you try again";
            let late = ApiError::new(ErrorCode::TooSlow, message);
            late.retry_after(COME_BACK).into_response()
        }
    }
}

/// One line in the log and one mark in the figures for each request, under an id that the answer carries.
async fn observed(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let method = METHODS.into_iter().find(|known| known == request.method());
    let method = method.map_or_else(|| "other".to_owned(), |known| known.to_string());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("(none)", MatchedPath::as_str)
        .to_owned();
    let span = tracing::info_span!("request", id = id.to_str().unwrap_or_default(), method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status(), began.elapsed());
    span.in_scope(|| {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if status.is_server_error() {
            tracing::warn!(status = status.as_u16(), milliseconds, "answered");
        } else {
            tracing::info!(status = status.as_u16(), milliseconds, "answered");
        }
    });
    let labels = [
        ("method", method),
        ("route", route),
        ("status", status.as_u16().to_string()),
    ];
    counter!("castor_http_requests_total", &labels).increment(1);
    histogram!("castor_http_request_duration_seconds", &labels[..2]).record(took);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The gateway's id where it is a plain one, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let plain = |id: &&HeaderValue| {
        id.len() <= 64
            && !id.is_empty()
            && id
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    request
        .headers()
        .get(REQUEST_ID)
        .filter(plain)
        .cloned()
        .unwrap_or_else(|| {
            HeaderValue::from_str(&Uuid::now_v7().to_string()).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
        })
}

async fn with_headers(request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}
