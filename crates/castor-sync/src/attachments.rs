//! Files of forms, after the events that need them: in pieces, from where the last attempt ended, and whole only once their
//! hash was checked.

use crate::SyncError;
use castor_store::{Page, Store, sha256};
use castor_wire::sync::{BlobKind, BlobState, PAGE_HASH};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that are sent, or fetched, in one go.
const AT_ONCE: u32 = 200;

/// Bytes that go at a time: few enough for a slow line within the time of one answer.
pub(crate) const PIECE: usize = 512 << 10;

/// Most page files of one form.
const PAGES: usize = 1000;

/// The server's attachment routes.
pub trait BlobTransport: Send + Sync {
    /// How much of a file the server has.
    fn blob_state(&self, hash: &str) -> impl Future<Output = Result<BlobState, SyncError>> + Send;
    /// Sends a piece of a file that has so many bytes in all; how much the server has then.
    fn send_piece(
        &self,
        hash: &str,
        kind: BlobKind,
        offset: u64,
        total: u64,
        piece: Vec<u8>,
    ) -> impl Future<Output = Result<BlobState, SyncError>> + Send;
    /// A piece of a file from a byte on.
    fn fetch_piece(&self, hash: &str, offset: u64) -> impl Future<Output = Result<FetchedPiece, SyncError>> + Send;
}

/// A piece of a file of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPiece {
    /// What the file is.
    pub kind: BlobKind,
    /// Bytes of the whole file.
    pub total: u64,
    /// The piece.
    pub bytes: Vec<u8>,
}

/// What a form's file is on this laptop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// One file.
    File(PathBuf),
    /// A folder of page files, in reading order.
    Pages(Vec<Page>),
}

/// Finds a form's file; may block. An error is a code with its message.
pub type Find = Arc<dyn Fn(&str) -> Result<Content, (String, String)> + Send + Sync>;

/// How many files arrived, and how many did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// Arrived.
    pub arrived: usize,
    /// Did not; why is noted beside each.
    pub failed: usize,
}

/// Sends the files of forms that this laptop took in.
///
/// # Errors
/// [`SyncError`] when nothing more gets through now; what arrived is noted, and the next call goes on from there. What is
/// wrong with one file alone is noted beside it and stops no other.
pub async fn send_files<T: BlobTransport>(store: &Store, transport: &T, find: &Find) -> Result<Moved, SyncError> {
    let mut moved = Moved::default();
    for form in store.files_to_send(AT_ONCE).await? {
        let sent = send_form(transport, find, &form).await;
        note(store, &form, sent, &mut moved).await?;
    }
    Ok(moved)
}

/// Fetches the files of forms that are wanted here.
///
/// # Errors
/// As [`send_files`].
pub async fn fetch_files<T: BlobTransport>(store: &Store, transport: &T) -> Result<Moved, SyncError> {
    let mut moved = Moved::default();
    for form in store.files_to_fetch(AT_ONCE).await? {
        if fetch_file(store, transport, &form).await? {
            moved.arrived += 1;
        } else {
            moved.failed += 1;
        }
    }
    Ok(moved)
}

/// Fetches the file of one form, if it is not here; whether it is here then. Where it is not, why is noted.
///
/// # Errors
/// [`SyncError`] when nothing gets through; what came until then stays, and the next call goes on from there.
pub async fn fetch_file<T: BlobTransport>(store: &Store, transport: &T, form: &str) -> Result<bool, SyncError> {
    let mut moved = Moved::default();
    let fetched = fetch_form(store, transport, form).await;
    note(store, form, fetched, &mut moved).await?;
    Ok(moved.arrived == 1)
}

/// Why a file did not arrive.
enum Trouble {
    /// Nothing gets through.
    Line(SyncError),
    /// It is this file alone.
    File { code: String, message: String },
}

impl From<SyncError> for Trouble {
    fn from(error: SyncError) -> Self {
        match error {
            SyncError::Refused(_) | SyncError::Unexpected(_) | SyncError::Store(_) => Self::File {
                code: error.code().to_owned(),
                message: error.to_string(),
            },
            SyncError::Unreachable(_) | SyncError::SignedOut(_) | SyncError::Busy { .. } => Self::Line(error),
        }
    }
}

impl From<castor_store::StoreError> for Trouble {
    fn from(error: castor_store::StoreError) -> Self {
        Self::File {
            code: error.code().to_owned(),
            message: error.to_string(),
        }
    }
}

impl Trouble {
    fn cut(error: &tokio::task::JoinError) -> Self {
        Self::Line(SyncError::Store(format!("SYNC_006 the work was cut off ({error})")))
    }

    fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File {
            code: "SYNC_006".to_owned(),
            message: format!("SYNC_006 {}: {error}", path.display()),
        }
    }
}

async fn note(store: &Store, form: &str, done: Result<(), Trouble>, moved: &mut Moved) -> Result<(), SyncError> {
    match done {
        Ok(()) => {
            moved.arrived += 1;
            store.file_arrived(form).await?;
        }
        Err(Trouble::File { code, message }) => {
            moved.failed += 1;
            store.file_failed(form, &code, &message).await?;
        }
        Err(Trouble::Line(error)) => return Err(error),
    }
    Ok(())
}

