//! What is taken in, and how it comes out.

use crate::make::{self, Scan, encoded, jpeg, packed, page, scan_pdf, shows_page_upright, tiff};
use castor_vision::input::{Document, Limits};
use castor_vision::page::PageImage;
use image::{GrayImage, ImageFormat, Luma};
use std::path::Path;

fn open(bytes: Vec<u8>) -> Document {
    Document::from_bytes(Path::new("form"), bytes, &Limits::default()).unwrap()
}

fn only_page(bytes: Vec<u8>) -> PageImage {
    let document = open(bytes);
    assert_eq!(document.page_count(), 1);
    document.page(1).unwrap()
}

#[test]
fn a_page_that_is_one_scan_gives_the_scans_own_pixels() {
    let gray = GrayImage::from_fn(300, 900, |x, y| Luma([u8::try_from((x * 7 + y * 3) % 256).unwrap()]));
    let page = only_page(scan_pdf(&[Scan::of(&gray)]));
    assert_eq!(page.gray, gray);
    assert!(!page.bitonal);
}

#[test]
fn a_black_and_white_scan_keeps_its_size_and_its_sense() {
    let picture = page(868, 2613);
    let scan = |image: &str, data: Vec<u8>| Scan {
        image: image.into(),
        data,
        ..Scan::of(&picture)
    };
    let inverted = packed(&picture).iter().map(|b| !b).collect();
    for scan in [
        scan("/ColorSpace /DeviceGray /BitsPerComponent 1", packed(&picture)),
        scan("/ColorSpace /DeviceGray /BitsPerComponent 1 /Decode [1 0]", inverted),
    ] {
        let read = only_page(scan_pdf(&[scan]));
        assert_eq!(read.gray, picture);
        assert!(read.bitonal);
    }
}

#[test]
fn a_stencil_is_drawn_because_its_pixels_are_not_light() {
    let picture = page(300, 900);
    let scan = Scan {
        image: "/ImageMask true /BitsPerComponent 1".into(),
        data: packed(&picture),
        ..Scan::of(&picture)
    };
    assert!(shows_page_upright(&only_page(scan_pdf(&[scan])).gray));
}

#[test]
fn a_colour_scan_becomes_luma() {
    let data: Vec<u8> = std::iter::repeat_n([255, 0, 0], 300 * 900).flatten().collect();
    let scan = Scan {
        image: "/ColorSpace /DeviceRGB /BitsPerComponent 8".into(),
        data,
        ..Scan::of(&page(300, 900))
    };
    let gray = only_page(scan_pdf(&[scan])).gray;
    assert_eq!(gray.dimensions(), (300, 900));
    assert!(gray.pixels().all(|p| (53..=55).contains(&p.0[0])));
}

#[test]
fn a_jpeg_inside_a_pdf_is_taken_as_it_is() {
    let picture = page(300, 900);
    let scan = Scan {
        image: "/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode".into(),
        data: jpeg(&picture, None),
        ..Scan::of(&picture)
    };
    let gray = only_page(scan_pdf(&[scan])).gray;
    assert_eq!(gray.dimensions(), (300, 900));
    assert!(shows_page_upright(&gray));
}

#[test]
fn a_scan_is_shown_as_the_page_turns_it() {
    let upright = page(300, 900);
    let lying = image::imageops::rotate270(&upright);
    let turned_by_page = Scan {
        page: "/Rotate 90 /MediaBox [0 0 630 210]".into(),
        content: "q 630 0 0 210 0 0 cm /I Do Q".into(),
        ..Scan::of(&lying)
    };
    let turned_by_matrix = Scan {
        // Right goes down, up goes right: a quarter turn clockwise.
        content: "q 0 -630 210 0 0 630 cm /I Do Q".into(),
        ..Scan::of(&lying)
    };
    let upside_down = Scan {
        content: "q -210 0 0 -630 210 630 cm /I Do Q".into(),
        ..Scan::of(&image::imageops::rotate180(&upright))
    };
    for scan in [turned_by_page, turned_by_matrix, upside_down] {
        let gray = only_page(scan_pdf(&[scan])).gray;
        assert_eq!(gray, upright);
    }
}

#[test]
fn a_mirrored_scan_is_drawn_as_the_page_shows_it() {
    let picture = page(300, 900);
    let scan = Scan {
        content: "q -210 0 0 630 210 0 cm /I Do Q".into(),
        ..Scan::of(&image::imageops::flip_horizontal(&picture))
    };
    assert!(shows_page_upright(&only_page(scan_pdf(&[scan])).gray));
}

