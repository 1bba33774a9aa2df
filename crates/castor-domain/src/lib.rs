//! The form model of CASTOR: what an E-14 says, how its marks mean numbers, and what can be checked.
//!
//! No I/O, no async, no clock, no image codec: values in, values and findings out.

pub mod agreement;
pub mod arithmetic;
pub mod checks;
pub mod codes;
pub mod draw;
pub mod error;
pub mod form;
pub mod geography;
pub mod grammar;
pub mod header;
pub mod reading;
pub mod results;
pub mod review;
pub mod serial;
pub mod suggestion;
pub mod symbol;
