//! What a whole report says and does not say, in all three formats.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::data::{
    Conservation, Cost, Divergence, DivergentRow, Moved, Price, SpacePart, Timings, VerdictPart, VerdictWord, Versions,
};
use super::discreet::Discretion;
use super::gather::{from_journal, named_failures};
use super::settings::shown;
use super::words::clean;
use super::{ColumnPart, Format, ReportData, SCHEMA, Samples, bins, comparison};
use crate::config::{Config, without_credentials};
use crate::journal::{Journal, State};
use crate::point::{Cause, Failure, Histogram, PointId, Similarity};
use crate::tasks::verify::Verification;

/// What must not be seen without samples: a word of payloads and messages, and ids.
#[derive(Debug, Clone)]
struct Planted {
    word: String,
    number: u64,
    uuid: String,
}

impl Planted {
    fn any() -> impl Strategy<Value = Self> {
        // Numbers of sixteen digits, which nothing else in a report has.
        ("MARK[A-Z]{6}", 10_u64.pow(15)..10_u64.pow(16), any::<u128>()).prop_map(|(word, number, uuid)| Self {
            word,
            number,
            uuid: uuid::Uuid::from_u128(uuid).to_string(),
        })
    }

    fn fixed() -> Self {
        Self {
            word: "MARKED|<b>`".to_owned(),
            number: 9_876_543_210_123_456,
            uuid: "5c56c793-69f3-4fbf-87e6-c4bf54c28c26".to_owned(),
        }
    }

    fn ids(&self) -> [PointId; 2] {
        [PointId::Num(self.number), self.uuid.parse().expect("an id")]
    }

    /// A text as a payload or a server could hold it.
    fn text(&self) -> String {
        format!("{} {} {}\n\u{1b}[31m\u{9b}", self.word, self.number, self.uuid)
    }
}

/// A verification that repeats what was planted wherever it could.
fn verification(planted: &Planted) -> Verification {
    let (text, [number, uuid]) = (planted.text(), planted.ids());
    let check = |id: &str, outcome: &str, reasons: Value, notes: Value, numbers: Value| {
        json!({
            "id": id, "outcome": outcome, "figure": "19990 in both; 10 missing, 0 extra, 0 twice",
            "threshold": "at most 0", "reasons": reasons, "notes": notes, "numbers": numbers,
            "sample": {"looked_at": 1_000, "of": 20_000, "bad": 0, "at_most": 0.003},
            "offenders": {"total": 2, "shown": [
                {"id": number, "what": "missing in LanceDB"}, {"id": uuid, "what": text},
            ]},
            "seconds": 1.25,
        })
    };
    let missing = "10 points have no row; `qlance verify --repair` or `qlance sync` brings them over";
    let value = json!({
        "decision": "no_go",
        "reasons": [format!("ids: {missing}"), format!("vectors: contents cannot be embedded again: {text}"), text],
        "collection": "messages", "qdrant_version": "1.18.2", "table": "out.lance/messages", "table_version": 9,
        "points": 20_000, "rows": 19_990, "sample": 1_000, "seed": 7,
        "checks": [
            check(
                "ids", "fail", json!([missing]), json!([text]),
                json!({"missing": 10, "named": [number], "of": text}),
            ),
            check("filters", "pass", json!([]), json!([]), json!({"conditions": [text], "wrong": 0})),
            check("vectors", "inconclusive",
                  json!([format!("contents cannot be embedded again: {text}"), text]), json!([]),
                  json!({"norm": {"least": 1.0, "which": text}})),
        ],
        "began_at": 1_770_000_000_000_i64, "seconds": 12.5,
    });
    serde_json::from_value(value).expect("a verification")
}

fn journal(planted: &Planted) -> Journal {
    let mut journal = Journal::in_memory().expect("a journal");
    let [number, uuid] = planted.ids();
    let failures = [
        (number, Failure::new(Cause::TooLong, planted.text())),
        (uuid, Failure::new(Cause::Rejected, planted.text())),
    ];
    journal.record(&failures, 1_000).expect("recorded");
    let reason = Some(planted.word.as_str());
    journal
        .set_state(&[uuid], &[State::Failed], State::Skipped, reason)
        .expect("skipped");
    journal
}

