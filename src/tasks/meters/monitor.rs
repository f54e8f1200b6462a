//! Snapshots of the meters, with rates and shares over a sliding window. Reads what others count, and counts nothing.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::bound::{Facts, bound};
use super::pace::Pace;
use super::waiting::waiting;
use super::{Meters, Reduced, Snapshot, StageSnapshot};
use crate::embed::Gateways;
use crate::embed::gate::Gate;
use crate::journal::Spent;
use crate::point::Histogram;
use crate::tasks::{Phase, Settings};

/// The window that rates and shares are measured over.
const WINDOW: Duration = Duration::from_secs(5);
/// From this share of the readers' time on, short waits for memory say that it is what is missing.
const SHORT: f32 = 0.2;

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

    /// When the rest will be done; what is on its way to a pause or a stop does not come to it.
    fn eta(&mut self, total: u64, sample: &Sample, phase: &Phase) -> Option<Duration> {
        self.pace.record(sample.worked, sample.settled);
        let left = total.saturating_sub(sample.settled);
        self.pace.eta(left).filter(|_| *phase == Phase::Running && left > 0)
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
                .eta(meters.total.load(Ordering::Relaxed), &sample, setting.phase)
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
