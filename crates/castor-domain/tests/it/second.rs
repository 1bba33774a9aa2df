//! Reading twice: who may, what is asked for, and what is compared.

use crate::review::{doubtful, doubts, read, recorded_by, says_by, settled};
use crate::support::{closed_but, marks};
use castor_domain::checks::FieldRef;
use castor_domain::review::{
    Act, Case, Change, Event, EventId, MACHINE, Pair, Recorded, Refusal, Round, Sampling, Sight, State, Telling,
    reference,
};

const TRUTH: [&str; 3] = ["*48", "*34", "**1"];

fn never() -> Sampling {
    Sampling {
        seed: "s".to_owned(),
        rate: 0.0,
    }
}

/// A form that Ana completed and the machine asked a second reading of.
fn asked() -> (Case, Vec<FieldRef>) {
    let (mut case, cells) = settled();
    case.apply(&recorded_by("ana", 60, Event::Act(Act::Complete))).unwrap();
    case.apply(&recorded_by(MACHINE, 61, Event::Act(Act::AskSecond)))
        .unwrap();
    (case, cells)
}

/// The same read again by Bea, who reads the first cell as given and the others as Ana did.
fn read_again(first: &str) -> (Case, Vec<FieldRef>) {
    let (mut case, cells) = asked();
    for (id, (cell, text)) in (70u128..).zip(cells.iter().zip([first, TRUTH[1], TRUTH[2]])) {
        case.apply(&says_by("bea", id, cell, text, Round::Second)).unwrap();
    }
    (case, cells)
}

fn refused(case: &mut Case, event: &Recorded) -> Refusal {
    let before = case.clone();
    let refusal = case.apply(event).unwrap_err();
    assert_eq!(*case, before);
    refusal
}

#[test]
fn the_first_reader_cannot_do_the_second_reading() {
    let (mut case, cells) = asked();
    assert!(case.barred("ana") && !case.barred("bea"));
    let refusal = refused(&mut case, &says_by("ana", 70, &cells[0], "*48", Round::Second));
    assert_eq!((refusal.code(), refusal), ("REV_SAME_PERSON", Refusal::SamePerson));
}

#[test]
fn who_only_closed_the_form_cannot_do_the_second_reading_either() {
    let (mut case, cells) = settled();
    case.apply(&recorded_by("dora", 60, Event::Act(Act::Complete))).unwrap();
    case.apply(&recorded_by(MACHINE, 61, Event::Act(Act::AskSecond)))
        .unwrap();
    let refusal = refused(&mut case, &says_by("dora", 70, &cells[0], "*48", Round::Second));
    assert_eq!(refusal, Refusal::SamePerson);
}

#[test]
fn neither_reader_can_decide_between_the_readings() {
    let (mut case, cells) = read_again("*43");
    assert_eq!(case.state(), State::Adjudication);
    for person in ["ana", "bea"] {
        let refusal = refused(&mut case, &says_by(person, 80, &cells[0], "*48", Round::Adjudication));
        assert_eq!(refusal, Refusal::SamePerson);
    }
    case.apply(&says_by("caro", 81, &cells[0], "*48", Round::Adjudication))
        .unwrap();
    assert_eq!(case.state(), State::Completed);
}

#[test]
fn a_blind_reader_has_nothing_to_confirm_and_sees_no_sum() {
    let (mut case, cells) = asked();
    assert_eq!((case.sight("bea"), case.sight("ana")), (Sight::Blind, Sight::Open));
    assert_eq!(case.confirmed(&cells[0]), Err(Refusal::Blind));
    let seen = case.seen_by("bea").unwrap();
    let field = seen.fields.iter().find(|f| reference(f) == cells[0]).unwrap();
    assert_eq!(
        (field.value, field.needs_review, field.alternatives.len()),
        (None, true, 0)
    );
    let sum = seen.findings.iter().find(|f| f.code.code() == "SUM_001").unwrap();
    assert_eq!(sum.numbers, None);
    case.apply(&says_by("bea", 70, &cells[0], "*43", Round::Second))
        .unwrap();
    assert_eq!(case.confirmed(&cells[0]), Ok(marks("*43")));
}

