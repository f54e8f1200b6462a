//! Collections of texts, pictures and sounds, end to end: the real binary against servers that take one dialect each,
//! the table read back from outside, and `qlance search` across modalities.

mod dialects;
mod failing;
mod gallery;
mod host;
mod kept;
mod spaces;
mod strict;
mod unfit;

use std::collections::BTreeMap;

use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, VectorParamsBuilder};
use qlance::embed::teaching::DIMENSIONS;
use qlance::lance::Row;
use qlance::point::{Modality, PointId, Vector, Vectors};
use serde_json::{Value, json};

use crate::support::dialect_server::DialectServer;
use crate::support::world::{World, rows_of, said};
use gallery::{Gallery, Piece};

/// The table where a test needs only one.
const TABLE: &str = "messages";

/// An unnamed vector.
fn unnamed(vector: Vec<f32>) -> Vectors {
    Vectors::from([(String::new(), Vector::Dense(vector))])
}

/// The vector of a piece as the teaching space has it, unnamed.
fn plain(piece: &Piece) -> Vectors {
    unnamed(piece.got.vector(0).expect("a whole picture or sound"))
}

/// A collection of these pieces with vectors of the teaching space's size.
async fn world_of(gallery: &Gallery, old: impl Fn(&Piece) -> Vectors) -> World {
    let world = World::empty().await;
    let params = VectorParamsBuilder::new(DIMENSIONS as u64, Distance::Cosine);
    world
        .source()
        .client()
        .create_collection(CreateCollectionBuilder::new("messages").vectors_config(params))
        .await
        .expect("a collection");
    world.upsert(&gallery.points(&world.path().join("media"), old)).await;
    world
}

/// Writes the configuration: where from and where to, and what these sections say beyond that.
fn configure(world: &World, table: &str, sections: &[(&str, &str)]) {
    let source = format!("url = \"{}\"\ncollection = \"messages\"\n", world.qdrant.url());
    let target = format!("uri = \"out.lance\"\ntable = \"{table}\"\n");
    let mut all: BTreeMap<&str, String> = BTreeMap::from([
        ("source", source),
        ("target", target),
        ("media", "root = \"media\"\n".to_owned()),
    ]);
    for (section, lines) in sections {
        all.entry(section).or_default().push_str(lines);
    }
    let all: Vec<String> = all
        .iter()
        .map(|(section, lines)| format!("[{section}]\n{lines}"))
        .collect();
    std::fs::write(world.path().join("qlance.toml"), all.join("\n")).expect("the configuration is written");
}

/// One server for all three, with more lines of its section, and other sections.
fn configure_joint(world: &World, table: &str, server: &DialectServer, more: &str, sections: &[(&str, &str)]) {
    let text = server.config(more);
    let mut all = vec![("embed.text", text.as_str()), ("embed.image", ""), ("embed.audio", "")];
    all.extend(sections);
    configure(world, table, &all);
}

/// Checks the numbers of a run: how many points are in the table, and how many failed. They are all that there are.
#[track_caller]
fn assert_complete((code, report): &(i32, Value), written: usize, failed: usize) {
    let expected = if failed == 0 { 0 } else { 3 };
    assert_eq!(
        (
            *code,
            &report["status"],
            &report["read"],
            &report["written"],
            &report["failed"],
            &report["skipped"]
        ),
        (
            expected,
            &json!("complete"),
            &json!(written + failed),
            &json!(written),
            &json!(failed),
            &json!(0)
        ),
        "{report}"
    );
}

/// Checks that every piece but those that failed is in the table once, whole, told for what it is, and with this vector
/// in this column. Returns the rows in the order of their ids.
async fn assert_arrived(
    world: &World,
    table: &str,
    gallery: &Gallery,
    failed: &[u64],
    made: impl Fn(&Piece) -> (&'static str, Vec<f32>),
) -> Vec<Row> {
    let rows = rows_of(&world.path().join("out.lance"), table).await;
    let points = world.points().await;
    let ids: Vec<u64> = rows.iter().map(|row| number(row.point.id)).collect();
    let expected = gallery.pieces.iter().map(|piece| piece.id);
    assert_eq!(ids, expected.filter(|id| !failed.contains(id)).collect::<Vec<_>>());
    for row in &rows {
        let piece = gallery.get(number(row.point.id));
        let point = points.iter().find(|point| point.id == row.point.id).expect("the point");
        assert_eq!(row.point.payload, point.payload, "{}", piece.id);
        assert_eq!(row.modality, Some(piece.got.modality()), "{}", piece.id);
        let (column, vector) = made(piece);
        assert_eq!(
            (row.embedding_column.as_deref(), row.embedding.as_deref()),
            (Some(column), Some(&vector[..])),
            "{} ({})",
            piece.id,
            piece.class
        );
    }
    rows
}

fn number(id: PointId) -> u64 {
    match id {
        PointId::Num(number) => number,
        PointId::Uuid(_) => panic!("{id} is no number"),
    }
}

/// What `failed_migrations.json` says: class and error by id.
async fn failures(world: &World) -> BTreeMap<u64, (String, String)> {
    let output = world.qlance(&["failures", "export"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let text = std::fs::read_to_string(world.path().join("failed_migrations.json")).expect("the file");
    let list: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let entry = |entry: &Value| {
        let word = |key: &str| entry[key].as_str().expect("a text").to_owned();
        (entry["id"].as_u64().expect("a number"), (word("class"), word("error")))
    };
    list.iter().map(entry).collect()
}

/// The classes alone.
async fn classes(world: &World) -> BTreeMap<u64, String> {
    let failures = failures(world).await;
    failures.into_iter().map(|(id, (class, _))| (id, class)).collect()
}

/// `qlance failures retry`: the exit code.
async fn retry(world: &World) -> i32 {
    let output = world.qlance(&["failures", "retry"]).await;
    let code = output.status.code().unwrap_or(-1);
    assert!(code == 0 || code == 3, "{}", said(&output));
    code
}

/// `qlance search --json`.
async fn search(world: &World, args: &[&str]) -> Value {
    let mut all = vec!["search", "--json"];
    all.extend(args);
    let output = world.qlance(&all).await;
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

/// What a search says that cannot be answered.
async fn refused(world: &World, args: &[&str]) -> String {
    let mut all = vec!["search", "--json"];
    all.extend(args);
    let output = world.qlance(&all).await;
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Checks that both stores name only things of this modality, and one of this class first.
#[track_caller]
fn assert_finds(gallery: &Gallery, found: &Value, class: &str, modality: Modality) {
    for store in ["lancedb", "qdrant"] {
        let hits = found[store]["hits"].as_array();
        let hits = hits.unwrap_or_else(|| panic!("no hits of {store}: {found}"));
        assert!(
            hits.iter().all(|hit| hit["modality"] == modality.as_str()),
            "{store}: {found}"
        );
        let first = hits.first().and_then(|hit| hit["id"].as_u64());
        let first = first.unwrap_or_else(|| panic!("{store} found nothing: {found}"));
        assert_eq!(gallery.get(first).class, class, "{store}: {found}");
    }
}
