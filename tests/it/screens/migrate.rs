//! The Migrate screen: the plan before a run, the run, and how it ends.

mod room;
mod states;

use std::sync::Arc;
use std::time::Duration;

use qlance::embed::{GatewayError, Usage};
use qlance::lance::index::Step;
use qlance::point::{Failure, Histogram, Similarity};
use qlance::tasks::meters::{Cap, Outage, Waiting};
use qlance::tasks::plan::{Basis, Estimate, FieldPlan, PlanReport, VectorPlan};
use qlance::tasks::{Level, Phase, Settings, Snapshot, StageSnapshot, StopReason, TaskEvent};
use qlance::ui::text::count;
use ratatui::style::{Color, Modifier};

use super::failures::rows;
use super::frame::{assert_says, style_of, style_of_bar};
use super::{ASCII, COLORS, PLAIN, SIZES, Scene};

/// Points by similarity: above 0.999, 0.99, 0.98 (the threshold), 0.95, 0.9, 0.7; and not comparable. Those above 0.9
/// lie side by side, as Divergence lists them.
pub(super) fn similarities(counts: &[u64; 6], incomparable: u64) -> Arc<Histogram> {
    let mut histogram = Histogram::default();
    let steps: [f32; 6] = [0.0, 0.0, 0.0, 0.0, 0.0002, 0.0];
    for ((number, value), step) in counts
        .iter()
        .zip([0.9995_f32, 0.995, 0.985, 0.97, 0.9301, 0.85])
        .zip(steps)
    {
        (0..*number).for_each(|place| histogram.record(Similarity::new(value + step * place as f32)));
    }
    (0..incomparable).for_each(|_| histogram.record(None));
    Arc::new(histogram)
}

fn settings() -> Settings {
    Settings {
        in_flight: 50,
        batch_inputs: 100,
        requests_per_minute: Some(3_000),
        tokens_per_minute: Some(1_200_000),
        budget_usd: Some(5.0),
    }
}

pub(super) fn half_way() -> Snapshot {
    let stage = |in_flight, limit, queue, p50, p95, busy| StageSnapshot {
        in_flight,
        limit,
        queue,
        p50: Some(Duration::from_millis(p50)),
        p95: Some(Duration::from_millis(p95)),
        busy,
    };
    Snapshot {
        phase: Phase::Running,
        total: 200_000,
        read: 94_904,
        written: 94_380,
        failed: 12,
        skipped: 0,
        in_hand: 512,
        similarities: similarities(&[88_000, 5_300, 700, 301, 38, 3], 38),
        rate: 786.4,
        elapsed: Duration::from_secs(120),
        stages: [
            stage(2, 4, 0, 22, 41, 0.18),
            stage(50, 50, 8_000, 102, 180, 0.99),
            stage(1, 1, 512, 9, 30, 0.06),
        ],
        usage: Usage {
            requests: 963,
            inputs: 93_800,
            tokens: 2_410_000,
            remembered: 580,
            ..Usage::default()
        },
        cost_usd: 0.3133,
        settings: settings(),
        eta: Some(Duration::from_secs(135)),
        waiting: Some(Waiting {
            reason: "your cap of 1,200,000 tokens/min".into(),
            left: Some(Duration::from_secs(1)),
            outage: None,
            cap: Some(Cap::Tokens(1_200_000)),
        }),
        bound: None,
        reduced: None,
        version: 5,
        shortened: 0,
        compared: 0,
        // What an opened scene sees first has not moved before its eyes.
        settled_before: 94_392,
    }
}

/// A snapshot once nothing moves any more.
pub(super) fn idle(snapshot: Snapshot) -> Snapshot {
    Snapshot {
        read: snapshot.settled(),
        in_hand: 0,
        rate: 0.0,
        stages: snapshot.stages.map(|stage| StageSnapshot {
            in_flight: 0,
            queue: 0,
            busy: 0.0,
            ..stage
        }),
        eta: None,
        waiting: None,
        ..snapshot
    }
}

/// Two minutes into a run over 200,000 points.
pub(super) fn running() -> Scene {
    with_failures(under_way(&half_way()))
}

fn with_failures(scene: Scene) -> Scene {
    rows().into_iter().fold(scene, |scene, row| {
        scene.event(TaskEvent::PointFailed(row.id, Failure::new(row.cause, row.error)))
    })
}

