//! What is looked at and not touched, and what is said before anything is moved: `qlance plan`, the target, columns that
//! cannot be had, the vector that would be lost.

use std::path::Path;

use qlance::lance::Target;
use qlance::point::Vector;
use qlance::qdrant::source::VectorKind;
use serde_json::{Value, json};

use crate::support::world::{World, messages, said};

async fn plan(world: &World) -> Value {
    let output = world.qlance(&["plan", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// The names in a directory.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_leaves_nothing_behind() {
    let world = World::with(&messages(30)).await;
    world.config(&[]);
    let before = names(world.path());
    let told = plan(&world).await;
    assert_eq!((&told["points"], &told["settled"]), (&json!(30), &json!(0)), "{told}");
    assert_eq!(
        names(world.path()),
        before,
        "neither the table's directory nor a state directory"
    );
    assert_eq!(world.run().await.0, 0);
    assert_eq!(
        plan(&world).await["settled"],
        json!(30),
        "and what is there is looked at"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_an_embedded_source_that_is_not_there_does_not_make_it() {
    let world = World::empty().await;
    let path = world.config(&[]);
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace(&world.qdrant.url(), "embedded:nowhere")).expect("written");
    let before = names(world.path());
    let output = world.qlance(&["plan"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("is no directory"), "{}", said(&output));
    assert_eq!(names(world.path()), before);
}

#[tokio::test]
async fn a_store_that_cannot_be_written_is_found_out_before_anything_is_paid_for() {
    // A local path as a URI goes the way of the object stores.
    let refused = Target::connect("file:///proc", "messages", true).await;
    let error = refused.err().expect("nobody can write there").to_string();
    assert!(error.contains("cannot write to target.uri file:///proc"), "{error}");
    let dir = tempfile::tempdir().expect("a directory");
    let uri = format!("file://{}", dir.path().display());
    let target = Target::connect(&uri, "messages", true).await;
    assert!(target.is_ok(), "{:?}", target.err());
    assert_eq!(
        names(dir.path()),
        Vec::<String>::new(),
        "what it was tried with is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_nobody_would_make_are_refused_and_those_of_a_table_that_is_there_are_told() {
    let world = World::with(&messages(20)).await;
    world.config(&[("columns", "n = \"int\"\n")]);
    let output = world.qlance(&["run"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(
        said(&output).contains("target.profile = \"inferred\""),
        "{}",
        said(&output)
    );
    world.config(&[("target", "profile = \"inferred\"\n"), ("columns", "n = \"int\"\n")]);
    let output = world.qlance(&["run"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!said(&output).contains("[columns]"), "{}", said(&output));
    world.config(&[
        ("target", "profile = \"inferred\"\n"),
        ("columns", "n = \"float\"\nthread_id = \"string\"\nscore = \"extra\"\n"),
    ]);
    let output = world.qlance(&["run"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("[columns] is not heeded for n, score;"),
        "{}",
        said(&output)
    );
    let warnings = plan(&world).await["warnings"].to_string();
    assert!(warnings.contains("is not heeded for n, score"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_that_no_similarity_is_computed_with_is_kept_unless_told_otherwise() {
    for (said_of_it, same, kept) in [
        ("", true, false),
        ("", false, true),
        ("keep_source_vector = true\n", true, true),
        ("keep_source_vector = false\n", false, false),
    ] {
        let world = World::with(&messages(10)).await;
        let space = format!("same_space = {same}\n");
        world.config(&[("target", said_of_it), ("divergence", &space)]);
        let told = plan(&world).await;
        let becomes = told["vectors"][0]["becomes"].as_str().expect("a text");
        assert_eq!(becomes.contains("kept as column vector"), kept, "{becomes}");
        let lost = told["warnings"].to_string().contains("target.keep_source_vector");
        assert_eq!(lost, !kept && !same, "{told}");
        assert_eq!(world.run().await.0, 0);
        let rows = world.rows().await;
        assert_eq!(rows.len(), 10);
        for (row, point) in rows.iter().zip(world.points().await) {
            let held = row.point.vectors.get("");
            assert_eq!(held.is_some(), kept, "{said_of_it:?}, same_space = {same}");
            if kept {
                assert_eq!(held, point.vectors.get(""));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_another_size_are_kept_by_themselves() {
    let world = World::with(&messages(10)).await;
    let path = world.config(&[]);
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let size = match world.source().facts().await.expect("facts").vectors.get("") {
        Some(VectorKind::Dense { size, .. }) => *size,
        other => panic!("{other:?}"),
    };
    let other = text.replace(&format!("dimensions = {size}"), "dimensions = 16");
    assert_ne!(other, text);
    std::fs::write(&path, other).expect("written");
    assert_eq!(world.run().await.0, 0);
    for row in world.rows().await {
        assert!(
            matches!(row.point.vectors.get(""), Some(Vector::Dense(numbers)) if numbers.len() == size),
            "{:?}",
            row.point.vectors
        );
    }
}
