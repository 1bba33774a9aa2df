//! Learning through its public surface.

mod augment;
mod calibrate;
mod evaluate;
mod files;
mod folds;
mod shapes;
mod threshold;
mod train;
