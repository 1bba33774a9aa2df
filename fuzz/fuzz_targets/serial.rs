//! The text of serial, QR code and control code: what is accepted is written back as it was, white space aside.
#![no_main]

use castor_domain::serial::{ControlCode, QrPlaintext, Serial};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if let Ok(serial) = text.parse::<Serial>() {
        assert_eq!(serial.to_string(), bare);
    }
    if let Ok(qr) = text.parse::<QrPlaintext>() {
        assert_eq!(qr.to_string(), bare);
    }
    if let Ok(code) = text.parse::<ControlCode>() {
        assert_eq!(code.to_string().parse::<ControlCode>().ok(), Some(code));
    }
});
