//! The text that a scrape gets: every metric of the list, all from one snapshot, so that the counts of one scrape add
//! up.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::families::{Kind, METRICS, Metric, PREFIX, Value};
use super::seen::Seen;
use crate::tasks::Snapshot;

/// The media type of `OpenMetrics` text, the version that `prometheus-client` writes.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One scrape's worth.
#[derive(Debug)]
struct Page {
    snapshot: Snapshot,
    seen: Arc<Seen>,
}

/// The whole exposition, up to and with `# EOF`.
///
/// # Errors
/// A metric cannot be written as text; a count above 2^63 would be one.
pub(super) fn text(snapshot: Snapshot, seen: Arc<Seen>) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    registry.register_collector(Box::new(Page { snapshot, seen }));
    let mut text = String::with_capacity(16 << 10);
    encode(&mut text, &registry)?;
    Ok(text)
}

impl Collector for Page {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in &METRICS {
            let unit = metric.unit.map(|unit| Unit::Other(unit.to_owned()));
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Info => MetricType::Info,
            };
            let mut family = encoder.encode_descriptor(metric.name, metric.help, unit.as_ref(), kind)?;
            self.samples(metric, &mut family)?;
        }
        Ok(())
    }
}

impl Page {
    fn samples(&self, metric: &Metric, family: &mut MetricEncoder<'_>) -> fmt::Result {
        for sample in (metric.read)(&self.snapshot, &self.seen) {
            let labels = metric.label.map(|label| [(label, sample.label)]);
            match (metric.kind, &labels) {
                (Kind::Info, Some(labels)) => family.encode_info(labels)?,
                (kind, Some(labels)) => write(&mut family.encode_family(labels)?, kind, sample.value)?,
                (kind, None) => write(family, kind, sample.value)?,
            }
        }
        Ok(())
    }
}

fn write(encoder: &mut MetricEncoder<'_>, kind: Kind, value: Value) -> fmt::Result {
    match (kind, value) {
        (Kind::Counter, Value::Whole(value)) => encoder.encode_counter::<NoLabelSet, u64, f64>(&value, None),
        (Kind::Counter, Value::Number(value)) => encoder.encode_counter::<NoLabelSet, f64, f64>(&value, None),
        (Kind::Gauge | Kind::Info, Value::Whole(value)) => encoder.encode_gauge(&value),
        (Kind::Gauge | Kind::Info, Value::Number(value)) => encoder.encode_gauge(&value),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::point::{Cause, Failure, Histogram, PointId, Similarity};
    use crate::tasks::meters::Waiting;
    use crate::tasks::{Phase, StageSnapshot, StopReason, TaskEvent};

    fn busy() -> Snapshot {
        let mut similarities = Histogram::default();
        for similarity in [0.25, 0.9795, 0.98, 1.0] {
            similarities.record(Similarity::new(similarity));
        }
        similarities.record(None);
        Snapshot {
            phase: Phase::Running,
            total: 100,
            read: 60,
            written: 50,
            failed: 3,
            skipped: 2,
            in_hand: 5,
            similarities: Arc::new(similarities),
            rate: 12.5,
            elapsed: Duration::from_millis(1_500),
            stages: [StageSnapshot {
                in_flight: 2,
                limit: 4,
                queue: 7,
                p50: Some(Duration::from_millis(250)),
                p95: None,
                busy: 0.5,
            }; 3],
            cost_usd: 0.125,
            waiting: Some(Waiting {
                reason: "throttled by the embedder: sk-secret \"quoted\"\n".to_owned(),
                left: Some(Duration::from_secs(3)),
                ..Waiting::default()
            }),
            version: 9,
            ..Snapshot::default()
        }
    }

    #[test]
    fn a_scrape_says_what_the_snapshot_says() {
        let seen = Arc::new(Seen::new(0.98));
        seen.take_in(&TaskEvent::Committed { rows: 50, version: 9 });
        let failure = Failure::new(Cause::Rejected, "sk-secret");
        seen.take_in(&TaskEvent::PointFailed(PointId::Num(4_711), failure));
        let text = text(busy(), seen).expect("text");
        for line in [
            "# TYPE qlance_points gauge",
            "qlance_points{state=\"read\"} 60",
            "qlance_points{state=\"written\"} 50",
            "qlance_points{state=\"failed\"} 3",
            "qlance_points{state=\"skipped\"} 2",
            "qlance_points_in_hand 5",
            "qlance_collection_points 100",
            "qlance_phase{phase=\"running\"} 1",
            "qlance_phase{phase=\"paused\"} 0",
            "qlance_waiting{reason=\"throttled\"} 1",
            "qlance_waiting_left_seconds 3.0",
            "# UNIT qlance_work_seconds seconds",
            "# TYPE qlance_work_seconds counter",
            "qlance_work_seconds_total 1.5",
            "qlance_stage_busy_ratio{stage=\"embed\"} 0.5",
            "qlance_stage_latency_p50_seconds{stage=\"write\"} 0.25",
            "qlance_cost_usd_total 0.125",
            "qlance_similarity_rows{below=\"0.98\"} 2",
            "qlance_similarity_rows{below=\"1\"} 3",
            "qlance_compared_rows 4",
            "qlance_incomparable_rows 1",
            "qlance_divergence_threshold 0.98",
            "qlance_divergent_rows 2",
            "qlance_table_version 9",
            "qlance_commits_total 1",
            "qlance_committed_rows_total 50",
            "qlance_failures_total{cause=\"rejected\"} 1",
            "qlance_failures_total{cause=\"gone\"} 0",
            concat!("qlance_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("\n# EOF\n"), "{text}");
        assert!(!text.contains("latency_p95_seconds{"), "nothing was measured");
        assert!(!text.contains("\nqlance_budget_usd "), "there is none");
        for never in ["sk-secret", "quoted", "4711"] {
            assert!(!text.contains(never), "{never} is in\n{text}");
        }
    }

    #[test]
    fn every_metric_has_its_help_and_type_once_even_before_the_start() {
        let text = text(Snapshot::default(), Arc::new(Seen::new(0.98))).expect("text");
        for word in ["# HELP ", "# TYPE "] {
            assert_eq!(
                text.lines().filter(|line| line.starts_with(word)).count(),
                METRICS.len(),
                "{text}"
            );
        }
        assert!(text.contains("qlance_phase{phase=\"connecting\"} 1\n"), "{text}");
    }

    #[test]
    fn the_message_of_a_phase_stays_inside() {
        let snapshot = Snapshot {
            phase: Phase::Stopped(StopReason::Trouble("sk-secret".into())),
            ..Snapshot::default()
        };
        let text = text(snapshot, Arc::new(Seen::new(0.98))).expect("text");
        assert!(text.contains("qlance_phase{phase=\"stopped\"} 1\n"), "{text}");
        assert!(!text.contains("sk-secret"), "{text}");
    }
}
