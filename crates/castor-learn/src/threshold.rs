//! From which confidence on a field needs no person: chosen on held-out forms for a stated error.

use std::collections::BTreeMap;

use crate::error::LearnError;
use crate::num::{share, single};

/// One field of a form that took no part in learning, as the machine decided it.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldOutField {
    /// The form (or polling table) it belongs to.
    pub form: String,
    /// Confidence of the decision, 0–1.
    pub confidence: f32,
    /// Whether the decision is what is written.
    pub correct: bool,
}

/// What the threshold must hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ErrorTarget {
    /// Largest share of wrong fields among the accepted ones.
    pub error: f64,
    /// Confidence level of the upper bound reported beside the error, such as 0.95.
    pub level: f64,
    /// No threshold below this is chosen, however good the fields are.
    pub at_least: f32,
}

impl Default for ErrorTarget {
    fn default() -> Self {
        Self {
            error: 0.0,
            level: 0.95,
            at_least: 0.5,
        }
    }
}

/// What a threshold lets through.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accepted {
    /// Fields at or above the threshold.
    pub fields: usize,
    /// Wrong ones among them: silent errors.
    pub wrong: usize,
    /// Fields sent to a person.
    pub to_review: usize,
}

impl Accepted {
    /// Share of wrong fields among the accepted ones.
    #[must_use]
    pub fn error(&self) -> f64 {
        share(self.wrong, self.fields)
    }

    /// Share of all fields sent to a person.
    #[must_use]
    pub fn review_share(&self) -> f64 {
        share(self.to_review, self.fields + self.to_review)
    }
}

/// A chosen threshold with what is known of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChosenThreshold {
    /// Least confidence that needs no person.
    pub value: f32,
    /// What it lets through of the fields it was chosen on.
    pub accepted: Accepted,
    /// Upper Clopper–Pearson bound of the error at the level of the target.
    pub upper_bound: f64,
    /// What is let through when each form is judged by the threshold that the other forms alone would choose: the
    /// error to expect on a form not seen.
    pub left_out: Accepted,
    /// Number of forms.
    pub forms: usize,
}

/// Chooses the smallest threshold whose accepted fields are wrong no more often than the target says.
///
/// It lies halfway, in log-odds, between the least confident field it accepts and the most confident one it does not.
///
/// # Errors
/// [`LearnError::NoSamples`] without fields.
pub fn choose_threshold(fields: &[HeldOutField], target: &ErrorTarget) -> Result<ChosenThreshold, LearnError> {
    if fields.is_empty() {
        return Err(LearnError::NoSamples("a threshold is chosen on held-out fields"));
    }
    let all: Vec<&HeldOutField> = fields.iter().collect();
    let value = smallest(&all, target);
    let accepted = accept(&all, value);
    let mut by_form: BTreeMap<&str, Vec<&HeldOutField>> = BTreeMap::new();
    for field in fields {
        by_form.entry(&field.form).or_default().push(field);
    }
    let mut left_out = Accepted {
        fields: 0,
        wrong: 0,
        to_review: 0,
    };
    for (form, own) in &by_form {
        let others: Vec<&HeldOutField> = fields.iter().filter(|f| f.form != *form).collect();
        let judged = accept(own, smallest(&others, target));
        left_out.fields += judged.fields;
        left_out.wrong += judged.wrong;
        left_out.to_review += judged.to_review;
    }
    Ok(ChosenThreshold {
        value,
        accepted,
        upper_bound: upper_bound(accepted.wrong, accepted.fields, target.level),
        left_out,
        forms: by_form.len(),
    })
}

/// What a threshold lets through of given fields.
#[must_use]
pub fn accept(fields: &[&HeldOutField], threshold: f32) -> Accepted {
    let passed = || fields.iter().filter(|f| f.confidence >= threshold);
    let count = passed().count();
    Accepted {
        fields: count,
        wrong: passed().filter(|f| !f.correct).count(),
        to_review: fields.len() - count,
    }
}

fn smallest(fields: &[&HeldOutField], target: &ErrorTarget) -> f32 {
    let mut sorted: Vec<&HeldOutField> = fields.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut wrong = 0;
    // How many of the most confident fields are accepted; fields of equal confidence go together.
    let mut accepted = 0;
    for (i, field) in sorted.iter().enumerate() {
        wrong += usize::from(!field.correct);
        let ends = sorted.get(i + 1).is_none_or(|next| next.confidence < field.confidence);
        if ends && share(wrong, i + 1) <= target.error {
            accepted = i + 1;
        }
    }
    let above = accepted.checked_sub(1).map_or(1.0, |last| sorted[last].confidence);
    let below = sorted.get(accepted).map(|f| f.confidence);
    // With nothing refused, nothing says how far down one may go.
    let value = below.map_or(above, |below| between(below, above));
    value.max(target.at_least)
}

/// Halfway between two confidences in log-odds; above the lower one whatever rounding does.
fn between(below: f32, above: f32) -> f32 {
    const NEAR: f64 = 1e-7;
    let odds = |p: f32| {
        let p = f64::from(p).clamp(NEAR, 1.0 - NEAR);
        (p / (1.0 - p)).ln()
    };
    let middle = single(1.0 / (1.0 + (-(odds(below) + odds(above)) / 2.0).exp()));
    if middle > below && middle <= above {
        middle
    } else {
        below.next_up()
    }
}

/// Upper Clopper–Pearson bound of a share: the p at which `wrong` or fewer of `fields` still come up with probability
/// 1 − `level`. 1 when there are no fields.
#[must_use]
pub fn upper_bound(wrong: usize, fields: usize, level: f64) -> f64 {
    if wrong >= fields {
        return 1.0;
    }
    let tail = 1.0 - level;
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..80 {
        let p = f64::midpoint(low, high);
        if at_most(wrong, fields, p) > tail {
            low = p;
        } else {
            high = p;
        }
    }
    f64::midpoint(low, high)
}

/// Probability of `k` or fewer successes among `n` at chance `p`, 0 < p < 1.
fn at_most(k: usize, n: usize, p: f64) -> f64 {
    let (log_p, log_q) = (p.ln(), (-p).ln_1p());
    let mut log_ways = 0.0;
    let mut sum = 0.0;
    for i in 0..=k {
        if i > 0 {
            log_ways += ((n - i + 1) as f64).ln() - (i as f64).ln();
        }
        sum += (log_ways + i as f64 * log_p + (n - i) as f64 * log_q).exp();
    }
    sum.min(1.0)
}
