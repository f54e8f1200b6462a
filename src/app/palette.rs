//! The command palette: any action by its name.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::actions::{ACTIONS, Action};
use super::screen::Screen;

/// One action that was found.
#[derive(Debug, Clone)]
pub struct Found {
    /// The action.
    pub action: &'static Action,
    /// Which letters of its name are meant, by their places.
    pub letters: Vec<u32>,
}

/// The palette's state.
#[derive(Debug, Clone)]
pub struct Palette {
    screen: Screen,
    /// Which actions could be done when it was opened, in the registry's order.
    usable: Vec<bool>,
    /// What has been typed.
    pub input: Input,
    /// What fits, best first.
    pub found: Vec<Found>,
    /// The place of the selected one.
    pub selected: usize,
}

/// What a key did.
#[derive(Debug, Clone, Copy)]
pub enum Picked {
    /// It is still open.
    NotYet,
    /// It was given up.
    Cancelled,
    /// This action was chosen.
    Action(&'static Action),
}

impl Palette {
    /// All actions: those of a screen first, and of them those that can be done.
    pub fn new(screen: Screen, can: impl Fn(&Action) -> bool) -> Self {
        let usable = ACTIONS
            .iter()
            .map(|action| action.applies_to(screen) && can(action))
            .collect();
        let mut palette = Self {
            screen,
            usable,
            input: Input::default(),
            found: Vec::new(),
            selected: 0,
        };
        palette.search();
        palette
    }

    fn search(&mut self) {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::new(
            self.input.value(),
            CaseMatching::Ignore,
            Normalization::Smart,
            AtomKind::Fuzzy,
        );
        let mut scratch = Vec::new();
        let typed = self.input.value().trim();
        let mut found = Vec::new();
        for (action, usable) in ACTIONS.iter().zip(&self.usable) {
            let mut letters = Vec::new();
            let by_name = pattern.indices(Utf32Str::new(action.name, &mut scratch), &mut matcher, &mut letters);
            // The sentence is searched too.
            let score = by_name.or_else(|| {
                letters.clear();
                pattern.score(Utf32Str::new(action.long, &mut scratch), &mut matcher)
            });
            if let Some(score) = score {
                letters.sort_unstable();
                letters.dedup();
                // A name that fits comes first, what belongs here before what does not, and what can be done before what
                // cannot: Enter must not end at a reason why not, where something else is meant as well. Who types the
                // whole name means that one.
                let here = action.applies_to(self.screen);
                let rank = (action.name == typed, by_name.is_some(), here, *usable, score);
                found.push((rank, Found { action, letters }));
            }
        }
        found.sort_by_key(|(rank, _)| std::cmp::Reverse(*rank));
        self.found = found.into_iter().map(|(_, found)| found).collect();
        self.selected = 0;
    }

    /// A key.
    pub fn key(&mut self, key: KeyEvent) -> Picked {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let last = self.found.len().saturating_sub(1);
        match key.code {
            KeyCode::Esc => return Picked::Cancelled,
            KeyCode::Enter => {
                return match self.found.get(self.selected) {
                    Some(found) => Picked::Action(found.action),
                    None => Picked::NotYet,
                };
            }
            KeyCode::Up => self.selected = self.selected.saturating_sub(1),
            KeyCode::Char('p') if control => self.selected = self.selected.saturating_sub(1),
            KeyCode::Down => self.selected = (self.selected + 1).min(last),
            KeyCode::Char('n') if control => self.selected = (self.selected + 1).min(last),
            _ => {
                if self
                    .input
                    .handle_event(&Event::Key(key))
                    .is_some_and(|change| change.value)
                {
                    self.search();
                }
            }
        }
        Picked::NotYet
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) {
        for letter in text.chars().filter(|c| !c.is_control()).take(60) {
            self.input.handle(tui_input::InputRequest::InsertChar(letter));
        }
        self.search();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(screen: Screen, text: &str) -> Vec<&'static str> {
        found_where(screen, text, |_| true)
    }

    fn found_where(screen: Screen, text: &str, can: impl Fn(&Action) -> bool) -> Vec<&'static str> {
        let mut palette = Palette::new(screen, can);
        palette.paste(text);
        palette.found.iter().map(|found| found.action.name).collect()
    }

    #[test]
    fn actions_are_found_by_letters_of_their_name_and_by_words_of_their_text() {
        assert_eq!(found(Screen::Failures, "retry").first(), Some(&"retry"));
        assert_eq!(found(Screen::Failures, "rtall").first(), Some(&"retry-all"));
        assert!(found(Screen::Failures, "clipboard").contains(&"copy-id"));
        assert!(found(Screen::Migrate, "zzzz").is_empty());
    }

    #[test]
    fn what_can_be_done_comes_before_what_cannot_where_both_fit() {
        let all_but = |name: &'static str| move |action: &Action| action.name != name;
        let first = |text, cannot| found_where(Screen::Failures, text, all_but(cannot)).first().copied();
        assert_eq!(first("retr", "retry"), Some("retry-all"));
        assert_eq!(first("retr", "retry-all"), Some("retry"));
        assert_eq!(first("retry", "retry"), Some("retry"), "typed in full, it is meant");
        let all = found_where(Screen::Failures, "", all_but("retry"));
        let place = |name| all.iter().position(|other| *other == name);
        assert!(
            place("retry") > place("quit") && place("retry") < place("start"),
            "{all:?}"
        );
    }

    #[test]
    fn every_action_is_found_on_every_screen_and_those_of_the_screen_come_first() {
        assert_eq!(found(Screen::Migrate, "retry-all").first(), Some(&"retry-all"));
        assert!(found(Screen::Migrate, "clipboard").contains(&"copy-id"));
        for (screen, _) in Screen::ALL {
            let palette = Palette::new(screen, |_| true);
            assert_eq!(palette.found.len(), ACTIONS.len());
            let here = palette.found.iter().map(|found| found.action.applies_to(screen));
            assert!(here.is_sorted_by(|a, b| a >= b), "{screen:?}");
        }
    }
}
