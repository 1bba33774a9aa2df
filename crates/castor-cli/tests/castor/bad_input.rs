//! Whatever is given to `castor e14 read` is answered, and stops no other file from being read.

use crate::command::{castor, drawn, plain};
use crate::files;
use castor_testkit::form::Family;
use castor_testkit::scan::Scan;
use image::ImageFormat;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Most memory, in MB, that any of this may take: a page has at most 60 million pixels.
const MOST_MEMORY: u64 = 600;

fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[track_caller]
fn read(paths: &[PathBuf]) -> (Option<i32>, Vec<Value>) {
    let arguments = ["e14", "read", "--jobs", "2"].map(PathBuf::from);
    let run = castor(arguments.iter().chain(paths));
    assert!(run.err.is_empty(), "{}", run.err);
    if let Some(peak) = run.peak {
        assert!(peak < MOST_MEMORY, "{peak} MB");
    }
    let answers = run.json();
    let sources: Vec<PathBuf> = answers.iter().map(|a| a["source"].as_str().unwrap().into()).collect();
    assert_eq!(sources, paths, "one answer a file, in the order of the files");
    (run.code, answers)
}

fn values(form: &Value) -> Vec<(&str, Option<u64>, bool)> {
    let field = |f: &'_ Value| (f["value"].as_u64(), f["needs_review"].as_bool().unwrap());
    let fields = form["fields"].as_array().unwrap();
    fields
        .iter()
        .map(|f| (f["path"].as_str().unwrap(), field(f).0, field(f).1))
        .collect()
}

#[test]
fn each_bad_file_has_its_error_and_the_good_form_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| put(folder.path(), name, bytes);
    let good = drawn(folder.path(), Family::PrimeraVuelta2026, 1);
    let whole = fs::read(&good).unwrap();
    let empty_folder = folder.path().join("carpeta");
    fs::create_dir(&empty_folder).unwrap();
    let bad = [
        ("INP_001", folder.path().join("no-existe.pdf")),
        ("INP_002", at("vacio.pdf", b"")),
        (
            "INP_003",
            at("texto.pdf", "ACTA DE ESCRUTINIO\n".repeat(100).as_bytes()),
        ),
        ("INP_004", at("cortado.pdf", &whole[..whole.len() * 7 / 10])),
        ("INP_005", at("danado.pdf", b"%PDF-1.4\nnothing of a PDF\n%%EOF\n")),
        ("INP_006", at("cifrado.pdf", &files::encrypted_pdf())),
        ("INP_007", at("largo.pdf", &files::long_pdf(10_000))),
        ("INP_009", at("bomba.png", &files::png_bomb(60_000, 60_000))),
        ("INP_009", at("bomba.pdf", &files::pdf_bomb(60_000, 60_000))),
        ("INP_010", empty_folder),
    ];
    let mut paths: Vec<PathBuf> = bad.iter().map(|(_, path)| path.clone()).collect();
    paths.insert(5, good.clone());
    let (code, mut answers) = read(&paths);
    assert_eq!(code, Some(2));
    let form = answers.remove(5);
    assert!(form["error"].is_null() && values(&form).len() > 10, "{form}");
    for ((code, path), answer) in bad.iter().zip(&answers) {
        assert_eq!(answer["error"]["code"], *code, "{answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(!message.contains('\n') && message.len() < 500, "{message}");
        assert_eq!(answer["fields"], serde_json::json!([]));
    }

    let mut arguments = ["e14", "read", "--table"].map(PathBuf::from).to_vec();
    arguments.extend([paths[2].clone(), good]);
    let run = castor(&arguments);
    assert_eq!(run.code, Some(2));
    let first = run.out.lines().next().unwrap();
    assert_eq!(first.matches("INP_003").count(), 1, "{first}");
    assert_eq!(first.matches("texto.pdf").count(), 1, "{first}");
}

