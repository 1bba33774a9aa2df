//! PDF through PDFium: the scan itself where a page is one scan, otherwise the page drawn.

use super::error::InputError;
use super::picture::check_pixels;
use super::{Limits, gray, jpeg};
use crate::runtime;
use image::GrayImage;
use pdfium_render::prelude::{
    PdfBitmap, PdfBitmapFormat, PdfColorSpace, PdfDocument, PdfPage, PdfPageImageObject, PdfPageObject,
    PdfPageObjectsCommon, PdfPageRenderRotation, PdfPageTextRenderMode, PdfRenderConfig, Pdfium, PdfiumError,
    PdfiumInternalError,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Width in pixels at which the form on a page that is not one scan is drawn.
const DRAWN_WIDTH: f32 = 1300.0;
/// Width below which a form is not drawn: only pages of a shape that no form has would need it to stay within limits.
const LEAST_DRAWN_WIDTH: f32 = 200.0;
/// Largest colour scan taken raw: beyond, the four bytes a pixel of PDFium and their copy would outgrow the page.
const RAW_COLOUR_PIXELS: u64 = 16_000_000;
/// How deep pictures inside form objects are looked for when their sizes are checked.
const DEPTH: u8 = 4;

/// An open PDF.
#[derive(Debug)]
pub(super) struct PdfFile {
    file: PathBuf,
    document: PdfDocument<'static>,
    pages: u16,
}

impl PdfFile {
    pub(super) fn open(file: &Path, bytes: Vec<u8>, limits: &Limits) -> Result<Self, InputError> {
        // PDFium repairs a file that was cut off and shows what it finds: pages would be missing without a word.
        let tail = &bytes[bytes.len().saturating_sub(2048)..];
        if !tail.windows(5).any(|w| w == b"%%EOF") {
            return Err(InputError::Truncated { file: file.to_owned() });
        }
        let document = library()?
            .load_pdf_from_byte_vec(bytes, None)
            .map_err(|e| refusal(file, &e))?;
        let found = u64::try_from(document.pages().len()).unwrap_or(0);
        if found == 0 {
            return Err(InputError::corrupt(file, &"a PDF without pages"));
        }
        let pages = u16::try_from(found).ok().filter(|&n| n <= limits.pages);
        let pages = pages.ok_or_else(|| InputError::TooManyPages {
            file: file.to_owned(),
            pages: found,
            limit: limits.pages,
        })?;
        Ok(Self {
            file: file.to_owned(),
            document,
            pages,
        })
    }

    pub(super) fn page_count(&self) -> u16 {
        self.pages
    }

    /// Page `index`, from 0.
    pub(super) fn page(&self, index: u16, limits: &Limits) -> Result<GrayImage, InputError> {
        let refuse = |e: PdfiumError| refusal(&self.file, &e);
        let page = self.document.pages().get(index.into()).map_err(refuse)?;
        check_pictures(&self.file, page.objects(), limits, DEPTH)?;
        if let Some(scan) = the_scan(&page)
            && let Some(turns) = turns(&page, &scan)
            && let Some(gray) = self.pixels(&scan, limits)?
        {
            return Ok(gray::turned(gray::fit(gray), turns));
        }
        self.draw(&page, limits)
    }

    /// The scan's pixels. None where its raw pixels do not mean light.
    fn pixels(&self, scan: &PdfPageImageObject<'_>, limits: &Limits) -> Result<Option<GrayImage>, InputError> {
        let refuse = |e: PdfiumError| refusal(&self.file, &e);
        if let Some(stream) = photograph(scan).map_err(refuse)?
            && let Ok(Some(gray)) = jpeg::brightness(&self.file, &stream, limits)
            && sides(scan) == Some(gray.dimensions())
        {
            return Ok(Some(gray));
        }
        raw(scan).map_err(refuse)
    }

    fn draw(&self, page: &PdfPage<'_>, limits: &Limits) -> Result<GrayImage, InputError> {
        let refuse = |e: PdfiumError| refusal(&self.file, &e);
        let (width, height) = (page.width().value, page.height().value);
        if !(width.is_finite() && height.is_finite() && width >= 1.0 && height >= 1.0) {
            return Err(InputError::corrupt(&self.file, &"a page without size"));
        }
        let form = width.min(height).min(width.max(height) / 3.0);
        let finest = (pixels_f32(limits.page_pixels) / (width * height)).sqrt();
        let scale = (DRAWN_WIDTH / form).min(finest);
        let (wide, high) = (width * scale, height * scale);
        if form * scale < LEAST_DRAWN_WIDTH {
            return Err(InputError::corrupt(&self.file, &"a page of no form's shape"));
        }
        // Rounded down, so that the product stays within the limit.
        let (width, height) = (pixels(wide.floor()), pixels(high.floor()));
        let bound = |v: u32| i32::try_from(v).unwrap_or(i32::MAX);
        // PDFium draws pictures and paths on grey bitmaps wrongly, or stops the process; on these it does not.
        let mut bitmap = PdfBitmap::empty(bound(width), bound(height), PdfBitmapFormat::BGRx).map_err(refuse)?;
        let config = PdfRenderConfig::new()
            .set_fixed_size(bound(width), bound(height))
            .set_reverse_byte_order(false);
        page.render_into_bitmap_with_config(&mut bitmap, &config)
            .map_err(refuse)?;
        to_gray(&bitmap)
            .map_err(refuse)?
            .ok_or_else(|| InputError::corrupt(&self.file, &"the page could not be drawn"))
    }
}

/// Where PDFium is installed.
#[must_use]
pub fn library_path() -> PathBuf {
    runtime::home().join("lib").join(Pdfium::pdfium_platform_library_name())
}

/// The process's PDFium; it is loaded once and guards its own calls against use by several threads.
fn library() -> Result<&'static Pdfium, InputError> {
    static LIBRARY: OnceLock<Result<Pdfium, String>> = OnceLock::new();
    let path = library_path();
    LIBRARY
        .get_or_init(|| match Pdfium::bind_to_library(&path) {
            Ok(bindings) => Ok(Pdfium::new(bindings)),
            Err(PdfiumError::LoadLibraryError(e)) => Err(e.to_string()),
            Err(e) => Err(format!("{e:?}")),
        })
        .as_ref()
        .map_err(|reason| InputError::PdfLibrary {
            file: path.clone(),
            reason: super::error::one_line(reason),
        })
}

