//! Files of forms that laptops send in pieces: gathered apart, and whole only once their hash was checked.

use crate::error::{ApiError, ErrorCode};
use crate::objects::{ContentHash, ObjectError, Objects};
use crate::repo::blob::{self as blobs, Blob};
use axum::body::Bytes;
use castor_wire::sync::{ATTACHMENT, BlobKind, BlobState, PAGE_HASH};
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;
use uuid::Uuid;

/// How long a file that nobody goes on with is kept.
pub(crate) const LEFT: Duration = Duration::from_secs(24 * 3600);

/// Most page files of one form.
const PAGES: u64 = 1000;

/// A piece of a file, and where it belongs.
pub(crate) struct Piece {
    pub(crate) hash: ContentHash,
    pub(crate) kind: BlobKind,
    pub(crate) offset: i64,
    /// Bytes of the whole file.
    pub(crate) total: i64,
    pub(crate) bytes: Bytes,
}

impl Piece {
    /// Checks what a client says of a piece.
    pub(crate) fn new(
        hash: ContentHash,
        kind: BlobKind,
        offset: u64,
        total: u64,
        bytes: Bytes,
    ) -> Result<Self, ApiError> {
        let most = match kind {
            BlobKind::File => ATTACHMENT,
            BlobKind::Pages => PAGES * u64::try_from(PAGE_HASH).unwrap_or(u64::MAX),
        };
        if total > most {
            let message = format!("a file has at most {most} bytes, this one {total}");
            return Err(ApiError::new(ErrorCode::TooLarge, message));
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let end = offset.checked_add(length).filter(|end| *end <= total);
        if end.is_none() || bytes.is_empty() {
            return Err(ApiError::new(
                ErrorCode::InvalidRequest,
                "a piece has at least one byte and does not go beyond the file's end",
            ));
        }
        let signed = |number: u64| i64::try_from(number).map_err(|_| ApiError::internal());
        Ok(Self {
            hash,
            kind,
            offset: signed(offset)?,
            total: signed(total)?,
            bytes,
        })
    }
}

/// How much of a file is here; only of one that something names.
pub(crate) async fn state(connection: &mut PgConnection, hash: &ContentHash) -> Result<BlobState, ApiError> {
    named(connection, hash).await?;
    let blob = blobs::get(connection, hash.as_str()).await?;
    Ok(blob.map_or(BlobState { bytes: 0, whole: false }, |blob| told(&blob)))
}

/// What became of a piece.
pub(crate) enum Taken {
    /// So much of the file is here.
    State(BlobState),
    /// It was the last, and the file's bytes are not those of its hash: nothing is here any more.
    Differs,
}

/// Takes a piece in where it begins at the end of what is here.
pub(crate) async fn append(
    connection: &mut PgConnection,
    objects: &Objects,
    account: Uuid,
    piece: Piece,
) -> Result<Taken, ApiError> {
    let Piece {
        hash,
        kind,
        offset,
        total,
        bytes,
    } = piece;
    named(connection, &hash).await?;
    let mut blob = blobs::hold(connection, hash.as_str(), kind, total, account).await?;
    if blob.whole {
        return Ok(Taken::State(told(&blob)));
    }
    if blob.total != total || blob.kind != kind {
        // Whoever began said something else of it: the hash will tell who was right.
        objects.drop_pieces(&hash).await?;
        blob = Blob {
            kind,
            total,
            bytes: 0,
            whole: false,
        };
        blobs::set(connection, hash.as_str(), &blob).await?;
    }
    if offset != blob.bytes {
        return Ok(Taken::State(told(&blob)));
    }
    let length = i64::try_from(bytes.len()).map_err(|_| ApiError::internal())?;
    objects.put_piece(&hash, offset, bytes).await?;
    blob.bytes += length;
    let ends = blob.bytes == blob.total;
    if ends {
        blobs::take_time(connection).await?;
        finish(connection, objects, &hash, &mut blob).await?;
    }
    blobs::set(connection, hash.as_str(), &blob).await?;
    Ok(if ends && !blob.whole {
        Taken::Differs
    } else {
        Taken::State(told(&blob))
    })
}

/// Puts the pieces together. Where the hash is another, everything begins anew.
async fn finish(
    connection: &mut PgConnection,
    objects: &Objects,
    hash: &ContentHash,
    blob: &mut Blob,
) -> Result<(), ApiError> {
    match objects.join_pieces(hash).await {
        Ok(()) => {}
        Err(error @ ObjectError::Differs { .. }) => {
            tracing::warn!(%error, "a file that was sent is not what its hash says; it is thrown away");
            blob.bytes = 0;
            objects.drop_pieces(hash).await?;
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    }
    if blob.kind == BlobKind::Pages {
        let list = objects.get(hash).await?;
        let pages: Vec<String> = list
            .chunks(PAGE_HASH)
            .map(|digest| ContentHash::finished(digest).to_string())
            .collect();
        blobs::name_pages(connection, hash.as_str(), &pages).await?;
    }
    blob.whole = true;
    Ok(())
}

/// Refuses a file that no event that counts, and no list of pages, names.
pub(crate) async fn named(connection: &mut PgConnection, hash: &ContentHash) -> Result<(), ApiError> {
    if blobs::named(connection, hash.as_str()).await? {
        return Ok(());
    }
    let message = "SYNC_BLOB no event that counts names this file; its events come first";
    Err(ApiError::new(ErrorCode::NotFound, message))
}

/// Throws away what came of files that nobody goes on with; how many.
pub(crate) async fn clear_left(
    connection: &mut PgConnection,
    objects: &Objects,
    before: OffsetDateTime,
) -> Result<usize, ApiError> {
    let left = blobs::hold_left(connection, before).await?;
    for hash in left.iter().filter_map(|hash| hash.parse().ok()) {
        objects.drop_pieces(&hash).await?;
    }
    blobs::forget(connection, &left).await?;
    Ok(left.len())
}

fn told(blob: &Blob) -> BlobState {
    BlobState {
        bytes: u64::try_from(blob.bytes).unwrap_or_default(),
        whole: blob.whole,
    }
}
