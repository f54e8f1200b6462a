//! A world of its own for one test: a directory with an embedded Qdrant served on loopback, a configuration, and the
//! qlance binary. Everything is read back from outside: the table through Lance, the journal through its file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use futures::TryStreamExt as _;
use qdrant_client::Qdrant;
use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder};
use qlance::config::SourceConfig;
use qlance::lance::{Row, RowDecoder, TableSchema};
use qlance::point::{Payload, Point, PointId, Vector, Vectors};
use qlance::qdrant::embedded::EmbeddedQdrant;
use qlance::qdrant::{Source, wire};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::embeddings_server::EmbeddingsServer;

/// Numbers of the vectors in these tests: small, so that thousands are cheap.
pub(crate) const SIZE: usize = 8;

/// One test's world.
pub(crate) struct World {
    /// The source.
    pub(crate) qdrant: EmbeddedQdrant,
    /// The embedder.
    pub(crate) embeddings: EmbeddingsServer,
    // Last, so that it is dropped last: the engine flushes into it when it is closed.
    dir: TempDir,
}

/// A point with a payload and an unnamed vector.
pub(crate) fn point(id: impl Into<PointIdLike>, payload: Value) -> Point {
    let id = id.into().0;
    let Value::Object(payload) = payload else {
        panic!("a payload is an object: {payload}")
    };
    let angle = id.sort_key().iter().map(|byte| f32::from(*byte)).sum::<f32>() / 100.0;
    let numbers = (0..SIZE).map(|n| (angle + n as f32).sin()).collect();
    Point {
        id,
        payload,
        vectors: Vectors::from([(String::new(), Vector::Dense(numbers))]),
    }
}

/// An id written as a number or as a UUID.
pub(crate) struct PointIdLike(PointId);

impl From<u64> for PointIdLike {
    fn from(number: u64) -> Self {
        Self(PointId::Num(number))
    }
}

impl From<&str> for PointIdLike {
    fn from(text: &str) -> Self {
        Self(text.parse().expect("an id"))
    }
}

impl From<PointId> for PointIdLike {
    fn from(id: PointId) -> Self {
        Self(id)
    }
}

/// Messages 1 to `count` with readable contents.
pub(crate) fn messages(count: u64) -> Vec<Point> {
    (1..=count)
        .map(|n| {
            let payload = serde_json::json!({
                "content": format!("message {n}"), "thread_id": format!("t{}", n % 7), "n": n, "score": n as f64 / 2.0
            });
            point(n, payload)
        })
        .collect()
}

impl World {
    /// A collection `messages` with these points.
    pub(crate) async fn with(points: &[Point]) -> Self {
        let world = Self::empty().await;
        let client = world.source().client().clone();
        let params = VectorParamsBuilder::new(SIZE as u64, Distance::Cosine);
        client
            .create_collection(CreateCollectionBuilder::new("messages").vectors_config(params))
            .await
            .expect("a collection");
        world.upsert(points).await;
        world
    }

