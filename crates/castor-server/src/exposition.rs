//! Reads back what Prometheus is told: the text format, as far as this server writes it.

use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// One line: a name, its labels, its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// Its name.
    pub name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    /// Its value as written.
    pub value: &'a str,
}

impl Sample<'_> {
    /// The value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| *value)
    }
}

/// Every sample of a page. Labels of this server hold neither quotes nor commas.
#[must_use]
pub fn read(page: &str) -> Vec<Sample<'_>> {
    page.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(sample)
        .collect()
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (head, value) = line.rsplit_once(' ')?;
    let (name, labels) = match head.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}')?),
        None => (head, ""),
    };
    let labels = labels.split(',').filter_map(|label| {
        let (name, value) = label.split_once('=')?;
        Some((name, value.trim_matches('"')))
    });
    Some(Sample {
        name,
        labels: labels.collect(),
        value,
    })
}

/// Counts by the upper end of their bucket in seconds, all labels together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Histogram {
    /// By the bits of the end, which order positive numbers as they are.
    buckets: BTreeMap<u64, (f64, u64)>,
    all: u64,
}

impl Histogram {
    /// The histogram of this name.
    #[must_use]
    pub fn of(samples: &[Sample<'_>], name: &str) -> Self {
        let mut histogram = Self::default();
        let of_it = samples
            .iter()
            .filter(|sample| sample.name.strip_suffix("_bucket") == Some(name));
        for sample in of_it {
            let (Some(end), Ok(count)) = (sample.label("le"), sample.value.parse::<u64>()) else {
                continue;
            };
            match end.parse::<f64>() {
                Ok(end) if end.is_finite() => {
                    histogram.buckets.entry(end.to_bits()).or_insert((end, 0)).1 += count;
                }
                _ => histogram.all += count,
            }
        }
        histogram
    }

    /// The end of the bucket within which the share lies; none without any.
    #[must_use]
    pub fn within(&self, share: f64) -> Option<Within> {
        let last = self.buckets.values().last()?.0;
        let reached = |count: u64| ratio(count, self.all) >= share;
        let end = self.buckets.values().find(|(_, count)| reached(*count));
        (self.all > 0).then(|| Within {
            seconds: end.map_or(last, |(end, _)| *end),
            beyond: end.is_none(),
        })
    }
}

/// How long a share of things took at most, as far as buckets say.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Within {
    /// The end of a bucket.
    pub seconds: f64,
    /// Longer than that: it is the last bucket that has an end.
    pub beyond: bool,
}

#[allow(clippy::cast_precision_loss)] // Counts of requests stay far below 2^53.
fn ratio(count: u64, all: u64) -> f64 {
    count as f64 / all as f64
}
