//! The laptop's side of sync: sends its events, takes in those of others, and says how it went. docs/SYNC.md says what
//! holds. It knows the store and a [`Transport`]; nothing of windows, accounts' screens or forms.

mod attachments;
mod engine;
mod http;
mod transport;

pub use attachments::{BlobTransport, Content, FetchedPiece, Find, Moved, fetch_file, fetch_files, send_files};
pub use castor_store::Page;
pub use engine::{Backoff, Round, round, sending};
pub use http::{Account, Answered, HttpTransport, Keep, Kept, ServerUrl, SignIn, Tokens};
pub use reqwest::Method;
pub use transport::{SyncError, Transport};
