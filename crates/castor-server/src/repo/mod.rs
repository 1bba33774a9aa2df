//! Queries, one noun per file, each a function on a connection so that several fit one transaction.

pub(crate) mod audit;
pub(crate) mod blob;
pub(crate) mod file;
pub(crate) mod form;
pub(crate) mod former;
pub(crate) mod job;
pub(crate) mod lead;
pub(crate) mod pipeline;
pub(crate) mod result;
pub(crate) mod session;
pub(crate) mod sign_in_guard;
pub(crate) mod sync;
pub(crate) mod user;

/// One column of rows.
fn of<'a, R, T>(rows: &'a [R], column: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(column).collect()
}
