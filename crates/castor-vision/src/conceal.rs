//! What of a page may leave the desk: everything below the votes is covered, since jurors sign there with their names and
//! identity numbers.

use crate::homography::{Homography, Point};
use crate::page::{FRAME_HEIGHT, FRAME_MARGIN, FRAME_WIDTH, PageImage, RectifiedPage};
use crate::read::{BODY, REGISTERED};
use crate::recount::find_question;
use crate::register::{Registration, rectify, register};
use crate::signatures::SignatureGrid;
use castor_domain::form::Corporacion;
use castor_domain::reading::PixelRect;
use image::{GrayImage, Luma};

/// Canonical pixels kept below the last vote cell, and below the base line of the recount question.
const BELOW_CELLS: f32 = 8.0;
const BELOW_QUESTION: f32 = 18.0;
/// Grey of the cover, and of its hatching.
const COVER: [Luma<u8>; 2] = [Luma([236]), Luma([205])];

/// The page with everything below its votes covered; what the jurors answered about a recount stays in view where a known
/// family asks it. `cells` are the places of the page's vote cells. `None` when it is not known where the votes end: then
/// nothing of the page may be shown.
#[must_use]
pub fn without_signatures(
    page: &PageImage,
    cells: &[PixelRect],
    corporacion: Option<Corporacion>,
) -> Option<GrayImage> {
    let registration = register(page).filter(|r| r.quality >= REGISTERED)?;
    let votes_end = lowest(&registration, cells)?;
    let end =
        question_end(page, &registration, votes_end, corporacion).or_else(|| votes_end.map(|y| y + BELOW_CELLS))?;
    Some(covered(page.gray.clone(), &registration.to_page, end))
}

/// Height below which no cell lies, in canonical pixels; `Some(None)` on a page without cells, `None` when page and map do
/// not fit each other.
fn lowest(registration: &Registration, cells: &[PixelRect]) -> Option<Option<f32>> {
    let (w, h) = (f32::from(FRAME_WIDTH), f32::from(FRAME_HEIGHT));
    let canonical = [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)].map(|(x, y)| Point::new(x, y));
    let on_page = canonical.map(|p| registration.to_page.apply(p));
    let from_page = Homography::from_corners(on_page, canonical)?;
    let corners = cells.iter().flat_map(|cell| {
        let (x1, y1) = (cell.x + cell.width, cell.y + cell.height);
        [(cell.x, cell.y), (x1, cell.y), (cell.x, y1), (x1, y1)]
    });
    let heights = corners.map(|(x, y)| {
        from_page
            .apply(Point::new(crate::raster::real(x), crate::raster::real(y)))
            .y
    });
    Some(heights.reduce(f32::max))
}

/// The height just below the recount question, when it stands where a family of the corporación prints it.
fn question_end(
    page: &PageImage,
    registration: &Registration,
    votes_end: Option<f32>,
    corporacion: Option<Corporacion>,
) -> Option<f32> {
    let canonical = |y: f32| RectifiedPage::pixel(0.0, y).1;
    let from = votes_end.unwrap_or_else(|| canonical(BODY));
    let question = find_question(&rectify(page, registration), from, canonical(0.80))?;
    let height = (question.base - f32::from(FRAME_MARGIN)) / f32::from(FRAME_HEIGHT);
    SignatureGrid::below_question(height, corporacion).map(|_| question.base + BELOW_QUESTION)
}

/// Covers all that lies below a canonical height, beyond the page's own margins too.
fn covered(mut gray: GrayImage, to_page: &Homography, end: f32) -> GrayImage {
    let width = f32::from(FRAME_WIDTH);
    let a = to_page.apply(Point::new(0.0, end));
    let b = to_page.apply(Point::new(width, end));
    let side = |p: Point| (b.x - a.x) * (p.y - a.y) - (b.y - a.y) * (p.x - a.x);
    // Above the line lies the head of the form, whichever way the page is turned.
    let above = side(to_page.apply(Point::new(width / 2.0, 0.0)));
    for (x, y, pixel) in gray.enumerate_pixels_mut() {
        let place = Point::new(crate::raster::real(x), crate::raster::real(y));
        if side(place) * above <= 0.0 {
            *pixel = COVER[usize::from((x + y) % 48 < 4)];
        }
    }
    gray
}