/// A run that has come to this end.
fn came_to(end: Snapshot) -> Scene {
    with_failures(under_way(&end)).seeing(end)
}

/// A run that has come so far, at a rate that goes up and down over its last two minutes.
fn under_way(end: &Snapshot) -> Scene {
    const PACE: [u64; 12] = [4, 5, 6, 7, 8, 8, 7, 6, 5, 3, 2, 4];
    let mut scene = Scene::open().phase(Phase::Running);
    let whole: u64 = PACE.iter().sum::<u64>() * 10;
    // What was settled more than two minutes ago.
    let long_ago = |number: u64| number.saturating_sub(94_392);
    let settled_before = long_ago(end.written) + long_ago(end.failed) + end.skipped;
    let mut done = 0;
    for second in 0..=120_usize {
        let share = |number: u64| long_ago(number) + (number - long_ago(number)) * done / whole;
        let (written, failed) = (share(end.written), share(end.failed));
        scene = scene.seeing(Snapshot {
            phase: Phase::Running,
            read: written + failed + end.skipped + end.in_hand,
            written,
            failed,
            settled_before,
            ..end.clone()
        });
        done += PACE[second % PACE.len()];
        // Behind the last second there is none that nothing has moved in.
        if second < 120 {
            scene.now += Duration::from_secs(1);
        }
    }
    scene
}

/// Nobody answers, and nothing has moved for as long.
fn waiting_out(outage: Outage, error: &str, seconds: u64) -> Scene {
    let mut scene = running();
    scene.now += outage.lasted;
    let snapshot = half_way();
    scene.seeing(Snapshot {
        rate: 0.0,
        elapsed: snapshot.elapsed + outage.lasted,
        eta: None,
        stages: snapshot.stages.map(|stage| StageSnapshot {
            in_flight: 0,
            busy: 0.0,
            ..stage
        }),
        waiting: Some(Waiting {
            reason: format!("{} outage: {error}", outage.of),
            left: Some(Duration::from_secs(seconds)),
            outage: Some(outage),
            cap: None,
        }),
        ..snapshot
    })
}

pub(super) fn stopped(reason: StopReason) -> Scene {
    stopped_after(reason, Duration::ZERO)
}

/// Stopped when nothing had moved for so long.
fn stopped_after(reason: StopReason, idly: Duration) -> Scene {
    let stopped = Phase::Stopped(reason);
    let snapshot = idle(half_way());
    let snapshot = Snapshot {
        phase: stopped.clone(),
        elapsed: snapshot.elapsed + idly,
        ..snapshot
    };
    let mut scene = running();
    scene.now += idly;
    if idly > Duration::ZERO {
        scene = scene.seeing(Snapshot {
            rate: 0.0,
            eta: None,
            ..half_way()
        });
    }
    scene.seeing(snapshot).phase(stopped)
}

/// A job of which all points are across.
fn across(phase: Phase) -> Snapshot {
    Snapshot {
        phase,
        read: 200_000,
        written: 199_988,
        failed: 11,
        skipped: 1,
        similarities: similarities(&[186_000, 11_400, 1_500, 928, 90, 30], 40),
        elapsed: Duration::from_secs(254),
        usage: Usage {
            requests: 2_041,
            inputs: 198_760,
            tokens: 5_106_700,
            remembered: 1_228,
            ..Usage::default()
        },
        cost_usd: 0.6639,
        ..idle(half_way())
    }
}

pub(super) fn complete() -> Scene {
    came_to(across(Phase::Complete)).phase(Phase::Complete)
}

fn estimate(value: Option<f64>, basis: Basis, how: &str) -> Estimate {
    Estimate {
        value,
        basis,
        how: how.into(),
    }
}

