//! The few conversions between numbers that learning needs, in one place.

/// Nearest grey level of an ink level on the 0–1 scale; anything outside is clamped.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 before the cast"
)]
pub(crate) fn level(ink: f32) -> u8 {
    (ink * 255.0).clamp(0.0, 255.0).round() as u8
}

/// A double as a single.
#[expect(
    clippy::cast_possible_truncation,
    reason = "probabilities and rates need no more digits"
)]
pub(crate) fn single(value: f64) -> f32 {
    value as f32
}

/// Whole part of a coordinate with its fraction.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates; coordinates are small"
)]
pub(crate) fn split(value: f32) -> (i32, f32) {
    let floor = value.floor();
    (floor as i32, value - floor)
}

/// A count as a wide integer.
pub(crate) fn wide(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

/// The share of a whole, 0 of nothing.
pub(crate) fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The bin, of `bins` equal ones over 0–1, that a probability falls into.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=bins before the cast"
)]
pub(crate) fn bin(probability: f32, bins: usize) -> usize {
    let at = (probability.clamp(0.0, 1.0) * bins as f32) as usize;
    at.min(bins.saturating_sub(1))
}
