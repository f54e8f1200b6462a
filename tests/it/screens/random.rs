//! A long walk at random: keys, clicks, pastes, events and answers on terminals of any size.

use std::collections::BTreeSet;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use qlance::app::{App, Message, Screen};
use qlance::journal::{Decided, Decision, FailureRow};
use qlance::lance::browse::{Band, RankedRow};
use qlance::lance::index::Step;
use qlance::point::diff::RecordDiff;
use qlance::point::{Cause, Failure, PointId};
use qlance::tasks::inspect::PointDetail;
use qlance::tasks::verify::{CheckId, STOPPED};
use qlance::tasks::{Level, Owned, Phase, Selection, Snapshot, StopReason, TaskCommand, TaskEvent};
use qlance::ui;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use ratatui::layout::Rect;

use super::hostile::{Content, HOSTILE, assert_harmless};
use super::migrate::{half_way, plan, running, similarities};
use super::wire::Wire;
use super::{ASCII, COLORS, Scene, divergence, facts, failures, opened, verify};

const CODES: [KeyCode; 20] = [
    KeyCode::Enter,
    KeyCode::Enter,
    KeyCode::Enter,
    KeyCode::Esc,
    KeyCode::Esc,
    KeyCode::Tab,
    KeyCode::Tab,
    KeyCode::BackTab,
    KeyCode::Up,
    KeyCode::Down,
    KeyCode::Down,
    KeyCode::Left,
    KeyCode::Right,
    KeyCode::PageUp,
    KeyCode::PageDown,
    KeyCode::Home,
    KeyCode::End,
    KeyCode::Backspace,
    KeyCode::Delete,
    KeyCode::F(5),
];
const LETTERS: &[u8] = b"1234567234523456jkhlgvGprsueedoRKEany/:?:?q fw[]<>{}+-c$bmtiyYxz0.";

fn any_key(rng: &mut StdRng) -> KeyEvent {
    let code = if rng.random_bool(0.4) {
        CODES[rng.random_range(0..CODES.len())]
    } else if rng.random_bool(0.05) {
        let place = rng.random_range(0..HOSTILE.chars().count());
        KeyCode::Char(
            HOSTILE
                .chars()
                .filter(|c| !c.is_control())
                .cycle()
                .nth(place)
                .unwrap_or('x'),
        )
    } else {
        KeyCode::Char(char::from(LETTERS[rng.random_range(0..LETTERS.len())]))
    };
    let modifiers = match rng.random_range(0..20) {
        0 => KeyModifiers::CONTROL,
        1 => KeyModifiers::ALT,
        2 => KeyModifiers::SHIFT,
        _ => KeyModifiers::NONE,
    };
    KeyEvent::new(code, modifiers)
}

fn any_mouse(rng: &mut StdRng, scene: &Scene, (width, height): (u16, u16)) -> Message {
    let kind = match rng.random_range(0..12) {
        0 | 1 => MouseEventKind::ScrollDown,
        2 | 3 => MouseEventKind::ScrollUp,
        4 => MouseEventKind::Drag(MouseButton::Left),
        5 => MouseEventKind::Down(MouseButton::Right),
        6 => MouseEventKind::Moved,
        _ => MouseEventKind::Down(MouseButton::Left),
    };
    let event = MouseEvent {
        kind,
        column: rng.random_range(0..=width),
        row: rng.random_range(0..=height),
        modifiers: KeyModifiers::NONE,
    };
    ui::hit::hit(&scene.app, Rect::new(0, 0, width, height), event).map_or(Message::Tick, Message::Mouse)
}