/// The one picture of a page that shows nothing else. Invisible text, as text recognition leaves it, does not count.
fn the_scan<'a>(page: &'a PdfPage<'_>) -> Option<PdfPageImageObject<'a>> {
    let mut scan = None;
    for object in page.objects().iter() {
        match object {
            PdfPageObject::Image(image) if scan.is_none() => scan = Some(image),
            PdfPageObject::Text(text) if text.render_mode() == PdfPageTextRenderMode::Invisible => {}
            PdfPageObject::Image(_)
            | PdfPageObject::Text(_)
            | PdfPageObject::Path(_)
            | PdfPageObject::Shading(_)
            | PdfPageObject::XObjectForm(_)
            | PdfPageObject::Unsupported(_) => return None,
        }
    }
    scan
}

/// Quarter turns clockwise that show the scan's pixels as the page shows them. None when the scan is mirrored, skewed,
/// cut by the page's edges or stretched to another shape: then only drawing the page shows what is meant.
fn turns(page: &PdfPage<'_>, scan: &PdfPageImageObject<'_>) -> Option<u8> {
    /// Share by which sides and positions may differ.
    const SLACK: f32 = 0.02;
    let m = scan.matrix().ok()?;
    let (across, up) = (m.a().hypot(m.b()), m.c().hypot(m.d()));
    let (width, height) = (pixels_of(scan.width().ok()?)?, pixels_of(scan.height().ok()?)?);
    // The scan's own axes on the page: (cos, sin) of "right" and of "up" in units of their length.
    let near = |v: f32, to: f32, unit: f32| (v - to * unit).abs() <= SLACK * unit;
    let own = (0u8..4).find(|&quarters| {
        // After q quarter turns clockwise "right" points right, down, left, up.
        let (right_x, right_y) = [(1.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 1.0)][usize::from(quarters)];
        let (up_x, up_y) = (-right_y, right_x);
        near(m.a(), right_x, across) && near(m.b(), right_y, across) && near(m.c(), up_x, up) && near(m.d(), up_y, up)
    })?;
    let stretch = (across / width) / (up / height);
    let shown = page.boundaries().bounding().ok()?.bounds;
    let (left, bottom) = (
        m.e() + m.a().min(0.0) + m.c().min(0.0),
        m.f() + m.b().min(0.0) + m.d().min(0.0),
    );
    let (right, top) = (left + m.a().abs() + m.c().abs(), bottom + m.b().abs() + m.d().abs());
    let slack = SLACK * across.max(up);
    let inside = left >= shown.left().value - slack
        && right <= shown.right().value + slack
        && bottom >= shown.bottom().value - slack
        && top <= shown.top().value + slack;
    if !inside || !(1.0 - 2.0 * SLACK..=1.0 + 2.0 * SLACK).contains(&stretch) {
        return None;
    }
    let page_turns = match page.rotation().ok()? {
        PdfPageRenderRotation::None => 0,
        PdfPageRenderRotation::Degrees90 => 1,
        PdfPageRenderRotation::Degrees180 => 2,
        PdfPageRenderRotation::Degrees270 => 3,
    };
    Some((own + page_turns) % 4)
}

