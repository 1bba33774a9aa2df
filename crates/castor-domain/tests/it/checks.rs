//! The checks, one test named after each code, and the patterns of real forms.

use std::collections::BTreeMap;

use crate::support::{at, closed_but, form, outcome, outcomes, outcomes_with};
use castor_domain::checks::{
    CheckCode, CheckContext, Detail, ExpectedTable, FieldState, Finding, Input, Missing, Numbers, Outcome, SeenSheet,
    Severity, SheetPlace, align_copies, check_form, moved_votes,
};
use castor_domain::codes::MesaId;
use castor_domain::form::{Copia, Corporacion, FieldPath, ListCode};
use castor_domain::header::Source;
use castor_domain::reading::FormReading;
use castor_domain::serial::PageOf;

const DOC: &str = include_str!("../../../../docs/CHECKS.md");

fn numbers(expected: i64, found: i64) -> Option<Numbers> {
    Some(Numbers { expected, found })
}

fn missing(finding: &Finding) -> Vec<String> {
    match &finding.outcome {
        Outcome::NotEvaluable { missing } => missing.iter().map(ToString::to_string).collect(),
        Outcome::Pass | Outcome::Fail => panic!("evaluated: {finding:?}"),
    }
}

#[test]
fn every_check_has_an_entry_in_the_document_with_its_aliases() {
    for code in CheckCode::ALL {
        let entry = DOC.split("\n## ").find(|section| section.starts_with(code.code()));
        let entry = entry.unwrap_or_else(|| panic!("docs/CHECKS.md has no entry for {code}"));
        for alias in code.aliases() {
            assert!(
                entry.contains(&format!("`{alias}`")),
                "{code}: alias {alias} is not in its entry"
            );
            assert_eq!(alias.replace("{code}", "0026").parse(), Ok(code));
        }
        assert_eq!(code.code().parse(), Ok(code));
    }
    let entries = DOC.lines().filter(|line| line.starts_with("## ")).count();
    assert_eq!(entries, CheckCode::ALL.len(), "an entry of docs/CHECKS.md is no check");
}

#[test]
fn every_check_answers_on_every_form() {
    for form in [FormReading::default(), closed_but(&[])] {
        let findings = check_form(&form, &CheckContext::default());
        for code in CheckCode::ALL.into_iter().filter(|c| *c != CheckCode::Sum002) {
            assert!(findings.iter().any(|f| f.code == code), "{code}");
        }
    }
}

#[test]
fn a_form_that_was_not_read_fails_nothing() {
    assert!(
        check_form(&FormReading::default(), &CheckContext::default())
            .iter()
            .all(|f| !f.failed())
    );
}

#[test]
fn niv_001() {
    let pass = outcome(&closed_but(&[]), CheckCode::Niv001);
    assert_eq!(
        (pass.outcome, pass.severity, pass.numbers),
        (Outcome::Pass, Severity::Info, numbers(96, 96))
    );
    let excess = outcome(&closed_but(&[("nivelacion.urna", "*98")]), CheckCode::Niv001);
    assert_eq!((excess.outcome, excess.severity), (Outcome::Fail, Severity::High));
    assert_eq!(excess.numbers.unwrap().difference(), 2);
    let unread = outcome(&closed_but(&[("nivelacion.urna", "?*98")]), CheckCode::Niv001);
    assert_eq!(missing(&unread), ["unread: nivelacion.urna (page 1)"]);
    let blank = outcome(&closed_but(&[("nivelacion.sufragantes", "___")]), CheckCode::Niv001);
    assert_eq!(missing(&blank), ["left blank: nivelacion.sufragantes (page 1)"]);
}

#[test]
fn an_urn_below_the_voters_without_burning_is_normal() {
    let form = closed_but(&[("nivelacion.sufragantes", "*99")]);
    for code in [
        CheckCode::Niv001,
        CheckCode::Niv002,
        CheckCode::Sum001,
        CheckCode::Sum003,
    ] {
        assert_eq!(outcome(&form, code).outcome, Outcome::Pass, "{code}");
    }
}

#[test]
fn an_excess_that_was_burnt_leaves_the_sums_closed_and_is_noted_as_low() {
    let form = closed_but(&[("nivelacion.urna", "*98"), ("nivelacion.incinerados", "**2")]);
    let excess = outcome(&form, CheckCode::Niv001);
    assert_eq!((excess.outcome, excess.severity), (Outcome::Fail, Severity::Low));
    for code in [CheckCode::Niv002, CheckCode::Sum001, CheckCode::Sum003] {
        assert_eq!(outcome(&form, code).outcome, Outcome::Pass, "{code}");
    }
}

