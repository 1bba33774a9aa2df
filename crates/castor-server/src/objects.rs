//! Files by their SHA-256: in a folder, or in an S3-compatible store by URL. What is put in is checked against its name
//! before it counts, and checked again when it is taken out whole.

use crate::config::Config;
use crate::error::{ApiError, ErrorCode};
use axum::body::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, PutPayload, RetryConfig, WriteMultipart};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write;
use std::io;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

/// How long one request to the store may take, and how long after the first one it is tried again: together less than the
/// database lets a transaction wait.
const REQUEST: Duration = Duration::from_secs(18);
const TRY_AGAIN: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(3);
/// Attempts after the first one.
const RETRIES: usize = 3;

/// Bytes of one part of a file that is streamed in; S3 asks for at least 5 MiB in all but the last.
const PART: usize = 5 << 20;

/// SHA-256 of a file in 64 small hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContentHash(String);

/// A text that is no SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 has 64 hexadecimal digits")]
pub struct NoHash;

impl ContentHash {
    /// Of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::finished(&Sha256::digest(bytes))
    }

    /// Of a digest.
    #[must_use]
    pub fn finished(digest: &[u8]) -> Self {
        let text = digest.iter().fold(String::with_capacity(64), |mut out, byte| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{byte:02x}");
            out
        });
        Self(text)
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Two levels, so that no folder holds every file.
    fn place(&self, under: &Path) -> Path {
        under.clone().join(&self.0[..2]).join(self.0.as_str())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.0)
    }
}

impl FromStr for ContentHash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let digits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        digits.then(|| Self(text.to_ascii_lowercase())).ok_or(NoHash)
    }
}

/// Why a file is not put in or taken out.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// There is no such file.
    #[error("OBJ_001 there is no file {0} in the store")]
    Missing(ContentHash),
    /// The bytes are not those of the name; nothing was kept.
    #[error("OBJ_002 the bytes are of {found}, not of {expected}; send them again")]
    Differs {
        /// The name.
        expected: ContentHash,
        /// What the bytes are.
        found: ContentHash,
    },
    /// The store does not do what it should.
    #[error("OBJ_003 the store of files: {0}")]
    Store(#[from] Error),
    /// Its settings cannot be used.
    #[error("OBJ_004 {0}")]
    Settings(String),
    /// What was being stored could not be read.
    #[error("OBJ_005 the file could not be read to its end: {0}")]
    Source(io::Error),
}

impl ObjectError {
    /// Stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "OBJ_001",
            Self::Differs { .. } => "OBJ_002",
            Self::Store(_) => "OBJ_003",
            Self::Settings(_) => "OBJ_004",
            Self::Source(_) => "OBJ_005",
        }
    }
}

impl From<ObjectError> for ApiError {
    fn from(error: ObjectError) -> Self {
        match &error {
            ObjectError::Missing(_) => Self::new(ErrorCode::NotFound, error.to_string()),
            ObjectError::Differs { .. } => Self::new(ErrorCode::Conflict, error.to_string()),
            ObjectError::Store(_) | ObjectError::Settings(_) | ObjectError::Source(_) => {
                tracing::error!(%error, "the store of files fails");
                Self::new(
                    ErrorCode::ObjectsUnavailable,
                    "the store of files does not answer; nothing was changed, try again shortly",
                )
                .retry_after(std::time::Duration::from_secs(5))
            }
        }
    }
}

/// The store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    under: Path,
}

impl Objects {
    /// Opens the store that the configuration names: `E14_OBJECTS_URL`, else `objects` in the data folder.
    ///
    /// # Errors
    /// [`ObjectError::Settings`], or the folder cannot be made.
    pub fn open(config: &Config) -> Result<Self, ObjectError> {
        match &config.objects {
            ObjectsAt::Folder => Self::folder(&config.data.join("objects")),
            ObjectsAt::Unmade => Ok(Self {
                store: Arc::new(InMemory::new()),
                under: Path::default(),
            }),
            ObjectsAt::S3 { url, settings } => Self::s3(url, settings),
        }
    }

