//! Payloads as indented lines: only those that are seen are made, and no longer than they are seen, however large the
//! payload.

use std::fmt::Display;

use serde_json::Value;

use super::text::count;
use crate::point::Payload;

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
    /// Characters of a text that are looked at.
    most: usize,
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

    fn payload(mut self, payload: &Payload) -> Self {
        for (key, value) in payload {
            if self.is_full() {
                break;
            }
            self.value(0, key, value);
        }
        self
    }

    fn value(&mut self, depth: usize, name: &dyn Display, value: &Value) {
        if self.is_full() {
            return;
        }
        let most = self.most;
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

/// At most `room` lines of a payload after the first `skip`, for a pane of so many columns.
pub(super) fn lines(payload: &Payload, skip: usize, room: usize, width: usize) -> Vec<String> {
    let lines = Lines {
        skip,
        room,
        // Some characters fill no column; more than the pane holds is cut off in any case.
        most: 4 * width + 64,
        shown: Vec::new(),
    };
    lines.payload(payload).shown
}

/// How many lines a payload has, counted up to `most`.
pub(super) fn height(payload: &Payload, most: usize) -> usize {
    let lines = Lines {
        skip: most,
        room: 1,
        most: 0,
        shown: Vec::new(),
    };
    most - lines.payload(payload).skip
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_can_be_taken_from_anywhere() {
        let payload = json!({"a": 1, "b": {"c": [true, null], "d": "x\ny"}, "e": []});
        let payload = payload.as_object().expect("an object");
        let all = lines(payload, 0, 100, 80);
        assert_eq!(all[0], "a: 1");
        assert!(all.contains(&"  d: \"x\\ny\"".to_owned()), "{all:?}");
        for skip in 0..all.len() {
            assert_eq!(lines(payload, skip, 2, 80), all[skip..(skip + 2).min(all.len())]);
            assert_eq!(height(payload, skip), skip);
        }
        assert_eq!(height(payload, 100), all.len());
    }

    #[test]
    fn a_huge_payload_costs_no_more_than_what_is_seen() {
        let wide: Payload = (0..2_000)
            .map(|n| (format!("f{n:04}"), json!("x".repeat(5_000))))
            .collect();
        let begun = std::time::Instant::now();
        for _ in 0..100 {
            let shown = lines(&wide, 10, 40, 80);
            assert!(shown.len() == 40 && shown.iter().all(|line| line.len() < 1_000));
        }
        assert!(begun.elapsed().as_millis() < 2_000, "{:?}", begun.elapsed());
        assert!(preview(&json!("y".repeat(5 << 20)), 100).len() < 200);
    }
}
