//! The content of a failed point, mended in place: one line where it is one, several where it is several.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::{TextArea, WrapMode};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use crate::point::PointId;

/// Bytes of a content that can be edited here. Every key costs time with the text's length.
pub const MAX_BYTES: usize = 256 << 10;

/// An editor on one content.
#[derive(Debug, Clone)]
pub struct Editor {
    /// Whose content it is.
    pub id: PointId,
    /// The text.
    pub text: Text,
    /// The text as it was.
    before: String,
    /// Esc was pressed once on a changed text.
    leaving: bool,
}

/// The text, in the editor fit for it.
#[derive(Debug, Clone)]
pub enum Text {
    /// One line.
    Line(Input),
    /// Several.
    Lines(Box<TextArea<'static>>),
}

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edited {
    /// It is still open.
    NotYet,
    /// It would be given up with what was typed: the same key again does it.
    Asks,
    /// It was given up.
    Cancelled,
    /// It is to be embedded with this text.
    With(String),
}

fn area(text: &str) -> Box<TextArea<'static>> {
    let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area.set_cursor_line_style(ratatui::style::Style::default());
    Box::new(area)
}

impl Editor {
    /// Opens an editor; `None` where the text is too long to be edited by hand.
    pub fn new(id: PointId, text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        // Control characters of a payload would be typed back unseen; a terminal cannot show them anyway.
        let text: String = text.replace("\r\n", "\n");
        let inner = if text.contains('\n') || text.chars().count() > 200 {
            Text::Lines(area(&text))
        } else {
            Text::Line(Input::new(text.clone()))
        };
        Some(Self {
            id,
            text: inner,
            before: text,
            leaving: false,
        })
    }

    /// The text as it stands.
    pub fn value(&self) -> String {
        match &self.text {
            Text::Line(input) => input.value().to_owned(),
            Text::Lines(area) => area.lines().join("\n"),
        }
    }

    /// Whether anything was changed.
    pub fn is_changed(&self) -> bool {
        self.value() != self.before
    }

    /// A key. Ctrl-S (and Enter, where the text is one line) embeds; Alt-Enter begins a second line.
    pub fn key(&mut self, key: KeyEvent) -> Edited {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let asked = std::mem::take(&mut self.leaving);
        if key.code == KeyCode::Esc {
            if asked || !self.is_changed() {
                return Edited::Cancelled;
            }
            self.leaving = true;
            return Edited::Asks;
        }
        match (&mut self.text, key.code) {
            (_, KeyCode::Char('s')) if control => return Edited::With(self.value()),
            (Text::Line(input), KeyCode::Enter) if alt => {
                let mut several = area(input.value());
                several.move_cursor(ratatui_textarea::CursorMove::End);
                several.insert_newline();
                self.text = Text::Lines(several);
            }
            (Text::Line(_), KeyCode::Enter) => return Edited::With(self.value()),
            (Text::Line(input), _) if input.value().len() < MAX_BYTES => {
                input.handle_event(&Event::Key(key));
            }
            (Text::Lines(area), _) => {
                area.input(key);
            }
            (Text::Line(_), _) => {}
        }
        Edited::NotYet
    }

    /// Pasted text.
    pub fn paste(&mut self, text: &str) {
        self.leaving = false;
        let room = MAX_BYTES.saturating_sub(self.value().len());
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let end = (0..=text.len().min(room)).rev().find(|end| text.is_char_boundary(*end));
        let text = &text[..end.unwrap_or(0)];
        match &mut self.text {
            Text::Line(input) if !text.contains('\n') && text.len() <= 1_000 => {
                for letter in text.chars().filter(|c| !c.is_control()) {
                    input.handle(tui_input::InputRequest::InsertChar(letter));
                }
            }
            Text::Line(input) => {
                let mut several = area(input.value());
                several.move_cursor(ratatui_textarea::CursorMove::End);
                // Letter by letter, a long text would take its length squared.
                several.insert_str(text);
                self.text = Text::Lines(several);
            }
            Text::Lines(area) => {
                area.insert_str(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(editor: &mut Editor, code: KeyCode, modifiers: KeyModifiers) -> Edited {
        editor.key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn one_line_is_sent_with_enter() {
        let mut editor = Editor::new(PointId::Num(1), "helo").expect("short");
        press(&mut editor, KeyCode::Backspace, KeyModifiers::NONE);
        editor.paste("lo\u{7}");
        assert!(editor.is_changed());
        let edited = press(&mut editor, KeyCode::Enter, KeyModifiers::NONE);
        assert_eq!(edited, Edited::With("hello".into()));
    }

    #[test]
    fn what_was_typed_is_dropped_only_by_a_second_esc() {
        let mut editor = Editor::new(PointId::Num(1), "text").expect("short");
        for (code, expected) in [
            (KeyCode::Char('x'), Edited::NotYet),
            (KeyCode::Esc, Edited::Asks),
            (KeyCode::Char('y'), Edited::NotYet),
            (KeyCode::Esc, Edited::Asks),
            (KeyCode::Esc, Edited::Cancelled),
        ] {
            assert_eq!(press(&mut editor, code, KeyModifiers::NONE), expected, "{code:?}");
        }
        let mut unchanged = Editor::new(PointId::Num(1), "text").expect("short");
        let edited = press(&mut unchanged, KeyCode::Esc, KeyModifiers::NONE);
        assert_eq!(edited, Edited::Cancelled);
    }

    #[test]
    fn several_lines_are_sent_with_control_s_and_stay_as_they_are() {
        let text = "one\n\n  two\t";
        let mut editor = Editor::new(PointId::Num(1), text).expect("short");
        assert!(matches!(editor.text, Text::Lines(_)) && !editor.is_changed());
        assert_eq!(press(&mut editor, KeyCode::Enter, KeyModifiers::NONE), Edited::NotYet);
        assert!(editor.is_changed());
        let mut editor = Editor::new(PointId::Num(1), text).expect("short");
        let edited = press(&mut editor, KeyCode::Char('s'), KeyModifiers::CONTROL);
        assert_eq!(edited, Edited::With(text.into()));
    }

    #[test]
    fn a_line_becomes_several_by_pasting_and_by_alt_enter() {
        let mut editor = Editor::new(PointId::Num(1), "a").expect("short");
        editor.paste("b\r\nc");
        assert_eq!(editor.value(), "ab\nc");
        let mut editor = Editor::new(PointId::Num(1), "a").expect("short");
        press(&mut editor, KeyCode::Enter, KeyModifiers::ALT);
        press(&mut editor, KeyCode::Char('b'), KeyModifiers::NONE);
        assert_eq!(editor.value(), "a\nb");
    }

    #[test]
    fn what_is_too_long_is_not_edited_here() {
        assert!(Editor::new(PointId::Num(1), &"x".repeat(5 << 20)).is_none());
        let mut editor = Editor::new(PointId::Num(1), "").expect("short");
        editor.paste(&"é".repeat(MAX_BYTES));
        assert!(editor.value().len() <= MAX_BYTES);
    }
}
