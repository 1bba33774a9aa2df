//! The review of a form: its states, its acts, and that nothing depends on how events arrive.

use crate::support::{closed_but, marks};
use castor_domain::checks::FieldRef;
use castor_domain::reading::FormReading;
use castor_domain::review::{
    Act, Case, Event, EventId, Moment, Priority, QueueReason, Recorded, Refusal, Round, State, reference,
};
use proptest::prelude::*;

fn recorded(id: u128, event: Event) -> Recorded {
    Recorded {
        id: EventId(id),
        at: Moment(i64::try_from(id).unwrap() * 1000),
        by: "ana".to_owned(),
        event,
    }
}

/// A form with three doubtful cells.
fn doubtful() -> FormReading {
    closed_but(&[("candidato.1", "?*48"), ("candidato.2", "?*34"), ("nulos", "?**1")])
}

fn read(form: FormReading) -> Vec<Recorded> {
    let imported = Event::Imported {
        name: "e14.pdf".to_owned(),
        demo: false,
    };
    let read = Event::Read {
        reading: Box::new(form),
        model: "m1".to_owned(),
    };
    vec![recorded(1, imported), recorded(2, read)]
}

fn doubts(form: &FormReading) -> Vec<FieldRef> {
    form.fields.iter().filter(|f| f.needs_review).map(reference).collect()
}

fn says(id: u128, field: &FieldRef, text: &str, round: Round) -> Recorded {
    let act = Act::Cell {
        field: field.clone(),
        marks: marks(text),
        round,
    };
    recorded(id, Event::Act(act))
}

fn settled() -> (Case, Vec<FieldRef>) {
    let form = doubtful();
    let cells = doubts(&form);
    let mut case = Case::of(&read(form)).unwrap();
    for (i, cell) in (10u128..).zip(&cells) {
        let text = match cell.path.to_string().as_str() {
            "candidato.1" => "*48",
            "candidato.2" => "*34",
            _ => "**1",
        };
        case.apply(&says(i, cell, text, Round::First)).unwrap();
    }
    (case, cells)
}

#[test]
fn a_form_with_doubtful_cells_waits_and_one_without_is_accepted() {
    assert_eq!(Case::of(&read(doubtful())).unwrap().state(), State::Pending);
    assert_eq!(Case::of(&read(closed_but(&[]))).unwrap().state(), State::Accepted);
}

#[test]
fn a_form_ends_only_when_every_cell_is_settled() {
    let mut case = Case::of(&read(doubtful())).unwrap();
    let complete = recorded(9, Event::Act(Act::Complete));
    assert_eq!(case.apply(&complete), Err(Refusal::Unsettled { cells: 3 }));
    let (mut case, _) = settled();
    assert_eq!(case.state(), State::InProgress);
    case.apply(&complete).unwrap();
    assert_eq!(case.state(), State::Completed);
}

#[test]
fn what_a_person_says_counts_and_the_machines_reading_stays() {
    let (mut case, cells) = settled();
    case.apply(&says(20, &cells[0], "149", Round::First)).unwrap();
    assert_eq!(case.decision(&cells[0]).unwrap().value, Some(149));
    assert_eq!(case.machine(&cells[0]).unwrap().value, Some(48));
    let form = case.consolidated().unwrap();
    let field = form.fields.iter().find(|f| reference(f) == cells[0]).unwrap();
    assert_eq!((field.value, field.needs_review), (Some(149), false));
    assert!(form.findings.iter().any(castor_domain::checks::Finding::failed));
}

#[test]
fn taking_back_the_end_takes_back_the_cell_that_brought_it() {
    let (mut case, cells) = settled();
    let before = case.clone();
    case.apply(&recorded(30, Event::Act(Act::Complete))).unwrap();
    let undo = case.to_undo();
    assert_eq!(undo.len(), 2);
    for (i, id) in (40u128..).zip(undo) {
        case.apply(&recorded(i, Event::Undone(id))).unwrap();
    }
    assert_eq!(case.state(), State::InProgress);
    assert_eq!(case.waiting().count(), 1);
    assert!(case.decision(cells.last().unwrap()).is_none());
    assert_eq!(before.waiting().count(), 0);
}

#[test]
fn an_unknown_cell_is_refused_and_changes_nothing() {
    let (mut case, _) = settled();
    let before = case.clone();
    let nowhere = FieldRef {
        page: 9,
        path: "total".parse().unwrap(),
    };
    let refusal = case.apply(&says(50, &nowhere, "**1", Round::First));
    assert_eq!(refusal, Err(Refusal::NoSuchCell(nowhere)));
    assert_eq!(case, before);
}

