//! Words that are nearly right.

/// Capital without accent, for comparison.
pub(super) fn plain(c: char) -> char {
    match c.to_uppercase().next().unwrap_or(c) {
        'Á' => 'A',
        'É' => 'E',
        'Í' => 'I',
        'Ó' => 'O',
        'Ú' | 'Ü' => 'U',
        'Ñ' => 'N',
        other => other,
    }
}

/// Letters and digits of a text in plain capitals.
pub(super) fn skeleton(text: &str) -> Vec<char> {
    text.chars().filter(|c| c.is_alphanumeric()).map(plain).collect()
}

/// Cost of taking one character for another: shapes that print confuses cost less.
fn exchange(a: char, b: char) -> u32 {
    const ALIKE: [&str; 6] = ["0ODQUC", "1IL7TJ", "5S8B36", "2Z", "4A", "VYU"];
    if a == b {
        0
    } else if ALIKE.iter().any(|set| set.contains(a) && set.contains(b)) {
        2
    } else {
        4
    }
}

/// Edit distance in quarters of a character.
pub(super) fn distance(a: &[char], b: &[char]) -> u32 {
    let mut row: Vec<u32> = (0..=b.len())
        .map(|j| 4 * u32::try_from(j).unwrap_or(u32::MAX / 8))
        .collect();
    for (i, &x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = 4 * u32::try_from(i + 1).unwrap_or(u32::MAX / 8);
        for (j, &y) in b.iter().enumerate() {
            let best = (diagonal + exchange(x, y)).min(row[j] + 4).min(row[j + 1] + 4);
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    row.last().copied().unwrap_or(0)
}

/// 0–1: how alike two texts are, letters and digits only.
pub(crate) fn likeness(a: &str, b: &str) -> f32 {
    let (a, b) = (skeleton(a), skeleton(b));
    let longest = u32::try_from(a.len().max(b.len())).unwrap_or(u32::MAX).max(1);
    1.0 - (crate::raster::real(distance(&a, &b)) / (4.0 * crate::raster::real(longest))).min(1.0)
}

/// The most alike of several words.
pub(super) fn closest<T: Copy>(text: &str, words: &[(&str, T)]) -> Option<(T, f32)> {
    words
        .iter()
        .map(|&(word, value)| (value, likeness(text, word)))
        .max_by(|a, b| a.1.total_cmp(&b.1))
}

/// Where a word stands in a text: first and last index (outside) of the most alike window, with its likeness.
pub(super) fn find(text: &[char], word: &str) -> Option<(usize, usize, f32)> {
    let word_length = skeleton(word).len();
    let mut best: Option<(usize, usize, f32)> = None;
    for start in 0..text.len() {
        if !text[start].is_alphanumeric() {
            continue;
        }
        for length in word_length.saturating_sub(1)..=word_length + 2 {
            let end = start + length;
            if end > text.len() {
                break;
            }
            let window: String = text[start..end].iter().collect();
            let alike = likeness(&window, word);
            if best.is_none_or(|b| alike > b.2) {
                best = Some((start, end, alike));
            }
        }
    }
    best
}
