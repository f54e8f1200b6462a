//! `qlance search` and `qlance evaluate` on texts: what is found, by what score, under which condition, and what is said
//! where nothing can be asked. Pictures and sounds are in `multimodal`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::world::{World, messages, point, said};

/// A migrated collection of messages, of which some hold an odd word.
async fn migrated(more: &[(&str, &str)]) -> World {
    let mut points = messages(60);
    for n in 61..=70_u64 {
        let payload = json!({"content": format!("the zither player {n} is late"), "thread_id": "zither", "n": n});
        points.push(point(n, payload));
    }
    points.push(point(
        71,
        json!({"content": "a zither alone", "thread_id": "zither", "n": "seventy-one"}),
    ));
    let world = World::with(&points).await;
    world.config(more);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    world
}

async fn search(world: &World, args: &[&str]) -> Value {
    let mut all = vec!["search", "--json"];
    all.extend(args);
    let output = world.qlance(&all).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

fn ids(store: &Value) -> Vec<&Value> {
    let hits = store["hits"].as_array().unwrap_or_else(|| panic!("no hits in {store}"));
    hits.iter().map(|hit| &hit["id"]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_finds_its_equal_first_and_says_by_which_score() {
    let world = migrated(&[]).await;
    let found = search(&world, &["message 17", "-k", "3"]).await;
    let (lancedb, qdrant) = (&found["lancedb"], &found["qdrant"]);
    assert_eq!(lancedb["score"], "cosine similarity", "{found}");
    assert_eq!(lancedb["hits"].as_array().map(Vec::len), Some(3));
    let first = &lancedb["hits"][0];
    assert_eq!((&first["id"], &first["rank"]), (&json!(17), &json!(1)), "{found}");
    assert!(
        (first["score"].as_f64().expect("a score") - 1.0).abs() < 1e-6,
        "{first}"
    );
    assert_eq!(
        (&first["snippet"], &first["modality"]),
        (&json!("message 17"), &json!("text"))
    );
    // Qdrant's vectors have as many numbers, so it is asked too, with the very same vector.
    assert_eq!(qdrant["score"], "cosine similarity", "{found}");
    assert_eq!(qdrant["hits"].as_array().map(Vec::len), Some(3));
    let shared = ids(lancedb).into_iter().filter(|id| ids(qdrant).contains(id)).count();
    assert_eq!(found["shared"], json!(shared));
    let exact = search(&world, &["message 17", "-k", "3", "--exact"]).await;
    assert_eq!(ids(&exact["lancedb"]), ids(lancedb), "so few rows have no index");
}

#[tokio::test(flavor = "multi_thread")]
async fn keywords_find_words_and_fusion_finds_both() {
    let world = migrated(&[]).await;
    let found = search(&world, &["zither", "--keyword", "-k", "20"]).await;
    assert_eq!(found["lancedb"]["score"], "BM25");
    let named: BTreeSet<u64> = ids(&found["lancedb"]).iter().filter_map(|id| id.as_u64()).collect();
    assert_eq!(named, (61..=71).collect());
    // BM25 prefers the shorter text with the same word.
    assert_eq!(found["lancedb"]["hits"][0]["id"], 71, "{found}");
    assert!(
        found["qdrant"]["not_asked"]
            .as_str()
            .is_some_and(|why| why.contains("by vector only"))
    );
    assert_eq!(found["space"], Value::Null, "nothing was embedded");
    assert_eq!(
        (&found["columns"], &found["text_column"]),
        (&json!([]), &json!("content"))
    );
    let fused = search(&world, &["message 17", "--hybrid", "-k", "5"]).await;
    assert_eq!(fused["lancedb"]["score"], "reciprocal rank fusion");
    assert_eq!(fused["text_column"], "content");
    let first = &fused["lancedb"]["hits"][0];
    assert_eq!(first["id"], 17, "first by vector and by words");
    assert!(
        (first["score"].as_f64().expect("a score") - 2.0 / 61.0).abs() < 1e-9,
        "{first}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_holds_in_both_stores() {
    let world = migrated(&[]).await;
    for (condition, expected) in [
        (
            "thread_id = 't3'",
            (1..=60).filter(|n| n % 7 == 3).collect::<BTreeSet<u64>>(),
        ),
        ("n >= 10 AND n < 13", BTreeSet::from([10, 11, 12])),
        ("n = 'seventy-one'", BTreeSet::from([71])),
        (
            "NOT thread_id IN ('t0','t1','t2','t3','t4','t5','t6')",
            (61..=71).collect(),
        ),
        ("score IS MISSING", (61..=71).collect()),
    ] {
        let found = search(&world, &["message 17", "-k", "100", "--where", condition]).await;
        for store in ["lancedb", "qdrant"] {
            let named: BTreeSet<u64> = ids(&found[store]).iter().filter_map(|id| id.as_u64()).collect();
            assert_eq!(named, expected, "{store}: {condition}");
        }
    }
    let output = world.qlance(&["search", "x", "--where", "n >> 5"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("--where"),
        "{}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_asked_says_why() {
    let world = migrated(&[]).await;
    let png = world.path().join("x.png");
    std::fs::write(&png, "this is a text").expect("written");
    let png = png.display().to_string();
    for (args, expected) in [
        (vec!["search"], "say what is searched for"),
        (vec!["search", "  "], "the query is empty"),
        (vec!["search", "--image", "nowhere.png"], "nowhere.png"),
        (vec!["search", "--image", &png], "text"),
        (vec!["search", "--image", &png, "--keyword"], "keywords are text"),
    ] {
        let output = world.qlance(&args).await;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(1 | 2)), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
    let output = world.qlance(&["search"]).await;
    assert_eq!(
        output.status.code(),
        Some(2),
        "that is how it was called: {}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyword_index_that_is_not_configured_is_not_promised() {
    let world = World::with(&messages(5)).await;
    world.config(&[("pipeline", "index = false\n")]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let output = world.qlance(&["search", "message", "--keyword"]).await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        stderr.contains("has no keyword index (pipeline.index = false: set it"),
        "{stderr}"
    );
    let found = search(&world, &["message 3"]).await;
    assert_eq!(found["text_column"], Value::Null, "nor is it needed by vector");
}

#[tokio::test(flavor = "multi_thread")]
async fn carried_vectors_are_searched_by_keywords_only() {
    let world = World::with(&messages(20)).await;
    let path = world.config(&[]);
    let text = std::fs::read_to_string(&path).expect("read");
    let text = text.split("[embed.text]").next().expect("a beginning").to_owned();
    let rest = "[embed.text]\nprovider = \"carry\"\n[source]\n";
    let source = std::fs::read_to_string(&path).expect("read");
    let source = source.split("[source]\n").nth(1).expect("a source").to_owned();
    std::fs::write(
        &path,
        format!("{}{rest}{source}", text.split("[source]").next().unwrap_or_default()),
    )
    .expect("written");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let output = world.qlance(&["search", "message"]).await;
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("carried over"),
        "{}",
        said(&output)
    );
    let found = search(&world, &["message", "--keyword", "-k", "30"]).await;
    assert_eq!(ids(&found["lancedb"]).len(), 20);
}

/// The figures of `evaluate`, computed once more in the most straightforward way from what `search` finds.
#[tokio::test(flavor = "multi_thread")]
async fn evaluate_agrees_with_a_second_implementation() {
    let world = migrated(&[]).await;
    let queries: Vec<(String, Vec<u64>)> = (0..40)
        .map(|n| {
            (
                format!("message {}", n + 1),
                vec![n + 1, (n * 7) % 60 + 1, (n * 13) % 60 + 1],
            )
        })
        .collect();
    let lines: Vec<String> = queries
        .iter()
        .map(|(query, relevant)| json!({"query": query, "modality": "text", "relevant": relevant}).to_string())
        .collect();
    std::fs::write(world.path().join("queries.jsonl"), lines.join("\n")).expect("written");
    let output = world
        .qlance(&["evaluate", "--queries", "queries.jsonl", "--json"])
        .await;
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let cell = &report["cells"][0];
    assert_eq!((&cell["asked"], &cell["found"]), (&json!("text"), &json!("text")));
    let figures = &cell["exact"]["figures"];
    assert_eq!(figures["queries"], json!(40));

    let (mut r1, mut r5, mut r10, mut mrr, mut ndcg) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (query, relevant) in &queries {
        let found = search(&world, &[query, "-k", "10", "--exact", "--modality", "text"]).await;
        let relevant: BTreeSet<u64> = relevant.iter().copied().collect();
        let good: Vec<bool> = ids(&found["lancedb"])
            .iter()
            .map(|id| id.as_u64().is_some_and(|id| relevant.contains(&id)))
            .collect();
        let all = relevant.len() as f64;
        let recall = |k: usize| good.iter().take(k).filter(|good| **good).count() as f64 / all;
        r1 += recall(1);
        r5 += recall(5);
        r10 += recall(10);
        mrr += good
            .iter()
            .position(|good| *good)
            .map_or(0.0, |place| 1.0 / (place + 1) as f64);
        let gain = |place: usize| 1.0 / ((place + 2) as f64).log2();
        let dcg: f64 = good
            .iter()
            .enumerate()
            .filter(|(_, good)| **good)
            .map(|(place, _)| gain(place))
            .sum();
        ndcg += dcg / (0..relevant.len().min(10)).map(gain).sum::<f64>();
    }
    for (name, sum) in [
        ("recall_1", r1),
        ("recall_5", r5),
        ("recall_10", r10),
        ("mrr", mrr),
        ("ndcg_10", ndcg),
    ] {
        let mean = figures[name]["mean"]
            .as_f64()
            .unwrap_or_else(|| panic!("no {name} in {figures}"));
        assert!((mean - sum / 40.0).abs() < 1e-9, "{name}: {mean} is not {}", sum / 40.0);
        let (low, high) = (&figures[name]["low"], &figures[name]["high"]);
        assert!(
            low.as_f64() <= Some(mean) && Some(mean) <= high.as_f64(),
            "{name}: {figures}"
        );
    }
    let again = world
        .qlance(&["evaluate", "--queries", "queries.jsonl", "--json"])
        .await;
    let again: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(
        &again["cells"][0]["exact"]["figures"], figures,
        "the same seed draws the same samples"
    );
    // Without a file the threads of the collection are the answers.
    let output = world.qlance(&["evaluate"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.contains("text -> text (from threads)") && text.contains("recall@10"),
        "{}",
        said(&output)
    );
}
