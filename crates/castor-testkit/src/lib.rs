//! Synthetic E-14 forms with truth, for tests, training and samples: invented people write invented numbers.
//!
//! Everything is drawn from a seed: the same seed gives the same pixels and the same truth. [`boxes`] draws single boxes
//! for the symbol model, [`form`] whole forms of every layout family, [`corpus`] writes them as PDF files with truth.

pub mod boxes;
mod code39;
pub mod corpus;
mod degrade;
mod draw;
pub mod error;
mod families;
pub mod fonts;
pub mod form;
pub mod hand;
mod header;
pub mod ink;
pub mod line;
pub mod marks;
mod names;
mod num;
mod page;
mod pdf;
pub mod review;
pub mod scan;
pub mod sheet;
mod skeleton;
mod tally;
pub mod truth;
