//! The built-in tables of places.

use castor_domain::codes::{DepartamentoCode, MunicipioCode, PuestoCode, ZonaCode};
use castor_domain::form::ListCode;
use castor_domain::geography::{geography, likeness, normalised};
use castor_domain::header::{Header, Source};

fn dd(code: &str) -> DepartamentoCode {
    code.parse().unwrap()
}

fn mmm(code: &str) -> MunicipioCode {
    code.parse().unwrap()
}

fn zz(code: &str) -> ZonaCode {
    code.parse().unwrap()
}

fn pp(code: &str) -> PuestoCode {
    code.parse().unwrap()
}

const TABLES: [(&str, &str, usize); 3] = [
    ("departamentos", include_str!("../../data/departamentos.tsv"), 2),
    ("municipios", include_str!("../../data/municipios.tsv"), 5),
    ("puestos", include_str!("../../data/puestos.tsv"), 9),
];

#[test]
fn every_line_of_the_tables_is_whole_and_in_order() {
    for (table, text, length) in TABLES {
        let mut last = "";
        for line in text.lines() {
            let columns: Vec<&str> = line.split('\t').collect();
            let [key, years, name] = columns[..] else {
                panic!("{table}: {line}")
            };
            assert!(
                key.len() == length && !years.is_empty() && !name.is_empty(),
                "{table}: {line}"
            );
            assert!(key >= last, "{table}: {line}");
            last = key;
        }
    }
    let size: usize = TABLES.iter().map(|(_, text, _)| text.len()).sum();
    assert!(size < 1_500_000);
}

#[test]
fn every_code_of_the_tables_is_found() {
    for line in TABLES[2].1.lines() {
        let key = &line[..9];
        let places = geography().puesto(dd(&key[..2]), mmm(&key[2..5]), zz(&key[5..7]), pp(&key[7..]));
        let name = line.split('\t').nth(2).unwrap();
        assert!(places.iter().any(|p| p.name == name), "{line}");
        assert!(
            !geography().municipio(dd(&key[..2]), mmm(&key[2..5])).is_empty(),
            "{line}"
        );
        assert!(!geography().departamento(dd(&key[..2])).is_empty(), "{line}");
    }
}

#[test]
fn codes_are_the_registradurias_and_not_danes() {
    assert_eq!(geography().departamento(dd("31"))[0].name, "VALLE");
    assert_eq!(geography().municipio(dd("01"), mmm("280"))[0].name, "TURBO");
    assert_eq!(geography().municipio(dd("88"), mmm("815"))[0].name, "VENEZUELA");
    assert!(geography().departamento(dd("02")).is_empty());
}

#[test]
fn names_are_found_through_accents_punctuation_misreadings_and_cut_ends() {
    for (departamento, printed, municipio) in [
        ("16", "BOGOTA. D.C.", "001"),
        ("01", "MEDELLÍN", "001"),
        ("01", "CANASGORDAS", "076"),
        ("27", "BARRANCABERMEIA", "019"),
        ("25", "CUCUTA", "001"),
        ("88", "ESTADOS UNIDO", "360"),
    ] {
        let found = geography().best_municipality(dd(departamento), printed).unwrap();
        assert_eq!(found.code, mmm(municipio), "{printed}: {found:?}");
        assert!(found.score > 0.85, "{printed}: {found:?}");
    }
    assert_eq!(
        geography().best_departamento("NORTE DE SANTANDER").unwrap().code,
        dd("25")
    );
    assert_eq!(geography().best_departamento("BOGOTA D.C").unwrap().code, dd("16"));
}

#[test]
fn no_place_is_found_for_no_name() {
    assert_eq!(geography().best_municipality(dd("01"), " . "), None);
    assert_eq!(geography().best_municipality(dd("02"), "TURBO"), None);
}

#[test]
fn a_polling_place_fits_its_own_name_better_than_another() {
    let fits = |text| {
        geography()
            .fits(dd("01"), mmm("001"), zz("01"), pp("02"), text)
            .unwrap()
    };
    assert!(fits("INST. EDUC. LA CANDELARIA") > 0.95);
    assert!(fits("SEC. ESC. LA ESPERANZA No 2") < 0.6);
    assert_eq!(
        geography().fits(dd("01"), mmm("001"), zz("01"), pp("Z9"), "LA CANDELARIA"),
        None
    );
}

#[test]
fn polling_places_of_a_municipality_are_found_by_name() {
    let found = geography().puestos_like(dd("01"), mmm("001"), "INST EDUC LA CANDELARIA", 3);
    assert_eq!(found.len(), 3);
    assert_eq!((found[0].code.zona, found[0].code.puesto), (zz("01"), pp("02")));
    assert!(found[0].margin > 0.0 && found[0].score >= found[1].score);
}

#[test]
fn a_short_name_is_never_taken_for_the_beginning_of_a_longer_one() {
    assert!(likeness("CALI", "CALIMA EL DARIEN") < 0.5);
    assert!(likeness("INSTITUCION EDUCATIVA SAN", "INSTITUCION EDUCATIVA SAN JUAN BOSCO") > 0.95);
}

#[test]
fn names_are_compared_in_plain_capitals() {
    assert_eq!(normalised(" Bogotá.  D.C. - Ñu/ñez "), "BOGOTA DC NU NEZ");
}

#[test]
fn lists_of_congress_are_named_by_their_code() {
    assert_eq!(
        geography().congress_list_2022(&ListCode("2".into())),
        Some("Partido Conservador Colombiano")
    );
    assert_eq!(geography().congress_list_2022(&ListCode("9999".into())), None);
}

#[test]
fn a_code_that_could_not_be_read_is_told_by_its_printed_name() {
    let mut header = Header::default();
    header
        .departamento_nombre
        .add(Source::PrintedText, "SANTANDER".into(), 0.9, 1);
    header
        .municipio_nombre
        .add(Source::PrintedText, "BUCARAMNGA".into(), 0.9, 1);
    geography().ask(&mut header);
    assert_eq!(header.departamento.value(), Some(&dd("27")));
    assert_eq!(header.municipio.value(), Some(&mmm("001")));
}

#[test]
fn a_name_that_is_no_place_adds_nothing_and_a_sure_code_stands_against_another_name() {
    let mut header = Header::default();
    header
        .departamento_nombre
        .add(Source::PrintedText, "VILLEPUNTO".into(), 0.9, 1);
    geography().ask(&mut header);
    assert!(header.departamento.readings().is_empty());
    header.departamento.add(Source::PrintedText, dd("29"), 0.99, 1);
    header.departamento_nombre.decide("SANTANDER".into());
    geography().ask(&mut header);
    assert_eq!(header.departamento.value(), Some(&dd("29")));
    assert_eq!(header.departamento.dissenting().count(), 1);
}
