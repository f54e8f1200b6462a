//! The one registry of actions: name, keys, texts, where it applies and why not just now. The footer, the help and the
//! README's table are made from it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::{App, Screen};
use crate::tasks::Phase;

/// A way through a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    /// One up.
    Up,
    /// One down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first.
    Top,
    /// To the last.
    Bottom,
}

/// What can be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionId {
    /// Leave.
    Quit,
    /// Open help.
    Help,
    /// Give the terminal back until `fg`.
    Suspend,
    /// Show a screen.
    Show(Screen),
    /// The next screen.
    NextScreen,
    /// The previous screen.
    PreviousScreen,
    /// Pause or go on.
    PauseOrResume,
    /// More requests in flight.
    Faster,
    /// Fewer requests in flight.
    Slower,
    /// Move in a list.
    Move(Motion),
    /// Open what is selected.
    Open,
    /// One step back.
    Back,
    /// Filter the list.
    Filter,
    /// Mark what is selected.
    Mark,
    /// Retry the marked, or the selected.
    Retry,
    /// Retry all that the filter shows.
    RetryAll,
    /// Give up the marked, or the selected.
    Skip,
    /// Take a skip back.
    Unskip,
    /// Copy the id.
    CopyId,
}

/// One row of the registry.
#[derive(Debug)]
pub struct Action {
    /// What it is.
    pub id: ActionId,
    /// Its name in kebab-case.
    pub name: &'static str,
    /// Its keys, as they are shown.
    pub keys: &'static [&'static str],
    /// A word or two for the footer.
    pub short: &'static str,
    /// A sentence for help.
    pub long: &'static str,
    /// The screen it belongs to; `None` is everywhere.
    pub screen: Option<Screen>,
    /// Whether the footer shows it.
    pub in_footer: bool,
    /// Whether it asks before it acts.
    pub dangerous: bool,
    /// Why it does not apply just now.
    pub available: fn(&App) -> Result<(), &'static str>,
}

fn always(_: &App) -> Result<(), &'static str> {
    Ok(())
}

fn can_pause(app: &App) -> Result<(), &'static str> {
    match app.phase {
        Phase::Running | Phase::Paused | Phase::Pausing | Phase::Stopped(_) => Ok(()),
        Phase::Connecting => Err("not connected yet"),
        Phase::Stopping => Err("it is stopping"),
        Phase::Finishing(_) => Err("all points are over; the table is being finished"),
        Phase::Complete => Err("it is complete"),
        Phase::Failed(_) => Err("it could not begin"),
    }
}

fn embeds(app: &App) -> Result<(), &'static str> {
    match app.phase {
        Phase::Running | Phase::Paused | Phase::Pausing => Ok(()),
        _ => Err("nothing is running"),
    }
}

fn has_chosen(app: &App) -> Result<(), &'static str> {
    if app.failures.chosen().is_empty() {
        Err("no failed point is selected")
    } else {
        Ok(())
    }
}

fn has_failures(app: &App) -> Result<(), &'static str> {
    if !app.failures.is_current() {
        return Err("the journal is being read");
    }
    if app.failures.total() == 0 {
        Err("there are no failures")
    } else {
        Ok(())
    }
}

fn has_selected(app: &App) -> Result<(), &'static str> {
    if app.failures.selected().is_none() {
        Err("nothing is selected")
    } else {
        Ok(())
    }
}

const EVERYWHERE: Option<Screen> = None;
const FAILURES: Option<Screen> = Some(Screen::Failures);

macro_rules! action {
    ($id:expr, $name:literal, [$($key:literal),*], $short:literal, $long:literal, $screen:expr, $footer:literal, $danger:literal, $when:expr) => {
        Action {
            id: $id,
            name: $name,
            keys: &[$($key),*],
            short: $short,
            long: $long,
            screen: $screen,
            in_footer: $footer,
            dangerous: $danger,
            available: $when,
        }
    };
}

