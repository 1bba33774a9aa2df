//! The outer form of every answer, and how bodies, queries and paths are read.

use crate::error::{ApiError, ErrorCode};
use crate::server::Server;
use axum::body::Bytes;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

/// A good answer: `{"ok": true, "data": …}`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Success<T> {
    /// Always true.
    pub ok: bool,
    /// What was asked for.
    pub data: T,
}

/// What a handler gives back.
pub type Answer<T> = Result<Json<Success<T>>, ApiError>;

/// Wraps what was asked for.
///
/// # Errors
/// None: it is a `Result` so that a handler may end with it.
pub fn answer<T>(data: T) -> Answer<T> {
    Ok(Json(Success { ok: true, data }))
}

/// A good answer with another status than 200.
pub fn answer_with<T: Serialize>(status: StatusCode, data: T) -> Response {
    (status, Json(Success { ok: true, data })).into_response()
}

/// A JSON body, within the server's time and size.
pub struct Payload<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Server> for Payload<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, server: &Server) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            let message = "a body is JSON and says so: Content-Type: application/json";
            return Err(ApiError::new(ErrorCode::UnsupportedMediaType, message));
        }
        let read = Bytes::from_request(request, server);
        let body = tokio::time::timeout(server.config.body_timeout, read)
            .await
            .map_err(|_| ApiError::new(ErrorCode::Timeout, "the body did not arrive in time"))?
            .map_err(|rejection| rejected_json(&rejection.into()))?;
        // To know where in the body a fault is costs as much as reading it: asked only when there is one.
        serde_json::from_slice(&body)
            .map(Self)
            .or_else(|_| Json::from_bytes(&body).map(|Json(value)| Self(value)))
            .map_err(|rejection| rejected_json(&rejection))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    let subtype = essence.strip_prefix("application/");
    subtype.is_some_and(|subtype| subtype == "json" || subtype.ends_with("+json"))
}

fn rejected_json(rejection: &JsonRejection) -> ApiError {
    let code = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
        _ => ErrorCode::InvalidRequest,
    };
    ApiError::new(code, rejection.body_text())
}

/// A query string.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<Server> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, ApiError> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, server).await;
        read.map(|Query(value)| Self(value))
            .map_err(|rejection| invalid(rejection.body_text()))
    }
}

/// The variable parts of a path.
pub struct Segment<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Server> for Segment<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, server: &Server) -> Result<Self, ApiError> {
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, server).await;
        read.map(|Path(value)| Self(value))
            .map_err(|rejection| invalid(rejection.body_text()))
    }
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidRequest, message)
}
