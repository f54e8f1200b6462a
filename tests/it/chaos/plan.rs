//! What happens in a round, drawn from its seed before anything is started. The same seed and mode are the same plan; how
//! far the process has come when a fault meets it is the machine's affair.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::provider::Faults;

/// What a round is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// SIGKILL at random moments; in every third round the neighbours misbehave as well.
    Kill,
    /// Qdrant behind a proxy that delays, cuts, resets, stalls and goes away; in every other round the provider misbehaves
    /// as well.
    Proxy,
    /// A provider that throttles, fails, hangs and talks nonsense.
    Provider,
    /// A file system that fills, and is given room again.
    Disk,
}

impl Mode {
    /// The word on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Proxy => "proxy",
            Self::Provider => "provider",
            Self::Disk => "disk",
        }
    }

    /// The mode of a seed, where none is asked for.
    fn of(seed: u64) -> Self {
        match seed % 8 {
            0..=4 => Self::Kill,
            5 => Self::Proxy,
            6 => Self::Provider,
            _ => Self::Disk,
        }
    }
}

/// One SIGKILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kill {
    /// Whether time counts from the first request for embeddings of that process, not from its start.
    pub(crate) while_embedding: bool,
    /// How long after that.
    pub(crate) after: Duration,
}

/// One round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Where everything is drawn from.
    pub(crate) seed: u64,
    /// What it is about.
    pub(crate) mode: Mode,
    /// Points of the collection.
    pub(crate) points: usize,
    /// One process each, unless it is done before.
    pub(crate) kills: Vec<Kill>,
    /// Faults of the proxy, at most.
    pub(crate) proxy_faults: u32,
    /// Faults of the provider.
    pub(crate) provider_faults: Option<Faults>,
    /// Whether there are texts that the provider refuses, so that batches are halved.
    pub(crate) refuses: bool,
    /// How long a good answer takes.
    pub(crate) latency: Duration,
    /// Id ranges scrolled side by side.
    pub(crate) ranges: usize,
    /// Whether the table is indexed and compacted at the end.
    pub(crate) index: bool,
    /// Kibibytes of the disk that fills.
    pub(crate) disk_kib: u64,
}

impl Plan {
    /// Draws the plan of a seed.
    pub(crate) fn of(seed: u64, mode: Option<Mode>) -> Self {
        let mode = mode.unwrap_or_else(|| Mode::of(seed));
        let mut rng = StdRng::seed_from_u64(seed);
        let misbehave = mode == Mode::Kill && seed.is_multiple_of(3);
        let kills = match mode {
            Mode::Kill => rng.random_range(1..=3),
            _ => 0,
        };
        let kills = (0..kills).map(|_| draw_kill(&mut rng)).collect();
        let latency = match mode {
            // Long enough that an answer on its way to the spool is told from one that is not yet given.
            Mode::Kill => rng.random_range(60..=140),
            _ => rng.random_range(5..=30),
        };
        Self {
            seed,
            mode,
            points: match mode {
                Mode::Disk => 800,
                _ => rng.random_range(300..=700),
            },
            kills,
            proxy_faults: match mode {
                Mode::Proxy => rng.random_range(5..=20),
                _ if misbehave => rng.random_range(2..=6),
                _ => 0,
            },
            provider_faults: match mode {
                Mode::Provider => Some(draw_faults(&mut rng)),
                Mode::Proxy if seed.is_multiple_of(2) => Some(draw_faults(&mut rng)),
                _ if misbehave => Some(draw_faults(&mut rng)),
                _ => None,
            },
            refuses: match mode {
                Mode::Kill => seed.is_multiple_of(4),
                _ => rng.random_bool(0.5),
            },
            latency: Duration::from_millis(latency),
            ranges: match mode {
                // In one order: the short texts are committed before the long ones come.
                Mode::Disk => 1,
                _ => rng.random_range(1..=4),
            },
            index: rng.random_bool(0.3),
            disk_kib: rng.random_range(700..=1_100),
        }
    }
}

fn draw_kill(rng: &mut StdRng) -> Kill {
    let while_embedding = rng.random_bool(0.5);
    // About the length of a run: a quarter of a second until the job is open, a second of embedding, a commit.
    let most = if while_embedding { 1_200 } else { 1_600 };
    Kill {
        while_embedding,
        after: Duration::from_millis(rng.random_range(0..most)),
    }
}

fn draw_faults(rng: &mut StdRng) -> Faults {
    Faults {
        percent: rng.random_range(10..=40),
        pauses: rng.random_range(0..=2),
        hangs: rng.random_range(0..=1),
    }
}
