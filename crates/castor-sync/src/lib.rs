//! The laptop's side of sync: sends its events, takes in those of others, and says how it went. docs/SYNC.md says what
//! holds. It knows the store and a [`Transport`]; nothing of windows, accounts' screens or forms.

mod engine;
mod http;
mod transport;

pub use engine::{Backoff, Round, round};
pub use http::{HttpTransport, Keep, ServerUrl, SignIn, Tokens};
pub use transport::{SyncError, Transport};
