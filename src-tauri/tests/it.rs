//! What the window is started with.

use castor_desktop::Options;
use std::ffi::OsString;

fn of(arguments: &[&str]) -> Result<Options, String> {
    Options::of(arguments.iter().map(OsString::from))
}

#[test]
fn the_folders_are_named_by_their_options_and_anything_else_is_explained() {
    assert_eq!(
        of(&["--data", "/a", "--demo", "/b"]),
        of(&["--demo", "/b", "--data", "/a"])
    );
    assert_ne!(of(&["--data", "/a"]), of(&["--data", "/b"]));
    for wrong in [&["--data"][..], &["--help", "me"], &["acta.pdf"]] {
        assert!(of(wrong).unwrap_err().starts_with("usage: castor-desktop"), "{wrong:?}");
    }
}
