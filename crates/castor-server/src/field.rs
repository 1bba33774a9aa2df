//! Rules of single fields, collected so that a client hears of all of them at once.

use crate::error::{ApiError, FieldProblem};

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Check(Vec<FieldProblem>);

impl Check {
    pub(crate) fn add(&mut self, problem: Option<FieldProblem>) {
        self.0.extend(problem);
    }

    /// A field that breaks a rule.
    pub(crate) fn breaks(&mut self, field: &str, rule: &str) {
        self.0.push(FieldProblem {
            field: field.to_owned(),
            rule: rule.to_owned(),
        });
    }

    /// A field that must keep a rule.
    pub(crate) fn rule(&mut self, holds: bool, field: &str, rule: &str) {
        if !holds {
            self.breaks(field, rule);
        }
    }

    /// A text of 1 to `longest` characters that says something and is printable.
    pub(crate) fn text(&mut self, field: &str, text: &str, longest: usize) {
        let fits = !text.trim().is_empty() && text.chars().count() <= longest;
        self.rule(
            fits && printable(text),
            field,
            &format!("has 1 to {longest} characters"),
        );
    }

    /// As [`Self::text`] where it is given.
    pub(crate) fn optional_text(&mut self, field: &str, text: Option<&str>, longest: usize) {
        if let Some(text) = text {
            self.text(field, text, longest);
        }
    }

    pub(crate) fn email(&mut self, field: &str, text: &str) {
        self.rule(is_email(text), field, "is an e-mail address");
    }

    /// Digits after an optional +, with spaces, dots, hyphens and parentheses between them: `digits` of them, and `lengths`
    /// characters in all.
    pub(crate) fn phone(
        &mut self,
        field: &str,
        text: &str,
        digits: std::ops::RangeInclusive<usize>,
        lengths: std::ops::RangeInclusive<usize>,
    ) {
        let rest = text.strip_prefix('+').unwrap_or(text);
        let count = rest.chars().filter(char::is_ascii_digit).count();
        let shape = rest.chars().all(|c| c.is_ascii_digit() || " .-()".contains(c));
        let holds = shape && digits.contains(&count) && lengths.contains(&text.chars().count());
        let rule = format!("has {} to {} digits after an optional +", digits.start(), digits.end());
        self.rule(holds, field, &rule);
    }

    pub(crate) fn done(self) -> Result<(), ApiError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(ApiError::fields(self.0))
        }
    }
}

fn printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// One @ between a name and a domain with a dot; no spaces; at most 254 characters (RFC 5321).
fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.split_once('@') else {
        return false;
    };
    let labels_fit = domain.split('.').all(|label| {
        let edges = !label.starts_with('-') && !label.ends_with('-');
        !label.is_empty() && edges && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    });
    let name_fits = !name.is_empty() && name.len() <= 64 && !name.contains([' ', '"', '<', '>', ',', ';', '\\']);
    text.len() <= 254 && printable(text) && name_fits && domain.contains('.') && labels_fit
}
