//! What is measured: each stage alone with the code that the pipeline uses, the pipeline through the supervisor, and
//! the naive way.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use futures::TryStreamExt as _;
use futures::future::join_all;
use qlance::config::{Config, Dialect, EmbedConfig, SourceConfig};
use qlance::embed::openai::OpenAi;
use qlance::embed::{Caller, Gateway, Input, Role};
use qlance::lance::{Checkpoint, NewRow, TableSchema, Target, encode, read};
use qlance::point::{IdRange, Modality, PointId, RangeProgress};
use qlance::qdrant::Source;
use qlance::tasks::supervisor::{self, Lines, Orders, Start};
use qlance::tasks::{COMMAND_ROOM, EVENT_ROOM, Snapshot, TaskCommand, TaskEvent};
use tokio::sync::{mpsc, watch};

use super::media;

/// The parts in the order of the table; the ratios rely on it.
pub(crate) const PARTS: [(&str, &str); 14] = [
    ("serial", "scroll alone (serial, pages of 500)"),
    ("scroll", "scroll alone (4 ranges, pages of 500)"),
    ("embed", "embed alone (50 in flight, 100 an input)"),
    ("write", "write alone (build and commit)"),
    ("whole", "whole pipeline with embedding"),
    ("carry", "whole pipeline without embedding"),
    ("naive", "one point after the other, commit per 100"),
    ("fivefold", "whole pipeline, five times the points"),
    ("indexed", "whole pipeline with embedding, compaction, indexes"),
    ("plain", "a plain scroll and a plain read of the table"),
    ("sync", "sync where nothing has changed"),
    ("media-load", "2,000 pictures of 200 kB: load and decode"),
    ("media-embed", "2,000 pictures of 200 kB: embed"),
    ("media", "2,000 pictures of 200 kB: whole pipeline"),
];

/// Points of the collection.
pub(crate) fn points() -> u64 {
    variable("QLANCE_BENCH_POINTS", 20_000)
}