#[test]
fn niv_002() {
    assert_eq!(outcome(&closed_but(&[]), CheckCode::Niv002).outcome, Outcome::Pass);
    let unburnt = closed_but(&[("nivelacion.urna", "*98")]);
    let finding = outcome(&unburnt, CheckCode::Niv002);
    assert_eq!(
        (finding.outcome, finding.severity, finding.numbers),
        (Outcome::Fail, Severity::High, numbers(98, 96))
    );
    let unread = outcome(&closed_but(&[("nivelacion.incinerados", "?**2")]), CheckCode::Niv002);
    assert_eq!(missing(&unread), ["unread: nivelacion.incinerados (page 1)"]);
}

#[test]
fn burning_noted_without_an_excess_is_a_slip_that_leaves_the_sum_closed() {
    let form = closed_but(&[("nivelacion.sufragantes", "*97"), ("nivelacion.incinerados", "**1")]);
    let finding = outcome(&form, CheckCode::Niv002);
    assert_eq!((finding.outcome, finding.severity), (Outcome::Fail, Severity::Medium));
    assert_eq!(outcome(&form, CheckCode::Sum001).outcome, Outcome::Pass);
}

#[test]
fn sum_001() {
    let pass = outcome(&closed_but(&[]), CheckCode::Sum001);
    assert_eq!((pass.outcome, pass.numbers), (Outcome::Pass, numbers(96, 96)));
    let slip = outcome(&closed_but(&[("candidato.2", "*37")]), CheckCode::Sum001);
    assert_eq!(
        (slip.outcome, slip.severity, slip.numbers),
        (Outcome::Fail, Severity::Medium, numbers(96, 99))
    );
    let gross = outcome(&closed_but(&[("candidato.2", "134")]), CheckCode::Sum001);
    assert_eq!((gross.outcome, gross.severity), (Outcome::Fail, Severity::High));
    let unread = outcome(&closed_but(&[("candidato.2", "?*34")]), CheckCode::Sum001);
    assert_eq!(missing(&unread), ["unread: candidato.2 (page 1)"]);
}

#[test]
fn a_candidate_row_left_blank_means_no_votes() {
    let form = closed_but(&[("candidato.2", "___"), ("candidato.1", "*82")]);
    assert_eq!(outcome(&form, CheckCode::Sum001).outcome, Outcome::Pass);
    let fillers = closed_but(&[("candidato.2", "***"), ("candidato.1", "*82")]);
    assert_eq!(outcome(&fillers, CheckCode::Sum001).outcome, Outcome::Pass);
}

const LISTS: [&[(&str, &str)]; 3] = [
    &[
        ("nivelacion.sufragantes", "*30"),
        ("nivelacion.urna", "*30"),
        ("nivelacion.incinerados", "***"),
        ("lista.11.solo_lista", "**4"),
        ("lista.11.candidato.51", "*13"),
        ("lista.11.candidato.52", "___"),
        ("lista.11.total", "*17"),
    ],
    &[
        ("lista.6345.solo_lista", "**7"),
        ("lista.7.solo_lista", "___"),
        ("lista.7.candidato.51", "___"),
        ("lista.7.total", "___"),
    ],
    &[("blanco", "**3"), ("nulos", "**2"), ("no_marcados", "**1")],
];

fn lists_but(path: &str, marks: &'static str) -> FormReading {
    let mut reading = form(Corporacion::Asamblea, &LISTS);
    let page = at(&mut reading, path).page;
    *at(&mut reading, path) = crate::support::field(page, path, marks);
    reading
}

#[test]
fn sum_002() {
    let found = outcomes(&form(Corporacion::Asamblea, &LISTS), CheckCode::Sum002);
    let lists: Vec<_> = found
        .iter()
        .map(|f| (f.list.clone().unwrap().0, f.outcome.name()))
        .collect();
    assert_eq!(lists, [("11".to_owned(), "pass"), ("7".to_owned(), "pass")]);
    let wrong = &outcomes(&lists_but("lista.11.total", "*19"), CheckCode::Sum002)[0];
    assert_eq!(
        (wrong.outcome.name(), wrong.severity, wrong.numbers),
        ("fail", Severity::Medium, numbers(17, 19))
    );
    let unread = &outcomes(&lists_but("lista.11.candidato.52", "?**1"), CheckCode::Sum002)[0];
    assert_eq!(missing(unread), ["unread: lista.11.candidato.52 (page 1)"]);
    let blank = &outcomes(&lists_but("lista.11.total", "***"), CheckCode::Sum002)[0];
    assert_eq!(missing(blank), ["left blank: lista.11.total (page 1)"]);
}

#[test]
fn lists_enter_the_sum_by_their_total_or_else_by_their_rows() {
    assert_eq!(
        outcome(&form(Corporacion::Asamblea, &LISTS), CheckCode::Sum001).outcome,
        Outcome::Pass
    );
    assert_eq!(
        outcome(&lists_but("lista.11.total", "___"), CheckCode::Sum001).outcome,
        Outcome::Pass
    );
    assert_eq!(
        outcome(&lists_but("lista.11.total", "?*19"), CheckCode::Sum001).outcome,
        Outcome::Pass
    );
    let misread_row = lists_but("lista.11.candidato.51", "*18");
    assert_eq!(outcome(&misread_row, CheckCode::Sum001).outcome, Outcome::Pass);
    assert!(outcomes(&misread_row, CheckCode::Sum002)[0].failed());
}