#[test]
fn a_cell_in_dispute_counts_for_nothing_until_it_is_decided() {
    let (mut case, cells) = read_again("*43");
    let waits = |case: &Case| {
        let form = case.consolidated().unwrap();
        form.fields.iter().any(|f| reference(f) == cells[0] && f.needs_review)
    };
    assert!(waits(&case));
    assert_eq!(case.both(&cells[0]), Some([marks("*48"), marks("*43")]));
    assert_eq!(case.confirmed(&cells[0]), Err(Refusal::Blind));
    case.apply(&says_by("caro", 80, &cells[0], "*43", Round::Adjudication))
        .unwrap();
    assert!(!waits(&case));
    assert_eq!(case.decision(&cells[0]).unwrap().value, Some(43));
}

#[test]
fn taking_back_the_end_takes_back_the_second_reading_that_the_machine_asked_for() {
    let (mut case, cells) = asked();
    assert_eq!(case.to_undo("bea"), Vec::new());
    let undo = case.to_undo("ana");
    assert_eq!(undo, [EventId(61), EventId(60), EventId(12)]);
    for (id, event) in (100u128..).zip(undo) {
        case.apply(&recorded_by("ana", id, Event::Undone(event))).unwrap();
    }
    assert_eq!(
        (case.state(), case.waiting().next()),
        (State::InProgress, Some(cells[2].clone()))
    );
    assert_eq!(case.to_redo("ana"), [EventId(12), EventId(60), EventId(61)]);
}

#[test]
fn nobody_takes_back_what_another_built_upon_nor_a_reading_that_was_compared() {
    let (mut case, cells) = asked();
    case.apply(&says_by("bea", 70, &cells[0], "*43", Round::Second))
        .unwrap();
    assert_eq!(case.to_undo("ana"), Vec::new());
    assert_eq!(
        refused(&mut case, &recorded_by("ana", 90, Event::Undone(EventId(12)))),
        Refusal::NotYours
    );
    assert_eq!(
        refused(&mut case, &recorded_by("ana", 90, Event::Undone(EventId(70)))),
        Refusal::NotYours
    );
    assert_eq!(case.to_undo("bea"), [EventId(70)]);
    let (mut compared, _) = read_again("*43");
    assert_eq!(compared.to_undo("bea"), Vec::new());
    let refusal = refused(&mut compared, &recorded_by("bea", 90, Event::Undone(EventId(72))));
    assert_eq!(refusal, Refusal::Compared);
}

#[test]
fn what_was_read_twice_is_told_as_pairs_once_the_second_reading_is_over() {
    let (mut case, cells) = asked();
    case.apply(&says_by("bea", 70, &cells[0], "*43", Round::Second))
        .unwrap();
    assert_eq!(case.pairs(), Vec::new());
    let (mut case, cells) = read_again("*43");
    let pairs = case.pairs();
    let first = Pair {
        field: cells[0].clone(),
        first_by: "ana".to_owned(),
        first: Some(48),
        second_by: "bea".to_owned(),
        second: Some(43),
    };
    assert!(pairs.contains(&first), "{pairs:?}");
    assert_eq!(pairs.len(), 3);
    // Opened again the form is read anew, and the pairs stay what they were.
    case.apply(&says_by("caro", 80, &cells[0], "*43", Round::Adjudication))
        .unwrap();
    case.apply(&recorded_by("dora", 81, Event::Act(Act::Reopen("revisar".to_owned()))))
        .unwrap();
    case.apply(&says_by("dora", 82, &cells[0], "*49", Round::First))
        .unwrap();
    assert_eq!(case.decision(&cells[0]).unwrap().value, Some(49));
    assert_eq!(case.pairs(), pairs);
    case.apply(&recorded_by("dora", 83, Event::Act(Act::Complete))).unwrap();
    case.apply(&recorded_by(MACHINE, 84, Event::Act(Act::AskSecond)))
        .unwrap();
    let barred: Vec<_> = case.barred_readers().collect();
    assert_eq!(barred, ["ana", "bea", "caro", "dora"]);
}

#[test]
fn the_second_reading_of_an_accepted_form_is_of_every_cell_and_beside_the_machines() {
    let form = closed_but(&[]);
    let cells: Vec<FieldRef> = form.fields.iter().map(reference).collect();
    let mut case = Case::of(&read(form)).unwrap();
    case.apply(&recorded_by(MACHINE, 3, Event::Act(Act::AskSecond)))
        .unwrap();
    assert_eq!(case.to_undo("ana"), Vec::new());
    assert_eq!(case.waiting().count(), cells.len());
    for (id, cell) in (10u128..).zip(&cells) {
        let marks = case.machine(cell).unwrap().marks;
        let act = Act::Cell {
            field: cell.clone(),
            marks,
            round: Round::Second,
        };
        case.apply(&recorded_by("ana", id, Event::Act(act))).unwrap();
    }
    assert_eq!(case.state(), State::Completed);
    assert!(
        case.pairs()
            .iter()
            .all(|p| p.first_by == MACHINE && p.first == p.second)
    );
    assert_eq!(case.known().len(), cells.len());
}