/// Numbers of a vector.
pub(crate) fn size() -> usize {
    variable("QLANCE_BENCH_SIZE", 1_536) as usize
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

pub(crate) fn text(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// Runs one part and prints points/s and peak RSS in MB.
pub(crate) async fn run(part: &str) {
    let begun = Instant::now();
    let (done, began_work) = match part {
        "serial" => (scroll(1).await, begun),
        "scroll" => (scroll(4).await, begun),
        "embed" => embed().await,
        "write" => write().await,
        "whole" => (pipeline(part, "messages", true).await, begun),
        "carry" => (pipeline(part, "messages", false).await, begun),
        "fivefold" => (pipeline_in_fifths(part, "fivefold").await, begun),
        "indexed" => (indexed().await, begun),
        "naive" => (naive().await, begun),
        "plain" => (plain().await, begun),
        "sync" => (sync().await, begun),
        "media-load" => media::load().await,
        "media-embed" => media::embed().await,
        "media" => (media::whole().await, begun),
        other => panic!("no such part: {other}"),
    };
    let rate = done as f64 / began_work.elapsed().as_secs_f64();
    println!("{rate} {}", peak_rss_mb());
}

/// The peak resident set of this process in MB, from `VmHWM`.
pub(crate) fn peak_rss_mb() -> f64 {
    status_mb("VmHWM:")
}

/// A figure of this process's memory in MB.
fn status_mb(name: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| {
            line.strip_prefix(name)?
                .trim()
                .strip_suffix("kB")?
                .trim()
                .parse::<f64>()
                .ok()
        })
        .map_or(0.0, |kilobytes| kilobytes / 1_024.0)
}

pub(crate) fn source() -> Source {
    let config = SourceConfig {
        collection: "messages".into(),
        ..SourceConfig::default()
    };
    Source::new(&text("QLANCE_BENCH_QDRANT"), &config, None).expect("a client")
}

fn embed_config() -> EmbedConfig {
    EmbedConfig {
        base_url: text("QLANCE_BENCH_EMBEDDINGS"),
        dimensions: size(),
        ..EmbedConfig::openai()
    }
}

fn gateway() -> Gateway {
    let config = embed_config();
    Gateway::new(
        Arc::new(OpenAi::new(&config, &[Modality::Text], None).expect("a client")),
        &config,
    )
}

/// A gateway that takes pictures too, with its configuration.
pub(crate) fn gateway_of(dialect: Dialect) -> (EmbedConfig, Arc<Gateway>) {
    let config = EmbedConfig {
        dialect,
        max_batch_inputs: 16,
        ..embed_config()
    };
    let embedder = OpenAi::new(&config, &[Modality::Text, Modality::Image], None).expect("a client");
    let gateway = Arc::new(Gateway::new(Arc::new(embedder), &config));
    (config, gateway)
}

/// The directory of this run.
pub(crate) fn bench_dir() -> PathBuf {
    PathBuf::from(text("QLANCE_BENCH_DIR"))
}

pub(crate) async fn scroll(ranges: usize) -> u64 {
    let source = source();
    let ids = (0..points()).step_by(97).map(PointId::Num).collect();
    let ranges = IdRange::split(ids, ranges);
    let counts = join_all(ranges.into_iter().map(|range| {
        let source = source.clone();
        tokio::spawn(async move {
            let (mut offset, mut count) = (range.start, 0);
            loop {
                let page = source.scroll(offset, 500).await.expect("a page");
                let ids = page.points.iter().map(|point| point.as_ref().expect("a point").id);
                count += ids.filter(|id| range.contains(*id)).count() as u64;
                offset = page.next.filter(|next| range.contains(*next));
                if offset.is_none() {
                    return count;
                }
            }
        })
    }))
    .await;
    counts.into_iter().map(|count| count.expect("no panic")).sum()
}

/// The capacity of server and client: 50 requests of 100 inputs in flight, nothing else to do.
async fn embed() -> (u64, Instant) {
    let gateway = Arc::new(gateway());
    let begun = Instant::now();
    let calls = join_all((0..points().div_ceil(500)).map(|page| {
        let gateway = Arc::clone(&gateway);
        tokio::spawn(async move {
            let inputs: Vec<Input> = (0..500)
                .map(|n| Input::Text(format!("text {page} {n} as long as a message usually is, more or less").into()))
                .collect();
            let outcomes = gateway
                .embed(&inputs, Role::Document, Caller::Migration)
                .await
                .expect("an answer");
            outcomes.into_iter().flatten().count() as u64
        })
    }))
    .await;
    (calls.into_iter().map(|count| count.expect("no panic")).sum(), begun)
}

/// Rows built and committed by the pipeline's own code, from points that lie ready.
async fn write() -> (u64, Instant) {
    let source = source();
    let page = source.scroll(None, 500).await.expect("a page");
    let ready: Vec<_> = page.points.into_iter().map(|point| point.expect("a point")).collect();
    let schema = TableSchema::choir(size(), &std::collections::BTreeMap::new());
    let dir = PathBuf::from(text("QLANCE_BENCH_DIR")).join("write.lance");
    let mut target = Target::connect(dir.to_str().expect("UTF-8"), "t", true)
        .await
        .expect("a target");
    target
        .create(&schema, "bench", &std::collections::BTreeMap::new())
        .await
        .expect("a table");
    let checkpoint = Checkpoint::new("bench", 0, vec![RangeProgress::new(IdRange::ALL)]);
    let begun = Instant::now();
    let mut written = 0;
    while written < points() {
        let batches: Vec<_> = (0..10)
            .map(|_| {
                let rows: Vec<NewRow<'_>> = ready
                    .iter()
                    .map(|point| NewRow::of(point, point.vectors[""].dense().expect("dense"), None))
                    .collect();
                written += rows.len() as u64;
                encode(&schema, &rows).expect("a batch")
            })
            .collect();
        target.append(batches, &checkpoint).await.expect("a commit");
    }
    (written, begun)
}

/// The configuration of a part, in a directory of its own. Without indexes: they are no stage of the pipeline.
pub(crate) fn config_of(part: &str, collection: &str, embeds: bool) -> Arc<Config> {
    config_with(part, collection, embeds, false)
}

fn config_with(part: &str, collection: &str, embeds: bool, index: bool) -> Arc<Config> {
    let dir = bench_dir().join(part);
    std::fs::create_dir_all(&dir).expect("a directory");
    let embed = if embeds {
        format!(
            "provider = \"openai\"\nbase_url = \"{}\"\ndimensions = {}",
            text("QLANCE_BENCH_EMBEDDINGS"),
            size()
        )
    } else {
        "provider = \"carry\"".into()
    };
    let toml = format!(
        "[source]\nurl = \"{}\"\ncollection = \"{collection}\"\n[target]\nuri = \"out.lance\"\ntable = \"t\"\n\
         [embed.text]\n{embed}\n[pipeline]\nindex = {index}\n{}",
        text("QLANCE_BENCH_QDRANT"),
        // More of the table that stands last, such as `in_hand_mib = 96`.
        std::env::var("QLANCE_BENCH_PIPELINE").unwrap_or_default()
    );
    Arc::new(Config::parse(&toml, "bench", &dir).expect("a configuration"))
}

/// Both stores read once, as plainly as can be: what catching up is measured against.
async fn plain() -> u64 {
    let scrolled = scroll(1).await;
    let config = config_of("whole", "messages", true);
    let mut target = Target::connect(&config.target_uri(), "t", false)
        .await
        .expect("a target");
    target.open().await.expect("a table");
    let table = target.table().expect("the table of the whole pipeline");
    let schema = table.schema().await.expect("a schema");
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut batches = std::pin::pin!(read::scan(table, &columns).await.expect("a scan"));
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await.expect("a batch") {
        rows += batch.num_rows() as u64;
    }
    assert_eq!(rows, scrolled);
    rows
}

/// Both stores gone over by `sync`, on the table that the whole pipeline wrote.
async fn sync() -> u64 {
    let config = config_of("whole", "messages", true);
    let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
    let (events, mut happened) = mpsc::channel(EVENT_ROOM);
    let (snapshot, watched) = watch::channel(Snapshot::default());
    let orders = Orders {
        end_when_done: true,
        first: vec![TaskCommand::Compare],
        ..Orders::default()
    };
    let lines = Lines {
        commands: inbox,
        events,
        snapshot,
    };
    let work = tokio::spawn(supervisor::run(config, orders, lines));
    let mut same = 0;
    while let Some(event) = happened.recv().await {
        if let TaskEvent::Compared(found) = event {
            let found = found.expect("compared");
            assert!(found.is_none(), "{found:?}");
            same = found.same;
        }
    }
    let report = work.await.expect("no panic");
    assert_eq!(report.embedding.requests, 0, "nothing is embedded");
    drop((commands, watched));
    same
}

pub(crate) async fn pipeline(part: &str, collection: &str, embeds: bool) -> u64 {
    // An earlier turn's table would be gone on with, and there would be nothing to do.
    let _ = std::fs::remove_dir_all(bench_dir().join(part));
    pipeline_with(config_of(part, collection, embeds), points()).await
}

/// Parts of a long migration whose highest resident set is told each by itself: what grows with the collection is seen.
const FIFTHS: u64 = 5;

/// The same, and how the resident set comes along: its highest value in each fifth of the points.
async fn pipeline_in_fifths(part: &str, collection: &str) -> u64 {
    let count = FIFTHS * points();
    let (sender, watched) = watch::channel(Snapshot::default());
    let sampler = tokio::spawn(async move {
        let mut highest = [0.0_f64; FIFTHS as usize];
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(20));
        while watched.has_changed().is_ok() {
            ticks.tick().await;
            let place = (watched.borrow().settled() * FIFTHS / count).min(FIFTHS - 1) as usize;
            highest[place] = highest[place].max(status_mb("VmRSS:"));
        }
        highest
    });
    let _ = std::fs::remove_dir_all(bench_dir().join(part));
    let done = migrate(config_of(part, collection, true), count, sender).await;
    let highest = sampler.await.expect("no panic").map(|mb| format!("{mb:.0}"));
    eprintln!(
        "    resident set at most in each fifth of the points: {} MB",
        highest.join(", ")
    );
    done
}