fn compared(planted: &Planted) -> comparison::Comparison {
    let value = json!({
        "stores": [
            {"store": "qdrant", "mode": "index", "cold_ms": 9.5,
             "latency_ms": {"p50": 1.0, "p95": 2.0, "p99": 3.0, "mean": 1.2, "max": 4.0},
             "per_second": [{"concurrency": 1, "queries_per_second": 812.5},
                            {"concurrency": 16, "queries_per_second": 2_400.0}],
             "recall": {"mean": 0.97, "query": planted.text()}},
            {"store": "lancedb", "mode": "index", "cold_ms": 30.0,
             "latency_ms": {"p50": 2.0, "p95": 2.5, "p99": 6.0, "mean": 2.2, "max": 9.0},
             "per_second": [{"concurrency": 1, "queries_per_second": 430.0},
                            {"concurrency": 16, "queries_per_second": 900.0}],
             "recall": null},
        ],
        "queries": 200, "k": 10, "disk_bytes": {"lancedb": 4_096, "qdrant": 8_192}, "index_seconds": 3.5,
        "sweep": [{"nprobes": 20, "recall": 0.93, "first": planted.text(), "ids": [planted.number]}],
        "began_at": 1_770_000_100_000_i64, "query": planted.text(),
    });
    comparison::parse(value.to_string().as_bytes()).expect("a comparison")
}

fn settings() -> Value {
    let text = "[source]\ncollection = \"messages\"\nurl = \"https://me:TOPSECRET@qdrant.example:6334\"\n\
                api_key_env = \"QDRANT_KEY\"\n[target]\nuri = \"out.lance\"\ntable = \"messages\"\n";
    shown(&toml::from_str::<Config>(text).expect("a configuration"))
}

/// A report that is built as [`super::gather`] builds it, from stores that hold what was planted everywhere.
fn report(planted: &Planted, with_samples: bool) -> ReportData {
    let found = verification(planted);
    let discretion = Discretion {
        with_samples,
        columns: &["embedding"],
    };
    let (verdict, part) = discretion.verification(&found, (Some(12), 20_000), "qlance verify");
    let journal = journal(planted);
    let (failures, shortened, accepted) = from_journal(&journal).expect("read");
    let mut histogram = Histogram::default();
    for step in 0..2_000_u16 {
        histogram.record(Similarity::new(1.0 - f32::from(step % 90) / 2_000.0));
    }
    histogram.record(None);
    let row = DivergentRow {
        point: planted.ids()[0],
        similarity: Similarity::new(0.5).expect("a number"),
        content: Some(clean(&planted.text())),
    };
    let samples = with_samples.then(|| Samples {
        offenders: discretion.offenders(&found),
        failed_points: named_failures(&journal).expect("read"),
        divergent_rows: vec![row],
    });
    ReportData {
        schema: SCHEMA,
        made_at: 1_770_000_200_000,
        with_samples,
        notes: vec!["there is no table yet; `qlance run` makes it".to_owned()],
        verdict,
        moved: Moved {
            collection: "messages".to_owned(),
            points: 20_000,
            table: without_credentials("s3://key:TOPSECRET@bucket/out/messages"),
            table_version: Some(12),
            rows: 19_990,
            fragments: 3,
            data_bytes: 130 << 20,
            columns: vec![ColumnPart {
                name: "embedding".to_owned(),
                kind: "fixed_size_list<float32>[384]".to_owned(),
                holds: "new embeddings".to_owned(),
            }],
            spaces: vec![SpacePart {
                column: "embedding".to_owned(),
                space: "minilm/all-MiniLM-L6-v2@384".to_owned(),
            }],
        },
        conservation: Conservation {
            read: 20_000,
            written: 19_990,
            failed: 9,
            skipped: 1,
            holds: true,
            complete: true,
            recovered: 2,
            caught_up: 0,
            removed: 0,
            adopted_rows: 0,
            shortened,
        },
        divergence: Divergence {
            threshold: 0.98,
            compared: histogram.compared(),
            incomparable: histogram.incomparable(),
            divergent: histogram.below(0.98),
            accepted,
            not_comparable: Some("divergence.same_space says that the spaces differ".to_owned()),
            minimum: Some(0.9555),
            p1: Some(0.956),
            p5: Some(0.96),
            median: Some(0.9775),
            bins: bins::of(&histogram, 0.98),
        },
        failures,
        verification: Some(part),
        comparison: Some(compared(planted)),
        settings: settings(),
        versions: Versions {
            qlance: "0.1.0".to_owned(),
            qdrant: "1.18.2".to_owned(),
            lancedb: "0.41.0".to_owned(),
            lance: "14.0.2".to_owned(),
            os: "linux".to_owned(),
            arch: "x86_64".to_owned(),
            cores: 2,
        },
        timings: Timings {
            first_version_at: Some(1_769_999_000_000),
            newest_version_at: Some(1_769_999_100_000),
            seconds_between: Some(100.0),
            versions_kept: 12,
            verification_began_at: Some(1_770_000_000_000),
            verification_seconds: Some(12.5),
            comparison_began_at: Some(1_770_000_100_000),
            index_seconds: Some(3.5),
        },
        cost: Cost {
            tokens: 412_345,
            usd: 0.0536,
            budget_usd: Some(1.0),
            prices: vec![Price {
                modality: "text",
                model: "all-MiniLM-L6-v2".to_owned(),
                usd_per_million_tokens: 0.13,
            }],
        },
        samples,
    }
}