#[test]
fn invisible_text_over_a_scan_does_not_count() {
    let picture = page(300, 900);
    let scan = Scan {
        content: "q 210 0 0 630 0 0 cm /I Do Q BT /F 12 Tf 3 Tr 20 300 Td (ACTA) Tj ET".into(),
        ..Scan::of(&picture)
    };
    assert_eq!(only_page(scan_pdf(&[scan])).gray, picture);
}

#[test]
fn a_page_that_shows_more_than_a_scan_is_drawn_whole() {
    let picture = page(300, 900);
    let scan = Scan {
        content: "q 210 0 0 630 0 0 cm /I Do Q 1 0 0 rg 130 200 60 60 re f".into(),
        ..Scan::of(&picture)
    };
    let gray = only_page(scan_pdf(&[scan])).gray;
    assert_eq!(gray.dimensions(), (1300, 3900));
    assert!(shows_page_upright(&gray));
    // The red square painted over the scan: 130–190 of 210 points across, 370–430 of 630 from the top.
    let red = gray.get_pixel(1300 * 160 / 210, 3900 * 400 / 630).0[0];
    assert!((50..=58).contains(&red), "{red}");
}

#[test]
fn a_page_is_drawn_as_large_as_the_limits_allow() {
    let scan = Scan {
        content: "0 g 0 567 210 63 re f 0 0 52 52 re f".into(),
        ..Scan::of(&page(30, 90))
    };
    let limits = Limits {
        page_pixels: 300_000,
        ..Limits::default()
    };
    let document = Document::from_bytes(Path::new("form"), scan_pdf(&[scan]), &limits).unwrap();
    let gray = document.page(1).unwrap().gray;
    assert!(
        (290_000..=300_000).contains(&(gray.width() * gray.height())),
        "{:?}",
        gray.dimensions()
    );
    assert!(shows_page_upright(&gray));
}

#[test]
fn a_scan_far_finer_than_needed_is_shrunk() {
    let picture = page(3600, 10800);
    let scan = Scan {
        image: "/ColorSpace /DeviceGray /BitsPerComponent 1".into(),
        data: packed(&picture),
        ..Scan::of(&picture)
    };
    let gray = only_page(scan_pdf(&[scan])).gray;
    assert_eq!(gray.dimensions(), (1800, 5400));
    assert!(shows_page_upright(&gray));
}

#[test]
fn pictures_of_every_type_give_the_same_page() {
    let picture = page(120, 360);
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff] {
        assert_eq!(only_page(encoded(&picture, format)).gray, picture, "{format:?}");
    }
    assert!(shows_page_upright(&only_page(jpeg(&picture, None)).gray));
}

#[test]
fn a_photograph_is_shown_as_the_camera_was_held() {
    let upright = page(120, 360);
    // EXIF 6: the camera was turned so that the picture must be turned clockwise; 8 counter-clockwise; 3 half around.
    for (orientation, stored) in [
        (6, image::imageops::rotate270(&upright)),
        (8, image::imageops::rotate90(&upright)),
        (3, image::imageops::rotate180(&upright)),
    ] {
        let gray = only_page(jpeg(&stored, Some(orientation))).gray;
        assert_eq!(gray.dimensions(), (120, 360), "{orientation}");
        assert!(shows_page_upright(&gray), "{orientation}");
    }
}

#[test]
fn a_tiff_has_as_many_pages_as_pictures() {
    let pages = [page(60, 180), page(80, 240), page(100, 300)];
    let document = open(tiff(&pages));
    assert_eq!(document.page_count(), 3);
    for (n, want) in (1..).zip(&pages) {
        let got = document.page(n).unwrap();
        assert_eq!((got.number, &got.gray), (n, want));
    }
}

#[test]
fn a_pdf_has_as_many_pages_as_it_says_in_order() {
    let scans: Vec<Scan> = [(60, 180), (80, 240)].map(|(w, h)| Scan::of(&page(w, h))).into();
    let document = open(scan_pdf(&scans));
    assert_eq!(document.page_count(), 2);
    assert_eq!(document.page(2).unwrap().gray.dimensions(), (80, 240));
    assert_eq!(document.page(1).unwrap().gray.dimensions(), (60, 180));
}

#[test]
fn the_type_is_told_by_content_and_not_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acta.pdf");
    std::fs::write(&path, encoded(&page(60, 180), ImageFormat::Png)).unwrap();
    let document = Document::open(&path, &Limits::default()).unwrap();
    assert_eq!(document.page(1).unwrap().gray.dimensions(), (60, 180));
}

