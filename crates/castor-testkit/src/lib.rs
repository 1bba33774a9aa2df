//! Synthetic E-14 forms with truth, for tests, training and samples: invented people write invented numbers.
//!
//! Everything is drawn from a seed: the same seed gives the same pixels and the same truth.

pub mod boxes;
mod degrade;
pub mod hand;
pub mod ink;
pub mod marks;
mod num;
mod skeleton;
