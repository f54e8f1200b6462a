//! The table itself, and how a value becomes samples.

use std::time::Duration;

use super::{Kind, Metric, Sample, Value};
use crate::metrics::words;
use crate::tasks::{Snapshot, StageSnapshot};

/// Bounds that similarities are counted below, each as its label: multiples of 0.0005, so that the counts are exact.
const BOUNDS: [(&str, f32); 14] = [
    ("0", 0.0),
    ("0.5", 0.5),
    ("0.7", 0.7),
    ("0.8", 0.8),
    ("0.85", 0.85),
    ("0.9", 0.9),
    ("0.93", 0.93),
    ("0.95", 0.95),
    ("0.97", 0.97),
    ("0.98", 0.98),
    ("0.99", 0.99),
    ("0.995", 0.995),
    ("0.999", 0.999),
    ("1", 1.0),
];

const STAGES: [&str; 3] = ["read", "embed", "write"];

fn whole(value: u64) -> Vec<Sample> {
    vec![labelled("", value)]
}

fn labelled(label: &'static str, value: u64) -> Sample {
    Sample {
        label,
        value: Value::Whole(value),
    }
}

fn number(value: impl Into<Option<f64>>) -> Vec<Sample> {
    let known = value.into().filter(|value| value.is_finite());
    known.into_iter().map(|value| measured("", value)).collect()
}

fn measured(label: &'static str, value: f64) -> Sample {
    Sample {
        label,
        value: Value::Number(value),
    }
}

fn seconds(span: Option<Duration>) -> Vec<Sample> {
    number(span.map(|span| span.as_secs_f64()))
}

