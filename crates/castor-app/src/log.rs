//! The log as people read it.

use crate::cells::mark;
use crate::desk::rfc3339;
use crate::export::quoted;
use crate::view::{AuditQuery, AuditRow, ChainReport, ExportResult, HistoryView};
use crate::{AppError, Desk};
use castor_domain::review::{Act, Event, EventId, Recorded, Sight, State, Telling};
use castor_domain::symbol::Symbol;
use castor_store::{FormLog, LogQuery, LogRow, hex};
use castor_wire::event::kind;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;

/// Events of a form that are shown beside it, the latest of them.
const HISTORY: usize = 400;

/// The next event of a form as a person reads it. The value before is what counted until then.
fn told(telling: &mut Telling, seq: i64, recorded: &Recorded) -> HistoryView {
    let change = telling.next(recorded);
    HistoryView {
        seq,
        event: kind(&recorded.event).to_owned(),
        at: rfc3339(recorded.at),
        by: recorded.by.clone(),
        cell: change.as_ref().map(|change| change.field.key()),
        before: change.as_ref().and_then(|change| change.before).map(shown),
        after: change.as_ref().and_then(|change| change.after).map(shown),
        reason: recorded.event.reason().map(ToOwned::to_owned),
    }
}

fn shown(marks: [Symbol; 3]) -> String {
    marks.map(mark).concat()
}

/// What happened to a form, latest first, as far as a person may see it.
pub(crate) fn history(log: &FormLog, person: &str) -> Vec<HistoryView> {
    let round = log.case.state().round();
    let open = log.case.sight(person) == Sight::Open;
    // Those who answered settled cells are not told which they were.
    let probes: HashSet<EventId> = log
        .entries
        .iter()
        .filter(|entry| matches!(entry.recorded.event, Event::Probe { .. }))
        .map(|entry| entry.recorded.id)
        .collect();
    let may_see = |recorded: &Recorded| match &recorded.event {
        Event::Probe { .. } => false,
        Event::Undone(id) | Event::Redone(id) => open && !probes.contains(id),
        Event::Imported { .. } | Event::Act(Act::AskSecond) => true,
        Event::Act(Act::Cell { round: of, .. }) => open || (recorded.by == person && Some(*of) == round),
        Event::Unreadable { .. } | Event::Read { .. } | Event::Act(_) => open,
    };
    let mut telling = Telling::default();
    let mut views: Vec<HistoryView> = Vec::new();
    for entry in &log.entries {
        // Each event counts for what was before, also one that is not shown.
        let mut view = told(&mut telling, entry.seq, &entry.recorded);
        if !open {
            view.before = None;
        }
        if may_see(&entry.recorded) {
            views.push(view);
        }
    }
    views.reverse();
    views.truncate(HISTORY);
    views
}

/// Whether what an event of the log says of cells is kept back while its form is read a second time, and for good where
/// it is the answer to a settled cell.
fn sealed(row: &LogRow) -> bool {
    let comparing = [State::SecondReading, State::Adjudication]
        .iter()
        .any(|s| s.name() == row.state);
    comparing || row.kind == "probe"
}

impl Desk {
    /// A stretch of the log, latest first.
    pub(crate) async fn audit(&self, query: &AuditQuery) -> Result<Vec<AuditRow>, AppError> {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        let rows = self
            .store
            .log(&LogQuery {
                form: some(&query.form),
                by: some(&query.person),
                before: query.before,
                limit: query.limit.clamp(1, 500),
            })
            .await?;
        let histories = self.told_of(&rows).await?;
        let mut views = Vec::with_capacity(rows.len());
        for row in rows {
            let mut event = match histories.get(&row.seq) {
                Some(view) => view.clone(),
                // One that counts for nothing: the server refused it.
                None => told(&mut Telling::default(), row.seq, &row.recorded()?),
            };
            if sealed(&row) {
                event.before = None;
                event.after = None;
            }
            views.push(AuditRow {
                event,
                hash: hex(&row.hash),
                form: row.form,
                name: row.name,
            });
        }
        Ok(views)
    }

    /// Events by their place in the log, each told after all that happened to its form before: what a cell was until then
    /// may stand far outside of the stretch that is looked at.
    async fn told_of(&self, rows: &[LogRow]) -> Result<HashMap<i64, HistoryView>, AppError> {
        // Readings are large: so many forms at a time.
        const STRETCH: usize = 50;
        let wanted: HashSet<i64> = rows.iter().map(|row| row.seq).collect();
        let forms: BTreeSet<&str> = rows.iter().map(|row| row.form.as_str()).collect();
        let forms: Vec<String> = forms.into_iter().map(str::to_owned).collect();
        let mut views = HashMap::with_capacity(rows.len());
        for stretch in forms.chunks(STRETCH) {
            for (_, log) in self.store.logs(stretch).await? {
                let mut telling = Telling::default();
                for entry in &log.entries {
                    let view = told(&mut telling, entry.seq, &entry.recorded);
                    if wanted.contains(&entry.seq) {
                        views.insert(entry.seq, view);
                    }
                }
            }
        }
        Ok(views)
    }

    /// Writes the log, or what a query finds of it, as CSV with each event's hash, oldest first.
    pub(crate) async fn audit_export(&self, query: &AuditQuery) -> Result<ExportResult, AppError> {
        let mut rows = Vec::new();
        let mut asked = AuditQuery {
            limit: 500,
            ..query.clone()
        };
        loop {
            let part = self.audit(&asked).await?;
            let Some(last) = part.last() else { break };
            asked.before = Some(last.event.seq);
            rows.extend(part);
        }
        let mut out = String::from("seq,at,by,event,form,file,cell,before,after,reason,hash\n");
        for row in rows.iter().rev() {
            let e = &row.event;
            let text = |value: &Option<String>| quoted(value.as_deref().unwrap_or_default());
            let _ = writeln!(
                out,
                "{},{},{},{},{},{},{},{},{},{},{}",
                e.seq,
                e.at,
                quoted(&e.by),
                e.event,
                row.form,
                quoted(&row.name),
                text(&e.cell),
                text(&e.before),
                text(&e.after),
                text(&e.reason),
                row.hash,
            );
        }
        let mut folder = self.export_folder()?;
        folder.write("registro.csv", out.as_bytes())?;
        let files = folder.finish()?;
        let mut forms: Vec<&str> = rows.iter().map(|r| r.form.as_str()).collect();
        forms.sort_unstable();
        forms.dedup();
        Ok(ExportResult {
            files: files.iter().map(|path| path.display().to_string()).collect(),
            forms: u32::try_from(forms.len()).unwrap_or(u32::MAX),
        })
    }

    /// Follows the chain of the log.
    pub(crate) async fn audit_verify(&self) -> Result<ChainReport, AppError> {
        let report = self.store.verify().await?;
        Ok(ChainReport {
            events: report.events,
            whole: report.broken_at.is_none(),
            broken_at: report.broken_at,
            head: hex(&report.head),
        })
    }

    /// Cells that a person settled within the last hour.
    pub(crate) async fn pace(&self, person: &str) -> Result<u32, AppError> {
        let since = (self.clock)().0 - 3_600_000;
        let n = self
            .store
            .cells_since(person, castor_domain::review::Moment(since))
            .await?;
        Ok(u32::try_from(n).unwrap_or(u32::MAX))
    }
}
