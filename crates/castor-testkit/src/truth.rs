//! What stands on a synthetic page, in the format of the corpus of real forms.

use castor_domain::form::FieldPath;
use castor_domain::symbol::Symbol;
use serde::{Deserialize, Serialize};

use crate::marks::value_of;

/// Truth of one page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageTruth {
    /// Name of the form within its corpus.
    pub form: String,
    /// Page of the file, from 1.
    pub page: u16,
    /// Number printed on the page.
    pub printed_page: u16,
    /// The printed header.
    pub header: HeaderTruth,
    /// What is printed on the page, from the top.
    pub sections: Vec<Section>,
    /// Every printed cell.
    pub cells: Vec<CellTruth>,
    /// `SI` or `NO` when the recount question is answered.
    pub recount: Option<String>,
    /// Text of the remarks; remarks that are only a scribble leave it empty.
    pub constancias: String,
    /// Signatures on the page.
    pub signatures: u16,
    /// Fields where something was written over.
    pub overwritten: Vec<String>,
    /// Anything else.
    pub notes: String,
    /// Always true: no person wrote this form.
    pub synthetic: bool,
}

/// The printed header of a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeaderTruth {
    /// Corporación, as in the corpus.
    pub corporacion: String,
    /// Copy band.
    pub copia: String,
    /// Name of the election.
    pub eleccion: String,
    /// Code of the departamento.
    pub departamento: String,
    /// Name of the departamento.
    pub departamento_nombre: String,
    /// Code of the municipio.
    pub municipio: String,
    /// Name of the municipio.
    pub municipio_nombre: String,
    /// Zona.
    pub zona: String,
    /// Puesto.
    pub puesto: String,
    /// Mesa.
    pub mesa: String,
    /// Polling place.
    pub lugar: String,
    /// The 15 digits of the serial.
    pub barcode: String,
    /// Control code.
    pub control: String,
    /// Kit number.
    pub kit: String,
    /// Form number.
    pub form_no: String,
    /// Serial number of the sheet.
    pub civ: String,
    /// Page and pages.
    pub page_of: [u16; 2],
}

/// A printed block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Section {
    /// NIVELACIÓN DE LA MESA.
    Nivelacion,
    /// Rows of candidates.
    Candidates {
        /// From the top.
        candidates: Vec<CandidateTruth>,
    },
    /// A list.
    List {
        /// `CON_VOTO_PREFERENTE` or `SIN_VOTO_PREFERENTE`.
        list_type: String,
        /// Printed code.
        party_code: String,
        /// Printed name.
        party_name: String,
        /// Circunscripción of Cámara forms.
        circunscripcion: Option<String>,
        /// Numbers of the grid.
        candidate_numbers: Vec<String>,
    },
    /// Blank, null and unmarked votes, and the total where it is printed.
    Special {
        /// Circunscripción of Cámara forms.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        circunscripcion: Option<String>,
    },
    /// Remarks and recount.
    Constancias,
    /// Signatures.
    Firmas,
}

/// A printed candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateTruth {
    /// Printed number.
    pub number: String,
    /// Printed name.
    pub name: String,
    /// Party; `None` when only a logo is printed.
    pub party: Option<String>,
}

/// One cell of three boxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellTruth {
    /// Field path.
    pub field: String,
    /// One mark per box: a digit, `*` for a filler, empty for nothing.
    pub marks: [String; 3],
    /// The number meant, `None` when nothing is written.
    pub value: Option<u16>,
}

impl CellTruth {
    pub(crate) fn new(field: &FieldPath, marks: &[Symbol; 3]) -> Self {
        Self {
            field: field.to_string(),
            marks: marks.map(|m| match m {
                Symbol::Digit(d) => d.to_string(),
                Symbol::Filler => "*".to_owned(),
                Symbol::Blank => String::new(),
            }),
            value: value_of(marks),
        }
    }
}
