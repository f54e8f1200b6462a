//! The one list of all metrics: name, type, unit, label, help and where the value comes from. The exposition walks it,
//! and so does the test that holds docs/metrics.md to it.
//!
//! What can sink is a gauge, whatever it counts: points that failed are brought over by a retry, points in hand go back
//! when a run stops, rows are replaced and removed. Only what can but grow within one run is a counter. For the same
//! reason the similarities are no Prometheus histogram: its buckets may not sink, and it owes a sum that bins do not
//! have.
//!
//! Every label has a closed set of values (those in `words`, the causes of failures, the bounds below). Ids, payloads,
//! addresses and messages are never among them.

mod table;

use super::seen::Seen;
use crate::tasks::Snapshot;

pub use table::METRICS;

/// What all names begin with.
pub(super) const PREFIX: &str = "qlance";

/// The type of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only grows within one run; its samples end in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A fact in a label; its sample ends in `_info`.
    Info,
}

impl Kind {
    /// The word in the exposition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Info => "info",
        }
    }
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A count.
    Whole(u64),
    /// A number; always finite.
    Number(f64),
}

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The value of the metric's label; empty where it has none.
    pub label: &'static str,
    /// The value.
    pub value: Value,
}

/// One metric.
pub struct Metric {
    /// The name without prefix, unit and suffix.
    pub name: &'static str,
    /// The unit: the next part of the name.
    pub unit: Option<&'static str>,
    /// The type.
    pub kind: Kind,
    /// Its one label.
    pub label: Option<&'static str>,
    /// What it says.
    pub help: &'static str,
    /// Its samples now; none where nothing is known.
    pub read: fn(&Snapshot, &Seen) -> Vec<Sample>,
}

impl Metric {
    /// The name of its samples, as a query writes it.
    pub fn full_name(&self) -> String {
        let unit = self.unit.map(|unit| format!("_{unit}")).unwrap_or_default();
        let suffix = match self.kind {
            Kind::Counter => "_total",
            Kind::Gauge => "",
            Kind::Info => "_info",
        };
        format!("{PREFIX}_{}{unit}{suffix}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn is_snake(text: &str) -> bool {
        !text.is_empty()
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    }

    #[test]
    fn names_are_unique_and_well_formed() {
        let names: BTreeSet<String> = METRICS.iter().map(Metric::full_name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in &METRICS {
            assert!(is_snake(metric.name), "{}", metric.name);
            assert!(!metric.name.ends_with("_total") && !metric.name.ends_with("_info"));
            assert!(metric.unit.is_none_or(is_snake) && metric.label.is_none_or(is_snake));
            // The exposition writes them as they are.
            let plain = |c: char| !c.is_control() && c != '\\' && c != '|';
            assert!(
                !metric.help.is_empty() && metric.help.chars().all(plain),
                "{}",
                metric.help
            );
        }
    }

    #[test]
    fn labels_are_a_closed_set_that_is_always_there_whole() {
        let seen = Seen::new(0.98);
        let before = Snapshot::default();
        for metric in &METRICS {
            let samples = (metric.read)(&before, &seen);
            let labels: BTreeSet<&str> = samples.iter().map(|sample| sample.label).collect();
            assert_eq!(labels.len(), samples.len(), "{}", metric.name);
            assert!(samples.len() <= 20, "{}", metric.name);
            for sample in &samples {
                assert_eq!(sample.label.is_empty(), metric.label.is_none(), "{}", metric.name);
                let plain = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c) || c == ' ';
                assert!(sample.label.chars().all(plain), "{}", sample.label);
            }
            if metric.label.is_none() {
                assert!(samples.len() <= 1, "{}", metric.name);
            }
        }
    }

    #[test]
    fn the_threshold_is_told_as_it_is_written() {
        let of = |name: &str| METRICS.iter().find(|metric| metric.name == name).expect("a metric");
        let read = of("divergence_threshold").read;
        for (threshold, expected) in [(0.98, 0.98), (-0.5, -0.5), (1.0, 1.0)] {
            let samples = read(&Snapshot::default(), &Seen::new(threshold));
            let value = Value::Number(expected);
            assert_eq!(samples, [Sample { label: "", value }]);
        }
    }
}
