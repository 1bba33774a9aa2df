//! Files of forms that laptops send in pieces: gathered apart, and whole only once their hash was checked.

use crate::config::Service;
use crate::error::{ApiError, ErrorCode};
use crate::objects::{ContentHash, ObjectError, Objects};
use crate::repo::blob::{self as blobs, Blob};
use crate::repo::file;
use crate::server::Server;
use axum::body::Bytes;
use castor_ingest::file::{HEAD, could_be};
use castor_wire::sync::{ATTACHMENT, BlobKind, BlobState, PAGE_HASH};
use sqlx::PgConnection;
use std::time::Duration;
use time::OffsetDateTime;
use tokio::sync::SemaphorePermit;
use uuid::Uuid;

/// How long a file that nobody goes on with is kept.
pub(crate) const LEFT: Duration = Duration::from_secs(24 * 3600);

/// When to come back to a store that is slow.
const COME_BACK: Duration = Duration::from_secs(5);

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

/// How much of a file is here; only of one that something names. One that the store has lost is not here: it is asked for anew.
pub(crate) async fn state(server: &Server, hash: &ContentHash) -> Result<BlobState, ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    named(&mut connection, hash).await?;
    let blob = blobs::get(&mut connection, hash.as_str()).await?;
    drop(connection);
    let Some(blob) = blob else {
        return Ok(BlobState { bytes: 0, whole: false });
    };
    let lost = blob.whole && !is_there(&server.objects, hash, &blob).await?;
    Ok(told(&if lost { blob.begun_anew() } else { blob }))
}

/// Whether the store of files has what the database says to be whole: the store may have been lost without it.
async fn is_there(objects: &Objects, hash: &ContentHash, blob: &Blob) -> Result<bool, ObjectError> {
    let size = objects.size(hash).await?;
    Ok(size.is_some_and(|size| i64::try_from(size) == Ok(blob.total)))
}

