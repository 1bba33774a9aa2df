//! The `castor` command as a person runs it, and the order of the crates.

mod bad_input;
mod check;
mod command;
mod dependencies;
mod files;
