//! The copies of one table side by side.

use crate::cells::{label, queue_item};
use crate::view::{CopiesItem, CopiesPage, CopiesView, CopyCell, CopyCellName, CopyRow, CopyView, MovedVotes};
use crate::{AppError, Desk};
use castor_domain::checks::{CopiedRow, FieldRef, FieldState, Finding, align_copies, moved_votes};
use castor_domain::form::Copia;
use castor_domain::reading::FormReading;
use castor_domain::review::State;
use castor_store::{FormLog, FormRow, TableKey};
use std::collections::HashMap;

/// Most tables of one stretch of the list: each is read whole to say how many rows differ.
const STRETCH: u32 = 100;

/// One copy with the form as it stands.
struct Copy {
    row: FormRow,
    form: FormReading,
    validated: bool,
    consistent: bool,
}

impl Copy {
    fn rank(&self) -> i16 {
        Copia::legal_rank(self.form.header.copia.value().copied())
    }

    fn of(row: FormRow, log: &FormLog, person: &str) -> Option<Self> {
        let form = log.case.seen_by(person)?;
        Some(Self {
            validated: log.case.state() == State::Completed,
            consistent: !form.findings.iter().any(Finding::failed),
            row,
            form,
        })
    }
}

impl Desk {
    /// Tables of which more than one copy was read, those whose copies are not the same first.
    pub(crate) async fn copies_list(&self, offset: u32, limit: u32) -> Result<CopiesPage, AppError> {
        let (total, tables) = self.store.tables_with_copies(offset, limit.min(STRETCH)).await?;
        let mut copies = self.copies_of(&tables).await?;
        let items = tables.iter().filter_map(|table| {
            let copies = copies.remove(table).filter(|copies| !copies.is_empty())?;
            Some(listed(table, &copies))
        });
        Ok(CopiesPage {
            total: u32::try_from(total).unwrap_or(u32::MAX),
            items: items.collect(),
        })
    }

    /// The copies of one table and corporación, aligned row by row.
    pub(crate) async fn copies(&self, table: TableKey) -> Result<CopiesView, AppError> {
        let person = self.settings().await?.person;
        let copies = self.copies_of(std::slice::from_ref(&table)).await?.remove(&table);
        Ok(side_by_side(table, copies.unwrap_or_default(), &person))
    }

    /// The copies of each table, the one that counts first; what was set aside is none.
    async fn copies_of(&self, tables: &[TableKey]) -> Result<HashMap<TableKey, Vec<Copy>>, AppError> {
        let person = self.settings().await?.person;
        let rows = self.store.forms_of_tables(tables).await?;
        let ids: Vec<String> = rows.iter().map(|(_, row)| row.id.clone()).collect();
        let logs: HashMap<String, FormLog> = self.store.logs(&ids).await?.into_iter().collect();
        let mut copies: HashMap<TableKey, Vec<Copy>> = HashMap::new();
        for (table, row) in rows {
            let copy = logs.get(&row.id).and_then(|log| Copy::of(row, log, &person));
            copies.entry(table).or_default().extend(copy);
        }
        for copies in copies.values_mut() {
            copies.sort_by_key(|c| (c.rank(), !c.validated, !c.consistent));
        }
        Ok(copies)
    }
}

fn aligned(copies: &[Copy]) -> Vec<CopiedRow> {
    let forms: Vec<&FormReading> = copies.iter().map(|copy| &copy.form).collect();
    align_copies(&forms)
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn listed(table: &TableKey, copies: &[Copy]) -> CopiesItem {
    let rows = aligned(copies);
    let known = |row: &CopiedRow| row.cells.iter().flatten().filter(|(_, s)| s.votes().is_some()).count();
    CopiesItem {
        mesa: table.mesa.clone(),
        corporacion: table.corporacion.clone(),
        demo: table.demo,
        place: copies.first().map(|copy| copy.row.place.clone()).unwrap_or_default(),
        copies: copies
            .iter()
            .map(|copy| copy.row.copia.clone().unwrap_or_else(|| "?".to_owned()))
            .collect(),
        differences: small(rows.iter().filter(|row| row.differs()).count()),
        unread: small(rows.iter().filter(|row| known(row) < 2).count()),
    }
}

fn side_by_side(table: TableKey, copies: Vec<Copy>, person: &str) -> CopiesView {
    let rows = aligned(&copies);
    let because = why_chosen(&copies);
    let moved = (1..copies.len()).flat_map(|n| moved(&rows, n)).collect();
    CopiesView {
        mesa: table.mesa,
        corporacion: table.corporacion,
        demo: table.demo,
        moved,
        rows: rows.iter().map(row).collect(),
        copies: copies
            .into_iter()
            .enumerate()
            .map(|(n, copy)| CopyView {
                item: queue_item(copy.row, person),
                chosen: n == 0,
                because: if n == 0 { because.to_owned() } else { String::new() },
            })
            .collect(),
    }
}

fn row(row: &CopiedRow) -> CopyRow {
    CopyRow {
        label: label(&row.path),
        cells: row.cells.iter().map(|cell| told(row, cell.as_ref())).collect(),
        differs: row.differs(),
    }
}

fn told(row: &CopiedRow, cell: Option<&(FieldRef, FieldState)>) -> CopyCell {
    let (state, value) = match cell.map(|(_, state)| state) {
        None => (CopyCellName::Missing, None),
        Some(FieldState::Undecided) => (CopyCellName::Unread, None),
        Some(FieldState::Read(number)) => (CopyCellName::Read, Some(*number)),
        // A number about other fields that was left out is not none of them.
        Some(FieldState::ImplicitZero) => (CopyCellName::Blank, row.counts_votes().then_some(0)),
    };
    CopyCell {
        state,
        value,
        key: cell.map(|(field, _)| field.key()),
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

/// Votes that stand in other rows of a copy than of the one that counts.
fn moved(rows: &[CopiedRow], copy: usize) -> Vec<MovedVotes> {
    let places = |rows: Vec<usize>| rows.into_iter().map(small).collect();
    let moves = moved_votes(rows, 0, copy).into_iter();
    let told = moves.map(|moved| MovedVotes {
        copy: small(copy),
        from: places(moved.from),
        to: places(moved.to),
        votes: u32::try_from(moved.votes).unwrap_or(u32::MAX),
    });
    told.collect()
}
