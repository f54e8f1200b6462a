//! The set-up: every question, asked, tried, refused, and the file that comes of it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use qlance::app::setup::{Next, Setup, Step, Tried};
use qlance::tasks::setup::{CollectionChoice, FieldChoice, Refusal};
use qlance::ui;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::frame::{assert_says, boxes, find, row, style_of, text};
use super::hostile::{HOSTILE, SEQUENCES, tame};
use super::wire::Wire;
use super::{ASCII, COLORS, SIZES, Theme, assert_shows};

fn draw(setup: &Setup, theme: Theme, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend opens");
    terminal
        .draw(|frame| ui::setup::draw(frame, setup, &theme))
        .expect("a test backend draws");
    terminal.backend().buffer().clone()
}

fn assert_looks(setup: &Setup, name: &str) {
    for size in SIZES {
        assert_shows(&format!("setup_{name}"), size, &draw(setup, COLORS, size));
    }
}

fn press(setup: &mut Setup, code: KeyCode) -> Next {
    setup.key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// Clears the field, types, and presses Enter.
fn say(setup: &mut Setup, words: &str) -> Next {
    setup.key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
    for letter in words.chars() {
        press(setup, KeyCode::Char(letter));
    }
    press(setup, KeyCode::Enter)
}

fn collections(names: &[&str]) -> Vec<CollectionChoice> {
    let choice = |(place, name): (usize, &&str)| CollectionChoice {
        name: (*name).to_owned(),
        about: format!("{},000 points, 1536 numbers", 20 * (place + 1)),
        points: Some(20_000 * (place as u64 + 1)),
        vectors: vec![(String::new(), 1_536)],
    };
    names.iter().enumerate().map(choice).collect()
}

fn fields(names: &[&str]) -> Vec<FieldChoice> {
    let choice = |(place, name): (usize, &&str)| FieldChoice {
        name: (*name).to_owned(),
        share: 1.0 - place as f64 * 0.15,
        mean_chars: 120.0 / (place + 1) as f64,
    };
    names.iter().enumerate().map(choice).collect()
}

/// Up to the question which embedder there is.
fn at_the_embedder() -> Setup {
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(collections(&["messages", "archive", "drafts"]))));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&["content", "thread_id", "created_at"]))));
    press(&mut setup, KeyCode::Enter);
    press(&mut setup, KeyCode::Enter);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Target(Ok(())));
    assert_eq!(setup.step, Step::Embedder);
    setup
}

#[test]
fn every_question_of_the_set_up() {
    let mut setup = Setup::new();
    assert_looks(&setup, "url");
    say(&mut setup, "localhost");
    assert_looks(&setup, "url_refused");
    say(&mut setup, "https://qdrant.example.org:6334");
    assert_looks(&setup, "url_trying");
    let why = "nobody answers at https://qdrant.example.org:6334: connection refused; is it running, and is that its gRPC port (6334)?";
    setup.tried(Tried::Collections(Err(Refusal::Because(why.into()))));
    assert_looks(&setup, "url_unreachable");
    assert_eq!(
        style_of(&draw(&setup, COLORS, (120, 40)), "nobody answers").0,
        ratatui::style::Color::Red
    );
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(Refusal::NeedsKey(
        "Qdrant refuses the request without a key".into(),
    ))));
    assert_looks(&setup, "key");
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(collections(&["messages", "archive", "drafts"]))));
    assert_looks(&setup, "collection");
    press(&mut setup, KeyCode::Down);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(Vec::new())));
    assert_looks(&setup, "collection_without_text");
    press(&mut setup, KeyCode::Esc);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&["content", "thread_id", "created_at"]))));
    assert_looks(&setup, "content");
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "uri");
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "table");
    let setup = at_the_embedder();
    assert_looks(&setup, "embedder");
    assert_says(&text(&draw(&setup, COLORS, (80, 24))), "384 numbers, text only, free");
}

#[test]
fn what_came_of_an_answer_stands_right_under_it() {
    for size in SIZES {
        let under = |setup: &Setup, said: &str, answer: &str| {
            let screen = draw(setup, COLORS, size);
            assert_eq!(find(&screen, said).1, find(&screen, answer).1 + 1, "{size:?}: {said}");
        };
        let mut setup = Setup::new();
        say(&mut setup, "https://qdrant.example.org:6334");
        under(&setup, "trying ...", "> https://qdrant");
        setup.tried(Tried::Collections(Err(Refusal::Because("nobody answers".into()))));
        under(&setup, "nobody answers", "> https://qdrant");
        press(&mut setup, KeyCode::Enter);
        setup.tried(Tried::Collections(Ok(collections(&["messages", "archive", "drafts"]))));
        press(&mut setup, KeyCode::Enter);
        setup.tried(Tried::Fields(Err(Refusal::Because("it cannot be read".into()))));
        under(&setup, "it cannot be read", "drafts");
    }
}

