//! What a file must be, and what its name says.

use castor_ingest::file::{look, look_pages};
use castor_ingest::named::named;
use castor_ingest::provenance::plain_name;
use castor_ingest::{FileRules, Source};

#[test]
fn what_is_no_form_is_told_by_its_code() {
    let rules = FileRules {
        most_bytes: 100_000,
        ..FileRules::default()
    };
    let page = b"%PDF-1.7\n"
        .iter()
        .copied()
        .chain(std::iter::repeat_n(b' ', 2_000))
        .collect::<Vec<_>>();
    let cases = [
        (Vec::new(), "INP_002"),
        (b"%PDF-1.7 short".to_vec(), "ING_001"),
        (vec![b'x'; 5_000], "INP_003"),
        (
            b"MZ\x90\x00"
                .iter()
                .copied()
                .chain(std::iter::repeat_n(0, 5_000))
                .collect(),
            "INP_003",
        ),
        (vec![b'x'; 100_001], "INP_008"),
    ];
    for (bytes, code) in cases {
        assert_eq!(look("acta.pdf", bytes, &rules).unwrap_err().code(), code);
    }
    // The type is told by the content, so a PDF that is none inside is damaged, or cut off.
    assert!(["INP_004", "INP_005", "INP_015"].contains(&look("acta.png", page, &rules).unwrap_err().code()));
}

#[test]
fn each_page_file_keeps_the_rule_on_bytes() {
    let rules = FileRules {
        most_bytes: 100,
        most_pages: 2,
        ..FileRules::default()
    };
    let (document, facts) = look_pages("acta", vec![vec![b'x'; 100]; 2], &rules).unwrap();
    assert_eq!((facts.bytes, facts.pages), (200, 2));
    assert_eq!(facts.sha256, document.sha256());
    for (files, code) in [
        (vec![vec![b'x'; 101]], "INP_008"),
        (vec![vec![b'x'; 100]; 3], "INP_007"),
        (Vec::new(), "INP_010"),
    ] {
        assert_eq!(look_pages("acta", files, &rules).unwrap_err().code(), code);
    }
}

#[test]
fn a_name_is_no_path() {
    for (sent, plain) in [
        ("acta.pdf", "acta.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\actas\\mesa 1.pdf", "mesa 1.pdf"),
        ("/", "acta"),
        ("..", "acta"),
        ("a\0b\n.pdf", "ab.pdf"),
        ("acta\u{202e}fdp.exe", "actafdp.exe"),
    ] {
        assert_eq!(plain_name(sent), plain, "{sent:?}");
    }
    assert_eq!(plain_name(&"a".repeat(500)).len(), 200);
}

#[test]
fn the_registradurias_names_say_the_table() {
    let form = named("2043318_E14_SEN_X_01_001_003_XX_02_026_X_XXX.pdf").unwrap();
    assert_eq!(form.mesa.to_string(), "01-001-03-02-026");
    assert_eq!(form.corporacion.unwrap().name(), "SENADO");
    assert_eq!(named("acta.pdf"), None);
    assert_eq!(named("2043318_E14_SEN_X_01_001_XX_02_026_X_XXX.pdf"), None);
    assert_eq!(
        named("1_E14_SEN_X_01_001_103_XX_02_026_X_XXX.pdf"),
        None,
        "a zona of three digits is none"
    );
}

#[test]
fn sources_have_names() {
    for source in Source::ALL {
        assert_eq!(Source::parse(source.name()), Some(source));
    }
    assert_eq!(Source::parse("witness"), None);
}