#[test]
fn critical_forms_are_read_twice_and_others_only_when_drawn() {
    let mut unsure = doubtful();
    unsure
        .fields
        .iter_mut()
        .filter(|f| f.needs_review)
        .for_each(|f| f.confidence = 0.6);
    let ended = |form: castor_domain::reading::FormReading| {
        let cells = doubts(&form);
        let mut case = Case::of(&read(form)).unwrap();
        for (id, (cell, text)) in (10u128..).zip(cells.iter().zip(TRUTH)) {
            case.apply(&says_by("ana", id, cell, text, Round::First)).unwrap();
        }
        case.apply(&recorded_by("ana", 60, Event::Act(Act::Complete))).unwrap();
        case
    };
    let plain = ended(unsure.clone());
    assert!(!plain.wants_second("f1", &never()));
    let all = Sampling { rate: 1.0, ..never() };
    assert!(plain.wants_second("f1", &all));
    unsure
        .fields
        .iter_mut()
        .filter(|f| f.needs_review)
        .for_each(|f| f.confidence = 0.2);
    assert!(ended(unsure).wants_second("f1", &never()));
    // What was read twice is not asked for again.
    assert!(!read_again("*48").0.wants_second("f1", &all));
}

#[test]
fn the_draw_is_the_same_everywhere_and_as_large_as_asked_for() {
    let sampling = Sampling {
        seed: "castor".to_owned(),
        rate: 0.05,
    };
    let ids: Vec<String> = (0..20_000).map(|n| format!("{n:064x}")).collect();
    let drawn = ids.iter().filter(|id| sampling.draws(&[id])).count();
    // Five standard deviations of a binomial around 1000.
    assert!((846..=1154).contains(&drawn), "{drawn}");
    let other = Sampling {
        seed: "otra".to_owned(),
        ..sampling.clone()
    };
    assert!(ids.iter().any(|id| sampling.draws(&[id]) != other.draws(&[id])));
    // A number that every laptop has to give: another hash would draw other forms.
    assert_eq!(
        castor_domain::draw::number("castor", &["a", "b"]),
        0x9288_e0a4_7606_9cd4
    );
    assert_ne!(
        castor_domain::draw::number("castor", &["ab"]),
        castor_domain::draw::number("castor", &["a", "b"])
    );
}

#[test]
fn an_answer_to_a_settled_cell_changes_nothing_but_itself() {
    let (mut case, cells) = read_again("*48");
    assert_eq!(case.known().len(), 3);
    let before = (case.state(), case.consolidated(), case.to_undo("ana"), case.pairs());
    let probe = |by: &str, id: u128, text: &str| {
        let event = Event::Probe {
            field: cells[0].clone(),
            marks: marks(text),
        };
        recorded_by(by, id, event)
    };
    assert_eq!(refused(&mut case, &probe("ana", 90, "*48")), Refusal::SamePerson);
    case.apply(&probe("caro", 91, "*43")).unwrap();
    case.apply(&probe("caro", 92, "*48")).unwrap();
    assert_eq!(
        before,
        (case.state(), case.consolidated(), case.to_undo("ana"), case.pairs())
    );
    let answers = |case: &Case| case.probes().map(|p| p.word.value).collect::<Vec<_>>();
    assert_eq!(answers(&case), [Some(48)]);
    assert_eq!(
        refused(&mut case, &recorded_by("bea", 93, Event::Undone(EventId(92)))),
        Refusal::NotYours
    );
    case.apply(&recorded_by("caro", 94, Event::Undone(EventId(92))))
        .unwrap();
    assert_eq!(answers(&case), [Some(43)]);
    case.apply(&recorded_by("caro", 95, Event::Redone(EventId(92))))
        .unwrap();
    assert_eq!(answers(&case), [Some(48)]);
}