/// Every action there is, in the order of the footer and of help.
pub static ACTIONS: &[Action] = &[
    action!(
        ActionId::PauseOrResume,
        "pause-or-resume",
        ["p"],
        "pause/resume",
        "Pause: start nothing new, finish what is in flight. Again: go on, also after an outage stopped the run.",
        Some(Screen::Migrate),
        true,
        false,
        can_pause
    ),
    action!(
        ActionId::Faster,
        "more-in-flight",
        ["+", "="],
        "faster",
        "Allow more embedding requests in flight.",
        Some(Screen::Migrate),
        true,
        false,
        embeds
    ),
    action!(
        ActionId::Slower,
        "fewer-in-flight",
        ["-"],
        "slower",
        "Allow fewer embedding requests in flight.",
        Some(Screen::Migrate),
        true,
        false,
        embeds
    ),
    action!(
        ActionId::Open,
        "open",
        ["Enter"],
        "open",
        "Show the whole error, every attempt and the payload.",
        FAILURES,
        true,
        false,
        has_selected
    ),
    action!(
        ActionId::Mark,
        "mark",
        ["Space"],
        "mark",
        "Mark the point, for retrying or skipping several.",
        FAILURES,
        true,
        false,
        has_selected
    ),
    action!(
        ActionId::Retry,
        "retry",
        ["r"],
        "retry",
        "Try the marked points again, or the selected one.",
        FAILURES,
        true,
        false,
        has_chosen
    ),
    action!(
        ActionId::RetryAll,
        "retry-all",
        ["R"],
        "retry all",
        "Try all failed points again that the filter shows.",
        FAILURES,
        true,
        true,
        has_failures
    ),
    action!(
        ActionId::Skip,
        "skip",
        ["s"],
        "skip",
        "Give the marked points up, or the selected one.",
        FAILURES,
        true,
        true,
        has_chosen
    ),
    action!(
        ActionId::Unskip,
        "unskip",
        ["u"],
        "undo skip",
        "Take the skip of the marked points back, or of the selected one.",
        FAILURES,
        false,
        false,
        has_chosen
    ),
    action!(
        ActionId::Filter,
        "filter",
        ["/"],
        "filter",
        "Show only failures whose id, class or message holds a text. Esc shows all again.",
        FAILURES,
        true,
        false,
        always
    ),
    action!(
        ActionId::CopyId,
        "copy-id",
        ["y"],
        "copy id",
        "Put the point's id into the terminal's clipboard.",
        FAILURES,
        false,
        false,
        has_selected
    ),
    action!(
        ActionId::Back,
        "back",
        ["Esc"],
        "back",
        "Close what is open, else clear the filter, else drop the marks.",
        FAILURES,
        false,
        false,
        always
    ),
    action!(
        ActionId::Move(Motion::Down),
        "down",
        ["Down", "j"],
        "down",
        "One line down.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Move(Motion::Up),
        "up",
        ["Up", "k"],
        "up",
        "One line up.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Move(Motion::PageDown),
        "page-down",
        ["PgDn"],
        "page down",
        "A page down.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Move(Motion::PageUp),
        "page-up",
        ["PgUp"],
        "page up",
        "A page up.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Move(Motion::Top),
        "top",
        ["g", "Home"],
        "top",
        "To the first line.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Move(Motion::Bottom),
        "bottom",
        ["G", "End"],
        "bottom",
        "To the last line.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Show(Screen::Migrate),
        "show-migrate",
        ["1"],
        "Migrate",
        "Progress of the migration.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Show(Screen::Failures),
        "show-failures",
        ["3"],
        "Failures",
        "Points that could not be carried over.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Show(Screen::Log),
        "show-log",
        ["7"],
        "Log",
        "What happened.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::NextScreen,
        "next-screen",
        ["Tab"],
        "next",
        "The next screen.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::PreviousScreen,
        "previous-screen",
        ["Shift-Tab"],
        "previous",
        "The previous screen.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Suspend,
        "suspend",
        ["Ctrl-Z"],
        "suspend",
        "Give the terminal back until `fg`; the work stands still meanwhile.",
        EVERYWHERE,
        false,
        false,
        always
    ),
    action!(
        ActionId::Help,
        "help",
        ["?"],
        "help",
        "This help.",
        EVERYWHERE,
        true,
        false,
        always
    ),
    action!(
        ActionId::Quit,
        "quit",
        ["q"],
        "quit",
        "Leave. Asks while work is running; Ctrl-C stops cleanly without asking, twice at once.",
        EVERYWHERE,
        true,
        true,
        always
    ),
];

