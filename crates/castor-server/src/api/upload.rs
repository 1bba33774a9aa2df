//! A form's file in a request: the file itself, or the URL of one.

use crate::envelope::Payload;
use crate::error::{ApiError, ErrorCode};
use crate::server::Server;
use crate::work::Given;
use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use castor_ingest::fetch::FetchError;
use castor_ingest::file::{HEAD, could_be};
use castor_ingest::provenance::plain_name;
use castor_ingest::{Provenance, Source};
use serde::Deserialize;
use serde_json::Value;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use tower_http::timeout::TimeoutError;
use utoipa::ToSchema;

/// Time of a request that is left for the answer.
pub(super) const MARGIN: Duration = Duration::from_secs(3);
/// Bytes of a request beside its file.
const AROUND: usize = 64 << 10;
/// Bytes of a field that is not the file.
const FIELD: usize = 1_000;

/// A request to read a form, as JSON.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Where the file is, on a host of `E14_FETCH_HOSTS`.
    #[serde(default, alias = "url")]
    pub(super) file_url: Option<String>,
    /// The election, kept with the file.
    #[serde(default)]
    pub(super) election_id: Option<String>,
    /// Read it again although the model has read it before.
    #[serde(default)]
    pub(super) force_reprocess: bool,
    /// `WITNESS_UPLOAD`, `REGISTRADURIA` or `MANUAL_ENTRY`; the last when not given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(super) source_type: Option<Source>,
    /// A reading to be checked, in either shape in which `/api/e14/process` gives it (`/api/e14/validate` alone).
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(super) extraction: Option<Value>,
    #[serde(skip)]
    file: Option<(String, Bytes)>,
}

/// A request to read a form, as a form of the web.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it describes the fields; they are read one by one as they arrive"
)]
pub(super) struct Form {
    /// PDF, PNG, JPEG, TIFF or WebP.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// The election, kept with the file.
    election_id: Option<String>,
    /// Read it again although the model has read it before.
    force_reprocess: Option<bool>,
    /// As in the JSON request.
    source_type: Option<String>,
}

impl Asked {
    /// The file, fetched where its URL was given.
    pub(super) async fn file(self, server: &Server) -> Result<Given, ApiError> {
        let source = self.source_type.unwrap_or(Source::ManualEntry);
        let (name, url, bytes) = match (self.file, self.file_url) {
            (Some((name, bytes)), None) => (name, None, bytes),
            (None, Some(url)) => {
                let fetched = server.fetcher.fetch(&url).await?;
                let mut url = fetched.url;
                let name = plain_name(
                    url.path_segments()
                        .and_then(|mut parts| parts.next_back())
                        .unwrap_or_default(),
                );
                // What stands behind the question mark may be a key.
                url.set_query(None);
                url.set_fragment(None);
                (name, Some(url.into()), Bytes::from(fetched.bytes))
            }
            (Some(_), Some(_)) => {
                return Err(ApiError::new(
                    ErrorCode::InvalidRequest,
                    "give a file or a file_url, not both",
                ));
            }
            (None, None) => {
                return Err(ApiError::new(
                    ErrorCode::MissingInput,
                    "give a file, or the file_url of one",
                ));
            }
        };
        Ok(Given {
            bytes,
            from: Provenance { name, source, url },
            election: self.election_id,
            account: None,
        })
    }
}

impl From<FetchError> for ApiError {
    fn from(error: FetchError) -> Self {
        let code = match &error {
            FetchError::Url => ErrorCode::InvalidRequest,
            FetchError::Host(_) | FetchError::Address(_) => ErrorCode::UrlNotAllowed,
            FetchError::TooLarge { .. } => ErrorCode::TooLarge,
            FetchError::Unreachable(_) | FetchError::Status { .. } | FetchError::Redirects | FetchError::TooSlow(_) => {
                ErrorCode::FetchFailed
            }
        };
        Self::new(code, error.to_string())
    }
}

