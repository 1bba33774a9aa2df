//! The outer form of every answer, and how bodies, queries and paths are read.

use crate::error::{ApiError, ErrorCode};
use crate::server::Server;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Json, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
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
        let read = Json::<T>::from_request(request, server);
        match tokio::time::timeout(server.config.body_timeout, read).await {
            Err(_) => Err(ApiError::new(ErrorCode::Timeout, "the body did not arrive in time")),
            Ok(Ok(Json(value))) => Ok(Self(value)),
            Ok(Err(rejection)) => Err(rejected_json(&rejection)),
        }
    }
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
