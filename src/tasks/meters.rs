//! What the work measures of itself, and the [`Snapshot`] made of it ten times a second. Counting never waits.

mod bound;
mod pace;
mod waiting;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram as Latencies;

use super::{Phase, Settings};
use crate::embed::gate::Gate;
use crate::embed::{Gateways, Usage};
use crate::journal::Spent;
use crate::point::{Histogram, Similarity};
use bound::{Facts, bound};
use pace::Pace;
use waiting::waiting;

pub use bound::{Bound, Reduced};
pub use waiting::{Outage, Waiting};

/// The window that rates and shares are measured over.
const WINDOW: Duration = Duration::from_secs(5);
/// From this share of the readers' time on, short waits for memory say that it is what is missing.
const SHORT: f32 = 0.2;

/// The three stages that points pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Scrolling pages.
    Read,
    /// Embedding.
    Embed,
    /// Committing.
    Write,
}

/// What one stage is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct StageSnapshot {
    /// Requests (or commits) in flight.
    pub in_flight: usize,
    /// How many there may be.
    pub limit: usize,
    /// Points that wait in front of it.
    pub queue: u64,
    /// Median latency.
    pub p50: Option<Duration>,
    /// 95th percentile of the latency.
    pub p95: Option<Duration>,
    /// Share of its capacity in use, 0 to 1.
    pub busy: f32,
}

/// What a screen may read of the work. The newest wins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Snapshot {
    /// Where the work stands.
    pub phase: Phase,
    /// Points in the collection.
    pub total: u64,
    /// Points read: settled and in hand.
    pub read: u64,
    /// Points in the table.
    pub written: u64,
    /// Points that failed.
    pub failed: u64,
    /// Points given up.
    pub skipped: u64,
    /// Rows whose text was longer than the model takes, and was truncated or embedded in pieces.
    pub shortened: u64,
    /// Points read and not settled yet.
    pub in_hand: u64,
    /// Similarities of all rows.
    pub similarities: Arc<Histogram>,
    /// Points settled a second, over the last five seconds.
    pub rate: f64,
    /// How long the run has been working.
    pub elapsed: Duration,
    /// Read, embed, write.
    pub stages: [StageSnapshot; 3],
    /// What the embedder was asked in this run.
    pub usage: Usage,
    /// What the job cost so far, in all its runs.
    pub cost_usd: f64,
    /// The settings as they hold.
    pub settings: Settings,
    /// When the rest will be done at the smoothed rate; none during an outage.
    pub eta: Option<Duration>,
    /// Why it is not faster just now, and for how much longer where that is known.
    pub waiting: Option<Waiting>,
    /// What holds the rate where it is, while nothing is waited for by name.
    pub bound: Option<Bound>,
    /// Requests in flight, where the servers take fewer than the operator allows.
    pub reduced: Option<Reduced>,
    /// The table's version.
    pub version: u64,
    /// Points gone through in a comparison of both stores.
    pub compared: u64,
    /// Points that were settled when the session began.
    pub settled_before: u64,
}

impl Snapshot {
    /// Points settled: in the table, failed or skipped.
    pub fn settled(&self) -> u64 {
        self.written + self.failed + self.skipped
    }

    /// Whether anything is embedded; where nothing is, vectors are carried over.
    pub fn embeds(&self) -> bool {
        self.settings.in_flight > 0
    }

    /// Points by which the conservation line is off; 0 where it adds up, as it must.
    pub fn off_by(&self) -> u64 {
        self.read.abs_diff(self.settled() + self.in_hand)
    }

    /// The outage that a run waits out.
    pub fn outage(&self) -> Option<Outage> {
        self.waiting.as_ref().and_then(|waiting| waiting.outage)
    }

