//! Vectors that the table keeps as they are, where the table was there first: made for other vectors, it gets the columns
//! that it lacks, and is refused where a column cannot hold what the collection has.

use std::collections::BTreeMap;

use qdrant_client::qdrant::{
    CreateCollectionBuilder, Distance, SparseVectorParamsBuilder, SparseVectorsConfigBuilder, VectorParamsBuilder,
    VectorsConfigBuilder,
};
use qlance::point::{Point, PointId, Vector, Vectors};
use serde_json::json;

use crate::support::world::{SIZE, World, point, said, upsert_to};

/// A collection with dense vectors of these sizes and these sparse ones, and its points.
async fn collection(world: &World, name: &str, dense: &[(&str, usize)], sparse: &[&str], points: &[Point]) {
    let mut vectors = VectorsConfigBuilder::default();
    for (name, size) in dense {
        vectors.add_named_vector_params(*name, VectorParamsBuilder::new(*size as u64, Distance::Dot));
    }
    let mut create = CreateCollectionBuilder::new(name).vectors_config(vectors);
    if !sparse.is_empty() {
        let mut config = SparseVectorsConfigBuilder::default();
        for name in sparse {
            config.add_named_vector_params(*name, SparseVectorParamsBuilder::default());
        }
        create = create.sparse_vectors_config(config);
    }
    let client = world.source().client().clone();
    client.create_collection(create).await.expect("a collection");
    upsert_to(&client, name, points).await;
}

/// Points with a vector `text` and another one.
fn points(ids: std::ops::Range<u64>, other: &str, vector: impl Fn(f32) -> Vector) -> Vec<Point> {
    ids.map(|n| {
        let mut point = point(n, json!({"content": format!("message {n}")}));
        let text = point.vectors.remove("").expect("the unnamed vector");
        point.vectors = Vectors::from([("text".to_owned(), text), (other.to_owned(), vector(n as f32))]);
        point
    })
    .collect()
}

fn title(n: f32) -> Vector {
    Vector::Dense(vec![n, 0.5])
}

fn words(n: f32) -> Vector {
    Vector::Sparse {
        indices: vec![1, 10],
        values: vec![0.5, n],
    }
}

/// The kept vectors of every row.
async fn kept(world: &World) -> BTreeMap<PointId, Vectors> {
    let rows = world.rows().await;
    rows.into_iter().map(|row| (row.point.id, row.point.vectors)).collect()
}

/// The vectors of these points, those that are compared left out.
fn expected(points: &[Point], compared: &[&str]) -> BTreeMap<PointId, Vectors> {
    let of = |point: &Point| {
        let mut vectors = point.vectors.clone();
        vectors.retain(|name, _| !compared.contains(&name.as_str()));
        (point.id, vectors)
    };
    points.iter().map(of).collect()
}

/// Sets the collection and the vector that is compared.
fn configure(world: &World, collection: &str, vector: &str) {
    let source = format!("vector = \"{vector}\"\n");
    let path = world.config(&[("source", source.as_str())]);
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let text = text.replace("collection = \"messages\"", &format!("collection = \"{collection}\""));
    std::fs::write(&path, text).expect("the configuration is written");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_that_is_no_longer_compared_is_kept_from_then_on() {
    let world = World::empty().await;
    let first = points(1..21, "title", title);
    collection(&world, "messages", &[("text", SIZE), ("title", 2)], &[], &first).await;
    configure(&world, "messages", "text");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    assert_eq!(kept(&world).await, expected(&first, &["text"]));

    configure(&world, "messages", "title");
    let later = points(21..31, "title", title);
    world.upsert(&later).await;
    let requests = world.embeddings.inputs();
    let output = world.qlance(&["sync", "--yes", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let all: Vec<Point> = first.into_iter().chain(later).collect();
    assert_eq!(kept(&world).await, expected(&all, &[]));
    assert_eq!(world.embeddings.inputs(), requests + 10, "only what is new is paid for");
    let output = world.qlance(&["verify", "--json"]).await;
    let told = said(&output);
    assert!(!told.contains("cannot be read"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_collection_gets_the_columns_that_it_lacks() {
    let world = World::empty().await;
    let first = points(1..21, "title", title);
    collection(&world, "messages", &[("text", SIZE), ("title", 2)], &[], &first).await;
    configure(&world, "messages", "text");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");

    let theirs = points(1_001..1_021, "words", words);
    collection(&world, "others", &[("text", SIZE)], &["words"], &theirs).await;
    configure(&world, "others", "text");
    let output = world.qlance(&["run", "--adopt", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let all: Vec<Point> = first.into_iter().chain(theirs).collect();
    assert_eq!(kept(&world).await, expected(&all, &["text"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_that_cannot_hold_the_collections_vectors_is_refused() {
    let world = World::empty().await;
    let first = points(1..21, "title", title);
    collection(&world, "messages", &[("text", SIZE), ("title", 2)], &[], &first).await;
    configure(&world, "messages", "text");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let before = world.rows().await;

    let sparse = points(1_001..1_021, "title", words);
    collection(&world, "others", &[("text", SIZE)], &["title"], &sparse).await;
    let longer = points(1_001..1_021, "title", |n| Vector::Dense(vec![n, 0.5, 0.25]));
    collection(&world, "longer", &[("text", SIZE), ("title", 3)], &[], &longer).await;
    for (collection, kind) in [("others", "a sparse vector"), ("longer", "a dense vector of 3 numbers")] {
        configure(&world, collection, "text");
        let output = world.qlance(&["run", "--adopt"]).await;
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        for words in [
            "vector_title",
            "\"title\"",
            "a dense vector of 2 numbers",
            kind,
            "another target.table",
        ] {
            assert!(stderr.contains(words), "{words:?} is not in: {stderr}");
        }
    }
    assert_eq!(world.rows().await, before, "something was written");
}
