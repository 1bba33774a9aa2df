//! The `castor` command as a person runs it, and the order of the crates.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod check;
mod closing;
mod command;
mod dependencies;
mod files;
mod former;
mod lent;
mod model;
mod server;
mod serving;