    /// Which stage holds the others up: the one that is named as the reason.
    pub fn limit(&self) -> Option<Stage> {
        match &self.waiting {
            None => self.bound.and_then(Bound::stage),
            // What does not answer is no limit, and a pause is none either.
            Some(waiting) if waiting.outage.is_some() || self.phase != Phase::Running => None,
            // Requests are held back: an embedder's caps, or what its server asked for.
            Some(_) => Some(Stage::Embed),
        }
    }
}

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

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    worked: Duration,
    settled: u64,
    busy: [u64; 3],
    short_of_memory: u64,
}

/// Makes snapshots of the meters, with rates over a sliding window.
#[derive(Debug)]
pub struct Monitor {
    samples: VecDeque<Sample>,
    pace: Pace,
    worked: Duration,
    last: Option<Instant>,
    similarities: Arc<Histogram>,
    /// What was settled at the first look: nothing of this session had moved yet.
    settled_before: Option<u64>,
}

/// What the meters themselves do not know.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// Where the work stands.
    pub phase: &'a Phase,
    /// Who embeds.
    pub gateways: &'a Gateways,
    /// The outage of Qdrant, where there is one.
    pub source_outage: Option<&'a crate::patience::Outage>,
    /// The outage of a host of media, where there is one.
    pub media_outage: Option<&'a crate::patience::Outage>,
    /// How long an outage is waited out.
    pub patience: Duration,
    /// The settings as they hold.
    pub settings: Settings,
    /// What was spent by the job in all its runs.
    pub spent: Spent,
    /// Ranges scrolled side by side.
    pub readers: usize,
    /// Points gone through in a comparison of both stores.
    pub compared: u64,
    /// Whether failed points are being tried again beside the run.
    pub retrying: bool,
}

impl Monitor {
    /// A monitor that has seen nothing.
    pub fn new() -> Self {
        Self {
            samples: VecDeque::new(),
            pace: Pace::default(),
            worked: Duration::ZERO,
            last: None,
            similarities: Arc::default(),
            settled_before: None,
        }
    }

    /// Time spent working, pauses left out.
    pub fn worked(&self) -> Duration {
        self.worked
    }

    fn eta(&mut self, total: u64, sample: &Sample, working: bool) -> Option<Duration> {
        self.pace.record(sample.worked, sample.settled);
        let left = total.saturating_sub(sample.settled);
        self.pace.eta(left).filter(|_| working && left > 0)
    }

