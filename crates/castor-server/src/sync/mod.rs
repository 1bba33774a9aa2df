//! The server's side of sync: one order of all events, each applied once. docs/SYNC.md says what holds.

mod cases;
mod push;

pub(crate) use cases::{Cases, Folded};
pub(crate) use push::{Accepted, RefusedEvent, push};
