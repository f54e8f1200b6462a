//! The set-up: every question, asked, tried, refused, and the file that comes of it.

mod any;

use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use qlance::app::setup::{Next, Setup, Step, Tried};
use qlance::qdrant::SourceError;
use qlance::tasks::setup::{CollectionChoice, FieldChoice, Refusal, Sampled};
use qlance::ui;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::frame::{assert_says, find, row, style_of, text};
use super::{COLORS, SIZES, Theme, assert_shows};

const QDRANT: &str = "https://qdrant.example.org:6334";

fn begun() -> Setup {
    Setup::new(Path::new("qlance.toml"))
}

fn draw(setup: &Setup, theme: Theme, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend opens");
    terminal
        .draw(|frame| ui::setup::draw(frame, setup, &theme))
        .expect("a test backend draws");
    terminal.backend().buffer().clone()
}

fn assert_looks(setup: &Setup, name: &str) {
    for size in SIZES {
        let buffer = draw(setup, COLORS, size);
        // Behind the last letter stands a blank: nothing of it is cut.
        find(&buffer, &format!("> {} ", setup.question()));
        assert_shows(&format!("setup_{name}"), size, &buffer);
    }
}

/// What the program says of Qdrant where it does not answer.
fn no_qdrant() -> Refusal {
    let error = SourceError::Unreachable {
        url: QDRANT.into(),
        message: "the connection is refused; check that the server runs, and that source.url names its gRPC port \
                  (6334 by default)"
            .into(),
    };
    anyhow::Error::from(error).into()
}

/// What it says where Qdrant does not take the key.
fn no_key() -> Refusal {
    let error = SourceError::Refused {
        url: QDRANT.into(),
        message: "Invalid API key or JWT".into(),
    };
    anyhow::Error::from(error).into()
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
    let choice = |(place, name): (usize, &&str)| {
        let points = 20_000 * (place as u64 + 1);
        CollectionChoice::looked_at((*name).to_owned(), points, vec![(String::new(), 1_536)])
    };
    names.iter().enumerate().map(choice).collect()
}

fn fields(names: &[&str]) -> Sampled {
    let choice = |(place, name): (usize, &&str)| FieldChoice {
        name: (*name).to_owned(),
        share: 1.0 - place as f64 * 0.15,
        mean_chars: 120.0 / (place + 1) as f64,
    };
    Sampled {
        points: 200,
        fields: names.iter().enumerate().map(choice).collect(),
    }
}

/// Up to the question which embedder there is.
fn at_the_embedder() -> Setup {
    let mut setup = begun();
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
    let mut setup = begun();
    assert_looks(&setup, "url");
    say(&mut setup, "localhost");
    assert_looks(&setup, "url_refused");
    say(&mut setup, QDRANT);
    assert_looks(&setup, "url_trying");
    setup.tried(Tried::Collections(Err(no_qdrant())));
    assert_looks(&setup, "url_unreachable");
    let screen = draw(&setup, COLORS, (120, 40));
    assert_eq!(style_of(&screen, "does not answer").0, Color::Red);
    // There is no file with settings yet.
    assert!(no_qdrant().why().contains("that the address names its gRPC port"));
    assert!(no_key().why().ends_with("; name the variable that holds the right one"));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(no_key())));
    assert_looks(&setup, "key");
    assert!(!text(&draw(&setup, COLORS, (80, 24))).contains("refuses the key"));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Err(no_key())));
    assert_looks(&setup, "key_refused");
    let screen = draw(&setup, COLORS, (120, 40));
    assert_eq!(style_of(&screen, "refuses the key").0, Color::Red);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(collections(&["messages", "archive", "drafts"]))));
    assert_looks(&setup, "collection");
    press(&mut setup, KeyCode::Down);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&[]))));
    assert_looks(&setup, "collection_without_text");
    press(&mut setup, KeyCode::Esc);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&["content", "thread_id", "created_at"]))));
    assert_looks(&setup, "content");
    assert_says(
        &text(&draw(&setup, COLORS, (80, 24))),
        "content     in 100 % of a sample, mean 120 characters ",
    );
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "uri");
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "table");
    let setup = at_the_embedder();
    assert_looks(&setup, "embedder");
    let screen = text(&draw(&setup, COLORS, (80, 24)));
    assert_says(&screen, "384 numbers, text only, free");
    assert_says(&screen, "collection  messages, 1,536 numbers ");
}

#[test]
fn what_came_of_an_answer_stands_right_under_it() {
    for size in SIZES {
        let under = |setup: &Setup, said: &str, answer: &str| {
            let screen = draw(setup, COLORS, size);
            assert_eq!(find(&screen, said).1, find(&screen, answer).1 + 1, "{size:?}: {said}");
        };
        let mut setup = begun();
        say(&mut setup, QDRANT);
        under(&setup, "trying, 60 s at most ...", "> https://qdrant");
        setup.tried(Tried::Collections(Err(no_qdrant())));
        under(&setup, "Qdrant at", "> https://qdrant");
        press(&mut setup, KeyCode::Enter);
        setup.tried(Tried::Collections(Ok(collections(&["messages", "archive", "drafts"]))));
        press(&mut setup, KeyCode::Enter);
        setup.tried(Tried::Fields(Err(Refusal::Because("it cannot be read".into()))));
        under(&setup, "it cannot be read", "drafts");
    }
}

