//! Files from outside, through the crate's own surface.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fetch;
mod files;