#[test]
fn a_second_reading_is_due_upon_the_end_of_one_and_upon_nothing_else() {
    let (case, cells) = settled();
    let all = Sampling { rate: 1.0, ..never() };
    let due = |events: &[Recorded]| case.wants_second_after(events, "f1", &all);
    let complete = || recorded_by("ana", 60, Event::Act(Act::Complete));
    assert_eq!(due(&[complete()]), Ok(true));
    assert_eq!(due(&[]), Ok(false));
    assert_eq!(due(&[says_by("ana", 60, &cells[0], "*43", Round::First)]), Ok(false));
    assert_eq!(case.wants_second_after(&[complete()], "f1", &never()), Ok(false));
    let mut ended = case.clone();
    ended.apply(&complete()).unwrap();
    let again = ended.wants_second_after(&[complete()], "f1", &all);
    assert_eq!(
        again,
        Err(Refusal::State {
            state: State::Completed
        })
    );
    // Of the machine's own reading only where nobody has to look at it.
    for (form, wanted) in [(closed_but(&[]), true), (doubtful(), false)] {
        assert_eq!(Case::default().wants_second_after(&read(form), "f1", &all), Ok(wanted));
    }
}

#[test]
fn what_the_machine_asked_for_upon_its_reading_keeps_no_other_one_out() {
    let mut case = Case::of(&read(closed_but(&[]))).unwrap();
    case.apply(&recorded_by(MACHINE, 3, Event::Act(Act::AskSecond)))
        .unwrap();
    let reads = |form| Event::Read {
        reading: Box::new(form),
        model: "m2".to_owned(),
    };
    case.apply(&recorded_by(MACHINE, 4, reads(doubtful()))).unwrap();
    assert_eq!((case.state(), case.model()), (State::Pending, "m2"));
    let cell = doubts(&doubtful())[0].clone();
    case.apply(&says_by("ana", 5, &cell, "*48", Round::First)).unwrap();
    case.apply(&recorded_by("ana", 6, Event::Undone(EventId(5)))).unwrap();
    assert_eq!(case.state(), State::Pending);
    case.apply(&recorded_by(MACHINE, 7, reads(closed_but(&[])))).unwrap();
    assert_eq!(case.state(), State::SecondReading);
}

#[test]
fn the_order_of_two_readings_says_nothing_of_whose_they_are() {
    let (case, cells) = read_again("*43");
    let orders: Vec<_> = (0..40)
        .map(|form| case.to_compare(&form.to_string(), &cells[0]).unwrap())
        .collect();
    let first = orders
        .iter()
        .filter(|both| **both == [marks("*48"), marks("*43")])
        .count();
    let other = orders
        .iter()
        .filter(|both| **both == [marks("*43"), marks("*48")])
        .count();
    assert!(first + other == 40 && first > 5 && other > 5, "{first}, {other}");
    assert_eq!(case.to_compare("0", &cells[0]), Some(orders[0]));
}

#[test]
fn each_event_is_told_with_what_was_said_until_then() {
    let cell = doubts(&doubtful())[0].clone();
    let machine = doubtful().fields.iter().find(|f| reference(f) == cell).unwrap().marks;
    let mut telling = Telling::default();
    for event in read(doubtful()) {
        assert_eq!(telling.next(&event), None);
    }
    let change = |before, after| {
        Some(Change {
            field: cell.clone(),
            before: Some(before),
            after: Some(after),
        })
    };
    let (one, two) = (marks("*48"), marks("*43"));
    let says = |id, text| says_by("ana", id, &cell, text, Round::First);
    assert_eq!(telling.next(&says(10, "*48")), change(machine, one));
    assert_eq!(telling.next(&says(11, "*43")), change(one, two));
    let back = recorded_by("ana", 12, Event::Undone(EventId(11)));
    assert_eq!(telling.next(&back), change(two, one));
    let again = recorded_by("ana", 13, Event::Redone(EventId(11)));
    assert_eq!(telling.next(&again), change(one, two));
    let end = recorded_by("ana", 14, Event::Act(Act::Complete));
    assert_eq!((telling.next(&end), end.event.reason()), (None, None));
    let opened = Event::Act(Act::Reopen("otra vez".to_owned()));
    assert_eq!(opened.reason(), Some("otra vez"));
}

#[test]
fn what_the_machine_asks_for_once_more_changes_nothing() {
    let (mut case, _) = asked();
    let before = case.clone();
    let again = |by, id| recorded_by(by, id, Event::Act(Act::AskSecond));
    case.apply(&again(MACHINE, 62)).unwrap();
    assert_eq!(case, before);
    let refusal = refused(&mut case, &again("dora", 63));
    let state = State::SecondReading;
    assert_eq!(refusal, Refusal::State { state });
    // Taking back the end takes the second reading back all the same.
    for (id, event) in (100u128..).zip(case.to_undo("ana")) {
        case.apply(&recorded_by("ana", id, Event::Undone(event))).unwrap();
    }
    assert_eq!(case.state(), State::InProgress);
}
