//! Invented counts that close as real forms do, and the few that do not.

use rand::{Rng, RngExt};

/// What is to be written into a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Count {
    /// A number, written with the juror's habits.
    Number(u16),
    /// Nothing.
    Blank,
    /// Three fillers.
    Fillers,
}

/// Counts of one table before they are shared out among candidates or lists.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    /// Voters on form E-11.
    pub(crate) sufragantes: u16,
    /// Ballots in the urn.
    pub(crate) urna: u16,
    /// Ballots burnt: the excess of the urn over the voters.
    pub(crate) incinerados: u16,
    /// Ballots counted.
    pub(crate) counted: u16,
}

impl Table {
    /// Draws a table: mostly both numbers agree; the urn may hold fewer ballots (nothing is burnt) or more (the excess is).
    pub(crate) fn sample<R: Rng + ?Sized>(rng: &mut R) -> Self {
        let sufragantes: u16 = match rng.random_range(0..10) {
            0 => rng.random_range(6..40),
            1..7 => rng.random_range(60..330),
            _ => rng.random_range(150..560),
        };
        let urna = match rng.random_range(0..100) {
            0..14 => sufragantes.saturating_sub(rng.random_range(1..=10)).max(1),
            14..20 => sufragantes + rng.random_range(1..=4),
            _ => sufragantes,
        };
        let incinerados = urna.saturating_sub(sufragantes);
        Self {
            sufragantes,
            urna,
            incinerados,
            counted: urna - incinerados,
        }
    }
}

/// Splits a number into parts, most of it among few of them. `skew` 1 is gentle, 4 leaves most parts at zero.
pub(crate) fn share<R: Rng + ?Sized>(rng: &mut R, total: u16, parts: usize, skew: f32) -> Vec<u16> {
    if parts == 0 {
        return Vec::new();
    }
    let weights: Vec<f32> = (0..parts)
        .map(|_| rng.random_range(0.001..1.0_f32).powf(skew * 2.0))
        .collect();
    let sum: f32 = weights.iter().sum();
    let mut shares = vec![0_u16; parts];
    for _ in 0..total {
        let mut left = rng.random_range(0.0..sum);
        let hit = weights
            .iter()
            .position(|w| {
                left -= w;
                left <= 0.0
            })
            .unwrap_or(parts - 1);
        shares[hit] += 1;
    }
    shares
}

/// Votes of a form whose rows are candidates or closed lists.
#[derive(Debug, Clone)]
pub(crate) struct Votes {
    /// Per candidate or list.
    pub(crate) rows: Vec<u16>,
    /// Votos en blanco.
    pub(crate) blanco: u16,
    /// Votos nulos.
    pub(crate) nulos: u16,
    /// Tarjetas no marcadas.
    pub(crate) no_marcados: u16,
}

impl Votes {
    /// Shares the counted ballots out. `blank_row` tells whether the form has a row for blank votes.
    pub(crate) fn sample<R: Rng + ?Sized>(rng: &mut R, counted: u16, rows: usize, blank_row: bool) -> Self {
        let spoilt = counted * rng.random_range(0..12) / 100;
        let special = share(rng, spoilt, 3, 0.7);
        let blanco = if blank_row { special[0] } else { 0 };
        let (nulos, no_marcados) = (special[1], special[2]);
        let skew = rng.random_range(1.0..3.0);
        let rows = share(rng, counted - blanco - nulos - no_marcados, rows, skew);
        Self {
            rows,
            blanco,
            nulos,
            no_marcados,
        }
    }
}

/// The printed total as jurors leave it: mostly right, sometimes wrong, blank or filled with fillers.
pub(crate) fn written_total<R: Rng + ?Sized>(rng: &mut R, total: u16, wrong: f64, left_blank: f64) -> Count {
    if rng.random_bool(left_blank) {
        return if rng.random_bool(0.6) {
            Count::Blank
        } else {
            Count::Fillers
        };
    }
    if rng.random_bool(wrong) {
        return Count::Number(misadded(rng, total));
    }
    Count::Number(total)
}

/// A number that is off by a little, as by an error of addition or copying.
pub(crate) fn misadded<R: Rng + ?Sized>(rng: &mut R, total: u16) -> u16 {
    let by = *[1, 1, 1, 2, 10].get(rng.random_range(0..5)).unwrap_or(&1);
    if rng.random_bool(0.5) && total > by {
        total - by
    } else {
        (total + by).min(999)
    }
}
