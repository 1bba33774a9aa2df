//! The desk through its public surface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod desk;
mod second;
mod types;
