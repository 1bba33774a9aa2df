//! What leaves the program and comes back: readings and events of the log as JSON.
//!
//! The domain knows nothing of these shapes; they convert at this border alone.

pub mod event;
pub mod extraction;
pub mod parse;
mod parties;
pub mod payload;
pub mod sync;
pub mod write;
