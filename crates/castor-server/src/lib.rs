//! Accounts, the shared Postgres, queue and sync, over HTTP.
//!
//! A request passes [`serve::router`]'s layers, then the guard of its route (token, limit, role), then its handler in `api`,
//! which calls the queries in `repo`. docs/SERVER.md is the handbook.

pub mod address;
mod api;
pub mod audit;
pub mod backup;
mod blob;
pub mod breaker;
mod check;
pub mod cluster;
pub mod config;
pub mod database;
mod disk;
mod docs;
mod elsewhere;
pub mod envelope;
pub mod error;
pub mod exposition;
mod field;
mod figures;
pub mod guard;
mod http;
mod instant;
pub mod intake;
pub mod lead;
pub mod limit;
mod listen;
pub mod logs;
pub mod objects;
pub mod password;
pub mod proxy;
mod repo;
mod results;
mod revoked;
pub mod role;
pub mod route;
pub mod running;
mod secret;
pub mod serve;
pub mod server;
pub mod session;
pub mod shared;
mod sync;
pub mod token;
pub mod ui;
pub mod user;
pub mod work;

pub use api::{Check, State, routes};
pub use backup::{backup, restore};
pub use castor_ingest::fetch::Network;
pub use check::check;
pub use config::{Config, Service};
pub use serve::{add_user, migrate, serve};
pub use work::work;
