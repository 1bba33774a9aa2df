use std::collections::HashSet;

use castor_testkit::form::{Family, Form, Options};
use castor_testkit::marks::{Habit, Leading, ZeroRow};
use castor_testkit::sheet::Item;
use castor_testkit::truth::{CellTruth, PageTruth, Section};

/// A juror who makes no mistake.
fn careful() -> Options {
    Options {
        overwritten: 0.0,
        arithmetic_error: 0.0,
        blank_total: 0.0,
        habit: Some(Habit {
            leading: Leading::Fillers,
            zero: ZeroRow::Fillers,
        }),
        ..Options::default()
    }
}

fn truths(form: &Form) -> Vec<PageTruth> {
    (1..=form.pages())
        .map(|page| form.truth(page).unwrap().clone())
        .collect()
}

fn cells(form: &Form) -> Vec<CellTruth> {
    truths(form).into_iter().flat_map(|t| t.cells).collect()
}

fn value(cells: &[CellTruth], field: &str) -> u16 {
    cells
        .iter()
        .filter(|c| c.field == field)
        .map(|c| c.value.unwrap_or(0))
        .sum()
}

#[test]
fn the_same_seed_gives_the_same_form() {
    for family in Family::ALL {
        let draw = |seed| Form::sample(seed, family, &Options::default()).unwrap();
        assert_eq!(truths(&draw(5)), truths(&draw(5)));
        assert_eq!(draw(5).sheet(1).unwrap(), draw(5).sheet(1).unwrap());
        assert_ne!(truths(&draw(5)), truths(&draw(6)));
    }
}

#[test]
fn sums_close_when_the_jurors_make_no_mistake() {
    for family in Family::ALL {
        for seed in 0..25 {
            let form = Form::sample(seed, family, &careful()).unwrap();
            let cells = cells(&form);
            let [voters, urn, burnt] =
                ["sufragantes", "urna", "incinerados"].map(|n| value(&cells, &format!("nivelacion.{n}")));
            assert_eq!(burnt, urn.saturating_sub(voters), "{} burns the excess", form.name());
            let counted: u16 = cells
                .iter()
                .filter(|c| !c.field.starts_with("nivelacion") && c.field != "total" && !c.field.ends_with(".total"))
                .map(|c| c.value.unwrap_or(0))
                .sum();
            assert_eq!(counted, urn - burnt, "{}", form.name());
            if cells.iter().any(|c| c.field == "total") {
                assert_eq!(value(&cells, "total"), counted, "{}", form.name());
            }
            for list in cells.iter().filter_map(|c| c.field.strip_suffix(".total")) {
                let of_list: u16 = cells
                    .iter()
                    .filter(|c| c.field.starts_with(&format!("{list}.")) && !c.field.ends_with(".total"))
                    .map(|c| c.value.unwrap_or(0))
                    .sum();
                assert_eq!(
                    value(&cells, &format!("{list}.total")),
                    of_list,
                    "{} {list}",
                    form.name()
                );
            }
        }
    }
}

#[test]
fn mistakes_occur_when_asked_for() {
    let options = Options {
        arithmetic_error: 1.0,
        overwritten: 0.5,
        ..careful()
    };
    let form = Form::sample(3, Family::Presidente2022, &options).unwrap();
    let cells = cells(&form);
    assert_ne!(
        value(&cells, "total"),
        value(&cells, "nivelacion.urna") - value(&cells, "nivelacion.incinerados")
    );
    let truth = form.truth(1).unwrap();
    assert!(!truth.overwritten.is_empty());
    let fields: HashSet<&str> = truth.cells.iter().map(|c| c.field.as_str()).collect();
    assert!(truth.overwritten.iter().all(|f| fields.contains(f.as_str())));

    let blank = Form::sample(
        3,
        Family::Presidente2022,
        &Options {
            blank_total: 1.0,
            ..careful()
        },
    )
    .unwrap();
    let total = blank
        .truth(1)
        .unwrap()
        .cells
        .iter()
        .find(|c| c.field == "total")
        .unwrap()
        .clone();
    assert_eq!(total.value.unwrap_or(0), 0);
}

#[test]
fn urns_with_too_few_and_too_many_ballots_occur() {
    let mut kinds = HashSet::new();
    for seed in 0..120 {
        let form = Form::sample(seed, Family::SegundaVuelta2026, &careful()).unwrap();
        let cells = cells(&form);
        kinds.insert(value(&cells, "nivelacion.urna").cmp(&value(&cells, "nivelacion.sufragantes")));
    }
    assert_eq!(kinds.len(), 3, "{kinds:?}");
}

