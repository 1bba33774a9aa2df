//! The arithmetic of a form: nivelación, sums, and fields that exceed the voters.

use super::tally::{Cell, ListRows, Tally};
use super::{CheckCode, Detail, FieldRef, Finding, Missing, Numbers, Outcome, Severity};
use crate::arithmetic::{Slack, SumOf};
use crate::form::{FieldPath, ListCode, Nivelacion};
use crate::reading::FormReading;

const SUFRAGANTES: FieldPath = FieldPath::Nivelacion(Nivelacion::Sufragantes);
const URNA: FieldPath = FieldPath::Nivelacion(Nivelacion::Urna);
const INCINERADOS: FieldPath = FieldPath::Nivelacion(Nivelacion::Incinerados);

/// A sum that differs by more than this is a matter of more than a slip.
const SLIP: u64 = 5;

/// A number with the fields that it was made of.
struct Sum {
    votes: i64,
    fields: Vec<FieldRef>,
}

/// NIV_001, NIV_002, SUM_001, SUM_002 for each list, SUM_003.
pub(crate) fn sum_checks(tally: &Tally) -> Vec<Finding> {
    let votes = all_votes(tally);
    let mut findings = vec![
        urn_within_voters(tally),
        counted_less_burnt(tally, &votes),
        votes_fill_urn(tally, &votes),
    ];
    for (code, rows) in tally.lists() {
        findings.extend(list_total(code, &rows, tally.list_gaps(&rows)));
    }
    findings.extend(total_row(tally, &votes));
    findings
}

/// All votes of a form together, as SUM_001 adds them up; unknown while a row or page of the sum is.
#[must_use]
pub fn votes_of_form(form: &FormReading) -> Option<i64> {
    all_votes(&Tally::settled(form)).ok().map(|sum| sum.votes)
}

/// The sums that ought to close, for weighing readings. A whole that is left blank or filled says nothing, and what may
/// lack rows adds up to nothing.
pub(crate) fn sums_of(tally: &Tally) -> Vec<SumOf> {
    let says = |cell: &&Cell| !cell.state.is_implicit();
    let mut sums = Vec::new();
    let mut votes: Vec<FieldRef> = tally
        .cells()
        .iter()
        .filter(|cell| {
            matches!(
                cell.field.path,
                FieldPath::Candidato(_) | FieldPath::Blanco | FieldPath::Nulos | FieldPath::NoMarcados
            )
        })
        .map(|cell| cell.field.clone())
        .collect();
    let mut whole_form = tally.gaps().is_empty();
    for (_, rows) in tally.lists() {
        let parts: Vec<FieldRef> = rows
            .solo
            .iter()
            .chain(&rows.candidates)
            .map(|c| c.field.clone())
            .collect();
        let whole_list = rows.solo.is_some() && tally.list_gaps(&rows).is_empty();
        whole_form &= whole_list;
        if let (true, Some(total)) = (whole_list, rows.total.filter(says)) {
            sums.push(SumOf {
                parts: parts.clone(),
                whole: total.field.clone(),
                slack: Slack::SUM,
            });
        }
        votes.extend(parts);
    }
    let total = tally.find(&FieldPath::Total).filter(says);
    let urn = tally.find(&URNA).filter(says);
    let burnt = tally.find(&INCINERADOS).is_some_and(|c| !c.state.is_implicit());
    if whole_form && let Some(total) = total {
        sums.push(SumOf {
            parts: votes.clone(),
            whole: total.field.clone(),
            slack: Slack::SUM,
        });
    }
    if let Some(urn) = urn.filter(|_| !burnt) {
        let counted = total.map(|t| vec![t.field.clone()]).or(whole_form.then_some(votes));
        sums.extend(counted.map(|parts| SumOf {
            parts,
            whole: urn.field.clone(),
            slack: Slack::SUM,
        }));
    }
    if let (Some(urn), Some(voters)) = (urn, tally.find(&SUFRAGANTES).filter(says)) {
        sums.push(SumOf {
            parts: vec![urn.field.clone()],
            whole: voters.field.clone(),
            slack: Slack::VOTERS,
        });
    }
    sums
}

