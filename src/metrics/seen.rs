//! What the events of a run add up to: the counters that no snapshot has. Counting never waits.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::point::Cause;
use crate::tasks::{Setting, TaskEvent};

/// Counters of one run, filled by the tap that its events pass.
#[derive(Debug)]
pub struct Seen {
    /// The bits of the threshold as it holds.
    threshold: AtomicU32,
    commits: AtomicU64,
    rows: AtomicU64,
    failures: [AtomicU64; Cause::ALL.len()],
    logged: AtomicU64,
    dropped: AtomicU64,
}

impl Seen {
    /// Nothing was seen yet; below `threshold` a similarity counts as divergent.
    pub fn new(threshold: f32) -> Self {
        Self {
            threshold: AtomicU32::new(threshold.to_bits()),
            commits: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            failures: std::array::from_fn(|_| AtomicU64::new(0)),
            logged: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Takes an event in.
    pub fn take_in(&self, event: &TaskEvent) {
        match event {
            TaskEvent::Committed { rows, .. } => {
                self.commits.fetch_add(1, Ordering::Relaxed);
                self.rows.fetch_add(*rows, Ordering::Relaxed);
            }
            TaskEvent::PointFailed(_, failure) | TaskEvent::RetryFinished(_, Err(failure)) => {
                let places = Cause::ALL.iter().zip(&self.failures);
                for (_, count) in places.filter(|(cause, _)| **cause == failure.cause) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
            TaskEvent::SettingConfirmed(Setting::Threshold(threshold)) => {
                self.threshold.store(threshold.to_bits(), Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Below this a similarity counts as divergent, as it holds now.
    pub fn threshold(&self) -> f32 {
        f32::from_bits(self.threshold.load(Ordering::Relaxed))
    }

    /// Commits of the run.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Rows of these commits.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Tries that failed, by cause; retries count too.
    pub fn failures(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL
            .into_iter()
            .zip(&self.failures)
            .map(|(cause, count)| (cause, count.load(Ordering::Relaxed)))
    }

    /// Lines of the event log: written, and dropped because they could not be.
    pub fn lines(&self) -> (u64, u64) {
        (
            self.logged.load(Ordering::Relaxed),
            self.dropped.load(Ordering::Relaxed),
        )
    }

    /// So many lines are in the event log.
    pub(super) fn logged(&self, lines: u64) {
        self.logged.fetch_add(lines, Ordering::Relaxed);
    }

    /// So many lines could not be written.
    pub(super) fn dropped(&self, lines: u64) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Failure, PointId};

    #[test]
    fn events_are_counted_once_and_the_newest_threshold_holds() {
        let seen = Seen::new(0.98);
        let failed = |cause| Failure::new(cause, "the server quotes your payload");
        for event in [
            TaskEvent::Committed { rows: 7, version: 3 },
            TaskEvent::Committed { rows: 0, version: 4 },
            TaskEvent::PointFailed(PointId::Num(1), failed(Cause::TooLong)),
            TaskEvent::RetryFinished(PointId::Num(1), Err(failed(Cause::TooLong))),
            TaskEvent::RetryFinished(PointId::Num(1), Ok(())),
            TaskEvent::PointFailed(PointId::Num(2), failed(Cause::Gone)),
            TaskEvent::SettingConfirmed(Setting::InFlight(3)),
            TaskEvent::SettingConfirmed(Setting::Threshold(0.5)),
        ] {
            seen.take_in(&event);
        }
        assert_eq!((seen.commits(), seen.rows()), (2, 7));
        let counted: Vec<(Cause, u64)> = seen.failures().filter(|(_, count)| *count > 0).collect();
        assert_eq!(counted, [(Cause::TooLong, 2), (Cause::Gone, 1)]);
        assert_eq!(seen.failures().count(), Cause::ALL.len());
        assert!((seen.threshold() - 0.5).abs() < f32::EPSILON);
        assert_eq!(seen.lines(), (0, 0));
    }
}
