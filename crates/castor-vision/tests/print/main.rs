//! Printed text, recount boxes and signature cells on pages drawn for the purpose.
#![allow(clippy::unwrap_used, missing_docs)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "drawing on pages far smaller than any integer type"
)]

mod draw;
mod header;
mod lines;
mod marks;