fn urn_within_voters(tally: &Tally) -> Finding {
    let code = CheckCode::Niv001;
    let (voters, urn) = match (tally.written(&SUFRAGANTES), tally.written(&URNA)) {
        (Ok(voters), Ok(urn)) => (voters, urn),
        (voters, urn) => return Finding::not_evaluable(code, missing_of([voters.err(), urn.err()])),
    };
    let numbers = Numbers {
        expected: i64::from(voters.0),
        found: i64::from(urn.0),
    };
    let excess = numbers.difference();
    let burnt = tally
        .find(&INCINERADOS)
        .and_then(|cell| cell.state.votes())
        .map(i64::from);
    let (outcome, severity) = match excess {
        ..=0 => (Outcome::Pass, Severity::Info),
        // The rule was followed: the excess was drawn and burnt.
        1.. if burnt == Some(excess) => (Outcome::Fail, Severity::Low),
        1.. => (Outcome::Fail, Severity::High),
    };
    Finding {
        fields: vec![voters.1.clone(), urn.1.clone()],
        numbers: Some(numbers),
        ..Finding::new(code, outcome, severity)
    }
}

fn counted_less_burnt(tally: &Tally, votes: &Result<Sum, Vec<Missing>>) -> Finding {
    let code = CheckCode::Niv002;
    let urn = tally.written(&URNA);
    let burnt = votes_of(tally, &INCINERADOS);
    let counted = match (tally.written(&FieldPath::Total), votes) {
        (Ok((total, field)), _) => Ok((i64::from(total), field.clone())),
        (Err(_), Ok(sum)) => sum.fields.first().map(|f| (sum.votes, f.clone())).ok_or_else(Vec::new),
        (Err(total), Err(missing)) => {
            let mut missing = missing.clone();
            if !matches!(total, Missing::NotFound(_)) {
                missing.push(total);
            }
            Err(missing)
        }
    };
    let ((urn, urn_field), (burnt, burnt_field), (counted, counted_field)) = match (urn, burnt, counted) {
        (Ok(urn), Ok(burnt), Ok(counted)) => (urn, burnt, counted),
        (urn, burnt, counted) => {
            let mut missing = missing_of([urn.err(), burnt.err()]);
            missing.extend(counted.err().into_iter().flatten());
            return Finding::not_evaluable(code, missing);
        }
    };
    let numbers = Numbers {
        expected: i64::from(urn) - i64::from(burnt),
        found: counted,
    };
    // Burning without an excess in the urn is a slip of the pen far more often than a loss of ballots.
    let needless = tally.written(&SUFRAGANTES).is_ok_and(|(voters, _)| urn <= voters);
    let severity = if needless { Severity::Medium } else { Severity::High };
    Finding::of_numbers(
        code,
        severity,
        numbers,
        vec![urn_field.clone(), burnt_field, counted_field],
    )
}

fn votes_fill_urn(tally: &Tally, votes: &Result<Sum, Vec<Missing>>) -> Finding {
    let code = CheckCode::Sum001;
    match (votes, to_be_counted(tally)) {
        (Ok(votes), Ok(urn)) => {
            let numbers = Numbers {
                expected: urn.votes,
                found: votes.votes,
            };
            let mut fields = urn.fields;
            fields.extend(votes.fields.iter().cloned());
            Finding::of_numbers(code, by_size(numbers), numbers, fields)
        }
        (votes, urn) => {
            let mut missing = votes.as_ref().err().cloned().unwrap_or_default();
            missing.extend(urn.err().unwrap_or_default());
            Finding::not_evaluable(code, missing)
        }
    }
}

