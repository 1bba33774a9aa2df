//! Invented names: syllables put together at random, so that they belong to nobody.

use rand::{Rng, RngExt};

const ONSETS: [&str; 20] = [
    "B", "C", "D", "F", "G", "L", "M", "N", "P", "R", "S", "T", "V", "Z", "TR", "BR", "CL", "GR", "LL", "QU",
];
const NUCLEI: [&str; 9] = ["A", "E", "I", "O", "Á", "E", "A", "IA", "O"];
const CODAS: [&str; 8] = ["", "", "", "N", "R", "L", "S", ""];

/// One invented word of two or three syllables.
pub(crate) fn word<R: Rng + ?Sized>(rng: &mut R) -> String {
    let syllables = rng.random_range(2..=3);
    let mut word = String::new();
    let mut accented = false;
    for _ in 0..syllables {
        let onset = pick(rng, &ONSETS);
        word.push_str(onset);
        let mut nucleus = if onset == "QU" {
            pick(rng, &["E", "I"])
        } else {
            pick(rng, &NUCLEI)
        };
        if nucleus == "Á" && accented {
            nucleus = "A";
        }
        accented |= nucleus == "Á";
        word.push_str(nucleus);
        word.push_str(pick(rng, &CODAS));
    }
    word
}

/// A person's name of two or three words.
pub(crate) fn person<R: Rng + ?Sized>(rng: &mut R) -> String {
    let words = rng.random_range(2..=3);
    (0..words).map(|_| word(rng)).collect::<Vec<_>>().join(" ")
}

/// A party or list.
pub(crate) fn party<R: Rng + ?Sized>(rng: &mut R) -> String {
    let kind = pick(
        rng,
        &[
            "PARTIDO",
            "MOVIMIENTO",
            "COALICIÓN",
            "ALIANZA",
            "PARTIDO POLÍTICO",
            "NUEVA FUERZA",
        ],
    );
    let words = rng.random_range(1..=2);
    format!("{kind} {}", (0..words).map(|_| word(rng)).collect::<Vec<_>>().join(" "))
}

/// A town.
pub(crate) fn town<R: Rng + ?Sized>(rng: &mut R) -> String {
    let name = word(rng).replace('Á', "A");
    match rng.random_range(0..5) {
        0 => format!("SAN {name}"),
        1 => format!("VILLA {name}"),
        _ => name,
    }
}

/// A polling place.
pub(crate) fn place<R: Rng + ?Sized>(rng: &mut R) -> String {
    let kind = pick(
        rng,
        &["IE", "COL", "INST. EDU.", "ESC. RUR.", "CENTRO", "SEC. ESC.", "VEREDA"],
    );
    let words = rng.random_range(1..=3);
    let name = (0..words)
        .map(|_| word(rng).replace('Á', "A"))
        .collect::<Vec<_>>()
        .join(" ");
    format!("{kind} {name}")
}

/// Two lines of about equal length, or one when the text is short.
pub(crate) fn two_lines(text: &str, longest: usize) -> Vec<String> {
    if text.chars().count() <= longest {
        return vec![text.to_owned()];
    }
    let middle = text.len() / 2;
    let cut = text
        .match_indices(' ')
        .map(|(i, _)| i)
        .min_by_key(|i| i.abs_diff(middle));
    match cut {
        Some(i) => vec![text[..i].to_owned(), text[i + 1..].to_owned()],
        None => vec![text.to_owned()],
    }
}

pub(crate) fn pick<'a, R: Rng + ?Sized>(rng: &mut R, from: &[&'a str]) -> &'a str {
    from[rng.random_range(0..from.len())]
}