/// The same with everything that comes after the last point, as a run does it where nothing else is configured.
async fn indexed() -> u64 {
    pipeline_with(config_with("indexed", "messages", true, true), points()).await
}

/// A migration from its beginning to its end.
pub(crate) async fn pipeline_with(config: Arc<Config>, count: u64) -> u64 {
    let (snapshot, watched) = watch::channel(Snapshot::default());
    let written = migrate(config, count, snapshot).await;
    drop(watched);
    written
}

async fn migrate(config: Arc<Config>, count: u64, snapshot: watch::Sender<Snapshot>) -> u64 {
    let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
    let (events, mut happened) = mpsc::channel(EVENT_ROOM);
    let orders = Orders {
        start: Start::AtOnce,
        end_when_done: true,
        ..Orders::default()
    };
    let lines = Lines {
        commands: inbox,
        events,
        snapshot,
    };
    let work = tokio::spawn(supervisor::run(config, orders, lines));
    let begun = Instant::now();
    while let Some(event) = happened.recv().await {
        if std::env::var_os("QLANCE_BENCH_TRACE").is_some() {
            let text: String = format!("{event:?}").chars().take(100).collect();
            let seconds = begun.elapsed().as_secs_f64();
            eprintln!("{seconds:>7.3} s {:>6.0} MB at most so far  {text}", peak_rss_mb());
        }
    }
    let report = work.await.expect("no panic");
    assert!(report.error.is_none() && report.failed == 0, "{report:?}");
    drop(commands);
    assert_eq!(report.written, count);
    report.written
}

/// What a first script does: read one, embed it, and write every hundred.
async fn naive() -> u64 {
    let source = source();
    let gateway = gateway();
    let schema = TableSchema::choir(size(), &std::collections::BTreeMap::new());
    let dir = PathBuf::from(text("QLANCE_BENCH_DIR")).join("naive.lance");
    let mut target = Target::connect(dir.to_str().expect("UTF-8"), "t", true)
        .await
        .expect("a target");
    target
        .create(&schema, "bench", &std::collections::BTreeMap::new())
        .await
        .expect("a table");
    let checkpoint = Checkpoint::new("bench", 0, vec![RangeProgress::new(IdRange::ALL)]);
    let mut offset = None;
    let mut batches = Vec::new();
    let part = points().min(200);
    for n in 1..=part {
        let page = source.scroll(offset, 1).await.expect("a page");
        let point = page.points.into_iter().next().expect("one").expect("a point");
        let input = Input::Text(point.payload["content"].as_str().expect("a text").into());
        let outcome = gateway
            .embed(&[input], Role::Document, Caller::Migration)
            .await
            .expect("an answer");
        let row = NewRow::of(&point, outcome[0].as_ref().expect("an embedding"), None);
        batches.push(encode(&schema, &[row]).expect("a batch"));
        if n.is_multiple_of(100) {
            target
                .append(std::mem::take(&mut batches), &checkpoint)
                .await
                .expect("a commit");
        }
        offset = page.next;
    }
    part
}