#[test]
fn the_footer_offers_what_does_something() {
    let size = (80, 24);
    let offers = |setup: &Setup, keys: &str| {
        let screen = draw(setup, COLORS, size);
        assert_eq!(row(&screen, size.1 - 1).trim_end(), keys);
        for key in ["Enter ", "Up Down", "Esc", "Ctrl-C"] {
            if let Some(place) = keys.find(key) {
                let cell = &screen[(place as u16, size.1 - 1)];
                assert_eq!((cell.fg, cell.modifier), (Color::Cyan, Modifier::empty()), "{key}");
            }
        }
    };
    let is_reversed = |setup: &Setup| {
        let screen = draw(setup, COLORS, size);
        let cells = screen.content();
        cells.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED))
    };
    let leaves = "leaves, nothing is written";
    let mut setup = begun();
    offers(&setup, &format!(" Enter goes on  Esc Ctrl-C {leaves}"));
    assert!(is_reversed(&setup), "the cursor");
    press(&mut setup, KeyCode::Enter);
    offers(&setup, &format!(" Esc Ctrl-C {leaves}"));
    assert!(!is_reversed(&setup), "nothing is typed while it is tried");
    setup.tried(Tried::Collections(Ok(collections(&["messages", "archive"]))));
    offers(
        &setup,
        &format!(" Enter goes on  Up Down choose  Esc back  Ctrl-C {leaves}"),
    );
    assert!(is_reversed(&setup), "the chosen one");
    press(&mut setup, KeyCode::Enter);
    offers(&setup, &format!(" Esc back  Ctrl-C {leaves}"));
    assert!(!is_reversed(&setup), "nothing is chosen while it is tried");
    setup.tried(Tried::Fields(Ok(fields(&["content"]))));
    offers(&setup, &format!(" Enter goes on  Esc back  Ctrl-C {leaves}"));
    for _ in 0..3 {
        press(&mut setup, KeyCode::Enter);
    }
    setup.tried(Tried::Target(Ok(())));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Embedder(Ok(384)));
    offers(
        &setup,
        &format!(" Enter writes it  Up Down scroll  Esc back  Ctrl-C {leaves}"),
    );
    let screen = draw(&setup, COLORS, (120, 60));
    assert!(!row(&screen, 59).contains("scroll"), "all of it is seen");
}

#[test]
fn the_file_is_named_and_every_character_of_a_long_answer_is_seen() {
    let url = format!("https://{}.example.org:6334", "qdrant-".repeat(20));
    let mut setup = Setup::new(Path::new("conf/choir.toml"));
    say(&mut setup, &url);
    setup.tried(Tried::Collections(Ok(collections(&["messages"]))));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&[]))));
    for _ in 0..3 {
        press(&mut setup, KeyCode::Enter);
    }
    let screen = text(&draw(&setup, COLORS, (80, 24)));
    assert_says(&screen, "there is no conf/choir.toml yet: a few questions");
    assert_says(&screen, "embedder    carry vectors over");
    setup.tried(Tried::Target(Ok(())));
    assert_eq!(setup.step, Step::Review);
    let screen = text(&draw(&setup, COLORS, (80, 24)));
    assert_says(
        &screen,
        "This will be written to conf/choir.toml, then the plan is shown ",
    );
    let lines = screen.lines().map(|line| line.trim_matches('│').trim_end());
    assert_says(&lines.collect::<String>(), &url);
}

#[test]
fn an_embedder_and_the_file_that_is_written() {
    let mut setup = at_the_embedder();
    press(&mut setup, KeyCode::Down);
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "base_url");
    press(&mut setup, KeyCode::Enter);
    let why = "cannot connect to the embedder: connection refused; is it running, and is that its address?";
    setup.tried(Tried::Server(Err(Refusal::Unreachable(why.into()))));
    assert_looks(&setup, "base_url_unreachable");
    let screen = text(&draw(&setup, COLORS, (80, 24)));
    assert_says(&screen, "embedder    a server ");
    assert!(!screen.contains("a server at"), "it was not reached:\n{screen}");
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
    setup.tried(Tried::Embedder(Err(Refusal::OtherSize {
        why: "it answers with 3,072 numbers, not 1,536; go on with 3072".into(),
        size: 3_072,
    })));
    assert_looks(&setup, "dimensions_refused");
    say(&mut setup, "1536");
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
    let mut setup = begun();
    press(&mut setup, KeyCode::Enter);
    let mut several = collections(&["messages"]);
    several[0] = CollectionChoice::looked_at(
        "messages".into(),
        1,
        vec![(String::new(), 1_536), ("title".into(), 384)],
    );
    setup.tried(Tried::Collections(Ok(several)));
    press(&mut setup, KeyCode::Enter);
    assert_looks(&setup, "vector");
    press(&mut setup, KeyCode::Char('j'));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&["content"]))));
    assert_says(
        &text(&draw(&setup, COLORS, (80, 24))),
        "messages, vector title, 384 numbers",
    );
    press(&mut setup, KeyCode::Esc);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&["content"]))));
    assert_says(
        &text(&draw(&setup, COLORS, (80, 24))),
        "messages, vector (unnamed), 1,536 numbers",
    );
}

#[test]
fn a_collection_without_text_is_carried_over() {
    let mut setup = begun();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(collections(&["messages"]))));
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields(&[]))));
    for _ in 0..3 {
        press(&mut setup, KeyCode::Enter);
    }
    setup.tried(Tried::Target(Ok(())));
    assert_looks(&setup, "review_of_carrying");
    let Next::Write(file) = press(&mut setup, KeyCode::Enter) else {
        panic!("Enter writes it")
    };
    assert!(file.contains("\"carry\"") && !file.contains("\ncontent"), "{file}");
    assert!(!file.contains("divergen"), "nothing is embedded: {file}");
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
    let mut setup = begun();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(collections(&many))));
    for _ in 0..120 {
        press(&mut setup, KeyCode::Down);
    }
    assert_says(&text(&draw(&setup, COLORS, (80, 24))), "collection-120");
    press(&mut setup, KeyCode::Esc);
    press(&mut setup, KeyCode::Enter);
}