#[test]
fn a_form_without_a_suma_total_row_has_no_sum_003() {
    assert_eq!(outcomes(&form(Corporacion::Asamblea, &LISTS), CheckCode::Sum003), []);
}

#[test]
fn sum_003() {
    assert_eq!(outcome(&closed_but(&[]), CheckCode::Sum003).outcome, Outcome::Pass);
    let wrong = outcome(&closed_but(&[("total", "*86")]), CheckCode::Sum003);
    assert_eq!(
        (wrong.outcome, wrong.severity, wrong.numbers),
        (Outcome::Fail, Severity::High, numbers(96, 86))
    );
    let unread = outcome(&closed_but(&[("total", "?*96")]), CheckCode::Sum003);
    assert_eq!(missing(&unread), ["unread: total (page 1)"]);
}

#[test]
fn a_total_left_blank_or_as_fillers_is_not_evaluable() {
    for marks in ["___", "***"] {
        let form = closed_but(&[("total", marks)]);
        assert_eq!(
            missing(&outcome(&form, CheckCode::Sum003)),
            ["left blank: total (page 1)"]
        );
        assert_eq!(outcome(&form, CheckCode::Sum001).outcome, Outcome::Pass);
        assert_eq!(outcome(&form, CheckCode::Niv002).outcome, Outcome::Pass);
    }
}

#[test]
fn exc_001() {
    assert_eq!(outcome(&closed_but(&[]), CheckCode::Exc001).outcome, Outcome::Pass);
    let more = outcome(
        &closed_but(&[("candidato.1", "*97"), ("candidato.2", "?*34")]),
        CheckCode::Exc001,
    );
    assert_eq!((more.outcome, more.severity), (Outcome::Fail, Severity::Critical));
    assert_eq!(more.fields[0].path, FieldPath::Candidato(1));
    let unread = outcome(&closed_but(&[("candidato.1", "?*97")]), CheckCode::Exc001);
    assert_eq!(missing(&unread), ["unread: candidato.1 (page 1)"]);
    let context = CheckContext {
        registered_voters: Some(90),
        ..CheckContext::default()
    };
    let urn = &outcomes_with(&closed_but(&[]), CheckCode::Exc001, &context)[0];
    assert_eq!(urn.fields[0].path.to_string(), "nivelacion.urna");
}

#[test]
fn ocr_001() {
    assert_eq!(outcome(&closed_but(&[]), CheckCode::Ocr001).outcome, Outcome::Pass);
    let waiting = outcome(&closed_but(&[("nulos", "?**1")]), CheckCode::Ocr001);
    assert_eq!(
        (waiting.outcome, waiting.severity, waiting.numbers),
        (Outcome::Fail, Severity::Medium, numbers(0, 1))
    );
    let mut unexplained = closed_but(&[]);
    unexplained.pages[0].needs_review = true;
    assert_eq!(
        missing(&outcome(&unexplained, CheckCode::Ocr001)),
        ["layout of page 1 of the file not recognised"]
    );
}

#[test]
fn frm_001() {
    let signed = |count| FormReading {
        signatures: count,
        ..closed_but(&[])
    };
    assert_eq!(outcome(&signed(Some(3)), CheckCode::Frm001).outcome, Outcome::Pass);
    let few = outcome(&signed(Some(2)), CheckCode::Frm001);
    assert_eq!(
        (few.outcome, few.severity, few.numbers),
        (Outcome::Fail, Severity::Low, numbers(3, 2))
    );
    assert_eq!(missing(&outcome(&signed(None), CheckCode::Frm001)), ["signatures"]);
}

/// Gives the pages of the file these printed numbers.
fn numbered(mut reading: FormReading, printed: &[Option<u16>], total: u16) -> FormReading {
    for (page, printed) in reading.pages.iter_mut().zip(printed) {
        page.page_of = Default::default();
        if let Some(printed) = printed {
            page.page_of.add(
                Source::PrintedPageOf,
                PageOf {
                    page: *printed,
                    pages: total,
                },
                0.99,
                page.page,
            );
        }
    }
    reading.header.pages = Default::default();
    reading.header.pages.add(Source::PrintedPageOf, total, 0.99, 1);
    reading
}

