//! Why a text is not what it should be.

/// A text that is not the code, path or serial it was taken for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not a corporación.
    #[error(
        "\"{0}\" is not a corporación (PRESIDENTE, SENADO, CAMARA, GOBERNADOR, ASAMBLEA, ALCALDE, CONCEJO, JAL, CMJ)"
    )]
    Corporacion(String),
    /// Not a copy.
    #[error("\"{0}\" is not a copy (CLAVEROS, DELEGADOS, TRANSMISION, CONSUL)")]
    Copia(String),
    /// Not a list code.
    #[error("\"{0}\" is not a list code (one to four letters or digits)")]
    ListCode(String),
    /// Not a field path.
    #[error("\"{0}\" does not name a field of a form (as candidato.3 or lista.26.total do)")]
    FieldPath(String),
    /// Not a code of the header.
    #[error("\"{text}\" is not a code of {item} ({length} characters)")]
    Code {
        /// Which code was expected.
        item: &'static str,
        /// Its length as printed.
        length: usize,
        /// The text.
        text: String,
    },
    /// Not a polling table.
    #[error("\"{0}\" does not name a polling table (departamento-municipio-zona-puesto-mesa)")]
    Mesa(String),
    /// Not a page and a number of pages.
    #[error("\"{0}\" is not a page and its number of pages (as 2/4 is)")]
    PageOf(String),
    /// Not a serial.
    #[error("\"{text}\" is not the serial of an E-14: {fault}")]
    Serial {
        /// The text.
        text: String,
        /// What is wrong with it.
        fault: SerialFault,
    },
    /// Not the plaintext of a 2018 QR.
    #[error("\"{text}\" is not the plaintext of an E-14's QR: {fault}")]
    Qr {
        /// The text.
        text: String,
        /// What is wrong with it.
        fault: SerialFault,
    },
    /// Not a control code.
    #[error("\"{0}\" is not a control code (d-dd-dd-dd)")]
    Control(String),
}

impl ParseError {
    /// Stable code of the error, for messages and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Corporacion(_) => "PARSE_CORPORACION",
            Self::Copia(_) => "PARSE_COPIA",
            Self::ListCode(_) => "PARSE_LIST_CODE",
            Self::FieldPath(_) => "PARSE_FIELD_PATH",
            Self::Code { .. } => "PARSE_CODE",
            Self::Mesa(_) => "PARSE_MESA",
            Self::PageOf(_) => "PARSE_PAGE_OF",
            Self::Serial { .. } => "PARSE_SERIAL",
            Self::Qr { .. } => "PARSE_QR",
            Self::Control(_) => "PARSE_CONTROL",
        }
    }
}

/// What is wrong with the digits of a serial or of a QR's plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SerialFault {
    /// Too few or too many characters.
    #[error("wrong number of digits")]
    Length,
    /// A character is no digit.
    #[error("not only digits")]
    NotDigits,
    /// The first two digits are no corporación class.
    #[error("the first two digits are not 71 to 79")]
    Class,
    /// The copy digit is unknown.
    #[error("the copy digit is not 1, 2 or 3")]
    Copy,
    /// Page 0, or a page beyond the number of pages.
    #[error("the page is not between 1 and the number of pages")]
    Page,
}