/// What became of a piece.
pub(crate) enum Taken {
    /// So much of the file is here.
    State(BlobState),
    /// It was the last: the file is here, with the right hash.
    Whole(BlobState),
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
        if is_there(objects, &hash, &blob).await? {
            return Ok(Taken::State(told(&blob)));
        }
        tracing::warn!(file = %hash, "the store of files has lost a file; it is taken in anew");
        blob = blob.begun_anew();
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
    if blob.whole {
        // It can be read here from now on.
        file::adopt_forms_of(connection, hash.as_str()).await?;
    }
    Ok(match (ends, blob.whole) {
        (true, true) => Taken::Whole(told(&blob)),
        (true, false) => Taken::Differs,
        (false, _) => Taken::State(told(&blob)),
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
        blobs::name_pages(connection, hash.as_str(), &names_of_pages(&list)).await?;
    }
    blob.whole = true;
    Ok(())
}

/// The page files that a form's list names, in reading order.
pub(crate) fn pages(list: &[u8]) -> impl Iterator<Item = ContentHash> {
    list.chunks(PAGE_HASH).map(ContentHash::finished)
}

fn names_of_pages(list: &[u8]) -> Vec<String> {
    pages(list).map(|page| page.to_string()).collect()
}

/// What a named file is, and its bytes; none where the store does not have it.
///
/// # Errors
/// `NOT_FOUND` where nothing names it; those of the database and of the store of files.
pub(crate) async fn kept(server: &Server, hash: &ContentHash) -> Result<Option<(BlobKind, u64)>, ApiError> {
    let known = {
        let mut connection = server.database(Service::E14)?.connection().await?;
        named(&mut connection, hash).await?;
        blobs::get(&mut connection, hash.as_str()).await?
    };
    let Some(total) = server.objects.size(hash).await? else {
        return Ok(None);
    };
    let kind = match known {
        Some(blob) => blob.kind,
        None => survived(server, hash, total).await?,
    };
    Ok(Some((kind, total)))
}

/// Notes a file that is in the store although nothing is noted of it, by what it holds.
async fn survived(server: &Server, hash: &ContentHash, total: u64) -> Result<BlobKind, ApiError> {
    let (kind, pages) = looked_at(&server.objects, hash, total).await?;
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let total = i64::try_from(total).map_err(|_| ApiError::internal())?;
    blobs::survived(&mut transaction, hash.as_str(), kind, total).await?;
    blobs::name_pages(&mut transaction, hash.as_str(), &pages).await?;
    transaction.commit().await?;
    Ok(kind)
}

/// Whether a file is the list of a form's pages, and which: no file of a form begins like one.
async fn looked_at(objects: &Objects, hash: &ContentHash, total: u64) -> Result<(BlobKind, Vec<String>), ObjectError> {
    let page = u64::try_from(PAGE_HASH).unwrap_or(u64::MAX);
    let could_be_list = total > 0 && total.is_multiple_of(page) && total <= PAGES * page;
    let head = usize::try_from(total).unwrap_or(usize::MAX).min(HEAD);
    let head = objects.range(hash, 0..u64::try_from(head).unwrap_or(total)).await?;
    if could_be_list && could_be(&head) != Some(true) {
        Ok((BlobKind::Pages, names_of_pages(&objects.get(hash).await?)))
    } else {
        Ok((BlobKind::File, Vec::new()))
    }
}

/// Refuses a file that no event that counts, and no list of pages, names.
pub(crate) async fn named(connection: &mut PgConnection, hash: &ContentHash) -> Result<(), ApiError> {
    if blobs::named(connection, hash.as_str()).await? {
        return Ok(());
    }
    let message = "SYNC_BLOB no event that counts names this file; its events come first";
    Err(ApiError::new(ErrorCode::NotFound, message))
}

/// Throws away what came of files that nobody goes on with, and pieces that are needed no more; of how many files.
pub(crate) async fn clear_left(server: &Server, before: OffsetDateTime) -> Result<usize, ApiError> {
    let mut cleared = 0;
    while clear_one(server, before).await? {
        cleared += 1;
    }
    for (hash, came) in server.objects.in_pieces().await? {
        if clear_rest(server, &hash, came < before).await? {
            cleared += 1;
        }
    }
    Ok(cleared)
}

/// The next file that nobody goes on with: held while its pieces are thrown away.
async fn clear_one(server: &Server, before: OffsetDateTime) -> Result<bool, ApiError> {
    let _place = place(server).await?;
    let mut transaction = server.database(Service::E14)?.begin().await?;
    let Some(left) = blobs::hold_left(&mut transaction, before).await? else {
        return Ok(false);
    };
    if let Ok(hash) = left.parse() {
        server.objects.drop_pieces(&hash).await?;
    }
    blobs::forget(&mut transaction, &left).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Pieces of a file that is whole, or of one of which nothing is noted and whose last piece is old.
async fn clear_rest(server: &Server, hash: &ContentHash, is_old: bool) -> Result<bool, ApiError> {
    let mut connection = server.database(Service::E14)?.connection().await?;
    let known = blobs::get(&mut connection, hash.as_str()).await?;
    drop(connection);
    let needless = known.map_or(is_old, |blob| blob.whole);
    if needless {
        server.objects.drop_pieces(hash).await?;
    }
    Ok(needless)
}

/// How long a piece waits for its place.
const WAIT: Duration = Duration::from_secs(10);

/// A place for who holds a connection while the store of files answers: one that does not answer leaves connections to others.
pub(crate) async fn place(server: &Server) -> Result<SemaphorePermit<'_>, ApiError> {
    let busy = || {
        let text = "the store of files is slow; nothing was changed, try again shortly";
        ApiError::new(ErrorCode::ObjectsUnavailable, text).retry_after(COME_BACK)
    };
    let place = tokio::time::timeout(WAIT, server.pieces.acquire()).await;
    place.map_err(|_| busy())?.map_err(|_| busy())
}

fn told(blob: &Blob) -> BlobState {
    BlobState {
        bytes: u64::try_from(blob.bytes).unwrap_or_default(),
        whole: blob.whole,
    }
}
