//! The entry of files: any bytes are taken in or refused, page by page.
#![no_main]

use castor_vision::input::{Document, Limits};
use libfuzzer_sys::fuzz_target;
use std::path::Path;

/// Small, so that an execution is quick; what is beyond is refused as in the product.
const LIMITS: Limits = Limits {
    file_bytes: 1_000_000,
    pages: 4,
    page_pixels: 150_000,
    folder_entries: 10,
};

fuzz_target!(|bytes: &[u8]| {
    let refused = |error: castor_vision::input::InputError| {
        let message = error.to_string();
        assert!(
            message.starts_with(error.code()) && !message.contains('\n'),
            "{message}"
        );
    };
    match Document::from_bytes(Path::new("acta"), bytes.to_vec(), &LIMITS) {
        Ok(document) => {
            assert!((1..=LIMITS.pages).contains(&document.page_count()));
            for number in 1..=document.page_count() {
                match document.page(number) {
                    Ok(page) => {
                        let (width, height) = page.gray.dimensions();
                        let pixels = u64::from(width) * u64::from(height);
                        assert!((1..=LIMITS.page_pixels).contains(&pixels), "{width} × {height}");
                    }
                    Err(error) => refused(error),
                }
            }
        }
        Err(error) => refused(error),
    }
});
