//! The one closed list of what a client is told when something does not work.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Duration;
use utoipa::ToSchema;

/// Stable code of an error: clients match on it and take their text from their own catalogue. docs/SERVER.md lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// The request is malformed or a field breaks a rule.
    InvalidRequest,
    /// No token, or one that is malformed, expired, revoked or of another kind.
    Unauthenticated,
    /// E-mail or password wrong; the same for an unknown account.
    InvalidCredentials,
    /// The password is temporary: sign in with the next one beside it.
    PasswordChangeRequired,
    /// The caller's role does not allow it.
    Forbidden,
    /// Accounts are made by an administrator here.
    RegistrationClosed,
    /// Nothing is there.
    NotFound,
    /// The path exists, not with this method.
    MethodNotAllowed,
    /// Something with this key exists already.
    AlreadyExists,
    /// It does not fit the present state.
    Conflict,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is of a kind that is not read here.
    UnsupportedMediaType,
    /// The piece of a file that is asked for begins behind its end.
    RangeNotSatisfiable,
    /// A form's upload without a file.
    MissingFile,
    /// A request to read a form that names no file.
    MissingInput,
    /// The file is none of a form: its size, its type by its content, or its inside.
    InvalidFile,
    /// The file has more pages than a form.
    TooManyPages,
    /// The form could not be read; trying again gives the same.
    UnreadableForm,
    /// The form was not read so far.
    NotReadYet,
    /// Files are not fetched from there.
    UrlNotAllowed,
    /// The file could not be fetched.
    FetchFailed,
    /// No file is known for this table or department.
    NothingToRead,
    /// So much work is only begun when it is confirmed.
    ConfirmationRequired,
    /// The pipeline runs already.
    AlreadyRunning,
    /// The pipeline does not run.
    PipelineNotRunning,
    /// The form as it stands does not allow this; nothing of it was done.
    ReviewRefused,
    /// As much waits to be read as may wait; Retry-After says when to come back.
    QueueFull,
    /// Too many requests; Retry-After says when to come back.
    RateLimited,
    /// Too many failed sign-ins; Retry-After says when to come back.
    TooManyAttempts,
    /// The request did not arrive in time, or the form that it asks for is still being read.
    Timeout,
    /// The server did not answer in time; what was begun comes to its end.
    TooSlow,
    /// The database does not answer; nothing was changed.
    DatabaseUnavailable,
    /// The database's disk is full; nothing was changed.
    StorageFull,
    /// The store of files does not answer; nothing was changed.
    ObjectsUnavailable,
    /// Forms cannot be read here now.
    ReaderUnavailable,
    /// Another service that is needed does not answer.
    UpstreamUnavailable,
    /// A fault of the server; the request id finds it in the log.
    Internal,
}

impl ErrorCode {
    /// Every code, for the documentation and its test.
    pub const ALL: [Self; 37] = [
        Self::InvalidRequest,
        Self::Unauthenticated,
        Self::InvalidCredentials,
        Self::PasswordChangeRequired,
        Self::Forbidden,
        Self::RegistrationClosed,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::AlreadyExists,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::RangeNotSatisfiable,
        Self::MissingFile,
        Self::MissingInput,
        Self::InvalidFile,
        Self::TooManyPages,
        Self::UnreadableForm,
        Self::NotReadYet,
        Self::UrlNotAllowed,
        Self::FetchFailed,
        Self::NothingToRead,
        Self::ConfirmationRequired,
        Self::AlreadyRunning,
        Self::PipelineNotRunning,
        Self::ReviewRefused,
        Self::QueueFull,
        Self::RateLimited,
        Self::TooManyAttempts,
        Self::Timeout,
        Self::TooSlow,
        Self::DatabaseUnavailable,
        Self::StorageFull,
        Self::ObjectsUnavailable,
        Self::ReaderUnavailable,
        Self::UpstreamUnavailable,
        Self::Internal,
    ];

