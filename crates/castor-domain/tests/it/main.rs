//! Tests of the form model through its public surface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agreement;
mod arithmetic;
mod checks;
mod corpus;
mod geography;
mod grammar;
mod header;
mod review;
mod second;
mod suggestion;
mod support;
mod text_forms;
