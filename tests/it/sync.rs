//! Catching up, told without a screen: Qdrant is written to after the migration, and `qlance sync` says what differs,
//! what it would cost, and brings it over. Table and requests are looked up from outside.

use std::path::Path;
use std::time::Duration;

use qdrant_client::qdrant::DeletePointsBuilder;
use qlance::lance::Row;
use qlance::point::{Point, PointId};
use qlance::qdrant::wire;
use serde_json::{Value, json};

use crate::support::embeddings_server::{Behaviour, embedding_of};
use crate::support::world::{SIZE, World, messages, payloads, point, said, wait_for};

const UUID_A: &str = "00000000-0000-4000-8000-000000000001";
const UUID_B: &str = "ffffffff-ffff-4fff-bfff-ffffffffffff";

/// The table's version, read through LanceDB.
pub(crate) async fn version(world: &World) -> u64 {
    let dir = world.path().join("out.lance");
    let db = lancedb::connect(dir.to_str().expect("a UTF-8 path"))
        .execute()
        .await
        .expect("a database");
    let table = db.open_table("messages").execute().await.expect("a table");
    table.version().await.expect("a version")
}

/// Exactly these points, each once and as it is, each with the embedding of its own text.
pub(crate) fn assert_mirrors(rows: &[Row], points: &[Point]) {
    let expected = payloads(points);
    let ids: Vec<PointId> = rows.iter().map(|row| row.point.id).collect();
    assert_eq!(ids, expected.keys().copied().collect::<Vec<_>>(), "the ids differ");
    for row in rows {
        let id = row.point.id;
        assert_eq!(&row.point.payload, expected[&id], "payload of {id}");
        let text = row.point.payload["content"].as_str().expect("a text");
        assert_eq!(
            row.embedding.as_deref(),
            Some(&*embedding_of(text, SIZE)),
            "embedding of {id}"
        );
    }
}