#[test]
fn two_readings_that_differ_go_to_adjudication_and_equal_ones_do_not() {
    let (mut case, cells) = settled();
    case.apply(&recorded(60, Event::Act(Act::Complete))).unwrap();
    case.apply(&recorded(61, Event::Act(Act::AskSecond))).unwrap();
    assert_eq!(case.waiting().count(), cells.len());
    let mut differing = case.clone();
    for (i, (cell, same)) in (70u128..).zip(cells.iter().zip(["*48", "*34", "**1"])) {
        case.apply(&says(i, cell, same, Round::Second)).unwrap();
        differing.apply(&says(i, cell, "**9", Round::Second)).unwrap();
    }
    assert_eq!(case.state(), State::Completed);
    assert_eq!(differing.state(), State::Adjudication);
    for (i, cell) in (80u128..).zip(&cells) {
        differing.apply(&says(i, cell, "**9", Round::Adjudication)).unwrap();
    }
    assert_eq!(differing.state(), State::Completed);
    assert_eq!(differing.decision(&cells[0]).unwrap().value, Some(9));
}

#[test]
fn priority_follows_confidence_sums_and_escalation() {
    let mut form = doubtful();
    form.fields
        .iter_mut()
        .filter(|f| f.needs_review)
        .for_each(|f| f.confidence = 0.6);
    let mut case = Case::of(&read(form)).unwrap();
    let urgency = case.urgency();
    assert_eq!(urgency.priority, Priority::Medium);
    assert!(urgency.reasons.contains(&QueueReason::LowConfidence));
    case.apply(&recorded(5, Event::Act(Act::Escalate("borrosa".to_owned()))))
        .unwrap();
    assert_eq!(case.urgency().priority, Priority::High);
    assert!(case.urgency().reasons.contains(&QueueReason::ManualFlag));
    assert_eq!(case.message(), Some("borrosa"));
}

/// A step that a test takes: an act, or taking back or doing again.
#[derive(Debug, Clone)]
enum Step {
    Say(usize, u16),
    Escalate,
    Return,
    Complete,
    Reopen,
    Undo,
    Redo,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0usize..3, 0u16..1000).prop_map(|(cell, value)| Step::Say(cell, value)),
        1 => Just(Step::Escalate),
        1 => Just(Step::Return),
        1 => Just(Step::Complete),
        1 => Just(Step::Reopen),
        2 => Just(Step::Undo),
        2 => Just(Step::Redo),
    ]
}

/// Takes steps as far as the form allows them; the events that were accepted.
fn history(steps: &[Step]) -> Vec<Recorded> {
    let form = doubtful();
    let cells = doubts(&form);
    let mut events = read(form);
    let mut case = Case::of(&events).unwrap();
    let mut id = 100u128;
    for step in steps {
        let wanted: Vec<Event> = match step {
            Step::Say(cell, value) => {
                vec![says(0, &cells[*cell], &format!("{value:03}"), Round::First).event]
            }
            Step::Escalate => vec![Event::Act(Act::Escalate("duda".to_owned()))],
            Step::Return => vec![Event::Act(Act::Return("clara".to_owned()))],
            Step::Complete => vec![Event::Act(Act::Complete)],
            Step::Reopen => vec![Event::Act(Act::Reopen("otra vez".to_owned()))],
            Step::Undo => case.to_undo().into_iter().map(Event::Undone).collect(),
            Step::Redo => case.to_redo().into_iter().map(Event::Redone).collect(),
        };
        for event in wanted {
            id += 1;
            let event = recorded(id, event);
            if case.apply(&event).is_ok() {
                events.push(event);
            }
        }
    }
    events
}

proptest! {
    #[test]
    fn events_fold_to_the_same_form_in_any_batches(steps in prop::collection::vec(step(), 0..40), cut in 0usize..60) {
        let events = history(&steps);
        let whole = Case::of(&events).unwrap();
        let cut = cut.min(events.len());
        let mut parts = Case::of(&events[..cut]).unwrap();
        for event in &events[cut..] {
            parts.apply(event).unwrap();
        }
        prop_assert_eq!(whole, parts);
    }

    #[test]
    fn taking_back_and_doing_again_is_nothing(steps in prop::collection::vec(step(), 1..40)) {
        let events = history(&steps);
        let before = Case::of(&events).unwrap();
        let mut case = before.clone();
        let undo = case.to_undo();
        let mut id = 10_000u128;
        let mut taken = Vec::new();
        for event in undo {
            id += 1;
            if case.apply(&recorded(id, Event::Undone(event))).is_ok() {
                taken.push(event);
            }
        }
        for event in taken.into_iter().rev() {
            id += 1;
            case.apply(&recorded(id, Event::Redone(event))).unwrap();
        }
        prop_assert_eq!(case.state(), before.state());
        prop_assert_eq!(case.consolidated(), before.consolidated());
        prop_assert_eq!(case.to_redo(), before.to_redo());
    }

    #[test]
    fn a_refused_event_changes_nothing(steps in prop::collection::vec(step(), 0..20)) {
        let mut case = Case::of(&history(&steps)).unwrap();
        let before = case.clone();
        let refused = case.apply(&recorded(20_000, Event::Undone(EventId(7))));
        prop_assert_eq!(refused, Err(Refusal::NoSuchEvent));
        prop_assert_eq!(case, before);
    }
}
