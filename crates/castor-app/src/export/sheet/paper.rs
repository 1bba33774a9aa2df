//! A document of A4 pages with headings, tables and pictures, each page with the same foot.

use super::type_face::{broken, encoded, width};
use image::GrayImage;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};

/// A4, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 36.0;
/// Width of what is written.
pub(super) const WIDE: f32 = PAGE.0 - 2.0 * MARGIN;
/// Height at which the foot begins.
const FOOT: f32 = 52.0;
/// Dots an inch of pictures on paper.
const DENSITY: f32 = 150.0;
const QUALITY: u8 = 72;
const TEXT: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// How a text is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Plain,
    Bold,
}

/// One field of a table.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) text: String,
    pub(super) weight: Weight,
}

impl Field {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            text,
            weight: Weight::Plain,
        }
    }

    pub(super) fn bold(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            text,
            weight: Weight::Bold,
        }
    }
}

/// A picture as JPEG.
struct Picture {
    bytes: Vec<u8>,
    width: i32,
    height: i32,
}

/// One page with the picture that it shows, if any.
struct Leaf {
    content: Content,
    picture: Option<usize>,
}

/// What stands on every page.
pub(super) struct Frame {
    pub(super) title: String,
    /// Printed in a band at the top.
    pub(super) mark: Option<String>,
    pub(super) foot: [String; 2],
}

/// The document.
pub(super) struct Paper {
    frame: Frame,
    leaves: Vec<Leaf>,
    pictures: Vec<Picture>,
    /// Height above which is written.
    y: f32,
}

impl Paper {
    pub(super) fn new(frame: Frame) -> Self {
        let mut paper = Self {
            frame,
            leaves: Vec::new(),
            pictures: Vec::new(),
            y: 0.0,
        };
        paper.turn();
        paper
    }

    /// Begins a new page.
    pub(super) fn turn(&mut self) {
        let mut leaf = Leaf {
            content: Content::new(),
            picture: None,
        };
        self.y = PAGE.1 - MARGIN;
        if let Some(mark) = &self.frame.mark {
            leaf.content
                .set_stroke_gray(0.0)
                .set_line_width(1.0)
                .rect(MARGIN, self.y - 14.0, WIDE, 18.0)
                .stroke();
            let at = (MARGIN + (WIDE - width(mark, 9.0)) / 2.0, self.y - 9.0);
            set(&mut leaf.content, at, 9.0, Weight::Bold, mark);
            self.y -= 30.0;
        }
        self.leaves.push(leaf);
    }

    /// Turns the page when less than a height is left on it.
    fn need(&mut self, height: f32) {
        if self.y - height < FOOT {
            self.turn();
        }
    }

    fn write(&mut self, x: f32, size: f32, weight: Weight, text: &str) {
        let at = (x, self.y);
        if let Some(leaf) = self.leaves.last_mut() {
            set(&mut leaf.content, at, size, weight, text);
        }
    }

    pub(super) fn heading(&mut self, text: &str, size: f32) {
        // A heading stays with what it is over.
        self.need(size + 34.0);
        self.y -= size;
        self.write(MARGIN, size, Weight::Bold, text);
        self.y -= 8.0;
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        for line in broken(text, 8.5, WIDE) {
            self.need(11.0);
            self.y -= 9.0;
            self.write(MARGIN, 8.5, Weight::Plain, &line);
            self.y -= 2.0;
        }
        self.y -= 4.0;
    }

    /// A table with a head that comes again on each page. `widths` are shares of the whole.
    pub(super) fn table<const N: usize>(&mut self, head: [&str; N], widths: [f32; N], rows: &[[Field; N]]) {
        const SIZE: f32 = 7.5;
        let all: f32 = widths.iter().sum();
        let widths = widths.map(|w| w / all * WIDE);
        self.row(&head.map(Field::bold), &widths, SIZE);
        for row in rows {
            let lines = deepest(row, &widths, SIZE);
            if self.y - lines * (SIZE + 1.5) - 5.0 < FOOT {
                self.turn();
                self.row(&head.map(Field::bold), &widths, SIZE);
            }
            self.row(row, &widths, SIZE);
        }
        self.y -= 8.0;
    }

    fn row<const N: usize>(&mut self, row: &[Field; N], widths: &[f32; N], size: f32) {
        let height = deepest(row, widths, size) * (size + 1.5) + 4.0;
        self.need(height);
        let top = self.y;
        let mut x = MARGIN;
        for (field, wide) in row.iter().zip(widths) {
            self.y = top;
            for line in broken(&field.text, size, wide - 6.0) {
                self.y -= size + 1.5;
                self.write(x + 2.0, size, field.weight, &line);
            }
            x += wide;
        }
        self.y = top - height;
        if let Some(leaf) = self.leaves.last_mut() {
            leaf.content
                .set_stroke_gray(0.75)
                .set_line_width(0.4)
                .move_to(MARGIN, self.y)
                .line_to(MARGIN + WIDE, self.y)
                .stroke();
        }
    }