pub(super) fn plan() -> PlanReport {
    let field = |name: &str, share, types: &[&'static str], column: &str| FieldPlan {
        name: name.into(),
        share,
        types: types.to_vec(),
        column: column.into(),
    };
    let vector = |name: &str, kind: &str, becomes: &str| VectorPlan {
        name: name.into(),
        kind: kind.into(),
        becomes: becomes.into(),
    };
    let columns = [
        ("id", "string, the point's id"),
        ("content", "string"),
        ("thread_id", "string"),
        ("score", "double"),
        ("embedding", "float32[1536], the new embedding"),
        ("modality", "string: text, image, audio"),
        ("original_similarity", "float32, cosine to Qdrant's vector"),
        ("terms", "indices and values"),
        ("title", "float32[384]"),
        ("extra", "JSON, what fits no other column"),
    ];
    PlanReport {
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        points: 200_000,
        settled: 20_000,
        vectors: vec![
            vector("", "dense 1536 cosine", "compared with the new embedding"),
            vector("terms", "sparse", "kept as column terms"),
            vector("title", "dense 384 Manhattan", "kept as column title"),
        ],
        fields: vec![
            field("content", 0.998, &["string"], "content"),
            field("thread_id", 0.97, &["string"], "thread_id"),
            field("score", 0.5, &["double", "integer", "null"], "score"),
            field("mood", 0.004, &["list"], "extra"),
        ],
        sampled: 500,
        table: "choir.lance/messages".into(),
        columns: columns.map(|(name, kind)| (name.to_owned(), kind.to_owned())).to_vec(),
        space: "openai/text-embedding-3-large@1536".into(),
        ranges: 4,
        failures: estimate(Some(360.0), Basis::Modelled, "from a sample of 500"),
        tokens: estimate(
            Some(25_740_000.0),
            Basis::Modelled,
            "the model's own tokenizer, from a sample of 500",
        ),
        cost_usd: estimate(Some(3.3462), Basis::Modelled, "$0.13 a million tokens"),
        seconds: estimate(
            None,
            Basis::Unknown,
            "how fast the embedder answers is known from the first requests on",
        ),
        disk_bytes: estimate(
            Some(1_420_000_000.0),
            Basis::Modelled,
            "vectors as they are, payloads from a sample of 500, before compression",
        ),
        warnings: vec![
            "about 360 points have no text in payload field \"content\" and will fail".into(),
            "title is compared by Manhattan distance in Qdrant, which LanceDB does not have: it is kept, and searched \
             by Euclidean distance"
                .into(),
        ],
    }
}

/// The plan waits for the operator.
pub(super) fn ready(plan: PlanReport) -> Scene {
    let snapshot = Snapshot {
        phase: Phase::Ready,
        total: 200_000,
        settings: settings(),
        ..Snapshot::default()
    };
    let scene = Scene::open().event(TaskEvent::Planned(Box::new(plan)));
    scene.seeing(snapshot).phase(Phase::Ready)
}

fn used_up() -> StopReason {
    let reason = "the budget of $5.00 is used up: $4.9987 spent, and the next request would cost about $0.0021";
    StopReason::Budget(reason.into())
}

/// Stopped with the money spent that the reason names.
fn without_money() -> Scene {
    let phase = Phase::Stopped(used_up());
    let snapshot = Snapshot {
        phase: phase.clone(),
        cost_usd: 4.9987,
        ..idle(half_way())
    };
    running().seeing(snapshot).phase(phase)
}

// --- snapshots

#[test]
fn connecting() {
    Scene::of("messages").assert_looks("migrate_connecting");
}

#[test]
fn a_plan_with_warnings_and_an_unknown_estimate() {
    ready(plan()).assert_looks("migrate_ready");
    let scrolled = ready(plan()).press("jjjjjj");
    scrolled.assert_looks("migrate_ready_scrolled");
}

#[test]
fn ready_without_a_plan() {
    let scene = Scene::open().phase(Phase::Ready);
    scene.assert_looks("migrate_ready_without_a_plan");
}

#[test]
fn a_run_with_its_limit_and_what_it_waits_for() {
    running().assert_looks("migrate_running");
}

#[test]
fn a_run_in_ascii() {
    let scene = running();
    for size in SIZES {
        scene.assert_looks_at("migrate_running_ascii", size, ASCII);
    }
}

#[test]
fn a_run_without_colour() {
    let scene = running();
    for size in SIZES {
        scene.assert_looks_at("migrate_running_plain", size, PLAIN);
    }
}

#[test]
fn paused() {
    let snapshot = Snapshot {
        phase: Phase::Paused,
        waiting: Some(Waiting {
            reason: "paused by operator".into(),
            ..Waiting::default()
        }),
        ..idle(half_way())
    };
    let scene = running().phase(Phase::Pausing).seeing(snapshot);
    scene.phase(Phase::Paused).assert_looks("migrate_paused");
}

/// An outage of the embedder, 45 s old.
fn outage() -> Scene {
    let outage = Outage {
        of: "embedder",
        lasted: Duration::from_secs(45),
        tries: 5,
        patience: Duration::from_secs(1_800),
    };
    waiting_out(outage, "HTTP 503: the model is being loaded", 8)
}

