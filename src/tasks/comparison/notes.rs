//! What a reader of the figures has to know: how they were measured, what is not known, and the way out.

use super::result::{DiskBytes, Tried};
use super::{Comparer, recall, sweep};
use crate::lance::audit::{Coverage, Pinned};
use crate::lance::index::MIN_INDEXED_ROWS;

/// How it was measured.
pub(super) fn of_method(other_space: Option<&str>, queries: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(why) = other_space {
        notes.push(format!("only the speeds can be compared, not the answers: {why}"));
    }
    notes.push(
        "cold is the first query through a new connection to Qdrant, whose server had been running, or a table of \
         LanceDB just opened, its own caches empty; the operating system's page cache was not dropped"
            .to_owned(),
    );
    notes.push(
        "Qdrant is asked over gRPC, and the way there is part of its times; LanceDB is asked in this process, with the \
         caches that its clients have unless they say otherwise"
            .to_owned(),
    );
    if queries > recall::MOST_QUERIES {
        notes.push(format!("recall is that of the first {} queries", recall::MOST_QUERIES));
    }
    notes
}

/// What there is of an index in LanceDB.
pub(super) fn of_index(coverage: &Coverage, index_seconds: Option<f64>, sweep: bool) -> Vec<String> {
    let Coverage {
        indexed,
        rows,
        unindexed,
    } = coverage;
    if *indexed {
        let mut notes = Vec::new();
        if index_seconds.is_none() {
            notes.push(
                "how long LanceDB's index took to build is not known: no run of this job has built it and told"
                    .to_owned(),
            );
        }
        if *unindexed > 0 {
            notes.push(format!(
                "LanceDB's index does not cover {unindexed} of {rows} rows, and every search goes through those too; \
                 `qlance run` takes them in"
            ));
        }
        return notes;
    }
    let why = if *rows < MIN_INDEXED_ROWS {
        format!("qlance builds one from {MIN_INDEXED_ROWS} rows on, and below that an exact search is as fast")
    } else {
        "`qlance run` builds it after the last point (pipeline.index = true)".to_owned()
    };
    let swept = if sweep {
        ", and there are no settings to try"
    } else {
        ""
    };
    vec![format!(
        "LanceDB has no vector index over its {rows} rows: {why}; only its exact search was measured{swept}"
    )]
}

/// What came of trying settings.
pub(super) fn of_sweep(tried: &[Tried], target: f64) -> Vec<String> {
    let best = tried.iter().map(|tried| tried.recall).max_by(f64::total_cmp);
    let Some(best) = best else { return Vec::new() };
    let mut notes = vec![format!(
        "the settings were tried with at most {} of the queries; latencies less than 5 % apart count as the same",
        sweep::MOST_QUERIES
    )];
    if best < target {
        notes.push(format!(
            "no setting reaches a recall of {target}, the best {best:.3}: ask for less (--recall), or build an index \
             that keeps more of the vectors (IVF_FLAT, or IVF_PQ with more sub-vectors)"
        ));
    }
    notes
}

/// What is not known of the disk.
pub(super) async fn of_disk(disk: DiskBytes, pinned: &Pinned) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    if disk.lancedb.is_none() {
        let bytes = pinned.figures().await?.data_bytes;
        notes.push(format!(
            "what the table takes in its store cannot be seen from here; the data files of this version take {bytes} \
             bytes"
        ));
    }
    if disk.qdrant.is_none() {
        notes.push(
            "what Qdrant takes on its disk is not known: it does not tell it over gRPC; look at its storage directory"
                .to_owned(),
        );
    }
    Ok(notes)
}

/// What Qdrant's index covers. Where that cannot be asked, nothing is said.
pub(super) async fn of_qdrant(comparer: &Comparer) -> Option<String> {
    let source = &comparer.inspector.source;
    let told = source
        .client()
        .collection_info(source.collection())
        .await
        .ok()?
        .result?;
    let (indexed, points) = (told.indexed_vectors_count?, told.points_count?);
    (indexed < points).then(|| {
        format!(
            "Qdrant's index covers {indexed} vectors of its {points} points (below its indexing threshold it builds \
             none); what it does not cover it goes through in the mode `index` too"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(recall: f64) -> Tried {
        Tried {
            nprobes: Some(1),
            refine_factor: None,
            ef: None,
            recall,
            p50_ms: 1.0,
            chosen: false,
        }
    }

    #[test]
    fn a_missing_index_says_from_when_on_there_is_one() {
        let coverage = |indexed, rows, unindexed| Coverage {
            indexed,
            rows,
            unindexed,
        };
        for (coverage, sweep, said, not_said) in [
            (coverage(false, 100, 100), true, "from 5000 rows on", "qlance run"),
            (coverage(false, 100, 100), true, "no settings to try", "qlance run"),
            (
                coverage(false, 100, 100),
                false,
                "no vector index",
                "no settings to try",
            ),
            (
                coverage(false, 6_000, 6_000),
                false,
                "pipeline.index = true",
                "from 5000",
            ),
            (
                coverage(true, 6_000, 7),
                false,
                "does not cover 7 of 6000",
                "no vector index",
            ),
            (
                coverage(true, 6_000, 0),
                true,
                "took to build is not known",
                "does not cover",
            ),
        ] {
            let notes = of_index(&coverage, None, sweep).join("\n");
            assert!(notes.contains(said), "{said:?} is not in {notes}");
            assert!(!notes.contains(not_said), "{not_said:?} is in {notes}");
        }
    }

    #[test]
    fn a_whole_index_whose_time_is_known_needs_no_note() {
        let coverage = Coverage {
            indexed: true,
            rows: 6_000,
            unindexed: 0,
        };
        assert!(of_index(&coverage, Some(1.5), true).is_empty());
    }

    #[test]
    fn a_recall_out_of_reach_is_told_with_the_best() {
        assert!(of_sweep(&[], 0.95).is_empty());
        let notes = of_sweep(&[tried(0.5), tried(0.912)], 0.95).join("\n");
        assert!(
            notes.contains("no setting reaches a recall of 0.95, the best 0.912"),
            "{notes}"
        );
        let notes = of_sweep(&[tried(0.95)], 0.95).join("\n");
        assert!(!notes.contains("no setting"), "{notes}");
    }

    #[test]
    fn the_method_is_told_always_and_its_limits_where_they_count() {
        let notes = of_method(None, 200).join("\n");
        assert!(
            notes.contains("page cache was not dropped") && notes.contains("gRPC"),
            "{notes}"
        );
        assert!(
            !notes.contains("first 1000") && !notes.contains("only the speeds"),
            "{notes}"
        );
        let notes = of_method(Some("another model"), 2_000).join("\n");
        assert!(notes.contains("first 1000 queries"), "{notes}");
        assert!(notes.contains("not the answers: another model"), "{notes}");
    }
}