/// `None` for a list that prints no total.
fn list_total(list: ListCode, rows: &ListRows<'_>, gaps: Vec<Missing>) -> Option<Finding> {
    let total = rows.total?;
    let code = CheckCode::Sum002;
    let parts = if gaps.is_empty() {
        list_parts(&list, rows)
    } else {
        Err(gaps)
    };
    let written = match (total.state.votes(), &parts) {
        (None, _) => Err(Missing::Unread(total.field.clone())),
        // A total left blank says nothing unless there is nothing to add up.
        (Some(0), Ok(parts)) if parts.votes != 0 && total.state.is_implicit() => {
            Err(Missing::LeftBlank(total.field.clone()))
        }
        (Some(written), _) => Ok(written),
    };
    let mut finding = match (written, parts) {
        (Ok(written), Ok(parts)) => {
            let numbers = Numbers {
                expected: parts.votes,
                found: i64::from(written),
            };
            let mut fields = vec![total.field.clone()];
            fields.extend(parts.fields);
            Finding::of_numbers(code, Severity::Medium, numbers, fields)
        }
        (written, parts) => {
            let mut missing = parts.err().unwrap_or_default();
            missing.extend(written.err());
            Finding::not_evaluable(code, missing)
        }
    };
    finding.list = Some(list);
    Some(finding)
}

/// `None` when the form prints no SUMA TOTAL.
fn total_row(tally: &Tally, votes: &Result<Sum, Vec<Missing>>) -> Option<Finding> {
    let code = CheckCode::Sum003;
    let Some(total) = tally.find(&FieldPath::Total) else {
        let gaps = tally.gaps();
        return (!gaps.is_empty()).then(|| Finding::not_evaluable(code, gaps));
    };
    let blank_says_nothing = !votes.as_ref().is_ok_and(|sum| sum.votes == 0);
    let written = match total.state.votes() {
        None => Err(Missing::Unread(total.field.clone())),
        Some(_) if total.state.is_implicit() && blank_says_nothing => Err(Missing::LeftBlank(total.field.clone())),
        Some(written) => Ok(written),
    };
    Some(match (written, votes) {
        (Ok(written), Ok(votes)) => {
            let numbers = Numbers {
                expected: votes.votes,
                found: i64::from(written),
            };
            let mut fields = vec![total.field.clone()];
            fields.extend(votes.fields.iter().cloned());
            Finding::of_numbers(code, Severity::High, numbers, fields)
        }
        (written, votes) => {
            let mut missing = votes.as_ref().err().cloned().unwrap_or_default();
            missing.extend(written.err());
            Finding::not_evaluable(code, missing)
        }
    })
}

/// EXC_001: every field that holds votes against the voters, and the urn against those registered.
pub(super) fn exceeding(tally: &Tally, registered: Option<u16>) -> Finding {
    let code = CheckCode::Exc001;
    let mut details = Vec::new();
    let mut missing = Vec::new();
    let exceeds = |cell: &Cell, limit: u16| {
        let found = cell.state.votes().filter(|votes| *votes > limit)?;
        Some(Detail::Field {
            field: cell.field.clone(),
            expected: i64::from(limit),
            found: i64::from(found),
        })
    };
    match tally.written(&SUFRAGANTES) {
        Ok((voters, _)) => {
            for cell in tally.cells() {
                if matches!(cell.field.path, FieldPath::Nivelacion(_)) {
                    continue;
                }
                details.extend(exceeds(cell, voters));
                if cell.state.votes().is_none() {
                    missing.push(Missing::Unread(cell.field.clone()));
                }
            }
        }
        Err(voters) => missing.push(voters),
    }
    if let Some(registered) = registered {
        match tally.find(&URNA) {
            Some(urn) if urn.state.votes().is_none() => missing.push(Missing::Unread(urn.field.clone())),
            Some(urn) => details.extend(exceeds(urn, registered)),
            None => missing.push(Missing::NotFound(URNA)),
        }
    }
    if details.is_empty() && !missing.is_empty() {
        return Finding::not_evaluable(code, missing);
    }
    let mut finding = Finding::of_details(code, Severity::Critical, details);
    finding.fields = finding
        .details
        .iter()
        .filter_map(|detail| {
            if let Detail::Field { field, .. } = detail {
                Some(field.clone())
            } else {
                None
            }
        })
        .collect();
    finding
}

