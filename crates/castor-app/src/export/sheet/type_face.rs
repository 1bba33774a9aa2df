//! Helvetica as every reader of PDF has it: its code page (WinAnsi) and the widths of its letters.

/// Widths of the signs from space to tilde, in thousandths of the size: Adobe's metrics of Helvetica.
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// The letter that a letter with an accent is as wide as.
fn plain(letter: char) -> char {
    match letter {
        'á' | 'à' | 'ä' | 'â' | 'ã' => 'a',
        'é' | 'è' | 'ë' | 'ê' => 'e',
        'í' | 'ì' | 'ï' | 'î' => 'i',
        'ó' | 'ò' | 'ö' | 'ô' | 'õ' => 'o',
        'ú' | 'ù' | 'ü' | 'û' => 'u',
        'Á' | 'À' | 'Ä' | 'Â' | 'Ã' => 'A',
        'É' | 'È' | 'Ë' | 'Ê' => 'E',
        'Í' | 'Ì' | 'Ï' | 'Î' => 'I',
        'Ó' | 'Ò' | 'Ö' | 'Ô' | 'Õ' => 'O',
        'Ú' | 'Ù' | 'Ü' | 'Û' => 'U',
        'ñ' => 'n',
        'Ñ' => 'N',
        '·' => '.',
        other => other,
    }
}

/// Width of a text at a size, in points.
pub(super) fn width(text: &str, size: f32) -> f32 {
    let of = |letter: char| {
        let place = u32::from(plain(letter)).checked_sub(32);
        let place = place.and_then(|p| usize::try_from(p).ok());
        // What the table lacks is given the width of the widest common signs.
        f32::from(place.and_then(|p| WIDTHS.get(p)).copied().unwrap_or(1000))
    };
    text.chars().map(of).sum::<f32>() * size / 1000.0
}

/// A text in the code page; what it lacks becomes a question mark.
pub(super) fn encoded(text: &str) -> Vec<u8> {
    let one = |letter: char| match letter {
        '€' => 0x80,
        '…' => 0x85,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        ' '..='~' | '\u{a0}'..='ÿ' => u8::try_from(u32::from(letter)).unwrap_or(b'?'),
        _ => b'?',
    };
    text.chars().map(one).collect()
}

/// A text in lines of at most a width, broken between words where that is possible.
pub(super) fn broken(text: &str, size: f32, limit: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    let push = |lines: &mut Vec<String>, letter: char| {
        if let Some(line) = lines.last_mut() {
            line.push(letter);
        }
    };
    for word in text.split_inclusive([' ', '/', '_']) {
        let standing = lines.last().map_or(0.0, |line| width(line, size));
        if standing > 0.0 && standing + width(word.trim_end(), size) > limit {
            lines.push(String::new());
        }
        for letter in word.chars() {
            let line = lines.last().cloned().unwrap_or_default();
            if !line.is_empty() && width(&line, size) + width(&letter.to_string(), size) > limit {
                if letter == ' ' {
                    continue;
                }
                lines.push(String::new());
            }
            push(&mut lines, letter);
        }
    }
    lines
}
