//! `qlance compare`: the figures of recall against brute force, the settings that are tried and chosen, what is said
//! where there is no index, and what is kept. No time is asserted: only that it was measured.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use futures::TryStreamExt as _;
use lancedb::index::Index;
use lancedb::index::vector::{IvfHnswSqIndexBuilder, IvfPqIndexBuilder};
use lancedb::query::{ExecutableQuery as _, QueryBase as _, VectorQuery};
use lancedb::{DistanceType, Table};
use qlance::lance::audit::Pinned;
use qlance::lance::{Row, RowDecoder, TableSchema};
use qlance::point::{Point, PointId, Vector};
use qlance::qdrant::embedded::EmbeddedQdrant;
use qlance::tasks::comparison::{Comparison, Measured, Mode, Setting, Store, kept, places};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::support::embeddings_server::embedding_of;
use crate::support::world::{SIZE, World, messages, said};

const ROWS: u64 = 800;
const QUERIES: u64 = 60;
const SEED: u64 = 7;
const K: usize = 10;

/// Messages whose vectors in Qdrant are all different, and far from those that the embeddings server makes.
fn others(count: u64) -> Vec<Point> {
    with_vectors(count, |content| format!("another model reads {content}"))
}

/// Messages whose vectors in Qdrant are made of a text that their content gives.
fn with_vectors(count: u64, text: impl Fn(&str) -> String) -> Vec<Point> {
    let mut points = messages(count);
    for point in &mut points {
        let content = point.payload["content"].as_str().expect("a text");
        let numbers = embedding_of(&text(content), SIZE);
        point.vectors.insert(String::new(), Vector::Dense(numbers));
    }
    points
}

async fn compare(world: &World, args: &[&str]) -> Comparison {
    let mut all = vec!["compare", "--json"];
    all.extend(args);
    let output = world.qlance(&all).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains("warm-up"), "--json tells no progress: {stderr}");
    let found = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let file = kept::kept(&state_dir(world)).expect("kept");
    assert_eq!(file.as_ref(), Some(&found), "comparison.json reads back equal");
    found
}

/// The state directory of the world's only job.
fn state_dir(world: &World) -> PathBuf {
    let jobs = std::fs::read_dir(world.path().join(".qlance")).expect("a state directory");
    let jobs: Vec<PathBuf> = jobs.map(|job| job.expect("an entry").path()).collect();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    jobs.into_iter().next().expect("one")
}

async fn table(world: &World) -> Table {
    let dir = world.path().join("out.lance");
    let db = lancedb::connect(dir.to_str().expect("a UTF-8 path"));
    let db = db.execute().await.expect("a database");
    db.open_table("messages").execute().await.expect("a table")
}

/// The rows that the seed draws, as they lie in the table.
async fn drawn(table: &Table, rows: u64, queries: u64) -> Vec<Row> {
    let mut places = places(SEED, rows, queries);
    places.sort_unstable();
    let pinned = Pinned::of(table).await.expect("a version");
    let batch = pinned.take(&places, &["id", "embedding"]).await.expect("rows");
    let schema = TableSchema::from_arrow(&table.schema().await.expect("a schema")).expect("qlance's columns");
    let decoder = RowDecoder::new(&schema, &batch);
    (0..batch.num_rows())
        .map(|row| decoder.row(row).expect("a row"))
        .collect()
}

fn vector(row: &Row) -> &[f32] {
    row.embedding.as_deref().expect("an embedding")
}

/// 1 - cosine, in double precision.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    1.0 - dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// What LanceDB's own query finds: the ids in its order.
async fn lancedb_finds(table: &Table, row: &Row, setting: Setting) -> Vec<PointId> {
    let query: VectorQuery = table.query().nearest_to(vector(row)).expect("a query");
    let mut query = query
        .column("embedding")
        .distance_type(DistanceType::Cosine)
        .limit(K + 1);
    if let Some(nprobes) = setting.nprobes {
        query = query.nprobes(nprobes).expect("probes");
    }
    if let Some(factor) = setting.refine_factor {
        query = query.refine_factor(factor);
    }
    if let Some(ef) = setting.ef {
        query = query.ef(ef);
    }
    let batches: Vec<_> = query
        .execute()
        .await
        .expect("found")
        .try_collect()
        .await
        .expect("batches");
    let schema = TableSchema::from_arrow(&table.schema().await.expect("a schema")).expect("qlance's columns");
    let mut ids = Vec::new();
    for batch in &batches {
        let decoder = RowDecoder::new(&schema, batch);
        ids.extend((0..batch.num_rows()).map(|row| decoder.id(row).expect("an id")));
    }
    ids
}

