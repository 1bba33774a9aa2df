//! The server through its HTTP surface, on a PostgreSQL of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod elsewhere;
mod guard;
mod leads;
mod limits;
mod objects;
mod outage;
mod settings;
mod shared;
mod world;
