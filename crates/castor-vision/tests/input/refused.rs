//! What is refused: each bad file with its code and one line that names it.

use crate::make::{Scan, encoded, jpeg, page, pdf, scan_pdf, tiff};
use castor_vision::input::{Document, InputError, Limits};
use image::ImageFormat;
use proptest::prelude::*;
use std::path::Path;

/// Takes in every page; the first error.
fn outcome(name: &Path, bytes: &[u8], limits: &Limits) -> Result<(), InputError> {
    let document = Document::from_bytes(name, bytes.to_vec(), limits)?;
    (1..=document.page_count()).try_for_each(|n| document.page(n).map(drop))
}

#[track_caller]
fn check(code: &str, error: &InputError, file: &str) {
    let message = error.to_string();
    assert_eq!(error.code(), code, "{message}");
    assert!(message.starts_with(code), "{message}");
    assert!(message.contains(file), "{message}");
    assert!(!message.contains('\n') && message.len() < 400, "{message}");
}

#[track_caller]
fn refuses(code: &str, bytes: &[u8]) {
    let error = outcome(Path::new("acta.pdf"), bytes, &Limits::default()).unwrap_err();
    check(code, &error, "acta.pdf");
}

fn cut(mut bytes: Vec<u8>, share: f64) -> Vec<u8> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a test's file"
    )]
    bytes.truncate((bytes.len() as f64 * share) as usize);
    bytes
}

fn one_page_pdf() -> Vec<u8> {
    scan_pdf(&[Scan::of(&page(300, 900))])
}

/// The header of a PNG that claims the given size, and no data.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = encoded(&page(8, 8), ImageFormat::Png);
    let mut chunk = b"IHDR".to_vec();
    chunk.extend(width.to_be_bytes());
    chunk.extend(height.to_be_bytes());
    chunk.extend([8, 0, 0, 0, 0]);
    let mut crc = u32::MAX;
    for byte in &chunk {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    bytes.splice(12..33, chunk.into_iter().chain((!crc).to_be_bytes()));
    bytes
}

#[test]
fn a_path_that_does_not_exist_is_refused() {
    let error = Document::open(Path::new("/no/such/acta.pdf"), &Limits::default()).unwrap_err();
    check("INP_001", &error, "/no/such/acta.pdf");
}

#[test]
fn an_empty_file_is_refused() {
    refuses("INP_002", b"");
}

#[test]
fn a_text_named_as_a_pdf_is_refused() {
    refuses("INP_003", "ACTA DE ESCRUTINIO DE LOS JURADOS\n".repeat(50).as_bytes());
    refuses("INP_003", b"\x89PN");
    refuses("INP_003", b"PK\x03\x04 a zip archive");
}

#[test]
fn a_file_that_was_cut_off_is_refused() {
    refuses("INP_004", &cut(one_page_pdf(), 0.7));
    refuses("INP_004", &cut(jpeg(&page(300, 900), None), 0.7));
    refuses("INP_004", &cut(encoded(&page(300, 900), ImageFormat::Png), 0.7));
    refuses("INP_004", &tiff(&[page(300, 900)])[..20]);
}

#[test]
fn a_damaged_file_is_refused() {
    refuses("INP_005", b"%PDF-1.4\nnothing of a PDF\n%%EOF\n");
    refuses(
        "INP_005",
        &pdf(
            &[
                b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
                b"<< /Type /Pages /Kids [] /Count 0 >>".to_vec(),
            ],
            "",
        ),
    );
    let mut png = encoded(&page(300, 900), ImageFormat::Png);
    let middle = png.len() / 2;
    png[middle] ^= 0xff;
    refuses("INP_005", &png);
    refuses("INP_005", b"\xff\xd8\xff\xe0\0\x04ab\xff\xda\0\x02zzzz\xff\xd9");
}

#[test]
fn an_encrypted_pdf_is_refused() {
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 210 630] >>".to_vec(),
    ];
    let key = "0123456789abcdef".repeat(4);
    let trailer = format!(
        "/Encrypt << /Filter /Standard /V 1 /R 2 /O <{key}> /U <{key}> /P -4 >> /ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"
    );
    refuses("INP_006", &pdf(&objects, &trailer));
}

#[test]
fn ten_thousand_pages_are_refused() {
    let kids: String = (0..10_000).map(|_| "3 0 R ").collect();
    let objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{kids}] /Count 10000 >>").into_bytes(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 210 630] >>".to_vec(),
    ];
    refuses("INP_007", &pdf(&objects, ""));
    refuses("INP_007", &tiff(&vec![page(8, 8); 61]));
}

#[test]
fn a_circular_tiff_ends() {
    let mut bytes = tiff(&[page(8, 8), page(8, 8)]);
    let (first, end) = (bytes[4..8].to_vec(), bytes.len());
    bytes[end - 4..].copy_from_slice(&first);
    let document = Document::from_bytes(Path::new("acta"), bytes, &Limits::default()).unwrap();
    assert_eq!(document.page_count(), 2);
}