/// The mean recall of a setting, by comparing every query with every row: of the first K found, the share that is no
/// farther than the K-th nearest.
async fn brute_force(world: &World, setting: Setting) -> f64 {
    let (table, all) = (table(world).await, world.rows().await);
    let mut sum = 0.0;
    for row in drawn(&table, ROWS, QUERIES).await {
        let mut distances: Vec<(f64, PointId)> = all
            .iter()
            .filter(|other| other.point.id != row.point.id)
            .map(|other| (distance(vector(&row), vector(other)), other.point.id))
            .collect();
        distances.sort_by(|a, b| a.0.total_cmp(&b.0));
        let limit = distances[K - 1].0 * (1.0 + 1e-5);
        let good: BTreeSet<PointId> = distances
            .iter()
            .take_while(|(distance, _)| *distance <= limit)
            .map(|(_, id)| *id)
            .collect();
        let found = lancedb_finds(&table, &row, setting).await;
        let others = found.iter().filter(|id| **id != row.point.id).take(K);
        sum += others.filter(|id| good.contains(*id)).count() as f64 / K as f64;
    }
    sum / QUERIES as f64
}

fn one(found: &Comparison, store: Store, mode: Mode) -> &Measured {
    let mut stores = found.stores.iter();
    let measured = stores.find(|one| one.store == store && one.mode == mode);
    measured.unwrap_or_else(|| panic!("{store:?} {mode:?} is not in {found:?}"))
}

fn mean_recall(found: &Comparison, store: Store, mode: Mode) -> f64 {
    one(found, store, mode).recall.expect("a recall").mean
}

/// Every figure was measured, and they fit together.
fn assert_measured(found: &Comparison, concurrency: &[usize]) {
    assert!(found.began_at > 1_700_000_000_000, "{found:?}");
    for measured in &found.stores {
        let latency = measured.latency_ms;
        assert!(measured.cold_ms.is_some_and(|cold| cold > 0.0), "{measured:?}");
        let rising = [0.0, latency.p50, latency.p95, latency.p99, latency.max];
        assert!(
            rising.windows(2).all(|pair| pair[0] <= pair[1]) && latency.p50 > 0.0,
            "{measured:?}"
        );
        assert!(
            latency.mean > 0.0 && latency.mean <= latency.max * 1.000_001,
            "{measured:?}"
        );
        let asked: Vec<usize> = measured.per_second.iter().map(|one| one.concurrency).collect();
        assert_eq!(asked, concurrency, "{measured:?}");
        let answered = measured.per_second.iter().all(|one| one.queries_per_second > 0.0);
        assert!(answered, "{measured:?}");
        let recall = measured.recall.expect("a recall");
        assert!(
            recall.minimum <= recall.p5 && recall.p5 <= recall.median,
            "{measured:?}"
        );
        if measured.mode == Mode::Exact {
            assert!(
                (recall.minimum - 1.0).abs() < 1e-9,
                "exact search misses nothing: {measured:?}"
            );
        }
    }
}

/// The chosen setting, with the recall that was told.
fn chosen(found: &Comparison, target: f64) -> (Setting, f64) {
    let chosen: Vec<_> = found.sweep.iter().filter(|tried| tried.chosen).collect();
    assert_eq!(chosen.len(), 1, "{:?}", found.sweep);
    assert!(chosen[0].recall >= target, "{:?}", found.sweep);
    let better = |p50: f64| {
        found
            .sweep
            .iter()
            .any(|one| one.recall >= target && one.p50_ms * 1.050_001 < p50)
    };
    assert!(!better(chosen[0].p50_ms), "{:?}", found.sweep);
    (chosen[0].setting(), chosen[0].recall)
}

fn assert_close(told: f64, expected: f64, what: &str) {
    assert!((told - expected).abs() < 1e-9, "{what}: {told} is not {expected}");
}

