//! Files of forms, in pieces; docs/SYNC.md.

use crate::audit::{Action, note_file};
use crate::blob::{self, Piece, Taken};
use crate::config::Service;
use crate::envelope::{Answer, Params, Segment, Success, answer};
use crate::error::{ApiError, ErrorCode, Failure};
use crate::guard::{Caller, Origin};
use crate::objects::{ContentHash, Objects};
use crate::repo::blob as blobs;
use crate::role::Permission;
use crate::route::{Access, Limit, Routes};
use crate::server::Server;
use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use castor_wire::sync::{BLOB_KIND, BlobKind, BlobState, PIECE};
use futures_util::stream;
use metrics::counter;
use serde::Deserialize;
use std::io;
use utoipa::IntoParams;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> Routes {
    let upload = Access::Needs(Permission::UploadE14);
    let review = Access::Needs(Permission::ValidateE14);
    Routes::new()
        .add(upload, Limit::Work, routes!(state))
        .add(upload, Limit::Work, piece_sized(routes!(append)))
        .add(review, Limit::Work, routes!(fetch))
}

fn piece_sized((schemas, paths, handlers): UtoipaMethodRouter<Server>) -> UtoipaMethodRouter<Server> {
    (schemas, paths, handlers.layer(DefaultBodyLimit::max(PIECE)))
}

/// A file's name, as a client writes it.
pub(crate) fn hash(text: &str) -> Result<ContentHash, ApiError> {
    text.parse()
        .map_err(|_| ApiError::new(ErrorCode::InvalidRequest, "a file is named by its SHA-256"))
}

/// How much of a file the server has.
#[utoipa::path(get, path = "/api/blobs/{sha256}/state", tag = "sync",
    params(("sha256" = String, Path, description = "SHA-256 of the file")),
    responses((status = 200, body = Success<serde_json::Value>)))]
async fn state(State(server): State<Server>, Segment(sha256): Segment<String>) -> Answer<BlobState> {
    answer(blob::state(&server, &hash(&sha256)?).await?)
}

/// Where a piece belongs.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Place {
    /// The file's byte at which it begins.
    offset: u64,
    /// Bytes of the whole file.
    total: u64,
    /// `file`, or `pages` for the list of a form's page files.
    kind: String,
}

/// Takes a piece of a file in, at most 4 MiB. One that does not begin where the server's bytes end changes nothing: the
/// answer says from where to go on. A file whose bytes are not those of its hash begins anew.
#[utoipa::path(post, path = "/api/blobs/{sha256}", tag = "sync",
    params(("sha256" = String, Path, description = "SHA-256 of the file"), Place),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Success<serde_json::Value>)))]
async fn append(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    Segment(sha256): Segment<String>,
    Params(place): Params<Place>,
    body: Result<Bytes, BytesRejection>,
) -> Answer<BlobState> {
    let kind = BlobKind::parse(&place.kind)
        .ok_or_else(|| ApiError::new(ErrorCode::InvalidRequest, "kind is file or pages"))?;
    let bytes = body.map_err(|rejection| {
        let code = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
            _ => ErrorCode::InvalidRequest,
        };
        ApiError::new(code, rejection.body_text())
    })?;
    let piece = Piece::new(hash(&sha256)?, kind, place.offset, place.total, bytes)?;
    answer(put_piece(&server, Some(&origin), &caller, piece).await?)
}

/// Takes a piece in for an account.
pub(crate) async fn put_piece(
    server: &Server,
    origin: Option<&Origin>,
    caller: &Caller,
    piece: Piece,
) -> Result<BlobState, ApiError> {
    let hash = piece.hash.clone();
    let taken = {
        let _place = blob::place(server).await?;
        let mut transaction = server.database(Service::E14)?.begin().await?;
        let taken = blob::append(&mut transaction, &server.objects, caller.user, piece).await?;
        if matches!(taken, Taken::Whole(_)) && !caller.role.may(Permission::ProcessE14) {
            blobs::is_read_here(&mut transaction, hash.as_str()).await?;
        }
        transaction.commit().await?;
        taken
    };
    let arrived = |outcome: &'static str| counter!("castor_sync_files_total", "outcome" => outcome).increment(1);
    let state = match taken {
        Taken::State(state) => state,
        Taken::Whole(state) => {
            arrived("whole");
            note_upload(server, origin, *caller, hash.as_str()).await?;
            state
        }
        Taken::Differs => {
            arrived("differs");
            let message = "SYNC_BLOB the bytes are not those of this hash; nothing of them was kept";
            return Err(ApiError::new(ErrorCode::Conflict, message));
        }
    };
    if state.whole {
        // Before the commit they were still needed.
        server.objects.drop_pieces(&hash).await?;
    }
    Ok(state)
}

