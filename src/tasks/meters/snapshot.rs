//! What a screen may read of the work: plain values, and what follows from them. Nothing is measured here.

use std::sync::Arc;
use std::time::Duration;

use super::{Bound, Outage, Reduced, Waiting};
use crate::embed::Usage;
use crate::point::Histogram;
use crate::tasks::{Phase, Settings};

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
    /// When the rest will be done at the smoothed rate; none during an outage, and none where the run is to end before.
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
