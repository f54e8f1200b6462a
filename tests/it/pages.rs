//! Pages of a scroll: as large as memory and the server allow, whatever the points weigh.

use std::net::SocketAddr;
use std::time::Duration;

use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, VectorParamsBuilder};
use qlance::config::SourceConfig;
use qlance::point::{Point, PointId};
use qlance::qdrant::Source;
use qlance::qdrant::embedded::EmbeddedQdrant;
use qlance::qdrant::source::{Part, SourceError, Wanted};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use crate::support::world::{SIZE, World, messages, point, said, upsert_to};

/// Points that weigh `bytes` each beside their content.
fn heavy(count: u64, bytes: usize) -> Vec<Point> {
    let ballast = "x".repeat(bytes);
    (1..=count)
        .map(|n| point(n, json!({"content": format!("message {n}"), "ballast": ballast})))
        .collect()
}

/// The numbers that the log names so where it says something.
fn logged(world: &World, said: &str, name: &str) -> Vec<usize> {
    let jobs = std::fs::read_dir(world.path().join(".qlance")).expect("a state directory");
    let logs: String = jobs
        .map(|job| std::fs::read_to_string(job.expect("a job").path().join("qlance.log")).expect("a log"))
        .collect();
    logs.lines()
        .filter(|line| line.contains(said))
        .map(|line| {
            let (_, rest) = line.split_once(&format!(" {name}=")).expect("the number");
            let number: String = rest.chars().take_while(char::is_ascii_digit).collect();
            number.parse().expect("a number")
        })
        .collect()
}

/// The numbers of points that the pages of a run were asked for, as its log says.
fn asked(world: &World) -> Vec<usize> {
    logged(world, "a page came", "limit")
}

async fn run(world: &World) {
    carry_out(world, &["run"]).await;
}

async fn carry_out(world: &World, args: &[&str]) {
    let mut command = world.command(args);
    let output = command
        .env("QLANCE_LOG", "qlance=debug")
        .output()
        .await
        .expect("qlance runs");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_large_points_have_few_of_them() {
    const BYTES: usize = 512 << 10;
    let points = heavy(40, BYTES);
    let world = World::with(&points).await;
    world.config(&[
        ("source", "ranges = 1\n"),
        ("pipeline", "in_hand_mib = 8\nindex = false\n"),
    ]);
    run(&world).await;
    assert_eq!(world.rows().await.len(), points.len());
    let asked = asked(&world);
    let most = asked.iter().copied().max().expect("pages");
    assert!(
        most * BYTES <= 4 << 20,
        "more than half of what may be in hand: {asked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sync_has_few_large_points_in_hand() {
    const BYTES: usize = 512 << 10;
    let world = World::with(&messages(1)).await;
    world.config(&[
        ("source", "ranges = 1\n"),
        ("pipeline", "in_hand_mib = 8\nindex = false\n"),
    ]);
    run(&world).await;
    // One of them has a row already, which keeps its embedding.
    let points = heavy(40, BYTES);
    world.upsert(&points).await;
    carry_out(&world, &["sync", "--yes"]).await;
    assert_eq!(world.rows().await.len(), points.len());
    for said in ["a page is compared", "a round came"] {
        let bytes = logged(&world, said, "bytes");
        assert!(bytes.len() > 10, "{said}: {bytes:?}");
        assert!(
            bytes.iter().all(|bytes| *bytes <= 2 << 20),
            "more than a quarter of what may be in hand: {said}: {bytes:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_small_points_are_as_large_as_configured() {
    let points = heavy(1_200, 10);
    let world = World::with(&points).await;
    world.config(&[("source", "ranges = 1\n"), ("pipeline", "index = false\n")]);
    run(&world).await;
    assert_eq!(asked(&world), [500, 500, 500], "from the first page on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_will_not_give_at_once_is_asked_for_in_smaller_pages() {
    let dir = tempfile::tempdir().expect("a directory");
    let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
    let qdrant = EmbeddedQdrant::serve_within(dir.path(), loopback, None, 1 << 20)
        .await
        .expect("an embedded Qdrant");
    let config = SourceConfig {
        collection: "messages".into(),
        ..SourceConfig::default()
    };
    let source = Source::new(&qdrant.url(), &config, None).expect("a client");
    let client = source.client();
    let params = VectorParamsBuilder::new(SIZE as u64, Distance::Cosine);
    client
        .create_collection(CreateCollectionBuilder::new("messages").vectors_config(params))
        .await
        .expect("a collection");
    let points = heavy(30, 100 << 10);
    upsert_to(client, "messages", &points).await;
    let (mut offset, mut read) = (None, Vec::new());
    loop {
        let page = source.scroll(offset, 30).await.expect("a page");
        assert!(page.points.len() <= 10, "{} points of 100 KiB", page.points.len());
        read.extend(page.points.into_iter().map(|point| point.expect("a whole point").id));
        offset = page.next;
        if offset.is_none() {
            break;
        }
    }
    let expected: Vec<PointId> = points.iter().map(|point| point.id).collect();
    assert_eq!(read, expected, "each once, in their order");
    let whole = Part {
        payloads: true,
        vectors: true,
    };
    let found = source.get_part(&expected, whole).await.expect("points by id");
    let mut found: Vec<PointId> = found
        .into_iter()
        .map(|point| point.expect("a whole point").id)
        .collect();
    found.sort_unstable();
    assert_eq!(found, expected, "each once by its id");
    // One point that is too large by itself ends the scroll, and says why.
    upsert_to(client, "messages", &heavy(1, 2 << 20)).await;
    let error = source.scroll(None, 30).await.expect_err("it cannot be had");
    assert!(matches!(&error, SourceError::Protocol { .. }), "{error}");
    assert!(error.to_string().contains("too large"), "{error}");
    drop(source);
    qdrant.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_of_large_points_fits_into_memory() {
    let world = World::with(&heavy(40, 1 << 20)).await;
    let source = world.source();
    assert_eq!(source.bytes_a_point(), None);
    let sample = source.sample(500, Wanted::Payloads).await.expect("a sample");
    assert!(
        (16..=32).contains(&sample.len()),
        "{} points of a megabyte",
        sample.len()
    );
    let weight = source.bytes_a_point().expect("it is known now");
    assert!((1 << 20..2 << 20).contains(&weight), "{weight}");
    let ids = source.sample(500, Wanted::Ids).await.expect("ids");
    assert_eq!(ids.len(), 40, "of ids there is no such limit");
}

#[tokio::test(flavor = "multi_thread")]
async fn points_are_asked_for_by_id_until_somebody_answers() {
    let world = World::with(&messages(3)).await;
    let qdrant = world.qdrant.address();
    // Nobody listens here yet.
    let free = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = free.local_addr().expect("the port");
    drop(free);
    let config = SourceConfig {
        collection: "messages".into(),
        ..SourceConfig::default()
    };
    let source = Source::new(&format!("http://{address}"), &config, None).expect("a client");
    let source = source.with_patience(Duration::from_secs(30));
    let serving = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let listener = TcpListener::bind(address).await.expect("the same port");
        while let Ok((mut from, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut to = TcpStream::connect(qdrant).await.expect("Qdrant listens");
                let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
            });
        }
    });
    let ids = [1, 9].map(PointId::Num);
    assert_eq!(source.missing(&ids).await.expect("an answer"), [PointId::Num(9)]);
    serving.abort();
}
