//! The few conversions between floats and pixel counts that drawing needs, in one place.

/// Nearest grey level of a value on the 0–255 scale; anything outside is clamped.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0..=255 before the cast"
)]
pub(crate) fn level(value: f32) -> u8 {
    value.clamp(0.0, 255.0).round() as u8
}

/// Whole part of a pixel coordinate, 0 when negative or not a number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates; pixels are far below 2^32"
)]
pub(crate) fn floor(value: f32) -> usize {
    value.max(0.0) as u32 as usize
}

/// Smallest whole number not below a pixel coordinate, 0 when negative or not a number.
pub(crate) fn ceil(value: f32) -> usize {
    floor(value.ceil())
}

/// A pixel count as an image dimension.
pub(crate) fn dimension(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// A double as a single.
#[expect(
    clippy::cast_possible_truncation,
    reason = "page coordinates are small, the lost digits are far below a pixel"
)]
pub(crate) fn single(value: f64) -> f32 {
    value as f32
}