async fn send_form<T: BlobTransport>(transport: &T, find: &Find, form: &str) -> Result<(), Trouble> {
    let (finder, name) = (Arc::clone(find), form.to_owned());
    let found = tokio::task::spawn_blocking(move || finder(&name)).await;
    let content = found.map_err(|e| Trouble::cut(&e))?;
    match content.map_err(|(code, message)| Trouble::File { code, message })? {
        Content::File(path) => {
            let length = tokio::fs::metadata(&path)
                .await
                .map_err(|e| Trouble::file(&path, &e))?
                .len();
            send(transport, form, BlobKind::File, length, &Source::File(path)).await
        }
        Content::Pages(pages) => {
            let mut list = Vec::with_capacity(pages.len() * PAGE_HASH);
            for page in &pages {
                list.extend(bytes_of(&page.sha256)?);
            }
            // The list first: it names the pages.
            let length = u64::try_from(list.len()).unwrap_or(u64::MAX);
            send(transport, form, BlobKind::Pages, length, &Source::Bytes(list)).await?;
            for Page { sha256, path } in pages {
                let length = tokio::fs::metadata(&path)
                    .await
                    .map_err(|e| Trouble::file(&path, &e))?
                    .len();
                send(transport, &sha256, BlobKind::File, length, &Source::File(path)).await?;
            }
            Ok(())
        }
    }
}

/// Where a file's bytes come from.
enum Source {
    File(PathBuf),
    Bytes(Vec<u8>),
}

impl Source {
    async fn piece(&self, offset: u64) -> Result<Vec<u8>, Trouble> {
        match self {
            Self::Bytes(bytes) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                let rest = bytes.get(offset..).unwrap_or_default();
                Ok(rest.iter().copied().take(PIECE).collect())
            }
            Self::File(path) => {
                use tokio::io::{AsyncReadExt, AsyncSeekExt};
                let read = async {
                    let mut file = tokio::fs::File::open(path).await?;
                    file.seek(std::io::SeekFrom::Start(offset)).await?;
                    let mut piece = Vec::new();
                    let most = u64::try_from(PIECE).unwrap_or(u64::MAX);
                    file.take(most).read_to_end(&mut piece).await?;
                    Ok(piece)
                };
                read.await.map_err(|e: std::io::Error| Trouble::file(path, &e))
            }
        }
    }
}

/// Sends one file from where the server's bytes end.
async fn send<T: BlobTransport>(
    transport: &T,
    hash: &str,
    kind: BlobKind,
    total: u64,
    source: &Source,
) -> Result<(), Trouble> {
    let mut state = transport.blob_state(hash).await?;
    let mut stuck = 0;
    while !state.whole {
        let piece = source.piece(state.bytes).await?;
        if piece.is_empty() {
            return Err(SyncError::Unexpected(format!("the server has more of {hash} than there is")).into());
        }
        let next = transport.send_piece(hash, kind, state.bytes, total, piece).await?;
        // Another laptop may send the same file: the server says where it stands. Without any progress that is a fault.
        stuck = if next.bytes > state.bytes { 0 } else { stuck + 1 };
        if stuck > 3 && !next.whole {
            return Err(SyncError::Unexpected(format!("the server takes no more of {hash}")).into());
        }
        state = next;
    }
    Ok(())
}

async fn fetch_form<T: BlobTransport>(store: &Store, transport: &T, form: &str) -> Result<(), Trouble> {
    if store.blob_path(form).exists() {
        return Ok(());
    }
    match gather(store, transport, form).await? {
        BlobKind::File => Ok(store.finish_gathered(form)?),
        BlobKind::Pages => {
            let list = store.take_gathered(form)?;
            let pages = pages_of(&list)?;
            for (number, page) in (1..).zip(&pages) {
                if !store.has_page(form, number, page) {
                    gather(store, transport, page).await?;
                    store.finish_page(form, number, page)?;
                }
            }
            Ok(store.join_pages(form)?)
        }
    }
}

/// Gathers a file's pieces from where the last attempt ended; what it is.
async fn gather<T: BlobTransport>(store: &Store, transport: &T, hash: &str) -> Result<BlobKind, Trouble> {
    let mut have = store.gathered(hash);
    loop {
        let piece = transport.fetch_piece(hash, have).await?;
        if !piece.bytes.is_empty() {
            have = store.gather(hash, &piece.bytes)?;
        } else if have < piece.total {
            return Err(SyncError::Unexpected(format!("no more of {hash} comes after {have} bytes")).into());
        }
        if have >= piece.total {
            return Ok(piece.kind);
        }
    }
}

/// A hash as bytes.
fn bytes_of(hash: &str) -> Result<Vec<u8>, Trouble> {
    let digits = |at: usize| hash.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    let bytes: Option<Vec<u8>> = (0..hash.len()).step_by(2).map(digits).collect();
    let bytes = bytes.filter(|bytes| bytes.len() == PAGE_HASH);
    bytes.ok_or_else(|| SyncError::Unexpected(format!("{hash} is no SHA-256")).into())
}

/// The hashes of a list of pages.
fn pages_of(list: &[u8]) -> Result<Vec<String>, Trouble> {
    let whole = list.len().is_multiple_of(PAGE_HASH) && list.len() <= PAGES * PAGE_HASH && !list.is_empty();
    if !whole {
        let name = sha256(list);
        return Err(SyncError::Unexpected(format!("{name} is no list of pages")).into());
    }
    Ok(list.chunks(PAGE_HASH).map(castor_store::hex).collect())
}
