//! The states of a run that come and go: what it waits for or is held by, what it has used, and how it goes on or ends.

use std::collections::BTreeMap;
use std::time::Duration;

use qlance::app::keymap::Keymap;
use qlance::app::{Message, Screen};
use qlance::config::Keys;
use qlance::embed::Usage;
use qlance::tasks::meters::{Bound, Outage, Reduced, Stage, Waiting};
use qlance::tasks::{Phase, Settings, Snapshot, StageSnapshot, StopReason, TaskCommand};
use ratatui::style::{Color, Modifier};

use super::super::frame::{assert_says, style_of};
use super::super::{COLORS, SIZES, Scene, failures, overlays, verify};
use super::{across, came_to, complete, half_way, idle, running, similarities, stopped, under_way, waiting_out};

/// Running, and nothing is waited for by name; the stages are as busy as what holds the rate says.
fn held_by(bound: Bound) -> Snapshot {
    let busy: [f32; 3] = match bound {
        Bound::Requests | Bound::Throttled(_) => [0.18, 0.99, 0.06],
        Bound::Preparing => [0.18, 0.97, 0.06],
        Bound::Embedding | Bound::Memory => [0.18, 0.62, 0.06],
        Bound::Reading => [0.97, 0.3, 0.06],
        Bound::Writing | Bound::WritingBesideRetries => [0.18, 0.3, 0.97],
        Bound::Answers => [0.18, 0.3, 0.06],
    };
    let snapshot = half_way();
    let mut stages = snapshot.stages;
    for (stage, busy) in stages.iter_mut().zip(busy) {
        stage.busy = busy;
    }
    if busy[1] < 0.9 {
        // What is not at its limit lets nothing queue up.
        (stages[1].in_flight, stages[1].queue) = ((busy[1] * 50.0).round() as usize, 0);
    }
    Snapshot {
        waiting: None,
        bound: Some(bound),
        stages,
        ..snapshot
    }
}

/// A server that was asked for fifty requests in flight, and takes twelve.
fn cut() -> Snapshot {
    let reduced = Reduced { asked: 50, taken: 12 };
    let snapshot = held_by(Bound::Throttled(reduced));
    let [read, embed, write] = snapshot.stages;
    let embed = StageSnapshot {
        in_flight: 12,
        limit: 12,
        ..embed
    };
    Snapshot {
        reduced: Some(reduced),
        stages: [read, embed, write],
        ..snapshot
    }
}

/// An outage, three minutes old.
fn outage(of: &'static str, error: &str) -> Scene {
    let outage = Outage {
        of,
        lasted: Duration::from_secs(185),
        tries: 7,
        patience: Duration::from_secs(1_800),
    };
    waiting_out(outage, error, 12)
}

fn paused_by_operator() -> Option<Waiting> {
    Some(Waiting {
        reason: "paused by operator".into(),
        ..Waiting::default()
    })
}

fn pausing() -> Scene {
    let snapshot = Snapshot {
        phase: Phase::Pausing,
        waiting: Some(Waiting {
            reason: "pausing".into(),
            ..Waiting::default()
        }),
        eta: None,
        ..half_way()
    };
    running().seeing(snapshot).phase(Phase::Pausing)
}

fn paused() -> Scene {
    let snapshot = Snapshot {
        phase: Phase::Paused,
        waiting: paused_by_operator(),
        ..idle(half_way())
    };
    running().seeing(snapshot).phase(Phase::Paused)
}

/// A job that embeds nothing.
fn carrying() -> Scene {
    let snapshot = Snapshot {
        settings: Settings::default(),
        usage: Usage::default(),
        cost_usd: 0.0,
        written: 94_392,
        failed: 0,
        // Every vector is its own.
        similarities: similarities(&[94_392, 0, 0, 0, 0, 0], 0),
        ..held_by(Bound::Writing)
    };
    under_way(&snapshot).seeing(snapshot)
}

// --- snapshots

#[test]
fn a_run_that_waits_for_nothing() {
    let scene = running().seeing(held_by(Bound::Requests));
    scene.assert_looks("migrate_unhindered");
}

#[test]
fn a_server_that_takes_less_than_it_is_asked_for() {
    running().seeing(cut()).assert_looks("migrate_throttled");
}

#[test]
fn the_memory_in_hand_is_used_up() {
    let scene = running().seeing(held_by(Bound::Memory));
    scene.assert_looks("migrate_out_of_memory");
    assert!(!scene.text((80, 24)).contains("<- limit"), "no stage is");
}

