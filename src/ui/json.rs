//! Payloads as indented lines: only those that are seen are made, and no longer than they are seen, however large the
//! payload.

use std::fmt::Display;

use serde_json::Value;

use super::text::{count, is_harmful, wrap_to};
use crate::point::Payload;

/// Lines of a text in full at most: they are broken anew for every frame. The editor holds all of it.
const IN_FULL: usize = 60;
/// What stands before each of them but the first.
const INDENT: &str = "  ";

/// A value in one line: texts as they are, everything else as JSON; cut where it is long.
pub(super) fn preview(value: &Value, most: usize) -> String {
    match value {
        Value::String(text) => cut(text, most),
        Value::Array(items) if items.len() > 200 => format!("[{} items]", count(items.len() as u64)),
        Value::Object(fields) if fields.len() > 200 => format!("{{{} fields}}", count(fields.len() as u64)),
        other => cut(&other.to_string(), most),
    }
}

/// The beginning of a text, with what is left out.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} ... ({} bytes in all)", &text[..end], count(text.len() as u64)),
    }
}

/// How a payload is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct View<'a> {
    /// The columns there are.
    pub(super) width: usize,
    /// The key whose text is shown in full; of all others what fits on a line.
    pub(super) in_full: &'a str,
}

struct Lines<'a> {
    view: View<'a>,
    skip: usize,
    room: usize,
    shown: Vec<String>,
}

impl Lines<'_> {
    fn is_full(&self) -> bool {
        self.shown.len() >= self.room
    }

    fn push(&mut self, depth: usize, line: impl FnOnce() -> String) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.is_full() {
            self.shown
                .push(format!("{:indent$}{}", "", line(), indent = 2 * depth.min(30)));
        }
    }

    fn payload(mut self, payload: &Payload) -> Self {
        for (key, value) in payload {
            if self.is_full() {
                break;
            }
            match value {
                Value::String(text) if key == self.view.in_full => self.in_full(key, text),
                _ => self.value(0, key, value),
            }
        }
        self
    }

    fn in_full(&mut self, name: &str, text: &str) {
        // Of what lies below what is seen nothing is made.
        let seen = self.skip.saturating_add(self.room - self.shown.len());
        for line in in_full(name, text, self.view.width, seen) {
            self.push(0, || line);
        }
    }

    fn value(&mut self, depth: usize, name: &dyn Display, value: &Value) {
        if self.is_full() {
            return;
        }
        // Some characters fill no column; more than the pane holds is cut off in any case.
        let most = 4 * self.view.width + 64;
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                self.push(depth, || format!("{name}: {{"));
                for (key, value) in fields {
                    if self.is_full() {
                        return;
                    }
                    self.value(depth + 1, key, value);
                }
                self.push(depth, || "}".to_owned());
            }
            Value::Array(items) if !items.is_empty() => {
                self.push(depth, || format!("{name}: ["));
                for (place, value) in items.iter().enumerate() {
                    if self.is_full() {
                        return;
                    }
                    self.value(depth + 1, &place, value);
                }
                self.push(depth, || "]".to_owned());
            }
            Value::String(text) => {
                self.push(depth, || format!("{name}: {:?}", cut(text, most)));
            }
            other => self.push(depth, || format!("{name}: {other}")),
        }
    }
}

/// A named text in at most so many lines, its own line breaks among them.
fn in_full(name: &str, text: &str, width: usize, most: usize) -> Vec<String> {
    let most = most.min(IN_FULL + 1);
    let room = width.saturating_sub(INDENT.len()).max(1);
    let looked_at = most.saturating_mul(2 * room).saturating_add(64);
    let end = text.char_indices().nth(looked_at).map(|(end, _)| end);
    let begun = &text[..end.unwrap_or(text.len())];
    let escaped: Vec<String> = begun.split('\n').map(escaped).collect();
    let quote = if end.is_none() { "\"" } else { "" };
    // What breaks a line is seen, and breaks it.
    let written = format!("{name}: \"{}{quote}", escaped.join("\\n\n"));
    if escaped.len() == 1 && end.is_none() && wrap_to(&written, width, 2).len() == 1 {
        return vec![written];
    }
    let mut lines = wrap_to(&written, room, most);
    if lines.len() > IN_FULL || end.is_some() && lines.len() < most {
        lines.truncate(IN_FULL);
        lines.push(format!("... ({} bytes in all)", count(text.len() as u64)));
    }
    for line in lines.iter_mut().skip(1) {
        line.insert_str(0, INDENT);
    }
    lines
}

