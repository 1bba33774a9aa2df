//! The server through its HTTP surface, on a PostgreSQL of its own.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod accounts;
mod audit;
mod blobs;
mod checking;
mod console;
mod crowd;
mod deploy;
mod e14;
mod elsewhere;
mod guard;
mod leads;
mod leases;
mod limits;
mod objects;
mod outage;
mod paper;
mod queue;
mod results;
mod review;
mod second;
mod security;
mod settings;
mod shared;
mod sim;
mod trust;
mod unread;
mod workers;
mod world;