/// A report in which every key has a value.
pub(super) fn full(with_samples: bool) -> ReportData {
    report(&Planted::fixed(), with_samples)
}

fn rendered(data: &ReportData) -> [String; 3] {
    Format::ALL.map(|format| data.render(format).expect("rendered"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn without_samples_neither_ids_nor_contents_are_seen(planted in Planted::any()) {
        for text in rendered(&report(&planted, false)) {
            prop_assert!(!text.contains(&planted.word), "{}", text);
            prop_assert!(!text.contains(&planted.uuid), "{}", text);
            let digits = planted.number.to_string();
            prop_assert!(!text.contains(&digits) && !text.contains(&super::words::grouped(planted.number)), "{}", text);
        }
        // What is planted is there to be found.
        for text in rendered(&report(&planted, true)) {
            prop_assert!(text.contains(&planted.word) && text.contains(&planted.uuid));
            prop_assert!(text.contains(&planted.number.to_string()));
        }
    }
}

#[test]
fn no_control_character_and_no_secret_is_in_any_of_them() {
    for with_samples in [false, true] {
        for text in rendered(&full(with_samples)) {
            let odd = text.chars().find(|c| c.is_control() && *c != '\n');
            assert_eq!(odd, None, "{text}");
            assert!(!text.contains("TOPSECRET"), "{text}");
            assert!(text.contains("QDRANT") && text.ends_with('\n'), "{text}");
        }
    }
}

#[test]
fn the_page_is_whole_and_asks_nobody() {
    let page = full(true).render(Format::Html).expect("rendered");
    assert!(
        page.starts_with("<!DOCTYPE html><!-- qlance-report/1 --><html lang=\"en\">"),
        "{page:.200}"
    );
    for outside in [
        "<script", "<link", "<img", "<iframe", " src=", " href=", "url(", "@import", "<b>",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    for inside in [
        "NO-GO, as it was",
        "Verified 2026-02-02 02:40:00 UTC at version 9 of the table. The table has changed since (version 12)",
        "20,000 read = 19,990 written + 9 failed + 1 skipped",
        "is every id in both stores, once?",
        "MARKED|&lt;b&gt;`",
        "class=\"outcome fail\"",
        "5.4 % of it used",
        "role=\"img\"",
        "</html>",
    ] {
        assert!(page.contains(inside), "{inside}: {page}");
    }
    assert_eq!(
        page.matches("<svg viewBox=\"0 0 960").count(),
        3,
        "histogram, latencies, throughput"
    );
    for element in [
        "html", "main", "table", "tr", "td", "th", "div", "p", "ul", "li", "figure", "svg", "details", "section",
    ] {
        let opened = page.matches(&format!("<{element}>")).count() + page.matches(&format!("<{element} ")).count();
        assert_eq!(opened, page.matches(&format!("</{element}>")).count(), "{element}");
    }
}

#[test]
fn the_markdown_is_for_a_ticket() {
    let text = full(true).render(Format::Markdown).expect("rendered");
    for inside in [
        "<!-- qlance-report/1 -->\n\n# messages to LanceDB: migration report\n",
        "## Verdict: NO-GO, as it was\n",
        "- ids: 10 points have no row; `qlance verify --repair` or `qlance sync` brings them over\n",
        "| cause | state | points |\n| --- | --- | ---: |\n| too\\_long | failed | 1 |\n",
        "MARKED\\|&lt;b&gt;\\`",
        "```toml\n",
    ] {
        assert!(text.contains(inside), "{inside}: {text}");
    }
    assert!(!text.contains("<b>"), "{text}");
}

#[test]
fn nobody_has_looked_yet() {
    let mut data = full(false);
    data.verdict = VerdictPart {
        decision: VerdictWord::NotVerified,
        reasons: Vec::new(),
        verified_at: None,
        table_version: None,
        table_changed: None,
        points_changed: None,
        command: "qlance verify",
    };
    data.verification = None;
    data.comparison = None;
    data.divergence.bins.clear();
    let [page, json, text] = rendered(&data);
    for said in [&page, &text] {
        assert!(
            said.contains("NOT VERIFIED") && said.contains("qlance verify"),
            "{said}"
        );
        assert!(said.contains("qlance compare") && !said.contains("as it was"), "{said}");
    }
    assert!(!page.contains("<svg"), "nothing to draw");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["verdict"]["decision"], "not_verified");
    assert_eq!(
        (&json["verification"], &json["comparison"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn what_is_left_out_is_told() {
    let data = full(false);
    let json: Value = serde_json::from_str(&data.render(Format::Json).expect("rendered")).expect("JSON");
    let reasons = json["verdict"]["reasons"].as_array().expect("reasons");
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert_eq!(reasons[2], super::sentences::WITHHELD);
    assert_eq!(json["verification"]["checks"][0]["numbers"], json!({"missing": 10}));
    assert_eq!(json["verification"]["checks"][0]["offenders"], json!(2));
    assert_eq!(json["samples"], Value::Null);
    assert_eq!(
        json["failures"]["by_cause"][1],
        json!({"cause": "rejected", "state": "skipped", "count": 1})
    );
}

/// Every key with the way to it. What is in settings, figures of checks, recall and sweep is not the schema's.
fn paths(value: &Value, way: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let path = if way.is_empty() {
                    key.clone()
                } else {
                    format!("{way}.{key}")
                };
                found.insert(path.clone());
                if !["settings", "numbers", "recall", "sweep"].contains(&key.as_str()) {
                    paths(value, &path, found);
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| paths(value, &format!("{way}[]"), found)),
        _ => {}
    }
}

#[test]
fn the_schema_is_the_one_in_the_docs() {
    let json = serde_json::to_value(full(true)).expect("JSON");
    let mut written = BTreeSet::new();
    paths(&json, "", &mut written);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.md");
    let docs = std::fs::read_to_string(path).expect("docs/report.md");
    let told: BTreeSet<String> = docs
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` |"))
        .map(|(path, _)| path.to_owned())
        .collect();
    let lacks: Vec<&String> = written.difference(&told).collect();
    let more: Vec<&String> = told.difference(&written).collect();
    assert!(
        lacks.is_empty() && more.is_empty(),
        "docs/report.md lacks {lacks:?} and has {more:?} too many"
    );
    assert!(docs.contains(SCHEMA));
    let first = full(false).render(Format::Json).expect("rendered");
    assert!(
        first.starts_with("{\n  \"schema\": \"qlance-report/1\","),
        "{first:.80}"
    );
}
