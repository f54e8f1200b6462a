//! The set-up: a few questions where there is no configuration, each answer tried at once. State only; what is tried is
//! asked for as a [`Try`] and comes back as a [`Tried`].
//!
//! ```text
//! url -> (key) -> collection -> (vector) -> content -> uri -> table
//!     -> embedder -> (base url -> model -> dimensions -> key) -> review
//! ```

mod answer;
mod embedder;
pub mod given;
mod offer;
mod step;

use std::path::{Path, PathBuf};

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use crate::config::template::Answers;
use crate::tasks::setup::{CollectionChoice, FieldChoice};

pub use step::{Next, Step, Tried, Try};

/// Characters of an answer.
const MAX_CHARS: usize = 500;
/// Lines of a list that a page has.
const PAGE: usize = 10;

/// The state.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Where the configuration is written.
    pub file: PathBuf,
    /// The question that is asked.
    pub step: Step,
    /// The steps before it, for going back.
    path: Vec<Step>,
    /// What is being typed.
    pub input: Input,
    /// What can be chosen, with a word about each.
    pub choices: Vec<(String, String)>,
    /// The chosen one; at the review the first line that is shown.
    pub selected: usize,
    /// Whether an answer is being tried.
    pub trying: bool,
    /// Why the last answer was not taken.
    pub error: Option<String>,
    /// The answers so far.
    pub answers: Answers,
    collections: Vec<CollectionChoice>,
    /// The dense vectors of the chosen collection.
    vectors: Vec<(String, usize)>,
    /// Whether they may be carried over: there is one, or nobody looked.
    can_carry: bool,
    /// The points of the chosen collection that were looked at.
    sampled: u64,
    /// The fields that hold texts in them; where there are none, its vectors are carried over.
    fields: Vec<FieldChoice>,
}

impl Setup {
    /// The first question; in the end this file is written.
    pub fn new(file: &Path) -> Self {
        let mut setup = Self {
            file: file.to_owned(),
            step: Step::Url,
            path: Vec::new(),
            input: Input::default(),
            choices: Vec::new(),
            selected: 0,
            trying: false,
            error: None,
            answers: Answers::default(),
            collections: Vec::new(),
            vectors: Vec::new(),
            can_carry: false,
            sampled: 0,
            fields: Vec::new(),
        };
        setup.ask(Step::Url);
        setup
    }

    /// Whether the keys walk through a list, or through the lines of the file.
    pub fn is_list(&self) -> bool {
        !self.choices.is_empty() || self.step == Step::Review
    }

    /// Keeps the walk through the file from going past its end; only the layout knows how many lines lie below.
    pub fn hold(&mut self, most: usize) {
        if self.step == Step::Review {
            self.selected = self.selected.min(most);
        }
    }

    fn go_to(&mut self, step: Step) {
        self.path.push(self.step);
        self.ask(step);
    }

    /// Asks again what was answered before.
    fn back_to(&mut self, step: Step) {
        if let Some(place) = self.path.iter().rposition(|passed| *passed == step) {
            self.path.truncate(place);
        }
        self.ask(step);
    }

    /// Whether this is the first question.
    pub fn path_is_empty(&self) -> bool {
        self.path.is_empty()
    }

    /// Whether a question was answered.
    pub fn has_passed(&self, step: Step) -> bool {
        self.path.contains(&step)
    }

    /// Whether it is settled who embeds: where no field holds a text, by the question about the content.
    pub fn knows_embedder(&self) -> bool {
        self.has_passed(Step::Embedder) || self.has_passed(Step::Content) && self.fields.is_empty()
    }

    /// The dense vector that may be embedded anew: name and size, once it is known which.
    pub fn vector(&self) -> Option<(&str, usize)> {
        if self.vectors.len() > 1 && !self.has_passed(Step::Vector) {
            return None;
        }
        let chosen = self.vectors.iter().find(|(name, _)| *name == self.answers.vector);
        chosen.map(|(name, size)| (name.as_str(), *size))
    }

    /// A key.
    pub fn key(&mut self, key: KeyEvent) -> Next {
        let last = match self.step {
            // The lines of the file are walked through; how many they are on this screen, `hold` knows.
            Step::Review => self.answers.to_toml().len(),
            _ => self.choices.len(),
        }
        .saturating_sub(1);
        match key.code {
            KeyCode::Esc => {
                // What is being tried is forgotten; its answer comes too late.
                self.trying = false;
                return match self.path.pop() {
                    Some(step) => {
                        self.ask(step);
                        Next::Stay
                    }
                    None => Next::Leave,
                };
            }
            _ if self.trying => {}
            KeyCode::Enter => return self.answer(),
            code if self.is_list() => {
                let place = match code {
                    KeyCode::Up | KeyCode::Char('k') => self.selected.saturating_sub(1),
                    KeyCode::Down | KeyCode::Char('j') => self.selected + 1,
                    KeyCode::PageUp => self.selected.saturating_sub(PAGE),
                    KeyCode::PageDown => self.selected + PAGE,
                    KeyCode::Home | KeyCode::Char('g') => 0,
                    KeyCode::End | KeyCode::Char('G') => last,
                    _ => return Next::Stay,
                };
                self.selected = place.min(last);
                self.error = None;
            }
            KeyCode::Char(_) if self.input.value().chars().count() >= MAX_CHARS => {}
            _ => {
                self.error = None;
                self.input.handle_event(&Event::Key(key));
            }
        }
        Next::Stay
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) {
        if self.choices.is_empty() && !self.trying {
            self.error = None;
            for letter in text.chars().filter(|c| !c.is_control()).take(MAX_CHARS) {
                self.input.handle(tui_input::InputRequest::InsertChar(letter));
            }
        }
    }
}

#[cfg(test)]
mod tests;
