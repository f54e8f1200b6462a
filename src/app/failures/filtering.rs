//! The filter as it is typed, what its text means, and the words for it: a cause, a text, or both.

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::Failures;
use crate::journal::{FailureRow, Filter};
use crate::point::Cause;

/// What stands before the name of a cause beside a text.
const CAUSE: &str = "cause:";

impl Failures {
    pub(in crate::app) fn is_typing(&self) -> bool {
        self.typing.is_some()
    }

    pub(in crate::app) fn start_typing(&mut self) {
        self.typing = Some(Input::new(typed(&self.filter)));
    }

    /// A key while the filter is typed. The list follows at once; answers whether it changed.
    pub(in crate::app) fn type_key(&mut self, key: KeyEvent) -> bool {
        let Some(input) = &mut self.typing else { return false };
        match key.code {
            KeyCode::Enter => {
                self.typing = None;
                false
            }
            KeyCode::Esc => {
                self.typing = None;
                self.set_filter(Filter::default());
                true
            }
            _ => {
                let changed = input.handle_event(&Event::Key(key)).is_some_and(|change| change.value);
                self.take_text();
                changed
            }
        }
    }

    pub(in crate::app) fn paste(&mut self, text: &str) {
        if let Some(input) = &mut self.typing {
            for letter in text.chars().filter(|c| !c.is_control()).take(200) {
                input.handle(tui_input::InputRequest::InsertChar(letter));
            }
            self.take_text();
        }
    }

    fn take_text(&mut self) {
        let Some(input) = &self.typing else { return };
        let filter = parse(input.value());
        self.set_filter(filter);
    }

    pub(super) fn set_filter(&mut self, filter: Filter) {
        if self.filter != filter {
            self.filter = filter;
            self.begin_anew();
        }
    }
}

/// What was typed, as a filter. A cause typed in full is meant as the cause; beside a text it is named `cause:NAME`.
pub(super) fn parse(text: &str) -> Filter {
    let text = text.trim();
    let whole = Cause::parse(text);
    let (mut cause, mut words) = (whole, Vec::new());
    if whole.is_none() {
        for word in text.split_whitespace() {
            match word.strip_prefix(CAUSE).and_then(Cause::parse) {
                None => words.push(word),
                named => cause = named,
            }
        }
    }
    // Where no cause is named, the blanks of a text belong to it.
    let text = if cause.is_some() {
        words.join(" ")
    } else {
        text.to_owned()
    };
    Filter {
        cause,
        text: (!text.is_empty()).then_some(text),
        states: Vec::new(),
    }
}

/// What has to be typed for a filter.
pub(super) fn typed(filter: &Filter) -> String {
    match (filter.cause, &filter.text) {
        (Some(cause), Some(text)) => format!("{CAUSE}{} {text}", cause.as_str()),
        (Some(cause), None) => cause.as_str().to_owned(),
        (None, text) => text.clone().unwrap_or_default(),
    }
}

/// Which failures a filter shows, in words that follow "failed points": nothing where it shows all.
pub(in crate::app) fn which(filter: &Filter) -> String {
    let cause = filter
        .cause
        .map_or_else(String::new, |cause| format!(" of cause {}", cause.as_str()));
    let text = filter
        .text
        .as_ref()
        .map_or_else(String::new, |text| format!(" with {text:?}"));
    cause + &text
}

/// Whether a filter shows a row, as the journal decides it.
pub(super) fn holds(filter: &Filter, row: &FailureRow) -> bool {
    let text = filter.text.as_deref().unwrap_or_default().to_ascii_lowercase();
    let holds = |words: &str| words.to_ascii_lowercase().contains(&text);
    let of_cause = filter.cause.is_none_or(|cause| cause == row.cause);
    of_cause && (text.is_empty() || holds(&row.id.to_string()) || holds(&row.error) || holds(row.cause.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (Option<Cause>, Option<String>) {
        let filter = parse(text);
        (filter.cause, filter.text)
    }

    #[test]
    fn a_cause_a_text_or_both() {
        let rejected = Some(Cause::Rejected);
        for (typed, cause, text) in [
            ("", None, None),
            ("  ", None, None),
            (" time  out ", None, Some("time  out")),
            ("rejected", rejected, None),
            ("cause:rejected", rejected, None),
            ("cause:rejected timeout", rejected, Some("timeout")),
            ("time cause:rejected  out", rejected, Some("time out")),
            ("rejected timeout", None, Some("rejected timeout")),
            ("cause:reject", None, Some("cause:reject")),
        ] {
            assert_eq!(parsed(typed), (cause, text.map(str::to_owned)), "{typed:?}");
        }
    }

    #[test]
    fn what_is_typed_again_means_the_same() {
        for text in ["", "x y", "rejected", "cause:rejected x y"] {
            assert_eq!(parse(&typed(&parse(text))), parse(text), "{text:?}");
        }
        assert_eq!(which(&parse("cause:too_long x")), " of cause too_long with \"x\"");
        assert_eq!(which(&Filter::default()), "");
    }
}