/// Whether a key is the one that a text names (`p`, `Ctrl-Z`, `Shift-Tab`, `PgDn`).
pub fn is_key(text: &str, key: &KeyEvent) -> bool {
    let (control, name) = match text.strip_prefix("Ctrl-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if key.modifiers.contains(KeyModifiers::CONTROL) != control || key.modifiers.contains(KeyModifiers::ALT) {
        return false;
    }
    match name {
        "Enter" => key.code == KeyCode::Enter,
        "Space" => key.code == KeyCode::Char(' '),
        "Esc" => key.code == KeyCode::Esc,
        "Down" => key.code == KeyCode::Down,
        "Up" => key.code == KeyCode::Up,
        "PgDn" => key.code == KeyCode::PageDown,
        "PgUp" => key.code == KeyCode::PageUp,
        "Home" => key.code == KeyCode::Home,
        "End" => key.code == KeyCode::End,
        "Tab" => key.code == KeyCode::Tab,
        "Shift-Tab" => key.code == KeyCode::BackTab,
        _ => match (key.code, name.chars().next()) {
            (KeyCode::Char(pressed), Some(letter)) if control => pressed.eq_ignore_ascii_case(&letter),
            (KeyCode::Char(pressed), Some(letter)) => pressed == letter,
            _ => false,
        },
    }
}

/// The action of a key on a screen.
pub fn find(screen: Screen, key: &KeyEvent) -> Option<&'static Action> {
    ACTIONS
        .iter()
        .filter(|action| action.screen.is_none_or(|only| only == screen))
        .find(|action| action.keys.iter().any(|text| is_key(text, key)))
}

/// The actions of a screen.
pub fn on(screen: Screen) -> impl Iterator<Item = &'static Action> {
    ACTIONS
        .iter()
        .filter(move |action| action.screen.is_none_or(|only| only == screen))
}

/// Ctrl-C.
pub(super) fn is_interrupt(key: &KeyEvent) -> bool {
    is_key("Ctrl-C", key)
}

/// Keys that close help and do nothing else.
pub(super) fn closes(key: &KeyEvent) -> bool {
    ["Esc", "?", "q", "Enter"].iter().any(|text| is_key(text, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_means_two_things_on_one_screen() {
        for (screen, _) in Screen::ALL {
            let mut seen = HashSet::new();
            for action in on(screen) {
                for key in action.keys {
                    assert!(seen.insert(*key), "{key} means two things on {screen:?}");
                }
            }
        }
    }

    #[test]
    fn every_action_has_its_name_keys_and_texts() {
        let mut names = HashSet::new();
        for action in ACTIONS {
            assert!(names.insert(action.name), "{} is there twice", action.name);
            assert!(
                action.name.chars().all(|c| c.is_ascii_lowercase() || c == '-'),
                "{}",
                action.name
            );
            assert!(
                !action.keys.is_empty() && !action.short.is_empty() && action.long.ends_with('.'),
                "{}",
                action.name
            );
        }
    }

    #[test]
    fn every_screen_has_the_key_on_its_tab() {
        for (screen, digit) in Screen::ALL {
            let key = KeyEvent::new(KeyCode::Char(digit), KeyModifiers::NONE);
            assert_eq!(
                find(Screen::Migrate, &key).map(|action| action.id),
                Some(ActionId::Show(screen))
            );
        }
    }
}
