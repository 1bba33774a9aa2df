//! A printed and filled page as a list of shapes, independent of resolution and scanner.
//!
//! Places are in the square frame: x = 0 at the centre of the top-left corner mark and 1 at the top-right one, y = 1 at
//! the bottom ones. Widths of lines, radii and letter sizes are in frame widths.

use crate::fonts::Weight;
use crate::ink::Glyph;

/// Size of a family's paper form.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Geometry {
    /// Distance of the corner marks' centres across, mm.
    pub width_mm: f32,
    /// Distance of the corner marks' centres down, mm.
    pub height_mm: f32,
    /// Width of the paper, mm.
    pub paper_width_mm: f32,
    /// Height of the paper, mm.
    pub paper_height_mm: f32,
}

/// What a shape is printed with; scanners treat them differently.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tone {
    /// Black print.
    Black,
    /// Bare paper within print.
    White,
    /// The form's colour: black in 1-bit scans, coloured in the others.
    Band,
    /// Half tone of photographs and logos: ink level 0–1.
    Half(f32),
    /// Drop-out print: ink level 0–1 in colour scans, gone in 1-bit scans with drop-out.
    DropOut(f32),
}

/// Where a text hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// x is the left end.
    Left,
    /// x is the middle.
    Centre,
    /// x is the right end.
    Right,
}

/// A printed text.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The letters.
    pub text: String,
    /// Horizontal place, see [`Align`].
    pub x: f32,
    /// Vertical place of the middle of the capitals.
    pub y: f32,
    /// Letter size (em), in frame widths.
    pub em: f32,
    /// Width of the letters as a multiple of the font's.
    pub stretch: f32,
    /// Longest width, in frame widths; longer texts are squeezed.
    pub longest: f32,
    /// Weight.
    pub weight: Weight,
    /// Alignment.
    pub align: Align,
    /// Print.
    pub tone: Tone,
}

/// One thing on the page.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// Filled rectangle: left, top, right, bottom; `round` is the radius of the top corners, and of the bottom ones.
    Fill {
        /// Left, top, right, bottom.
        area: [f32; 4],
        /// Print.
        tone: Tone,
        /// Radius of the top corners and of the bottom corners.
        round: [f32; 2],
    },
    /// Outlined rectangle.
    Frame {
        /// Left, top, right, bottom.
        area: [f32; 4],
        /// Width of the line.
        width: f32,
        /// Print.
        tone: Tone,
        /// Radius of the top corners and of the bottom corners.
        round: [f32; 2],
    },
    /// Straight line, dotted when `dots` gives the length of dot plus gap.
    Line {
        /// Start.
        from: [f32; 2],
        /// End.
        to: [f32; 2],
        /// Width of the line.
        width: f32,
        /// Print.
        tone: Tone,
        /// Length of dot plus gap.
        dots: Option<f32>,
    },
    /// Circle.
    Ring {
        /// Centre.
        centre: [f32; 2],
        /// Radius to the middle of the line.
        radius: f32,
        /// Width of the line.
        width: f32,
        /// Print.
        tone: Tone,
    },
    /// Filled disc, squashed to a height of `aspect` widths.
    Disc {
        /// Centre.
        centre: [f32; 2],
        /// Half the width.
        radius: f32,
        /// Height over width.
        aspect: f32,
        /// Print.
        tone: Tone,
    },
    /// Filled triangle.
    Triangle {
        /// Corners.
        corners: [[f32; 2]; 3],
        /// Print.
        tone: Tone,
    },
    /// Printed text.
    Text(Text),
    /// A line of black text in several weights, from the left.
    Runs {
        /// The pieces.
        runs: Vec<(String, Weight)>,
        /// Left end.
        x: f32,
        /// Middle of the capitals.
        y: f32,
        /// Letter size (em), in frame widths.
        em: f32,
        /// Longest width, in frame widths; longer lines are squeezed.
        longest: f32,
    },
    /// Handwriting: a glyph in box units, laid with its unit square at left, top and with a side, all in frame units
    /// (the side in frame widths).
    Pen {
        /// The writing.
        glyph: Glyph,
        /// Left and top of the unit square.
        at: [f32; 2],
        /// Side of the unit square, in frame widths.
        side: f32,
    },
}

/// One page.
#[derive(Debug, Clone, PartialEq)]
pub struct Sheet {
    /// Size of the paper.
    pub geometry: Geometry,
    /// What stands on it, from the bottom up.
    pub items: Vec<Item>,
}