    /// The state of the work at `now`.
    pub fn snapshot(&mut self, meters: &Meters, setting: Setting<'_>, now: Instant) -> Snapshot {
        let working = matches!(setting.phase, Phase::Running | Phase::Pausing | Phase::Stopping);
        if let Some(last) = self.last.replace(now)
            && working
        {
            self.worked += now.duration_since(last);
        }
        let (settled, in_hand) = meters.counts();
        let stages = [&meters.read, &meters.embed, &meters.write];
        let sample = Sample {
            at: now,
            worked: self.worked,
            settled: settled.written + settled.failed + settled.skipped,
            busy: stages.map(|stage| stage.busy_micros.load(Ordering::Relaxed)),
            short_of_memory: meters.memory.micros.load(Ordering::Relaxed),
        };
        self.samples.push_back(sample);
        while self.samples.len() > 2 && now.duration_since(self.samples[1].at) >= WINDOW {
            self.samples.pop_front();
        }
        let first = self.samples.front().copied().unwrap_or(sample);
        let seconds = sample.worked.saturating_sub(first.worked).as_secs_f64();
        let rate = if working && seconds > 0.2 {
            sample.settled.saturating_sub(first.settled) as f64 / seconds
        } else {
            0.0
        };
        {
            let current = meters.similarities.lock().unwrap_or_else(PoisonError::into_inner);
            if *current != *self.similarities {
                self.similarities = Arc::new(current.clone());
            }
        }
        let usage = setting.gateways.usage();
        let snapshots = stages_of(meters, setting, (&first, &sample), working);
        let elapsed = now.duration_since(first.at).as_micros() as f32;
        let waited = sample.short_of_memory.saturating_sub(first.short_of_memory) as f32;
        let waiting = waiting(setting, now);
        let reduced = reduced(setting.gateways);
        let facts = Facts {
            embeds: !setting.gateways.is_empty(),
            reduced,
            short_of_memory: meters.memory.now.load(Ordering::Relaxed) > 0
                || waited > SHORT * elapsed * setting.readers as f32,
            retrying: setting.retrying,
        };
        let runs = *setting.phase == Phase::Running && waiting.is_none();
        Snapshot {
            phase: setting.phase.clone(),
            total: meters.total.load(Ordering::Relaxed),
            // By its own count, so that the sum beside it says something.
            read: settled.read + in_hand,
            written: settled.written,
            failed: settled.failed,
            skipped: settled.skipped,
            shortened: settled.shortened,
            in_hand,
            similarities: Arc::clone(&self.similarities),
            rate,
            elapsed: self.worked,
            stages: snapshots,
            usage,
            cost_usd: if setting.gateways.is_empty() {
                setting.spent.usd
            } else {
                setting.gateways.spent()
            },
            settings: setting.settings,
            // When an outage is over nobody knows.
            eta: self
                .eta(meters.total.load(Ordering::Relaxed), &sample, working)
                .filter(|_| waiting.as_ref().is_none_or(|waiting| waiting.outage.is_none())),
            waiting,
            bound: runs.then(|| bound(&snapshots, facts)),
            reduced,
            version: settled.version,
            compared: setting.compared,
            settled_before: *self.settled_before.get_or_insert(sample.settled),
        }
    }
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

/// What the stages are doing, with their shares over the time between two samples.
fn stages_of(
    meters: &Meters,
    setting: Setting<'_>,
    (first, last): (&Sample, &Sample),
    working: bool,
) -> [StageSnapshot; 3] {
    // As many as the servers take just now; the operator's own limit is among the settings.
    let gates = setting.gateways.each().map(|(_, gateway)| gateway.gate());
    let embed_limit = gates.map(Gate::allowed).sum::<usize>().max(1);
    let limits = [setting.readers, embed_limit, 1];
    let elapsed = last.at.duration_since(first.at).as_micros() as f32;
    let mut snapshots = [StageSnapshot::default(); 3];
    let stages = [&meters.read, &meters.embed, &meters.write];
    for (index, stage) in stages.into_iter().enumerate() {
        let (p50, p95) = stage.latency().unzip();
        let done = last.busy[index].saturating_sub(first.busy[index]) as f32;
        snapshots[index] = StageSnapshot {
            in_flight: stage.in_flight.load(Ordering::Relaxed),
            limit: limits[index],
            queue: stage.queue.load(Ordering::Relaxed).max(0) as u64,
            p50,
            p95,
            busy: if elapsed > 0.0 {
                (done / elapsed / limits[index] as f32).min(1.0)
            } else {
                0.0
            },
        };
    }
    if !setting.gateways.is_empty() {
        // Of several embedders the slowest says what one waits for.
        let latencies = setting.gateways.each().filter_map(|(_, gateway)| gateway.latency());
        let (p50, p95) = latencies.max().unzip();
        snapshots[1].p50 = p50;
        snapshots[1].p95 = p95;
        snapshots[1].in_flight = setting.gateways.in_flight();
        if working {
            snapshots[1].busy = snapshots[1]
                .busy
                .max(snapshots[1].in_flight as f32 / embed_limit as f32 * 0.99);
        }
    }
    snapshots
}

/// Requests in flight over all embedders, where one of them takes fewer than the operator allows.
fn reduced(gateways: &Gateways) -> Option<Reduced> {
    let gates: Vec<&Gate> = gateways.each().map(|(_, gateway)| gateway.gate()).collect();
    gates.iter().any(|gate| gate.reduced().is_some()).then(|| Reduced {
        asked: gates.iter().map(|gate| gate.limit()).sum(),
        taken: gates
            .iter()
            .map(|gate| gate.reduced().unwrap_or_else(|| gate.limit()))
            .sum(),
    })
}

#[cfg(test)]
mod tests;
