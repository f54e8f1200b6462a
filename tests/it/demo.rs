//! The demo, as the README tells to run it: everything in process, the table read back from outside.

use std::collections::BTreeSet;

use qlance::point::PointId;
use qlance::tasks::demo::{Message, is_refused_once, message};
use serde_json::Value;

use crate::support::world::{qlance_in, rows_of, said};

/// Messages of the demo in this test; `QLANCE_TEST_DEMO_POINTS` asks for more.
fn count() -> u64 {
    let asked = std::env::var("QLANCE_TEST_DEMO_POINTS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(200)
}

fn content(message: &Message) -> Option<&str> {
    let text = message.payload.get("content").and_then(Value::as_str);
    text.filter(|text| !text.trim().is_empty())
}

/// Milliseconds until the next kill: from the first steps of the preparation to the midst of the run.
fn moments() -> Vec<u64> {
    use rand::{Rng as _, SeedableRng as _};
    let seed = std::env::var("QLANCE_TEST_DEMO_SEED").ok();
    let mut rng = rand::rngs::StdRng::seed_from_u64(seed.and_then(|seed| seed.parse().ok()).unwrap_or(1));
    let kills = std::env::var("QLANCE_TEST_DEMO_KILLS").ok();
    let kills = kills.and_then(|kills| kills.parse().ok()).unwrap_or(6_u64);
    (0..kills).map(|n| rng.random_range(30..600 + 400 * (n % 6))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_and_started_again_the_demo_just_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let points = count().to_string();
    let args = ["demo", "--no-tui", "--points", &points, "--dir", "d"];
    let mut killed = 0;
    for moment in moments() {
        let mut child = tokio::process::Command::new(env!("CARGO_BIN_EXE_qlance"))
            .args(args)
            .current_dir(dir.path())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("qlance runs");
        let ended = tokio::time::timeout(std::time::Duration::from_millis(moment), child.wait()).await;
        match ended {
            Ok(status) => assert_eq!(status.expect("its end").code(), Some(0), "after {killed} kills"),
            Err(_) => {
                child.kill().await.expect("killed");
                killed += 1;
            }
        }
    }
    assert!(killed > 0, "nothing was killed");
    let output = qlance_in(dir.path(), &args).await;
    assert_eq!(output.status.code(), Some(0), "after {killed} kills: {}", said(&output));
    let rows = rows_of(&dir.path().join("d/choir.lance"), "messages").await;
    let listed = qlance_in(&dir.path().join("d"), &["failures", "list", "--json"]).await;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let failed: Vec<PointId> = listed
        .lines()
        .map(|line| {
            let failure: Value = serde_json::from_str(line).expect("JSON");
            serde_json::from_value(failure["id"].clone()).expect("an id")
        })
        .collect();
    let messages: Vec<Message> = (0..count()).map(|n| message(7, n)).collect();
    let there: BTreeSet<PointId> = rows
        .iter()
        .map(|row| row.point.id)
        .chain(failed.iter().copied())
        .collect();
    let expected: BTreeSet<PointId> = messages.iter().map(|message| message.id).collect();
    assert_eq!(there, expected, "each is in the table or among the failures");
    assert_eq!(
        rows.len() + failed.len(),
        expected.len(),
        "and in one of them only, once"
    );
    for row in &rows {
        let message = messages.iter().find(|message| message.id == row.point.id);
        let message = message.expect("a message of the demo");
        assert_eq!(row.point.payload, message.payload, "point {}", message.id);
    }
    for id in failed {
        let message = messages
            .iter()
            .find(|message| message.id == id)
            .expect("a message of the demo");
        assert!(
            content(message).is_none_or(is_refused_once),
            "point {id} failed without a reason"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_holds_every_point_that_did_not_fail_once_and_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let points = count().to_string();
    let output = qlance_in(dir.path(), &["demo", "--no-tui", "--points", &points, "--dir", "d"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let messages: Vec<Message> = (0..count()).map(|n| message(7, n)).collect();
    let rows = rows_of(&dir.path().join("d/choir.lance"), "messages").await;
    let mut expected: Vec<&Message> = messages
        .iter()
        .filter(|message| content(message).is_some_and(|text| !is_refused_once(text)))
        .collect();
    expected.sort_by_key(|message| message.id);
    assert_eq!(rows.len(), expected.len());
    for (row, message) in rows.iter().zip(&expected) {
        assert_eq!(row.point.id, message.id);
        assert_eq!(row.point.payload, message.payload, "point {}", message.id);
        let similarity = row.similarity.expect("both have 384 numbers").get();
        let is_stale = content(message) != Some(message.embedded_text.as_str());
        assert_eq!(similarity < 0.999, is_stale, "point {}: {similarity}", message.id);
    }
    // What the demo leaves behind works with every other command: the refused ones come over.
    let output = qlance_in(&dir.path().join("d"), &["failures", "retry", "--cause", "rejected"]).await;
    assert_eq!(
        output.status.code(),
        Some(3),
        "those without content are left: {}",
        said(&output)
    );
    let rows = rows_of(&dir.path().join("d/choir.lance"), "messages").await;
    let ids: BTreeSet<PointId> = rows.iter().map(|row| row.point.id).collect();
    assert_eq!(ids.len(), rows.len(), "an id is in the table twice");
    assert_eq!(
        ids.len(),
        messages.iter().filter(|message| content(message).is_some()).count()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_demo_is_gone_on_with_or_thrown_away_as_it_is_asked_for() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = dir.path().join("d");
    let demo = async |more: &[&str]| {
        let args = ["demo", "--no-tui", "--points", "30", "--dir", "d"];
        qlance_in(dir.path(), &[&args[..], more].concat()).await
    };
    let ids = async || -> Vec<PointId> {
        let rows = rows_of(&place.join("choir.lance"), "messages").await;
        rows.iter().map(|row| row.point.id).collect()
    };
    let output = demo(&[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let first = ids().await;
    assert!(!first.is_empty());
    // One of the demo's own places, and one that it does not know.
    let (inside, beside) = (place.join("media/kept"), place.join("notes.txt"));
    std::fs::write(&inside, "x").expect("written");
    std::fs::write(&beside, "x").expect("written");

    for (more, sentence) in [
        (&["--resume"][..], "going on where it stopped"),
        (&[], "going on with it"),
    ] {
        let output = demo(more).await;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        assert!(said(&output).contains(sentence), "{}", said(&output));
        assert_eq!(ids().await, first);
        assert!(inside.exists() && beside.exists());
    }

    let config = qlance::config::Config::load(&place.join("qlance.toml")).expect("a configuration");
    let lock = qlance::tasks::lock::Lock::take(&config.job(None).dir).expect("nobody holds it");
    let output = demo(&["--fresh"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("another qlance works on this job"),
        "{}",
        said(&output)
    );
    assert!(inside.exists(), "a demo that runs is not pulled away from under itself");
    drop(lock);

    let output = demo(&["--fresh"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(!said(&output).contains("going on"), "{}", said(&output));
    assert_eq!(ids().await, first, "the same messages once more");
    assert!(!inside.exists() && beside.exists());

    let output = demo(&["--fresh", "--resume"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_of_somebody_else_is_neither_run_nor_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let own = "# Ours.\n[source]\nurl = \"embedded:qdrant\"\ncollection = \"messages\"\n\n[target]\nuri = \
               \"choir.lance\"\ntable = \"messages\"\n";
    let file = dir.path().join("qlance.toml");
    std::fs::write(&file, own).expect("written");
    let kept = [
        "qdrant/segment",
        ".qlance/job/journal.db",
        "media/1.png",
        "choir.lance/data",
    ];
    for place in kept.map(|place| dir.path().join(place)) {
        std::fs::create_dir_all(place.parent().expect("a directory")).expect("a directory");
        std::fs::write(&place, "x").expect("written");
    }
    for more in [&[][..], &["--resume"], &["--fresh"]] {
        let args = [&["demo", "--no-tui", "--points", "30", "--dir", "."][..], more].concat();
        let output = qlance_in(dir.path(), &args).await;
        assert_eq!(output.status.code(), Some(2), "{more:?}: {}", said(&output));
        assert!(
            said(&output).contains("was not written by `qlance demo`"),
            "{}",
            said(&output)
        );
        assert_eq!(std::fs::read_to_string(&file).expect("still there"), own);
        for place in kept {
            assert!(dir.path().join(place).exists(), "{more:?}: {place}");
        }
    }
}
