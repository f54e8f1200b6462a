//! Payloads that point where nobody may look: at this machine and its network, at redirects to them, at files outside
//! of the root. Whole runs of the real binary: each such point is a failure of its own that says why and names the way
//! out, all others come over, and nothing was fetched, which is shown by servers that would have noticed, by what the
//! embedder was given, and by looking through everything that was written. Then the lists are opened, and what is
//! allowed now comes over.

mod addresses;
mod door;
mod files;
mod redirects;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, VectorParamsBuilder};
use qlance::embed::teaching::{self, DIMENSIONS};
use qlance::point::{Point, PointId, Vector, Vectors};
use qlance::tasks::demo;
use serde_json::{Value, json};

use crate::support::dialect_server::{DialectServer, Family, Got, Offer};
use crate::support::world::{World, rows_of, said};

/// The table.
const TABLE: &str = "messages";
/// The id of the first point that is as it should be; those that are not begin with 1.
const GOOD_FROM: u64 = 1_001;
/// Stands in payloads where only their owner may read it.
const SECRET: &str = "SECRET-0123456789";

/// A picture of the demo's, another for each of 0, 1, ...
fn picture(number: u64) -> Vec<u8> {
    let piece = demo::piece(7, 5 + 20 * number).expect("a picture");
    piece.bytes().to_vec()
}

/// A sound of the demo's.
fn sound() -> Vec<u8> {
    demo::piece(7, 15).expect("a sound").bytes().to_vec()
}

/// A payload's address that is not followed.
#[derive(Debug, Clone)]
struct Case {
    address: String,
    /// The class of the failure.
    class: &'static str,
    /// What its message says.
    says: String,
    /// Whether it is followed once the lists are opened.
    later: bool,
}

impl Case {
    /// An address that is refused.
    fn refused(address: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            class: "media_refused",
            says: says.into(),
            later: false,
        }
    }

    /// What is no address, or leads to nothing.
    fn unreachable(address: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            class: "media_unreachable",
            ..Self::refused(address, says)
        }
    }

    /// The same, and it is followed later where this is so.
    fn later(self, later: bool) -> Self {
        Self { later, ..self }
    }

    /// Half of the payloads say that it is a picture. A caption never stands in for what is refused.
    fn payload(&self, id: u64) -> Value {
        let mut payload = json!({"media_url": self.address, "content": format!("caption {id}")});
        if id.is_multiple_of(2) {
            payload["modality"] = json!("image");
        }
        payload
    }
}

/// A payload that comes over, and what is embedded of it.
type Good = (Value, Got);

/// Payloads that have nothing to do with any address.
fn harmless() -> Vec<Good> {
    let (first, second, sound) = (picture(0), picture(1), sound());
    let uri = format!("data:image/png;base64,{}", STANDARD.encode(&first));
    vec![
        (json!({"content": "a good text"}), Got::Text("a good text".into())),
        (json!({"media_url": uri}), Got::Image(first)),
        (
            json!({"modality": "image", "media": STANDARD.encode(&second)}),
            Got::Image(second),
        ),
        (json!({"media": STANDARD.encode(&sound)}), Got::Audio(sound)),
    ]
}

/// A collection of such points, and the embedder that may be given the good ones only.
struct Stage {
    world: World,
    server: DialectServer,
    cases: Vec<Case>,
    good: Vec<Good>,
    /// What was said on the terminal so far.
    heard: Vec<Output>,
}

impl Stage {
    async fn set(world: World, cases: Vec<Case>, good: Vec<Good>) -> Self {
        let params = VectorParamsBuilder::new(DIMENSIONS as u64, Distance::Cosine);
        world
            .source()
            .client()
            .create_collection(CreateCollectionBuilder::new("messages").vectors_config(params))
            .await
            .expect("a collection");
        let bad = (1..).zip(&cases).map(|(id, case)| (id, case.payload(id)));
        let rest = (GOOD_FROM..).zip(&good).map(|(id, (payload, _))| (id, payload.clone()));
        let points: Vec<Point> = bad
            .chain(rest)
            .map(|(id, payload)| Point {
                id: PointId::Num(id),
                payload: payload.as_object().cloned().expect("an object"),
                vectors: Vectors::from([(String::new(), Vector::Dense(teaching::of_text(&format!("old {id}"))))]),
            })
            .collect();
        world.upsert(&points).await;
        Self {
            world,
            server: DialectServer::start(Offer::joint(Family::Jina)).await,
            cases,
            good,
            heard: Vec::new(),
        }
    }

    /// Writes the configuration: one server for all modalities, and these lines of `[media]`.
    fn configure(&self, media: &str) {
        let text = format!(
            "[source]\nurl = \"{}\"\ncollection = \"messages\"\n\n[target]\nuri = \"out.lance\"\ntable = \"{TABLE}\"\n\
             \n[media]\n{media}\n[embed.text]\n{}\n[embed.image]\n\n[embed.audio]\n",
            self.world.qdrant.url(),
            self.server.config("")
        );
        std::fs::write(self.world.path().join("qlance.toml"), text).expect("the configuration is written");
    }

    async fn qlance(&mut self, args: &[&str]) -> (Option<i32>, Value) {
        let output = self.world.qlance(args).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let report = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{args:?}: {error}: {}", said(&output)));
        let code = output.status.code();
        self.heard.push(output);
        (code, report)
    }

