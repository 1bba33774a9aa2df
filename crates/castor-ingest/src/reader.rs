//! The reader of forms with the model that is part of the program.

use castor_vision::input::pdf_library_path;
use castor_vision::read::{FormReader, ReadError};
use castor_vision::runtime;
use castor_vision::symbols::SymbolReader;
use castor_vision::text::TextReader;
use std::path::{Path, PathBuf};

/// The model that ships with the program; its card is models/symbols.md.
const SHIPPED_MODEL: &[u8] = include_bytes!("../../../models/symbols.onnx");

/// Opens the models: the shipped symbol model unless another is named, by argument or by CASTOR_MODEL.
///
/// # Errors
/// [`ReadError::Runtime`] when a library or model is missing or unusable; the message says what to install.
pub fn open_reader(model: Option<&Path>) -> Result<FormReader, ReadError> {
    let text = TextReader::open(&TextReader::installed())?;
    let other = model.map(Path::to_owned).or_else(other_model);
    let symbols = match other {
        Some(path) => SymbolReader::open(&path)?,
        None => SymbolReader::of_bytes(Path::new("models/symbols.onnx"), SHIPPED_MODEL.to_vec())?,
    };
    Ok(FormReader::new(text, symbols))
}

fn other_model() -> Option<PathBuf> {
    std::env::var_os("CASTOR_MODEL").map(PathBuf::from)
}

/// Files that reading forms needs and that are not there: libraries and models of the installation.
#[must_use]
pub fn missing() -> Vec<PathBuf> {
    let needed = [runtime::library_path(), pdf_library_path(), TextReader::installed()];
    let all = needed.into_iter().chain(other_model());
    all.filter(|path| !path.is_file()).collect()
}
