//! The bytes themselves, where the table keeps them: read back through LanceDB alone, small ones and large ones, after
//! compaction, after a retry that merges rows in, and after compaction once more.

use std::collections::BTreeMap;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt64Type;
use futures::TryStreamExt as _;
use lancedb::query::{ExecutableQuery as _, QueryBase as _, Select};
use serde_json::json;

use super::gallery::{Gallery, Piece, drawn, sung};
use super::{TABLE, assert_arrived, assert_complete, classes, configure_joint, plain, retry, search, world_of};
use crate::support::dialect_server::{DialectServer, Family, Got, Offer};
use crate::support::world::World;

/// The picture that is rejected at first.
const LATE: u64 = 105;
/// A long sound and a large picture, both in files: beyond what Lance keeps among the other columns.
const LONG: u64 = 302;
const LARGE: u64 = 305;

async fn table(world: &World) -> lancedb::Table {
    let uri = world.path().join("out.lance");
    let db = lancedb::connect(uri.to_str().expect("a UTF-8 path"))
        .execute()
        .await
        .expect("a database");
    db.open_table(TABLE).execute().await.expect("a table")
}

async fn files(table: &lancedb::Table) -> usize {
    let dataset = table
        .dataset()
        .expect("a table of its own")
        .get()
        .await
        .expect("a version");
    dataset.count_fragments()
}

/// What each row keeps.
async fn kept(table: &lancedb::Table) -> BTreeMap<u64, Option<Vec<u8>>> {
    let query = table.query().select(Select::columns(&["id"])).with_row_id();
    let mut batches = query.execute().await.expect("a scan");
    let mut kept = BTreeMap::new();
    while let Some(batch) = batches.try_next().await.expect("a batch") {
        let rows = batch
            .column_by_name("_rowid")
            .expect("row ids")
            .as_primitive::<UInt64Type>();
        let blobs = table
            .fetch_blobs("media_bytes", rows.values())
            .await
            .expect("the bytes");
        let ids = batch.column_by_name("id").expect("ids").as_string::<i32>();
        for (place, id) in ids.iter().enumerate() {
            let id = id.and_then(|id| id.parse().ok()).expect("a number");
            let bytes = (!blobs.is_null(place)).then(|| blobs.value(place).to_vec());
            assert!(kept.insert(id, bytes).is_none(), "{id} is there twice");
        }
    }
    kept
}

/// What each row should keep.
fn originals(gallery: &Gallery, failed: &[u64]) -> BTreeMap<u64, Option<Vec<u8>>> {
    let original = |piece: &Piece| match &piece.got {
        Got::Text(_) => (piece.id, None),
        Got::Image(bytes) | Got::Audio(bytes) => (piece.id, Some(bytes.clone())),
    };
    let pieces = gallery.pieces.iter().filter(|piece| !failed.contains(&piece.id));
    pieces.map(original).collect()
}

/// Compares without printing megabytes.
#[track_caller]
fn assert_kept(found: &BTreeMap<u64, Option<Vec<u8>>>, expected: &BTreeMap<u64, Option<Vec<u8>>>) {
    let lengths = |kept: &BTreeMap<u64, Option<Vec<u8>>>| -> Vec<(u64, Option<usize>)> {
        kept.iter()
            .map(|(id, bytes)| (*id, bytes.as_ref().map(Vec::len)))
            .collect()
    };
    assert_eq!(lengths(found), lengths(expected));
    for (id, bytes) in expected {
        assert!(found.get(id) == Some(bytes), "{id} has other bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bytes_of_pictures_and_sounds_come_back_as_they_were() {
    let server = DialectServer::start(Offer::joint(Family::LiteLlm)).await;
    // Five megabytes after the end of the picture belong to the file.
    let mut large = drawn("purple", "circle");
    large.resize(large.len() + (5 << 20), 7);
    let piece = |id, class: &str, got| Piece {
        id,
        class: class.to_owned(),
        got,
        caption: None,
    };
    let gallery = Gallery::hung()
        .only(|piece| matches!(piece.id % 100, 1..=7))
        .and(piece(LONG, "low tone", Got::Audio(sung(&[98.0], 8.0))))
        .and(piece(LARGE, "purple circle", Got::Image(large)));
    let world = world_of(&gallery, plain).await;
    server.reject(gallery.get(LATE).got.clone());
    let sections = [
        ("source", "page_points = 5\nranges = 1\n"),
        ("target", "commit_rows = 5\n"),
        ("media", "store_media = true\nmax_mib = 6\n"),
    ];
    configure_joint(&world, TABLE, &server, "", &sections);
    let end = world.run().await;
    assert_complete(&end, gallery.len() - 1, 1);
    assert_eq!(classes(&world).await, BTreeMap::from([(LATE, "rejected".to_owned())]));
    let made = |piece: &Piece| ("embedding", server.vector_of(&piece.got));
    assert_arrived(&world, TABLE, &gallery, &[LATE], made).await;
    let opened = table(&world).await;
    assert_eq!(files(&opened).await, 1, "many commits, and one file after compaction");
    assert_kept(&kept(&opened).await, &originals(&gallery, &[LATE]));

    server.forgive();
    assert_eq!(retry(&world).await, 0);
    assert_arrived(&world, TABLE, &gallery, &[], made).await;
    let opened = table(&world).await;
    assert_kept(&kept(&opened).await, &originals(&gallery, &[]));
    assert!(files(&opened).await > 1, "the merge made a file of its own");
    // A run with nothing left to do takes that one in as well.
    assert_complete(&world.run().await, gallery.len(), 0);
    let opened = table(&world).await;
    assert_eq!(files(&opened).await, 1);
    assert_kept(&kept(&opened).await, &originals(&gallery, &[]));
    let found = search(&world, &["a purple circle", "--modality", "image", "-k", "1"]).await;
    assert_eq!(found["lancedb"]["hits"][0]["id"], json!(LARGE), "{found}");
}
