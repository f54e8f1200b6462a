//! The last comparison of both stores, as far as the report needs it: read from `comparison.json` of the job's state
//! directory, whose owner is `tasks::comparison`. What is missing there is missing here; what is more is left alone.

use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::discreet::figures_only;
use super::words::clean;

/// The file in the job's state directory.
const FILE: &str = "comparison.json";
/// Bytes of a file that is read at most.
const MOST_BYTES: u64 = 4 << 20;

/// A comparison of both stores.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Comparison {
    /// Milliseconds since 1970.
    pub began_at: i64,
    /// Queries.
    pub queries: u64,
    /// Results of each.
    pub k: u64,
    /// Each store in each way of searching it.
    pub stores: Vec<StoreFigures>,
    /// What the stores take on the disk.
    pub disk_bytes: DiskBytes,
    /// Seconds that LanceDB's vector index took to build, where that was measured.
    pub index_seconds: Option<f64>,
    /// Index settings that were tried, each with its figures; only numbers, true and false.
    pub sweep: Vec<Value>,
}

/// One store, searched in one way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreFigures {
    /// `qdrant` or `lancedb`.
    pub store: String,
    /// `exact` or `index`.
    pub mode: String,
    /// Milliseconds of the very first query.
    pub cold_ms: Option<f64>,
    /// Milliseconds of the queries after it.
    pub latency_ms: Latency,
    /// Throughput by queries in flight.
    pub per_second: Vec<PerSecond>,
    /// Recall against the exact search of the same store; only numbers.
    pub recall: Value,
}

/// Latencies in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Latency {
    /// The median.
    pub p50: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The mean.
    pub mean: Option<f64>,
    /// The most.
    pub max: Option<f64>,
}

/// Queries a second.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PerSecond {
    /// Queries in flight at once.
    pub concurrency: u64,
    /// Queries answered a second.
    pub queries_per_second: f64,
}

/// Bytes on the disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DiskBytes {
    /// Of the table.
    pub lancedb: Option<u64>,
    /// Of the collection, where they can be seen.
    pub qdrant: Option<u64>,
}

impl StoreFigures {
    /// The name of the series.
    pub fn label(&self) -> String {
        let store = match self.store.as_str() {
            "qdrant" => "Qdrant",
            "lancedb" => "LanceDB",
            other => other,
        };
        format!("{store}, {}", self.mode)
    }

    /// The mean recall, where it was measured.
    pub fn mean_recall(&self) -> Option<f64> {
        self.recall.get("mean").and_then(Value::as_f64)
    }
}

/// The last comparison, or a sentence on why there is one that cannot be shown.
pub(super) fn read(directory: &Path) -> Result<Option<Comparison>, String> {
    let path = directory.join(FILE);
    let said = || format!("{FILE} of the state directory cannot be read; `qlance compare` makes it anew");
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Ok(found) if found.len() <= MOST_BYTES => {}
        Ok(_) | Err(_) => return Err(said()),
    }
    let text = std::fs::read(&path).map_err(|_| said())?;
    parse(&text).map(Some).ok_or_else(said)
}

/// The comparison of a text; what it holds beside figures is left out.
pub(super) fn parse(text: &[u8]) -> Option<Comparison> {
    let mut found: Comparison = serde_json::from_slice(text).ok()?;
    for store in &mut found.stores {
        store.store = clean(&store.store);
        store.mode = clean(&store.mode);
        store.recall = figures_only(&store.recall);
    }
    for tried in &mut found.sweep {
        *tried = figures_only(tried);
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_there_is_read_and_what_is_missing_is_none() {
        let text = json!({
            "stores": [
                {"store": "qdrant", "mode": "index", "cold_ms": 9.5,
                 "latency_ms": {"p50": 1.0, "p95": 2.0, "p99": 3.0, "mean": 1.2, "max": 4.0},
                 "per_second": [{"concurrency": 4, "queries_per_second": 812.5}],
                 "recall": {"mean": 0.97, "minimum": 0.6, "judged_by": "ids"}},
                {"store": "lancedb", "mode": "exact", "cold_ms": null, "recall": null},
            ],
            "queries": 200, "k": 10, "disk_bytes": {"lancedb": 4096, "qdrant": null}, "index_seconds": null,
            "sweep": [{"nprobes": 20, "recall": 0.9, "of": "a string"}], "began_at": 5, "more": [1, 2],
        });
        let found = parse(text.to_string().as_bytes()).expect("a comparison");
        assert_eq!((found.queries, found.k, found.began_at), (200, 10, 5));
        assert_eq!(found.stores[0].label(), "Qdrant, index");
        assert_eq!(found.stores[0].latency_ms.p99, Some(3.0));
        assert_eq!(found.stores[0].mean_recall(), Some(0.97));
        assert_eq!(found.stores[0].recall, json!({"mean": 0.97, "minimum": 0.6}));
        assert_eq!((found.stores[1].cold_ms, found.stores[1].mean_recall()), (None, None));
        assert_eq!(found.disk_bytes.lancedb, Some(4096));
        assert_eq!(found.sweep, [json!({"nprobes": 20, "recall": 0.9})]);
        assert_eq!(parse(b"{}"), Some(Comparison::default()));
        assert_eq!(parse(b"[1"), None);
    }

    #[test]
    fn no_file_is_no_comparison_and_garbage_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(read(directory.path()), Ok(None));
        std::fs::write(directory.path().join(FILE), "{\"stores\": \"a secret text\"}").expect("written");
        let said = read(directory.path()).expect_err("garbage");
        assert!(said.contains("qlance compare") && !said.contains("secret"), "{said}");
    }
}