#[test]
fn a_file_larger_than_allowed_is_refused() {
    let limits = Limits {
        file_bytes: 1_000,
        ..Limits::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acta.pdf");
    std::fs::write(&path, vec![b' '; 1_001]).unwrap();
    check("INP_008", &Document::open(&path, &limits).unwrap_err(), "acta.pdf");

    std::fs::remove_file(&path).unwrap();
    let picture = jpeg(&page(8, 8), None);
    assert!((400..1_000).contains(&picture.len()), "{}", picture.len());
    for name in ["1.jpg", "2.jpg", "3.jpg"] {
        std::fs::write(folder.path().join(name), &picture).unwrap();
    }
    let error = Document::open(folder.path(), &limits).unwrap_err();
    check("INP_008", &error, &folder.path().display().to_string());
}

#[test]
fn a_picture_that_would_unpack_beyond_measure_is_refused() {
    refuses("INP_009", &png_header(60_000, 60_000));
    let bomb = Scan {
        width: 60_000,
        height: 60_000,
        ..Scan::of(&page(8, 8))
    };
    refuses("INP_009", &scan_pdf(&[bomb]));
}

#[test]
fn a_page_of_a_pdf_may_not_be_endless() {
    let endless = Scan {
        content: "0 g 0 0 10 10 re f".into(),
        page: "/MediaBox [0 0 14400 2]".into(),
        ..Scan::of(&page(8, 8))
    };
    refuses("INP_005", &scan_pdf(&[endless]));
}

#[test]
fn a_folder_without_pictures_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().display().to_string();
    let open = || Document::open(folder.path(), &Limits::default()).unwrap_err();
    check("INP_010", &open(), &name);
    std::fs::write(folder.path().join("a.pdf"), one_page_pdf()).unwrap();
    check("INP_010", &open(), &name);
}

#[test]
fn a_folder_of_too_many_files_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..4 {
        std::fs::write(folder.path().join(format!("{i}.txt")), b"x").unwrap();
    }
    let limits = Limits {
        folder_entries: 3,
        ..Limits::default()
    };
    let error = Document::open(folder.path(), &limits).unwrap_err();
    check("INP_011", &error, &folder.path().display().to_string());
}

#[test]
fn a_damaged_picture_of_a_folder_keeps_its_place_and_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let picture = encoded(&page(60, 180), ImageFormat::Png);
    std::fs::write(folder.path().join("1.png"), &picture).unwrap();
    std::fs::write(folder.path().join("2.png"), b"").unwrap();
    std::fs::write(folder.path().join("3.png"), b"no picture at all").unwrap();
    std::fs::write(folder.path().join("4.png"), &picture).unwrap();
    let document = Document::open(folder.path(), &Limits::default()).unwrap();
    assert_eq!(document.page_count(), 4);
    assert!(document.page(1).is_ok() && document.page(4).is_ok());
    check("INP_002", &document.page(2).unwrap_err(), "2.png");
    check("INP_003", &document.page(3).unwrap_err(), "3.png");
}

#[test]
fn a_picture_that_changes_while_its_folder_is_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("1.png");
    std::fs::write(&path, encoded(&page(60, 180), ImageFormat::Png)).unwrap();
    let document = Document::open(folder.path(), &Limits::default()).unwrap();
    std::fs::write(&path, encoded(&page(61, 180), ImageFormat::Png)).unwrap();
    check("INP_012", &document.page(1).unwrap_err(), "1.png");
}

#[test]
fn a_variant_that_is_not_read_is_named() {
    // Three bits a pixel.
    let mut bytes = tiff(&[page(8, 8)]);
    let bits = bytes.windows(2).rposition(|w| w == 258u16.to_le_bytes()).unwrap();
    bytes[bits + 8] = 3;
    refuses("INP_013", &bytes);
}

#[test]
fn a_page_that_does_not_exist_is_refused() {
    let document = Document::from_bytes(Path::new("acta"), one_page_pdf(), &Limits::default()).unwrap();
    for number in [0, 2, u16::MAX] {
        check("INP_014", &document.page(number).unwrap_err(), "page");
    }
}

/// Small limits, so that damaged sizes are refused and not allocated.
fn small() -> Limits {
    Limits {
        page_pixels: 1_000_000,
        ..Limits::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn damage_anywhere_is_an_answer_and_never_a_crash(
        kind in 0usize..5,
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        keep in any::<prop::sample::Index>(),
        truncated in any::<bool>(),
    ) {
        let picture = page(30, 90);
        let mut bytes = match kind {
            0 => scan_pdf(&[Scan::of(&picture)]),
            1 => encoded(&picture, ImageFormat::Png),
            2 => jpeg(&picture, Some(6)),
            3 => tiff(&[picture.clone(), picture]),
            _ => encoded(&picture, ImageFormat::WebP),
        };
        let i = at.index(bytes.len());
        bytes[i] = value;
        if truncated {
            bytes.truncate(keep.index(bytes.len()));
        }
        if let Err(error) = outcome(Path::new("acta"), &bytes, &small()) {
            prop_assert!(error.to_string().starts_with(error.code()));
        }
    }
}
