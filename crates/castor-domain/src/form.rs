//! The parts of an E-14: corporaciones, copies, header, and the paths of its vote fields.

use std::fmt;

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