#[test]
fn pausing_until_nothing_is_in_flight() {
    pausing().assert_looks("migrate_pausing");
    let screen = pausing().text((80, 24));
    assert!(!screen.contains("paused by operator"), "not yet:\n{screen}");
}

#[test]
fn stopping_and_leaving() {
    let snapshot = Snapshot {
        phase: Phase::Stopping,
        waiting: None,
        eta: None,
        ..half_way()
    };
    let scene = running().seeing(snapshot).phase(Phase::Stopping);
    scene.assert_looks("migrate_stopping");
    let scene = running().take(Message::StopAsked);
    scene.assert_looks("migrate_leaving");
    let style = style_of(&scene.draw(COLORS, (80, 24)), "RUNNING");
    assert_eq!(style, (Color::Yellow, Modifier::BOLD), "it is about to end");
    for part in [
        "leaving as soon as what is embedded is committed",
        "Ctrl-C leaves at once",
        "ETA --:--",
    ] {
        assert_says(&scene.text((80, 24)), part);
    }
}

#[test]
fn what_differs_is_brought_over() {
    let scene = came_to(across(Phase::CatchingUp)).phase(Phase::CatchingUp);
    scene.assert_looks("migrate_catching_up");
    let screen = scene.text((80, 24));
    assert_says(&screen, "catching up: 199,988 rows in the table, version 5");
    let above = screen
        .lines()
        .find(|line| line.contains("catching up:"))
        .unwrap_or_default();
    assert!(!above.contains('%') && !above.contains("ETA"), "{screen}");
}

#[test]
fn complete_without_failures() {
    let snapshot = Snapshot {
        phase: Phase::Complete,
        read: 200_000,
        written: 200_000,
        failed: 0,
        skipped: 0,
        settled_before: 200_000,
        similarities: similarities(&[186_000, 11_412, 1_500, 928, 90, 30], 40),
        elapsed: Duration::ZERO,
        usage: Usage::default(),
        cost_usd: 0.6639,
        // It asked nobody for anything.
        stages: idle(half_way()).stages.map(|stage| StageSnapshot {
            p50: None,
            p95: None,
            ..stage
        }),
        ..idle(half_way())
    };
    let scene = Scene::open().seeing(snapshot.clone()).phase(Phase::Complete);
    scene.assert_looks("migrate_complete_without_failures");
    let screen = scene.text((120, 40));
    assert_says(&screen, "no points moved in this session; the chart shows no other");
    assert!(!screen.contains("nothing measured yet"), "{screen}");
    // What comes next is said until it was done, and again once that is out of date.
    let next = "complete; 5 shows Verify: v verifies";
    for size in SIZES {
        assert_says(&scene.text(size), next);
    }
    let scene = scene.verified(verify::no_go()).press("1");
    assert!(!scene.text((80, 24)).contains("shows Verify"), "it stands in the tab");
    let newer = Snapshot { version: 8, ..snapshot };
    assert_says(&scene.seeing(newer).text((80, 24)), next);
}

#[test]
fn an_empty_collection_is_complete_and_looks_like_a_mistake() {
    let snapshot = Snapshot {
        phase: Phase::Complete,
        ..Snapshot::default()
    };
    let scene = Scene::open().seeing(snapshot).phase(Phase::Complete);
    for size in SIZES {
        let text = scene.text(size);
        assert_says(&text, "complete: the collection has no points");
        assert_says(&text, "check source.collection");
        assert!(!text.contains("shows Verify"), "{text}");
    }
    let (color, _) = style_of(&scene.draw(COLORS, (120, 40)), "the collection has no points");
    assert_eq!(color, Color::Yellow, "not the colour of what went well");
}

#[test]
fn a_run_that_is_over_within_a_second_has_a_column() {
    let at = |phase, written| Snapshot {
        phase,
        total: 120,
        read: written,
        written,
        failed: 0,
        skipped: 0,
        settled_before: 0,
        similarities: similarities(&[100, 15, 3, 1, 1, 0], 0),
        elapsed: Duration::from_millis(400),
        usage: Usage {
            requests: 2,
            inputs: 118,
            tokens: 3_090,
            remembered: 2,
            ..Usage::default()
        },
        cost_usd: 0.0004,
        ..idle(half_way())
    };
    let mut scene = Scene::open().seeing(at(Phase::Running, 0)).phase(Phase::Running);
    scene.now += Duration::from_millis(400);
    let scene = scene.seeing(at(Phase::Complete, 120)).phase(Phase::Complete);
    scene.assert_looks("migrate_over_at_once");
    let screen = scene.text((80, 24));
    assert_says(&screen, "Points/s, last 1 s of work, peak 120");
    assert!(!screen.contains("no points moved"), "{screen}");
}

