//! Pictures of cells that a person settled, with what the person read: material to train and to judge the symbol model.
//!
//! Only vote cells are cut, and reviewers stand under a pseudonym. docs/EXPORTS.md describes the files.

use super::folder::NewFolder;
use super::{Exported, FormatWriter};
use crate::AppError;
use crate::cells::mark;
use castor_domain::reading::{FieldReading, PixelRect};
use castor_domain::review::{Decision, reference};
use castor_domain::symbol::{BOX_SIDE, BoxImage, Symbol};
use castor_store::sha256;
use castor_vision::input::{Document, Limits};
use castor_vision::read::{CutCell, FormReader};
use image::GrayImage;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufWriter, Cursor, Write};
use std::path::Path;
use std::sync::Arc;

const LABELS: &str = "casillas.jsonl";
const TASKS: &str = "label-studio.json";
/// How Label Studio shows and takes what the tasks hold.
const INTERFACE: &str = r#"<View>
  <Image name="image" value="$image"/>
  <TextArea name="marks" toName="image" rows="1" maxSubmissions="1" editable="true"/>
</View>
"#;

/// Writes pictures, a line for each cell, and a task for each cell.
pub(super) struct Crops {
    labels: BufWriter<File>,
    tasks: BufWriter<File>,
    cells: usize,
    reader: Arc<FormReader>,
    /// What makes pseudonyms of names; it stays on this computer.
    salt: String,
}

impl Crops {
    pub(super) fn begin(folder: &mut NewFolder, reader: Arc<FormReader>, salt: String) -> Result<Self, AppError> {
        folder.write("label-studio.xml", INTERFACE.as_bytes())?;
        Ok(Self {
            labels: BufWriter::new(folder.create(LABELS)?),
            tasks: BufWriter::new(folder.create(TASKS)?),
            cells: 0,
            reader,
            salt,
        })
    }

    fn pseudonym(&self, person: &str) -> String {
        let hash = sha256(format!("{}\n{person}", self.salt).as_bytes());
        format!("revisor-{}", hash.get(..8).unwrap_or(&hash))
    }

    fn write(&mut self, cell: &Labelled<'_>) -> Result<(), AppError> {
        let comma = if self.cells == 0 { "[\n" } else { ",\n" };
        let wrote =
            writeln!(self.labels, "{}", cell.line()).and_then(|()| write!(self.tasks, "{comma}{}", cell.task()));
        self.cells += 1;
        wrote.map_err(|e| fails(&e))
    }
}

fn fails(error: &std::io::Error) -> AppError {
    AppError::file(Path::new(LABELS), error)
}

impl FormatWriter for Crops {
    fn add(&mut self, folder: &mut NewFolder, form: &Exported) -> Result<(), AppError> {
        let settled: Vec<(&FieldReading, &Decision)> = form
            .log
            .case
            .reading()
            .into_iter()
            .flat_map(|reading| &reading.fields)
            .filter_map(|field| Some((field, form.word(field)?)))
            .collect();
        if settled.is_empty() {
            return Ok(());
        }
        let document = Document::open(&form.file, &Limits::default())?;
        let cuts = self.reader.cut(&document)?;
        let mut page: Option<(u16, GrayImage)> = None;
        for (machine, decision) in settled {
            let found = cuts
                .iter()
                .find(|cut| cut.page == machine.page && cut.cell.path == machine.path);
            // Another version of the reader may not find the cell again; its picture is then where it was found first.
            if page.as_ref().is_none_or(|(number, _)| *number != machine.page) {
                page = Some((machine.page, document.page(machine.page)?.gray));
            }
            let Some((_, gray)) = &page else { continue };
            let place = found.map_or(machine.bbox, |cut| cut.place);
            let name = format!(
                "casillas/{}/{}.png",
                form.row.id,
                reference(machine).key().replace('/', "-")
            );
            folder.write(&name, &png(&cropped(gray, place))?)?;
            let boxes = boxes(folder, &name, found)?;
            let by = self.pseudonym(&decision.by);
            self.write(&Labelled {
                form,
                machine,
                decision,
                by,
                place,
                image: name,
                boxes,
            })?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _: &mut NewFolder) -> Result<(), AppError> {
        let end = if self.cells == 0 { "[]\n" } else { "\n]\n" };
        self.tasks.write_all(end.as_bytes()).map_err(|e| fails(&e))?;
        for file in [&mut self.labels, &mut self.tasks] {
            let ended = file.flush().and_then(|()| file.get_ref().sync_all());
            ended.map_err(|e| fails(&e))?;
        }
        Ok(())
    }
}

/// One cell with its label.
struct Labelled<'a> {
    form: &'a Exported,
    machine: &'a FieldReading,
    decision: &'a Decision,
    by: String,
    place: PixelRect,
    image: String,
    boxes: Vec<String>,
}

