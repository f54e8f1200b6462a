//! The report's tables, made once from the data: the page and the Markdown show the same cells.

use serde_json::Value;

use super::comparison::Comparison;
use super::data::ReportData;
use super::words::{bytes, figure, grouped, moment, share, short, span};
use crate::point::{exact_sum, sum_of_money};

/// A column's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    /// Its words.
    pub(super) text: String,
    /// Whether its cells are numbers, and stand at the right.
    pub(super) is_number: bool,
}

/// A table. Cells are plain text: who renders them escapes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// The heads; none where the first column names what the second says.
    pub(super) head: Vec<Head>,
    /// The rows, each as long as the head.
    pub(super) rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with heads; those that begin with `#` are of numbers.
    fn new(heads: &[&str], rows: Vec<Vec<String>>) -> Self {
        let head = heads.iter().map(|text| Head {
            text: text.trim_start_matches('#').to_owned(),
            is_number: text.starts_with('#'),
        });
        Self {
            head: head.collect(),
            rows,
        }
    }

    /// Names and what they say.
    fn facts(facts: Vec<(&str, String)>) -> Self {
        let rows = facts.into_iter().map(|(name, said)| vec![name.to_owned(), said]);
        Self {
            head: Vec::new(),
            rows: rows.collect(),
        }
    }
}

/// What was moved, from where to where.
pub(super) fn moved(data: &ReportData) -> Table {
    let moved = &data.moved;
    let version = moved
        .table_version
        .map_or_else(|| "no table yet".to_owned(), |version| format!("version {version}"));
    Table::facts(vec![
        (
            "from",
            format!("Qdrant {}, collection {}", data.versions.qdrant, moved.collection),
        ),
        ("points", grouped(moved.points)),
        ("to", format!("LanceDB, table {} ({version})", moved.table)),
        ("rows", grouped(moved.rows)),
        (
            "on disk",
            format!("{} in {} fragments", bytes(moved.data_bytes), grouped(moved.fragments)),
        ),
    ])
}

/// The columns with their types, and the space where they are embeddings.
pub(super) fn columns(data: &ReportData) -> Table {
    let space = |name: &str| {
        let found = data.moved.spaces.iter().find(|space| space.column == name);
        found.map_or_else(String::new, |space| format!(", space {}", space.space))
    };
    let rows = data.moved.columns.iter().map(|column| {
        vec![
            column.name.clone(),
            column.kind.clone(),
            format!("{}{}", column.holds, space(&column.name)),
        ]
    });
    Table::new(&["column", "type", "holds"], rows.collect())
}

/// Where the rows of the sum come from.
pub(super) fn conservation(data: &ReportData) -> Table {
    let sum = data.conservation;
    let mut facts = vec![
        ("of the written, by retries", grouped(sum.recovered)),
        ("added when catching up", grouped(sum.caught_up)),
        ("removed when catching up", grouped(sum.removed)),
        ("rows with a shortened text", grouped(sum.shortened)),
    ];
    if sum.adopted_rows > 0 {
        facts.push(("rows that were there before", grouped(sum.adopted_rows)));
    }
    Table::facts(facts)
}

/// The divergence in figures.
pub(super) fn divergence(data: &ReportData) -> Table {
    let found = &data.divergence;
    Table::facts(vec![
        ("compared", grouped(found.compared)),
        ("cannot be compared", grouped(found.incomparable)),
        (
            "below the threshold",
            format!(
                "{} ({}) below {}",
                grouped(found.divergent),
                share(found.divergent, found.compared),
                short(found.threshold)
            ),
        ),
        ("of those accepted", grouped(found.accepted)),
        (
            "least, 1 %, 5 %, median",
            [found.minimum, found.p1, found.p5, found.median]
                .map(|value| figure(value, 4))
                .join(", "),
        ),
    ])
}

