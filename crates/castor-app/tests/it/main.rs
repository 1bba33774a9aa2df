//! The desk through its public surface.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod backup;
mod desk;
mod export;
mod import;
mod killed;
mod second;
mod secrets;
mod server;
mod swept;
mod types;
