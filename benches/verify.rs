//! `cargo bench --profile dev --bench verify`: a full verification of a table whose vectors were carried over (the most
//! there is to compare), in turns with a plain scroll and read of both stores; then searches of both.
//!
//! `-- --ids 10000000` compares the ids of so many points instead, and prints what memory that takes. The migration
//! before it takes its time.
//!
//! Every measurement is a process of its own (this binary again); the embedded Qdrant runs in another.
//! `QLANCE_BENCH_POINTS` and `QLANCE_BENCH_SIZE` change the collection (20,000 points of 1,536 numbers).

#[path = "pipeline/media.rs"]
#[allow(dead_code)]
mod media;
#[path = "pipeline/parts.rs"]
#[allow(dead_code)]
mod parts;
#[path = "pipeline/servers.rs"]
mod servers;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use futures::TryStreamExt as _;
use qlance::lance::index::{self, Step};
use qlance::lance::{Target, read};
use qlance::tasks::comparison::{self, Comparer};
use qlance::tasks::inspect::Inspector;
use qlance::tasks::job::{self, Opening, Options};
use qlance::tasks::verify::{self, CheckId, Verification, Verifier, Wish};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the two are measured, in turns.
const TURNS: usize = 5;
/// Queries of the comparison of both stores.
const QUERIES: usize = 100;
/// The directory of the migration that is verified.
const PART: &str = "carry";

fn main() {
    let part = std::env::var("QLANCE_BENCH_PART").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    match part.as_str() {
        "" => match ids_wanted() {
            Some(count) => many_ids(count),
            None => in_turns(),
        },
        "servers" => runtime.block_on(servers::serve()),
        part => runtime.block_on(run(part)),
    }
    runtime.shutdown_background();
}

fn ids_wanted() -> Option<u64> {
    let mut words = std::env::args().skip_while(|word| word != "--ids");
    words.next()?;
    let count = words.next().and_then(|word| word.parse().ok());
    Some(count.expect("--ids wants a number"))
}

/// What one part printed: seconds, then its peak resident set in MB.
fn measure(part: &str, dir: &Path, servers: &servers::Servers, more: &[(&str, String)]) -> (f64, f64) {
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .env("QLANCE_BENCH_PART", part)
        .env("QLANCE_BENCH_DIR", dir)
        .env("QLANCE_BENCH_QDRANT", &servers.qdrant)
        .env("QLANCE_BENCH_EMBEDDINGS", &servers.embeddings)
        .envs(more.iter().map(|(name, value)| (*name, value.as_str())))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .expect("the part runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [seconds, rss] = numbers[..] else {
        panic!("{part} printed {text:?} and exited with {}", output.status)
    };
    (seconds, rss)
}

