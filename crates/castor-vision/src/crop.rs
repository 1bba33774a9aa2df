//! The pictures of single boxes that the symbol model reads, cut from the page at its own resolution.

use crate::homography::{Homography, Point};
use crate::layout::FrameRect;
use crate::page::{PageImage, RectifiedPage};
use crate::raster::{Paper, Sampler, real};
use crate::simd::vectorised;
use castor_domain::reading::PixelRect;
use castor_domain::symbol::{BOX_CORE, BOX_SIDE, BoxImage};
use image::GrayImage;

/// Cuts boxes from one page.
pub(crate) struct BoxCutter<'a> {
    page: &'a PageImage,
    /// The page halved until a box pixel is no more than about two page pixels, so that sampling does not alias.
    sampled: std::borrow::Cow<'a, GrayImage>,
    shrink: f32,
    to_page: Homography,
    paper: Paper,
}

impl<'a> BoxCutter<'a> {
    /// Prepares a registered page; `paper` is of its canonical page.
    pub(crate) fn new(page: &'a PageImage, to_page: Homography, paper: Paper) -> Self {
        let a = to_page.apply(Point::new(0.0, 0.0));
        let b = to_page.apply(Point::new(800.0, 0.0));
        // A box picture has 32 pixels for about 67 canonical ones.
        let step = a.distance(b) / 800.0 * 67.0 / real(u32::try_from(BOX_CORE).unwrap_or(32));
        let mut sampled = std::borrow::Cow::Borrowed(&page.gray);
        let mut shrink = 1.0;
        while step * shrink > 2.6 {
            sampled = std::borrow::Cow::Owned(crate::raster::halve(&sampled));
            shrink *= 0.5;
        }
        Self {
            page,
            sampled,
            shrink,
            to_page,
            paper,
        }
    }

    /// The picture of one box.
    pub(crate) fn cut(&self, rect: FrameRect) -> BoxImage {
        let mut out = Box::new([0u8; BOX_SIDE * BOX_SIDE]);
        let core = real(u32::try_from(BOX_CORE).unwrap_or(32));
        let margin = real(u32::try_from((BOX_SIDE - BOX_CORE) / 2).unwrap_or(4));
        let (x0, y0) = RectifiedPage::pixel(rect.x0, rect.y0);
        let (x1, y1) = RectifiedPage::pixel(rect.x1, rect.y1);
        // A wide box gives up its sides to the margin, where they still show, before its digits are squeezed.
        let width = (x1 - x0).min((y1 - y0).max((x1 - x0) * core / (core + 2.0 * margin)));
        let x0 = f32::midpoint(x0, x1) - width / 2.0;
        let (sx, sy) = (width / core, (y1 - y0) / core);
        // Four samples a pixel: the mean over the pixel's own area.
        let sampled_at = |x: f32, y: f32| Point::new(x0 + (x - margin) * sx - 0.5, y0 + (y - margin) * sy - 0.5);
        let mut samples = [[0u8; 2 * BOX_SIDE]; 2];
        let mut y = 0.0;
        for row in out.chunks_exact_mut(BOX_SIDE) {
            for (line, down) in samples.iter_mut().zip([0.25, 0.75]) {
                self.sample(line, |x| sampled_at(x, y + down));
            }
            let [above, below] = &samples;
            let mut x = 0.5;
            for (v, ([a, b], [c, d])) in row.iter_mut().zip(above.as_chunks().0.iter().zip(below.as_chunks().0)) {
                let sum: u16 = [*a, *b, *c, *d].map(u16::from).iter().sum();
                let place = sampled_at(x, y + 0.5);
                *v = self.paper.ink_at(place.x, place.y, f32::from(sum) / 4.0);
                x += 1.0;
            }
            y += 1.0;
        }
        BoxImage(out)
    }

    /// Two samples a pixel along a line of a box, whose places on the canonical page are given by their pixel.
    fn sample(&self, line: &mut [u8], place: impl Fn(f32) -> Point) {
        /// Samples between places that are mapped exactly; the map is as good as straight between them.
        const STEP: u16 = 16;
        let source = Sampler::of(&self.sampled);
        let on_page = |x: f32| {
            let p = self.to_page.apply(place(x));
            Point::new((p.x + 0.5) * self.shrink - 0.5, (p.y + 0.5) * self.shrink - 0.5)
        };
        vectorised(
            #[inline(always)]
            || {
                let mut x = 0.25;
                let mut a = on_page(x);
                for part in line.chunks_mut(usize::from(STEP)) {
                    x += f32::from(STEP) / 2.0;
                    let b = on_page(x);
                    source.between(a, b, part);
                    a = b;
                }
            },
        );
    }

    /// Where three boxes stand on the page image.
    pub(crate) fn place(&self, boxes: &[FrameRect; 3]) -> PixelRect {
        let corners = boxes
            .iter()
            .flat_map(|b| [(b.x0, b.y0), (b.x1, b.y0), (b.x0, b.y1), (b.x1, b.y1)]);
        let points: Vec<Point> = corners
            .map(|(x, y)| {
                let (cx, cy) = RectifiedPage::pixel(x, y);
                self.to_page.apply(Point::new(cx, cy))
            })
            .collect();
        let (w, h) = self.page.gray.dimensions();
        let least = |f: &dyn Fn(&Point) -> f32| points.iter().map(f).fold(f32::MAX, f32::min);
        let most = |f: &dyn Fn(&Point) -> f32| points.iter().map(f).fold(f32::MIN, f32::max);
        let (x0, x1) = (
            crate::raster::index(least(&|p| p.x), w),
            crate::raster::index(most(&|p| p.x), w),
        );
        let (y0, y1) = (
            crate::raster::index(least(&|p| p.y), h),
            crate::raster::index(most(&|p| p.y), h),
        );
        PixelRect {
            x: x0,
            y: y0,
            width: x1 - x0,
            height: y1 - y0,
        }
    }
}
