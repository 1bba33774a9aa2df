//! Files of forms from outside to the reader: fetched from hosts that are allowed, checked for what they must be, named with
//! where they come from, and opened by the one reader with the model that ships.
//!
//! What is absent: no queue, no store, no rule about votes.

pub mod address;
pub mod fetch;
pub mod file;
pub mod named;
pub mod provenance;
mod reader;

pub use fetch::{Fetched, Fetcher, Hosts};
pub use file::{FileFacts, FileProblem, FileRules};
pub use provenance::{Provenance, Source};
pub use reader::{missing, open_reader};