    /// As written in answers.
    #[must_use]
    pub fn name(self) -> String {
        let written = serde_json::to_value(self).ok();
        written
            .and_then(|name| name.as_str().map(ToOwned::to_owned))
            .unwrap_or_default()
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidRequest | Self::MissingFile | Self::MissingInput | Self::ConfirmationRequired => {
                StatusCode::BAD_REQUEST
            }
            Self::InvalidFile | Self::TooManyPages | Self::UnreadableForm => StatusCode::UNPROCESSABLE_ENTITY,
            Self::FetchFailed => StatusCode::BAD_GATEWAY,
            Self::Unauthenticated | Self::InvalidCredentials => StatusCode::UNAUTHORIZED,
            Self::PasswordChangeRequired | Self::Forbidden | Self::RegistrationClosed | Self::UrlNotAllowed => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound | Self::NothingToRead => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::AlreadyExists
            | Self::Conflict
            | Self::AlreadyRunning
            | Self::PipelineNotRunning
            | Self::ReviewRefused
            | Self::NotReadYet => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RangeNotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::RateLimited | Self::TooManyAttempts | Self::QueueFull => StatusCode::TOO_MANY_REQUESTS,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::TooSlow
            | Self::DatabaseUnavailable
            | Self::ObjectsUnavailable
            | Self::ReaderUnavailable
            | Self::UpstreamUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// One field that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Path of the field in the body, such as `email`.
    pub field: String,
    /// The rule, in plain words.
    pub rule: String,
}

/// What a failed request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Stable code.
    pub code: ErrorCode,
    /// What happened and what to do, in English, for logs and developers.
    pub message: String,
    /// The fields that break a rule, where the code is `INVALID_REQUEST`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldProblem>,
}

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{:?}: {}", .body.code, .body.message)]
pub struct ApiError {
    body: ErrorBody,
    retry_after: Option<Duration>,
}

impl ApiError {
    /// An error with its message.
    #[must_use]
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            body: ErrorBody {
                code,
                message: message.into(),
                fields: Vec::new(),
            },
            retry_after: None,
        }
    }

    /// Fields that break rules.
    #[must_use]
    pub fn fields(fields: Vec<FieldProblem>) -> Self {
        let mut error = Self::new(ErrorCode::InvalidRequest, "some fields are not valid");
        error.body.fields = fields;
        error
    }

    /// Nothing under this name.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// The token is missing or not good. One message for every cause.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            ErrorCode::Unauthenticated,
            "sign in again: the access token is missing, expired or not valid",
        )
    }

    /// Come back after a while.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Its code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.body.code
    }
}

/// The outer form of every failed answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Failure {
    /// Always false.
    pub ok: bool,
    /// What went wrong.
    pub error: ErrorBody,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.body.code.status();
        let mut response = (
            status,
            axum::Json(Failure {
                ok: false,
                error: self.body,
            }),
        )
            .into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// SQLSTATE classes and codes that mean "not now" rather than "wrong".
fn database_code(code: &str) -> Option<ErrorCode> {
    match code {
        "53100" => Some(ErrorCode::StorageFull),
        "23505" => Some(ErrorCode::AlreadyExists),
        // A zero byte in a text.
        "22021" | "22P05" => Some(ErrorCode::InvalidRequest),
        // Serialization failure, deadlock, statement cancelled by its time limit, transaction ended because it waited too long.
        "40001" | "40P01" | "57014" | "25P03" => Some(ErrorCode::DatabaseUnavailable),
        // Connection exceptions, too many connections, shutting down or starting.
        _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
            Some(ErrorCode::DatabaseUnavailable)
        }
        _ => None,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "sqlx says that it will add kinds: what is not known to be one of these is told as a fault"
)]
impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        let code = match &error {
            sqlx::Error::Database(told) => told.code().and_then(|code| database_code(&code)),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => Some(ErrorCode::DatabaseUnavailable),
            _ => None,
        };
        match code {
            Some(ErrorCode::AlreadyExists) => Self::new(ErrorCode::AlreadyExists, "it exists already"),
            Some(ErrorCode::InvalidRequest) => Self::new(ErrorCode::InvalidRequest, "a text has a zero byte in it"),
            Some(ErrorCode::StorageFull) => {
                tracing::error!(%error, "the database's disk is full");
                Self::new(ErrorCode::StorageFull, "the server's disk is full; nothing was changed")
            }
            Some(code) => {
                tracing::warn!(%error, "the database does not answer");
                Self::new(
                    code,
                    "the database does not answer; nothing was changed, try again shortly",
                )
                .retry_after(Duration::from_secs(2))
            }
            None => {
                tracing::error!(%error, "a query failed");
                Self::internal()
            }
        }
    }
}

impl ApiError {
    /// A fault of the server. The cause belongs in the log, not in the answer.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            ErrorCode::Internal,
            "the server failed; the request id in X-Request-Id finds the cause in its log",
        )
    }
}