#[test]
fn stopped_by_the_operator() {
    stopped(StopReason::ByOperator).assert_looks("migrate_stopped_by_operator");
}

#[test]
fn outages_of_qdrant_and_of_a_host_of_media() {
    for (name, of, error) in [
        ("migrate_outage_of_qdrant", "Qdrant", "the connection was refused"),
        ("migrate_outage_of_media", "media host", "cdn.example.org answers 503"),
    ] {
        let scene = outage(of, error);
        scene.assert_looks(name);
        assert_says(&scene.text((80, 24)), &format!("{of} outage: {error}"));
        assert_says(&scene.text((80, 24)), "no points moved in the last 47 s");
    }
}

#[test]
fn vectors_are_carried_over() {
    carrying().assert_looks("migrate_carrying");
    let screen = carrying().text((80, 24));
    let embed = screen.lines().find(|line| line.contains("embed  ")).unwrap_or_default();
    assert!(!embed.contains(|c: char| c.is_ascii_digit()), "{screen}");
    let limit = screen
        .lines()
        .find(|line| line.contains("<- limit"))
        .unwrap_or_default();
    assert!(limit.contains("write"), "as the reason says:\n{screen}");
}

#[test]
fn a_sum_that_does_not_add_up_and_texts_that_were_shortened() {
    let wrong = Snapshot {
        written: 94_379,
        ..half_way()
    };
    let scene = running().take(Message::Snapshot(Box::new(wrong)));
    scene.assert_looks("migrate_does_not_add_up");
    let snapshot = Snapshot {
        shortened: 41,
        ..half_way()
    };
    let scene = running().seeing(snapshot);
    scene.assert_looks("migrate_shortened");
    assert_says(
        &scene.text((120, 40)),
        "written 94,380 (41 shortened) + failed 12 + skipped 0 + in hand 512 ",
    );
    // Where there is no room beside the rows, there is some below the sum.
    assert_says(&scene.text((80, 24)), "963 requests, 41 texts shortened");
}

// --- what is there to be read

#[test]
fn the_settings_are_shown_at_every_size_and_what_the_server_takes_of_them() {
    for size in [(60, 16), (80, 24), (120, 40), (200, 60)] {
        let screen = running().text(size);
        for part in ["50 in flight", "100 inputs", "3,000 req"] {
            assert_says(&screen, part);
        }
        assert_says(&running().seeing(cut()).text(size), "50 in flight");
    }
    assert_says(&running().seeing(cut()).text((80, 24)), "50 in flight, 12 taken");
    let wide = running().seeing(cut()).text((120, 40));
    assert_says(&wide, "50 in flight asked, the server takes 12; 100 inputs a request");
    assert_says(
        &carrying().text((80, 24)),
        "nothing is embedded: vectors are carried over",
    );
    assert!(!carrying().text((80, 24)).contains("in flight at most"));
}

#[test]
fn tokens_and_money_are_shown_whatever_the_run_is_at() {
    let half = "$0.3133 of $5.00, 2,410,000 tokens, 963 requests";
    let whole = "$0.6639 of $5.00, 5,106,700 tokens, 2,041 requests";
    for (name, scene, used) in [
        ("capped", running(), half),
        ("pausing", pausing(), half),
        ("paused", paused(), half),
        ("stopped", stopped(StopReason::ByOperator), half),
        ("complete", complete(), whole),
    ] {
        for size in SIZES {
            let screen = scene.text(size);
            assert!(screen.contains(used), "{name} at {size:?}:\n{screen}");
        }
    }
}

#[test]
fn the_footer_says_whether_it_pauses_or_resumes() {
    for (scene, word) in [
        (running(), "pause"),
        (pausing(), "resume"),
        (paused(), "resume"),
        (stopped(StopReason::ByOperator), "resume"),
    ] {
        for size in SIZES {
            let screen = scene.text(size);
            let footer = screen.lines().last().unwrap_or_default();
            assert!(footer.starts_with(&format!(" p {word} ")), "{footer:?}");
        }
    }
}

