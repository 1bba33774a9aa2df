//! Synthetic E-14 forms with truth, for tests, training and samples.
