//! The votes of a form by list, as both contracts tell them.

use castor_domain::form::{FieldPath, ListCode};
use castor_domain::reading::{FieldReading, FormReading};

/// One list, or the candidates of a form that has none.
#[derive(Default)]
pub(crate) struct Party<'a> {
    pub(crate) code: Option<&'a ListCode>,
    pub(crate) solo: Option<&'a FieldReading>,
    pub(crate) candidates: Vec<(u16, &'a FieldReading)>,
    pub(crate) total: Option<&'a FieldReading>,
}

impl<'a> Party<'a> {
    /// Rows that hold votes: those for the list alone and for its candidates.
    pub(crate) fn votes(&self) -> impl Iterator<Item = &'a FieldReading> {
        let candidates = self.candidates.iter().map(|(_, field)| *field);
        self.solo.into_iter().chain(candidates)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &'a FieldReading> {
        self.votes().chain(self.total)
    }
}

/// Lists in the order of the form. One that stands in two circunscripciones stands here twice.
pub(crate) fn parties(form: &FormReading) -> Vec<Party<'_>> {
    let mut parties: Vec<Party<'_>> = Vec::new();
    let candidate = |path: &FieldPath| matches!(path, FieldPath::Candidato(_));
    for field in form
        .fields
        .iter()
        .filter(|f| f.path.list().is_some() || candidate(&f.path))
    {
        let code = field.path.list();
        let begins = matches!(field.path, FieldPath::SoloLista(_));
        if begins || parties.last().is_none_or(|party| party.code != code) {
            parties.push(Party {
                code,
                ..Party::default()
            });
        }
        let Some(party) = parties.last_mut() else { continue };
        match &field.path {
            FieldPath::SoloLista(_) => party.solo = Some(field),
            FieldPath::ListaTotal(_) => party.total = Some(field),
            FieldPath::Candidato(n) | FieldPath::ListaCandidato(_, n) => party.candidates.push((*n, field)),
            FieldPath::Nivelacion(_)
            | FieldPath::Blanco
            | FieldPath::Nulos
            | FieldPath::NoMarcados
            | FieldPath::Total => {}
        }
    }
    parties
}