    /// A store in a folder. What is acknowledged is on the disk.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn folder(folder: &std::path::Path) -> Result<Self, ObjectError> {
        std::fs::create_dir_all(folder).map_err(|e| ObjectError::Settings(format!("{}: {e}", folder.display())))?;
        let store = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
        Ok(Self {
            store: Arc::new(store),
            under: Path::default(),
        })
    }

    fn s3(url: &str, settings: &[(String, String)]) -> Result<Self, ObjectError> {
        let under = url
            .trim_start_matches("s3://")
            .split_once('/')
            .map_or("", |(_, path)| path);
        let options = ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(CONNECT);
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: TRY_AGAIN,
            ..RetryConfig::default()
        };
        let mut builder = AmazonS3Builder::new()
            .with_client_options(options)
            .with_retry(retry)
            .with_url(url);
        for (name, value) in settings {
            let key = name.to_ascii_lowercase().parse()?;
            builder = builder.with_config(key, value);
        }
        Ok(Self {
            store: Arc::new(builder.build()?),
            under: Path::from(under),
        })
    }

    /// Puts a file in under its hash. One that is there already is left as it is.
    ///
    /// # Errors
    /// [`ObjectError::Differs`] when the bytes are others; the store's own.
    pub async fn put(&self, hash: &ContentHash, bytes: Bytes) -> Result<(), ObjectError> {
        let found = ContentHash::of(&bytes);
        if found != *hash {
            return Err(ObjectError::Differs {
                expected: hash.clone(),
                found,
            });
        }
        if self.size(hash).await? == Some(length(&bytes)) {
            return Ok(());
        }
        self.store
            .put(&hash.place(&self.under), PutPayload::from_bytes(bytes))
            .await?;
        Ok(())
    }

    /// Puts a file in that arrives piece by piece; memory holds a few parts of it. Nothing is kept unless the hash is right.
    ///
    /// # Errors
    /// As [`Self::put`]; [`ObjectError::Source`] when the pieces end with an error.
    pub async fn put_stream(
        &self,
        hash: &ContentHash,
        pieces: impl Stream<Item = io::Result<Bytes>> + Send,
    ) -> Result<(), ObjectError> {
        let upload = self.store.put_multipart(&hash.place(&self.under)).await?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PART);
        let mut digest = Sha256::new();
        let mut pieces = std::pin::pin!(pieces);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => {
                    digest.update(&piece);
                    upload.wait_for_capacity(2).await?;
                    upload.put(piece);
                }
                Err(error) => {
                    upload.abort().await?;
                    return Err(ObjectError::Source(error));
                }
            }
        }
        let found = ContentHash::finished(&digest.finalize());
        if found != *hash {
            upload.abort().await?;
            return Err(ObjectError::Differs {
                expected: hash.clone(),
                found,
            });
        }
        upload.finish().await?;
        Ok(())
    }

    /// Keeps a piece of a file that arrives bit by bit, apart from whole files, by the byte at which it begins.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn put_piece(&self, hash: &ContentHash, offset: i64, bytes: Bytes) -> Result<(), ObjectError> {
        // Names in the order of their bytes.
        let place = self.pieces(hash).join(format!("{offset:012}"));
        self.store.put(&place, PutPayload::from_bytes(bytes)).await?;
        Ok(())
    }

    /// Puts the pieces of a file together as that file. Nothing of it is kept unless the hash is right; the pieces stay.
    ///
    /// # Errors
    /// As [`Self::put_stream`].
    pub async fn join_pieces(&self, hash: &ContentHash) -> Result<(), ObjectError> {
        let places = self.places_of_pieces(hash).await?;
        let pieces = stream::iter(places).then(|place| async move {
            let found = self.store.get(&place).await.map_err(io::Error::other)?;
            found.bytes().await.map_err(io::Error::other)
        });
        self.put_stream(hash, pieces).await
    }

    /// Throws the pieces of a file away.
    ///
    /// # Errors
    /// The store does not answer; some may be gone then.
    pub async fn drop_pieces(&self, hash: &ContentHash) -> Result<(), ObjectError> {
        for place in self.places_of_pieces(hash).await? {
            match self.store.delete(&place).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Files of which there are pieces, and when the last of them came.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn in_pieces(&self) -> Result<BTreeMap<ContentHash, OffsetDateTime>, ObjectError> {
        let mut found = BTreeMap::new();
        let mut pieces = self.store.list(Some(&self.under.clone().join("pieces")));
        while let Some(piece) = pieces.try_next().await? {
            let of = piece.location.parts().rev().nth(1).map(|name| name.as_ref().parse());
            let Some(Ok(hash)) = of else { continue };
            let came = OffsetDateTime::from_unix_timestamp(piece.last_modified.timestamp());
            let came = came.unwrap_or(OffsetDateTime::UNIX_EPOCH);
            let last = found.entry(hash).or_insert(came);
            *last = came.max(*last);
        }
        Ok(found)
    }

    fn pieces(&self, hash: &ContentHash) -> Path {
        self.under.clone().join("pieces").join(hash.as_str())
    }

    async fn places_of_pieces(&self, hash: &ContentHash) -> Result<Vec<Path>, ObjectError> {
        let found: Vec<_> = self.store.list(Some(&self.pieces(hash))).try_collect().await?;
        let mut places: Vec<Path> = found.into_iter().map(|piece| piece.location).collect();
        places.sort();
        Ok(places)
    }

    /// Bytes of a file, `None` where it is not there.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn size(&self, hash: &ContentHash) -> Result<Option<u64>, ObjectError> {
        match self.store.head(&hash.place(&self.under)).await {
            Ok(found) => Ok(Some(found.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a file is there.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn exists(&self, hash: &ContentHash) -> Result<bool, ObjectError> {
        Ok(self.size(hash).await?.is_some())
    }

    /// A whole file, its hash checked.
    ///
    /// # Errors
    /// [`ObjectError::Missing`]; [`ObjectError::Differs`] when the store gives other bytes than were put in.
    pub async fn get(&self, hash: &ContentHash) -> Result<Bytes, ObjectError> {
        let bytes = match self.store.get(&hash.place(&self.under)).await {
            Ok(found) => found.bytes().await?,
            Err(Error::NotFound { .. }) => return Err(ObjectError::Missing(hash.clone())),
            Err(error) => return Err(error.into()),
        };
        let found = ContentHash::of(&bytes);
        if found == *hash {
            Ok(bytes)
        } else {
            Err(ObjectError::Differs {
                expected: hash.clone(),
                found,
            })
        }
    }

    /// A piece of a file; shorter where the file ends before. Who has all pieces checks the hash.
    ///
    /// # Errors
    /// [`ObjectError::Missing`]; the store's own, also for a piece behind the file's end.
    pub async fn range(&self, hash: &ContentHash, piece: Range<u64>) -> Result<Bytes, ObjectError> {
        match self.store.get_range(&hash.place(&self.under), piece).await {
            Ok(bytes) => Ok(bytes),
            Err(Error::NotFound { .. }) => Err(ObjectError::Missing(hash.clone())),
            Err(error) => Err(error.into()),
        }
    }
}

fn length(bytes: &Bytes) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// Where files are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum ObjectsAt {
    /// `objects` in the data folder.
    Folder,
    /// The same before it was made, for who only looks: it holds nothing.
    Unmade,
    /// An S3-compatible store.
    S3 {
        /// `s3://bucket/path`.
        url: String,
        /// `AWS_…` variables as given.
        settings: Vec<(String, String)>,
    },
}

impl fmt::Debug for ObjectsAt {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => to.write_str("Folder"),
            Self::Unmade => to.write_str("Unmade"),
            // The settings hold the key.
            Self::S3 { url, .. } => write!(to, "S3({url})"),
        }
    }
}

/// Variables that an S3-compatible store is told of, as the AWS tools name them.
pub(crate) const S3_VARIABLES: [&str; 6] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ENDPOINT",
    "AWS_ALLOW_HTTP",
];