/// The bars of the histogram that are not empty.
pub(super) fn bins(data: &ReportData) -> Table {
    let found = &data.divergence;
    let rows = found.bins.iter().filter(|bin| bin.count > 0).map(|bin| {
        vec![
            short(bin.from),
            short(bin.to),
            grouped(bin.count),
            share(bin.count, found.compared),
        ]
    });
    Table::new(&["#from", "#to", "#rows", "#share"], rows.collect())
}

/// Failures by cause and state.
pub(super) fn failures(data: &ReportData) -> Table {
    let rows = data.failures.by_cause.iter().map(|found| {
        vec![
            found.cause.as_str().to_owned(),
            found.state.as_str().to_owned(),
            grouped(found.count),
        ]
    });
    Table::new(&["cause", "state", "#points"], rows.collect())
}

/// The checks in a line each.
pub(super) fn checks(data: &ReportData) -> Table {
    let checks = data.verification.iter().flat_map(|found| &found.checks);
    let rows = checks.map(|check| {
        vec![
            check.id.as_str().to_owned(),
            check.outcome.label().to_owned(),
            check.figure.clone(),
            check.threshold.clone(),
            grouped(check.offenders),
            span(check.seconds),
        ]
    });
    let heads = ["check", "outcome", "figure", "threshold", "#offenders", "#time"];
    Table::new(&heads, rows.collect())
}

/// The latencies of each store in each way of searching.
pub(super) fn latencies(comparison: &Comparison) -> Table {
    let rows = comparison.stores.iter().map(|store| {
        let latency = store.latency_ms;
        let mut row = vec![store.label()];
        let values = [
            store.cold_ms,
            latency.p50,
            latency.p95,
            latency.p99,
            latency.mean,
            latency.max,
        ];
        row.extend(values.map(|value| figure(value, 2)));
        row.push(figure(store.mean_recall(), 4));
        row
    });
    let heads = ["store", "#first", "#p50", "#p95", "#p99", "#mean", "#max", "#recall"];
    Table::new(&heads, rows.collect())
}

/// Queries a second by queries in flight.
pub(super) fn throughput(comparison: &Comparison) -> Table {
    let measured = comparison.stores.iter().flat_map(|store| {
        store.per_second.iter().map(|found| {
            vec![
                store.label(),
                grouped(found.concurrency),
                format!("{:.1}", found.queries_per_second),
            ]
        })
    });
    Table::new(&["store", "#in flight", "#queries a second"], measured.collect())
}

/// What beside speed was measured.
pub(super) fn measured(comparison: &Comparison) -> Table {
    let size = |size: Option<u64>| size.map_or_else(|| "not known".to_owned(), bytes);
    Table::facts(vec![
        (
            "queries",
            format!("{}, {} results each", grouped(comparison.queries), comparison.k),
        ),
        ("LanceDB on disk", size(comparison.disk_bytes.lancedb)),
        ("Qdrant on disk", size(comparison.disk_bytes.qdrant)),
        (
            "vector index built in",
            comparison.index_seconds.map_or_else(|| "not measured".to_owned(), span),
        ),
    ])
}

/// The index settings that were tried: a column for every figure that any of them has.
pub(super) fn sweep(comparison: &Comparison) -> Table {
    let tried: Vec<Vec<(String, String)>> = comparison
        .sweep
        .iter()
        .map(|value| {
            let mut cells = Vec::new();
            flatten("", value, &mut cells);
            cells
        })
        .collect();
    let mut heads: Vec<&str> = Vec::new();
    for (name, _) in tried.iter().flatten() {
        if !heads.contains(&name.as_str()) {
            heads.push(name);
        }
    }
    let rows = tried.iter().map(|cells| {
        let cell = |head: &&str| {
            let found = cells.iter().find(|(name, _)| name == head);
            found.map_or_else(|| "-".to_owned(), |(_, value)| value.clone())
        };
        heads.iter().map(cell).collect()
    });
    let rows = rows.collect();
    let marked: Vec<String> = heads.iter().map(|head| format!("#{head}")).collect();
    let marked: Vec<&str> = marked.iter().map(String::as_str).collect();
    Table::new(&marked, rows)
}