#[test]
fn a_bomb_that_a_small_file_unpacks_to_is_bounded() {
    // A true picture of the largest size allowed and of one line more, which pack to almost nothing.
    let folder = tempfile::tempdir().unwrap();
    let flat = |height| files::encoded(&image::GrayImage::new(6_000, height), ImageFormat::Png);
    let largest = put(folder.path(), "negro.png", &flat(10_000));
    let larger = put(folder.path(), "mas.png", &flat(10_001));
    let (code, answers) = read(&[largest, larger]);
    assert_eq!(code, Some(2));
    assert!(sent_to_review(&answers[0]), "{}", answers[0]);
    assert_eq!(answers[1]["error"]["code"], "INP_009");
}

/// Whether a form without fields says of every page that a person must look, and why.
fn sent_to_review(form: &Value) -> bool {
    let pages = form["pages"].as_array().unwrap();
    form["error"].is_null()
        && form["fields"].as_array().unwrap().is_empty()
        && !pages.is_empty()
        && pages
            .iter()
            .all(|p| p["needs_review"] == true && !p["notes"].as_array().unwrap().is_empty())
}

#[test]
fn a_picture_of_something_else_gives_no_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str, bytes: &[u8]| put(folder.path(), name, bytes);
    let white = image::GrayImage::from_pixel(900, 2_700, image::Luma([255]));
    let paths = [
        at("foto.jpg", &files::something_else(1_200, 1_600)),
        at("apaisada.jpg", &files::something_else(1_600, 1_200)),
        at("blanco.png", &files::encoded(&white, ImageFormat::Png)),
        at(
            "punto.png",
            &files::encoded(&image::GrayImage::new(1, 1), ImageFormat::Png),
        ),
    ];
    let (code, answers) = read(&paths);
    assert_eq!(code, Some(0));
    for answer in &answers {
        assert!(sent_to_review(answer), "{answer}");
        let findings = answer["findings"].as_array().unwrap();
        let pages = findings.iter().find(|f| f["code"] == "PAG_001").unwrap();
        assert_eq!(pages["outcome"], "not_evaluable");
    }
}

#[test]
fn a_page_that_lies_or_stands_on_its_head_is_read_as_an_upright_one() {
    let folder = tempfile::tempdir().unwrap();
    let page = plain(Family::SegundaVuelta2026, 4)
        .render(1, Scan::bitonal_300())
        .unwrap();
    let put = |name: &str, picture: image::DynamicImage| {
        let path = folder.path().join(name);
        picture.save(&path).unwrap();
        path
    };
    let paths = [
        put("0.png", page.clone()),
        put("90.png", page.rotate90()),
        put("180.png", page.rotate180()),
        put("270.png", page.rotate270()),
    ];
    let (code, answers) = read(&paths);
    assert_eq!(code, Some(0));
    let upright = values(&answers[0]);
    assert!(upright.len() > 5, "{}", answers[0]);
    for answer in &answers[1..] {
        let turned = values(answer);
        assert_eq!(turned.len(), upright.len(), "{}", answer["source"]);
        for (turned, upright) in turned.iter().zip(&upright) {
            let differs = turned.1 != upright.1 && !turned.2 && !upright.2;
            assert!(
                turned.0 == upright.0 && !differs,
                "{}: {turned:?} {upright:?}",
                answer["source"]
            );
        }
    }
}

#[test]
fn a_page_given_twice_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let page = plain(Family::SegundaVuelta2026, 4)
        .render(1, Scan::bitonal_300())
        .unwrap();
    let form = folder.path().join("acta");
    fs::create_dir(&form).unwrap();
    for name in ["1.png", "2.png"] {
        page.save(form.join(name)).unwrap();
    }
    let (code, answers) = read(&[form]);
    assert_eq!(code, Some(0));
    let findings = answers[0]["findings"].as_array().unwrap();
    let pages = findings.iter().find(|f| f["code"] == "PAG_001").unwrap();
    let details = pages["details"].as_array().unwrap();
    assert!(
        details.iter().any(|d| d["kind"] == "page_repeated" && d["page"] == 2),
        "{pages}"
    );
}
