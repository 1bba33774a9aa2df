//! Grey pixels from whatever a decoder delivers, at a size that reading needs.

use crate::simd::vectorised;
use image::GrayImage;

/// Width of the form, in pixels, from which a page is shrunk: four times what a 200-dpi scan of the strip has.
const SHRINK_ABOVE: u32 = 2600;
/// Width of the form that a shrunk page does not exceed.
const SHRINK_TO: u32 = 1900;

/// Upper bound of the pixels that the form itself can take across in a picture of this size, whichever way it lies:
/// the strip is three times as long as wide, so a page photographed with the desk around it is bound by the long side.
pub(super) fn form_width(width: u32, height: u32) -> u32 {
    width.min(height).min(width.max(height) / 3)
}

/// Shrinks a page that is finer than reading needs by a whole factor, each pixel the mean of its square.
pub(super) fn fit(image: GrayImage) -> GrayImage {
    let form = form_width(image.width(), image.height());
    if form <= SHRINK_ABOVE {
        return image;
    }
    shrink(&image, form.div_ceil(SHRINK_TO))
}

fn shrink(image: &GrayImage, factor: u32) -> GrayImage {
    let (width, height) = (image.width() / factor, image.height() / factor);
    let (Ok(k), Ok(columns)) = (usize::try_from(factor), usize::try_from(width)) else {
        return image.clone();
    };
    let stride = image.width() as usize;
    let area = factor * factor;
    let mut out = Vec::with_capacity(columns * height as usize);
    let mut sums = vec![0u32; columns];
    for band in image.as_raw().chunks_exact(stride * k) {
        sums.fill(0);
        for row in band.chunks_exact(stride) {
            for (sum, square) in sums.iter_mut().zip(row.chunks_exact(k)) {
                *sum += square.iter().map(|&v| u32::from(v)).sum::<u32>();
            }
        }
        out.extend(
            sums.iter()
                .map(|s| u8::try_from((s + area / 2) / area).unwrap_or(u8::MAX)),
        );
    }
    GrayImage::from_raw(width, height, out).unwrap_or_else(|| image.clone())
}

/// Luma (ITU-R BT.709, as the `image` crate) of rows of `channels` bytes a pixel, the first three in the order blue, green, red.
/// `stride` is the length of a row in bytes. None when the bytes do not hold the picture.
pub(super) fn from_bgr(width: u32, height: u32, stride: usize, channels: usize, bytes: &[u8]) -> Option<GrayImage> {
    let used = (width as usize).checked_mul(channels)?;
    rows(height, stride, used, bytes)?;
    let mut out = Vec::with_capacity((width as usize).checked_mul(height as usize)?);
    vectorised(
        #[inline(always)]
        || {
            for row in bytes.chunks(stride).take(height as usize) {
                out.extend(row[..used].chunks_exact(channels).map(|p| {
                    let sum = 722 * u32::from(p[0]) + 7152 * u32::from(p[1]) + 2126 * u32::from(p[2]);
                    u8::try_from(sum / 10_000).unwrap_or(u8::MAX)
                }));
            }
        },
    );
    GrayImage::from_raw(width, height, out)
}

/// Grey rows of `stride` bytes. None when the bytes do not hold the picture.
pub(super) fn from_gray(width: u32, height: u32, stride: usize, bytes: Vec<u8>) -> Option<GrayImage> {
    let used = width as usize;
    rows(height, stride, used, &bytes)?;
    if stride == used {
        return GrayImage::from_raw(width, height, bytes);
    }
    let mut out = Vec::with_capacity(used.checked_mul(height as usize)?);
    for row in bytes.chunks(stride).take(height as usize) {
        out.extend_from_slice(&row[..used]);
    }
    GrayImage::from_raw(width, height, out)
}

/// Checks that `height` rows with `used` bytes each are there.
fn rows(height: u32, stride: usize, used: usize, bytes: &[u8]) -> Option<()> {
    let last = stride.checked_mul((height as usize).checked_sub(1)?)?;
    (used > 0 && used <= stride && bytes.len() >= last.checked_add(used)?).then_some(())
}

/// Turns a picture clockwise by quarters.
pub(super) fn turned(image: GrayImage, quarters: u8) -> GrayImage {
    match quarters % 4 {
        1 => image::imageops::rotate90(&image),
        2 => image::imageops::rotate180(&image),
        3 => image::imageops::rotate270(&image),
        _ => image,
    }
}

/// Whether a page holds only black and white, also when a black-and-white scan was resampled on its way: then most
/// pixels are still pure, and of the dark ones about half are pure black, which no scan in grey has.
pub(super) fn is_bitonal(image: &GrayImage) -> bool {
    // Counted in bytes over stretches that no byte overflows on.
    let count = |level: u8| -> usize {
        let of = |stretch: &[u8]| stretch.iter().map(|&v| u8::from(v == level)).sum::<u8>();
        vectorised(
            #[inline(always)]
            || image.as_raw().chunks(255).map(|stretch| usize::from(of(stretch))).sum(),
        )
    };
    let (black, white, total) = (count(0), count(255), image.as_raw().len());
    (black + white) * 10 >= total * 9 && black * 5 >= (total - white) * 2
}
