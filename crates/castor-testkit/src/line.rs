//! What a bad line does with messages, drawn from a seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

/// What happens to one request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Both arrive.
    Arrives,
    /// Both arrive, late.
    Late(Duration),
    /// The request never arrives.
    RequestLost,
    /// The request arrives; its answer does not.
    AnswerLost,
    /// The line is cut so long after the request was begun, wherever it is then.
    Cut(Duration),
    /// The request arrives twice, one after the other.
    Twice,
    /// The request arrives twice at the same time.
    TwiceAtOnce,
    /// The request arrives, and once more behind later ones.
    AgainLater,
    /// The answer is one that was given to an equal request before.
    Stale,
}

/// A line, bad to some degree. The same seed gives the same fates.
#[derive(Debug)]
pub struct Faults {
    draw: ChaCha8Rng,
    badness: f64,
}

impl Faults {
    /// A line on which a share of the messages, 0–1, meets a fault.
    #[must_use]
    pub fn new(seed: u64, badness: f64) -> Self {
        Self {
            draw: ChaCha8Rng::seed_from_u64(seed),
            badness,
        }
    }

    /// A line without faults.
    #[must_use]
    pub fn none() -> Self {
        Self::new(0, 0.0)
    }

    /// What happens to the next message.
    pub fn fate(&mut self) -> Fate {
        if self.badness == 0.0 || !self.draw.random_bool(self.badness) {
            return Fate::Arrives;
        }
        let cut = Duration::from_micros(self.draw.random_range(0..6_000));
        match self.draw.random_range(0..12) {
            0 => Fate::Late(cut),
            1 | 2 => Fate::RequestLost,
            3..=5 => Fate::AnswerLost,
            6 | 7 => Fate::Cut(cut),
            8 => Fate::Twice,
            9 => Fate::TwiceAtOnce,
            10 => Fate::AgainLater,
            _ => Fate::Stale,
        }
    }

    /// How much of a stretch travels at once: little on a bad line, so that rounds are cut in the middle.
    pub fn part(&mut self, whole: u16) -> u16 {
        if self.badness == 0.0 || self.draw.random_bool(0.5) {
            whole
        } else {
            self.draw.random_range(1..=6).min(whole)
        }
    }
}