#[test]
fn an_outage_says_what_is_wrong_what_is_done_and_what_can_be_done() {
    let scene = outage();
    scene.assert_looks("migrate_outage");
    let style = style_of(&scene.draw(COLORS, (80, 24)), "WAITING");
    assert_eq!(style, (Color::Yellow, Modifier::BOLD));
    for size in SIZES {
        let screen = scene.text(size);
        for part in [
            "embedder outage: HTTP 503: the model is being loaded",
            "try 6 in 8 s (n: now); down for 45 s, stops after 30 min",
            "WAITING",
            "ETA --:--",
        ] {
            assert_says(&screen, part);
        }
        assert!(!screen.contains("RUNNING") && !screen.contains("<- limit"), "{screen}");
        if size.0 > 80 {
            assert_says(&scene.text(size), "n try now");
        }
    }
}

#[test]
fn an_invariant_is_broken() {
    // The last 512 points were written, and a row that nobody knows.
    let reason = "conservation broken: the table has 94,893 rows after this commit, not 94,892; something else \
                  wrote to it. `qlance verify` says what differs and `qlance verify --repair` mends it";
    let scene = stopped(StopReason::Broken(reason.into()));
    scene.assert_looks("migrate_broken");
    assert_says(
        &scene.text((80, 24)),
        "conservation broken: the table has 94,893 rows after this commit, not 94,892;~",
    );
    // What nothing is there to be repaired for goes on as it is.
    let reason = "conservation broken: table \"messages\" was written by another process of job \
                  messages-to-messages-1a2b3c4d since; only one may write to it: stop the other, then start again";
    let screen = stopped(StopReason::Broken(reason.into())).text((120, 40));
    for part in ["then start again", "p goes on"] {
        assert_says(&screen, part);
    }
    for wanted in ["conservation broken", "STOPPED"] {
        let style = style_of(&scene.draw(COLORS, (80, 24)), wanted);
        assert_eq!(style, (Color::Red, Modifier::BOLD), "{wanted}");
    }
}

#[test]
fn what_must_be_repaired_first_says_where() {
    let reason = "conservation broken: table \"messages\" holds 94,381 rows, not 94,380; something else wrote to it. \
                  `qlance verify` says what differs and `qlance verify --repair` mends it; or restore its last \
                  version, or start over in another target.table";
    let scene = stopped(StopReason::Broken(reason.into()));
    scene.assert_looks("migrate_to_repair");
    for size in SIZES {
        let screen = scene.text(size);
        for part in [
            "conservation broken",
            "5 shows Verify: v verifies, R repairs; then p goes on",
        ] {
            assert_says(&screen, part);
        }
        // The lock of this console keeps the command out.
        assert!(!screen.contains("qlance verify"), "{screen}");
    }
    for size in [(120, 40), (200, 60)] {
        let screen = scene.text(size);
        for part in [
            "94,381 rows, not 94,380; something else wrote to it",
            "$0.3133 of $5.00, 2,410,000 tokens",
        ] {
            assert_says(&screen, part);
        }
    }
}

#[test]
fn both_stores_are_compared() {
    let snapshot = Snapshot {
        compared: 48_500,
        ..across(Phase::Comparing)
    };
    let scene = came_to(snapshot).phase(Phase::Comparing);
    scene.assert_looks("migrate_comparing");
    for size in SIZES {
        let screen = scene.text(size);
        assert_says(&screen, "] 48,500 / 200,000 compared   24 %");
        assert_says(&screen, "comparing both stores; nothing is written");
        assert_eq!(screen.matches("48,500").count(), 1, "{screen}");
    }
}

#[test]
fn the_budget_is_used_up() {
    let scene = without_money();
    scene.assert_looks("migrate_budget_used_up");
    for part in [
        "$5.00 of $5.00",
        "$4.9987 spent, and",
        "$0.0021",
        "$ raises it and goes on",
    ] {
        assert_says(&scene.text((80, 24)), part);
    }
}

#[test]
fn stopped_by_trouble() {
    let lasted = Duration::from_secs(1_800);
    let outage = GatewayError::Outage {
        attempts: 41,
        lasted,
        message: "HTTP 503: the model is being loaded".into(),
    };
    let reason = outage.to_string();
    let scene = stopped_after(StopReason::Trouble(reason.clone()), lasted);
    scene.assert_looks("migrate_stopped");
    assert_says(&scene.text((120, 40)), &format!("{reason}; p goes on"));
    let screen = scene.text((80, 24));
    for part in ["failed 41 times in 30 min", "being loaded; p goes on"] {
        assert_says(&screen, part);
    }
}

