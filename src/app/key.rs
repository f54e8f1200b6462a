//! Keys as text, both ways: what the footer shows is what the configuration takes.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// One key with its modifiers. Shift is part of a letter (`R`) and of `Shift-Tab`; elsewhere terminals do not tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    control: bool,
    alt: bool,
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no key; say for example r, R, F5, Ctrl-R, Alt-r, Enter, Space, PgDn or Shift-Tab")]
pub struct ParseKeyError(String);

/// Names of keys that are no character, as they are shown.
const NAMES: [(&str, KeyCode); 17] = [
    ("Enter", KeyCode::Enter),
    ("Space", KeyCode::Char(' ')),
    ("Esc", KeyCode::Esc),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("BackTab", KeyCode::BackTab),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
];

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let shift = event.modifiers.contains(KeyModifiers::SHIFT);
        let code = match event.code {
            // With Control, terminals do not tell the case.
            KeyCode::Char(letter) if control => KeyCode::Char(letter.to_ascii_lowercase()),
            KeyCode::Char(letter) if shift => KeyCode::Char(letter.to_ascii_uppercase()),
            KeyCode::Tab if shift => KeyCode::BackTab,
            code => code,
        };
        Self {
            code,
            control,
            alt: event.modifiers.contains(KeyModifiers::ALT),
        }
    }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bad = || ParseKeyError(text.to_owned());
        let (mut rest, mut control, mut alt) = (text, false, false);
        loop {
            let lower = rest.to_ascii_lowercase();
            if lower.starts_with("ctrl-") && rest.len() > 5 && !control {
                (control, rest) = (true, &rest[5..]);
            } else if lower.starts_with("alt-") && rest.len() > 4 && !alt {
                (alt, rest) = (true, &rest[4..]);
            } else {
                break;
            }
        }
        let mut letters = rest.chars();
        let code = match (letters.next(), letters.next()) {
            (Some(letter), None) if letter.is_control() => return Err(bad()),
            (Some(letter), None) if control => KeyCode::Char(letter.to_ascii_lowercase()),
            (Some(letter), None) => KeyCode::Char(letter),
            _ => named(rest).ok_or_else(bad)?,
        };
        Ok(Self { code, control, alt })
    }
}

fn named(text: &str) -> Option<KeyCode> {
    let known = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text));
    known.map(|(_, code)| *code).or_else(|| {
        let number: u8 = text.strip_prefix(['f', 'F'])?.parse().ok()?;
        (1..=24).contains(&number).then_some(KeyCode::F(number))
    })
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.control {
            f.write_str("Ctrl-")?;
        }
        if self.alt {
            f.write_str("Alt-")?;
        }
        if let Some((name, _)) = NAMES.iter().find(|(_, code)| *code == self.code) {
            return f.write_str(name);
        }
        match self.code {
            KeyCode::Char(letter) if self.control => write!(f, "{}", letter.to_ascii_uppercase()),
            KeyCode::Char(letter) => write!(f, "{letter}"),
            KeyCode::F(number) => write!(f, "F{number}"),
            other => write!(f, "{other:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(code: KeyCode, modifiers: KeyModifiers) -> Key {
        KeyEvent::new(code, modifiers).into()
    }

    #[test]
    fn what_is_pressed_is_what_is_written() {
        for (text, code, modifiers) in [
            ("r", KeyCode::Char('r'), KeyModifiers::NONE),
            ("R", KeyCode::Char('R'), KeyModifiers::SHIFT),
            ("R", KeyCode::Char('R'), KeyModifiers::NONE),
            ("?", KeyCode::Char('?'), KeyModifiers::SHIFT),
            ("-", KeyCode::Char('-'), KeyModifiers::NONE),
            ("ctrl-p", KeyCode::Char('p'), KeyModifiers::CONTROL),
            ("Ctrl-P", KeyCode::Char('p'), KeyModifiers::CONTROL),
            ("Ctrl--", KeyCode::Char('-'), KeyModifiers::CONTROL),
            ("alt-x", KeyCode::Char('x'), KeyModifiers::ALT),
            ("shift-tab", KeyCode::BackTab, KeyModifiers::SHIFT),
            ("pgdn", KeyCode::PageDown, KeyModifiers::NONE),
            ("F5", KeyCode::F(5), KeyModifiers::NONE),
            ("space", KeyCode::Char(' '), KeyModifiers::NONE),
            ("é", KeyCode::Char('é'), KeyModifiers::NONE),
        ] {
            let parsed: Key = text.parse().expect(text);
            assert_eq!(parsed, event(code, modifiers), "{text}");
            assert_eq!(parsed.to_string().parse(), Ok(parsed), "{text} is shown as {parsed}");
        }
    }

    #[test]
    fn what_names_no_key_is_refused() {
        for text in ["", "ctrl-", "rr", "F25", "ctrl+p", "\u{7}"] {
            assert!(text.parse::<Key>().is_err(), "{text:?}");
        }
    }
}