fn marks(marks: [Symbol; 3]) -> [String; 3] {
    marks.map(mark)
}

impl Labelled<'_> {
    fn line(&self) -> Value {
        let place = self.place;
        json!({
            "image": self.image,
            "boxes": self.boxes,
            "marks": marks(self.decision.marks),
            "value": self.decision.value,
            "labelled_by": self.by,
            "form": self.form.row.id,
            "demo": self.form.row.demo,
            "table": self.form.row.codes,
            "corporacion": self.form.row.corporacion,
            "page": self.machine.page,
            "path": self.machine.path.to_string(),
            "bbox": [place.x, place.y, place.width, place.height],
            "model": self.form.model(),
            "predicted_marks": marks(self.machine.marks),
            "predicted_value": self.machine.value,
            "confidence": self.machine.confidence,
        })
    }

    /// A task as Label Studio imports it.
    fn task(&self) -> Value {
        let result = |marks: [String; 3]| {
            json!([{
                "from_name": "marks", "to_name": "image", "type": "textarea", "value": { "text": [marks.concat()] },
            }])
        };
        json!({
            "data": {
                "image": format!("/data/local-files/?d={}", self.image),
                "form": self.form.row.id,
                "page": self.machine.page,
                "path": self.machine.path.to_string(),
                "demo": self.form.row.demo,
                "labelled_by": self.by,
            },
            "predictions": [{
                "model_version": self.form.model(),
                "score": self.machine.confidence,
                "result": result(marks(self.machine.marks)),
            }],
            "annotations": [{ "result": result(marks(self.decision.marks)) }],
        })
    }
}

/// Writes the three box pictures as the model sees them; none where the reader does not find the cell.
fn boxes(folder: &mut NewFolder, name: &str, cut: Option<&CutCell>) -> Result<Vec<String>, AppError> {
    let mut names = Vec::new();
    for (i, picture) in cut.into_iter().flat_map(|cut| cut.boxes.iter()).enumerate() {
        let name = format!("{}-{}.png", name.trim_end_matches(".png"), i + 1);
        folder.write(&name, &png(&ink(picture))?)?;
        names.push(name);
    }
    Ok(names)
}

/// The box's ink levels as a picture: 0 paper, 255 ink.
fn ink(picture: &BoxImage) -> GrayImage {
    let side = u32::try_from(BOX_SIDE).unwrap_or(0);
    GrayImage::from_raw(side, side, picture.0.to_vec()).unwrap_or_default()
}

/// The cell as the page shows it.
fn cropped(page: &GrayImage, place: PixelRect) -> GrayImage {
    image::imageops::crop_imm(page, place.x, place.y, place.width, place.height).to_image()
}

fn png(picture: &GrayImage) -> Result<Vec<u8>, AppError> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, image::ImageFormat::Png)
        .map_err(|e| AppError::file(Path::new("png"), &e))?;
    Ok(bytes.into_inner())
}