#[test]
fn every_field_stands_once_on_its_page() {
    for family in Family::ALL {
        for seed in 0..10 {
            let form = Form::sample(seed, family, &Options::default()).unwrap();
            let mut seen = HashSet::new();
            for page in truths(&form) {
                for cell in &page.cells {
                    assert!(
                        seen.insert((page.page, cell.field.clone())),
                        "{} {}",
                        form.name(),
                        cell.field
                    );
                    let repeated = seen.iter().filter(|(_, f)| *f == cell.field).count();
                    let special = ["blanco", "nulos", "no_marcados"].contains(&cell.field.as_str());
                    assert!(
                        repeated == 1 || (family == Family::Camara2022 && special),
                        "{} twice",
                        cell.field
                    );
                }
            }
        }
    }
}

#[test]
fn everything_is_printed_within_the_paper_and_the_frame_of_the_marks() {
    for family in Family::ALL {
        for seed in 0..15 {
            let form = Form::sample(seed, family, &Options::default()).unwrap();
            for page in 1..=form.pages() {
                for item in &form.sheet(page).unwrap().items {
                    let (places, slack) = match item {
                        Item::Fill { area, .. } | Item::Frame { area, .. } => {
                            (vec![[area[0], area[1]], [area[2], area[3]]], 0.0)
                        }
                        Item::Line { from, to, .. } => (vec![*from, *to], 0.0),
                        Item::Ring { centre, .. } | Item::Disc { centre, .. } => (vec![*centre], 0.0),
                        Item::Triangle { corners, .. } => (corners.to_vec(), 0.0),
                        Item::Text(text) => (vec![[text.x, text.y]], 0.0),
                        Item::Runs { x, y, .. } => (vec![[*x, *y]], 0.0),
                        // Writing may leave its box a little.
                        Item::Pen { at, .. } => (vec![*at], 0.03),
                    };
                    for [x, y] in places {
                        let inside = (-0.045 - slack..=1.045 + slack).contains(&x) && (-0.014..=1.012).contains(&y);
                        assert!(inside, "{} page {page}: {item:?}", form.name());
                    }
                }
            }
        }
    }
}

#[test]
fn every_page_says_that_it_is_an_example() {
    for family in Family::ALL {
        let form = Form::sample(11, family, &Options::default()).unwrap();
        for page in 1..=form.pages() {
            assert!(form.truth(page).unwrap().synthetic);
            let items = &form.sheet(page).unwrap().items;
            assert!(items.iter().any(|i| matches!(i, Item::Text(t) if t.text == "EJEMPLO")));
        }
    }
}

#[test]
fn headers_tell_the_same_table_on_every_page() {
    for family in Family::ALL {
        let form = Form::sample(12, family, &Options::default()).unwrap();
        let truths = truths(&form);
        for (i, truth) in truths.iter().enumerate() {
            let header = &truth.header;
            assert_eq!(usize::from(header.page_of[0]), i + 1);
            assert_eq!(usize::from(header.page_of[1]), truths.len());
            assert_eq!(header.barcode.len(), 15);
            assert_eq!(header.barcode[2..8].trim_start_matches('0'), header.kit);
            assert_eq!(
                (&header.mesa, &header.control),
                (&truths[0].header.mesa, &truths[0].header.control)
            );
        }
    }
}

#[test]
fn pages_carry_the_sections_of_their_family() {
    let has = |family, wanted: fn(&Section) -> bool| {
        let form = Form::sample(13, family, &Options::default()).unwrap();
        truths(&form).iter().flat_map(|t| &t.sections).any(wanted)
    };
    for family in Family::ALL {
        assert!(has(family, |s| *s == Section::Nivelacion));
        assert!(has(family, |s| matches!(s, Section::Special { .. })));
        assert!(has(family, |s| *s == Section::Constancias));
        assert!(has(family, |s| *s == Section::Firmas));
        let lists = has(family, |s| matches!(s, Section::List { .. }));
        assert_ne!(lists, has(family, |s| matches!(s, Section::Candidates { .. })));
    }
}

#[test]
fn a_missing_page_is_named() {
    let form = Form::sample(1, Family::SegundaVuelta2026, &Options::default()).unwrap();
    let error = form.truth(3).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string()),
        ("testkit.page", "the form has 2 pages, page 3 was asked for".into())
    );
    assert!(form.truth(0).is_err());
}