/// `qlance sync --json` with more arguments: what it says. It must end with this code.
async fn sync(world: &World, more: &[&str], code: i32) -> Value {
    let args = [&["sync", "--json"][..], more].concat();
    let output = world.qlance(&args).await;
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

/// What it says where this many points are the same, and nothing else is anywhere.
fn nothing_differs(same: u64) -> Value {
    json!({
        "found": {
            "same": same, "new": 0, "content": 0, "payload": 0, "gone": 0, "waiting": 0,
            "inputs": 0, "tokens": 0, "cost_usd": 0.0
        },
        "done": null, "error": null
    })
}

/// What it found: same, new, other content, other payload, gone, waiting.
fn found(told: &Value) -> [u64; 6] {
    ["same", "new", "content", "payload", "gone", "waiting"].map(|kind| {
        told["found"][kind]
            .as_u64()
            .unwrap_or_else(|| panic!("no {kind}: {told}"))
    })
}

fn done([added, replaced, removed, failed]: [u64; 4]) -> Value {
    json!({"added": added, "replaced": replaced, "removed": removed, "failed": failed})
}

async fn delete(world: &World, ids: &[PointId]) {
    let ids: Vec<_> = ids.iter().copied().map(wire::id_to).collect();
    world
        .source()
        .client()
        .delete_points(DeletePointsBuilder::new("messages").points(ids).wait(true))
        .await
        .expect("points are deleted");
}

fn uuid(text: &str) -> PointId {
    text.parse().expect("an id")
}

/// A point with one field of its payload set.
fn with(point: &Point, key: &str, value: Value) -> Point {
    let mut point = point.clone();
    point.payload.insert(key.into(), value);
    point
}

/// The texts of all requests from the given one on, sorted.
fn asked_since(world: &World, request: usize) -> Vec<String> {
    let recorded = world.embeddings.recorded().into_iter().skip(request);
    let mut texts: Vec<String> = recorded.flat_map(|request| request.inputs).collect();
    texts.sort_unstable();
    texts
}

/// A further run asks for no embedding, and its report of points read, written, failed and skipped adds up to this.
async fn assert_adds_up(world: &World, code: i32, expected: [u64; 4]) {
    let requests = world.embeddings.requests();
    let (exit, report) = world.run().await;
    let counts = ["read", "written", "failed", "skipped"].map(|name| report[name].as_u64());
    assert_eq!((exit, counts), (code, expected.map(Some)), "{report}");
    let [read, written, failed, skipped] = expected;
    assert_eq!(read, written + failed + skipped, "{report}");
    assert_eq!(report["table"]["rows"], json!(written), "{report}");
    assert_eq!(report["embedding"]["requests"], json!(0), "{report}");
    assert_eq!(world.embeddings.requests(), requests);
}

/// Versions of the table, counted from outside.
fn versions(dir: &Path) -> usize {
    std::fs::read_dir(dir.join("out.lance/messages.lance/_versions")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_source_is_the_same_and_nothing_is_asked_or_written() {
    let mut points = messages(40);
    points.push(point(UUID_A, json!({"content": "a uuid", "list": [1, 1.0, null]})));
    let world = World::with(&points).await;
    world.config(&[]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let (version_before, requests) = (version(&world).await, world.embeddings.requests());
    for more in [&[][..], &["--yes", "--remove-gone"]] {
        assert_eq!(sync(&world, more, 0).await, nothing_differs(41));
    }
    assert_eq!(version(&world).await, version_before, "something was written");
    assert_eq!(world.embeddings.requests(), requests, "something was asked for");
    assert_mirrors(&world.rows().await, &points);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_since_is_counted_priced_and_brought_over() {
    let mut points = messages(40);
    points.push(point(UUID_A, json!({"content": "a uuid"})));
    let world = World::with(&points).await;
    // Without indexes every version of the table is a commit of rows.
    world.config(&[
        ("embed.text", "usd_per_million_tokens = 1000000.0\n"),
        ("pipeline", "index = false\n"),
    ]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let (before, requests) = (world.rows().await, world.embeddings.requests());
    let first = version(&world).await;
    world
        .upsert(&[
            with(&points[2], "content", json!("message three")),
            with(&points[4], "thread_id", json!("moved")),
            point(101, json!({"content": "new 101", "n": 101})),
            point(UUID_B, json!({"content": "another uuid"})),
        ])
        .await;
    delete(&world, &[PointId::Num(7), uuid(UUID_A)]).await;
    let texts = ["another uuid", "message three", "new 101"];

    // Only said. The tokenizer of test-model is not known: three bytes a token.
    let tokens: usize = texts.iter().map(|text| text.len().div_ceil(3)).sum();
    let expected = json!({
        "found": {
            "same": 37, "new": 2, "content": 1, "payload": 1, "gone": 2, "waiting": 0,
            "inputs": 3, "tokens": tokens, "cost_usd": tokens as f64
        },
        "done": null, "error": null
    });
    for more in [&["--dry-run"][..], &[]] {
        assert_eq!(sync(&world, more, 0).await, expected, "{more:?}");
    }
    assert_eq!((version(&world).await, world.embeddings.requests()), (first, requests));
    assert_eq!(world.rows().await, before);

    // Brought over; what is gone stays until it is said to go.
    let told = sync(&world, &["--yes"], 0).await;
    assert_eq!(told["done"], done([2, 2, 0, 0]), "{told}");
    assert_eq!(asked_since(&world, requests), texts, "only what is new is paid for");
    assert_eq!(world.rows().await.len(), 43);
    let told = sync(&world, &["--remove-gone"], 0).await;
    assert_eq!(found(&told), [41, 0, 0, 0, 2, 0], "{told}");
    assert_eq!(told["done"], done([0, 0, 2, 0]), "{told}");
    let after = world.rows().await;
    assert_mirrors(&after, &world.points().await);
    let changed = [3, 5].map(PointId::Num);
    for row in after.iter().filter(|row| !changed.contains(&row.point.id)) {
        let old = before.iter().find(|old| old.point.id == row.point.id);
        assert!(
            old.is_none_or(|old| old == row),
            "the row of {} was touched",
            row.point.id
        );
    }

    let last = version(&world).await;
    assert_adds_up(&world, 0, [41, 41, 0, 0]).await;
    assert_eq!(sync(&world, &["--yes", "--remove-gone"], 0).await, nothing_differs(41));
    assert_eq!(version(&world).await, last, "something was written");
    assert_eq!(asked_since(&world, requests), texts, "something was paid for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_asked_for_alone_brings_nothing_over() {
    let points = messages(20);
    let world = World::with(&points).await;
    world.config(&[]);
    assert_eq!(world.run().await.0, 0);
    let requests = world.embeddings.requests();
    world
        .upsert(&[
            point(101, json!({"content": "new 101"})),
            with(&points[4], "thread_id", json!("moved")),
        ])
        .await;
    delete(&world, &[PointId::Num(7)]).await;
    let told = sync(&world, &["--remove-gone"], 0).await;
    assert_eq!(found(&told), [18, 1, 0, 1, 1, 0], "{told}");
    assert_eq!(told["done"], done([0, 0, 1, 0]), "{told}");
    assert_eq!(world.embeddings.requests(), requests, "something was paid for");
    assert_eq!(world.rows().await.len(), 19);
    // Nothing of it is lost: the next one finds the rest.
    let told = sync(&world, &["--yes"], 0).await;
    assert_eq!(found(&told), [18, 1, 0, 1, 0, 0], "{told}");
    assert_eq!(told["done"], done([1, 1, 0, 0]), "{told}");
    assert_mirrors(&world.rows().await, &world.points().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_without_content_is_told_and_comes_over_once_it_is_mended() {
    let points = messages(10);
    let world = World::with(&points).await;
    world.config(&[]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let (before, requests) = (world.rows().await, world.embeddings.requests());
    let first = version(&world).await;
    // One that is new, and one whose row is there.
    let lacking = json!({"thread_id": "t"});
    world
        .upsert(&[point(102, lacking.clone()), point(9, lacking.clone())])
        .await;
    let told = sync(&world, &["--yes"], 3).await;
    assert_eq!(found(&told), [9, 1, 1, 0, 0, 0], "{told}");
    assert_eq!(told["found"]["inputs"], json!(0), "there is nothing to embed: {told}");
    assert_eq!(told["done"], done([0, 0, 0, 2]), "{told}");
    assert_eq!((version(&world).await, world.embeddings.requests()), (first, requests));
    assert_eq!(world.rows().await, before, "the old row stays as it was");
    let listed = world.qlance(&["failures", "list", "--json"]).await;
    let failure: Value = serde_json::from_slice(&listed.stdout).unwrap_or_else(|_| panic!("{}", said(&listed)));
    assert_eq!(
        (&failure["id"], &failure["cause"]),
        (&json!(102), &json!("no_content")),
        "{failure}"
    );
    assert_adds_up(&world, 3, [11, 10, 1, 0]).await;

    world
        .upsert(&[
            point(102, json!({"content": "now there is some"})),
            point(9, json!({"content": "message nine"})),
        ])
        .await;
    let retried = world.qlance(&["failures", "retry", "--json"]).await;
    assert_eq!(retried.status.code(), Some(0), "{}", said(&retried));
    let told = sync(&world, &["--yes"], 0).await;
    assert_eq!(found(&told), [10, 0, 1, 0, 0, 0], "{told}");
    assert_eq!(told["done"], done([0, 1, 0, 0]), "{told}");
    assert_mirrors(&world.rows().await, &world.points().await);
    assert_eq!(asked_since(&world, requests), ["message nine", "now there is some"]);
    assert_adds_up(&world, 0, [11, 11, 0, 0]).await;
    assert_eq!(sync(&world, &["--yes"], 0).await, nothing_differs(11));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mended_by_hand_is_not_changed_back() {
    let mut points = messages(5);
    points.push(point(90, json!({"thread_id": "a"})));
    let world = World::with(&points).await;
    world.config(&[]);
    assert_eq!(world.run().await.0, 3);
    let edited = world
        .qlance(&["failures", "edit", "90", "--content", "mended by hand", "--json"])
        .await;
    assert_eq!(edited.status.code(), Some(0), "{}", said(&edited));
    let requests = world.embeddings.requests();
    assert_eq!(sync(&world, &["--yes"], 0).await, nothing_differs(6));
    let mended = |rows: Vec<Row>| rows.into_iter().find(|row| row.point.id == PointId::Num(90));

    // Another field: it comes over, and the mended content stays.
    world.upsert(&[point(90, json!({"thread_id": "b"}))]).await;
    let told = sync(&world, &["--yes"], 0).await;
    assert_eq!(found(&told), [5, 0, 0, 1, 0, 0], "{told}");
    assert_eq!(told["done"], done([0, 1, 0, 0]), "{told}");
    let row = mended(world.rows().await).expect("a row");
    assert_eq!(
        json!(row.point.payload),
        json!({"thread_id": "b", "content": "mended by hand"})
    );
    assert_eq!(row.embedding.as_deref(), Some(&*embedding_of("mended by hand", SIZE)));
    assert_eq!(world.embeddings.requests(), requests, "the embedding was there");

    // Qdrant itself has a content now: that is newer than what was mended.
    world
        .upsert(&[point(90, json!({"thread_id": "b", "content": "Qdrant says so"}))])
        .await;
    let told = sync(&world, &["--yes"], 0).await;
    assert_eq!(found(&told), [5, 0, 1, 0, 0, 0], "{told}");
    assert_mirrors(&world.rows().await, &world.points().await);
    assert_eq!(sync(&world, &["--yes"], 0).await, nothing_differs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_migration_is_complete_a_sync_is_refused() {
    async fn assert_refused(world: &World, more: &[&str]) {
        let requests = world.embeddings.requests();
        let told = sync(world, more, 1).await;
        let error = told["error"].as_str().unwrap_or_default();
        assert!(error.contains("has not come to its end"), "{told}");
        assert_eq!((&told["found"], &told["done"]), (&Value::Null, &Value::Null), "{told}");
        assert_eq!(world.embeddings.requests(), requests);
    }

    let points = messages(200);
    let world = World::with(&points).await;
    world.config(&[
        ("source", "page_points = 50\nranges = 1\n"),
        ("target", "commit_rows = 50\n"),
        ("embed.text", "max_in_flight = 1\nmax_batch_inputs = 50\n"),
    ]);
    // Not begun.
    assert_refused(&world, &["--yes"]).await;
    assert_eq!(versions(world.path()), 0, "a table was made");
    // Begun, and killed after the first commit; the first version is the empty table.
    world.embeddings.then([Behaviour::Good]);
    world.embeddings.then(std::iter::repeat_n(Behaviour::Hang, 50));
    let mut child = world.start(&["run"]);
    wait_for("a commit", || versions(world.path()) > 1).await;
    child.kill().await.expect("killed");
    world.embeddings.clear_script();
    let before = version(&world).await;
    assert_refused(&world, &["--remove-gone"]).await;
    assert_eq!(version(&world).await, before, "something was written");
    // Complete.
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    assert_eq!(sync(&world, &[], 0).await, nothing_differs(200));
    assert_mirrors(&world.rows().await, &points);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_mid_sync_the_next_one_brings_over_the_rest_and_nothing_twice() {
    let all = messages(1_300);
    let world = World::with(&all[..100]).await;
    world.config(&[
        ("embed.text", "max_batch_inputs = 100\n"),
        ("pipeline", "index = false\n"),
    ]);
    assert_eq!(world.run().await.0, 0);
    let mut since = all[100..].to_vec();
    since.extend(all[..20].iter().map(|point| {
        let text = format!("changed {}", point.id);
        with(point, "content", json!(text))
    }));
    world.upsert(&since).await;
    delete(&world, &(21..=30).map(PointId::Num).collect::<Vec<_>>()).await;
    let (requests, before) = (world.embeddings.requests(), versions(world.path()));
    // The first round of 500 points is answered, in five requests, and committed; of the second nobody hears.
    world.embeddings.then(std::iter::repeat_n(Behaviour::Good, 5));
    world.embeddings.then(std::iter::repeat_n(Behaviour::Hang, 50));
    let mut child = world.start(&["sync", "--yes"]);
    wait_for("the second round", || {
        world.embeddings.requests() > requests + 5 && versions(world.path()) > before
    })
    .await;
    child.kill().await.expect("killed");
    world.embeddings.clear_script();

    let told = sync(&world, &["--yes", "--remove-gone"], 0).await;
    assert_eq!(found(&told), [570, 700, 20, 0, 10, 0], "{told}");
    assert_eq!(told["found"]["inputs"], json!(720), "{told}");
    assert_eq!(told["done"], done([700, 20, 10, 0]), "{told}");
    assert_mirrors(&world.rows().await, &world.points().await);
    let again: Vec<_> = world
        .embeddings
        .paid()
        .into_iter()
        .filter(|(_, times)| *times > 1)
        .collect();
    assert!(again.is_empty(), "paid for again: {again:?}");
    assert_adds_up(&world, 0, [1_290, 1_290, 0, 0]).await;
    assert_eq!(sync(&world, &["--remove-gone"], 0).await, nothing_differs(1_290));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_that_changes_while_the_sync_runs_does_not_keep_the_old_embedding() {
    let points = messages(5);
    let world = World::with(&points).await;
    world.config(&[]);
    assert_eq!(world.run().await.0, 0);
    let moved = with(&points[1], "thread_id", json!("moved"));
    world
        .upsert(&[point(101, json!({"content": "new 101"})), moved.clone()])
        .await;
    // Both stores were gone over when the new point is asked for; the payload of the other comes after it.
    let requests = world.embeddings.requests();
    world.embeddings.latency(Duration::from_secs(1));
    let meanwhile = async {
        wait_for("the request for the new point", || {
            world.embeddings.requests() > requests
        })
        .await;
        world.upsert(&[with(&moved, "content", json!("message two"))]).await;
    };
    let (told, ()) = tokio::join!(sync(&world, &["--yes"], 0), meanwhile);
    assert_eq!(found(&told), [4, 1, 0, 1, 0, 0], "{told}");
    world.embeddings.latency(Duration::ZERO);
    // Whatever was left to the next one.
    sync(&world, &["--yes"], 0).await;
    assert_mirrors(&world.rows().await, &world.points().await);
    assert_eq!(sync(&world, &["--yes"], 0).await, nothing_differs(6));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_point_that_was_mended_went_and_came_back_without_content_is_counted_once() {
    let mut points = messages(5);
    points.push(point(90, json!({"thread_id": "a"})));
    let world = World::with(&points).await;
    world.config(&[("pipeline", "index = false\n")]);
    assert_eq!(world.run().await.0, 3);
    world.upsert(&[point(90, json!({"content": "mended"}))]).await;
    let retried = world.qlance(&["failures", "retry"]).await;
    assert_eq!(retried.status.code(), Some(0), "{}", said(&retried));
    delete(&world, &[PointId::Num(90)]).await;
    let told = sync(&world, &["--remove-gone"], 0).await;
    assert_eq!(told["done"], done([0, 0, 1, 0]), "{told}");
    assert_adds_up(&world, 0, [5, 5, 0, 0]).await;
    world.upsert(&[point(90, json!({"thread_id": "a"}))]).await;
    let told = sync(&world, &["--yes"], 3).await;
    assert_eq!(told["done"], done([0, 0, 0, 1]), "{told}");
    assert_adds_up(&world, 3, [6, 5, 1, 0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_rows_of_retries_may_go_than_the_scroll_had_written() {
    let mut points = messages(2);
    points.extend((101..111_u64).map(|n| point(n, json!({"thread_id": "a"}))));
    let world = World::with(&points).await;
    world.config(&[]);
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["written"], &report["failed"]),
        (3, &json!(2), &json!(10)),
        "{report}"
    );
    let mended: Vec<Point> = (101..111_u64)
        .map(|n| point(n, json!({"content": format!("mended {n}")})))
        .collect();
    world.upsert(&mended).await;
    let retried = world.qlance(&["failures", "retry"]).await;
    assert!(retried.status.success(), "{}", said(&retried));
    assert_adds_up(&world, 0, [12, 12, 0, 0]).await;

    delete(&world, &(101..106).map(PointId::Num).collect::<Vec<_>>()).await;
    let told = sync(&world, &["--yes", "--remove-gone"], 0).await;
    assert_eq!(told["done"], done([0, 0, 5, 0]), "{told}");
    assert_adds_up(&world, 0, [7, 7, 0, 0]).await;
    assert_mirrors(&world.rows().await, &world.points().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shortened_text_stays_on_record_where_only_another_field_changed() {
    let long = point(50, json!({"content": "many words ".repeat(40), "thread_id": "a"}));
    let world = World::with(&[messages(3), vec![long.clone()]].concat()).await;
    let path = world.config(&[("embed.text", "max_input_tokens = 20\ntoo_long = \"truncate\"\n")]);
    // Texts are cut only where the model's tokenizer is known.
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace("test-model", "text-embedding-3-small")).expect("the configuration is written");
    let (code, report) = world.run().await;
    assert_eq!((code, &report["shortened"]), (0, &json!(1)), "{report}");
    let shortened = world.qlance(&["shortened", "--json"]).await.stdout;
    world.upsert(&[with(&long, "thread_id", json!("b"))]).await;
    let told = sync(&world, &["--yes"], 0).await;
    assert_eq!(told["done"], done([0, 1, 0, 0]), "{told}");
    assert_eq!(
        world.qlance(&["shortened", "--json"]).await.stdout,
        shortened,
        "its embedding is still that of its beginning"
    );
}