fn flatten(name: &str, value: &Value, cells: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}.{key}")
                };
                flatten(&name, value, cells);
            }
        }
        Value::Number(number) => {
            let text = number.as_u64().map(grouped).or_else(|| number.as_f64().map(short));
            cells.push((name.to_owned(), text.unwrap_or_else(|| number.to_string())));
        }
        Value::Bool(truth) => cells.push((name.to_owned(), if *truth { "yes" } else { "no" }.to_owned())),
        _ => {}
    }
}

/// Who took part.
pub(super) fn versions(data: &ReportData) -> Table {
    let versions = &data.versions;
    Table::facts(vec![
        ("qlance", versions.qlance.clone()),
        ("Qdrant", versions.qdrant.clone()),
        ("lancedb, lance", format!("{}, {}", versions.lancedb, versions.lance)),
        (
            "machine",
            format!("{} {}, {} cores", versions.os, versions.arch, versions.cores),
        ),
    ])
}

/// When and how long.
pub(super) fn timings(data: &ReportData) -> Table {
    let times = data.timings;
    let mut facts = Vec::new();
    if let (Some(first), Some(newest)) = (times.first_version_at, times.newest_version_at) {
        facts.push(("first version of the table that is kept", moment(first)));
        facts.push(("newest version", moment(newest)));
    }
    if let Some(seconds) = times.seconds_between {
        let between = format!("{}, pauses and indexes with them", span(seconds));
        facts.push(("between them", between));
    }
    facts.push(("versions kept", grouped(times.versions_kept)));
    if let (Some(began), Some(seconds)) = (times.verification_began_at, times.verification_seconds) {
        facts.push(("verification", format!("{}, {}", moment(began), span(seconds))));
    }
    if let Some(began) = times.comparison_began_at {
        facts.push(("comparison", moment(began)));
    }
    if let Some(seconds) = times.index_seconds {
        facts.push(("vector index built in", span(seconds)));
    }
    Table::facts(facts)
}

/// What the embedder was paid.
pub(super) fn cost(data: &ReportData) -> Table {
    let cost = &data.cost;
    let budget = cost.budget_usd.map_or_else(
        || "no cap".to_owned(),
        |budget| {
            let used = if budget > 0.0 { cost.usd / budget * 100.0 } else { 100.0 };
            format!("${}, {used:.1} % of it used", exact_sum(budget))
        },
    );
    let mut facts = vec![
        ("tokens", grouped(cost.tokens)),
        ("spent", format!("${}", sum_of_money(cost.usd, 4))),
        ("budget", budget),
    ];
    for price in &cost.prices {
        let model = if price.model.is_empty() {
            "vectors are carried over".to_owned()
        } else {
            format!(
                "{}, ${} for a million tokens",
                price.model, price.usd_per_million_tokens
            )
        };
        facts.push((price.modality, model));
    }
    Table::facts(facts)
}

/// Points that checks find fault with; empty without samples.
pub(super) fn offenders(data: &ReportData) -> Table {
    let named = data.samples.iter().flat_map(|samples| &samples.offenders);
    let rows = named.map(|offender| {
        vec![
            offender.check.as_str().to_owned(),
            offender.point.to_string(),
            offender.what.clone(),
        ]
    });
    Table::new(&["check", "point", "what is wrong"], rows.collect())
}

/// Failed points with their messages; empty without samples.
pub(super) fn failed_points(data: &ReportData) -> Table {
    let named = data.samples.iter().flat_map(|samples| &samples.failed_points);
    let rows = named.map(|failed| {
        vec![
            failed.point.to_string(),
            failed.state.as_str().to_owned(),
            failed.cause.as_str().to_owned(),
            failed.attempts.to_string(),
            failed.message.clone(),
        ]
    });
    Table::new(&["point", "state", "cause", "#attempts", "message"], rows.collect())
}

