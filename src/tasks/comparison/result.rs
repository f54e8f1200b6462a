//! What a comparison says: the shape of `comparison.json` and of `qlance compare --json`. Figures only; how they are
//! measured is in the files beside this one.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::lance::search::Through;
use crate::point::ranking::{Percentiles, Spread};

/// Both stores under the same queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Milliseconds since 1970.
    pub began_at: i64,
    /// Queries that were asked.
    pub queries: usize,
    /// Results of each.
    pub k: usize,
    /// What was drawn at random was drawn by this.
    pub seed: u64,
    /// Whether the vectors of both stores are of one space. If not, only speeds can be compared.
    pub same_space: bool,
    /// The column of embeddings that LanceDB was asked by.
    pub column: String,
    /// The vector of Qdrant that it was asked by; the empty name is the unnamed one.
    pub vector: String,
    /// Each store in each way of searching it.
    pub stores: Vec<Measured>,
    /// What both take on the disk.
    pub disk_bytes: DiskBytes,
    /// Seconds that LanceDB's vector index took to build, where that is known.
    pub index_seconds: Option<f64>,
    /// LanceDB's vector index, where there is one.
    pub index: Option<IndexFacts>,
    /// Settings of the index that were tried, from cheap to dear.
    pub sweep: Vec<Tried>,
    /// The chosen setting as code.
    pub code: Option<Code>,
    /// What a reader of the figures has to know.
    pub notes: Vec<String>,
}

/// A store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// The old one.
    Qdrant,
    /// The new one.
    Lancedb,
}

impl Store {
    /// Its name for people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Qdrant => "Qdrant",
            Self::Lancedb => "LanceDB",
        }
    }
}

/// How a store is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every vector is compared.
    Exact,
    /// Through the index, with the store's own settings.
    Index,
}

impl Mode {
    /// Its name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Index => "index",
        }
    }
}

/// One store, searched in one way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Which store.
    pub store: Store,
    /// Which way.
    pub mode: Mode,
    /// Milliseconds of the first query through a new connection or handle.
    pub cold_ms: Option<f64>,
    /// Milliseconds of the queries after the warm-up, one at a time.
    pub latency_ms: Latency,
    /// Throughput by queries in flight.
    pub per_second: Vec<PerSecond>,
    /// Recall@k against the exact search of the same store.
    pub recall: Option<Recall>,
}

/// Latencies in milliseconds. Percentiles are by nearest rank, as [`Percentiles`] has them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half took no longer.
    pub p50: f64,
    /// 95 % took no longer.
    pub p95: f64,
    /// 99 % took no longer.
    pub p99: f64,
    /// The mean.
    pub mean: f64,
    /// The longest.
    pub max: f64,
}

impl Latency {
    /// The figures of these, in any order; `None` of none.
    pub fn of(took: &[Duration]) -> Option<Self> {
        let Percentiles { p50, p95, p99 } = Percentiles::of(took)?;
        let sum: f64 = took.iter().map(|took| milliseconds(*took)).sum();
        Some(Self {
            p50: milliseconds(p50),
            p95: milliseconds(p95),
            p99: milliseconds(p99),
            mean: sum / took.len() as f64,
            max: milliseconds(*took.iter().max()?),
        })
    }
}

/// A duration in milliseconds.
pub(super) fn milliseconds(took: Duration) -> f64 {
    took.as_nanos() as f64 / 1e6
}

/// Queries a second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PerSecond {
    /// Queries in flight at once.
    pub concurrency: usize,
    /// Queries answered a second.
    pub queries_per_second: f64,
}

/// How recall spreads over queries; see [`Spread`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Recall {
    /// The mean.
    pub mean: f64,
    /// The middle value.
    pub median: f64,
    /// The least.
    pub minimum: f64,
    /// The 5th percentile.
    pub p5: f64,
}

impl Recall {
    /// The spread of these shares, in any order; `None` of none.
    pub fn of(shares: &[f64]) -> Option<Self> {
        let Spread {
            mean,
            median,
            minimum,
            p5,
        } = Spread::of(shares)?;
        Some(Self {
            mean,
            median,
            minimum,
            p5,
        })
    }
}

