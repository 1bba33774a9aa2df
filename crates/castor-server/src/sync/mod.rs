//! The server's side of sync: one order of all events, each applied once. docs/SYNC.md says what holds.

mod cases;
mod own;
mod push;

pub(crate) use cases::{Cases, Folded};
pub(crate) use own::{NotTaken, append, form};
pub(crate) use push::{Accepted, Changed, RefusedEvent, push};
