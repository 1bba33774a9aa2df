//! The sync protocol: what a laptop and the server say to each other. docs/SYNC.md states what it promises.
//!
//! Version 1. Bodies are JSON; moments are milliseconds since 1970-01-01 00:00 UTC; ids are UUIDs as text.

use crate::event::{self, EventError};
use castor_domain::review::{Moment, Recorded};
use serde::{Deserialize, Serialize};

/// The version that this program speaks, and the oldest that it understands.
pub const PROTOCOL: u16 = 1;

/// Most events in one push or one pull.
pub const MOST_EVENTS: usize = 1000;

/// How long a form is lent.
pub const LEASE_MINUTES: u16 = 15;

/// Code of a refused reading whose account may not read forms: the server reads the form itself, so that nothing is lost.
pub const READ_BY_SERVER: &str = "SYNC_READER";

/// Most bytes of one piece of an attachment.
pub const PIECE: usize = 4 << 20;

/// An event of a form as it travels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncEvent {
    /// Identity, chosen by its writer.
    pub id: String,
    /// SHA-256 of the form's file.
    pub form: String,
    /// When, by the writer's clock.
    pub at: i64,
    /// Who: a person's name, or the machine's.
    pub by: String,
    /// What: an event of the log as the JSON text that its writer hashed.
    pub body: String,
}

impl SyncEvent {
    /// An event of a form.
    ///
    /// # Errors
    /// [`EventError`] when it cannot be written, which no event of the domain causes.
    pub fn of(form: &str, recorded: &Recorded) -> Result<Self, EventError> {
        Ok(Self {
            id: event::id_text(recorded.id),
            form: form.to_owned(),
            at: recorded.at.0,
            by: recorded.by.clone(),
            body: event::to_text(&recorded.event)?,
        })
    }

    /// The event itself.
    ///
    /// # Errors
    /// [`EventError`] when its body says none.
    pub fn recorded(&self) -> Result<Recorded, EventError> {
        Ok(Recorded {
            id: event::id(&self.id)?,
            at: Moment(self.at),
            by: self.by.clone(),
            event: event::from_text(&self.body)?,
        })
    }
}

/// An event of a laptop with its place among all that it ever wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "FlatPushed")]
pub struct Pushed {
    /// From 1, without gaps.
    pub counter: u64,
    /// The event.
    #[serde(flatten)]
    pub event: SyncEvent,
}

/// [`Pushed`] as it is read: a flattened part would be taken in twice.
#[derive(Deserialize)]
struct FlatPushed {
    counter: u64,
    id: String,
    form: String,
    at: i64,
    by: String,
    body: String,
}

impl From<FlatPushed> for Pushed {
    fn from(flat: FlatPushed) -> Self {
        let FlatPushed {
            counter,
            id,
            form,
            at,
            by,
            body,
        } = flat;
        Self {
            counter,
            event: SyncEvent { id, form, at, by, body },
        }
    }
}

/// A laptop's events: `POST /api/sync/push`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Push {
    /// [`PROTOCOL`].
    pub protocol: u16,
    /// Identity of the laptop's store.
    pub client: String,
    /// In the order of their counters, at most [`MOST_EVENTS`].
    pub events: Vec<Pushed>,
}

/// What became of a pushed event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It counts, at this place of the server's order; said again for an event that was sent before.
    Accepted {
        /// Place in the server's order, from 1.
        global: u64,
    },
    /// It does not fit the form as the server has it. It is kept with the reason and never applied.
    Refused {
        /// Stable code.
        code: String,
        /// In plain words.
        message: String,
    },
}

/// The outcome of the event with a counter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Settled {
    /// The counter.
    pub counter: u64,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Answer to a push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushAnswer {
    /// The counter that the server waits for. A push that begins behind it is answered with this alone: a gap.
    pub next: u64,
    /// What became of each event, in order.
    pub settled: Vec<Settled>,
}

/// An event at its place in the server's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pulled {
    /// Its place.
    pub global: u64,
    /// The event.
    #[serde(flatten)]
    pub event: SyncEvent,
}

/// Answer to `GET /api/sync/pull?client=…&after=N&limit=…`: events after a place, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullAnswer {
    /// The events, in order. Who may pull at all may see every form.
    pub events: Vec<Pulled>,
    /// The place to ask after next; a later version may leave events out before it.
    pub upto: u64,
    /// Whether more wait.
    pub more: bool,
}

/// Answer to `GET /api/sync/state?client=…`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SyncState {
    /// Version that the server speaks.
    pub protocol: u16,
    /// Oldest version that it understands.
    pub oldest: u16,
    /// The counter that it waits for from this laptop.
    pub next: u64,
    /// Last place of its order.
    pub last: u64,
}

/// Asks for forms of the shared queue: `POST /api/sync/lease`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeaseRequest {
    /// Identity of the laptop's store.
    pub client: String,
    /// How many forms, at most 100, those that are lent already among them.
    pub count: u16,
    /// New ones only of this department's code.
    pub departamento: Option<String>,
}

/// Asks for a name to stand beside what a person says: `POST /api/sync/name`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NameRequest {
    /// At most [`MOST_NAMES`], the one that is liked best first; each of 1 to 254 characters.
    pub names: Vec<String>,
}

/// Most names of one request.
pub const MOST_NAMES: usize = 8;

/// The name that is the account's; none when all that were asked for are of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Named {
    /// One of those that were asked for.
    pub name: Option<String>,
}

/// A form that is given to one laptop for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Lease {
    /// SHA-256 of the form's file.
    pub form: String,
    /// Until when, by the server's clock.
    pub until: i64,
}

/// Most bytes of one attachment: as many as a form's file may have.
pub const ATTACHMENT: u64 = 200_000_000;

/// Bytes of one hash in the list of a form's page files.
pub const PAGE_HASH: usize = 32;

/// What an attachment is; `kind` of `POST /api/blobs/{sha256}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum BlobKind {
    /// A file: of a form, or one of its pages.
    File,
    /// The list of a form's page files: their hashes as bytes, one behind the other, in reading order. The hash of such
    /// a form is the hash of this list; each page is an attachment of its own.
    Pages,
}

impl BlobKind {
    /// As it is written in a query, and in the header [`BLOB_KIND`] of an attachment.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Pages => "pages",
        }
    }

    /// Reads [`Self::name`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::File, Self::Pages].into_iter().find(|kind| kind.name() == text)
    }
}

/// Header of an attachment that says which [`BlobKind`] it is.
pub const BLOB_KIND: &str = "castor-kind";

/// How much of an attachment the server has: `GET /api/blobs/{sha256}/state`, and the answer to a piece of it,
/// `POST /api/blobs/{sha256}?offset=…&total=…&kind=…`. A piece that does not begin where the server's bytes end is
/// answered with this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlobState {
    /// Bytes that are there, in order from the first.
    pub bytes: u64,
    /// Whether it is whole and its hash was checked.
    pub whole: bool,
}
