//! The evaluation of the demo's own collection against a second implementation: the test reads the table itself, embeds
//! the queries itself with the teaching space's own functions, compares every vector with every other, and reckons all
//! figures from their definitions. And queries of another space than the demo's table holds, which are refused by name.

mod second;

use std::path::Path;

use lancedb::DistanceType;
use lancedb::index::Index;
use lancedb::index::vector::IvfFlatIndexBuilder;
use qlance::embed::teaching;
use qlance::point::Modality;
use qlance::tasks::demo::Shown;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::dialect_server::{DialectServer, Family, Offer};
use crate::support::world::{qlance_in, said};
use second::{FIGURES, Own, items};

/// Messages: so many that seven of the nine pairs of modalities have queries. Pictures and sounds share no thread.
const POINTS: u64 = 300;
/// More queries for each pair than the collection holds points: all of them ask, and nothing is drawn.
const ALL_OF_THEM: &str = "1000";

/// A demo of the joint space, migrated, in the directory `d` below.
async fn joint_demo(points: u64) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let points = points.to_string();
    let args = ["demo", "--no-tui", "--joint", "--points", &points, "--dir", "d"];
    let output = qlance_in(dir.path(), &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    dir
}

async fn table(dir: &Path) -> lancedb::Table {
    let uri = dir.join("choir.lance");
    let db = lancedb::connect(uri.to_str().expect("a UTF-8 path"))
        .execute()
        .await
        .expect("a database");
    db.open_table("messages").execute().await.expect("a table")
}

/// Checks a cell of the report against the figures reckoned here, exact and through the index.
#[track_caller]
fn assert_agrees(cell: &Value, own: &Own) {
    let name = own.name();
    assert_eq!(
        (&cell["asked"], &cell["found"], &cell["made_from"], &cell["unasked"]),
        (
            &json!(own.asked.as_str()),
            &json!(own.found.as_str()),
            &json!(own.made_from),
            &json!(0)
        ),
        "{cell}"
    );
    let there = !own.scores.is_empty();
    assert_eq!(cell["why"].is_null(), there, "{name}: {cell}");
    assert_eq!(cell["indexed"], json!(there), "{name}: {cell}");
    for way in ["exact", "index"] {
        if !there {
            assert!(cell[way].is_null(), "{name}: {cell}");
            continue;
        }
        let figures = &cell[way]["figures"];
        assert_eq!(figures["queries"], json!(own.scores.len()), "{name}, {way}");
        for (figure, (word, expected)) in FIGURES.into_iter().zip(own.intervals()).enumerate() {
            let ends = ["mean", "low", "high"].map(|end| {
                let number = figures[word][end].as_f64();
                number.unwrap_or_else(|| panic!("{name}, {way}: no {end} of {word} in {figures}"))
            });
            for (found, expected) in ends.into_iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-9,
                    "{name}, {way}, {word}: {ends:?} are not {expected:?}"
                );
            }
            let [mean, low, high] = ends;
            assert!(
                0.0 <= low && low <= mean + 1e-12 && mean <= high + 1e-12 && high <= 1.0 + 1e-12,
                "{name}, {way}, {word}: {ends:?}"
            );
            if own.is_constant(figure) {
                assert!(high - low < 1e-12, "{name}, {way}, {word}: {ends:?}");
            }
        }
        let latency = &cell[way]["latency"];
        let [p50, p95, p99] = ["p50_ms", "p95_ms", "p99_ms"].map(|key| latency[key].as_f64().unwrap_or(-1.0));
        assert!(0.0 < p50 && p50 <= p95 && p95 <= p99, "{name}, {way}: {latency}");
    }
}

/// The numbers that stand on a line by themselves or in brackets.
fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace()
        .filter_map(|word| word.trim_matches(['[', ']', ',']).parse().ok())
        .collect()
}

/// Whether a number is printed as this, with three decimals.
fn is_printed(printed: f64, number: f64) -> bool {
    (printed - number).abs() < 0.000_51
}

