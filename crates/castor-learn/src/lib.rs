//! Training, calibration and evaluation of the symbol model.
