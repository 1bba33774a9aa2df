//! The copies of one table side by side.

use crate::cells::queue_item;
use crate::view::{CopiesItem, CopiesView, CopyRow, CopyView};
use crate::{AppError, Desk};
use castor_domain::checks::compare_copies;
use castor_domain::checks::{Detail, FieldRef};
use castor_domain::form::Copia;
use castor_domain::reading::FormReading;
use castor_domain::review::State;
use castor_store::FormRow;
use std::collections::BTreeMap;

/// One copy with the form as it stands.
struct Copy {
    row: FormRow,
    form: FormReading,
    validated: bool,
    consistent: bool,
}

impl Copy {
    /// Legal rank first: claveros, delegados or cónsul, transmisión.
    fn rank(&self) -> usize {
        match self.form.header.copia.value() {
            Some(Copia::Claveros) => 0,
            Some(Copia::Delegados | Copia::Consul) => 1,
            Some(Copia::Transmision) => 2,
            None => 3,
        }
    }
}

impl Desk {
    /// Tables of which more than one copy was read.
    pub(crate) async fn copies_list(&self) -> Result<Vec<CopiesItem>, AppError> {
        let groups = self.store.tables_with_copies().await?;
        let mut out = Vec::new();
        for (mesa, corporacion) in groups {
            let view = self.copies(&mesa, &corporacion).await?;
            let place = view.copies.first().map(|c| c.item.place.clone()).unwrap_or_default();
            out.push(CopiesItem {
                mesa,
                corporacion,
                place,
                copies: view
                    .copies
                    .iter()
                    .map(|c| c.item.copia.clone().unwrap_or_else(|| "?".to_owned()))
                    .collect(),
                differences: u32::try_from(view.rows.iter().filter(|r| r.differs).count()).unwrap_or(u32::MAX),
            });
        }
        Ok(out)
    }

    /// The copies of one table and corporación, aligned row by row.
    pub(crate) async fn copies(&self, mesa: &str, corporacion: &str) -> Result<CopiesView, AppError> {
        let person = self.settings().await?.person;
        let mut copies = Vec::new();
        for row in self.store.copies_of(mesa, corporacion).await? {
            let case = self.store.case(&row.id).await?;
            let Some(form) = case.seen_by(&person) else { continue };
            let consistent = !form.findings.iter().any(castor_domain::checks::Finding::failed);
            copies.push(Copy {
                row,
                validated: case.state() == State::Completed,
                consistent,
                form,
            });
        }
        copies.sort_by_key(|c| (c.rank(), !c.validated, !c.consistent));
        let because = why_chosen(&copies);
        let mut rows: BTreeMap<FieldRef, Vec<Option<u16>>> = BTreeMap::new();
        for (i, copy) in copies.iter().enumerate() {
            for field in &copy.form.fields {
                let at = castor_domain::review::reference(field);
                let values = rows.entry(at).or_insert_with(|| vec![None; copies.len()]);
                values[i] = if field.needs_review { None } else { field.value };
            }
        }
        Ok(CopiesView {
            mesa: mesa.to_owned(),
            corporacion: corporacion.to_owned(),
            moved: moved(&copies),
            rows: rows
                .into_iter()
                .map(|(at, values)| {
                    let known: Vec<u16> = values.iter().flatten().copied().collect();
                    CopyRow {
                        label: crate::cells::label(&at.path),
                        path: crate::cells::key(&at),
                        differs: known.windows(2).any(|w| w[0] != w[1]),
                        values,
                    }
                })
                .collect(),
            copies: copies
                .into_iter()
                .enumerate()
                .map(|(i, copy)| CopyView {
                    item: queue_item(copy.row, &person),
                    chosen: i == 0,
                    because: if i == 0 { because.to_owned() } else { String::new() },
                })
                .collect(),
        })
    }
}

/// What put the first copy before the second: its legal rank, that a person validated it, or that its checks hold.
fn why_chosen(copies: &[Copy]) -> &'static str {
    match copies {
        [first, second, ..] if first.rank() == second.rank() && first.validated != second.validated => "validated",
        [first, second, ..] if first.rank() == second.rank() && first.consistent != second.consistent => "consistent",
        _ => "legal_rank",
    }
}

/// Pairs of rows between which votes stand differently in two copies while the sums are equal.
fn moved(copies: &[Copy]) -> Vec<[String; 2]> {
    let mut out = Vec::new();
    for pair in copies.windows(2) {
        let [first, second] = pair else { continue };
        let finding = compare_copies(&second.form, &first.form);
        if !finding.details.iter().any(|d| matches!(d, Detail::EqualSums)) {
            continue;
        }
        let mut gains = Vec::new();
        let mut losses = Vec::new();
        for detail in &finding.details {
            if let Detail::Field { field, expected, found } = detail {
                let side = if found > expected { &mut gains } else { &mut losses };
                side.push((crate::cells::key(field), (found - expected).abs()));
            }
        }
        for (gain, n) in &gains {
            if let Some((loss, _)) = losses.iter().find(|(_, m)| m == n) {
                out.push([loss.clone(), gain.clone()]);
            }
        }
    }
    out
}