#[test]
fn pag_001() {
    let lists = || form(Corporacion::Asamblea, &LISTS);
    assert_eq!(outcome(&lists(), CheckCode::Pag001).outcome, Outcome::Pass);
    for (printed, total, details, severity) in [
        (
            vec![Some(1), Some(2), Some(3)],
            4,
            vec![Detail::PageMissing(4)],
            Severity::High,
        ),
        (
            vec![Some(1), Some(2), Some(2)],
            2,
            vec![Detail::PageRepeated(3)],
            Severity::Medium,
        ),
        (
            vec![Some(2), Some(1), Some(3)],
            3,
            vec![Detail::PageOutOfOrder(2)],
            Severity::Low,
        ),
    ] {
        let finding = outcome(&numbered(lists(), &printed, total), CheckCode::Pag001);
        assert_eq!(
            (finding.outcome, finding.details, finding.severity),
            (Outcome::Fail, details, severity)
        );
    }
    // The one page whose number is unread is the one that is left.
    let one_unread = numbered(lists(), &[Some(1), None, Some(3)], 3);
    assert_eq!(outcome(&one_unread, CheckCode::Pag001).outcome, Outcome::Pass);
    let two_unread = outcome(&numbered(lists(), &[Some(1), None, None], 3), CheckCode::Pag001);
    assert_eq!(missing(&two_unread).len(), 2);
}

/// A form of three pages whose every sheet prints this serial (its page told by `page`), kit and control code.
fn sheets_of(kit: u32) -> FormReading {
    let mut reading = form(Corporacion::Asamblea, &LISTS);
    for number in 1..=3 {
        print(&mut reading, number, kit, 2, number);
    }
    reading
}

/// Makes a page of the file a sheet of a kit and copy, with the printed page number given.
fn print(reading: &mut FormReading, page: u16, kit: u32, copy: u8, printed: u16) {
    let sheet = &mut reading.pages[usize::from(page) - 1];
    let serial = format!("72{kit:06}{copy}01{printed:02}03").parse().unwrap();
    sheet.serial = Default::default();
    sheet.serial.add(Source::SerialBarcode, serial, 0.99, page);
    sheet.kit = Default::default();
    sheet.kit.add(Source::PrintedKit, kit, 0.95, page);
    sheet.qr = Some(format!("{kit} {copy} {printed}"));
    sheet.page_of = Default::default();
    let of = PageOf {
        page: printed,
        pages: 3,
    };
    sheet.page_of.add(Source::PrintedPageOf, of, 0.99, page);
}

fn page_details(reading: &FormReading) -> Vec<Detail> {
    outcome(reading, CheckCode::Pag001).details
}

#[test]
fn pag_001_knows_a_page_of_another_form() {
    assert_eq!(outcome(&sheets_of(8490), CheckCode::Pag001).outcome, Outcome::Pass);
    let both = [Detail::PageMissing(3), Detail::PageOfOtherForm(3)];
    let mut other_kit = sheets_of(8490);
    print(&mut other_kit, 3, 8491, 2, 3);
    assert_eq!(page_details(&other_kit), both);
    let mut other_copy = sheets_of(8490);
    print(&mut other_copy, 3, 8490, 1, 3);
    assert_eq!(page_details(&other_copy), both);
    let mut other_control = sheets_of(8490);
    for (page, control) in [(1, "7-61-24-20"), (3, "7-61-25-20")] {
        let control = control.parse().unwrap();
        other_control.pages[page - 1]
            .control
            .add(Source::PrintedText, control, 0.95, 1);
    }
    assert_eq!(page_details(&other_control), both);
    // The first page names the form where each page says something else.
    let mut pair = sheets_of(8490);
    pair.pages.pop();
    pair.fields.retain(|f| f.page != 3);
    print(&mut pair, 2, 8491, 2, 2);
    assert!(page_details(&pair).contains(&Detail::PageOfOtherForm(2)));
    assert_eq!(outcome(&pair, CheckCode::Pag001).severity, Severity::High);
}

#[test]
fn a_kit_misread_in_one_place_makes_no_page_another_forms() {
    let mut misread = sheets_of(8490);
    misread.pages[1].kit = Default::default();
    misread.pages[1].kit.add(Source::PrintedKit, 8400, 0.95, 2);
    assert_eq!(page_details(&misread), []);
    assert!(outcome(&misread, CheckCode::Bar001).failed());
    let mut unsure = sheets_of(8490);
    unsure.pages[1].serial = Default::default();
    unsure.pages[1].kit = Default::default();
    unsure.pages[1].kit.add(Source::PrintedKit, 8400, 0.6, 2);
    assert_eq!(page_details(&unsure), []);
}

#[test]
fn pag_001_knows_a_page_of_another_table_where_its_kit_is_unread() {
    let other_mesa = |confidence: f32, keep_kit: bool| {
        let mut reading = sheets_of(8490);
        for (page, mesa, confidence) in [(1, "004", 0.95), (2, "004", 0.95), (3, "005", confidence)] {
            let mesa = mesa.parse().unwrap();
            reading.header.mesa.add(Source::PrintedText, mesa, confidence, page);
        }
        if !keep_kit {
            reading.pages[2].kit = Default::default();
            reading.pages[2].serial = Default::default();
        }
        page_details(&reading)
    };
    assert_eq!(
        other_mesa(0.95, false),
        [Detail::PageMissing(3), Detail::PageOfOtherForm(3)]
    );
    // A code that is not surely read says nothing, and one beside this form's kit is misread.
    assert_eq!(other_mesa(0.6, false), []);
    assert_eq!(other_mesa(0.95, true), []);
}

