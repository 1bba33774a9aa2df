//! A circuit breaker: a service that fails again and again is left alone for a while.

use std::time::{Duration, Instant};

/// Failures in a row that open the circuit.
pub const FAILURES: u32 = 5;
/// How long it stays open.
pub const OPEN_FOR: Duration = Duration::from_secs(60);
/// Good answers in a row that close it again.
pub const SUCCESSES: u32 = 2;

/// The state of the way to one service. Times are passed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circuit {
    /// Requests go through.
    Closed {
        /// Failures in a row.
        failures: u32,
    },
    /// No request goes through.
    Open {
        /// Since then.
        since: Instant,
    },
    /// One request at a time goes through, to see.
    HalfOpen {
        /// Good answers in a row.
        successes: u32,
        /// Since when one is under way.
        probe: Option<Instant>,
    },
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered.
    Answered,
    /// It did not, or with a fault of its own.
    Failed,
}

impl Default for Circuit {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Circuit {
    /// Whether a request may go now, and the state after; else how long to wait.
    ///
    /// # Errors
    /// The time until the next try.
    pub fn admit(self, now: Instant) -> Result<Self, Duration> {
        match self {
            Self::Closed { .. } => Ok(self),
            Self::Open { since } => match OPEN_FOR.checked_sub(now.saturating_duration_since(since)) {
                Some(wait) if !wait.is_zero() => Err(wait),
                _ => Ok(Self::HalfOpen {
                    successes: 0,
                    probe: Some(now),
                }),
            },
            // A probe whose end nobody told of (its client went away) does not block for ever.
            Self::HalfOpen { successes, probe } => match probe.map(|probe| now.saturating_duration_since(probe)) {
                Some(under_way) if under_way < OPEN_FOR => Err(Duration::from_secs(1)),
                _ => Ok(Self::HalfOpen {
                    successes,
                    probe: Some(now),
                }),
            },
        }
    }

    /// The state after an admitted request has ended.
    #[must_use]
    pub fn after(self, outcome: Outcome, now: Instant) -> Self {
        match (self, outcome) {
            (Self::Closed { .. }, Outcome::Answered) => Self::default(),
            (Self::Closed { failures }, Outcome::Failed) if failures + 1 < FAILURES => {
                Self::Closed { failures: failures + 1 }
            }
            (Self::Closed { .. } | Self::HalfOpen { .. }, Outcome::Failed) => Self::Open { since: now },
            (Self::HalfOpen { successes, .. }, Outcome::Answered) if successes + 1 < SUCCESSES => Self::HalfOpen {
                successes: successes + 1,
                probe: None,
            },
            (Self::HalfOpen { .. }, Outcome::Answered) => Self::default(),
            // Sent before the circuit opened: says nothing new.
            (Self::Open { .. }, _) => self,
        }
    }
}
