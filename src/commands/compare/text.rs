//! A comparison as it is printed: aligned tables, every figure with its unit, what is unknown called so.

use crate::tasks::comparison::{Comparison, Measured, Store, Tried};

/// The comparison as it is printed.
pub(super) fn text_of(found: &Comparison) -> String {
    let Comparison {
        queries,
        k,
        seed,
        column,
        vector,
        ..
    } = found;
    let asks_qdrant = found.stores.iter().any(|one| one.store == Store::Qdrant);
    let of_qdrant = match vector.as_str() {
        _ if !asks_qdrant => "not at all".to_owned(),
        "" => "by the unnamed vector".to_owned(),
        name => format!("by vector {}", one_line(name)),
    };
    let comparable = if found.same_space {
        ": one space, answers and speeds can be compared"
    } else if asks_qdrant {
        ": not known to be one space, only speeds can be compared"
    } else {
        ""
    };
    let mut text = format!(
        "{queries} queries by vectors of drawn rows (seed {seed}), {k} results each\n\
         LanceDB by column {}, Qdrant {of_qdrant}{comparable}\n\n",
        one_line(column)
    );
    text.push_str(&table(&stores(found)));
    text.push_str("latency in milliseconds at one query at a time; q/s: queries a second with so many in flight;\n");
    text.push_str("recall against the exact search of the same store, mean and least of all queries\n\n");
    text.push_str(&disk_and_index(found));
    if !found.sweep.is_empty() {
        text.push_str(&format!(
            "\nsettings of LanceDB's index, from cheap to dear (* chosen)\n{}",
            table(&sweep(found))
        ));
    }
    if let Some(code) = &found.code {
        text.push_str(&format!("\nPython\n\n{}\nRust\n\n{}", code.python, code.rust));
    }
    if !found.notes.is_empty() {
        text.push('\n');
    }
    for note in &found.notes {
        text.push_str(&format!("- {}\n", one_line(note)));
    }
    text
}

/// Texts of the stores, and of the configuration, in a line that has others beside it.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// One row a contender, its head first.
fn stores(found: &Comparison) -> Vec<Vec<String>> {
    let mut head: Vec<String> = ["store", "mode", "cold", "p50", "p95", "p99", "mean", "max"]
        .map(str::to_owned)
        .into();
    let concurrencies = found
        .stores
        .first()
        .map(|one| one.per_second.as_slice())
        .unwrap_or_default();
    head.extend(concurrencies.iter().map(|one| format!("q/s at {}", one.concurrency)));
    head.push(format!("recall@{}", found.k));
    head.push("least".to_owned());
    let mut rows = vec![head];
    for Measured {
        store,
        mode,
        cold_ms,
        latency_ms: latency,
        per_second,
        recall,
    } in &found.stores
    {
        let mut row = vec![store.label().to_owned(), mode.label().to_owned()];
        row.push(cold_ms.map_or_else(unknown, ms));
        row.extend([latency.p50, latency.p95, latency.p99, latency.mean, latency.max].map(ms));
        row.extend(per_second.iter().map(|one| format!("{:.0}", one.queries_per_second)));
        row.push(recall.map_or_else(unknown, |recall| format!("{:.3}", recall.mean)));
        row.push(recall.map_or_else(unknown, |recall| format!("{:.3}", recall.minimum)));
        rows.push(row);
    }
    rows
}

/// One row a setting, its head first.
fn sweep(found: &Comparison) -> Vec<Vec<String>> {
    let recall = format!("recall@{}", found.k);
    let mut rows = vec![
        ["", "nprobes", "refine", "ef", recall.as_str(), "p50 ms"]
            .map(str::to_owned)
            .into(),
    ];
    let own = |number: Option<String>| number.unwrap_or_else(|| "own".to_owned());
    for tried in &found.sweep {
        let Tried {
            nprobes,
            refine_factor,
            ef,
            recall,
            p50_ms,
            chosen,
        } = tried;
        let mark = if *chosen { "*" } else { "" };
        rows.push(vec![
            mark.to_owned(),
            own(nprobes.map(|n| n.to_string())),
            own(refine_factor.map(|n| n.to_string())),
            own(ef.map(|n| n.to_string())),
            format!("{recall:.4}"),
            ms(*p50_ms),
        ]);
    }
    rows
}

fn disk_and_index(found: &Comparison) -> String {
    let bytes = |bytes: Option<u64>| bytes.map_or_else(unknown, human_bytes);
    let disk = found.disk_bytes;
    let mut text = format!(
        "on disk: LanceDB {}, Qdrant {}\n",
        bytes(disk.lancedb),
        bytes(disk.qdrant)
    );
    match &found.index {
        Some(index) => {
            let built = found
                .index_seconds
                .map_or_else(unknown, |seconds| format!("{seconds:.1} s"));
            text.push_str(&format!(
                "LanceDB's index: {} over {} rows, {} not covered; time to build: {built}\n",
                one_line(&index.kind),
                index.rows,
                index.unindexed
            ));
        }
        None => text.push_str("LanceDB's index: none\n"),
    }
    text
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn ms(milliseconds: f64) -> String {
    format!("{milliseconds:.2}")
}

fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} bytes");
    }
    let mut size = bytes as f64 / 1_024.0;
    let mut unit = UNITS[0];
    for &larger in &UNITS[1..] {
        // From here on the rounded number would have five digits.
        if size < 1_023.95 {
            break;
        }
        size /= 1_024.0;
        unit = larger;
    }
    format!("{size:.1} {unit}")
}

