//! The README says what the program does: its key table is the registry's, its pictures are the screens'.
//!
//! `QLANCE_UPDATE_DOCS=1 cargo test --test it docs` writes both anew; without it, these tests say when they are stale.

use std::path::{Path, PathBuf};

use qlance::app::Screen;
use qlance::app::actions::{ACTIONS, Action, ActionId};
use qlance::point::verdict::THRESHOLDS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Compares a file's text with what it should be, or writes it.
fn assert_current(path: &Path, wanted: &str) {
    if std::env::var_os("QLANCE_UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, wanted).expect("written");
        return;
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        found == wanted,
        "{} is stale; QLANCE_UPDATE_DOCS=1 cargo test --test it docs makes it anew",
        path.display()
    );
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn row(action: &Action) -> String {
    let keys: Vec<String> = action.keys.iter().map(|key| format!("`{}`", cell(key))).collect();
    let screens = if action.screens.is_empty() {
        "all".to_owned()
    } else {
        action
            .screens
            .iter()
            .map(|screen| screen.title())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let commands: Vec<String> = action
        .commands
        .iter()
        .map(|command| format!("`{}`", cell(command)))
        .collect();
    format!(
        "| {} | {screens} | `{}` | {} | {} |",
        keys.join(" "),
        action.name,
        cell(&action.sentence()),
        commands.join(", ")
    )
}

/// The table of all keys, everywhere first, then screen by screen.
fn keys() -> String {
    let mut lines = vec![
        "| key | screen | action | what it does | `qlance ...` |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    lines.extend(ACTIONS.iter().filter(|action| action.screens.is_empty()).map(row));
    for (screen, _) in Screen::ALL {
        let first = |action: &&Action| action.screens.first() == Some(&screen);
        lines.extend(ACTIONS.iter().filter(first).map(row));
    }
    lines.join("\n")
}

#[test]
fn the_key_table_is_the_registrys() {
    assert!(ACTIONS.iter().any(|action| action.id == ActionId::Quit));
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).expect("a README");
    let (before, rest) = readme.split_once("<!-- keys:").expect("the mark of the table");
    let (mark, rest) = rest.split_once("-->").expect("the end of the mark");
    let (_, after) = rest.split_once("<!-- /keys -->").expect("the end of the table");
    let wanted = format!("{before}<!-- keys:{mark}-->\n\n{}\n\n<!-- /keys -->{after}", keys());
    assert_current(&path, &wanted);
}

#[test]
fn the_thresholds_are_those_that_are_judged_by() {
    let mut lines = vec![
        "| check | figure | wanted | from |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    lines.extend(THRESHOLDS.iter().map(|threshold| {
        let (check, what) = (threshold.check, threshold.what);
        format!("| {check} | {what} | {} | {} |", threshold.text(), threshold.source)
    }));
    let path = root().join("docs/verification.md");
    let text = std::fs::read_to_string(&path).expect("the page");
    let (before, rest) = text.split_once("<!-- thresholds:").expect("the mark of the table");
    let (mark, rest) = rest.split_once("-->").expect("the end of the mark");
    let (_, after) = rest.split_once("<!-- /thresholds -->").expect("the end of the table");
    let table = lines.join("\n");
    let wanted = format!("{before}<!-- thresholds:{mark}-->\n\n{table}\n\n<!-- /thresholds -->{after}");
    assert_current(&path, &wanted);
}

#[test]
fn the_pictures_are_the_screens() {
    for (name, picture) in crate::screens::pictures() {
        assert_current(&root().join("docs/pictures").join(format!("{name}.svg")), &picture);
    }
}
