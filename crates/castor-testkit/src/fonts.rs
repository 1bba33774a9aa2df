//! The fonts of the printed form: Liberation Sans, whose letters are as wide as those of the real print.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ab_glyph::{Font, FontVec};

use crate::error::TestkitError;

/// Folder of Debian's package fonts-liberation.
const DEFAULT_FOLDER: &str = "/usr/share/fonts/truetype/liberation";

/// Weight of a printed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Weight {
    /// Regular letters.
    Regular,
    /// Bold letters.
    Bold,
}

/// The loaded fonts.
#[derive(Debug)]
pub struct Fonts {
    regular: FontVec,
    bold: FontVec,
}

impl Fonts {
    /// Loads the fonts once, from the folder in `CASTOR_FONTS` or where Debian installs them.
    ///
    /// # Errors
    /// [`TestkitError::Font`] names the missing file.
    pub fn shared() -> Result<&'static Self, TestkitError> {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        if let Some(fonts) = FONTS.get() {
            return Ok(fonts);
        }
        let folder = std::env::var_os("CASTOR_FONTS").map_or_else(|| PathBuf::from(DEFAULT_FOLDER), PathBuf::from);
        let fonts = Self::load(&folder)?;
        Ok(FONTS.get_or_init(|| fonts))
    }

    /// Loads the fonts from a folder.
    ///
    /// # Errors
    /// [`TestkitError::Font`] names the missing file.
    pub fn load(folder: &Path) -> Result<Self, TestkitError> {
        let load = |name: &str| {
            let path = folder.join(name);
            let failed = |reason: String| TestkitError::Font {
                path: path.clone(),
                reason,
            };
            let bytes = std::fs::read(&path).map_err(|e| failed(e.to_string()))?;
            FontVec::try_from_vec(bytes).map_err(|e| failed(e.to_string()))
        };
        Ok(Self {
            regular: load("LiberationSans-Regular.ttf")?,
            bold: load("LiberationSans-Bold.ttf")?,
        })
    }

    pub(crate) fn of(&self, weight: Weight) -> &FontVec {
        match weight {
            Weight::Regular => &self.regular,
            Weight::Bold => &self.bold,
        }
    }

    /// Natural width of a text, in ems.
    pub(crate) fn width(&self, weight: Weight, text: &str) -> f32 {
        let font = self.of(weight);
        let units = font.units_per_em().unwrap_or(2048.0);
        text.chars()
            .map(|c| font.h_advance_unscaled(font.glyph_id(c)))
            .sum::<f32>()
            / units
    }
}
