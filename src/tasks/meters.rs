//! What the work measures of itself, and the [`Snapshot`] made of it ten times a second. Counting never waits.

mod bound;
mod monitor;
mod pace;
mod snapshot;
mod waiting;

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram as Latencies;

use crate::point::{Histogram, Similarity};

pub use crate::embed::gate::Cap;
pub use bound::{Bound, Reduced};
pub use monitor::{Monitor, Setting};
pub use snapshot::{Snapshot, Stage, StageSnapshot};
pub use waiting::{Outage, Waiting};

/// One stage's own counters.
#[derive(Debug)]
pub struct StageMeter {
    in_flight: AtomicUsize,
    busy_micros: AtomicU64,
    queue: AtomicI64,
    latencies: Mutex<Latencies<u64>>,
}

impl Default for StageMeter {
    fn default() -> Self {
        Self {
            in_flight: AtomicUsize::new(0),
            busy_micros: AtomicU64::new(0),
            queue: AtomicI64::new(0),
            latencies: Mutex::new(
                Latencies::new_with_max(3_600_000_000, 2).unwrap_or_else(|_| unreachable!("constant bounds are valid")),
            ),
        }
    }
}

impl StageMeter {
    /// Measures one piece of work.
    pub async fn measure<T>(&self, work: impl Future<Output = T>) -> T {
        struct Running<'a>(&'a StageMeter, Instant);
        impl Drop for Running<'_> {
            fn drop(&mut self) {
                let micros = self.1.elapsed().as_micros() as u64;
                self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
                self.0.busy_micros.fetch_add(micros, Ordering::Relaxed);
                self.0
                    .latencies
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .saturating_record(micros);
            }
        }
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let _running = Running(self, Instant::now());
        work.await
    }

    /// Points that came to wait in front of the stage (negative: that left).
    pub fn queue(&self, points: i64) {
        self.queue.fetch_add(points, Ordering::Relaxed);
    }

    /// Nothing waits any more: the run ended.
    pub fn empty_queue(&self) {
        self.queue.store(0, Ordering::Relaxed);
    }

    fn latency(&self) -> Option<(Duration, Duration)> {
        let latencies = self.latencies.lock().unwrap_or_else(PoisonError::into_inner);
        (!latencies.is_empty()).then(|| {
            let at = |quantile| Duration::from_micros(latencies.value_at_quantile(quantile));
            (at(0.5), at(0.95))
        })
    }
}

/// Who waits for a share of something: how many just now, and for how long all of them did.
#[derive(Debug, Default)]
pub struct Waits {
    now: AtomicUsize,
    micros: AtomicU64,
}

impl Waits {
    /// Counts one wait.
    pub async fn measure<T>(&self, wait: impl Future<Output = T>) -> T {
        struct Running<'a>(&'a Waits, Instant);
        impl Drop for Running<'_> {
            fn drop(&mut self) {
                self.0.now.fetch_sub(1, Ordering::Relaxed);
                self.0
                    .micros
                    .fetch_add(self.1.elapsed().as_micros() as u64, Ordering::Relaxed);
            }
        }
        self.now.fetch_add(1, Ordering::Relaxed);
        let _running = Running(self, Instant::now());
        wait.await
    }
}

/// Points settled by the job, as the writer and the journal know them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Settled {
    /// In the table.
    pub written: u64,
    /// Failed.
    pub failed: u64,
    /// Given up.
    pub skipped: u64,
    /// Rows whose text was longer than the model takes.
    pub shortened: u64,
    /// Points read: those of the scroll, and those that came and went since.
    pub read: u64,
    /// The table's version.
    pub version: u64,
}

impl Settled {
    /// Whether every point that was read is written, failed or skipped.
    pub fn adds_up(&self) -> bool {
        self.read == self.written + self.failed + self.skipped
    }
}

/// All meters of a job. Shared by its tasks.
#[derive(Debug, Default)]
pub struct Meters {
    /// Scrolling.
    pub read: StageMeter,
    /// Embedding.
    pub embed: StageMeter,
    /// Committing.
    pub write: StageMeter,
    /// Readers that wait for a share of the memory in hand.
    pub memory: Waits,
    in_hand: AtomicU64,
    settled: Mutex<Settled>,
    similarities: Mutex<Histogram>,
    /// Points in the collection.
    pub total: AtomicU64,
}

/// Points in hand, counted as long as this lives.
#[derive(Debug)]
pub struct InHand {
    meters: Arc<Meters>,
    points: u64,
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.meters.in_hand.fetch_sub(self.points, Ordering::Relaxed);
    }
}

impl Meters {
    /// Counts points as in hand until the answer is dropped.
    pub fn take_in_hand(self: &Arc<Self>, points: u64) -> InHand {
        self.in_hand.fetch_add(points, Ordering::Relaxed);
        InHand {
            meters: Arc::clone(self),
            points,
        }
    }

    /// What is settled.
    pub fn settled(&self) -> Settled {
        *self.settled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what is settled now. Points that leave the hand in the same moment are dropped with it, so that no
    /// snapshot counts them twice or not at all.
    pub fn settle(&self, settled: Settled, in_hand: Vec<InHand>) {
        let mut place = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        *place = settled;
        drop(in_hand);
    }

    fn counts(&self) -> (Settled, u64) {
        let place = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        (*place, self.in_hand.load(Ordering::Relaxed))
    }

    /// Counts the similarities of rows that are in the table.
    pub fn record_similarities(&self, similarities: impl IntoIterator<Item = Option<Similarity>>) {
        let mut histogram = self.similarities.lock().unwrap_or_else(PoisonError::into_inner);
        similarities
            .into_iter()
            .for_each(|similarity| histogram.record(similarity));
    }

    /// Counts anew: the table was changed by something else.
    pub fn forget_similarities(&self) {
        *self.similarities.lock().unwrap_or_else(PoisonError::into_inner) = Histogram::default();
    }

    /// Rows were replaced: their old similarities count no more.
    pub fn replace_similarities(
        &self,
        before: &[Option<Similarity>],
        after: impl IntoIterator<Item = Option<Similarity>>,
    ) {
        let mut histogram = self.similarities.lock().unwrap_or_else(PoisonError::into_inner);
        for similarity in before {
            histogram.remove(*similarity);
        }
        for similarity in after {
            histogram.record(similarity);
        }
    }

    /// Rows whose similarity lies below a threshold.
    pub fn divergent(&self, threshold: f32) -> u64 {
        self.similarities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .below(threshold)
    }
}

#[cfg(test)]
mod tests;