/// One of a closed set is so, the others are not.
fn one_of(all: &[&'static str], now: Option<&str>) -> Vec<Sample> {
    all.iter()
        .map(|&word| labelled(word, u64::from(now == Some(word))))
        .collect()
}

fn stages(snapshot: &Snapshot, read: impl Fn(&StageSnapshot) -> Option<Value>) -> Vec<Sample> {
    STAGES
        .into_iter()
        .zip(&snapshot.stages)
        .filter_map(|(label, stage)| {
            Some(Sample {
                label,
                value: read(stage)?,
            })
        })
        .collect()
}

fn stage_seconds(snapshot: &Snapshot, read: impl Fn(&StageSnapshot) -> Option<Duration>) -> Vec<Sample> {
    stages(snapshot, |stage| Some(Value::Number(read(stage)?.as_secs_f64())))
}

/// All metrics, in the order of the exposition.
pub static METRICS: [Metric; 38] = [
    Metric {
        name: "build",
        unit: None,
        kind: Kind::Info,
        label: Some("version"),
        help: "The version of qlance",
        read: |_, _| vec![labelled(env!("CARGO_PKG_VERSION"), 1)],
    },
    Metric {
        name: "collection_points",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Points in the collection when the job was opened, or when both stores were last gone over",
        read: |snapshot, _| whole(snapshot.total),
    },
    Metric {
        name: "points",
        unit: None,
        kind: Kind::Gauge,
        label: Some("state"),
        help: "Points of the job in all its runs by state: read = written + failed + skipped + points_in_hand",
        read: |snapshot, _| {
            vec![
                labelled("read", snapshot.read),
                labelled("written", snapshot.written),
                labelled("failed", snapshot.failed),
                labelled("skipped", snapshot.skipped),
            ]
        },
    },
    Metric {
        name: "points_in_hand",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Points read and not settled yet",
        read: |snapshot, _| whole(snapshot.in_hand),
    },
    Metric {
        name: "points_per_second",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Points settled a second, over the last five seconds",
        read: |snapshot, _| number(snapshot.rate),
    },
    Metric {
        name: "shortened_rows",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Rows whose text was longer than the model takes, and was shortened",
        read: |snapshot, _| whole(snapshot.shortened),
    },
    Metric {
        name: "phase",
        unit: None,
        kind: Kind::Gauge,
        label: Some("phase"),
        help: "1 for the phase that the work is in, 0 for the others",
        read: |snapshot, _| one_of(&words::PHASES, Some(words::phase(&snapshot.phase))),
    },
    Metric {
        name: "waiting",
        unit: None,
        kind: Kind::Gauge,
        label: Some("reason"),
        help: "1 for the reason why the work waits just now, 0 for the others",
        read: |snapshot, _| {
            let waiting = snapshot.waiting.as_ref();
            let word = waiting.map(|waiting| words::wait(&snapshot.phase, waiting));
            one_of(&words::WAITS, word)
        },
    },
    Metric {
        name: "waiting_left",
        unit: Some("seconds"),
        kind: Kind::Gauge,
        label: None,
        help: "For how much longer it waits; absent where that is not known",
        read: |snapshot, _| seconds(snapshot.waiting.as_ref().and_then(|waiting| waiting.left)),
    },
    Metric {
        name: "outage",
        unit: Some("seconds"),
        kind: Kind::Gauge,
        label: None,
        help: "How long a neighbour has not answered; 0 without an outage",
        read: |snapshot, _| {
            let outage = snapshot.waiting.as_ref().and_then(|waiting| waiting.outage);
            number(outage.map_or(0.0, |outage| outage.lasted.as_secs_f64()))
        },
    },
    Metric {
        name: "work",
        unit: Some("seconds"),
        kind: Kind::Counter,
        label: None,
        help: "How long this run has been working, pauses left out",
        read: |snapshot, _| seconds(Some(snapshot.elapsed)),
    },
    Metric {
        name: "left",
        unit: Some("seconds"),
        kind: Kind::Gauge,
        label: None,
        help: "When the rest will be done at the smoothed rate; absent where that is not known",
        read: |snapshot, _| seconds(snapshot.eta),
    },
    Metric {
        name: "stage_in_flight",
        unit: None,
        kind: Kind::Gauge,
        label: Some("stage"),
        help: "Scrolls, embedding requests or commits in flight",
        read: |snapshot, _| stages(snapshot, |stage| Some(Value::Whole(stage.in_flight as u64))),
    },
    Metric {
        name: "stage_limit",
        unit: None,
        kind: Kind::Gauge,
        label: Some("stage"),
        help: "How many may be in flight just now",
        read: |snapshot, _| stages(snapshot, |stage| Some(Value::Whole(stage.limit as u64))),
    },
    Metric {
        name: "stage_queue_points",
        unit: None,
        kind: Kind::Gauge,
        label: Some("stage"),
        help: "Points that wait in front of the stage",
        read: |snapshot, _| stages(snapshot, |stage| Some(Value::Whole(stage.queue))),
    },
    Metric {
        name: "stage_busy",
        unit: Some("ratio"),
        kind: Kind::Gauge,
        label: Some("stage"),
        help: "Share of the stage's capacity in use over the last five seconds, 0 to 1",
        read: |snapshot, _| stages(snapshot, |stage| Some(Value::Number(f64::from(stage.busy)))),
    },
    Metric {
        name: "stage_latency_p50",
        unit: Some("seconds"),
        kind: Kind::Gauge,
        label: Some("stage"),
        help: "Median latency of the run so far; absent before the first",
        read: |snapshot, _| stage_seconds(snapshot, |stage| stage.p50),
    },
    Metric {
        name: "stage_latency_p95",
        unit: Some("seconds"),
        kind: Kind::Gauge,
        label: Some("stage"),
        help: "95th percentile of the latency of the run so far; absent before the first",
        read: |snapshot, _| stage_seconds(snapshot, |stage| stage.p95),
    },
    Metric {
        name: "embedding_requests",
        unit: None,
        kind: Kind::Counter,
        label: None,
        help: "Requests sent to the embedder in this run, those that failed too",
        read: |snapshot, _| whole(snapshot.usage.requests),
    },
    Metric {
        name: "embedding_inputs",
        unit: None,
        kind: Kind::Counter,
        label: None,
        help: "Inputs in requests of this run that were answered",
        read: |snapshot, _| whole(snapshot.usage.inputs),
    },
    Metric {
        name: "embedding_tokens",
        unit: None,
        kind: Kind::Counter,
        label: None,
        help: "Tokens of this run, as the server counted them",
        read: |snapshot, _| whole(snapshot.usage.tokens),
    },
    Metric {
        name: "embedding_remembered_inputs",
        unit: None,
        kind: Kind::Counter,
        label: None,
        help: "Inputs that needed no request because an equal text had been embedded",
        read: |snapshot, _| whole(snapshot.usage.remembered),
    },
    Metric {
        name: "embedding_spooled_inputs",
        unit: None,
        kind: Kind::Counter,
        label: None,
        help: "Inputs that an earlier run had paid for and not committed",
        read: |snapshot, _| whole(snapshot.usage.spooled),
    },
    Metric {
        name: "cost",
        unit: Some("usd"),
        kind: Kind::Counter,
        label: None,
        help: "US dollars that the job has cost in all its runs, at the configured price",
        read: |snapshot, _| number(snapshot.cost_usd),
    },
    Metric {
        name: "budget",
        unit: Some("usd"),
        kind: Kind::Gauge,
        label: None,
        help: "US dollars that the whole job may cost; absent without a budget",
        read: |snapshot, _| number(snapshot.settings.budget_usd),
    },
    Metric {
        name: "setting_in_flight",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Embedding requests that the operator allows in flight",
        read: |snapshot, _| whole(snapshot.settings.in_flight as u64),
    },
    Metric {
        name: "setting_batch_inputs",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Inputs that the operator allows in a request",
        read: |snapshot, _| whole(snapshot.settings.batch_inputs as u64),
    },
    Metric {
        name: "compared_rows",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Rows whose new embedding was compared with Qdrant's vector",
        read: |snapshot, _| whole(snapshot.similarities.compared()),
    },
    Metric {
        name: "incomparable_rows",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Rows whose new embedding cannot be compared with Qdrant's vector",
        read: |snapshot, _| whole(snapshot.similarities.incomparable()),
    },
    Metric {
        name: "similarity_rows",
        unit: None,
        kind: Kind::Gauge,
        label: Some("below"),
        help: "Compared rows whose similarity lies below the bound; the bounds add up",
        read: |snapshot, _| {
            let below = |(label, bound)| labelled(label, snapshot.similarities.below(bound));
            BOUNDS.into_iter().map(below).collect()
        },
    },
    Metric {
        name: "divergence_threshold",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Similarities below it count as divergent, as set now",
        // By way of its decimal spelling: 0.98 is not to become 0.9800000190734863.
        read: |_, seen| number(seen.threshold().to_string().parse::<f64>().ok()),
    },
    Metric {
        name: "divergent_rows",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Rows whose similarity lies below the threshold",
        read: |snapshot, seen| whole(snapshot.similarities.below(seen.threshold())),
    },
    Metric {
        name: "table_version",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "The version of the LanceDB table",
        read: |snapshot, _| whole(snapshot.version),
    },
    Metric {
        name: "commits",
        unit: None,
        kind: Kind::Counter,
        label: None,
        help: "Commits of the migration in this run; those of retries are not among them",
        read: |_, seen| whole(seen.commits()),
    },
    Metric {
        name: "committed_rows",
        unit: None,
        kind: Kind::Counter,
        label: None,
        help: "Rows of these commits; its rate is the throughput",
        read: |_, seen| whole(seen.rows()),
    },
    Metric {
        name: "failures",
        unit: None,
        kind: Kind::Counter,
        label: Some("cause"),
        help: "Tries in this run that failed a point, by cause; retries count too",
        read: |_, seen| {
            let failures = seen.failures();
            failures.map(|(cause, count)| labelled(cause.as_str(), count)).collect()
        },
    },
    Metric {
        name: "sync_compared_points",
        unit: None,
        kind: Kind::Gauge,
        label: None,
        help: "Points gone through in a comparison of both stores",
        read: |snapshot, _| whole(snapshot.compared),
    },
    Metric {
        name: "event_lines",
        unit: None,
        kind: Kind::Counter,
        label: Some("outcome"),
        help: "Lines of the event log: written, or dropped because the disk or the queue was full",
        read: |_, seen| {
            let (written, dropped) = seen.lines();
            vec![labelled("written", written), labelled("dropped", dropped)]
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_and_are_exact() {
        for ((label, bound), (_, next)) in BOUNDS.iter().zip(&BOUNDS[1..]) {
            assert!(bound < next);
            assert_eq!(label.parse::<f32>(), Ok(*bound));
        }
        for (_, bound) in BOUNDS {
            let steps = f64::from(bound) * 2_000.0;
            assert!((steps - steps.round()).abs() < 1e-3, "{bound}");
        }
    }
}
