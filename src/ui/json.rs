//! Payloads as indented lines: only those that are seen are made, however large the payload.

use serde_json::Value;

use super::text::count;
use crate::point::Payload;

/// Characters of a text that are shown in a line.
const MOST_CHARS: usize = 2_000;

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

struct Lines {
    skip: usize,
    room: usize,
    shown: Vec<String>,
}

impl Lines {
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

    fn value(&mut self, depth: usize, name: &str, value: &Value) {
        if self.is_full() {
            return;
        }
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
                    self.value(depth + 1, &place.to_string(), value);
                }
                self.push(depth, || "]".to_owned());
            }
            Value::String(text) => {
                self.push(depth, || format!("{name}: {:?}", cut(text, MOST_CHARS)));
            }
            other => self.push(depth, || format!("{name}: {other}")),
        }
    }
}

/// At most `room` lines of a payload after the first `skip`.
pub(super) fn lines(payload: &Payload, skip: usize, room: usize) -> Vec<String> {
    let mut lines = Lines {
        skip,
        room,
        shown: Vec::new(),
    };
    for (key, value) in payload {
        if lines.is_full() {
            break;
        }
        lines.value(0, key, value);
    }
    lines.shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_can_be_taken_from_anywhere() {
        let payload = json!({"a": 1, "b": {"c": [true, null], "d": "x\ny"}, "e": []});
        let payload = payload.as_object().expect("an object");
        let all = lines(payload, 0, 100);
        assert_eq!(all[0], "a: 1");
        assert!(all.contains(&"  d: \"x\\ny\"".to_owned()), "{all:?}");
        for skip in 0..all.len() {
            assert_eq!(lines(payload, skip, 2), all[skip..(skip + 2).min(all.len())]);
        }
    }

    #[test]
    fn a_huge_payload_costs_no_more_than_what_is_seen() {
        let wide: Payload = (0..2_000)
            .map(|n| (format!("f{n:04}"), json!("x".repeat(5_000))))
            .collect();
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            assert_eq!(lines(&wide, 10, 40).len(), 40);
        }
        assert!(begun.elapsed().as_millis() < 2_000, "{:?}", begun.elapsed());
        assert!(preview(&json!("y".repeat(5 << 20)), 100).len() < 200);
    }
}
