//! The symbol model: pictures of boxes to probabilities, by ONNX Runtime.

use crate::runtime::{RuntimeError, SessionPool};
use castor_domain::symbol::{BOX_SIDE, BoxImage, BoxReading, MODEL_OUTPUTS, SymbolModel};
use std::path::Path;

/// The model that reads boxes.
#[derive(Debug)]
pub struct SymbolReader {
    pool: SessionPool,
    version: String,
    threshold: f32,
}

impl SymbolReader {
    /// Opens a model file.
    ///
    /// # Errors
    /// [`RuntimeError`] when ONNX Runtime or the model is missing, or the file does not say its version and threshold.
    pub fn open(path: &Path) -> Result<Self, RuntimeError> {
        Self::of(SessionPool::open(path)?, path)
    }

    /// Opens a model held in memory; `path` only names it in messages.
    ///
    /// # Errors
    /// As [`SymbolReader::open`].
    pub fn of_bytes(path: &Path, model: Vec<u8>) -> Result<Self, RuntimeError> {
        Self::of(SessionPool::of_bytes(path, model)?, path)
    }

    fn of(pool: SessionPool, path: &Path) -> Result<Self, RuntimeError> {
        let lacking = |key: &str| RuntimeError::Model {
            path: path.to_owned(),
            reason: format!("no metadata key `{key}`"),
        };
        let version = pool
            .metadata("castor.version")?
            .ok_or_else(|| lacking("castor.version"))?;
        let threshold = pool
            .metadata("castor.threshold")?
            .and_then(|t| t.parse().ok())
            .ok_or_else(|| lacking("castor.threshold"))?;
        Ok(Self {
            pool,
            version,
            threshold,
        })
    }

    /// Name of the model, kept with every reading.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Least confidence of a field that needs no person, chosen when the model was calibrated.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.threshold
    }
}

impl SymbolModel for SymbolReader {
    type Error = RuntimeError;

    fn predict(&self, boxes: &[BoxImage]) -> Result<Vec<BoxReading>, RuntimeError> {
        if boxes.is_empty() {
            return Ok(Vec::new());
        }
        let input: Vec<f32> = boxes
            .iter()
            .flat_map(|b| b.0.iter().map(|&v| f32::from(v) / 255.0))
            .collect();
        self.pool.run(|session| {
            let shape = [boxes.len(), 1, BOX_SIDE, BOX_SIDE];
            let tensor = ort::value::TensorRef::from_array_view((shape, input.as_slice()))?;
            let outputs = session.run(ort::inputs![tensor])?;
            let (_, logits) = outputs[0].try_extract_tensor::<f32>()?;
            Ok(logits
                .as_chunks::<MODEL_OUTPUTS>()
                .0
                .iter()
                .map(BoxReading::from_logits)
                .collect())
        })
    }
}