/// Ballots that were to be counted: those in the urn, less those burnt when the urn held more than the voters. A number
/// of burnt ballots on a form whose urn held no excess is no deduction; `NIV_002` speaks of it.
fn to_be_counted(tally: &Tally) -> Result<Sum, Vec<Missing>> {
    let (urn, urn_field) = tally.written(&URNA).map_err(|m| vec![m])?;
    let (burnt, burnt_field) = votes_of(tally, &INCINERADOS).map_err(|m| vec![m])?;
    if burnt == 0 {
        return Ok(Sum {
            votes: i64::from(urn),
            fields: vec![urn_field.clone()],
        });
    }
    let (voters, voters_field) = tally.written(&SUFRAGANTES).map_err(|m| vec![m])?;
    let deduction = if urn > voters { i64::from(burnt) } else { 0 };
    Ok(Sum {
        votes: i64::from(urn) - deduction,
        fields: vec![voters_field.clone(), urn_field.clone(), burnt_field],
    })
}

/// Votes of the candidates or lists, and the special rows. A list counts by its written total, else by its rows, so that
/// a misread row fails the list's own sum and a misread total fails both.
fn all_votes(tally: &Tally) -> Result<Sum, Vec<Missing>> {
    let mut missing = tally.gaps();
    let mut sum = Sum {
        votes: 0,
        fields: Vec::new(),
    };
    let mut options = 0;
    for cell in tally.cells() {
        match cell.field.path {
            FieldPath::Candidato(_) => options += 1,
            FieldPath::Blanco | FieldPath::Nulos | FieldPath::NoMarcados => {}
            FieldPath::Nivelacion(_)
            | FieldPath::SoloLista(_)
            | FieldPath::ListaCandidato(..)
            | FieldPath::ListaTotal(_)
            | FieldPath::Total => continue,
        }
        add(&mut sum, &mut missing, cell);
    }
    for (code, rows) in tally.lists() {
        options += 1;
        match rows.total {
            Some(total) if total.state.written().is_some() => add(&mut sum, &mut missing, total),
            _ => match list_parts(&code, &rows) {
                Ok(parts) => {
                    sum.votes += parts.votes;
                    sum.fields.extend(parts.fields);
                }
                Err(parts) => missing.extend(parts),
            },
        }
    }
    if options == 0 && missing.is_empty() {
        missing.push(Missing::NotFound(FieldPath::Candidato(1)));
    }
    if missing.is_empty() { Ok(sum) } else { Err(missing) }
}

/// Votes for the list alone and for its candidates.
fn list_parts(code: &ListCode, rows: &ListRows<'_>) -> Result<Sum, Vec<Missing>> {
    let mut sum = Sum {
        votes: 0,
        fields: Vec::new(),
    };
    let mut missing = Vec::new();
    if rows.solo.is_none() {
        missing.push(Missing::NotFound(FieldPath::SoloLista(code.clone())));
    }
    for cell in rows.solo.into_iter().chain(rows.candidates.iter().copied()) {
        add(&mut sum, &mut missing, cell);
    }
    if missing.is_empty() { Ok(sum) } else { Err(missing) }
}

fn add(sum: &mut Sum, missing: &mut Vec<Missing>, cell: &Cell) {
    match cell.state.votes() {
        Some(votes) => sum.votes += i64::from(votes),
        None => missing.push(Missing::Unread(cell.field.clone())),
    }
    sum.fields.push(cell.field.clone());
}

/// A field in which blank or fillers mean 0.
fn votes_of(tally: &Tally, path: &FieldPath) -> Result<(u16, FieldRef), Missing> {
    let cell = tally.find(path).ok_or_else(|| Missing::NotFound(path.clone()))?;
    let votes = cell.state.votes().ok_or_else(|| Missing::Unread(cell.field.clone()))?;
    Ok((votes, cell.field.clone()))
}

fn by_size(numbers: Numbers) -> Severity {
    if numbers.difference().unsigned_abs() > SLIP {
        Severity::High
    } else {
        Severity::Medium
    }
}

fn missing_of(missing: [Option<Missing>; 2]) -> Vec<Missing> {
    missing.into_iter().flatten().collect()
}
