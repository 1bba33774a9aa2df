//! Codes, paths and serials as text.

use castor_domain::codes::{DepartamentoCode, MesaCode, MesaId, MunicipioCode, PuestoCode};
use castor_domain::error::{ParseError, SerialFault};
use castor_domain::form::{Copia, Corporacion, FieldPath, ListCode};
use castor_domain::header::Source;
use castor_domain::reading::ReviewReason;
use castor_domain::serial::{ControlCode, CopyDigit, PageOf, QrPlaintext, Serial};
use proptest::prelude::*;

#[test]
fn every_corporacion_and_copy_reads_back_from_its_name() {
    for corporacion in Corporacion::ALL {
        assert_eq!(corporacion.to_string().parse(), Ok(corporacion));
    }
    for copia in Copia::ALL {
        assert_eq!(copia.to_string().to_lowercase().parse(), Ok(copia));
    }
    assert_eq!(
        "SENADOR".parse::<Corporacion>(),
        Err(ParseError::Corporacion("SENADOR".into()))
    );
}

#[test]
fn leading_zeros_of_a_field_path_do_not_matter() {
    let path: FieldPath = "lista.0026.candidato.04".parse().unwrap();
    assert_eq!(path, FieldPath::ListaCandidato(ListCode("26".into()), 4));
    assert_eq!(path.to_string(), "lista.26.candidato.4");
}

#[test]
fn every_kind_of_field_reads_back_from_its_path() {
    for text in [
        "nivelacion.sufragantes",
        "nivelacion.urna",
        "nivelacion.incinerados",
        "candidato.12",
        "lista.6345.solo_lista",
        "lista.AV.candidato.301",
        "lista.2.total",
        "lista.ilegible.candidato.4",
        "lista.ilegible-36.total",
        "blanco",
        "nulos",
        "no_marcados",
        "total",
    ] {
        assert_eq!(text.parse::<FieldPath>().unwrap().to_string(), text);
    }
}

#[test]
fn what_names_no_field_is_refused() {
    for text in [
        "",
        "candidato",
        "candidato.+4",
        "candidato.99999",
        "lista..total",
        "lista.26",
        "blancos",
        "lista.a b.total",
        "lista.ilegible-.total",
        "lista.ilegible-x.total",
    ] {
        assert!(text.parse::<FieldPath>().is_err(), "{text}");
    }
}

#[test]
fn short_codes_are_filled_with_zeros_and_long_ones_refused() {
    assert_eq!("5".parse::<DepartamentoCode>().unwrap().to_string(), "05");
    assert_eq!("31".parse::<MunicipioCode>().unwrap().as_str(), "031");
    assert_eq!("A1".parse::<PuestoCode>().unwrap().as_str(), "A1");
    assert!("0031".parse::<MesaCode>().is_err());
    assert!("".parse::<MesaCode>().is_err());
    assert!("A1".parse::<DepartamentoCode>().is_err());
}

#[test]
fn a_printed_serial_says_kit_copy_and_page() {
    let serial: Serial = "740146482010405".parse().unwrap();
    assert!(serial.class.may_be(Corporacion::Concejo));
    assert!(!serial.class.may_be(Corporacion::Senado));
    assert_eq!(serial.kit, 14_648);
    assert_eq!(serial.copy, CopyDigit::DelegadosOrConsul);
    assert_eq!(serial.copy.copia(false), Copia::Delegados);
    assert_eq!(serial.copy.copia(true), Copia::Consul);
    assert_eq!((serial.page_of.page, serial.page_of.pages), (4, 5));
}

#[test]
fn a_serial_names_what_is_wrong_with_it() {
    for (text, fault) in [
        ("74014648201040", SerialFault::Length),
        ("7401464820104055", SerialFault::Length),
        ("74014648201O405", SerialFault::NotDigits),
        ("640146482010405", SerialFault::Class),
        ("740146484010405", SerialFault::Copy),
        ("740146482010005", SerialFault::Page),
        ("740146482010605", SerialFault::Page),
    ] {
        assert_eq!(
            text.parse::<Serial>(),
            Err(ParseError::Serial {
                text: text.into(),
                fault
            })
        );
    }
}

#[test]
fn the_qr_of_2018_says_where_the_table_stands() {
    let qr: QrPlaintext = "710100101010100113201".parse().unwrap();
    assert_eq!(qr.mesa.to_string(), "01-001-01-01-010");
    assert_eq!("01-001-01-01-010".parse(), Ok(qr.mesa));
    assert_eq!((qr.page_of.page, qr.page_of.pages), (1, 13));
    assert_eq!(qr.copy.copia(false), Copia::Delegados);
    assert_eq!(qr.to_string(), "710100101010100113201");
}

#[test]
fn a_control_code_is_read_with_and_without_its_crosses() {
    let code: ControlCode = "X 7-61-24-10 X".parse().unwrap();
    assert_eq!(code.to_string(), "7-61-24-10");
    assert_eq!(code.class_number(), 1);
    assert_eq!("7-61-24-10".parse(), Ok(code));
    assert!("76-1-24-10".parse::<ControlCode>().is_err());
    assert!("7-61-24-1X0".parse::<ControlCode>().is_err());
}

#[test]
fn a_table_and_a_page_of_pages_read_back_from_their_text() {
    let page = PageOf { page: 2, pages: 4 };
    assert_eq!(page.to_string().parse(), Ok(page));
    for text in ["", "2", "2/", "/4", "2/4/6", "-1/4"] {
        assert_eq!(text.parse::<PageOf>(), Err(ParseError::PageOf(text.into())));
    }
    for text in ["", "01-001-01-01", "01-001-01-01-010-1", "01-001-01-01-xxx"] {
        assert!(text.parse::<MesaId>().is_err(), "{text}");
    }
}

#[test]
fn every_source_and_reason_reads_back_from_its_name() {
    for source in Source::ALL {
        assert_eq!(Source::from_name(source.name()), Some(source));
    }
    for reason in ReviewReason::ALL {
        assert_eq!(ReviewReason::from_code(reason.code()), Some(reason));
    }
    assert_eq!(Source::from_name("barcode"), None);
    assert_eq!(ReviewReason::from_code(""), None);
}

proptest! {
    #[test]
    fn any_fifteen_digits_that_are_a_serial_print_as_they_were_read(
        text in "7[1-9][0-9]{6}[123][0-9]{2}[0-9]{4}",
    ) {
        if let Ok(serial) = text.parse::<Serial>() {
            prop_assert_eq!(serial.to_string(), text);
        }
    }

    #[test]
    fn no_text_makes_a_parser_fail_otherwise_than_by_its_error(text in "\\PC{0,24}") {
        let _ = text.parse::<Serial>();
        let _ = text.parse::<QrPlaintext>();
        let _ = text.parse::<ControlCode>();
        let _ = text.parse::<PuestoCode>();
        if let Ok(path) = text.parse::<FieldPath>() {
            prop_assert_eq!(path.to_string().parse(), Ok(path));
        }
    }
}