fn any_event(rng: &mut StdRng, content: &Content) -> TaskEvent {
    let id = failures::rows()[rng.random_range(0..12_usize)].id;
    let error = || HOSTILE.to_owned();
    match rng.random_range(0..20) {
        0 => TaskEvent::PointFailed(id, Failure::new(Cause::Rejected, HOSTILE)),
        1 => TaskEvent::Committed { rows: 1, version: 9 },
        2 => TaskEvent::RetryStarted(vec![id]),
        3 => TaskEvent::RetryFinished(id, Ok(())),
        4 => TaskEvent::RetryFinished(id, Err(Failure::new(Cause::Gone, HOSTILE))),
        5 => TaskEvent::RetryEnded {
            recovered: 1,
            failed: 2,
            error: None,
            waiting: 0,
        },
        6 => TaskEvent::Noted(Level::Warn, error()),
        7 => TaskEvent::Unanswered {
            of: Owned::Divergent(Band::ALL),
            error: error(),
        },
        8 => TaskEvent::Unanswered {
            of: Owned::Failures,
            error: error(),
        },
        9 => TaskEvent::Unanswered {
            of: Owned::Agreement,
            error: error(),
        },
        10 => TaskEvent::PhaseChanged(Phase::Finishing(Step::Compact)),
        11 => TaskEvent::PhaseChanged(Phase::Stopped(StopReason::Budget(error()))),
        12 => TaskEvent::Planned(Box::new(plan())),
        17 => TaskEvent::Planned(Box::new(content.plan())),
        18 => opened(if rng.random_bool(0.5) { content.facts() } else { facts() }),
        13 => TaskEvent::VerifyProgressed(CheckId::ALL[rng.random_range(0..8_usize)], 3, 10),
        14 => TaskEvent::Checked(Box::new(verify::no_go().checks[rng.random_range(0..8_usize)].clone())),
        15 => TaskEvent::Verified(Ok(Box::new(verify::of_text(HOSTILE)))),
        16 => TaskEvent::PhaseChanged(Phase::Complete),
        _ => TaskEvent::PhaseChanged([Phase::Ready, Phase::Running][rng.random_range(0..2_usize)].clone()),
    }
}

fn any_snapshot(rng: &mut StdRng) -> Message {
    let mut counts = [0_u64; 6];
    counts.fill_with(|| rng.random_range(0..50));
    Message::Snapshot(Box::new(Snapshot {
        similarities: similarities(&counts, rng.random_range(0..3)),
        total: rng.random_range(0..200_000),
        written: rng.random_range(0..200_000),
        eta: rng.random_bool(0.5).then_some(Duration::from_secs(7)),
        ..half_way()
    }))
}

fn any_message(rng: &mut StdRng, scene: &Scene, size: (u16, u16), content: &Content) -> Message {
    match rng.random_range(0..100) {
        0..68 => Message::Key(any_key(rng)),
        68..80 => any_mouse(rng, scene, size),
        80..85 => Message::Paste([HOSTILE, "42", "a\nb"][rng.random_range(0..3_usize)].into()),
        85..88 => Message::Resized {
            columns: size.0,
            rows: size.1,
        },
        88..92 => any_snapshot(rng),
        92 => Message::StopAsked,
        _ => Message::Event(any_event(rng, content)),
    }
}

/// Twelve failures, each with the content in its error.
fn rows(content: &Content) -> Vec<FailureRow> {
    let error = content.row().error;
    let of_content = |row: FailureRow| FailureRow {
        error: error.clone(),
        ..row
    };
    failures::rows().into_iter().map(of_content).collect()
}

/// Divergent points, some of them decided about.
fn ranked(content: &Content) -> Vec<(RankedRow, Option<Decided>)> {
    let of_content = |(place, (row, _)): (usize, (RankedRow, Option<Decided>))| {
        let snippet = content.ranked().snippet;
        let decided = (place % 3 == 0).then(|| content.decided());
        (RankedRow { snippet, ..row }, decided)
    };
    divergence::rows().into_iter().enumerate().map(of_content).collect()
}

/// What lies over the screen.
fn over(app: &App) -> Option<&'static str> {
    let over = [
        (app.help.is_some(), "help"),
        (app.palette.is_some(), "the palette"),
        (app.prompt.is_some(), "a prompt"),
        (app.confirm.is_some(), "a question"),
        (app.failures.editor.is_some(), "the editor"),
    ];
    over.into_iter().find_map(|(is_there, name)| is_there.then_some(name))
}