/// A text as its value is written, without the quotes. Marks stay on their letters, so that it can be read.
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' | '\\' => written.extend(['\\', letter]),
            letter if is_harmful(letter) => written.extend(letter.escape_debug()),
            letter => written.push(letter),
        }
    }
    written
}

/// At most `room` lines of a payload after the first `skip`.
pub(super) fn lines(payload: &Payload, view: View<'_>, skip: usize, room: usize) -> Vec<String> {
    let lines = Lines {
        view,
        skip,
        room,
        shown: Vec::new(),
    };
    lines.payload(payload).shown
}

/// How many lines a payload has, counted up to `most`.
pub(super) fn height(payload: &Payload, view: View<'_>, most: usize) -> usize {
    let lines = Lines {
        view,
        skip: most,
        room: 1,
        shown: Vec::new(),
    };
    most - lines.payload(payload).skip
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const VIEW: View<'static> = View {
        width: 80,
        in_full: "content",
    };

    #[test]
    fn lines_can_be_taken_from_anywhere() {
        let content = "What the choir said about the harbour.\n".repeat(5);
        let payload = json!({"a": 1, "b": {"c": [true, null], "d": "x\ny"}, "content": content, "e": []});
        let payload = payload.as_object().expect("an object");
        let all = lines(payload, VIEW, 0, 100);
        assert_eq!(all[0], "a: 1");
        assert!(all.contains(&"  d: \"x\\ny\"".to_owned()), "{all:?}");
        for skip in 0..all.len() {
            assert_eq!(lines(payload, VIEW, skip, 2), all[skip..(skip + 2).min(all.len())]);
            assert_eq!(height(payload, VIEW, skip), skip);
        }
        assert_eq!(height(payload, VIEW, 100), all.len());
    }

    #[test]
    fn one_text_is_shown_in_full_and_no_other() {
        for (text, shown) in [
            ("short", &["content: \"short\""][..]),
            ("", &["content: \"\""]),
            ("a\n\nb", &["content: \"a\\n", "  \\n", "  b\""]),
            ("what the choir said", &["content: \"what", "  the choir said\""]),
        ] {
            let payload = json!({ "content": text });
            let view = View { width: 18, ..VIEW };
            let lines = lines(payload.as_object().expect("an object"), view, 0, 100);
            assert_eq!(lines, shown, "{text:?}");
        }
        let long = "word ".repeat(100);
        let payload = json!({ "content": { "content": long }, "other": long });
        assert_eq!(lines(payload.as_object().expect("an object"), VIEW, 0, 100).len(), 4);
    }

    #[test]
    fn even_in_full_a_text_has_an_end() {
        for (text, last) in [
            ("word ".repeat(1 << 20), "  ... (5,242,880 bytes in all)"),
            ("\n".repeat(IN_FULL - 1), "  \""),
            ("\n".repeat(IN_FULL), "  ... (60 bytes in all)"),
            (
                format!("e{}", "\u{301}".repeat(1 << 20)),
                "  ... (2,097,153 bytes in all)",
            ),
        ] {
            let payload = json!({ "content": text });
            let payload = payload.as_object().expect("an object");
            let all = lines(payload, VIEW, 0, 1_000);
            assert!(all.len() <= IN_FULL + 1, "{}", all.len());
            assert_eq!(all.last().map(String::as_str), Some(last));
            assert_eq!(height(payload, VIEW, 1_000), all.len());
        }
    }

    #[test]
    fn a_huge_payload_costs_no_more_than_what_is_seen() {
        let wide: Payload = (0..2_000)
            .map(|n| (format!("f{n:04}"), json!("x".repeat(5_000))))
            .collect();
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            let shown = lines(&wide, VIEW, 10, 40);
            assert!(shown.len() == 40 && shown.iter().all(|line| line.len() < 1_000));
        }
        assert!(begun.elapsed().as_millis() < 2_000, "{:?}", begun.elapsed());
        assert!(preview(&json!("y".repeat(5 << 20)), 100).len() < 200);
    }
}
