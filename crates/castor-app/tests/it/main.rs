//! The desk through its public surface.

mod desk;
mod types;