/// Bytes on the disk; `None` where they cannot be seen from here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskBytes {
    /// All files in the table's directory: rows, indexes, older versions.
    pub lancedb: Option<u64>,
    /// All files of the collection.
    pub qdrant: Option<u64>,
}

/// LanceDB's vector index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexFacts {
    /// Its kind, such as `IVF_FLAT`.
    pub kind: String,
    /// Rows with a vector.
    pub rows: u64,
    /// Those of them that it does not cover: every search goes through them.
    pub unindexed: u64,
}

/// Settings of LanceDB's index; `None` leaves LanceDB's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Setting {
    /// Partitions that are looked at.
    pub nprobes: Option<usize>,
    /// Times k rows that are compared again by their whole vectors.
    pub refine_factor: Option<u32>,
    /// Candidates kept in a graph search.
    pub ef: Option<usize>,
}

impl Setting {
    /// The search that it makes.
    pub(super) fn through(self) -> Through {
        if self == Self::default() {
            return Through::Index;
        }
        Through::Tuned {
            nprobes: self.nprobes,
            refine_factor: self.refine_factor,
            ef: self.ef,
        }
    }
}

/// One setting that was tried.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// Partitions that are looked at.
    pub nprobes: Option<usize>,
    /// Times k rows that are compared again by their whole vectors.
    pub refine_factor: Option<u32>,
    /// Candidates kept in a graph search.
    pub ef: Option<usize>,
    /// The mean recall@k against exact search.
    pub recall: f64,
    /// Milliseconds that half of the queries did not exceed.
    pub p50_ms: f64,
    /// Whether it is the cheapest that reaches the wanted recall.
    pub chosen: bool,
}

impl Tried {
    /// The setting alone.
    pub fn setting(&self) -> Setting {
        Setting {
            nprobes: self.nprobes,
            refine_factor: self.refine_factor,
            ef: self.ef,
        }
    }
}

/// The chosen setting as code that asks the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// For the package `lancedb` of Python.
    pub python: String,
    /// For the crate `lancedb` of Rust.
    pub rust: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn figures_of_nothing_are_none() {
        assert_eq!(Latency::of(&[]), None);
        assert_eq!(Recall::of(&[]), None);
    }

    #[test]
    fn names_are_those_of_the_schema() {
        assert_eq!(json!([Store::Qdrant, Store::Lancedb]), json!(["qdrant", "lancedb"]));
        assert_eq!(json!([Mode::Exact, Mode::Index]), json!(["exact", "index"]));
        assert_eq!(Setting::default().through(), Through::Index);
        let tuned = Setting {
            nprobes: Some(3),
            ..Setting::default()
        };
        let expected = Through::Tuned {
            nprobes: Some(3),
            refine_factor: None,
            ef: None,
        };
        assert_eq!(tuned.through(), expected);
    }

    proptest! {
        /// The figures once more, by counting how many do not exceed a value.
        #[test]
        fn latencies_are_what_counting_gives(micros in prop::collection::vec(1_u64..5_000, 1..300)) {
            let took: Vec<Duration> = micros.iter().copied().map(Duration::from_micros).collect();
            let got = Latency::of(&took).expect("latencies");
            let least = |percent: usize| {
                let within = |limit: u64| micros.iter().filter(|n| **n <= limit).count();
                let enough = |limit: u64| within(limit) * 100 >= percent * micros.len();
                micros.iter().copied().filter(|n| enough(*n)).min().expect("one is enough") as f64 / 1e3
            };
            let mean = micros.iter().sum::<u64>() as f64 / 1e3 / micros.len() as f64;
            let max = *micros.iter().max().expect("one") as f64 / 1e3;
            for (figure, expected) in [
                (got.p50, least(50)), (got.p95, least(95)), (got.p99, least(99)), (got.mean, mean), (got.max, max),
            ] {
                prop_assert!((figure - expected).abs() <= 1e-9 * expected, "{figure} is not {expected}");
            }
        }
    }
}
