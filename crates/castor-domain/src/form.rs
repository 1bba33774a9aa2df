//! The parts of an E-14: corporaciones, copies, header, and the paths of its vote fields.

use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;

/// The elected body or office of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Corporacion {
    /// President (and vice-president).
    Presidente,
    /// Senate.
    Senado,
    /// House of Representatives.
    Camara,
    /// Governor of a department.
    Gobernador,
    /// Departmental assembly.
    Asamblea,
    /// Mayor.
    Alcalde,
    /// Municipal council.
    Concejo,
    /// Local administrative board.
    Jal,
    /// Municipal youth council (form E-14J).
    Cmj,
}

impl Corporacion {
    /// Every corporación, in the order of the ballot papers of one election day.
    pub const ALL: [Self; 9] = [
        Self::Presidente,
        Self::Senado,
        Self::Camara,
        Self::Gobernador,
        Self::Asamblea,
        Self::Alcalde,
        Self::Concejo,
        Self::Jal,
        Self::Cmj,
    ];

    /// Name in the reading contract: `PRESIDENTE`, `SENADO` …
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Presidente => "PRESIDENTE",
            Self::Senado => "SENADO",
            Self::Camara => "CAMARA",
            Self::Gobernador => "GOBERNADOR",
            Self::Asamblea => "ASAMBLEA",
            Self::Alcalde => "ALCALDE",
            Self::Concejo => "CONCEJO",
            Self::Jal => "JAL",
            Self::Cmj => "CMJ",
        }
    }

    /// The widest part of the country in which the rows of its ballot mean the same.
    #[must_use]
    pub fn scope(self) -> Level {
        match self {
            Self::Presidente | Self::Senado => Level::Country,
            Self::Gobernador | Self::Asamblea | Self::Camara => Level::Departamento,
            Self::Alcalde | Self::Concejo | Self::Cmj => Level::Municipio,
            // Each comuna elects its own, and which comuna a puesto is of does not follow from its codes.
            Self::Jal => Level::Puesto,
        }
    }

    /// Whether the form has a row for blank votes; the youth council's E-14J has none.
    #[must_use]
    pub fn prints_blanco(self) -> bool {
        self != Self::Cmj
    }
}

impl fmt::Display for Corporacion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Corporacion {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|c| c.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| ParseError::Corporacion(text.to_owned()))
    }
}

/// A part of the country, as results are added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// All of it.
    Country,
    /// A departamento.
    Departamento,
    /// A municipio.
    Municipio,
    /// A zona.
    Zona,
    /// A polling place.
    Puesto,
}

impl Level {
    /// Every level, from the widest to the narrowest.
    pub const ALL: [Self; 5] = [
        Self::Country,
        Self::Departamento,
        Self::Municipio,
        Self::Zona,
        Self::Puesto,
    ];

    /// How many codes name a part of this level: none the country, four a polling place.
    #[must_use]
    pub fn codes(self) -> i16 {
        match self {
            Self::Country => 0,
            Self::Departamento => 1,
            Self::Municipio => 2,
            Self::Zona => 3,
            Self::Puesto => 4,
        }
    }
}

/// Which of the originals of a table's form this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Copia {
    /// Sealed copy for the counting commission; the one with legal value.
    Claveros,
    /// Scanned and published copy.
    Delegados,
    /// Read by telephone for the pre-count.
    Transmision,
    /// The delegates' copy abroad, printed CÓNSUL/EMBAJADOR.
    Consul,
}

impl Copia {
    /// Every copy, by legal rank; the consul's is the delegates' abroad.
    pub const ALL: [Self; 4] = [Self::Claveros, Self::Delegados, Self::Transmision, Self::Consul];

    /// Name in the reading contract: `CLAVEROS`, `DELEGADOS`, `TRANSMISION`, `CONSUL`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Claveros => "CLAVEROS",
            Self::Delegados => "DELEGADOS",
            Self::Transmision => "TRANSMISION",
            Self::Consul => "CONSUL",
        }
    }

    /// Legal rank, 0 the highest: claveros, delegados or cónsul, transmisión; a copy that says nothing comes after them.
    #[must_use]
    pub fn legal_rank(copia: Option<Self>) -> i16 {
        match copia {
            Some(Self::Claveros) => 0,
            Some(Self::Delegados | Self::Consul) => 1,
            Some(Self::Transmision) => 2,
            None => 3,
        }
    }

    /// Copy digit of the serial: 1 claveros, 2 delegados or cónsul, 3 transmisión.
    #[must_use]
    pub fn digit(self) -> u8 {
        match self {
            Self::Claveros => 1,
            Self::Delegados | Self::Consul => 2,
            Self::Transmision => 3,
        }
    }
}

impl fmt::Display for Copia {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Copia {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|c| c.name().eq_ignore_ascii_case(text.trim()))
            .ok_or_else(|| ParseError::Copia(text.to_owned()))
    }
}

/// One of the three numbers of the NIVELACIÓN block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Nivelacion {
    /// Voters registered as having voted, form E-11.
    Sufragantes,
    /// Ballots found in the urn.
    Urna,
    /// Ballots burnt because the urn held more than voters.
    Incinerados,
}

/// Code of a party or list as printed, without leading zeros ("26", "6345", a letter code in the afro circunscripción).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ListCode(pub String);

impl ListCode {
    /// What stands for a code that could not be read, alone or before the number of its block.
    const UNREAD: &str = "ilegible";