/// Rows below the threshold, worst first; empty without samples.
pub(super) fn divergent_rows(data: &ReportData) -> Table {
    let named = data.samples.iter().flat_map(|samples| &samples.divergent_rows);
    let rows = named.map(|row| {
        vec![
            row.point.to_string(),
            format!("{:.4}", row.similarity.get()),
            row.content.clone().unwrap_or_else(|| "-".to_owned()),
        ]
    });
    Table::new(&["point", "#similarity", "content begins"], rows.collect())
}

/// The verdict's context in a sentence or two.
pub(super) fn context(data: &ReportData) -> String {
    let verdict = &data.verdict;
    let (Some(at), Some(version)) = (verdict.verified_at, verdict.table_version) else {
        return format!("Nobody has looked yet: run `{}`.", verdict.command);
    };
    let mut text = format!("Verified {} at version {version} of the table.", moment(at));
    match (verdict.table_changed, verdict.points_changed, data.moved.table_version) {
        (Some(true), _, Some(newest)) => {
            text.push_str(&format!(" The table has changed since (version {newest})"));
        }
        (Some(true), _, None) => text.push_str(" The table is gone since"),
        (_, Some(true), _) => text.push_str(" Qdrant has another number of points since"),
        _ => {
            text.push_str(" The table has not changed since.");
            return text;
        }
    }
    text.push_str(&format!(": run `{}` again.", verdict.command));
    text
}

/// The sum as a line.
pub(super) fn sum(data: &ReportData) -> String {
    let sum = data.conservation;
    format!(
        "{} read = {} written + {} failed + {} skipped",
        grouped(sum.read),
        grouped(sum.written),
        grouped(sum.failed),
        grouped(sum.skipped)
    )
}

/// Whether the sum holds, and how far the collection was read.
pub(super) fn sum_said(data: &ReportData) -> &'static str {
    match (data.conservation.holds, data.conservation.complete) {
        (true, true) => "The sum holds, and every id range was read to its end.",
        (true, false) => "The sum holds so far; the migration has not come to its end.",
        (false, _) => "The sum does not hold: points or rows are not accounted for. Run `qlance verify`.",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_sweep_has_a_column_for_every_figure() {
        let comparison = Comparison {
            sweep: vec![
                json!({"nprobes": 20, "recall": {"mean": 0.95}, "chosen": true}),
                json!({"nprobes": 1_000, "ef": 64.5}),
            ],
            ..Comparison::default()
        };
        let table = sweep(&comparison);
        let heads: Vec<&str> = table.head.iter().map(|head| head.text.as_str()).collect();
        assert_eq!(heads.len(), 4, "{heads:?}");
        assert!(table.head.iter().all(|head| head.is_number));
        for (row, expected) in [(0, ["20", "0.95", "yes", "-"]), (1, ["1,000", "-", "-", "64.5"])] {
            let mut found = table.rows[row].clone();
            let mut expected = expected.map(str::to_owned).to_vec();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{heads:?}");
        }
    }

    #[test]
    fn every_row_is_as_long_as_the_head() {
        let data = crate::report::tests::full(true);
        let comparison = data.comparison.clone().expect("a comparison");
        for table in [
            columns(&data),
            bins(&data),
            failures(&data),
            checks(&data),
            offenders(&data),
            failed_points(&data),
            divergent_rows(&data),
            latencies(&comparison),
            throughput(&comparison),
            sweep(&comparison),
        ] {
            assert!(!table.rows.is_empty(), "{table:?}");
            assert!(table.rows.iter().all(|row| row.len() == table.head.len()), "{table:?}");
        }
        for table in [
            moved(&data),
            conservation(&data),
            divergence(&data),
            versions(&data),
            timings(&data),
            cost(&data),
        ] {
            assert!(
                table.head.is_empty() && table.rows.iter().all(|row| row.len() == 2),
                "{table:?}"
            );
        }
    }
}
