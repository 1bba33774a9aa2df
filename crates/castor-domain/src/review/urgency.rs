//! How urgent a form is, and why it is in the queue.

use super::{Case, State};
use crate::checks::Severity;
use crate::reading::{FormReading, ReviewReason};
use std::fmt;

impl Case {
    /// How urgent the form is, and why (CASTOR_FACTS 1.11).
    #[must_use]
    pub fn urgency(&self) -> Urgency {
        self.urgency_of(&self.consolidated().unwrap_or_default())
    }

    /// The same where the form as it stands is at hand.
    #[must_use]
    pub fn urgency_of(&self, form: &FormReading) -> Urgency {
        let mut urgency = Urgency {
            priority: Priority::Low,
            reasons: Vec::new(),
            confidence: 1.0,
        };
        let mut add = |reason: QueueReason, priority: Priority| {
            if !urgency.reasons.contains(&reason) {
                urgency.reasons.push(reason);
            }
            urgency.priority = urgency.priority.min(priority);
        };
        let mut lowest = 1.0f32;
        for field in form.fields.iter().filter(|f| f.needs_review) {
            lowest = lowest.min(field.confidence);
            for reason in &field.reasons {
                match reason {
                    ReviewReason::LowConfidence => add(QueueReason::LowConfidence, of_confidence(field.confidence)),
                    ReviewReason::Overwritten | ReviewReason::FillerAfterDigit => {
                        add(QueueReason::AmbiguousDigit, Priority::High);
                    }
                    ReviewReason::Cross | ReviewReason::UnsettledMark => add(QueueReason::SpecialMark, Priority::High),
                    ReviewReason::Layout | ReviewReason::RowIdentity => {
                        add(QueueReason::ValidationFailed, Priority::Medium);
                    }
                    ReviewReason::Arithmetic => add(QueueReason::ArithmeticMismatch, Priority::High),
                }
            }
        }
        for finding in form.findings.iter().filter(|f| f.failed()) {
            match finding.code.code() {
                "OCR_001" => {}
                "BAR_001" => add(QueueReason::QrOcrMismatch, Priority::High),
                "DUP_001" => add(QueueReason::DuplicateForm, Priority::Medium),
                _ => match finding.numbers {
                    Some(numbers) if numbers.difference().abs() > 10 => {
                        add(QueueReason::ArithmeticMismatch, Priority::Critical);
                    }
                    Some(_) => add(QueueReason::ArithmeticMismatch, Priority::High),
                    None => add(QueueReason::ValidationFailed, of_severity(finding.severity)),
                },
            }
        }
        if form.pages.iter().any(|p| p.needs_review) {
            add(QueueReason::ValidationFailed, Priority::Medium);
        }
        if self.state == State::Escalated {
            add(QueueReason::ManualFlag, Priority::Low);
            urgency.priority = urgency.priority.raised();
        }
        urgency.confidence = lowest;
        urgency
    }
}

/// How soon a form should be looked at; the most urgent is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// At once.
    Critical,
    /// Soon.
    High,
    /// In its turn.
    Medium,
    /// When there is time.
    Low,
}

impl Priority {
    /// Every priority, most urgent first.
    pub const ALL: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Critical => "CRITICAL",
            Self::High => "HIGH",
            Self::Medium => "MEDIUM",
            Self::Low => "LOW",
        }
    }

    /// Its place among all, 0 for the most urgent: as databases order by it.
    #[must_use]
    pub fn rank(self) -> i16 {
        match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
        }
    }

    /// Minutes in which a form of this priority should be done: those of the incidents P0 to P3.
    #[must_use]
    pub fn minutes(self) -> i64 {
        match self {
            Self::Critical => 10,
            Self::High => 15,
            Self::Medium => 30,
            Self::Low => 60,
        }
    }

    /// One level more urgent, as escalation makes it.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Critical | Self::High => Self::Critical,
            Self::Medium => Self::High,
            Self::Low => Self::Medium,
        }
    }
}

fn of_confidence(confidence: f32) -> Priority {
    match confidence {
        c if c < 0.30 => Priority::Critical,
        c if c < 0.50 => Priority::High,
        c if c < 0.70 => Priority::Medium,
        _ => Priority::Low,
    }
}

fn of_severity(severity: Severity) -> Priority {
    match severity {
        Severity::Critical => Priority::Critical,
        Severity::High => Priority::High,
        Severity::Medium => Priority::Medium,
        Severity::Low | Severity::Info => Priority::Low,
    }
}

/// Why a form is in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueReason {
    /// A cell's confidence is below the threshold.
    LowConfidence,
    /// The sums do not close.
    ArithmeticMismatch,
    /// Marks that mean no number by themselves.
    SpecialMark,
    /// A digit over another, or a filler behind one.
    AmbiguousDigit,
    /// Serial and printed header differ.
    QrOcrMismatch,
    /// A sheet was seen in another form.
    DuplicateForm,
    /// Another check failed, or a page was not recognised.
    ValidationFailed,
    /// A person passed it on.
    ManualFlag,
}

impl QueueReason {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LowConfidence => "LOW_CONFIDENCE",
            Self::ArithmeticMismatch => "ARITHMETIC_MISMATCH",
            Self::SpecialMark => "SPECIAL_MARK",
            Self::AmbiguousDigit => "AMBIGUOUS_DIGIT",
            Self::QrOcrMismatch => "QR_OCR_MISMATCH",
            Self::DuplicateForm => "DUPLICATE_FORM",
            Self::ValidationFailed => "VALIDATION_FAILED",
            Self::ManualFlag => "MANUAL_FLAG",
        }
    }
}

impl fmt::Display for QueueReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How urgent a form is.
#[derive(Debug, Clone, PartialEq)]
pub struct Urgency {
    /// The most urgent of its reasons' priorities.
    pub priority: Priority,
    /// Why it is in the queue.
    pub reasons: Vec<QueueReason>,
    /// Lowest confidence of a cell that waits; 1 when none does.
    pub confidence: f32,
}
