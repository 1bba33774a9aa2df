//! The server's side of sync: one order of all events, each applied once. docs/SYNC.md says what holds.

mod cases;
mod draft;
mod fold;
mod kept;
mod line;
mod own;
mod pages;
mod push;
mod tally;
mod work;

pub(crate) use cases::Cases;
pub(crate) use fold::{Accepted, Changed, RefusedEvent};
pub(crate) use line::{Line, take};
pub(crate) use own::{NotTaken, OWN, append, form};
pub(crate) use pages::{Page, Pages};
pub(crate) use push::other_account;
pub(crate) use work::{Work, is_name};