#[test]
fn an_embedder_and_the_file_that_is_written() {
    let mut setup = at_the_embedder();
    press(&mut setup, KeyCode::Down);
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "base_url");
    press(&mut setup, KeyCode::Enter);
    let why = "cannot connect to the embedder: connection refused; is it running, and is that its address?";
    setup.tried(Tried::Server(Err(Refusal::Because(why.into()))));
    assert_looks(&setup, "base_url_unreachable");
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Server(Ok(())));
    assert_looks(&setup, "model");
    assert_says(
        &text(&draw(&setup, COLORS, (80, 24))),
        "a server at https://api.openai.com/v1",
    );
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "dimensions");
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "embedder_key");
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Embedder(Ok(1_536)));
    assert_looks(&setup, "review");
    assert_says(&text(&draw(&setup, COLORS, (80, 24))), "more lines below");
    let Next::Write(file) = press(&mut setup, KeyCode::Enter) else {
        panic!("Enter writes it")
    };
    // On the smallest screen all of it can be walked through.
    let mut seen = String::new();
    for _ in 0..file.lines().count() {
        seen.push_str(&text(&draw(&setup, COLORS, (80, 24))));
        press(&mut setup, KeyCode::Down);
    }
    for line in file.lines().filter(|line| !line.is_empty()) {
        assert_says(&seen, line);
    }
    assert_says(&seen, "more lines above");
}

#[test]
fn of_several_vectors_one_is_chosen() {
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    let mut several = collections(&["messages"]);
    several[0].vectors = vec![(String::new(), 1_536), ("title".into(), 384)];
    setup.tried(Tried::Collections(Ok(several)));
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "vector");
    press(&mut setup, KeyCode::Char('j'));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&["content"]))));
    assert_says(&text(&draw(&setup, COLORS, (80, 24))), "messages, vector \"title\"");
}

#[test]
fn a_collection_without_text_is_carried_over() {
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(collections(&["messages"]))));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(Vec::new())));
    for _ in 0..3 {
        press(&mut setup, KeyCode::Enter);
    }
    setup.tried(Tried::Target(Ok(())));
    assert_looks(&setup, "review_of_carrying");
    let Next::Write(file) = press(&mut setup, KeyCode::Enter) else {
        panic!("Enter writes it")
    };
    assert!(file.contains("\"carry\"") && !file.contains("\ncontent"), "{file}");
}

#[test]
fn a_key_back_from_the_end_of_the_file_is_seen() {
    let size = (80, 16);
    let mut setup = at_the_embedder();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Embedder(Ok(384)));
    let beyond = ui::setup::beyond(&setup, ratatui::layout::Rect::new(0, 0, size.0, size.1));
    assert!(beyond > 0, "not all of it fits");
    for _ in 0..60 {
        setup.hold(beyond);
        press(&mut setup, KeyCode::Down);
    }
    let end = text(&draw(&setup, COLORS, size));
    setup.hold(beyond);
    press(&mut setup, KeyCode::Up);
    assert_ne!(text(&draw(&setup, COLORS, size)), end);
}

#[test]
fn more_than_fits_can_be_chosen() {
    let many: Vec<String> = (0..200).map(|n| format!("collection-{n:03}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(collections(&many))));
    for _ in 0..120 {
        press(&mut setup, KeyCode::Down);
    }
    assert_says(&text(&draw(&setup, COLORS, (80, 24))), "collection-120");
    press(&mut setup, KeyCode::Esc);
    press(&mut setup, KeyCode::Enter);
}

/// The set-up at every question, with a text wherever servers, collections and those who type may put one.
fn of_text(text: &str) -> Vec<(&'static str, Setup)> {
    let because = || Refusal::Because(text.to_owned());
    let mut seen = Vec::new();
    let mut setup = Setup::new();
    for letter in text.chars().filter(|c| !c.is_control()).take(200) {
        press(&mut setup, KeyCode::Char(letter));
    }
    seen.push(("typed", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    seen.push(("typed and refused", setup));
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(because())));
    seen.push(("no collections", setup.clone()));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(Refusal::NeedsKey(text.to_owned()))));
    seen.push(("a key", setup.clone()));
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
                for line in [0, size.1 - 1] {
                    assert_eq!(row(&drawn, line), row(&plain, line), "{name}");
                }
            }
        }
    }
}

#[test]
fn any_keys_on_any_terminal() {
    let mut rng = StdRng::seed_from_u64(11);
    let mut setup = Setup::new();
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
            setup = Setup::new();
        }
        if setup.trying && rng.random_bool(0.7) {
            let why = || Refusal::Because(HOSTILE.into());
            setup.tried(match setup.step {
                Step::Url | Step::SourceKey if rng.random_bool(0.8) => {
                    Tried::Collections(Ok(collections(&[HOSTILE, "b"])))
                }
                Step::Url | Step::SourceKey => Tried::Collections(Err(Refusal::NeedsKey("no key".into()))),
                Step::Collection if rng.random_bool(0.6) => Tried::Fields(Ok(fields(&[HOSTILE, "content"]))),
                Step::Collection if rng.random_bool(0.5) => Tried::Fields(Ok(Vec::new())),
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