#[test]
fn the_table_is_being_finished() {
    let phase = Phase::Finishing(Step::VectorIndex);
    let scene = came_to(across(phase.clone())).phase(phase);
    scene.assert_looks("migrate_finishing");
    let screen = scene.text((80, 24));
    for part in [
        "] step 3 of 4: vector index",
        "no point is left to move; the table is being finished",
    ] {
        assert_says(&screen, part);
    }
    let gauge = screen.lines().find(|line| line.contains("step 3")).unwrap_or_default();
    assert!(!gauge.contains('%') && !gauge.contains("ETA"), "{screen}");
}

#[test]
fn complete_with_failures() {
    complete().assert_looks("migrate_complete");
}

#[test]
fn could_not_begin() {
    let reason = "Qdrant at http://localhost:6334 does not answer: connection refused; is it running?";
    let scene = Scene::of("messages").note(Level::Error, reason);
    let scene = scene.phase(Phase::Failed(reason.into()));
    scene.assert_looks("migrate_could_not_begin");
    for size in SIZES {
        let screen = scene.text(size);
        assert_says(&screen, "q leaves; start qlance again once it is mended");
        assert_eq!(screen.matches("Qdrant at http").count(), 1, "once:\n{screen}");
    }
    let bad = (Color::Red, Modifier::BOLD);
    assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), "Qdrant at http"), bad);
    // Where the pane is not shown, it is said for a while.
    assert_says(&scene.press("3").text((80, 24)), " Qdrant at http");
}

// --- what styles mean

#[test]
fn estimates_say_how_they_came_about_by_word_and_colour() {
    let mut plan = plan();
    plan.failures.basis = Basis::Measured;
    let scene = ready(plan);
    for (word, color, weight) in [
        ("measured", Color::Green, Modifier::empty()),
        ("modelled", Color::Cyan, Modifier::empty()),
        ("unknown", Color::Yellow, Modifier::BOLD),
        ("warning", Color::Yellow, Modifier::BOLD),
    ] {
        assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), word), (color, weight), "{word}");
        assert_eq!(
            style_of(&scene.draw(PLAIN, (80, 24)), word),
            (Color::Reset, weight),
            "{word}"
        );
    }
}

#[test]
fn the_stage_that_holds_the_others_up_is_lit() {
    let screen = running().draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "embed  50/50"), (Color::Yellow, Modifier::BOLD));
    assert_eq!(style_of(&screen, "<- limit"), (Color::Yellow, Modifier::BOLD));
    assert_eq!(style_of(&screen, "write    1/1"), (Color::Reset, Modifier::empty()));
    let paused = running().seeing(idle(half_way())).phase(Phase::Paused);
    assert!(!paused.text((80, 24)).contains("<- limit"));
}

#[test]
fn bars_below_the_threshold_warn() {
    for (theme, good, warn) in [
        (COLORS, Color::Green, Color::Yellow),
        (PLAIN, Color::Reset, Color::Reset),
    ] {
        let screen = running().draw(theme, (120, 40));
        for label in ["0.999", "0.990", "0.980"] {
            assert_eq!(style_of_bar(&screen, label), (good, Modifier::empty()), "{label}");
        }
        for label in ["0.950", "0.900", "0.700"] {
            assert_eq!(style_of_bar(&screen, label), (warn, Modifier::BOLD), "{label}");
        }
    }
}

#[test]
fn a_threshold_below_zero_says_what_lies_below_it() {
    let mut histogram = Histogram::default();
    for value in [0.5, -0.1, -0.5] {
        histogram.record(Similarity::new(value));
    }
    let snapshot = Snapshot {
        similarities: Arc::new(histogram),
        ..half_way()
    };
    let scene = running().seeing(snapshot);
    assert_says(&scene.text((120, 40)), "   < 0 ");
    // From 0.98 down to -0.3, by hundredths.
    let screen = scene.press(&format!("2{}1", "{".repeat(128))).text((120, 40));
    for part in ["Similarity: 1 divergent", "  -0.300 ", "< -0.300 "] {
        assert_says(&screen, part);
    }
    assert!(!screen.contains("< 0 "), "{screen}");
}

