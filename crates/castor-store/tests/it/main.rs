//! The store through its public surface.

mod log;