/// Notes that an account brought a file in.
pub(super) async fn note_upload(
    server: &Server,
    origin: Option<&Origin>,
    caller: Caller,
    file: &str,
) -> Result<(), ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    note_file(
        server,
        &mut connection,
        origin,
        caller.user,
        (Action::FileUploaded, file),
    )
    .await
}

/// A file, or a range of it. `castor-kind` says whether it is a `file` or the list of `pages`.
#[utoipa::path(get, path = "/api/blobs/{sha256}", tag = "sync",
    params(("sha256" = String, Path, description = "SHA-256 of the file"),
        ("range" = Option<String>, Header, description = "`bytes=FIRST-LAST`")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 416, description = "The range begins behind the file's end", body = Failure)))]
async fn fetch(
    State(server): State<Server>,
    origin: Origin,
    caller: Caller,
    headers: HeaderMap,
    Segment(sha256): Segment<String>,
) -> Result<Response, ApiError> {
    let hash = hash(&sha256)?;
    {
        let mut connection = server.database(Service::E14)?.connection().await?;
        blob::named(&mut connection, &hash).await?;
        let what = (Action::FileFetched, hash.as_str());
        note_file(&server, &mut connection, Some(&origin), caller.user, what).await?;
    }
    let missing = || ApiError::new(ErrorCode::NotFound, "SYNC_BLOB the file has not arrived here yet");
    let (kind, total) = blob::kept(&server, &hash).await?.ok_or_else(missing)?;
    let binary = [(header::CONTENT_TYPE, "application/octet-stream")];
    let usual = [
        (header::ACCEPT_RANGES.as_str(), "bytes".to_owned()),
        (BLOB_KIND, kind.name().to_owned()),
    ];
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return Ok((binary, usual, whole(server.objects.clone(), hash, total)).into_response());
    };
    let Some((first, end)) = within(range, total) else {
        let says = [(header::CONTENT_RANGE.as_str(), format!("bytes */{total}"))];
        let message = format!("the file has {total} bytes, and the range begins behind them");
        let behind = ApiError::new(ErrorCode::RangeNotSatisfiable, message);
        return Ok((usual, says, behind).into_response());
    };
    let bytes = server.objects.range(&hash, first..end).await?;
    let says = [(
        header::CONTENT_RANGE.as_str(),
        format!("bytes {first}-{}/{total}", end - 1),
    )];
    Ok((StatusCode::PARTIAL_CONTENT, binary, usual, says, bytes).into_response())
}

/// The first byte that a range asks for and the one behind its last, at most a piece. A range that is none asks from the start.
fn within(range: &str, total: u64) -> Option<(u64, u64)> {
    let piece = u64::try_from(PIECE).unwrap_or(u64::MAX);
    let parts = range.strip_prefix("bytes=").and_then(|r| r.split_once('-'));
    let number = |text: &str| text.trim().parse::<u64>().ok();
    let (first, last) = match parts.map(|(first, last)| (number(first), number(last))) {
        Some((Some(first), last)) => (first, last.unwrap_or(u64::MAX)),
        // The last bytes.
        Some((None, Some(count))) => (total.saturating_sub(count), u64::MAX),
        Some((None, None)) | None => (0, u64::MAX),
    };
    let end = last.saturating_add(1).min(total).min(first.saturating_add(piece));
    (first < end).then_some((first, end))
}

/// A whole file, piece by piece.
fn whole(objects: Objects, hash: ContentHash, total: u64) -> Body {
    let pieces = stream::try_unfold(0, move |at| {
        let (objects, hash) = (objects.clone(), hash.clone());
        async move {
            let Some((first, end)) = within(&format!("bytes={at}-"), total) else {
                return Ok(None);
            };
            let bytes = objects.range(&hash, first..end).await.map_err(io::Error::other)?;
            Ok::<_, io::Error>(Some((bytes, end)))
        }
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_range_stays_within_the_file_and_a_piece() {
        let piece = 4 << 20;
        for (range, total, due) in [
            ("bytes=0-99", 200, Some((0, 100))),
            ("bytes=150-", 200, Some((150, 200))),
            ("bytes=0-", 10 * piece, Some((0, piece))),
            ("bytes=200-", 200, None),
            ("bytes=9-3", 200, None),
            ("bytes=0-18446744073709551615", 200, Some((0, 200))),
            ("pages=1", 200, Some((0, 200))),
            ("bytes=-5", 200, Some((195, 200))),
        ] {
            assert_eq!(within(range, total), due, "{range}");
        }
    }
}
