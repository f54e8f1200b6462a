//! What any contents leave as it is: the line to the terminal carries text, the terminal shows what was drawn, and the
//! panes, the tabs and the keys stand where they stand around plain letters. Copied texts too.

use crossterm::clipboard::CopyToClipboard;
use crossterm::execute;
use qlance::app::{Effect, Message};
use qlance::ui;
use serde_json::json;

use super::super::frame::{boxes, row, text};
use super::super::wire::Wire;
use super::super::{ASCII, COLORS, SIZES, Scene, diff, payload};
use super::{Content, HOSTILE};

/// Boxes that are as high as what is in them.
const SIZED: [&str; 7] = [
    "why it waits",
    "the palette",
    "a search without Qdrant",
    "a question about it",
    "a condition refused",
    "an id refused",
    "no verification",
];
/// Columns of the last keys of the footer.
const LAST_KEYS: usize = 8;

#[test]
fn only_text_is_written_and_the_terminal_shows_what_was_drawn() {
    for content in Content::all() {
        let scenes = content.scenes();
        let sizes = SIZES.map(|size| (size, COLORS));
        for (size, theme) in sizes.into_iter().chain([((80, 24), ASCII)]) {
            let mut wire = Wire::open(size);
            for (place, scene) in &scenes {
                let name = format!("{} in {place} at {size:?}", content.name);
                wire.draw(&name, |frame| ui::draw(frame, &scene.app, &theme));
            }
        }
    }
}

#[test]
fn panes_tabs_and_keys_stand_where_they_stand_around_plain_letters() {
    let mut seen = 0;
    for content in Content::all() {
        let plain = content.tamed().scenes();
        for ((place, scene), (_, plain)) in content.scenes().into_iter().zip(plain) {
            // A character and three thousand marks are edited as several lines, a letter as one.
            let is_sized = SIZED.contains(&place) || content.name == "piled" && place.starts_with("the editor");
            if is_sized {
                continue;
            }
            for size in SIZES {
                seen += assert_stands(
                    &scene,
                    &plain,
                    size,
                    &format!("{} in {place} at {size:?}", content.name),
                );
            }
        }
    }
    assert!(seen > 1_000, "only {seen} boxes were seen");
}

/// Compares the frame of a scene with that of the same scene around plain letters; answers how many boxes it has.
#[track_caller]
fn assert_stands(scene: &Scene, plain: &Scene, size: (u16, u16), name: &str) -> usize {
    let (drawn, plain) = (scene.draw(COLORS, size), plain.draw(COLORS, size));
    let (found, wanted) = (boxes(&drawn), boxes(&plain));
    assert!(
        wanted.is_subset(&found),
        "{name}: no box at {:?}\n{}{}",
        wanted.difference(&found).collect::<Vec<_>>(),
        text(&drawn),
        text(&plain)
    );
    assert!(row(&drawn, 0).starts_with(" qlance  "), "{name}:\n{}", text(&drawn));
    assert_eq!(row(&drawn, 1), row(&plain, 1), "{name}: the tabs");
    let last_keys = |frame: &ratatui::buffer::Buffer| -> String {
        let line: Vec<char> = row(frame, size.1 - 1).chars().collect();
        line[line.len().saturating_sub(LAST_KEYS)..].iter().collect()
    };
    assert_eq!(
        last_keys(&drawn),
        last_keys(&plain),
        "{name}: the last keys\n{}",
        text(&drawn)
    );
    wanted.len()
}

/// What a terminal is sent for a text that is copied.
fn sequence(copied: &str) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    execute!(bytes, CopyToClipboard::to_clipboard_from(copied)).expect("bytes are taken");
    String::from_utf8(bytes).expect("UTF-8 is written")
}

/// What is copied of the first field of a pair whose sides hold these values.
fn copied(left: &str, right: &str) -> Vec<String> {
    let pair = diff::compared(payload(json!({ "a": left })), payload(json!({ "a": right })));
    let mut scene = diff::listed().press("\n").reading_pair(pair);
    let key = crossterm::event::KeyCode::Char('Y').into();
    let effects = scene.app.update(Message::Key(key), scene.now);
    let texts = effects.into_iter().filter_map(|effect| match effect {
        Effect::Copy(text) => Some(text),
        _ => None,
    });
    texts.collect()
}

#[test]
fn a_copied_text_is_sent_in_letters_and_digits_and_not_without_end() {
    for (left, right) in [(HOSTILE, HOSTILE), (HOSTILE, "plain")] {
        let texts = copied(left, right);
        let [text] = &texts[..] else {
            panic!("{texts:?} is not one text")
        };
        let written = sequence(text);
        let inner = written
            .strip_prefix("\u{1b}]52;c;")
            .and_then(|rest| rest.strip_suffix("\u{1b}\\"));
        let inner = inner.unwrap_or_else(|| panic!("{written:?} is another sequence"));
        let is_base64 = |c: char| c.is_ascii_alphanumeric() || ['+', '/', '='].contains(&c);
        assert!(inner.chars().all(is_base64), "{inner:?}");
    }
    let huge = HOSTILE.repeat((5 << 20) / HOSTILE.len());
    assert_eq!(copied(&huge, &huge), Vec::<String>::new());
    assert_eq!(copied(&huge, "plain"), Vec::<String>::new());
    // The largest that is sent is one that common terminals take.
    let largest = "x".repeat(73_900);
    assert!(sequence(&copied(&largest, &largest)[0]).len() < 100_000);
    // Beside it stands an id, which is a number or a UUID.
    let mut scene = diff::listed();
    let key = crossterm::event::KeyCode::Char('y').into();
    let effects = scene.app.update(Message::Key(key), scene.now);
    assert_eq!(effects, [Effect::Copy("17".into())]);
}