/// What the work would say to a command.
fn answer(command: TaskCommand, content: &Content, record: &RecordDiff) -> Option<TaskEvent> {
    let decided = |decision, points: Vec<PointId>| TaskEvent::Decided {
        decision,
        asked: points.clone(),
        points,
        error: None,
    };
    Some(match command {
        TaskCommand::ListFailures {
            filter, sort, offset, ..
        } => TaskEvent::FailuresListed {
            filter,
            sort,
            offset,
            total: 12,
            retryable: 11,
            rows: rows(content).into_iter().skip(offset as usize).collect(),
        },
        TaskCommand::ReadFailure(id) => {
            let row = FailureRow { id, ..content.row() };
            let detail = failures::detail(&row, content.payload.clone(), None);
            TaskEvent::FailureRead(Box::new(detail))
        }
        TaskCommand::ListDivergent { band, anchor, .. } => TaskEvent::DivergentListed {
            band,
            anchor,
            total: 38,
            rows: ranked(content),
        },
        TaskCommand::Inspect(id) => TaskEvent::Inspected(Box::new(PointDetail {
            id,
            ..content.inspected()
        })),
        TaskCommand::SamplePairs(of) => TaskEvent::PairsSampled(of, content.pairs()),
        TaskCommand::ReadPair(id) => TaskEvent::PairRead(Box::new(RecordDiff { id, ..record.clone() })),
        TaskCommand::MeasureAgreement => TaskEvent::AgreementMeasured(divergence::agreement()),
        TaskCommand::Search(wanted) => TaskEvent::Searched(wanted, Box::new(content.found())),
        TaskCommand::Verify(wish) => TaskEvent::VerifyBegun(wish.checks),
        TaskCommand::StopVerifying => TaskEvent::Verified(Err(STOPPED.into())),
        TaskCommand::PlanRepair => TaskEvent::Compared(Err(HOSTILE.into())),
        TaskCommand::ExportOffenders(path) => TaskEvent::OffendersExported(100, path),
        TaskCommand::Set(setting) => TaskEvent::SettingConfirmed(setting),
        TaskCommand::Retry(Selection::Ids(ids)) => TaskEvent::RetryStarted(ids),
        TaskCommand::RetryEdited(id, _) => TaskEvent::RetryFinished(id, Ok(())),
        TaskCommand::Skip(ids, _) => TaskEvent::Skipped(ids.len() as u64, true),
        TaskCommand::EmbedAgain(ids) => decided(Decision::EmbeddedAgain, ids),
        TaskCommand::KeepSourceVector(ids) => decided(Decision::Kept, ids),
        TaskCommand::Accept(ids, _) => decided(Decision::Accepted, ids),
        TaskCommand::Pause => TaskEvent::PhaseChanged(Phase::Paused),
        TaskCommand::Start | TaskCommand::Resume => TaskEvent::PhaseChanged(Phase::Running),
        _ => return None,
    })
}

#[test]
fn a_thousand_random_steps_break_no_frame() {
    let mut rng = StdRng::seed_from_u64(20_261_122);
    let contents: Vec<(Content, RecordDiff)> = Content::all()
        .into_iter()
        .map(|content| {
            let record = content.record();
            (content, record)
        })
        .collect();
    let mut scene = running();
    let (mut size, mut theme) = ((80, 24), COLORS);
    let mut wire = Wire::open(size);
    let (mut screens, mut overlays) = (BTreeSet::new(), BTreeSet::new());
    for step in 0..1_000 {
        // Where keys at random seldom lead.
        match step % 300 {
            149 => scene = running().press("q"),
            299 => scene = failures::editing(HOSTILE),
            _ => {}
        }
        if rng.random_bool(0.25) || [100, 200].contains(&step) {
            size = match step {
                100 => (1, 1),
                200 => (300, 100),
                _ => (rng.random_range(1..=300), rng.random_range(1..=100)),
            };
            theme = [COLORS, ASCII][rng.random_range(0..2_usize)];
            wire = Wire::open(size);
        }
        let (content, record) = &contents[rng.random_range(0..contents.len())];
        let message = any_message(&mut rng, &scene, size, content);
        let told: String = format!("{message:?}").chars().take(200).collect();
        let name = format!("step {step} at {size:?}: {told}");
        scene.now += Duration::from_millis(rng.random_range(0..2_000));
        let reach = ui::reach::reach(&scene.app, Rect::new(0, 0, size.0, size.1));
        scene = scene.take(Message::Reach(reach)).take(message);
        for command in std::mem::take(&mut scene.sent) {
            if rng.random_bool(0.97)
                && let Some(event) = answer(command, content, record)
            {
                scene = scene.event(event);
            }
        }
        let frame = wire.draw(&name, |frame| ui::draw(frame, &scene.app, &theme));
        assert_harmless(&frame, &name);
        screens.insert(scene.app.screen);
        overlays.extend(over(&scene.app));
    }
    assert_eq!(screens.len(), Screen::ALL.len(), "{screens:?}");
    assert_eq!(overlays.len(), 5, "{overlays:?}");
}
