//! Whose fault it is: one picture that a server rejects fails alone; a server or a host of media that is out fails
//! nobody.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::gallery::{Gallery, PICTURES, Piece, SOUNDS_FROM};
use super::host::MediaHost;
use super::{TABLE, assert_arrived, assert_complete, classes, configure_joint, failures, plain, retry, world_of};
use crate::support::dialect_server::{DialectServer, Family, Offer, REJECTED, TROUBLE};
use crate::support::world::wait_for;

/// A picture that goes as it is: what the server gets is what hangs here.
const BAD: u64 = PICTURES + 4;

#[tokio::test(flavor = "multi_thread")]
async fn one_picture_that_is_rejected_fails_alone_in_every_dialect() {
    let gallery = Gallery::hung().only(|piece| piece.id < 3 || (PICTURES..PICTURES + 12).contains(&piece.id));
    let world = world_of(&gallery, plain).await;
    for family in Family::MEDIA {
        let table = family.name();
        let server = DialectServer::start(Offer::joint(family)).await;
        server.reject(gallery.get(BAD).got.clone());
        configure_joint(&world, table, &server, "", &[]);
        assert_complete(&world.run().await, gallery.len() - 1, 1);
        let failed = failures(&world).await;
        let (class, error) = &failed[&BAD];
        assert_eq!((failed.len(), class.as_str()), (1, "rejected"), "{family:?}");
        assert!(error.contains(REJECTED), "{family:?}: {error}");
        // From eight inputs to one: four requests at most, each half of the one before.
        let refused = server.recorded().iter().filter(|request| request.status != 200).count();
        assert!((1..=4).contains(&refused), "{family:?}: {refused}");
        let made = |piece: &Piece| ("embedding", server.vector_of(&piece.got));
        assert_arrived(&world, table, &gallery, &[BAD], made).await;
        server.forgive();
        assert_eq!(retry(&world).await, 0, "{family:?}");
        assert_arrived(&world, table, &gallery, &[], made).await;
        assert_eq!(classes(&world).await, BTreeMap::new(), "{family:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_waited_out_and_fails_nobody() {
    let gallery = Gallery::hung();
    let world = world_of(&gallery, plain).await;
    for family in [Family::OpenRouter, Family::Vllm] {
        let server = DialectServer::start(Offer::joint(family)).await;
        server.then([None, None, Some(500), Some(502), Some(429), Some(503), None, Some(500)]);
        configure_joint(&world, family.name(), &server, "max_in_flight = 2\n", &[]);
        let end = world.run().await;
        assert_complete(&end, gallery.len(), 0);
        let recorded = server.recorded();
        let troubled = recorded.iter().filter(|request| request.status != 200).count();
        assert_eq!(troubled, 5, "{family:?}");
        assert_eq!(end.1["embedding"]["requests"], json!(recorded.len()), "{family:?}");
        let made = |piece: &Piece| ("embedding", server.vector_of(&piece.got));
        assert_arrived(&world, family.name(), &gallery, &[], made).await;
        assert_eq!(classes(&world).await, BTreeMap::new(), "{family:?}");
    }
}

#[track_caller]
fn assert_stopped((code, report): &(i32, Value), all: usize, words: &[&str]) {
    let written = report["written"].as_u64().expect("a number");
    assert_eq!(
        (*code, &report["status"], &report["failed"], &report["read"]),
        (5, &json!("stopped"), &json!(0), &json!(written)),
        "{report}"
    );
    assert!((1..all as u64).contains(&written), "{report}");
    let error = report["error"].as_str().expect("a reason");
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_without_end_stops_the_run_and_the_next_one_completes() {
    let gallery = Gallery::hung();
    let world = world_of(&gallery, plain).await;
    let server = DialectServer::start(Offer::joint(Family::Infinity)).await;
    // The last page of eight is begun when at least four are settled.
    let last = gallery.get(SOUNDS_FROM + 9);
    server.break_at(last.got.clone());
    let sections = [
        ("source", "page_points = 5\nranges = 1\n"),
        ("target", "commit_rows = 5\n"),
        ("pipeline", "outage_patience = \"0s\"\n"),
    ];
    configure_joint(&world, TABLE, &server, "max_in_flight = 1\n", &sections);
    assert_stopped(&world.run().await, gallery.len(), &["500", TROUBLE]);
    assert_eq!(classes(&world).await, BTreeMap::new());
    server.always(None);
    let end = world.run().await;
    assert_complete(&end, gallery.len(), 0);
    assert_eq!(end.1["resumed"], true);
    let made = |piece: &Piece| ("embedding", server.vector_of(&piece.got));
    assert_arrived(&world, TABLE, &gallery, &[], made).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_goes_away_and_comes_back_fails_nobody() {
    const AWAY: Duration = Duration::from_secs(3);
    let server = DialectServer::start(Offer::joint(Family::Jina)).await;
    let gallery = Gallery::hung();
    let host = MediaHost::start(gallery.files(), Some((6, AWAY))).await;
    let gallery = gallery.at(&host.url());
    let world = world_of(&gallery, plain).await;
    let media = "allow_private = [\"127.0.0.1\"]\nmax_in_flight = 2\n";
    configure_joint(&world, TABLE, &server, "", &[("media", media)]);
    let begun = Instant::now();
    let end = world.run().await;
    assert!(begun.elapsed() > AWAY, "{:?}", begun.elapsed());
    assert_complete(&end, gallery.len(), 0);
    let made = |piece: &Piece| ("embedding", server.vector_of(&piece.got));
    assert_arrived(&world, TABLE, &gallery, &[], made).await;
    let after = host.asked().iter().filter(|(_, back)| *back).count();
    assert!(
        after >= gallery.files().len() - 8,
        "{after} files after it had come back"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stays_away_stops_the_run_and_fails_nobody() {
    let server = DialectServer::start(Offer::joint(Family::OpenRouter)).await;
    let gallery = Gallery::hung();
    // Away for longer than anybody waits here, and back for the second run.
    let away = Duration::from_secs(12);
    let host = MediaHost::start(gallery.files(), Some((20, away))).await;
    let gallery = gallery.at(&host.url());
    let world = world_of(&gallery, plain).await;
    let sections = [
        ("source", "page_points = 5\nranges = 1\n"),
        ("target", "commit_rows = 5\n"),
        ("media", "allow_private = [\"127.0.0.0/8\"]\nmax_in_flight = 1\n"),
        ("pipeline", "outage_patience = \"1s\"\n"),
    ];
    configure_joint(&world, TABLE, &server, "", &sections);
    assert_stopped(
        &world.run().await,
        gallery.len(),
        &["media", &host.url(), "does not answer"],
    );
    assert_eq!(classes(&world).await, BTreeMap::new());
    wait_for("the host", || host.is_back()).await;
    assert_complete(&world.run().await, gallery.len(), 0);
    let made = |piece: &Piece| ("embedding", server.vector_of(&piece.got));
    assert_arrived(&world, TABLE, &gallery, &[], made).await;
}