#[test]
fn a_folder_is_one_form_with_its_pictures_in_natural_order() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("Pag 10.png", &encoded(&page(100, 300), ImageFormat::Png));
    write("pag 2.jpg", &jpeg(&page(40, 120), None));
    write("pag 1.png", &encoded(&page(20, 60), ImageFormat::Png));
    write("notas.txt", b"no picture");
    write(".oculto.png", &encoded(&page(90, 270), ImageFormat::Png));
    std::fs::create_dir(folder.path().join("otra")).unwrap();
    let document = Document::open(folder.path(), &Limits::default()).unwrap();
    assert_eq!(document.page_count(), 3);
    let widths: Vec<u32> = (1..=3).map(|n| document.page(n).unwrap().gray.width()).collect();
    assert_eq!(widths, [20, 40, 100]);
}

#[test]
fn a_hash_names_the_content_of_a_file_or_folder() {
    let bytes = encoded(&page(60, 180), ImageFormat::Png);
    let empty_hash = open(bytes.clone()).sha256().to_owned();
    assert_eq!(empty_hash.len(), 64);
    assert_eq!(open(bytes.clone()).sha256(), empty_hash);
    assert_ne!(open(encoded(&page(61, 180), ImageFormat::Png)).sha256(), empty_hash);

    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("1.png"), &bytes).unwrap();
    let of_folder = || {
        Document::open(folder.path(), &Limits::default())
            .unwrap()
            .sha256()
            .to_owned()
    };
    let one = of_folder();
    std::fs::write(folder.path().join("2.png"), &bytes).unwrap();
    let two = of_folder();
    assert_ne!(one, two);
    std::fs::rename(folder.path().join("2.png"), folder.path().join("3.png")).unwrap();
    assert_eq!(of_folder(), two, "names do not count, order does");
}

#[test]
fn page_files_that_were_sent_are_the_form_that_their_folder_is() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        encoded(&page(60, 180), ImageFormat::Png),
        tiff(&[page(80, 240), page(90, 270)]),
        b"no picture at all".to_vec(),
        encoded(&page(100, 300), ImageFormat::Png),
    ];
    for (number, bytes) in (1..).zip(&files) {
        std::fs::write(folder.path().join(format!("{number}.png")), bytes).unwrap();
    }
    let opened = Document::open(folder.path(), &Limits::default()).unwrap();
    let sent = |limits: &Limits| Document::from_page_files(Path::new("acta"), files.to_vec(), limits);
    let document = sent(&Limits::default()).unwrap();
    assert_eq!((document.sha256(), document.page_count()), (opened.sha256(), 5));
    for number in [1, 2, 3, 5] {
        assert_eq!(document.page(number).unwrap().gray, opened.page(number).unwrap().gray);
    }
    let damaged = document.page(4).unwrap_err();
    assert_eq!(damaged.code(), "INP_003");
    assert!(damaged.to_string().contains("acta/3"), "{damaged}");

    let code = |limits: Limits| sent(&limits).unwrap_err().code();
    let bytes: u64 = files.iter().map(|file| u64::try_from(file.len()).unwrap()).sum();
    let limits = Limits::default();
    assert_eq!(code(Limits { pages: 4, ..limits }), "INP_007");
    assert_eq!(
        code(Limits {
            file_bytes: bytes - 1,
            ..limits
        }),
        "INP_008"
    );
    let none = Document::from_page_files(Path::new("acta"), Vec::new(), &limits).unwrap_err();
    assert_eq!(none.code(), "INP_010");
}

#[test]
fn a_resampled_black_and_white_scan_is_still_known_as_one() {
    let native = GrayImage::from_fn(400, 1200, |x, y| {
        // Strokes eight pixels wide on a tenth of the page.
        Luma([if x / 8 % 4 == 0 && y / 8 % 2 == 0 { 0 } else { 255 }])
    });
    let resampled = image::imageops::resize(&native, 1664, 4992, image::imageops::FilterType::Triangle);
    assert!(only_page(encoded(&resampled, ImageFormat::Png)).bitonal);

    let soft = image::imageops::blur(&native, 3.0);
    assert!(!only_page(encoded(&soft, ImageFormat::Png)).bitonal);
}

#[test]
fn pages_are_read_from_several_threads_at_once() {
    let scans: Vec<Scan> = (1..=8).map(|i| Scan::of(&page(30 * i, 90 * i))).collect();
    let document = open(make::scan_pdf(&scans));
    std::thread::scope(|scope| {
        for n in 1..=8u16 {
            let document = &document;
            scope.spawn(move || {
                for _ in 0..5 {
                    let gray = document.page(n).unwrap().gray;
                    assert_eq!(gray.width(), 30 * u32::from(n));
                }
            });
        }
    });
}
