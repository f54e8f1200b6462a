//! Screens as full as they get: long lists, an open record of two thousand fields, a payload of megabytes.

use std::sync::Arc;
use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use qlance::app::{App, Effect, Message, Screen};
use qlance::config::Config;
use qlance::journal::{Attempt, FailureRow, State};
use qlance::lance::browse::RankedRow;
use qlance::point::diff::{Because, Verdict, compare};
use qlance::point::{Cause, Histogram, Payload, Point, PointId, Similarity, Vector};
use qlance::tasks::inspect::{Neighbour, Neighbours, PairSummary, PointDetail, VectorFacts};
use qlance::tasks::{
    FailureDetail, JobFacts, Level, Phase, SampleOf, Settings, Snapshot, TaskCommand, TaskEvent, now_ms,
};
use serde_json::json;

fn press(app: &mut App, code: KeyCode) -> Vec<Effect> {
    app.update(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)), Instant::now())
}

fn tell(app: &mut App, event: TaskEvent) -> Vec<Effect> {
    app.update(Message::Event(event), Instant::now())
}

/// A payload of 2,000 fields, one of them five megabytes.
fn payload(changed: &str) -> Payload {
    let mut payload: Payload = (0..2_000)
        .map(|n| (format!("field_{n:04}"), json!(format!("{changed} {n}"))))
        .collect();
    payload.insert("content".into(), json!(format!("{changed} ").repeat(700_000)));
    payload
}

fn opened() -> App {
    let text = "[source]\ncollection = \"messages\"\n[target]\nuri = \"choir.lance\"\ntable = \"messages\"\n";
    let config = Config::parse(text, "qlance.toml", std::path::Path::new("/")).expect("a configuration");
    let mut app = App::new(&config, Instant::now()).expect("a console");
    app.update(Message::Resized { columns: 120, rows: 60 }, Instant::now());
    let facts = JobFacts {
        job: "messages-to-messages".into(),
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        table: "choir.lance/messages".into(),
        space: "openai/text-embedding-3-large@1536".into(),
        content: "content".into(),
        comparable: Ok(()),
        points: 1_000_000,
        resumed: false,
        state_dir: "/state".into(),
    };
    tell(&mut app, TaskEvent::Opened(Box::new(facts)));
    tell(&mut app, TaskEvent::PhaseChanged(Phase::Running));
    let mut similarities = Histogram::default();
    for n in 0..100_000 {
        similarities.record(Similarity::new(1.0 - (n % 1_000) as f32 / 2_000.0));
    }
    let snapshot = Snapshot {
        phase: Phase::Running,
        total: 1_000_000,
        read: 500_200,
        written: 499_900,
        failed: 100,
        in_hand: 200,
        similarities: Arc::new(similarities),
        rate: 1_240.0,
        settings: Settings {
            in_flight: 50,
            batch_inputs: 100,
            ..Settings::default()
        },
        ..Snapshot::default()
    };
    app.update(Message::Snapshot(Box::new(snapshot)), Instant::now());
    for n in 0..1_000 {
        tell(
            &mut app,
            TaskEvent::Noted(Level::Warn, format!("line {n} of the log, {}", "long ".repeat(60))),
        );
    }
    app
}

fn failures(app: &mut App) {
    for effect in press(app, KeyCode::Char('3')) {
        if let Effect::Send(TaskCommand::ListFailures {
            filter, sort, offset, ..
        }) = effect
        {
            let rows: Vec<FailureRow> = (0..400)
                .map(|n| FailureRow {
                    id: PointId::Num(n),
                    state: State::Failed,
                    cause: Cause::Rejected,
                    error: "rejected by the server ".repeat(20),
                    reason: None,
                    attempts: 3,
                    first_at: now_ms(),
                    last_at: now_ms(),
                })
                .collect();
            let event = TaskEvent::FailuresListed {
                filter,
                sort,
                offset,
                total: 100_000,
                retryable: 100_000,
                rows,
            };
            tell(app, event);
        }
    }
    press(app, KeyCode::Enter);
    if let Some(row) = app.failures.selected().cloned() {
        // No two alike, each as long as it is shown.
        let attempts = (0..20).map(|n| Attempt {
            at: now_ms(),
            cause: Cause::Rejected,
            error: format!("attempt {n}: {}", "the server said no ".repeat(40)),
        });
        let detail = FailureDetail {
            row,
            attempts: attempts.collect(),
            payload: Ok(payload("x")),
            edit: None,
        };
        tell(app, TaskEvent::FailureRead(Box::new(detail)));
    }
}

fn divergence(app: &mut App) {
    for effect in press(app, KeyCode::Char('2')) {
        if let Effect::Send(TaskCommand::ListDivergent { band, anchor, limit }) = effect {
            let rows = (0..limit as u64)
                .map(|n| {
                    let row = RankedRow {
                        id: PointId::Num(n),
                        similarity: Similarity::new(n as f32 / 1e6),
                        snippet: Some("a content of some length ".repeat(6)),
                    };
                    (row, None)
                })
                .collect();
            let event = TaskEvent::DivergentListed {
                band,
                anchor,
                total: 100_000,
                rows,
            };
            tell(app, event);
        }
    }
    press(app, KeyCode::Enter);
    press(app, KeyCode::Enter);
    let neighbour = |n: u64| Neighbour {
        id: PointId::Num(n),
        score: 0.9,
        shared: n.is_multiple_of(2),
        snippet: Some("a neighbour's content ".repeat(5)),
    };
    let facts = VectorFacts {
        dimension: 1_536,
        norm: 1.0,
    };
    let detail = PointDetail {
        id: PointId::Num(0),
        content: Some("content ".repeat(600_000)),
        qdrant: Some(facts),
        lancedb: Some(facts),
        similarity: Similarity::new(0.5),
        neighbours: Ok(Neighbours {
            score: "cosine similarity",
            qdrant: (0..10).map(neighbour).collect(),
            lancedb: (0..10).map(neighbour).collect(),
        }),
        decided: None,
        edit: None,
    };
    tell(app, TaskEvent::Inspected(Box::new(detail)));
}

fn diff(app: &mut App) {
    press(app, KeyCode::Char('4'));
    press(app, KeyCode::Char('n'));
    let pairs = (0..40)
        .map(|n| PairSummary {
            id: PointId::Num(n),
            verdict: Verdict::Differs,
            differing: 2_000,
            because: None,
        })
        .collect();
    tell(app, TaskEvent::PairsSampled(SampleOf::Random, pairs));
    press(app, KeyCode::Enter);
    let point = |changed: &str, number: f32| Point {
        id: PointId::Num(0),
        payload: payload(changed),
        vectors: (0..20)
            .map(|n| (format!("vector_{n}"), Vector::Dense(vec![number; 1_536])))
            .collect(),
    };
    let (left, right) = (point("one", 0.1), point("two", 0.2));
    let mut record = compare(PointId::Num(0), Some(&left), Some(&right), None, false);
    record.because = Some(Because::Failed("rejected by the server ".repeat(200)));
    record.light_words();
    tell(app, TaskEvent::PairRead(Box::new(record)));
}

/// A screen with as much as it can show.
pub(crate) fn full(screen: Screen) -> App {
    let mut app = opened();
    match screen {
        Screen::Failures => failures(&mut app),
        Screen::Divergence => divergence(&mut app),
        Screen::Diff => diff(&mut app),
        _ => {}
    }
    app.screen = screen;
    app
}
