//! A payload as a flat list of paths and values.

use std::cmp::Ordering;

use serde_json::Value;

use super::MAX_FIELDS;
use crate::point::Payload;

/// The leaves of a payload with their paths, in the payload's order, and how many more there are than
/// [`MAX_FIELDS`]. An empty list or object is a leaf.
pub(super) fn flatten(payload: &Payload) -> (Vec<(String, Value)>, usize) {
    let mut leaves = Vec::new();
    let mut more = 0;
    for (key, value) in payload {
        walk(&step(key), value, &mut leaves, &mut more);
    }
    (leaves, more)
}

fn walk(path: &str, value: &Value, leaves: &mut Vec<(String, Value)>, more: &mut usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                walk(&format!("{path}.{}", step(key)), value, leaves, more);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (place, value) in items.iter().enumerate() {
                walk(&format!("{path}[{place}]"), value, leaves, more);
            }
        }
        _ if leaves.len() >= MAX_FIELDS => *more += 1,
        leaf => leaves.push((path.to_owned(), leaf.clone())),
    }
}

/// A key as a step of a path: quoted where it would read as something else.
fn step(key: &str) -> String {
    let plain = !key.is_empty() && !key.contains(['.', '[', ']', '"']);
    if plain { key.to_owned() } else { format!("{key:?}") }
}

/// Paths in the order of reading: numbers in brackets by value.
pub(super) fn path_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('['), b.split('['));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(left), Some(right)) => match (place(left), place(right)) {
                (Some((x, rest)), Some((y, other))) => x.cmp(&y).then_with(|| rest.cmp(other)),
                _ => left.cmp(right),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

/// `12].x` as 12 and the rest.
fn place(part: &str) -> Option<(u64, &str)> {
    let (number, rest) = part.split_once(']')?;
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn odd_keys_are_quoted_and_lists_stay_in_order() {
        let payload = json!({"": {"x": [2]}, "a.b": 1, "c": {}});
        let (leaves, more) = flatten(payload.as_object().expect("an object"));
        let paths: Vec<&str> = leaves.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["\"\".x[0]", "\"a.b\"", "c"]);
        assert_eq!(more, 0);
        assert_eq!(path_order("a[2]", "a[10]"), Ordering::Less);
        assert_eq!(path_order("a[2].b", "a[2].a"), Ordering::Greater);
        assert_eq!(path_order("a", "a[0]"), Ordering::Less);
    }
}
