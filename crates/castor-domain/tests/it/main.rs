//! Tests of the form model through its public surface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod geography;
mod grammar;
mod header;
mod support;
mod text_forms;
