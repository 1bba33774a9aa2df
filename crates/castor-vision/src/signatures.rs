//! How many jurors signed, by the ink in each cell of the signature area. Nothing in it is read.

use crate::page::RectifiedPage;
use crate::raster::{index, real};
use crate::text::{Region, ink_of};

/// The grid of signature cells of a page: two columns, in the square frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignatureGrid {
    /// Top of the first row.
    pub top: f32,
    /// Bottom of the last row.
    pub bottom: f32,
    /// Rows of two cells: three at home, two abroad and for the youth councils.
    pub rows: u8,
}

/// Share of inked pixels in the inner part of a cell below which nobody signed it.
const BARE: f32 = 0.004;
/// The same as a share of what the page's middle cell holds: the ink of neighbours that strays into an empty cell.
const STRAY: f32 = 0.1;
/// Ink level of a stroke.
const INKED: u8 = 96;

/// Counts the cells with a signature. `None` when the grid does not lie on the page.
#[must_use]
pub fn count_signatures(page: &RectifiedPage, grid: &SignatureGrid) -> Option<u8> {
    if grid.rows == 0 || grid.bottom <= grid.top || grid.bottom > 1.02 {
        return None;
    }
    let height = (grid.bottom - grid.top) / f32::from(grid.rows);
    let mut shares: Vec<f32> = Vec::new();
    for row in 0..grid.rows {
        for column in 0..2u8 {
            let (x, y) = (f32::from(column) * 0.5, grid.top + f32::from(row) * height);
            shares.push(share_of_ink(
                page,
                (x + 0.06, y + 0.22 * height),
                (x + 0.44, y + 0.78 * height),
            ));
        }
    }
    shares.sort_by(f32::total_cmp);
    let least = BARE.max(STRAY * shares[shares.len() / 2]);
    u8::try_from(shares.iter().filter(|&&s| s > least).count()).ok()
}

/// Share of inked pixels between two points of the square frame, ruled lines aside.
fn share_of_ink(page: &RectifiedPage, from: (f32, f32), to: (f32, f32)) -> f32 {
    let (a, b) = (RectifiedPage::pixel(from.0, from.1), RectifiedPage::pixel(to.0, to.1));
    let (w, h) = page.gray.dimensions();
    let region = Region {
        left: index(a.0, w),
        top: index(a.1, h),
        right: index(b.0, w).max(index(a.0, w) + 1),
        bottom: index(b.1, h).max(index(a.1, h) + 1),
    };
    let ink = ink_of(&page.gray, region);
    let width = ink.width() as usize;
    let inked: u32 = ink
        .as_raw()
        .chunks_exact(width)
        .map(|row| row.iter().filter(|&&v| v >= INKED).count())
        .filter(|&n| 10 * n < 7 * width)
        .map(|n| u32::try_from(n).unwrap_or(0))
        .sum();
    real(inked) / real(ink.width() * ink.height())
}