#[test]
fn phases_are_told_by_word_weight_and_colour() {
    let trouble = StopReason::Trouble("outage".into());
    for (phase, color, weight) in [
        (Phase::Connecting, Color::Cyan, Modifier::empty()),
        (Phase::Ready, Color::Cyan, Modifier::empty()),
        (Phase::Failed("no Qdrant".into()), Color::Red, Modifier::BOLD),
        (Phase::Stopped(trouble), Color::Yellow, Modifier::BOLD),
        (Phase::Stopped(used_up()), Color::Yellow, Modifier::BOLD),
        (
            Phase::Stopped(StopReason::Broken("a row too many".into())),
            Color::Red,
            Modifier::BOLD,
        ),
        (Phase::Paused, Color::Yellow, Modifier::BOLD),
        (Phase::Running, Color::Green, Modifier::BOLD),
        (Phase::Complete, Color::Green, Modifier::BOLD),
    ] {
        let word = phase.label();
        let scene = Scene::of("messages").phase(phase);
        assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), word), (color, weight), "{word}");
        assert_eq!(
            style_of(&scene.draw(PLAIN, (80, 24)), word),
            (Color::Reset, weight),
            "{word}"
        );
    }
}

#[test]
fn a_sum_that_does_not_add_up_is_told_in_red_and_in_full() {
    let wrong = Snapshot {
        written: 94_379,
        ..half_way()
    };
    let scene = running().take(qlance::app::Message::Snapshot(Box::new(wrong)));
    let screen = scene.draw(COLORS, (80, 24));
    assert_says(
        &scene.text((80, 24)),
        "OFF BY 1: read 94,904 = written 94,379 + failed 12 + skipped 0 + in hand 512",
    );
    for wanted in ["OFF BY 1: read", "RUNNING", "points may be lost"] {
        assert_eq!(style_of(&screen, wanted), (Color::Red, Modifier::BOLD), "{wanted}");
    }
    for size in SIZES {
        let then = "points may be lost or doubled: once it has ended, 5 shows Verify, v says which";
        assert_says(&scene.text(size), then);
    }
    // The header says it on every screen.
    assert_says(&scene.press("3").text((80, 24)), "RUNNING 02:00 OFF BY 1");
    assert!(!running().text((80, 24)).contains("OFF BY"));
}

// --- sizes

#[test]
fn at_80x24_nothing_that_matters_is_cut() {
    let scene = running();
    let screen = scene.text((80, 24));
    let peak = scene.app.throughput.last(47).into_iter().max().unwrap_or_default();
    let chart = format!("Points/s, last 47 s, peak {} ", count(peak));
    for part in ["342 divergent", &chart, " 99 % <- limit", "ETA 02:15", "in 1 s"] {
        assert_says(&screen, part);
    }
}

#[test]
fn the_smallest_screen_still_shows_the_progress() {
    let screen = running().text((60, 16));
    for part in ["94,392 / 200,000", "read 94,904 = written 94,380"] {
        assert_says(&screen, part);
    }
}

#[test]
fn a_plan_that_does_not_fit_says_so_and_scrolls_to_its_end() {
    let screen = ready(plan()).text((80, 24));
    assert_says(&screen, "more lines: Down");
    assert!(!screen.contains("what fits no other column"), "{screen}");
    let screen = ready(plan()).press(&"j".repeat(50)).text((80, 24));
    assert_says(&screen, "what fits no other column");
    assert_says(&screen, "more lines: Up");
    assert!(!screen.contains("more lines: Down"), "{screen}");
    let screen = ready(plan()).press("jjjjjj").text((80, 24));
    for part in ["... 7 more lines: Up", "more lines: Down"] {
        assert_says(&screen, part);
    }
}

#[test]
fn a_plan_is_cut_nowhere_in_its_sentences() {
    let mut seen = String::new();
    for lines in 0..30 {
        seen.push_str(&ready(plan()).press(&"j".repeat(lines)).text((80, 24)));
    }
    for part in [
        "compared with the new embedding",
        "known from",
        "requests on",
        "sample of 500",
        "before compression",
        "double, integer, null",
        "1.3 GiB",
    ] {
        assert_says(&seen, part);
    }
    // What is cut in the header stands in the plan.
    let mut lines = seen.lines().filter(|line| line.starts_with('│'));
    assert!(lines.all(|line| !line.contains('~')), "{seen}");
}
