//! A whole run over all samples, every file under a name that lies about what it is: each is told by its content, converted
//! to what the embedder takes, and comes over; what cannot be decoded is a failure of its own, and the run goes on.

use std::collections::BTreeMap;

use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, VectorParamsBuilder};
use qlance::embed::teaching::{self, DIMENSIONS};
use qlance::point::{Modality, Point, PointId, Vector, Vectors};
use serde_json::{Value, json};

use super::table::{FLAC, GIF, Is, JPEG, OGG, PNG, WEBP};
use super::{Sample, samples};
use crate::support::world::World;

/// What is expected of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    ComesOver(Modality),
    Fails,
}

/// All samples, the first half of one of each type, and what only looks like a picture.
fn files(samples: &[Sample]) -> Vec<(String, Vec<u8>, Fate)> {
    let mut files: Vec<(String, Vec<u8>, Fate)> = samples
        .iter()
        .map(|sample| {
            let fate = match sample.is {
                Is::Picture(..) => Fate::ComesOver(Modality::Image),
                Is::Sound(..) => Fate::ComesOver(Modality::Audio),
                Is::Sealed(..) | Is::Bad(_) => Fate::Fails,
            };
            (sample.name.clone(), sample.bytes.to_vec(), fate)
        })
        .collect();
    for mime in [PNG, JPEG, GIF, WEBP, FLAC, OGG] {
        let whole = samples.iter().find(|sample| match sample.is {
            Is::Picture(is, ..) | Is::Sound(is, ..) => is == mime,
            Is::Sealed(..) | Is::Bad(_) => false,
        });
        files.extend(whole.map(|sample| {
            let half = sample.bytes[..sample.bytes.len() / 2].to_vec();
            (format!("half of {}", sample.name), half, Fate::Fails)
        }));
    }
    files.push(("nothing".to_owned(), Vec::new(), Fate::Fails));
    files.push((
        "a text".to_owned(),
        b"a text, whatever it is called".to_vec(),
        Fate::Fails,
    ));
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_comes_over_or_fails_alone_in_a_whole_run() {
    let files = files(&samples().await);
    let world = World::empty().await;
    let params = VectorParamsBuilder::new(DIMENSIONS as u64, Distance::Cosine);
    let client = world.source();
    let made = client
        .client()
        .create_collection(CreateCollectionBuilder::new("messages").vectors_config(params))
        .await;
    made.expect("a collection");
    let root = world.path().join("media");
    std::fs::create_dir(&root).expect("a directory");
    let points: Vec<Point> = (1_u64..)
        .zip(&files)
        .map(|(id, (_, bytes, _))| {
            let name = format!("{id}.png");
            std::fs::write(root.join(&name), bytes).expect("a file");
            let payload = json!({"media_url": name});
            Point {
                id: PointId::Num(id),
                payload: payload.as_object().cloned().expect("an object"),
                vectors: Vectors::from([(String::new(), Vector::Dense(teaching::of_text(&format!("old {id}"))))]),
            }
        })
        .collect();
    world.upsert(&points).await;
    let config = format!(
        "[source]\nurl = \"{}\"\ncollection = \"messages\"\n[target]\nuri = \"out.lance\"\ntable = \"messages\"\n\
         [media]\nroot = \"media\"\n[embed.text]\nprovider = \"teaching\"\n[embed.image]\n[embed.audio]\n",
        world.qdrant.url()
    );
    std::fs::write(world.path().join("qlance.toml"), config).expect("the configuration is written");

    let (code, report) = world.run().await;
    let output = world.qlance(&["failures", "list", "--json"]).await;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let failures: BTreeMap<u64, Value> = listed
        .lines()
        .map(|line| {
            let failure: Value = serde_json::from_str(line).expect("JSON");
            let id: PointId = serde_json::from_value(failure["id"].clone()).expect("an id");
            (id.to_string().parse().expect("a number"), failure)
        })
        .collect();
    let rows: BTreeMap<PointId, Option<Modality>> = world
        .rows()
        .await
        .into_iter()
        .map(|row| (row.point.id, row.modality))
        .collect();
    let mut wrong = Vec::new();
    for (id, (name, _, fate)) in (1..).zip(&files) {
        let (row, failure) = (rows.get(&PointId::Num(id)), failures.get(&id));
        let right = match fate {
            Fate::ComesOver(modality) => row == Some(&Some(*modality)) && failure.is_none(),
            Fate::Fails => row.is_none() && failure.is_some_and(|failure| failure["cause"] == "media_unreadable"),
        };
        if !right {
            wrong.push(format!("{name}: {row:?}, {failure:?}, expected {fate:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        files.len(),
        wrong.join("\n")
    );
    assert_eq!((code, &report["status"]), (3, &json!("complete")), "{report}");
    assert_eq!(report["written"], rows.len() as u64);
    assert_eq!(report["failed"], failures.len() as u64);
}