/// The stream of a scan that is a plain JPEG in colour, to be unpacked outside PDFium, which does one thing at a time.
/// A grey one stays with PDFium: the PDF may say that its levels are to be inverted.
fn photograph(scan: &PdfPageImageObject<'_>) -> Result<Option<Vec<u8>>, PdfiumError> {
    let filters = scan.filters();
    let jpeg = filters.len() == 1 && filters.get(0)?.name() == "DCTDecode";
    let colour = matches!(
        scan.color_space()?,
        PdfColorSpace::DeviceRGB | PdfColorSpace::CalibratedCIERGB | PdfColorSpace::CalibratedICCProfile
    ) && scan.bits_per_pixel()? == 24;
    if jpeg && colour {
        scan.get_raw_image_data().map(Some)
    } else {
        Ok(None)
    }
}

fn sides(scan: &PdfPageImageObject<'_>) -> Option<(u32, u32)> {
    let side = |v: Result<i32, PdfiumError>| v.ok().and_then(|v| u32::try_from(v).ok());
    Some((side(scan.width())?, side(scan.height())?))
}

/// The scan's own pixels. None where they do not mean grey or colour by themselves: a stencil's pixels say where paint
/// goes, and inks are not light.
fn raw(scan: &PdfPageImageObject<'_>) -> Result<Option<GrayImage>, PdfiumError> {
    let light = match scan.color_space()? {
        PdfColorSpace::DeviceGray | PdfColorSpace::CalibratedCIEGray => true,
        PdfColorSpace::DeviceRGB
        | PdfColorSpace::CalibratedCIERGB
        | PdfColorSpace::CalibratedICCProfile
        | PdfColorSpace::Indexed => u64::try_from(i64::from(scan.width()?) * i64::from(scan.height()?))
            .is_ok_and(|n| n <= RAW_COLOUR_PIXELS || scan.bits_per_pixel().is_ok_and(|bits| bits <= 8)),
        PdfColorSpace::Unknown
        | PdfColorSpace::DeviceCMYK
        | PdfColorSpace::CalibratedCIELab
        | PdfColorSpace::Separation
        | PdfColorSpace::DeviceN
        | PdfColorSpace::Pattern => false,
    };
    if !light {
        return Ok(None);
    }
    to_gray(&scan.get_raw_bitmap()?)
}

/// Grey pixels of a bitmap; None when it is empty, as PDFium leaves it when a stream cannot be decoded.
fn to_gray(bitmap: &PdfBitmap<'_>) -> Result<Option<GrayImage>, PdfiumError> {
    let (Ok(width), Ok(height)) = (u32::try_from(bitmap.width()), u32::try_from(bitmap.height())) else {
        return Ok(None);
    };
    if width == 0 || height == 0 {
        return Ok(None);
    }
    let format = bitmap.format()?;
    let bytes = bitmap.as_raw_bytes();
    let stride = bytes.len() / height as usize;
    Ok(match format {
        PdfBitmapFormat::Gray => gray::from_gray(width, height, stride, bytes),
        PdfBitmapFormat::BGR => gray::from_bgr(width, height, stride, 3, &bytes),
        PdfBitmapFormat::BGRx | PdfBitmapFormat::BGRA => gray::from_bgr(width, height, stride, 4, &bytes),
    })
}

/// Refuses pictures that would unpack to more pixels than a page may have, before anything is unpacked.
fn check_pictures<'a>(
    file: &Path,
    objects: &'a impl PdfPageObjectsCommon<'a>,
    limits: &Limits,
    depth: u8,
) -> Result<(), InputError> {
    for object in objects.iter() {
        match &object {
            PdfPageObject::Image(image) => {
                // Without sizes there is nothing that PDFium would unpack.
                let (width, height) = sides(image).unwrap_or((1, 1));
                check_pixels(file, width.max(1), height.max(1), limits)?;
            }
            PdfPageObject::XObjectForm(form) if depth > 0 => check_pictures(file, form, limits, depth - 1)?,
            PdfPageObject::XObjectForm(_)
            | PdfPageObject::Text(_)
            | PdfPageObject::Path(_)
            | PdfPageObject::Shading(_)
            | PdfPageObject::Unsupported(_) => {}
        }
    }
    Ok(())
}

fn refusal(file: &Path, error: &PdfiumError) -> InputError {
    let locked = matches!(
        error,
        PdfiumError::PdfiumLibraryInternalError(
            PdfiumInternalError::PasswordError | PdfiumInternalError::SecurityError
        )
    );
    if locked {
        InputError::Encrypted { file: file.to_owned() }
    } else {
        InputError::corrupt(file, &format!("{error:?}"))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the sizes that PDFium takes first"
)]
fn pixels(v: f32) -> u32 {
    v.round().clamp(1.0, 1e6) as u32
}

#[expect(clippy::cast_precision_loss, reason = "sides of a picture are below 2^24")]
fn pixels_of(v: i32) -> Option<f32> {
    (v > 0).then_some(v as f32)
}

#[expect(clippy::cast_precision_loss, reason = "a limit need not be exact")]
fn pixels_f32(v: u64) -> f32 {
    v as f32
}
