//! Where a file comes from.

use serde::{Deserialize, Serialize};

/// Who a file is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Source {
    /// A testigo at the polling station.
    WitnessUpload,
    /// The Registraduría's publication.
    Registraduria,
    /// Someone of the team, by hand.
    ManualEntry,
}

impl Source {
    /// Every source.
    pub const ALL: [Self; 3] = [Self::WitnessUpload, Self::Registraduria, Self::ManualEntry];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::WitnessUpload => "WITNESS_UPLOAD",
            Self::Registraduria => "REGISTRADURIA",
            Self::ManualEntry => "MANUAL_ENTRY",
        }
    }

    /// The source of a stable name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.name() == name)
    }
}

/// What is known of a file's way here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// Its name, without the folders it was in.
    pub name: String,
    /// Who it is from.
    pub source: Source,
    /// Where it was fetched, without query.
    pub url: Option<String>,
}

/// Characters of a name.
const LONGEST: usize = 200;

/// The plain name of a file as someone sent it: no folders, nothing that a terminal or a list would act upon.
#[must_use]
pub fn plain_name(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last
        .chars()
        .filter(|c| {
            !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
        .take(LONGEST)
        .collect();
    match plain.trim() {
        "" | "." | ".." => "acta".to_owned(),
        name => name.to_owned(),
    }
}
