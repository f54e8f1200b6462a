//! Verification against both stores: a collection in the embedded Qdrant, migrated by the binary to a real table, then
//! looked at by the verifier in this process, as often as a test wants to. Faults are planted from outside.

mod clean;
mod decisions;
mod faults;
mod figures;
mod parts;
mod random;
mod repair;
mod ties;

use std::collections::BTreeSet;
use std::sync::Arc;

use lancedb::Table;
use qlance::config::Config;
use qlance::point::verdict::Outcome;
use qlance::point::{Point, PointId, Vector, Vectors};
use qlance::tasks::inspect::Inspector;
use qlance::tasks::job::{self, Opening, Options};
use qlance::tasks::verify::{self, Check, CheckId, Told, Verification, Verifier, Wish};
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::embeddings_server::{Behaviour, embedding_of};
use crate::support::planting::DOUBLE;
use crate::support::world::{SIZE, World, point, wait_for};

/// How rows get their embeddings, and which columns their payloads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Embedded anew by the embedder that made Qdrant's vectors; the built-in columns.
    Embedded,
    /// Qdrant's vectors as they are; columns by inference.
    Carried,
}

/// Point `n`, with the embedding of its text as its vector in Qdrant.
fn message(n: u64) -> Point {
    let text = format!("message {n} about the sea");
    let numbers = embedding_of(&text, SIZE);
    let payload = json!({
        "content": text, "thread_id": format!("t{}", n % 7), "n": n, DOUBLE: n as f64, "even": n.is_multiple_of(2)
    });
    at(point(n, payload), numbers)
}

/// Messages 1 to `count`.
fn sea(count: u64) -> Vec<Point> {
    (1..=count).map(message).collect()
}

/// The same point with another vector in Qdrant.
fn at(point: Point, numbers: Vec<f32>) -> Point {
    Point {
        vectors: Vectors::from([(String::new(), Vector::Dense(numbers))]),
        ..point
    }
}

/// A migration of these points that left none behind.
async fn migrated(points: &[Point], manner: Manner, more: &[(&str, &str)]) -> World {
    let world = World::with(points).await;
    configure(&world, manner, more);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    world
}

/// Writes the configuration.
fn configure(world: &World, manner: Manner, more: &[(&str, &str)]) {
    let path = world.config(more);
    if manner == Manner::Carried {
        let text = std::fs::read_to_string(&path).expect("the configuration");
        let mut table: toml::Table = toml::from_str(&text).expect("TOML");
        let own: toml::Table = toml::from_str("provider = \"carry\"").expect("TOML");
        table["embed"]["text"] = own.into();
        let target = table["target"].as_table_mut().expect("a section");
        target.insert("profile".to_owned(), "inferred".into());
        let text = toml::to_string(&table).expect("TOML");
        std::fs::write(&path, text).expect("the configuration is written");
    }
}

/// A job that is verified in this process.
struct Job {
    verifier: Verifier,
    table: Table,
    // Kept, so that the table can be asked for.
    _tables: watch::Sender<Option<Table>>,
    _opening: Opening,
}

impl Job {
    /// Opens the job of a world, to look only.
    async fn open(world: &World) -> Self {
        let config = Config::load(&world.path().join("qlance.toml")).expect("the configuration");
        let options = Options {
            look_only: true,
            ..Options::default()
        };
        let (opening, target) = job::open(Arc::new(config), &options).await.expect("an open job");
        let table = target.table().cloned().expect("a table");
        let (tables, seen) = watch::channel(Some(table.clone()));
        Self {
            verifier: Verifier::of(&opening, Inspector::of(&opening, seen)),
            table,
            _tables: tables,
            _opening: opening,
        }
    }

    /// Verifies the newest version.
    async fn verify(&self, wish: Wish) -> Verification {
        self.verify_telling(wish, |_| {}).await
    }

    /// Verifies the newest version; `tell` hears how it goes.
    async fn verify_telling(&self, wish: Wish, tell: impl Fn(Told<'_>) + Send + Sync) -> Verification {
        verify::verify(&self.verifier, wish, tell, CancellationToken::new())
            .await
            .expect("it comes to its end")
    }
}

/// Waits for a future where only a function may be called: in the middle of a verification. On a thread of its own, for
/// tokio wakes a thread and not a future: whatever waits here would take the wakes of what waits around it.
fn in_between<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    let runtime = Handle::current();
    std::thread::scope(|scope| scope.spawn(|| runtime.block_on(future)).join()).expect("no panic")
}

/// All checks, with as few queries as say anything: they take most of the time.
fn all() -> Wish {
    Wish {
        queries: 50,
        ..Wish::default()
    }
}

/// Only these checks; nothing is embedded again.
fn only(checks: &[CheckId]) -> Wish {
    Wish {
        checks: checks.to_vec(),
        again: 0,
        ..Wish::default()
    }
}

fn check(found: &Verification, id: CheckId) -> &Check {
    found
        .check(id)
        .unwrap_or_else(|| panic!("{id} was not carried out: {found:?}"))
}

/// The checks with this outcome.
fn with_outcome(found: &Verification, outcome: Outcome) -> BTreeSet<CheckId> {
    let checks = found.checks.iter().filter(|check| check.outcome == outcome);
    checks.map(|check| check.id).collect()
}

/// Whom a check finds fault with. Each is named once, and all are named.
fn offenders(check: &Check) -> BTreeSet<PointId> {
    let named: BTreeSet<PointId> = check.offenders.shown.iter().map(|offender| offender.id).collect();
    assert_eq!(
        (named.len(), named.len() as u64),
        (check.offenders.shown.len(), check.offenders.total),
        "{}: not all offenders are named once: {:?}",
        check.id,
        check.offenders
    );
    named
}

/// A migration of 200 points that was killed after its first commit of 50.
async fn killed_half_way() -> World {
    let world = World::with(&sea(200)).await;
    configure(
        &world,
        Manner::Embedded,
        &[
            ("source", "page_points = 50\nranges = 1\n"),
            ("target", "commit_rows = 50\n"),
            ("embed.text", "max_in_flight = 1\nmax_batch_inputs = 50\n"),
        ],
    );
    // The first commit comes; of what comes after it nobody hears.
    world.embeddings.then([Behaviour::Good]);
    world.embeddings.then(std::iter::repeat_n(Behaviour::Hang, 50));
    let mut child = world.start(&["run"]);
    // The first version has columns and no rows.
    let versions = world.path().join("out.lance/messages.lance/_versions");
    wait_for("a commit", || {
        std::fs::read_dir(&versions).map_or(0, Iterator::count) > 2
    })
    .await;
    child.kill().await.expect("killed");
    world.embeddings.clear_script();
    world
}
