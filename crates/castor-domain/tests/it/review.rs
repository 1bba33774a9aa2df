//! The review of a form: its states, its acts, and that nothing depends on how events arrive.

use crate::support::{closed_but, marks};
use castor_domain::checks::FieldRef;
use castor_domain::reading::FormReading;
use castor_domain::review::{
    Act, Case, Event, EventId, MACHINE, Moment, Priority, QueueReason, Recorded, Refusal, Round, Sight, State,
    reference,
};
use proptest::prelude::*;

pub(crate) fn recorded_by(by: &str, id: u128, event: Event) -> Recorded {
    Recorded {
        id: EventId(id),
        at: Moment(i64::try_from(id).unwrap() * 1000),
        by: by.to_owned(),
        event,
    }
}

fn recorded(id: u128, event: Event) -> Recorded {
    recorded_by("ana", id, event)
}

/// A form with three doubtful cells.
pub(crate) fn doubtful() -> FormReading {
    closed_but(&[("candidato.1", "?*48"), ("candidato.2", "?*34"), ("nulos", "?**1")])
}

pub(crate) fn read(form: FormReading) -> Vec<Recorded> {
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

pub(crate) fn doubts(form: &FormReading) -> Vec<FieldRef> {
    form.fields.iter().filter(|f| f.needs_review).map(reference).collect()
}

pub(crate) fn says(id: u128, field: &FieldRef, text: &str, round: Round) -> Recorded {
    let act = Act::Cell {
        field: field.clone(),
        marks: marks(text),
        round,
    };
    recorded(id, Event::Act(act))
}

/// Another person's word.
pub(crate) fn says_by(by: &str, id: u128, field: &FieldRef, text: &str, round: Round) -> Recorded {
    Recorded {
        by: by.to_owned(),
        ..says(id, field, text, round)
    }
}

pub(crate) fn settled() -> (Case, Vec<FieldRef>) {
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
    let undo = case.to_undo("ana");
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
        case.apply(&says_by("bea", i, cell, same, Round::Second)).unwrap();
        differing.apply(&says_by("bea", i, cell, "**9", Round::Second)).unwrap();
    }
    assert_eq!(case.state(), State::Completed);
    assert_eq!(differing.state(), State::Adjudication);
    for (i, cell) in (80u128..).zip(&cells) {
        differing
            .apply(&says_by("caro", i, cell, "**9", Round::Adjudication))
            .unwrap();
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

const PEOPLE: [&str; 3] = ["ana", "bea", "caro"];

/// What a test lets a person do: an act, or taking back or doing again.
#[derive(Debug, Clone)]
enum Step {
    Say(usize, u16),
    Escalate,
    Return,
    Complete,
    Reopen,
    AskSecond,
    Probe(usize),
    Undo,
    Redo,
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        8 => (0usize..3, prop_oneof![Just(48u16), Just(34), 0u16..1000]).prop_map(|(cell, value)| Step::Say(cell, value)),
        1 => Just(Step::Escalate),
        1 => Just(Step::Return),
        2 => Just(Step::Complete),
        1 => Just(Step::Reopen),
        2 => Just(Step::AskSecond),
        1 => (0usize..3).prop_map(Step::Probe),
        2 => Just(Step::Undo),
        2 => Just(Step::Redo),
    ];
    (0usize..3, step)
}

/// Takes steps as far as the form allows them; the events that were accepted.
fn history(steps: &[(usize, Step)]) -> Vec<Recorded> {
    let form = doubtful();
    let cells = doubts(&form);
    let mut events = read(form);
    let mut case = Case::of(&events).unwrap();
    let mut id = 100u128;
    for (person, step) in steps {
        let person = PEOPLE[*person];
        let round = case.state().round().unwrap_or(Round::First);
        let mut by = person;
        let wanted: Vec<Event> = match step {
            Step::Say(cell, value) => vec![says(0, &cells[*cell], &format!("{value:03}"), round).event],
            Step::Escalate => vec![Event::Act(Act::Escalate("duda".to_owned()))],
            Step::Return => vec![Event::Act(Act::Return("clara".to_owned()))],
            Step::Complete => vec![Event::Act(Act::Complete)],
            Step::Reopen => vec![Event::Act(Act::Reopen("otra vez".to_owned()))],
            Step::AskSecond => {
                by = if person == "caro" { person } else { MACHINE };
                vec![Event::Act(Act::AskSecond)]
            }
            Step::Probe(cell) => vec![Event::Probe {
                field: cells[*cell].clone(),
                marks: marks("**7"),
            }],
            Step::Undo => case.to_undo(person).into_iter().map(Event::Undone).collect(),
            Step::Redo => case.to_redo(person).into_iter().map(Event::Redone).collect(),
        };
        for event in wanted {
            id += 1;
            let event = recorded_by(by, id, event);
            if case.apply(&event).is_ok() {
                events.push(event);
            }
        }
    }
    events
}

proptest! {
    #[test]
    fn events_fold_to_the_same_form_in_any_batches(steps in prop::collection::vec(step(), 0..60), cut in 0usize..80) {
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
    fn taking_back_and_doing_again_is_nothing(steps in prop::collection::vec(step(), 1..60), person in 0usize..3) {
        let person = PEOPLE[person];
        let before = Case::of(&history(&steps)).unwrap();
        let mut case = before.clone();
        let undo = case.to_undo(person);
        let mut id = 10_000u128;
        for event in &undo {
            id += 1;
            case.apply(&recorded_by(person, id, Event::Undone(*event))).unwrap();
        }
        if !undo.is_empty() {
            let redo = case.to_redo(person);
            prop_assert_eq!(redo.iter().rev().collect::<Vec<_>>(), undo.iter().collect::<Vec<_>>());
            for event in redo {
                id += 1;
                case.apply(&recorded_by(person, id, Event::Redone(event))).unwrap();
            }
        }
        prop_assert_eq!(case, before);
    }

    #[test]
    fn nobody_reads_a_form_twice_or_decides_between_readings_of_their_own(steps in prop::collection::vec(step(), 0..80)) {
        let case = Case::of(&history(&steps)).unwrap();
        for pair in case.pairs() {
            prop_assert_ne!(&pair.first_by, &pair.second_by);
            if let Some(decided) = case.decided(Round::Adjudication, &pair.field) {
                prop_assert!(decided.by != pair.first_by && decided.by != pair.second_by);
            }
        }
    }

    #[test]
    fn a_blind_reader_is_shown_no_number_of_a_cell_that_is_read_again(steps in prop::collection::vec(step(), 0..60)) {
        let case = Case::of(&history(&steps)).unwrap();
        for person in PEOPLE {
            if case.sight(person) == Sight::Open {
                continue;
            }
            let round = case.state().round().unwrap();
            let asked = case.asked();
            let seen = case.seen_by(person).unwrap();
            for field in seen.fields.iter().filter(|f| asked.contains(&reference(f))) {
                let own = case.decided(round, &reference(field)).and_then(|d| d.value);
                prop_assert_eq!(field.value, own);
            }
        }
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

#[test]
fn a_reading_stands_from_the_first_act_of_a_person_on() {
    let other = || {
        let mut form = doubtful();
        let sure = form.fields.iter_mut().find(|f| !f.needs_review).unwrap();
        sure.value = Some(999);
        form
    };
    let again = |id: u128, form: FormReading| {
        let reading = Box::new(form);
        recorded_by(
            MACHINE,
            id,
            Event::Read {
                reading,
                model: "m2".to_owned(),
            },
        )
    };
    let mut case = Case::of(&read(doubtful())).unwrap();
    let later = again(3, other());
    assert_eq!(case.admits(&later.event), Ok(()), "nobody has looked at the first");
    case.apply(&later).unwrap();
    assert_eq!(case.reading(), Some(&other()));

    let cell = doubts(&other())[0].clone();
    case.apply(&says(4, &cell, "*48", Round::First)).unwrap();
    let stands = case.clone();
    let first = again(5, doubtful());
    assert_eq!(case.admits(&first.event), Err(Refusal::WorkedOn));
    assert_eq!(case.admits(&again(6, other()).event), Ok(()), "it says the same");
    // A log may have it all the same: then it changes nothing.
    case.apply(&first).unwrap();
    assert_eq!(case, stands);
    // Taken back, nobody's word is left beside it.
    case.apply(&recorded(7, Event::Undone(EventId(4)))).unwrap();
    assert_eq!(case.admits(&first.event), Ok(()));
}

#[test]
fn a_form_is_what_it_was_first_taken_in_as_and_never_becomes_a_generated_one() {
    let imported = |id: u128, name: &str, demo: bool| {
        let name = name.to_owned();
        recorded_by(MACHINE, id, Event::Imported { name, demo })
    };
    let mut case = Case::of(&[imported(1, "e14.pdf", true)]).unwrap();
    case.apply(&imported(2, "otro.pdf", false)).unwrap();
    assert_eq!(
        (case.name(), case.demo(), case.imported()),
        ("e14.pdf", false, Moment(1000))
    );
    case.apply(&imported(3, "otro.pdf", true)).unwrap();
    assert!(!case.demo());
}