    /// A picture as large as fits what is left of a page, at the density of print. It has its page to itself and to what
    /// was written above it.
    ///
    /// # Errors
    /// What the encoder says.
    pub(super) fn picture(&mut self, gray: &GrayImage) -> image::ImageResult<()> {
        let real = |n: u32| f32::from(u16::try_from(n).unwrap_or(u16::MAX));
        let (w, h) = (real(gray.width()), real(gray.height()));
        let room = (WIDE, self.y - FOOT - 4.0);
        let scale = (room.0 / w).min(room.1 / h);
        let (wide, high) = (w * scale, h * scale);
        let pixels = |points: f32| pixels(points / 72.0 * DENSITY);
        let (across, down) = (pixels(wide).min(gray.width()), pixels(high).min(gray.height()));
        let small = image::imageops::resize(gray, across, down, image::imageops::FilterType::Triangle);
        let mut bytes = Vec::new();
        small.write_with_encoder(image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, QUALITY))?;
        let size = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let (width, height) = (size(across), size(down));
        self.pictures.push(Picture { bytes, width, height });
        let place = [wide, 0.0, 0.0, high, MARGIN + (WIDE - wide) / 2.0, self.y - high];
        if let Some(leaf) = self.leaves.last_mut() {
            leaf.content.save_state().transform(place).x_object(Name(b"Im"));
            leaf.content.restore_state();
            leaf.picture = Some(self.pictures.len() - 1);
        }
        self.y = FOOT;
        Ok(())
    }

    /// The document's bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let pages = self.leaves.len();
        for (i, leaf) in self.leaves.iter_mut().enumerate() {
            let [first, second] = &self.frame.foot;
            set(&mut leaf.content, (MARGIN, 38.0), 6.5, Weight::Plain, first);
            set(&mut leaf.content, (MARGIN, 29.0), 6.5, Weight::Plain, second);
            let number = format!("página {} de {pages}", i + 1);
            let x = PAGE.0 - MARGIN - width(&number, 6.5);
            set(&mut leaf.content, (x, 38.0), 6.5, Weight::Plain, &number);
        }
        self.assembled()
    }

    fn assembled(self) -> Vec<u8> {
        let mut next = 0;
        let mut new = || {
            next += 1;
            Ref::new(next)
        };
        let (catalog, tree, text, bold, about) = (new(), new(), new(), new(), new());
        let pictures: Vec<Ref> = self.pictures.iter().map(|_| new()).collect();
        let leaves: Vec<(Ref, Ref)> = self.leaves.iter().map(|_| (new(), new())).collect();
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(tree).lang(TextStr("es-CO"));
        pdf.document_info(about)
            .title(TextStr(&self.frame.title))
            .producer(TextStr(concat!("CASTOR ", env!("CARGO_PKG_VERSION"))));
        let count = i32::try_from(leaves.len()).unwrap_or(i32::MAX);
        pdf.pages(tree).kids(leaves.iter().map(|(page, _)| *page)).count(count);
        for (id, face) in [(text, "Helvetica"), (bold, "Helvetica-Bold")] {
            pdf.type1_font(id)
                .base_font(Name(face.as_bytes()))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (leaf, (page, content)) in self.leaves.into_iter().zip(leaves) {
            let mut out = pdf.page(page);
            out.parent(tree)
                .media_box(Rect::new(0.0, 0.0, PAGE.0, PAGE.1))
                .contents(content);
            let mut resources = out.resources();
            resources.fonts().pair(TEXT, text).pair(BOLD, bold);
            if let Some(picture) = leaf.picture.and_then(|i| pictures.get(i)) {
                resources.x_objects().pair(Name(b"Im"), *picture);
            }
            resources.finish();
            out.finish();
            pdf.stream(content, &leaf.content.finish());
        }
        for (picture, id) in self.pictures.iter().zip(pictures) {
            let mut out = pdf.image_xobject(id, &picture.bytes);
            out.filter(Filter::DctDecode);
            out.width(picture.width).height(picture.height).bits_per_component(8);
            out.color_space().device_gray();
        }
        pdf.finish()
    }
}

/// Whole pixels of a length.
fn pixels(length: f32) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded, at least 1, and no larger than a sheet of paper at the density of print"
    )]
    let whole = length.round().clamp(1.0, 10_000.0) as u32;
    whole
}

/// Lines of a row's deepest field.
fn deepest<const N: usize>(row: &[Field; N], widths: &[f32; N], size: f32) -> f32 {
    let lines = row
        .iter()
        .zip(widths)
        .map(|(field, wide)| broken(&field.text, size, wide - 6.0).len());
    f32::from(u16::try_from(lines.max().unwrap_or(1)).unwrap_or(u16::MAX))
}

fn set(content: &mut Content, at: (f32, f32), size: f32, weight: Weight, text: &str) {
    let face = match weight {
        Weight::Plain => TEXT,
        Weight::Bold => BOLD,
    };
    content.begin_text().set_font(face, size);
    content.next_line(at.0, at.1).show(Str(&encoded(text))).end_text();
}