/// Checks the matrix and every pair as they are printed.
#[track_caller]
fn assert_printed(text: &str, all: &[Own]) {
    let lines: Vec<&str> = text.lines().collect();
    let line_of = |what: &str| {
        let found = lines.iter().position(|line| line.starts_with(what));
        found.unwrap_or_else(|| panic!("no line {what:?} in\n{text}"))
    };
    let top = line_of("recall@10, exact search");
    let words: Vec<&str> = lines[top + 1].split_whitespace().collect();
    assert_eq!(words, ["text", "image", "audio"], "{text}");
    for (place, asked) in Modality::ALL.into_iter().enumerate() {
        let words: Vec<&str> = lines[top + 2 + place].split_whitespace().collect();
        assert_eq!((words.len(), words[0]), (4, asked.as_str()), "{text}");
        for (found, word) in Modality::ALL.into_iter().zip(&words[1..]) {
            let own = all.iter().find(|own| own.asked == asked && own.found == found);
            let own = own.expect("every pair is reckoned");
            if own.scores.is_empty() {
                assert_eq!(*word, "-", "{}:\n{text}", own.name());
                continue;
            }
            let printed: f64 = word.parse().unwrap_or_else(|_| panic!("{word:?} in\n{text}"));
            assert!(is_printed(printed, own.intervals()[2][0]), "{}:\n{text}", own.name());
        }
    }
    for own in all {
        let at = line_of(&own.name());
        if own.scores.is_empty() {
            assert_eq!(lines[at + 1].trim(), "no two of them share a thread", "{text}");
            continue;
        }
        let mut expected = vec![own.scores.len() as f64];
        expected.extend(own.intervals().concat());
        for (below, label) in [(1, "exact"), (3, "no index")] {
            let (first, second) = (lines[at + below], lines[at + below + 1]);
            assert!(first.trim_start().starts_with(label), "{}: {first:?}", own.name());
            let mut printed = numbers(first);
            printed.extend(numbers(second));
            // Three latencies come last.
            assert_eq!(printed.len(), expected.len() + 3, "{first}\n{second}");
            for (printed, expected) in printed.iter().zip(&expected) {
                assert!(
                    is_printed(*printed, *expected),
                    "{}: {expected} in\n{first}\n{second}",
                    own.name()
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_matrix_agrees_with_a_second_implementation() {
    let demo = joint_demo(POINTS).await;
    let dir = demo.path().join("d");
    let table = table(&dir).await;
    let items = items(&table, POINTS).await;
    let all: Vec<Own> = Modality::ALL
        .into_iter()
        .flat_map(|asked| Modality::ALL.map(|found| (asked, found)))
        .map(|(asked, found)| Own::of(&items, asked, found))
        .collect();
    // What this is measured by is there: pairs with queries and without, figures that vary and figures that do not.
    let asking: Vec<&Own> = all.iter().filter(|own| !own.scores.is_empty()).collect();
    assert_eq!(asking.len(), 7);
    let figures = || {
        asking
            .iter()
            .flat_map(|own| (0..FIGURES.len()).map(move |figure| own.is_constant(figure)))
    };
    assert!(figures().any(|constant| constant) && figures().any(|constant| !constant));

    let output = qlance_in(&dir, &["evaluate", "--sample", ALL_OF_THEM]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let queries: usize = all.iter().map(|own| own.scores.len()).sum();
    let head = format!(
        ": {queries} queries in teaching/{}@{}",
        teaching::MODEL,
        teaching::DIMENSIONS
    );
    assert!(text.lines().next().is_some_and(|line| line.ends_with(&head)), "{text}");
    assert_printed(&text, &all);

    // So few rows get no index of their own. In one partition everything is found, but by another way than before.
    let index = IvfFlatIndexBuilder::default()
        .distance_type(DistanceType::Cosine)
        .num_partitions(1);
    table
        .create_index(&["embedding"], Index::IvfFlat(index))
        .execute()
        .await
        .expect("an index");
    let output = qlance_in(&dir, &["evaluate", "--sample", ALL_OF_THEM, "--json"]).await;
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    assert_eq!(
        (&report["queries"], &report["resamples"]),
        (&json!(queries), &json!(1_000)),
        "{report}"
    );
    let cells = report["cells"].as_array().expect("cells");
    assert_eq!(cells.len(), all.len());
    for (cell, own) in cells.iter().zip(&all) {
        assert_agrees(cell, own);
    }
}

/// A configuration beside the demo's, with another text in the place of a part of it.
fn configured(dir: &Path, name: &str, part: &str, instead: &str) {
    let text = std::fs::read_to_string(dir.join("qlance.toml")).expect("the demo's configuration");
    assert!(text.contains(part), "{part:?} is not in {text}");
    std::fs::write(dir.join(name), text.replace(part, instead)).expect("the configuration is written");
}

/// What `qlance --config NAME ARGS` says when it refuses.
async fn refused(dir: &Path, name: &str, args: &[&str]) -> String {
    let mut all = vec!["--config", name];
    all.extend(args);
    let output = qlance_in(dir, &all).await;
    assert_eq!(output.status.code(), Some(1), "{name} {args:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const PICTURE: &str = "media/picture-0005.png";
const SOUND: &str = "media/sound-0015.wav";

#[tokio::test(flavor = "multi_thread")]
async fn queries_of_another_space_are_refused_by_name() {
    let demo = joint_demo(40).await;
    let dir = demo.path().join("d");
    let own = format!("teaching/{}@{}", teaching::MODEL, teaching::DIMENSIONS);
    // A model of another name whose vectors have as many numbers; and MiniLM, whose vectors have more.
    let server = DialectServer::start(Offer::joint(Family::Jina)).await;
    configured(&dir, "omni.toml", "provider = \"teaching\"\n", &server.config(""));
    std::fs::write(dir.join("minilm.toml"), Shown::Texts.config()).expect("the configuration is written");
    for (name, other) in [
        ("omni.toml", "openai/omni@32"),
        ("minilm.toml", "minilm/all-MiniLM-L6-v2@384"),
    ] {
        for args in [
            &["search", "a red circle"][..],
            &["search", "a red circle", "--modality", "image", "--exact"],
            &["search", "--image", PICTURE],
            &["search", "--audio", SOUND],
            &["evaluate"],
        ] {
            let said = refused(&dir, name, args).await;
            let both = format!("holds vectors of {own}, the configuration makes {other};");
            assert!(said.contains(&both), "{name} {args:?}: {said}");
        }
    }
    assert!(server.recorded().is_empty(), "nothing was asked");

    // An embedder of texts alone: words still find pictures, pictures cannot ask.
    configured(&dir, "texts.toml", "[embed.image]\n[embed.audio]\n", "");
    for (kind, file) in [("image", PICTURE), ("audio", SOUND)] {
        let flag = format!("--{kind}");
        let anything: &[&str] = &[];
        for find in [anything, &["--modality", "text"], &["--modality", kind]] {
            let mut args = vec!["search", &flag, file];
            args.extend(find);
            let said = refused(&dir, "texts.toml", &args).await;
            let expected = format!("{file}: no embedder of {kind} is configured; add [embed.{kind}]");
            assert!(said.contains(&expected), "{args:?}: {said}");
        }
    }
    let args = ["--config", "texts.toml", "search", "a red circle", "--json", "-k", "1"];
    for args in [&args[..], &["search", "--image", PICTURE, "--json", "-k", "1"]] {
        let output = qlance_in(&dir, args).await;
        let found: Value =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        assert_eq!(found["space"], json!(own), "{args:?}");
        assert_eq!(
            found["lancedb"]["hits"].as_array().map(Vec::len),
            Some(1),
            "{args:?}: {found}"
        );
    }
}