    /// The code as the paths write it: leading zeros dropped, letters in upper case. `ilegible` and
    /// `ilegible-36` stand for the code of a list that could not be read.
    ///
    /// # Errors
    /// [`ParseError::ListCode`] when the text is empty, longer than four characters or not of letters and digits.
    pub fn new(text: &str) -> Result<Self, ParseError> {
        let text = text.trim();
        let is_block = |block: &str| (1..=4).contains(&block.len()) && block.bytes().all(|b| b.is_ascii_digit());
        let unread = text.strip_prefix(Self::UNREAD);
        if unread.is_some_and(|rest| rest.is_empty() || rest.strip_prefix('-').is_some_and(is_block)) {
            return Ok(Self(text.to_owned()));
        }
        let fits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if !fits {
            return Err(ParseError::ListCode(text.to_owned()));
        }
        let bare = if text.bytes().all(|b| b.is_ascii_digit()) {
            match text.trim_start_matches('0') {
                "" => "0",
                rest => rest,
            }
        } else {
            text
        };
        Ok(Self(bare.to_ascii_uppercase()))
    }
}

impl fmt::Display for ListCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ListCode {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::new(text)
    }
}

/// Names one vote field of a form. The text form is the path of the reading contract (`lista.26.candidato.4`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FieldPath {
    /// `nivelacion.sufragantes|urna|incinerados`
    Nivelacion(Nivelacion),
    /// `candidato.<number>` of a form with one row per candidate.
    Candidato(u16),
    /// `lista.<code>.solo_lista`: votes for the list alone.
    SoloLista(ListCode),
    /// `lista.<code>.candidato.<number>`: a candidate of a list with preferential vote.
    ListaCandidato(ListCode, u16),
    /// `lista.<code>.total`: printed total of a list.
    ListaTotal(ListCode),
    /// `blanco`: blank votes. Once per circunscripción in Cámara forms, told apart by page.
    Blanco,
    /// `nulos`: null votes.
    Nulos,
    /// `no_marcados`: unmarked ballots.
    NoMarcados,
    /// `total`: SUMA TOTAL of the form.
    Total,
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nivelacion(Nivelacion::Sufragantes) => f.write_str("nivelacion.sufragantes"),
            Self::Nivelacion(Nivelacion::Urna) => f.write_str("nivelacion.urna"),
            Self::Nivelacion(Nivelacion::Incinerados) => f.write_str("nivelacion.incinerados"),
            Self::Candidato(n) => write!(f, "candidato.{n}"),
            Self::SoloLista(code) => write!(f, "lista.{}.solo_lista", code.0),
            Self::ListaCandidato(code, n) => write!(f, "lista.{}.candidato.{n}", code.0),
            Self::ListaTotal(code) => write!(f, "lista.{}.total", code.0),
            Self::Blanco => f.write_str("blanco"),
            Self::Nulos => f.write_str("nulos"),
            Self::NoMarcados => f.write_str("no_marcados"),
            Self::Total => f.write_str("total"),
        }
    }
}

impl FieldPath {
    /// Whether the field holds votes of its own, not a number about other fields.
    #[must_use]
    pub fn counts_votes(&self) -> bool {
        match self {
            Self::Candidato(_)
            | Self::SoloLista(_)
            | Self::ListaCandidato(..)
            | Self::Blanco
            | Self::Nulos
            | Self::NoMarcados => true,
            Self::Nivelacion(_) | Self::ListaTotal(_) | Self::Total => false,
        }
    }

    /// The list that the field belongs to, if any.
    #[must_use]
    pub fn list(&self) -> Option<&ListCode> {
        match self {
            Self::SoloLista(code) | Self::ListaCandidato(code, _) | Self::ListaTotal(code) => Some(code),
            Self::Nivelacion(_) | Self::Candidato(_) | Self::Blanco | Self::Nulos | Self::NoMarcados | Self::Total => {
                None
            }
        }
    }
}

impl FromStr for FieldPath {
    type Err = ParseError;

    /// Leading zeros of codes and numbers do not matter: `lista.0026.candidato.04` is `lista.26.candidato.4`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let unknown = || ParseError::FieldPath(text.to_owned());
        let number = |part: &str| -> Result<u16, ParseError> {
            if part.bytes().all(|b| b.is_ascii_digit()) {
                part.parse().map_err(|_| unknown())
            } else {
                Err(unknown())
            }
        };
        let parts: Vec<&str> = text.split('.').collect();
        match parts.as_slice() {
            ["nivelacion", "sufragantes"] => Ok(Self::Nivelacion(Nivelacion::Sufragantes)),
            ["nivelacion", "urna"] => Ok(Self::Nivelacion(Nivelacion::Urna)),
            ["nivelacion", "incinerados"] => Ok(Self::Nivelacion(Nivelacion::Incinerados)),
            ["candidato", n] => Ok(Self::Candidato(number(n)?)),
            ["lista", code, "solo_lista"] => Ok(Self::SoloLista(ListCode::new(code)?)),
            ["lista", code, "candidato", n] => Ok(Self::ListaCandidato(ListCode::new(code)?, number(n)?)),
            ["lista", code, "total"] => Ok(Self::ListaTotal(ListCode::new(code)?)),
            ["blanco"] => Ok(Self::Blanco),
            ["nulos"] => Ok(Self::Nulos),
            ["no_marcados"] => Ok(Self::NoMarcados),
            ["total"] => Ok(Self::Total),
            _ => Err(unknown()),
        }
    }
}
