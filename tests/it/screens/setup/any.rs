//! The set-up with texts of any kind, and under any keys.

use crossterm::event::KeyCode;
use qlance::app::setup::{Next, Setup, Step, Tried};
use qlance::tasks::setup::Refusal;
use qlance::ui;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::super::frame::{boxes, row, text};
use super::super::hostile::{HOSTILE, SEQUENCES, tame};
use super::super::wire::Wire;
use super::super::{ASCII, COLORS, SIZES};
use super::{begun, collections, draw, fields, press};

/// The set-up at every question, with a text wherever servers, collections and those who type may put one.
fn of_text(text: &str) -> Vec<(&'static str, Setup)> {
    let because = || Refusal::Because(text.to_owned());
    let mut seen = Vec::new();
    let mut setup = begun();
    for letter in text.chars().filter(|c| !c.is_control()).take(200) {
        press(&mut setup, KeyCode::Char(letter));
    }
    seen.push(("typed", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    seen.push(("typed and refused", setup));
    let mut setup = begun();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(because())));
    seen.push(("no collections", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(Refusal::NeedsKey(text.to_owned()))));
    seen.push(("a key", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(Refusal::NeedsKey(text.to_owned()))));
    seen.push(("a key refused", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    let mut several = collections(&[text, "archive"]);
    text.clone_into(&mut several[0].about);
    several[0].vectors = vec![(text.to_owned(), 1_536), ("title".into(), 384)];
    setup.tried(Tried::Collections(Ok(several)));
    seen.push(("collections", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    seen.push(("vectors", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Err(because())));
    seen.push(("no fields", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&[text, "content"]))));
    seen.push(("fields", setup.clone()));
    for _ in 0..3 {
        press(&mut setup, KeyCode::Enter);
    }
    setup.tried(Tried::Target(Err(because())));
    seen.push(("no table", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Target(Ok(())));
    seen.push(("the embedder", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Embedder(Err(because())));
    seen.push(("no embedder", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Embedder(Ok(384)));
    seen.push(("the file", setup));
    seen
}

#[test]
fn hostile_names_are_written_as_text_and_move_no_pane() {
    for strange in [HOSTILE.to_owned(), SEQUENCES.to_owned(), HOSTILE.repeat(50)] {
        let (states, plain) = (of_text(&strange), of_text(&tame(&strange)));
        for size in SIZES {
            let mut wire = Wire::open(size);
            for ((place, setup), (_, plain)) in states.iter().zip(&plain) {
                let name = format!("{place} of {} characters at {size:?}", strange.chars().count());
                wire.draw(&name, |frame| ui::setup::draw(frame, setup, &ASCII));
                let drawn = wire.draw(&name, |frame| ui::setup::draw(frame, setup, &COLORS));
                let plain = draw(plain, COLORS, size);
                assert!(boxes(&plain).is_subset(&boxes(&drawn)), "{name}:\n{}", text(&drawn));
                // Escaped in the file a text takes other lines, and more of them may lie below.
                let footer = (*place != "the file").then_some(size.1 - 1);
                for line in [Some(0), footer].into_iter().flatten() {
                    assert_eq!(row(&drawn, line), row(&plain, line), "{name}");
                }
            }
        }
    }
}

#[test]
fn any_keys_on_any_terminal() {
    let mut rng = StdRng::seed_from_u64(11);
    let mut setup = begun();
    let codes = [
        KeyCode::Enter,
        KeyCode::Enter,
        KeyCode::Up,
        KeyCode::Down,
        KeyCode::Left,
        KeyCode::Backspace,
        KeyCode::PageDown,
        KeyCode::End,
    ];
    for _ in 0..1_000 {
        let code = match rng.random_range(0..8) {
            0 => KeyCode::Char(['x', '日', '\u{202e}', '\u{200d}'][rng.random_range(0..4_usize)]),
            1 if rng.random_bool(0.2) => KeyCode::Esc,
            _ => codes[rng.random_range(0..codes.len())],
        };
        if let Next::Leave = press(&mut setup, code) {
            setup = begun();
        }
        if setup.trying && rng.random_bool(0.7) {
            let why = || Refusal::Because(HOSTILE.into());
            setup.tried(match setup.step {
                Step::Url | Step::SourceKey if rng.random_bool(0.8) => {
                    Tried::Collections(Ok(collections(&[HOSTILE, "b"])))
                }
                Step::Url | Step::SourceKey => Tried::Collections(Err(Refusal::NeedsKey("no key".into()))),
                Step::Collection if rng.random_bool(0.6) => Tried::Fields(Ok(fields(&[HOSTILE, "content"]))),
                Step::Collection if rng.random_bool(0.5) => Tried::Fields(Ok(fields(&[]))),
                Step::Collection => Tried::Fields(Err(why())),
                Step::BaseUrl => Tried::Server(Ok(())),
                Step::Table => Tried::Target(Ok(())),
                _ if rng.random_bool(0.8) => Tried::Embedder(Ok(8)),
                _ => Tried::Embedder(Err(why())),
            });
        }
        let size = (rng.random_range(1..=300), rng.random_range(1..=100));
        Wire::open(size).draw("the set-up", |frame| ui::setup::draw(frame, &setup, &COLORS));
    }
}