#[test]
fn pag_001_knows_a_sheet_that_comes_twice_though_its_number_is_unread() {
    let twice = |keep_qr: bool, keep_serial: bool| {
        let mut reading = sheets_of(8490);
        let mut again = reading.pages[1].clone();
        again.page = 4;
        again.page_of = Default::default();
        if !keep_qr {
            again.qr = None;
        }
        if !keep_serial {
            again.serial = Default::default();
        }
        reading.pages.push(again);
        reading
    };
    let repeated = [Detail::PageRepeated(4)];
    assert_eq!(page_details(&twice(true, false)), repeated);
    assert_eq!(page_details(&twice(false, true)), repeated);
    let unknown = outcome(&twice(false, false), CheckCode::Pag001);
    assert_eq!(missing(&unknown), ["printed number of page 4 of the file unread"]);
    // Not even when neither page's number is read.
    let mut unnumbered = twice(true, true);
    unnumbered.pages[1].page_of = Default::default();
    assert_eq!(page_details(&unnumbered), repeated);
    // Other serials are other sheets, however alike their QR codes are misread.
    let mut apart = sheets_of(8490);
    apart.pages[2].qr = None;
    assert_eq!(page_details(&apart), []);
}

#[test]
fn rows_of_another_forms_page_enter_no_sum() {
    let mut reading = sheets_of(8490);
    print(&mut reading, 3, 8491, 2, 3);
    let sum = outcome(&reading, CheckCode::Sum001);
    assert!(
        missing(&sum).contains(&"printed page 3 is not in the file".to_owned()),
        "{sum:?}"
    );
    assert!(
        outcomes(&reading, CheckCode::Sum002)
            .iter()
            .all(|f| f.fields.iter().all(|at| at.page != 3))
    );
}

#[test]
fn sums_of_a_form_with_missing_pages_are_not_evaluable() {
    let mut reading = form(Corporacion::Asamblea, &LISTS);
    reading.pages.remove(1);
    reading.fields.retain(|f| f.page != 2);
    let sum = outcome(&reading, CheckCode::Sum001);
    assert_eq!(missing(&sum), ["printed page 2 is not in the file"]);
    assert_eq!(
        outcomes(&reading, CheckCode::Sum002)[0].outcome,
        Outcome::Pass,
        "a whole list on one page still adds up"
    );
    let mut unknown = form(Corporacion::Asamblea, &LISTS);
    unknown.pages[1].layout = None;
    assert_eq!(
        missing(&outcome(&unknown, CheckCode::Sum001)),
        ["layout of page 2 of the file not recognised"]
    );
}

#[test]
fn a_missing_page_of_signatures_alone_does_not_stop_the_sums() {
    let reading = numbered(closed_but(&[]), &[Some(1)], 2);
    assert!(outcome(&reading, CheckCode::Pag001).failed());
    assert_eq!(outcome(&reading, CheckCode::Sum001).outcome, Outcome::Pass);
    let gap = form(
        Corporacion::Presidente,
        &[&crate::support::CLOSED.map(|(p, m)| if p == "candidato.2" { ("candidato.3", m) } else { (p, m) })],
    );
    assert!(matches!(
        outcome(&numbered(gap, &[Some(1)], 2), CheckCode::Sum001).outcome,
        Outcome::NotEvaluable { .. }
    ));
}

#[test]
fn a_page_that_comes_twice_counts_once_and_must_say_the_same() {
    let closed = crate::support::CLOSED;
    let twice = || {
        numbered(
            form(Corporacion::Presidente, &[&closed, &closed]),
            &[Some(1), Some(1)],
            1,
        )
    };
    assert_eq!(outcome(&twice(), CheckCode::Sum001).numbers, numbers(96, 96));
    let mut differing = twice();
    let last = differing
        .fields
        .iter_mut()
        .rfind(|f| f.path == FieldPath::Candidato(1))
        .unwrap();
    *last = crate::support::field(2, "candidato.1", "*43");
    assert_eq!(
        missing(&outcome(&differing, CheckCode::Sum001)),
        ["unread: candidato.1 (page 1)"]
    );
}

