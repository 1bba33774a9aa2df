//! The OpenAPI document and a page to read it.

use crate::server::Server;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::SwaggerUi;

/// The page brings its own script and styles.
const POLICY: &str =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";

/// `/api/docs` and `/api/docs/openapi.json`.
pub(crate) fn routes(document: OpenApi) -> Router<Server> {
    let page = SwaggerUi::new("/api/docs").url("/api/docs/openapi.json", document);
    Router::from(page).layer(map_response(|mut response: Response| async {
        response
            .headers_mut()
            .insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        response
    }))
}
