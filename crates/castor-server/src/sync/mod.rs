//! The server's side of sync: one order of all events, each applied once. docs/SYNC.md says what holds.

mod cases;
mod kept;
mod line;
mod own;
mod pages;
mod push;

pub(crate) use cases::{Cases, Folded};
pub(crate) use line::{Line, take};
pub(crate) use own::{NotTaken, append, form};
pub(crate) use pages::{Page, Pages};
pub(crate) use push::{Accepted, Changed, RefusedEvent, Work};
