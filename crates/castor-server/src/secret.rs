//! Random tokens, and what is kept of them.

use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::fs::OpenOptions;

/// 256 random bits as hexadecimal digits.
#[must_use]
pub(crate) fn random_token() -> String {
    hex(&rand::random::<[u8; 32]>())
}

/// Whether a text is such a token.
#[must_use]
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// What is kept of a token that is already random.
#[must_use]
pub(crate) fn fingerprint(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// How a file is made that nobody else may read.
pub(crate) fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}