fn size_of(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let size = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("an entry");
        let found = entry.metadata().expect("metadata");
        if found.is_dir() {
            size_of(&entry.path())
        } else {
            found.len()
        }
    };
    entries.map(size).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn recall_agrees_with_brute_force_and_a_setting_that_reaches_the_target_is_found() {
    let world = World::with(&with_vectors(ROWS, str::to_owned)).await;
    world.config(&[]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let own = table(&world).await;
    let quantised = IvfPqIndexBuilder::default()
        .distance_type(DistanceType::Cosine)
        .num_partitions(8)
        .num_sub_vectors(4);
    let built = own
        .create_index(&["embedding"], Index::IvfPq(quantised))
        .execute()
        .await;
    built.expect("an index");

    let (queries, seed) = (QUERIES.to_string(), SEED.to_string());
    let args = [
        "--queries",
        &queries,
        "--seed",
        &seed,
        "-k",
        "10",
        "--concurrency",
        "1,2",
        "--sweep",
        "--recall",
        "0.97",
    ];
    let found = compare(&world, &args).await;
    assert_measured(&found, &[1, 2]);
    assert_eq!((found.queries as u64, found.k, found.seed), (QUERIES, K, SEED));
    assert!(found.same_space, "the same texts by the same model: {:?}", found.notes);
    assert_eq!((found.column.as_str(), found.vector.as_str()), ("embedding", ""));
    let kinds: Vec<(Store, Mode)> = found.stores.iter().map(|one| (one.store, one.mode)).collect();
    let expected = [
        (Store::Lancedb, Mode::Exact),
        (Store::Lancedb, Mode::Index),
        (Store::Qdrant, Mode::Exact),
        (Store::Qdrant, Mode::Index),
    ];
    assert_eq!(kinds, expected);
    let index = found.index.as_ref().expect("an index");
    assert_eq!((index.kind.as_str(), index.rows, index.unindexed), ("IVF_PQ", ROWS, 0));
    assert_eq!(found.index_seconds, None, "nobody measured it");
    let size = size_of(&world.path().join("out.lance/messages.lance"));
    assert_eq!((found.disk_bytes.lancedb, found.disk_bytes.qdrant), (Some(size), None));

    let told = mean_recall(&found, Store::Lancedb, Mode::Index);
    let expected = brute_force(&world, Setting::default()).await;
    assert_close(told, expected, "the index with LanceDB's own settings");
    assert!(expected < 1.0, "a test of recall wants an index that misses something");
    let (setting, told) = chosen(&found, 0.97);
    assert_close(told, brute_force(&world, setting).await, "the chosen setting");
    assert_ne!(
        setting,
        Setting::default(),
        "LanceDB's own does not reach it: {:?}",
        found.sweep
    );
    let first = &found.sweep[1];
    assert_close(
        first.recall,
        brute_force(&world, first.setting()).await,
        "the cheapest setting",
    );
    let code = found.code.as_ref().expect("code");
    for text in [&code.python, &code.rust] {
        let says = |part: &str, given: Option<String>| {
            let expected = given.map(|number| format!("{part}({number})"));
            let there = text.contains(part);
            assert_eq!(there, expected.is_some(), "{text}");
            assert!(expected.is_none_or(|expected| text.contains(&expected)), "{text}");
        };
        says(".nprobes", setting.nprobes.map(|n| n.to_string()));
        says(".refine_factor", setting.refine_factor.map(|n| n.to_string()));
        says(".ef", setting.ef.map(|n| n.to_string()));
        assert!(text.contains(".limit(10)") && text.contains("out.lance"), "{text}");
    }

    // A graph is tried by what a graph knows, in the place of the other index.
    let graph = IvfHnswSqIndexBuilder::default().distance_type(DistanceType::Cosine);
    let built = own
        .create_index(&["embedding"], Index::IvfHnswSq(graph))
        .execute()
        .await;
    built.expect("an index");
    let found = compare(&world, &args).await;
    assert_eq!(
        found.index.as_ref().map(|index| index.kind.as_str()),
        Some("IVF_HNSW_SQ")
    );
    assert!(
        found.sweep[1..].iter().all(|tried| tried.ef.is_some()),
        "{:?}",
        found.sweep
    );
    let (setting, told) = chosen(&found, 0.97);
    assert_close(
        told,
        brute_force(&world, setting).await,
        "the chosen setting of the graph",
    );

    // For people.
    let output = world
        .qlance(&["compare", "--queries", "20", "--concurrency", "1"])
        .await;
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for part in [
        "LanceDB  exact",
        "Qdrant   index",
        "p50",
        "q/s at 1",
        "IVF_HNSW_SQ over 800 rows",
        "one space",
    ] {
        assert!(text.contains(part), "{part:?} is not in {}", said(&output));
    }
    assert!(!text.contains("Python"), "nothing was swept: {text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_index_only_the_exact_search_is_measured_and_the_way_out_is_said() {
    let mut world = World::with(&others(60)).await;
    // The embedded Qdrant itself is the source: then its size on disk is known too.
    let beside = EmbeddedQdrant::start(&world.path().join("beside"))
        .await
        .expect("another Qdrant");
    let served = world.qdrant.url();
    let path = world.config(&[]);
    std::mem::replace(&mut world.qdrant, beside)
        .stop()
        .await
        .expect("stopped");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    assert!(text.contains(&served), "{text}");
    std::fs::write(&path, text.replace(&served, "embedded:qdrant")).expect("written");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");

    let found = compare(&world, &["--sweep", "--concurrency", "4", "-k", "5"]).await;
    assert_measured(&found, &[4]);
    assert_eq!((found.queries, found.k), (60, 5), "every row asks");
    assert!(!found.same_space, "{:?}", found.notes);
    let kinds: Vec<(Store, Mode)> = found.stores.iter().map(|one| (one.store, one.mode)).collect();
    let expected = [
        (Store::Lancedb, Mode::Exact),
        (Store::Qdrant, Mode::Exact),
        (Store::Qdrant, Mode::Index),
    ];
    assert_eq!(kinds, expected);
    assert_eq!((&found.index, &found.code, found.sweep.len()), (&None, &None, 0));
    assert!(found.disk_bytes.qdrant.is_some_and(|bytes| bytes > 0), "{found:?}");
    let notes = found.notes.join("\n");
    for part in [
        "from 5000 rows on",
        "no settings to try",
        "only the speeds can be compared",
        "page cache was not dropped",
        "every one of the 60 rows",
    ] {
        assert!(notes.contains(part), "{part:?} is not in {notes}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_says_why_and_a_signal_stops_it() {
    let world = World::with(&others(200)).await;
    world.config(&[]);
    let refused = async |args: &[&str], code: i32, why: &str| {
        let output = world.qlance(args).await;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {stderr}");
        assert!(stderr.contains(why), "{args:?}: {why:?} is not in {stderr}");
    };
    refused(&["compare"], 1, "there is no table yet").await;
    refused(&["compare", "--concurrency", "0"], 2, "--concurrency").await;
    refused(&["compare", "--recall", "1.5"], 2, "--recall").await;
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");

    let mut process = world.listen(&["compare", "--concurrency", "1,2,3,4,5,6,7,8", "--queries", "100000"]);
    let mut lines = BufReader::new(process.stderr.take().expect("stderr")).lines();
    let mut heard = Vec::new();
    while let Some(line) = lines.next_line().await.expect("a line") {
        let is_there = line == "warm-up";
        heard.push(line);
        if is_there {
            break;
        }
    }
    let id = process
        .id()
        .and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
    let id = id.unwrap_or_else(|| panic!("it ended by itself: {heard:?}"));
    rustix::process::kill_process(id, rustix::process::Signal::INT).expect("interrupted");
    let status = process.wait().await.expect("an end");
    while let Some(line) = lines.next_line().await.expect("a line") {
        heard.push(line);
    }
    assert_eq!(status.code(), Some(5), "{heard:?}");
    assert!(
        heard.iter().any(|line| line.contains("stopped by the operator")),
        "{heard:?}"
    );
    let mut printed = String::new();
    let mut stdout = process.stdout.take().expect("stdout");
    stdout.read_to_string(&mut printed).await.expect("text");
    assert_eq!(
        (printed.as_str(), kept::kept(&state_dir(&world)).expect("read")),
        ("", None)
    );
    assert!(heard.iter().any(|line| line == "first queries"), "{heard:?}");
}
