//! How far two readers agree.

use std::collections::BTreeMap;

/// Two-sided 95 % point of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// An interval of 95 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A share of `n` trials with Wilson's interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    /// Trials.
    pub n: u32,
    /// Trials that succeeded.
    pub hits: u32,
    /// `hits / n`.
    pub value: f64,
    /// Interval of 95 %.
    pub interval: Interval,
}

/// The share of `hits` among `n` trials; `None` without any.
///
/// The interval is Wilson's score interval without continuity correction (E. B. Wilson, "Probable inference, the law of
/// succession, and statistical inference", J. Am. Stat. Assoc. 22, 1927): with `p = hits / n` and `z` = 1.96,
/// `(p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n)`. It stays within 0–1 and is no point at 0 or 1.
#[must_use]
pub fn share(hits: u32, n: u32) -> Option<Share> {
    if n == 0 || hits > n {
        return None;
    }
    let trials = f64::from(n);
    let p = f64::from(hits) / trials;
    let centre = p + Z * Z / (2.0 * trials);
    let half = Z * (p * (1.0 - p) / trials + Z * Z / (4.0 * trials * trials)).sqrt();
    let scale = 1.0 + Z * Z / trials;
    Some(Share {
        n,
        hits,
        value: p,
        interval: Interval {
            low: ((centre - half) / scale).max(0.0),
            high: ((centre + half) / scale).min(1.0),
        },
    })
}

/// Why there is no κ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKappa {
    /// Nothing was read twice.
    NoPairs,
    /// Both readers gave one and the same number throughout: chance alone would agree as well.
    OneCategory,
}

impl NoKappa {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoPairs => "NO_PAIRS",
            Self::OneCategory => "ONE_CATEGORY",
        }
    }
}

/// Cohen's κ of two readers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kappa {
    /// Cells read twice.
    pub n: u32,
    /// κ: 1 full agreement, 0 that of chance.
    pub value: f64,
    /// Interval of 95 %; `None` when the readers agree on every cell, where the formula gives a width of 0 that says
    /// nothing.
    pub interval: Option<Interval>,
}

/// Cohen's κ over pairs of what two readers read, each number (or blank) a category of its own.
///
/// `κ = (pₒ − pₑ) / (1 − pₑ)` with `pₒ` the share of equal pairs and `pₑ = Σᵢ pᵢ. p.ᵢ` the share expected of readers who
/// are independent (J. Cohen, "A coefficient of agreement for nominal scales", Educ. Psychol. Meas. 20, 1960). The
/// interval is κ ± 1.96 SE with the large-sample variance of J. L. Fleiss, J. Cohen and B. S. Everitt ("Large sample
/// standard errors of kappa and weighted kappa", Psychol. Bull. 72, 1969):
/// `SE² = (A + B − C) / (n (1 − pₑ)²)`, `A = Σᵢ pᵢᵢ (1 − (pᵢ. + p.ᵢ)(1 − κ))²`,
/// `B = (1 − κ)² Σᵢ≠ⱼ pᵢⱼ (p.ᵢ + pⱼ.)²`, `C = (κ − pₑ (1 − κ))²`. It is rough below some thirty pairs.
///
/// # Errors
/// [`NoKappa`] where κ is undefined.
pub fn kappa(pairs: &[(Option<u16>, Option<u16>)]) -> Result<Kappa, NoKappa> {
    let n = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
    if n == 0 {
        return Err(NoKappa::NoPairs);
    }
    let one = 1.0 / f64::from(n);
    let mut first: BTreeMap<Option<u16>, f64> = BTreeMap::new();
    let mut second: BTreeMap<Option<u16>, f64> = BTreeMap::new();
    for (a, b) in pairs {
        *first.entry(*a).or_default() += one;
        *second.entry(*b).or_default() += one;
    }
    let of = |side: &BTreeMap<Option<u16>, f64>, value: &Option<u16>| side.get(value).copied().unwrap_or(0.0);
    let equal = pairs.iter().filter(|(a, b)| a == b).count();
    if first.len() == 1 && first.keys().eq(second.keys()) {
        return Err(NoKappa::OneCategory);
    }
    let observed = f64::from(u32::try_from(equal).unwrap_or(u32::MAX)) * one;
    let expected: f64 = first.iter().map(|(value, share)| share * of(&second, value)).sum();
    let value = (observed - expected) / (1.0 - expected);
    let (mut a, mut b) = (0.0, 0.0);
    for (row, column) in pairs {
        if row == column {
            a += one * (1.0 - (of(&first, row) + of(&second, row)) * (1.0 - value)).powi(2);
        } else {
            b += one * (of(&second, row) + of(&first, column)).powi(2);
        }
    }
    let c = (value - expected * (1.0 - value)).powi(2);
    let variance = (a + (1.0 - value).powi(2) * b - c) * one / (1.0 - expected).powi(2);
    let half = Z * variance.max(0.0).sqrt();
    let interval = (equal < pairs.len()).then(|| Interval {
        low: (value - half).max(-1.0),
        high: (value + half).min(1.0),
    });
    Ok(Kappa { n, value, interval })
}