#[test]
fn what_holds_the_rate_is_always_named() {
    for bound in [
        Bound::Requests,
        Bound::Embedding,
        Bound::Preparing,
        Bound::Reading,
        Bound::Writing,
        Bound::WritingBesideRetries,
        Bound::Memory,
        Bound::Answers,
    ] {
        let screen = running().seeing(held_by(bound)).text((80, 24));
        assert_says(&screen, &bound.describe());
        // One source for both: the arrow stands at the stage that the reason names, or nowhere.
        let arrow = screen
            .lines()
            .find(|line| line.contains("<- limit"))
            .unwrap_or_default();
        let at = ["read ", "embed ", "write "]
            .into_iter()
            .find(|name| arrow.contains(name));
        let named = bound.stage().map(|stage| match stage {
            Stage::Read => "read ",
            Stage::Embed => "embed ",
            Stage::Write => "write ",
        });
        assert_eq!(at, named, "{screen}");
    }
    let screen = running().seeing(held_by(Bound::Requests)).text((80, 24));
    assert_says(&screen, "as many requests in flight as you allow; + allows more");
}

#[test]
fn texts_name_the_keys_as_they_are_configured() {
    let with = |mut scene: Scene, action: &str| {
        let keys = BTreeMap::from([(action.to_owned(), Keys::One("F9".into()))]);
        scene.app.keymap = Keymap::new(&keys).expect("a keymap");
        scene.text((120, 40))
    };
    let budget = StopReason::Budget("used up".into());
    for (scene, action, says) in [
        (paused(), "pause-or-resume", "paused; F9 goes on"),
        (running(), "tokens-per-minute", "goes on in 1 s; F9 moves it"),
        (
            stopped(StopReason::ByOperator),
            "pause-or-resume",
            "stopped by the operator; F9 goes on",
        ),
        (stopped(budget), "budget", "used up; F9 raises it and goes on"),
        (complete(), "show-failures", "F9 shows them"),
        (complete(), "retry-all", "F9 there retries them"),
        (
            running().seeing(held_by(Bound::Requests)),
            "more-in-flight",
            "F9 allows more",
        ),
        (failures::listed(), "filter", "all; F9 filters by id"),
        (failures::listed().press("/a\n"), "back", "holds \"a\"   (F9 clears)"),
        (failures::listed().press("?"), "back", "F9 close"),
        (
            failures::listed().press("/no_content\n").listing(Vec::new()),
            "back",
            "F9 clears the filter",
        ),
        (
            failures::listed().press("/no_content\n").listing(failures::rows()),
            "back",
            "cause no_content   (F9 clears)",
        ),
        (Scene::open().press("7f"), "log-level", "F9 shows all"),
        (overlays::log().press("k"), "bottom", "1 newer below; F9 follows"),
    ] {
        assert_says(&with(scene, action), says);
    }
    for (action, says) in [("up", " F9 Down scroll"), ("down", " Up F9 scroll")] {
        let mut help = running().press("?");
        let keys = BTreeMap::from([(action.to_owned(), Keys::One("F9".into()))]);
        help.app.keymap = Keymap::new(&keys).expect("a keymap");
        assert_says(&help.text((80, 24)), says);
    }
    let mut plan = super::ready(super::plan());
    let keys = BTreeMap::from([("down".to_owned(), Keys::One("F9".into()))]);
    plan.app.keymap = Keymap::new(&keys).expect("a keymap");
    assert_says(&plan.text((80, 24)), "more lines: F9");
}

#[test]
fn the_log_names_its_file_at_every_size() {
    for size in [(60, 16), (80, 24), (120, 40)] {
        let screen = Scene::open().press("7").text(size);
        for part in ["Log: all levels (file: ", "1a2b3c4d/log.jsonl)"] {
            assert_says(&screen, part);
        }
        // Where it is too long, its beginning goes.
        assert_says(&Scene::open().press("7f").text(size), "/log.jsonl)");
    }
}

// --- room

#[test]
fn a_large_screen_shows_more_failures_and_finer_bins() {
    // Of the ids in the list, those that are cut.
    let listed = |size| running().text(size).matches("..00").count();
    assert_eq!(listed((80, 24)), 4);
    assert_eq!(listed((200, 60)), 7, "all of them");
    assert_says(&running().text((200, 60)), " 0.985 ");
    assert!(!running().text((80, 24)).contains(" 0.985 "));
}

#[test]
fn a_click_on_a_failure_opens_it_among_the_failures() {
    let rows = failures::rows();
    for size in SIZES {
        let scene = running().click(size, "a7d4..0006");
        assert_eq!(scene.app.screen, Screen::Failures);
        let wanted = rows
            .iter()
            .map(|row| row.id)
            .find(|id| id.to_string().starts_with("a7d4"));
        let wanted = wanted.expect("it is one of the rows");
        assert!(
            scene.sent.contains(&TaskCommand::ReadFailure(wanted)),
            "{:?}",
            scene.sent
        );
        assert_eq!(scene.app.failures.filter_text(), wanted.to_string());
    }
}
