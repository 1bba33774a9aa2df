//! Tests of the synthetic forms, through the public surface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod boxes;
mod corpus;
mod forms;
mod scans;
