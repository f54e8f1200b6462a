//! The last comparison, kept beside the journal: the report quotes it. Beside it, how long the vector index took: only
//! the run that builds it can tell.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Comparison;

/// The file in the job's state directory.
pub const FILE: &str = "comparison.json";
/// Bytes of a file that is read at most; a comparison takes a few thousand.
const MOST_BYTES: u64 = 4 << 20;
/// The file with the time that the vector index took.
const INDEX_FILE: &str = "index_time.json";
/// What the kinds of vector indexes begin with; an answer of the step without it says that none was built.
const BUILT: &str = "IVF_";

/// How long an index took.
#[derive(Serialize, Deserialize)]
struct IndexTime {
    /// What the step answered: kind, distance, rows.
    built: String,
    seconds: f64,
}

/// Keeps a comparison in the place of the last one; a reader sees the one or the other, never half.
///
/// # Errors
/// The directory cannot be written.
pub fn keep(directory: &Path, comparison: &Comparison) -> anyhow::Result<()> {
    let path = directory.join(FILE);
    replace(&path, &serde_json::to_vec(comparison)?)
        .with_context(|| format!("the comparison cannot be kept in {}", path.display()))
}

fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let partial = path.with_extension("json.partial");
    std::fs::write(&partial, text)?;
    std::fs::rename(&partial, path)
}

/// The last comparison, where there was one.
///
/// # Errors
/// The file is there and is none.
pub fn kept(directory: &Path) -> anyhow::Result<Option<Comparison>> {
    let path = directory.join(FILE);
    let said = || format!("{} holds no comparison; `qlance compare` makes it anew", path.display());
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(said),
        Ok(found) => anyhow::ensure!(found.len() <= MOST_BYTES, "{}", said()),
    }
    let text = std::fs::read(&path).with_context(said)?;
    serde_json::from_slice(&text).map(Some).with_context(said)
}

/// Keeps how long the step that builds vector indexes took, with its answer. Where that says that none was built, what
/// was kept stays.
///
/// # Errors
/// The directory cannot be written.
pub fn keep_index_time(directory: &Path, answer: &str, took: Duration) -> anyhow::Result<()> {
    if !answer.contains(BUILT) {
        return Ok(());
    }
    let path = directory.join(INDEX_FILE);
    let time = IndexTime {
        built: answer.to_owned(),
        seconds: took.as_secs_f64(),
    };
    replace(&path, &serde_json::to_vec(&time)?)
        .with_context(|| format!("the time of the index cannot be kept in {}", path.display()))
}

/// Seconds that an index of this kind took when qlance built it; `None` where that is not known, or another was built.
pub(super) fn index_seconds(directory: &Path, kind: &str) -> Option<f64> {
    let text = std::fs::read(directory.join(INDEX_FILE)).ok()?;
    let time: IndexTime = serde_json::from_slice(&text).ok()?;
    let mut words = time.built.split([' ', ',', ';']);
    words.any(|word| word == kind).then_some(time.seconds)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::result::{Code, DiskBytes, IndexFacts, Latency, Measured, Mode, PerSecond, Recall, Store, Tried};
    use super::*;

    fn comparison() -> Comparison {
        let latency_ms = Latency {
            p50: 0.1,
            p95: 1.0 / 3.0,
            p99: 2.5,
            mean: 0.2,
            max: 1e-7,
        };
        Comparison {
            began_at: 1_790_000_000_000,
            queries: 200,
            k: 10,
            seed: u64::MAX,
            same_space: true,
            column: "embedding".into(),
            vector: String::new(),
            stores: vec![Measured {
                store: Store::Lancedb,
                mode: Mode::Index,
                cold_ms: Some(12.25),
                latency_ms,
                per_second: vec![PerSecond {
                    concurrency: 4,
                    queries_per_second: 812.5,
                }],
                recall: Some(Recall {
                    mean: 0.97,
                    median: 1.0,
                    minimum: 0.6,
                    p5: 0.8,
                }),
            }],
            disk_bytes: DiskBytes {
                lancedb: Some(4_096),
                qdrant: None,
            },
            index_seconds: None,
            index: Some(IndexFacts {
                kind: "IVF_PQ".into(),
                rows: 20_000,
                unindexed: 3,
            }),
            sweep: vec![Tried {
                nprobes: Some(20),
                refine_factor: None,
                ef: None,
                recall: 0.9,
                p50_ms: 0.7,
                chosen: true,
            }],
            code: Some(Code {
                python: "a\nb".into(),
                rust: "c".into(),
            }),
            notes: vec!["n".into()],
        }
    }

    #[test]
    fn it_comes_back_as_it_was_and_garbage_is_told() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(kept(directory.path()).expect("nothing"), None);
        let comparison = comparison();
        keep(directory.path(), &comparison).expect("kept");
        assert_eq!(kept(directory.path()).expect("read"), Some(comparison));
        assert!(!directory.path().join("comparison.json.partial").exists());
        std::fs::write(directory.path().join(FILE), "{}").expect("written");
        let error = kept(directory.path()).expect_err("garbage");
        assert!(error.to_string().contains("qlance compare"), "{error:#}");
    }

    #[test]
    fn the_time_of_an_index_is_that_of_its_kind() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        let keep = |answer: &str, ms: u64| keep_index_time(path, answer, Duration::from_millis(ms)).expect("kept");
        assert_eq!(index_seconds(path, "IVF_FLAT"), None);
        keep("not needed below 5000 rows: exact search is fast", 1);
        assert_eq!(index_seconds(path, "IVF_FLAT"), None);
        keep("IVF_FLAT, cosine, 6000 rows", 1_500);
        // What took rows in, or found it there, built nothing.
        keep("12 rows more", 7);
        keep("there already", 7);
        assert_eq!(index_seconds(path, "IVF_FLAT"), Some(1.5));
        assert_eq!(index_seconds(path, "IVF_PQ"), None, "built by somebody else");
        keep("there already; embedding_image: IVF_PQ, cosine, 200000 rows", 2_000);
        assert_eq!(index_seconds(path, "IVF_PQ"), Some(2.0));
        std::fs::write(path.join(INDEX_FILE), "{").expect("written");
        assert_eq!(index_seconds(path, "IVF_PQ"), None);
    }

    #[test]
    fn the_shape_is_what_the_report_reads() {
        let value = serde_json::to_value(comparison()).expect("JSON");
        let store = &value["stores"][0];
        assert_eq!((&store["store"], &store["mode"]), (&json!("lancedb"), &json!("index")));
        assert_eq!(store["latency_ms"]["p95"], json!(1.0 / 3.0));
        let per_second = json!([{"concurrency": 4, "queries_per_second": 812.5}]);
        assert_eq!(store["per_second"], per_second);
        assert_eq!(store["recall"]["p5"], json!(0.8));
        assert_eq!(value["disk_bytes"], json!({"lancedb": 4096, "qdrant": null}));
        assert_eq!(value["index_seconds"], Value::Null);
        assert_eq!(
            value["index"],
            json!({"kind": "IVF_PQ", "rows": 20_000, "unindexed": 3})
        );
        let tried = json!({
            "nprobes": 20, "refine_factor": null, "ef": null, "recall": 0.9, "p50_ms": 0.7, "chosen": true
        });
        assert_eq!(value["sweep"], json!([tried]));
        assert_eq!(value["code"]["python"], json!("a\nb"));
    }
}
