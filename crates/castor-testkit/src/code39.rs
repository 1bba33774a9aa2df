//! The serial's bar code: Code 39 without check character.

/// Wide bars are three times as wide as narrow ones.
const WIDE: u8 = 3;

/// Widths of bars and gaps in modules, bar first, of the text between its start and stop characters.
///
/// Only digits occur in a serial; anything else is left out.
#[must_use]
pub(crate) fn bars(digits: &str) -> Vec<u8> {
    let mut widths = Vec::new();
    let framed = std::iter::once('*').chain(digits.chars()).chain(std::iter::once('*'));
    for pattern in framed.filter_map(pattern) {
        if !widths.is_empty() {
            widths.push(1);
        }
        widths.extend(pattern.bytes().map(|b| if b == b'1' { WIDE } else { 1 }));
    }
    widths
}

/// Five bars and four gaps, 1 = wide.
fn pattern(c: char) -> Option<&'static str> {
    Some(match c {
        '0' => "000110100",
        '1' => "100100001",
        '2' => "001100001",
        '3' => "101100000",
        '4' => "000110001",
        '5' => "100110000",
        '6' => "001110000",
        '7' => "000100101",
        '8' => "100100100",
        '9' => "001100100",
        '*' => "010010100",
        _ => return None,
    })
}
