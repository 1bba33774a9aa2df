//! How many jurors signed, by the ink in each cell of the signature area. Nothing in it is read.

use crate::page::RectifiedPage;
use crate::raster::{index, real};
use crate::text::{Region, ink_of};
use castor_domain::form::Corporacion;

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

/// Where families sign.
struct Family {
    /// Between which heights the base of `HUBO RECUENTO DE VOTOS` lies.
    question: [f32; 2],
    /// Top and bottom of the signatures below it.
    below: [f32; 2],
    rows: u8,
    of: &'static [Corporacion],
}

const FAMILIES: [Family; 4] = [
    // 2023: the question follows the last row, on the first or on the second page.
    Family {
        question: [0.25, 0.81],
        below: [0.046, 0.196],
        rows: 3,
        of: &[Corporacion::Gobernador, Corporacion::Alcalde],
    },
    // Lists 2023, and 2026.
    Family {
        question: [0.593, 0.621],
        below: [0.148, 0.376],
        rows: 3,
        of: &[Corporacion::Asamblea, Corporacion::Concejo, Corporacion::Presidente],
    },
    // 2025, and 2026 abroad.
    Family {
        question: [0.666, 0.694],
        below: [0.155, 0.290],
        rows: 2,
        of: &[Corporacion::Cmj, Corporacion::Presidente],
    },
    // 2022.
    Family {
        question: [0.768, 0.796],
        below: [0.058, 0.208],
        rows: 3,
        of: &[Corporacion::Presidente],
    },
];

impl SignatureGrid {
    /// The grid of a page by the height of its recount question; `None` where no known family of the corporación asks.
    #[must_use]
    pub fn below_question(height: f32, corporacion: Option<Corporacion>) -> Option<Self> {
        let corporacion = corporacion?;
        let family = FAMILIES
            .iter()
            .find(|f| (f.question[0]..f.question[1]).contains(&height) && f.of.contains(&corporacion))?;
        let [top, bottom] = family.below;
        Some(Self {
            top: height + top,
            bottom: height + bottom,
            rows: family.rows,
        })
    }
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
                (x + 0.06, y + 0.30 * height),
                (x + 0.44, y + 0.68 * height),
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
