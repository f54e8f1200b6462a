//! Answers that are not typed or chosen on a screen: they are given as texts, and taken or refused by the same
//! questions.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;

use super::{MAX_CHARS, Next, Setup, Step, Tried};
use crate::tasks::setup::Refusal;

/// How those who embed are called, in the order of the list.
pub const PROVIDERS: [&str; 3] = ["minilm", "openai", "carry"];
/// Names that a refusal tells at most.
const TOLD: usize = 20;

impl Setup {
    /// Answers the question: with a text where one is typed, with the name of a choice where one is chosen.
    pub fn give(&mut self, answer: &str) -> Next {
        if self.is_list() {
            let names = self.names();
            let Some(place) = names.iter().position(|name| *name == answer) else {
                let why = no_such(answer, &names);
                return self.refuse(why);
            };
            self.selected = place;
        } else if answer.chars().count() > MAX_CHARS || answer.contains(char::is_control) {
            return self.refuse(format!("use {MAX_CHARS} characters at most, and no control characters"));
        } else {
            self.input = Input::new(answer.to_owned());
        }
        self.accept()
    }

    /// Answers the question with what it offers.
    pub fn accept(&mut self) -> Next {
        self.key(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE))
    }

    /// What the choices are called, in their order.
    fn names(&self) -> Vec<&str> {
        match self.step {
            Step::Collection => self.collections.iter().map(|choice| choice.name.as_str()).collect(),
            Step::Vector => self.vectors.iter().map(|(name, _)| name.as_str()).collect(),
            Step::Content => self.fields.iter().map(|field| field.name.as_str()).collect(),
            Step::Embedder => PROVIDERS.to_vec(),
            _ => Vec::new(),
        }
    }
}

fn no_such(answer: &str, names: &[&str]) -> String {
    if names.is_empty() {
        return format!("there is no {answer:?}, nor any other; leave it out");
    }
    let mut told: Vec<String> = names.iter().take(TOLD).map(|name| format!("{name:?}")).collect();
    if names.len() > TOLD {
        told.push("...".to_owned());
    }
    format!("there is no {answer:?}; name one of {}", told.join(", "))
}

impl Tried {
    /// Why the answer is not taken; nothing where it is.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Collections(result) => result.as_ref().err(),
            Self::Fields(result) => result.as_ref().err(),
            Self::Target(result) | Self::Server(result) => result.as_ref().err(),
            Self::Embedder(result) => result.as_ref().err(),
        }
    }
}