#[test]
fn the_circunscripciones_of_camara_add_up_to_one_urn() {
    let pages: [&[(&str, &str)]; 3] = [
        &[
            ("nivelacion.sufragantes", "*20"),
            ("nivelacion.urna", "*20"),
            ("nivelacion.incinerados", "___"),
            ("lista.14.solo_lista", "**5"),
            ("blanco", "**1"),
            ("nulos", "**1"),
            ("no_marcados", "**1"),
        ],
        &[
            ("lista.14.solo_lista", "**4"),
            ("blanco", "**1"),
            ("nulos", "___"),
            ("no_marcados", "___"),
        ],
        &[
            ("lista.AV.solo_lista", "**6"),
            ("blanco", "**1"),
            ("nulos", "___"),
            ("no_marcados", "___"),
        ],
    ];
    let reading = form(Corporacion::Camara, &pages);
    let sum = outcome(&reading, CheckCode::Sum001);
    assert_eq!((sum.outcome, sum.numbers), (Outcome::Pass, numbers(20, 20)));
    let elsewhere = form(Corporacion::Asamblea, &pages);
    assert!(missing(&outcome(&elsewhere, CheckCode::Sum001)).contains(&"unread: blanco (page 2)".to_owned()));
}

#[test]
fn the_youth_council_prints_no_blank_votes_and_no_total() {
    let pages: [&[(&str, &str)]; 1] = [&[
        ("nivelacion.sufragantes", "**9"),
        ("nivelacion.urna", "**9"),
        ("nivelacion.incinerados", "***"),
        ("lista.7774.solo_lista", "**7"),
        ("nulos", "**2"),
        ("no_marcados", "___"),
    ]];
    let youth = form(Corporacion::Cmj, &pages);
    assert_eq!(outcome(&youth, CheckCode::Sum001).outcome, Outcome::Pass);
    assert_eq!(outcomes(&youth, CheckCode::Sum003), []);
    let council = form(Corporacion::Concejo, &pages);
    assert_eq!(
        missing(&outcome(&council, CheckCode::Sum001)),
        ["row not found: blanco"]
    );
}

fn table(mesa: &str) -> MesaId {
    MesaId {
        departamento: "01".parse().unwrap(),
        municipio: "280".parse().unwrap(),
        zona: "03".parse().unwrap(),
        puesto: "01".parse().unwrap(),
        mesa: mesa.parse().unwrap(),
    }
}

fn at_table(mesa: &str, source: Source, form: &mut FormReading) {
    let id = table(mesa);
    form.header.departamento.add(source, id.departamento, 0.95, 1);
    form.header.municipio.add(source, id.municipio, 0.95, 1);
    form.header.zona.add(source, id.zona, 0.95, 1);
    form.header.puesto.add(source, id.puesto, 0.95, 1);
    form.header.mesa.add(source, id.mesa, 0.95, 1);
}

#[test]
fn hdr_001() {
    let mut reading = closed_but(&[]);
    let expect = |mesa| CheckContext {
        expected: Some(ExpectedTable {
            mesa: table(mesa),
            corporacion: Some(Corporacion::Presidente),
            copia: None,
        }),
        ..CheckContext::default()
    };
    let unread = &outcomes_with(&reading, CheckCode::Hdr001, &expect("001"))[0];
    assert!(missing(unread).contains(&"mesa".to_owned()));
    assert_eq!(
        missing(&outcome(&reading, CheckCode::Hdr001)),
        [Input::ExpectedTable.name()]
    );
    at_table("001", Source::PrintedText, &mut reading);
    assert_eq!(
        outcomes_with(&reading, CheckCode::Hdr001, &expect("001"))[0].outcome,
        Outcome::Pass
    );
    let other = &outcomes_with(&reading, CheckCode::Hdr001, &expect("007"))[0];
    assert_eq!((other.outcome.name(), other.severity), ("fail", Severity::High));
    let detail = Detail::Header {
        item: "mesa",
        page: 0,
        expected: "007".into(),
        found: "001".into(),
    };
    assert_eq!(other.details, [detail]);
}

#[test]
fn what_the_qr_says_in_plain_digits_is_compared_with_the_printed_header() {
    let mut reading = closed_but(&[]);
    at_table("010", Source::PrintedText, &mut reading);
    at_table("010", Source::QrPlaintext, &mut reading);
    assert_eq!(outcome(&reading, CheckCode::Hdr001).outcome, Outcome::Pass);
    reading
        .header
        .mesa
        .add(Source::QrPlaintext, "016".parse().unwrap(), 0.99, 1);
    assert!(outcome(&reading, CheckCode::Hdr001).failed());
}