/// Aligned columns: words to the left, as the first two of a store are; numbers to the right.
fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let is_word = |column: usize| {
        let mut cells = rows.iter().skip(1).filter_map(|row| row.get(column));
        cells.all(|cell| !cell.starts_with(|c: char| c.is_ascii_digit()) && cell != "own" && cell != "unknown")
    };
    let words: Vec<bool> = (0..columns).map(is_word).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths.get(column).copied().unwrap_or(0);
            if words.get(column) == Some(&true) {
                line.push_str(&format!("{cell:<width$}  "));
            } else {
                line.push_str(&format!("{cell:>width$}  "));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::comparison::{Code, DiskBytes, IndexFacts, Latency, Mode, PerSecond, Recall};

    fn measured(store: Store, mode: Mode, recall: Option<f64>) -> Measured {
        Measured {
            store,
            mode,
            cold_ms: Some(12.345),
            latency_ms: Latency {
                p50: 0.5,
                p95: 1.25,
                p99: 1_234.567,
                mean: 0.75,
                max: 2_000.0,
            },
            per_second: [(1, 900.4), (16, 3_210.6)]
                .map(|(concurrency, queries_per_second)| PerSecond {
                    concurrency,
                    queries_per_second,
                })
                .into(),
            recall: recall.map(|mean| Recall {
                mean,
                median: mean,
                minimum: 0.5,
                p5: mean,
            }),
        }
    }

    fn comparison() -> Comparison {
        Comparison {
            began_at: 0,
            queries: 200,
            k: 10,
            seed: 1,
            same_space: false,
            column: "embedding".into(),
            vector: String::new(),
            stores: vec![
                measured(Store::Lancedb, Mode::Index, Some(0.9712)),
                measured(Store::Qdrant, Mode::Exact, None),
            ],
            disk_bytes: DiskBytes {
                lancedb: Some(1_572_864),
                qdrant: None,
            },
            index_seconds: None,
            index: Some(IndexFacts {
                kind: "IVF_PQ".into(),
                rows: 20_000,
                unindexed: 3,
            }),
            sweep: [(None, 0.9, false), (Some(8), 0.97, true)]
                .map(|(nprobes, recall, chosen)| Tried {
                    nprobes,
                    refine_factor: None,
                    ef: None,
                    recall,
                    p50_ms: 0.5,
                    chosen,
                })
                .into(),
            code: Some(Code {
                python: "import lancedb\n".into(),
                rust: "let db = 1;\n".into(),
            }),
            notes: vec!["one\u{1b}[31m note".into()],
        }
    }

    #[test]
    fn every_figure_is_in_its_column_with_its_unit() {
        let text = text_of(&comparison());
        let expected = "\
store    mode    cold   p50   p95      p99  mean      max  q/s at 1  q/s at 16  recall@10    least
LanceDB  index  12.35  0.50  1.25  1234.57  0.75  2000.00       900       3211      0.971    0.500
Qdrant   exact  12.35  0.50  1.25  1234.57  0.75  2000.00       900       3211    unknown  unknown
";
        let expected = expected.replace("12.35", &ms(12.345));
        assert!(text.contains(&expected), "{text}");
        for part in [
            "200 queries by vectors of drawn rows (seed 1), 10 results each\n",
            "Qdrant by the unnamed vector: not known to be one space, only speeds can be compared\n",
            "latency in milliseconds",
            "on disk: LanceDB 1.5 MiB, Qdrant unknown\n",
            "LanceDB's index: IVF_PQ over 20000 rows, 3 not covered; time to build: unknown\n",
            "   nprobes  refine   ef  recall@10  p50 ms\n",
            "\n       own     own  own     0.9000    0.50\n",
            "\n*        8     own  own     0.9700    0.50\n",
            "\nPython\n\nimport lancedb\n\nRust\n\nlet db = 1;\n",
            "- one\u{fffd}[31m note\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(!text.contains('\u{1b}'), "{text:?}");
        assert!(text.lines().all(|line| line.trim_end() == line), "{text:?}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        let mut none = comparison();
        none.index = None;
        none.sweep.clear();
        none.code = None;
        none.same_space = true;
        none.vector = "dense".into();
        let text = text_of(&none);
        assert!(text.contains("LanceDB's index: none\n"), "{text}");
        assert!(text.contains("Qdrant by vector dense: one space"), "{text}");
        assert!(!text.contains("nprobes") && !text.contains("Python"), "{text}");
        none.stores.truncate(1);
        none.same_space = false;
        let text = text_of(&none);
        assert!(
            text.contains("LanceDB by column embedding, Qdrant not at all\n"),
            "{text}"
        );
    }

    #[test]
    fn bytes_have_their_unit() {
        for (bytes, expected) in [
            (0, "0 bytes"),
            (1_023, "1023 bytes"),
            (1_024, "1.0 KiB"),
            (1_048_575, "1.0 MiB"),
            (1_572_864, "1.5 MiB"),
            (5 << 30, "5.0 GiB"),
            (3 << 50, "3072.0 TiB"),
        ] {
            assert_eq!(human_bytes(bytes), expected);
        }
    }
}
