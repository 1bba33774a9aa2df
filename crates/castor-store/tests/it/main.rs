//! The store through its public surface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod blobs;
mod demo;
mod full;
mod kill;
mod log;
mod support;