#[test]
fn bar_001() {
    let mut reading = closed_but(&[]);
    assert_eq!(missing(&outcome(&reading, CheckCode::Bar001)), ["serial"]);
    reading.pages[0]
        .serial
        .add(Source::SerialDigits, "710677981010101".parse().unwrap(), 0.97, 1);
    reading.pages[0].kit.add(Source::PrintedKit, 67_798, 0.95, 1);
    reading.header.copia.add(Source::PrintedText, Copia::Claveros, 0.95, 1);
    assert_eq!(outcome(&reading, CheckCode::Bar001).outcome, Outcome::Pass);
    reading.header.copia = Default::default();
    reading
        .header
        .copia
        .add(Source::PrintedText, Copia::Transmision, 0.95, 1);
    reading.pages[0].kit.add(Source::PrintedKit, 67_799, 0.95, 1);
    let wrong = outcome(&reading, CheckCode::Bar001);
    assert_eq!((wrong.outcome, wrong.severity), (Outcome::Fail, Severity::Medium));
    let items: Vec<&str> = wrong
        .details
        .iter()
        .map(|d| if let Detail::Header { item, .. } = d { item } else { "" })
        .collect();
    assert_eq!(items, ["kit", "copia"]);
    let mut senate = closed_but(&[]);
    senate.pages[0]
        .serial
        .add(Source::SerialDigits, "720677981010101".parse().unwrap(), 0.97, 1);
    assert!(
        outcome(&senate, CheckCode::Bar001).failed(),
        "class 72 is no presidential form"
    );
}

#[test]
fn dup_001() {
    let mut reading = closed_but(&[]);
    reading.pages[0]
        .serial
        .add(Source::SerialDigits, "710677981010101".parse().unwrap(), 0.97, 1);
    reading.pages[0]
        .control
        .add(Source::PrintedText, "7-61-24-10".parse().unwrap(), 0.97, 1);
    assert_eq!(missing(&outcome(&reading, CheckCode::Dup001)), ["seen_sheets"]);
    let seen = |serial: &str, control: &str, qr: Option<&str>| SeenSheet {
        form: "before".into(),
        serial: serial.parse().ok(),
        control: control.parse().ok(),
        qr: qr.map(str::to_owned),
        place: None,
    };
    let run = |reading: &FormReading, sheet: SeenSheet| {
        let sheets = [sheet];
        let context = CheckContext {
            seen: Some(&sheets),
            ..CheckContext::default()
        };
        outcomes_with(reading, CheckCode::Dup001, &context).remove(0)
    };
    let same = run(&reading, seen("710677981010101", "7-61-24-10", None));
    assert_eq!(
        same.details,
        [Detail::SeenIn {
            page: 1,
            form: "before".into()
        }]
    );
    assert_eq!(
        run(&reading, seen("710677982010101", "7-61-24-10", None)).outcome,
        Outcome::Pass
    );
    assert_eq!(
        run(&reading, seen("710677981010101", "5-32-80-17", None)).outcome,
        Outcome::Pass,
        "another round"
    );
    reading.pages[0].qr = Some("a".into());
    assert!(run(&reading, seen("", "", Some("a"))).failed());
    assert_eq!(reading.sheet_place(&reading.pages[0]), None, "no table was read");
    at_table("004", Source::PrintedText, &mut reading);
    reading.header.copia.add(Source::PrintedText, Copia::Claveros, 0.95, 1);
    let place = reading.sheet_place(&reading.pages[0]).unwrap();
    let elsewhere = |control: &str, page: u16| SeenSheet {
        place: Some(SheetPlace { page, ..place }),
        ..seen("", control, Some("b"))
    };
    assert!(
        run(&reading, elsewhere("7-61-24-10", place.page)).failed(),
        "same table, copy and page on another sheet of paper"
    );
    assert_eq!(
        run(&reading, elsewhere("7-61-24-10", place.page + 1)).outcome,
        Outcome::Pass
    );
    assert_eq!(
        run(&reading, elsewhere("5-32-80-17", place.page)).outcome,
        Outcome::Pass,
        "another round"
    );
    assert_eq!(
        run(&reading, seen("710677981010101", "7-61-24-10", Some("b"))).outcome,
        Outcome::Pass
    );
}

#[test]
fn cpy_001() {
    let reading = closed_but(&[]);
    let with = |copy: FormReading| {
        let copies = [copy];
        let context = CheckContext {
            copies: &copies,
            ..CheckContext::default()
        };
        outcomes_with(&reading, CheckCode::Cpy001, &context).remove(0)
    };
    assert_eq!(missing(&outcome(&reading, CheckCode::Cpy001)), ["other_copy"]);
    assert_eq!(with(closed_but(&[])).outcome, Outcome::Pass);
    assert_eq!(
        with(closed_but(&[("nivelacion.incinerados", "**0")])).outcome,
        Outcome::Pass
    );
    assert_eq!(
        missing(&with(closed_but(&[("nulos", "?**1")]))),
        ["unread: nulos (page 1)"]
    );
    let more = with(closed_but(&[
        ("candidato.1", "*38"),
        ("total", "*86"),
        ("nulos", "?**1"),
    ]));
    assert_eq!((more.outcome, more.severity), (Outcome::Fail, Severity::Critical));
}

