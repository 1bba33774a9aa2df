//! Files taken in, and the two machine codes of a page.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::manual_is_multiple_of,
    unreachable_pub,
    reason = "tests fail by panicking and say what they skip"
)]

mod codes;
mod corpus;
mod files;
mod layouts;
mod make;
mod refused;
