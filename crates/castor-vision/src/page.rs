//! A page as the file holds it, and the same page laid into the canonical frame of its corner marks.

use image::GrayImage;

/// Pixels of the canonical page between the centres of the two top corner marks.
pub const FRAME_WIDTH: u16 = 800;
/// Pixels of the canonical page between the centres of a top and a bottom corner mark (96.7 mm × 316.5 mm form).
pub const FRAME_HEIGHT: u16 = 2618;
/// Pixels of canonical page kept outside the corner marks on every side.
pub const FRAME_MARGIN: u16 = 60;

/// One page of a file at its own resolution, in grey.
#[derive(Debug, Clone)]
pub struct PageImage {
    /// Page of the file, from 1.
    pub number: u16,
    /// Luma, 0 black to 255 white.
    pub gray: GrayImage,
    /// Whether the source holds only black and white.
    pub bitonal: bool,
}

/// A page laid into the canonical frame: the centres of the corner marks stand at
/// ([`FRAME_MARGIN`], [`FRAME_MARGIN`]) and ([`FRAME_MARGIN`] + [`FRAME_WIDTH`], [`FRAME_MARGIN`] + [`FRAME_HEIGHT`]).
#[derive(Debug, Clone)]
pub struct RectifiedPage {
    /// Luma, 0 black to 255 white, (800 + 2·60) × (2618 + 2·60) pixels.
    pub gray: GrayImage,
}

impl RectifiedPage {
    /// Canonical pixel of a point of the square frame (x = 1 at the right marks, y = 1 at the bottom marks).
    #[must_use]
    pub fn pixel(x: f32, y: f32) -> (f32, f32) {
        (
            f32::from(FRAME_MARGIN) + x * f32::from(FRAME_WIDTH),
            f32::from(FRAME_MARGIN) + y * f32::from(FRAME_HEIGHT),
        )
    }
}
