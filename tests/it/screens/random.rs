//! A long walk at random: keys, clicks, pastes, events and answers on terminals of any size.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use qlance::app::Message;
use qlance::journal::{Decision, FailureRow};
use qlance::lance::browse::Band;
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

use super::frame::text;
use super::hostile::{Content, HOSTILE, assert_harmless};
use super::migrate::{half_way, plan, running, similarities};
use super::{ASCII, COLORS, Scene, diff, divergence, failures, verify};

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
const LETTERS: &[u8] = b"1234567234523456jkhlgvGprsuedoRKEany/:?q fw[]<>{}+-c$bmtiyYxz0.";

fn any_key(rng: &mut StdRng) -> KeyEvent {
    let code = if rng.random_bool(0.4) {
        CODES[rng.random_range(0..CODES.len())]
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
    let kind = match rng.random_range(0..4) {
        0 => MouseEventKind::ScrollDown,
        1 => MouseEventKind::ScrollUp,
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

fn any_event(rng: &mut StdRng) -> TaskEvent {
    let id = failures::rows()[rng.random_range(0..12_usize)].id;
    let error = || HOSTILE.to_owned();
    match rng.random_range(0..18) {
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

fn any_message(rng: &mut StdRng, scene: &Scene, size: (u16, u16)) -> Message {
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
        _ => Message::Event(any_event(rng)),
    }
}

/// What the work would say to a command.
fn answer(command: TaskCommand, content: &Content) -> Option<TaskEvent> {
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
            rows: failures::rows().into_iter().skip(offset as usize).collect(),
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
            rows: divergence::rows(),
        },
        TaskCommand::Inspect(id) => TaskEvent::Inspected(Box::new(PointDetail {
            id,
            ..content.inspected()
        })),
        TaskCommand::SamplePairs(of) => TaskEvent::PairsSampled(of, diff::pairs()),
        TaskCommand::ReadPair(id) => TaskEvent::PairRead(Box::new(RecordDiff { id, ..diff::record() })),
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
    let content = Content::of_text("escapes", HOSTILE.into());
    let mut scene = running();
    let mut size = (80, 24);
    for step in 0..1_000 {
        if rng.random_bool(0.25) {
            size = (rng.random_range(1..=300), rng.random_range(1..=100));
        }
        let message = any_message(&mut rng, &scene, size);
        let name = format!("step {step} at {size:?}: {message:?}");
        scene.now += Duration::from_millis(rng.random_range(0..2_000));
        scene = scene.take(message);
        for command in std::mem::take(&mut scene.sent) {
            if rng.random_bool(0.97)
                && let Some(event) = answer(command, &content)
            {
                scene = scene.event(event);
            }
        }
        let theme = if step % 2 == 0 { COLORS } else { ASCII };
        let frame = scene.draw(theme, size);
        assert_harmless(&frame, &name);
        assert_eq!(text(&frame).lines().count(), usize::from(size.1), "{name}");
    }
}