    /// No collection at all.
    pub(crate) async fn empty() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let qdrant = EmbeddedQdrant::start(&dir.path().join("qdrant"))
            .await
            .expect("an embedded Qdrant");
        let embeddings = EmbeddingsServer::start().await;
        Self {
            qdrant,
            embeddings,
            dir,
        }
    }

    /// The directory.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The ordinary client on the source.
    pub(crate) fn source(&self) -> Source {
        let config = SourceConfig {
            collection: "messages".into(),
            ..SourceConfig::default()
        };
        Source::new(&self.qdrant.url(), &config, None).expect("a client")
    }

    /// Writes points to Qdrant.
    pub(crate) async fn upsert(&self, points: &[Point]) {
        upsert_to(self.source().client(), "messages", points).await;
    }

    /// The configuration file, with more lines for its sections.
    pub(crate) fn config(&self, more: &[(&str, &str)]) -> PathBuf {
        let mut sections: BTreeMap<&str, String> = BTreeMap::from([
            (
                "source",
                format!("url = \"{}\"\ncollection = \"messages\"\n", self.qdrant.url()),
            ),
            ("target", "uri = \"out.lance\"\ntable = \"messages\"\n".to_owned()),
            (
                "embed.text",
                format!(
                    "provider = \"openai\"\nbase_url = \"{}\"\nmodel = \"test-model\"\ndimensions = {SIZE}\n\
                     backoff_min_ms = 10\nbackoff_max_ms = 50\n",
                    self.embeddings.base_url()
                ),
            ),
        ]);
        for (section, lines) in more {
            sections.entry(section).or_default().push_str(lines);
        }
        let sections: Vec<String> = sections
            .iter()
            .map(|(section, lines)| format!("[{section}]\n{lines}"))
            .collect();
        let text = sections.join("\n");
        let path = self.path().join("qlance.toml");
        std::fs::write(&path, text).expect("the configuration is written");
        path
    }

    /// Runs qlance with the configuration.
    pub(crate) async fn qlance(&self, args: &[&str]) -> Output {
        self.command(args).output().await.expect("qlance runs")
    }

    /// qlance with the configuration, before it runs; with nothing on its stdin: whoever runs the tests may sit at a
    /// terminal, and would be asked. It does not outlive what holds it.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_qlance"));
        command
            .arg("--config")
            .arg(self.path().join("qlance.toml"))
            .args(args)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_remove("OPENAI_API_KEY")
            .kill_on_drop(true);
        command
    }

    /// qlance in the background, heard by nobody; killed with SIGKILL when it is dropped, or before.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("qlance starts")
    }

    /// qlance in the background, to be listened to.
    pub(crate) fn listen(&self, args: &[&str]) -> Child {
        let mut command = self.command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("qlance starts")
    }

    /// `qlance run --json`: the exit code and the report.
    pub(crate) async fn run(&self) -> (i32, Value) {
        let output = self.qlance(&["run", "--json"]).await;
        let text = String::from_utf8_lossy(&output.stdout);
        let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
        (output.status.code().unwrap_or(-1), report)
    }

    /// All rows of the table, read back.
    pub(crate) async fn rows(&self) -> Vec<Row> {
        rows_of(&self.path().join("out.lance"), "messages").await
    }

    /// The points that Qdrant holds now.
    pub(crate) async fn points(&self) -> Vec<Point> {
        let page = self.source().scroll(None, 10_000).await.expect("a page");
        assert!(page.next.is_none(), "more points than one page holds");
        page.points
            .into_iter()
            .map(|point| point.expect("a whole point"))
            .collect()
    }
}

/// Runs qlance in a directory, with nothing on its stdin.
pub(crate) async fn qlance_in(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qlance"));
    command
        .args(args)
        .current_dir(dir)
        .stdin(Stdio::null())
        .env_remove("OPENAI_API_KEY")
        .kill_on_drop(true);
    command.output().await.expect("qlance runs")
}

/// Writes points to a collection.
pub(crate) async fn upsert_to(client: &Qdrant, collection: &str, points: &[Point]) {
    for chunk in points.chunks(1_000) {
        let structs: Vec<PointStruct> = chunk
            .iter()
            .map(|point| PointStruct {
                id: Some(wire::id_to(point.id)),
                payload: wire::payload_to(&point.payload),
                vectors: Some(wire::vectors_to(&point.vectors)),
            })
            .collect();
        client
            .upsert_points(UpsertPointsBuilder::new(collection, structs).wait(true))
            .await
            .expect("points are written");
    }
}

/// Waits until something is seen to be so; a minute without it fails the test.
pub(crate) async fn wait_for(what: &str, mut seen: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    while !seen() {
        assert!(
            begun.elapsed() < std::time::Duration::from_secs(60),
            "{what} was waited for in vain"
        );
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// What a process said.
pub(crate) fn said(output: &Output) -> String {
    format!(
        "exit {:?}\nstdout: {}\nstderr: {}",
        output.status.code(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// All rows of a table, read through LanceDB without qlance's own readers.
pub(crate) async fn rows_of(dir: &Path, table: &str) -> Vec<Row> {
    use lancedb::query::ExecutableQuery as _;
    let db = lancedb::connect(dir.to_str().expect("a UTF-8 path"))
        .execute()
        .await
        .expect("a database");
    let table = db.open_table(table).execute().await.expect("a table");
    let schema = TableSchema::from_arrow(&table.schema().await.expect("a schema")).expect("qlance's columns");
    let mut batches = table.query().execute().await.expect("a scan");
    let mut rows = Vec::new();
    while let Some(batch) = batches.try_next().await.expect("a batch") {
        let decoder = RowDecoder::new(&schema, &batch);
        rows.extend((0..batch.num_rows()).map(|row| decoder.row(row).expect("a row")));
    }
    rows.sort_by_key(|row| row.point.id);
    rows
}

/// The payloads by id.
pub(crate) fn payloads<'a>(points: impl IntoIterator<Item = &'a Point>) -> BTreeMap<PointId, &'a Payload> {
    points.into_iter().map(|point| (point.id, &point.payload)).collect()
}
