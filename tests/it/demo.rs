//! The demo, as the README tells to run it: everything in process, the table read back from outside.

use std::collections::BTreeSet;

use qlance::point::PointId;
use qlance::tasks::demo::{Message, is_refused_once, message};
use serde_json::Value;

use crate::support::world::{rows_of, said};

/// Messages of the demo in this test; `QLANCE_TEST_DEMO_POINTS` asks for more.
fn count() -> u64 {
    let asked = std::env::var("QLANCE_TEST_DEMO_POINTS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(200)
}

fn content(message: &Message) -> Option<&str> {
    let text = message.payload.get("content").and_then(Value::as_str);
    text.filter(|text| !text.trim().is_empty())
}

async fn qlance(dir: &std::path::Path, args: &[&str]) -> std::process::Output {
    tokio::process::Command::new(env!("CARGO_BIN_EXE_qlance"))
        .args(args)
        .current_dir(dir)
        .output()
        .await
        .expect("qlance runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_holds_every_point_that_did_not_fail_once_and_whole() {
    let dir = tempfile::tempdir().expect("a directory");
    let points = count().to_string();
    let output = qlance(dir.path(), &["demo", "--no-tui", "--points", &points, "--dir", "d"]).await;
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
    let output = qlance(&dir.path().join("d"), &["failures", "retry", "--cause", "rejected"]).await;
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
