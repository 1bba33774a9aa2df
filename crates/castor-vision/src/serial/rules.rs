//! What any serial must say: `EE KKKKKK C VV PP TT` with class 71 to 75, copy 1 to 3, version 01, page within its pages.

use std::array;

/// Probabilities of the digits at the fifteen places.
type Places = [[f32; 10]; 15];

/// The likeliest digits under some rules.
pub(super) struct Read {
    pub(super) digits: [u8; 15],
    pub(super) probabilities: Places,
    /// Probability of the digits together.
    pub(super) together: f32,
}

/// Most pages of a form.
const PAGES: usize = 20;
/// Odds that stripes which are no serial satisfy the rules: by chance, about one in 300,000, and leave them likelier than
/// that where the bars are too blurred to say anything.
const CHANCE: f32 = 1e-4;

/// The digits under the rules, and the probability that the bars are a serial, from how likely they make the rules to
/// hold. Where that is below one half the digits are returned as the bars have them.
pub(super) fn apply(bars: &Places) -> (Read, f32) {
    let mut probabilities = *bars;
    let mut holds = 1.0;
    for (place, allowed) in [(0, 7..=7), (1, 1..=5), (8, 1..=3), (9, 0..=0), (10, 1..=1)] {
        let kept: [f32; 10] = array::from_fn(|d| if allowed.contains(&d) { bars[place][d] } else { 0.0 });
        let sum: f32 = kept.iter().sum();
        holds *= sum;
        probabilities[place] = kept.map(|p| p / sum.max(f32::MIN_POSITIVE));
    }
    let pages = pages(bars);
    holds *= pages.holds;
    probabilities[11..].copy_from_slice(&pages.probabilities);
    let plausibility = holds / (holds + CHANCE);
    if plausibility < 0.5 {
        let (digits, together) = likeliest(bars);
        let read = Read {
            digits,
            probabilities: *bars,
            together,
        };
        return (read, plausibility);
    }
    let (mut digits, _) = likeliest(&probabilities);
    digits[11..].copy_from_slice(&pages.digits);
    let first: f32 = digits[..11]
        .iter()
        .zip(&probabilities)
        .map(|(&d, p)| p[usize::from(d)])
        .product();
    let read = Read {
        digits,
        probabilities,
        together: first * pages.together,
    };
    (read, plausibility)
}

fn likeliest(places: &Places) -> ([u8; 15], f32) {
    let mut together = 1.0;
    let digits = places.map(|place| {
        let best = (0u8..10).max_by(|&a, &b| place[usize::from(a)].total_cmp(&place[usize::from(b)]));
        let best = best.unwrap_or(0);
        together *= place[usize::from(best)];
        best
    });
    (digits, together)
}

/// The last four places.
struct Pages {
    digits: [u8; 4],
    probabilities: [[f32; 10]; 4],
    together: f32,
    holds: f32,
}

/// Page and number of pages, weighed as pairs: the page is within its pages.
fn pages(bars: &Places) -> Pages {
    let digits_of = |page: usize, pages: usize| [page / 10, page % 10, pages / 10, pages % 10];
    let mut marginal = [[0.0; 10]; 4];
    let mut holds = 0.0;
    let mut best = ([0; 4], 0.0);
    for pages in 1..=PAGES {
        for page in 1..=pages {
            let digits = digits_of(page, pages);
            let chance: f32 = digits.iter().zip(&bars[11..]).map(|(&d, p)| p[d]).product();
            holds += chance;
            for (&d, place) in digits.iter().zip(&mut marginal) {
                place[d] += chance;
            }
            if chance > best.1 {
                best = (digits, chance);
            }
        }
    }
    let sum = f32::max(holds, f32::MIN_POSITIVE);
    Pages {
        digits: best.0.map(|d| u8::try_from(d).unwrap_or(0)),
        probabilities: marginal.map(|place| place.map(|p| p / sum)),
        together: best.1 / sum,
        holds,
    }
}
