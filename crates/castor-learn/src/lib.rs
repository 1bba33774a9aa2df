//! Training, calibration, evaluation and versioning of the symbol model.
//!
//! Samples come from a [`source::Source`]: MNIST digits, synthetic boxes, boxes of transcribed forms. [`train`] fits the
//! network, [`onnx`] writes it as the product runs it, [`calibrate`] and [`threshold`] make its confidence honest on
//! boxes and forms it has not seen, [`evaluate`] and [`card`] say how good it is.
//!
//! Nothing here draws forms, reads pages or looks at a clock; every random choice comes from a seed.

pub mod augment;
pub mod calibrate;
pub mod card;
pub mod error;
pub mod evaluate;
pub mod folds;
pub mod mnist;
mod network;
mod num;
pub mod onnx;
pub mod sample;
pub mod seed;
pub mod source;
pub mod threshold;
pub mod train;

pub use error::LearnError;
pub use network::{Predictor, Weights};
