//! What the Registraduría's file names say: `2043318_E14_SEN_X_01_001_003_XX_02_026_X_XXX.pdf` is act, form, corporación,
//! departamento, municipio, zona, puesto and mesa.

use castor_domain::codes::MesaId;
use castor_domain::form::Corporacion;

/// What a file's name says of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedForm {
    /// The table.
    pub mesa: MesaId,
    /// The corporación, where its letters are known.
    pub corporacion: Option<Corporacion>,
}

/// Reads a file's name; `None` for any other name.
#[must_use]
pub fn named(name: &str) -> Option<NamedForm> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let parts: Vec<&str> = stem.split('_').collect();
    let [_, "E14", letters, _, departamento, municipio, zona, _, puesto, mesa, ..] = parts.as_slice() else {
        return None;
    };
    // The zona has three digits in names and two on the form.
    let zona = zona.strip_prefix('0').filter(|rest| rest.len() == 2).unwrap_or(zona);
    Some(NamedForm {
        mesa: MesaId {
            departamento: departamento.parse().ok()?,
            municipio: municipio.parse().ok()?,
            zona: zona.parse().ok()?,
            puesto: puesto.parse().ok()?,
            mesa: mesa.parse().ok()?,
        },
        corporacion: corporacion(letters),
    })
}

fn corporacion(letters: &str) -> Option<Corporacion> {
    match letters {
        "PRE" => Some(Corporacion::Presidente),
        "SEN" => Some(Corporacion::Senado),
        "CAM" => Some(Corporacion::Camara),
        "GOB" => Some(Corporacion::Gobernador),
        "ASA" => Some(Corporacion::Asamblea),
        "ALC" => Some(Corporacion::Alcalde),
        "CON" => Some(Corporacion::Concejo),
        "JAL" => Some(Corporacion::Jal),
        "CMJ" => Some(Corporacion::Cmj),
        _ => None,
    }
}