/// Reads a request of either kind. A file is refused as soon as it is known not to be one of a form.
pub(super) async fn asked(server: &Server, mut request: Request) -> Result<Asked, ApiError> {
    let most = usize::try_from(server.config.work.files.most_bytes).unwrap_or(usize::MAX);
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let is_form = kind.is_some_and(|kind| {
        kind.trim_start()
            .to_ascii_lowercase()
            .starts_with("multipart/form-data")
    });
    // The file has its own limit. What goes beyond it is still taken in, up to here, so that the refusal is heard.
    DefaultBodyLimit::max(most.saturating_mul(2).saturating_add(AROUND)).apply(&mut request);
    if !is_form {
        let Payload(asked) = Payload::<Asked>::from_request(request, server).await?;
        if let Some(election) = &asked.election_id {
            short(election.len())?;
        }
        return Ok(asked);
    }
    let wrong = |error: axum::extract::multipart::MultipartRejection| {
        ApiError::new(ErrorCode::InvalidRequest, error.body_text())
    };
    let mut form = Multipart::from_request(request, server).await.map_err(wrong)?;
    let end = Instant::now() + time_to_arrive(server.config.request_timeout);
    let asked = timeout_at(end, fields(&mut form, most)).await;
    let asked = asked.unwrap_or_else(|_| Err(late()));
    if asked.is_err() {
        // A connection that is closed with bytes of the request unread loses the answer on its way.
        let rest = async { while let Ok(Some(_)) = form.next_field().await {} };
        let _ = timeout_at(end, rest).await;
    }
    asked
}

/// How long a file may take to arrive: what comes later could not be answered in time, and would hold its place for nothing.
fn time_to_arrive(request: Duration) -> Duration {
    request.saturating_sub(MARGIN).max(request / 2)
}

fn late() -> ApiError {
    ApiError::new(ErrorCode::Timeout, "the file did not arrive in time; send it again")
}

/// The fields, one by one as they arrive.
async fn fields(form: &mut Multipart, most: usize) -> Result<Asked, ApiError> {
    let mut asked = Asked::default();
    while let Some(field) = form.next_field().await.map_err(|error| cut(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "file" if asked.file.is_none() => asked.file = Some(file(field, most).await?),
            "election_id" => asked.election_id = Some(text(field).await?),
            "force_reprocess" => asked.force_reprocess = truth(&text(field).await?)?,
            "source_type" => asked.source_type = Some(source(&text(field).await?)?),
            _ => {
                return Err(ApiError::new(
                    ErrorCode::InvalidRequest,
                    "the fields are file (once), election_id, force_reprocess and source_type",
                ));
            }
        }
    }
    if asked.file.is_none() {
        return Err(ApiError::new(ErrorCode::MissingFile, "the form has no field `file`"));
    }
    Ok(asked)
}

fn short(length: usize) -> Result<(), ApiError> {
    if length > FIELD {
        return Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "a field has more than 1000 bytes",
        ));
    }
    Ok(())
}

/// The file, piece by piece within its limit.
async fn file(mut field: Field<'_>, most: usize) -> Result<(String, Bytes), ApiError> {
    let name = plain_name(field.file_name().unwrap_or_default());
    let mut bytes: Vec<u8> = Vec::new();
    let mut looked = false;
    while let Some(piece) = field.chunk().await.map_err(|error| cut(&error))? {
        if !looked {
            let head = [&bytes, &piece[..piece.len().min(HEAD)]].concat();
            looked = is_form(&head)?;
        }
        if bytes.len() + piece.len() > most {
            let text = format!("the file is larger than {most} bytes");
            return Err(ApiError::new(ErrorCode::TooLarge, text));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok((name, bytes.into()))
}

/// Whether these first bytes settle that the file can be one of a form.
fn is_form(head: &[u8]) -> Result<bool, ApiError> {
    match could_be(head) {
        Some(false) => Err(ApiError::new(
            ErrorCode::InvalidFile,
            "INP_003 not a PDF, PNG, JPEG, TIFF or WebP by its content; convert it to one of these",
        )),
        settled => Ok(settled.is_some()),
    }
}

async fn text(mut field: Field<'_>) -> Result<String, ApiError> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| cut(&error))? {
        short(bytes.len() + piece.len())?;
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| ApiError::new(ErrorCode::InvalidRequest, "a field is not UTF-8"))
}

fn truth(text: &str) -> Result<bool, ApiError> {
    match text {
        "true" | "1" => Ok(true),
        "false" | "0" | "" => Ok(false),
        _ => Err(ApiError::new(
            ErrorCode::InvalidRequest,
            "force_reprocess is true or false",
        )),
    }
}

fn source(text: &str) -> Result<Source, ApiError> {
    let names = || Source::ALL.map(Source::name).join(", ");
    Source::parse(text)
        .ok_or_else(|| ApiError::new(ErrorCode::InvalidRequest, format!("source_type is one of {}", names())))
}

fn cut(error: &MultipartError) -> ApiError {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if error.is::<TimeoutError>() {
            return late();
        }
        cause = error.source();
    }
    let code = match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
        _ => ErrorCode::InvalidRequest,
    };
    ApiError::new(code, error.body_text())
}
