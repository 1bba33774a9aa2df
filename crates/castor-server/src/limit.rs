//! Rates and the bucket that they fill.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// So many in a time: `100/hour`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Duration,
}

/// Not a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARate;

impl fmt::Display for NotARate {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("is not a rate such as 100/hour or 20/minute (second, minute, hour, day)")
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (count, unit) = text.split_once('/').ok_or(NotARate)?;
        let count = count.trim().parse().ok().filter(|count| *count > 0).ok_or(NotARate)?;
        let seconds = match unit.trim() {
            "second" => 1,
            "minute" => 60,
            "hour" => 3_600,
            "day" => 86_400,
            _ => return Err(NotARate),
        };
        Ok(Self::new(count, Duration::from_secs(seconds)))
    }
}

impl Rate {
    /// So many in a time.
    #[must_use]
    pub const fn new(count: u32, per: Duration) -> Self {
        Self { count, per }
    }

    /// The time in which one more is granted.
    #[must_use]
    pub fn interval(self) -> Duration {
        self.per / self.count
    }

    /// What a bucket answers. The bucket is kept as the instant at which it will be full again (`full_at`): each request
    /// moves it one interval on, and is refused when that would pass one whole period from now. Both times are counted
    /// from the same start.
    #[must_use]
    pub fn take(self, full_at: Duration, now: Duration) -> (Taken, Duration) {
        let after = full_at.max(now) + self.interval();
        let granted = after <= now + self.interval() * self.count;
        let full_at = if granted { after } else { full_at };
        let reset = full_at.saturating_sub(now);
        let free = (self.interval() * self.count).saturating_sub(reset).as_nanos() / self.interval().as_nanos().max(1);
        let wait = if granted {
            Duration::ZERO
        } else {
            (after - now).saturating_sub(self.interval() * self.count)
        };
        (
            Taken {
                rate: self,
                granted,
                remaining: u32::try_from(free).unwrap_or(self.count),
                wait,
                reset,
            },
            full_at,
        )
    }
}

/// What became of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The rate.
    pub rate: Rate,
    /// Whether it may go on.
    pub granted: bool,
    /// How many more at once.
    pub remaining: u32,
    /// How long until the next, when refused.
    pub wait: Duration,
    /// How long until the bucket is full.
    pub reset: Duration,
}