    /// Migrates. The run goes to its end, and every point is accounted for.
    async fn run(&mut self) {
        let (code, report) = self.qlance(&["run", "--json"]).await;
        let (good, bad) = (self.good.len(), self.cases.len());
        assert_eq!(code, Some(3), "{report}");
        for (key, expected) in [
            ("status", json!("complete")),
            ("read", json!(good + bad)),
            ("written", json!(good)),
            ("failed", json!(bad)),
            ("skipped", json!(0)),
        ] {
            assert_eq!(report[key], expected, "{key}: {report}");
        }
    }

    /// The open failures: class, message and attempts by id.
    async fn failures(&mut self) -> BTreeMap<u64, (String, String, u64)> {
        self.qlance(&["failures", "export", "--json"]).await;
        let text = std::fs::read_to_string(self.world.path().join("failed_migrations.json")).expect("the file");
        let list: Vec<Value> = serde_json::from_str(&text).expect("a list");
        let entry = |entry: &Value| {
            let word = |key: &str| entry[key].as_str().expect("a text").to_owned();
            let number = |key: &str| entry[key].as_u64().expect("a number");
            (number("id"), (word("class"), word("error"), number("attempts")))
        };
        list.iter().map(entry).collect()
    }

    /// Checks that these cases are open failures as they should be, each with so many attempts, and no others are.
    async fn assert_failed(&mut self, still: impl Fn(&Case) -> bool, attempts: u64) {
        let mut failed = self.failures().await;
        for (id, case) in (1_u64..).zip(&self.cases) {
            if !still(case) {
                continue;
            }
            let (class, error, tried) = failed.remove(&id).unwrap_or_else(|| panic!("{case:?} did not fail"));
            assert_eq!(class, case.class, "{}: {error}", case.address);
            assert!(
                error.contains(&case.says),
                "{}: {error:?}, not {:?}",
                case.address,
                case.says
            );
            assert!(!error.contains(SECRET), "{}: {error}", case.address);
            assert!(!error.chars().any(char::is_control), "{}: {error:?}", case.address);
            assert_eq!(tried, attempts, "{}: {error}", case.address);
        }
        assert!(failed.is_empty(), "{failed:?}");
    }

    /// Checks that the good points are in the table once, whole, with their own vectors, and beside them those cases
    /// that are followed by now, with the vector of this.
    async fn assert_written(&self, followed: impl Fn(&Case) -> bool, by_then: &Got) {
        let rows = rows_of(&self.world.path().join("out.lance"), TABLE).await;
        let cases = (1_u64..).zip(&self.cases).filter(|(_, case)| followed(case));
        let mut expected: Vec<(u64, Value, &Got)> = cases.map(|(id, case)| (id, case.payload(id), by_then)).collect();
        let good = (GOOD_FROM..).zip(&self.good);
        expected.extend(good.map(|(id, (payload, got))| (id, payload.clone(), got)));
        let ids = |id: &u64| PointId::Num(*id);
        assert_eq!(
            rows.iter().map(|row| row.point.id).collect::<Vec<_>>(),
            expected.iter().map(|(id, _, _)| ids(id)).collect::<Vec<_>>()
        );
        for (row, (id, payload, got)) in rows.iter().zip(&expected) {
            assert_eq!(Some(&row.point.payload), payload.as_object(), "{id}");
            assert_eq!(row.modality, Some(got.modality()), "{id}: {payload}");
            assert_eq!(row.embedding, Some(self.server.vector_of(got)), "{id}: {payload}");
        }
    }

    /// Checks that the embedder was given the good ones, and nothing else.
    fn assert_only_the_good_were_embedded(&self) {
        let inputs = self.server.inputs();
        let all: Vec<&Got> = self.good.iter().map(|(_, got)| got).collect();
        assert!(all.iter().all(|got| inputs.contains(got)), "{inputs:?}");
        assert!(inputs.iter().all(|got| all.contains(&got)), "{inputs:?}");
    }

    /// Checks that these bytes are nowhere: not in the table's files, not in the journal, the log and the export, not
    /// on the terminal.
    fn assert_nowhere(&self, words: &[&str]) {
        let base = self.world.path();
        let mut files = vec![base.join("failed_migrations.json")];
        for directory in ["out.lance", ".qlance"] {
            let before = files.len();
            files_below(&base.join(directory), &mut files);
            assert!(files.len() > before, "nothing is in {directory}");
        }
        for log in ["journal.db", "qlance.log"] {
            assert!(files.iter().any(|file| file.ends_with(log)), "no {log} in {files:?}");
        }
        for word in words {
            for file in &files {
                let bytes = std::fs::read(file).expect("a file");
                assert!(!holds(&bytes, word.as_bytes()), "{word:?} is in {}", file.display());
            }
            for output in &self.heard {
                let there = holds(&output.stdout, word.as_bytes()) || holds(&output.stderr, word.as_bytes());
                assert!(!there, "{word:?} was said: {}", said(output));
            }
        }
    }
}

/// All files below a directory.
fn files_below(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files_below(&path, found);
        } else {
            found.push(path);
        }
    }
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

/// The first line of `/etc/passwd`, which is nobody's business.
fn first_user() -> String {
    let text = std::fs::read_to_string("/etc/passwd").expect("every system has one");
    let line = text.lines().find(|line| line.len() > 8).expect("a user");
    line.to_owned()
}
