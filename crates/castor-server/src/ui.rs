//! The console: the built interface's files, served at the server's own address.

use crate::error::{ApiError, ErrorCode};
use crate::server::Server;
use axum::Router;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use std::convert::Infallible;
use std::path::Path;
use tower::service_fn;
use tower_http::services::{ServeDir, ServeFile};

/// The page of the folder that is the console.
pub const PAGE: &str = "server.html";

/// Scripts, styles, pictures and questions of this server itself, and nothing from elsewhere or written into the page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// `/` and what it loads. Assets carry the hash of their content in their name; the page is asked for anew each time.
pub(crate) fn routes(folder: &Path) -> Router<Server> {
    let missing = service_fn(|_| async {
        let error = ApiError::new(ErrorCode::NotFound, "there is nothing at this path");
        Ok::<_, Infallible>(error.into_response())
    });
    let assets = ServeDir::new(folder.join("assets"))
        .append_index_html_on_directories(false)
        .fallback(missing);
    let page = Router::new()
        .route_service("/", ServeFile::new(folder.join(PAGE)))
        .route_service("/castor.svg", ServeFile::new(folder.join("castor.svg")))
        .layer(map_response(|response| async { with(response, "no-cache") }));
    let assets = Router::new()
        .nest_service("/assets", assets)
        .layer(map_response(|response: Response| async {
            let found = response.status().is_success();
            with(
                response,
                if found {
                    "public, max-age=31536000, immutable"
                } else {
                    "no-store"
                },
            )
        }));
    page.merge(assets)
}

fn with(mut response: Response, cache: &'static str) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}
