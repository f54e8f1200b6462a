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
    /// All actions, those of a screen first.
    pub fn new(screen: Screen) -> Self {
        let mut palette = Self {
            screen,
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
        let mut found: Vec<(u32, Found)> = Vec::new();
        for action in ACTIONS {
            let mut letters = Vec::new();
            let by_name = pattern.indices(Utf32Str::new(action.name, &mut scratch), &mut matcher, &mut letters);
            // The sentence is searched too, but a name that fits comes first.
            let score = by_name.map(|score| score + 1_000).or_else(|| {
                letters.clear();
                pattern.score(Utf32Str::new(action.long, &mut scratch), &mut matcher)
            });
            // What can be done here comes before what belongs elsewhere.
            let here: u32 = if action.applies_to(self.screen) { 500 } else { 0 };
            if let Some(score) = score.map(|score| score + here) {
                letters.sort_unstable();
                letters.dedup();
                found.push((score, Found { action, letters }));
            }
        }
        found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
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
        let mut palette = Palette::new(screen);
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
    fn every_action_is_found_on_every_screen_and_those_of_the_screen_come_first() {
        assert_eq!(found(Screen::Migrate, "retry-all").first(), Some(&"retry-all"));
        assert!(found(Screen::Migrate, "clipboard").contains(&"copy-id"));
        for (screen, _) in Screen::ALL {
            let palette = Palette::new(screen);
            assert_eq!(palette.found.len(), ACTIONS.len());
            let here = palette.found.iter().map(|found| found.action.applies_to(screen));
            assert!(here.is_sorted_by(|a, b| a >= b), "{screen:?}");
        }
    }
}
