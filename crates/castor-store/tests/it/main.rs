//! The store through its public surface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod kill;
mod log;
mod support;