fn in_turns() {
    let dir = tempfile::tempdir().expect("a directory");
    let servers = servers::Servers::start(dir.path(), &["messages"]);
    println!("collection: {} points of {} numbers", parts::points(), parts::size());
    let (seconds, _) = measure("migrate", dir.path(), &servers, &[]);
    println!("migrated in {seconds:.1} s\n");
    let mut turns = [Vec::new(), Vec::new(), Vec::new()];
    let mut most = [0.0_f64; 3];
    for _ in 0..TURNS {
        for (place, part) in ["plain", "data", "verify"].into_iter().enumerate() {
            let (seconds, rss) = measure(part, dir.path(), &servers, &[]);
            println!("{part:<8} {seconds:>8.2} s {rss:>8.0} MB");
            turns[place].push(seconds);
            most[place] = most[place].max(rss);
        }
    }
    let [plain, data, verify] = turns.map(median);
    println!("\nall data compared (counts, ids, payloads, vectors, files) / a plain scroll and read:");
    println!("    {:.2} of its time, peak RSS {:.0} MB", data / plain, most[1]);
    println!("all eight checks (with 52 queries of neighbours and some 16 filters) / a plain scroll and read:");
    println!("    {:.2} of its time, peak RSS {:.0} MB", verify / plain, most[2]);
    println!("\nsearch, {QUERIES} queries by vectors of drawn rows, ten results each, in turns:");
    let (_, rss) = measure("search", dir.path(), &servers, &[]);
    println!("peak RSS of the searching process: {rss:.0} MB");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn many_ids(count: u64) {
    let dir = tempfile::tempdir().expect("a directory");
    // What only the servers are told: they are this binary, and read the environment of their own.
    let more = [
        ("QLANCE_BENCH_POINTS", count.to_string()),
        ("QLANCE_BENCH_SIZE", "4".to_owned()),
    ];
    let begun = Instant::now();
    let servers = servers::Servers::start_with(dir.path(), &["ids"], &more);
    println!("{count} points made in {:.0} s", begun.elapsed().as_secs_f64());
    let (seconds, rss) = measure("migrate-ids", dir.path(), &servers, &more);
    println!("migrated in {seconds:.0} s, {rss:.0} MB");
    let (seconds, rss) = measure("verify-ids", dir.path(), &servers, &more);
    println!("all {count} ids of both stores compared in {seconds:.1} s, peak RSS {rss:.0} MB");
}

async fn run(part: &str) {
    let begun = Instant::now();
    match part {
        "migrate" => drop(parts::pipeline(PART, "messages", false).await),
        "migrate-ids" => drop(parts::pipeline(PART, "ids", false).await),
        "plain" => plain().await,
        "data" => {
            use CheckId::{Counts, Health, Ids, Payloads, Vectors};
            let found = verify("messages", vec![Counts, Ids, Payloads, Vectors, Health]).await;
            let left_out = |reason: &String| reason.starts_with("not checked: neighbours, index, filters");
            assert!(
                found.reasons.iter().all(left_out) && found.reasons.len() == 1,
                "nothing else is open: {:?}",
                found.reasons
            );
        }
        "search" => search().await,
        "verify" => {
            let found = verify("messages", CheckId::ALL.to_vec()).await;
            for check in &found.checks {
                eprintln!("    {:<12}{:>8.2} s", check.id.as_str(), check.took.as_secs_f64());
            }
            // No index was asked for, and without one the decision is open; nothing else may be.
            assert!(
                found.reasons.iter().all(|reason| reason.starts_with("index: ")),
                "{:?}",
                found.reasons
            );
        }
        "verify-ids" => {
            let found = verify("ids", vec![CheckId::Ids]).await;
            let ids = found.check(CheckId::Ids).expect("the check");
            assert!(ids.reasons.is_empty(), "{:?}", ids.reasons);
            assert_eq!(ids.numbers["in_both"], parts::points());
        }
        other => panic!("no such part: {other}"),
    }
    println!("{} {}", begun.elapsed().as_secs_f64(), parts::peak_rss_mb());
}

/// Both stores read once, as plainly as can be.
async fn plain() {
    let scrolled = parts::scroll(1).await;
    let config = parts::config_of(PART, "messages", false);
    let mut target = Target::connect(&config.target_uri(), "t", false)
        .await
        .expect("a target");
    target.open().await.expect("a table");
    let table = target.table().expect("the table of the migration");
    let schema = table.schema().await.expect("a schema");
    let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let mut batches = std::pin::pin!(read::scan(table, &columns).await.expect("a scan"));
    let mut rows = 0;
    while let Some(batch) = batches.try_next().await.expect("a batch") {
        rows += batch.num_rows() as u64;
    }
    assert_eq!(rows, scrolled);
}

/// Both stores searched, LanceDB exactly and through an index that is built first.
async fn search() {
    let (opening, target) = open("messages").await;
    let table = target.table().expect("the table of the migration");
    let begun = Instant::now();
    let built = index::run(table, Step::VectorIndex, &opening.wishes()).await;
    eprintln!(
        "    {}, in {:.1} s",
        built.expect("an index"),
        begun.elapsed().as_secs_f64()
    );
    let (_keep, tables) = watch::channel(Some(table.clone()));
    let comparer = Comparer::of(&opening, Inspector::of(&opening, tables));
    let wish = comparison::Wish {
        queries: QUERIES,
        count: 10,
        concurrency: vec![1, 4, 16],
        sweep: false,
        recall: 0.95,
        seed: 1,
    };
    let found = comparison::compare(&comparer, &wish, |_, _, _| {}, CancellationToken::new()).await;
    for measured in found.expect("compared").stores {
        let latency = measured.latency_ms;
        let rates: Vec<String> = measured
            .per_second
            .iter()
            .map(|rate| format!("{:.0}", rate.queries_per_second))
            .collect();
        eprintln!(
            "    {:<8}{:<6} p50 {:>6.1} ms, p95 {:>6.1}, p99 {:>6.1}; {} queries/s at 1, 4, 16; recall@10 {:.3}",
            measured.store.label(),
            measured.mode.label(),
            latency.p50,
            latency.p95,
            latency.p99,
            rates.join(", "),
            measured.recall.map_or(f64::NAN, |recall| recall.mean)
        );
    }
}

async fn open(collection: &str) -> (Opening, Target) {
    let config = parts::config_of(PART, collection, false);
    let options = Options {
        look_only: true,
        ..Options::default()
    };
    job::open(config, &options).await.expect("an open job")
}

async fn verify(collection: &str, checks: Vec<CheckId>) -> Verification {
    let (opening, target) = open(collection).await;
    let (_keep, tables) = watch::channel(target.table().cloned());
    let verifier = Verifier::of(&opening, Inspector::of(&opening, tables));
    let wish = Wish {
        checks,
        ..Wish::default()
    };
    let stop = CancellationToken::new();
    verify::verify(&verifier, wish, |_| {}, stop).await.expect("verified")
}