#[test]
fn votes_moved_between_rows_are_told_apart_from_other_differences() {
    let copies = [closed_but(&[("candidato.1", "*46"), ("candidato.2", "*36")])];
    let context = CheckContext {
        copies: &copies,
        ..CheckContext::default()
    };
    let moved = outcomes_with(&closed_but(&[]), CheckCode::Cpy001, &context).remove(0);
    assert_eq!((moved.outcome, moved.severity), (Outcome::Fail, Severity::High));
    assert!(moved.details.contains(&Detail::EqualSums));
    assert_eq!(moved.fields.len(), 2);
}

#[test]
fn what_moved_between_copies_is_said_row_by_row() {
    let said = |changes: &[(&str, &str)]| -> Vec<String> {
        let (form, copy) = (closed_but(&[]), closed_but(changes));
        let rows = align_copies(&[&form, &copy]);
        let names = |places: &[usize]| {
            places
                .iter()
                .map(|at| rows[*at].path.to_string())
                .collect::<Vec<_>>()
                .join("+")
        };
        moved_votes(&rows, 0, 1)
            .iter()
            .map(|m| format!("{} {} > {}", m.votes, names(&m.from), names(&m.to)))
            .collect()
    };
    assert_eq!(said(&[]), Vec::<String>::new());
    assert_eq!(
        said(&[("candidato.1", "*46"), ("candidato.2", "*36")]),
        ["2 candidato.1 > candidato.2"]
    );
    // One row's votes in two others, and the other way round.
    assert_eq!(
        said(&[("candidato.1", "*45"), ("candidato.2", "*36"), ("nulos", "**2")]),
        ["3 candidato.1 > candidato.2+nulos"]
    );
    assert_eq!(
        said(&[("candidato.1", "*51"), ("candidato.2", "*32"), ("nulos", "***")]),
        ["3 candidato.2+nulos > candidato.1"]
    );
    // Sums that differ, and a row that nobody has read, say nothing of moves.
    assert_eq!(said(&[("candidato.1", "*46")]), Vec::<String>::new());
    assert_eq!(
        said(&[("candidato.1", "*46"), ("candidato.2", "?*36")]),
        Vec::<String>::new()
    );
}

#[test]
fn a_row_differs_where_two_copies_say_different_numbers() {
    let copies = [
        closed_but(&[]),
        closed_but(&[("nulos", "***"), ("candidato.1", "?*49")]),
        closed_but(&[("candidato.2", "_34")]),
    ];
    let rows = align_copies(&copies.each_ref());
    let differing: Vec<String> = rows
        .iter()
        .filter(|row| row.differs())
        .map(|row| row.path.to_string())
        .collect();
    assert_eq!(differing, ["nulos"]);
}

#[test]
fn e24_001() {
    let reading = closed_but(&[]);
    let with = |reading: &FormReading, votes: u16| {
        let rows: BTreeMap<FieldPath, u16> = [(FieldPath::Candidato(1), votes), (FieldPath::Nulos, 1)].into();
        let context = CheckContext {
            e24: Some(&rows),
            ..CheckContext::default()
        };
        outcomes_with(reading, CheckCode::E24001, &context).remove(0)
    };
    assert_eq!(missing(&outcome(&reading, CheckCode::E24001)), ["e24"]);
    assert_eq!(with(&reading, 48).outcome, Outcome::Pass);
    let differing = with(&reading, 40);
    assert_eq!(
        (differing.outcome, differing.severity),
        (Outcome::Fail, Severity::Critical)
    );
    assert_eq!(differing.fields[0].path, FieldPath::Candidato(1));
    let unread = with(&closed_but(&[("candidato.1", "?*48")]), 48);
    assert_eq!(missing(&unread), ["unread: candidato.1 (page 1)"]);
}

#[test]
fn an_unread_field_is_never_zero() {
    let mut reading = closed_but(&[("candidato.2", "?___")]);
    assert_eq!(
        FieldState::settled(at(&mut reading, "candidato.2")),
        FieldState::Undecided
    );
    assert_eq!(
        FieldState::settled(at(&mut reading, "nivelacion.incinerados")),
        FieldState::ImplicitZero
    );
    assert_eq!(FieldState::settled(at(&mut reading, "nulos")), FieldState::Read(1));
    assert_eq!(FieldState::Undecided.votes(), None);
}

#[test]
fn what_is_missing_is_named_once() {
    let reading = closed_but(&[("candidato.2", "?*34"), ("total", "?*96")]);
    for finding in check_form(&reading, &CheckContext::default()) {
        if let Outcome::NotEvaluable { missing } = finding.outcome {
            let mut once: Vec<Missing> = missing.clone();
            once.dedup();
            assert_eq!(once, missing, "{}", finding.code);
        }
    }
    assert_eq!("PARTY_0011".parse(), Ok(CheckCode::Sum002));
    assert!("PARTY_".parse::<CheckCode>().is_err());
    assert_eq!(ListCode::new("0011").unwrap().0, "11");
}
