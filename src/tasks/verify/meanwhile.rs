//! Whether Qdrant was written to in place while it was compared. Its number of points does not tell; so a few points,
//! drawn at random from all that were compared, are read once more at the end. That finds a rewriting of the collection,
//! not the change of a single point: where none of 64 has changed, fewer than 3/64 of all have, at 95 %.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::point::{Payload, Point, PointId, Vector, Vectors};
use crate::qdrant::Source;
use crate::qdrant::source::Part;

/// Points that are looked at once more.
const MOST: usize = 64;

type Digest = [u8; 32];

/// A few of the points that were compared, each with what it held.
#[derive(Debug, Default)]
pub(super) struct Handful {
    rng: Option<StdRng>,
    /// What was asked of Qdrant; the same is asked once more.
    part: Option<Part>,
    offered: u64,
    drawn: Vec<(PointId, Digest)>,
}

impl Handful {
    /// Nothing drawn yet. `part` is what is asked of Qdrant.
    pub(super) fn new(seed: u64, part: Option<Part>) -> Self {
        Self {
            rng: Some(StdRng::seed_from_u64(seed)),
            part,
            ..Self::default()
        }
    }

    /// A point that is compared: each is drawn with the same chance (Vitter's algorithm R), however many come.
    pub(super) fn offer(&mut self, point: &Point) {
        let Some(rng) = &mut self.rng else { return };
        self.offered += 1;
        let place = match self.drawn.len() {
            drawn if drawn < MOST => drawn,
            _ => usize::try_from(rng.random_range(0..self.offered)).unwrap_or(MOST),
        };
        if place >= MOST {
            return;
        }
        let drawn = (point.id, digest(point));
        match self.drawn.get_mut(place) {
            Some(held) => *held = drawn,
            None => self.drawn.push(drawn),
        }
    }

    /// How many were drawn.
    pub(super) fn len(&self) -> usize {
        self.drawn.len()
    }

    /// How many of them are not what they were; `gone` says whether those that are not there any more count.
    pub(super) async fn changed(&self, source: &Source, gone: bool) -> anyhow::Result<u64> {
        let (Some(part), false) = (self.part, self.drawn.is_empty()) else {
            return Ok(0);
        };
        let mut ids: Vec<PointId> = self.drawn.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids.dedup();
        let points = source.get_part(&ids, part).await?;
        let now: HashMap<PointId, Digest> = points
            .into_iter()
            .flatten()
            .map(|point| (point.id, digest(&point)))
            .collect();
        let changed = self.drawn.iter().filter(|(id, then)| match now.get(id) {
            Some(now) => now != then,
            None => gone,
        });
        Ok(changed.count() as u64)
    }
}

/// A digest of payload and vectors, whatever order the keys come in.
fn digest(point: &Point) -> Digest {
    let mut hasher = blake3::Hasher::new();
    add_fields(&mut hasher, &point.payload);
    add_vectors(&mut hasher, &point.vectors);
    *hasher.finalize().as_bytes()
}

/// A text or a list begins with its length, so that no two points spell the same.
fn add_text(hasher: &mut blake3::Hasher, text: &str) {
    hasher
        .update(&(text.len() as u64).to_le_bytes())
        .update(text.as_bytes());
}

fn add_fields(hasher: &mut blake3::Hasher, fields: &Payload) {
    let mut keys: Vec<&String> = fields.keys().collect();
    keys.sort_unstable();
    hasher.update(&(keys.len() as u64).to_le_bytes());
    for key in keys {
        add_text(hasher, key);
        add_value(hasher, &fields[key.as_str()]);
    }
}

fn add_value(hasher: &mut blake3::Hasher, value: &Value) {
    match value {
        Value::Object(fields) => {
            hasher.update(b"o");
            add_fields(hasher, fields);
        }
        Value::Array(list) => {
            hasher.update(b"a").update(&(list.len() as u64).to_le_bytes());
            for value in list {
                add_value(hasher, value);
            }
        }
        // JSON tells integers from doubles, and texts from both.
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => add_text(hasher, &value.to_string()),
    }
}

fn add_vectors(hasher: &mut blake3::Hasher, vectors: &Vectors) {
    let numbers = |hasher: &mut blake3::Hasher, numbers: &[f32]| {
        hasher.update(&(numbers.len() as u64).to_le_bytes());
        for number in numbers {
            hasher.update(&number.to_bits().to_le_bytes());
        }
    };
    for (name, vector) in vectors {
        add_text(hasher, name);
        match vector {
            Vector::Dense(dense) => numbers(hasher, dense),
            Vector::Sparse { indices, values } => {
                for index in indices {
                    hasher.update(&index.to_le_bytes());
                }
                numbers(hasher, values);
            }
            Vector::Multi(rows) => rows.iter().for_each(|row| numbers(hasher, row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn point(id: u64, payload: &Value, numbers: &[f32]) -> Point {
        Point {
            id: PointId::Num(id),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::from([(String::new(), Vector::Dense(numbers.to_vec()))]),
        }
    }

    #[test]
    fn whatever_changes_is_seen() {
        let was = point(1, &json!({"a": 1, "b": {"c": [1, null]}}), &[0.5, 1.0]);
        let same = point(1, &json!({"b": {"c": [1, null]}, "a": 1}), &[0.5, 1.0]);
        assert_eq!(digest(&was), digest(&same));
        for other in [
            point(1, &json!({"a": 1.0, "b": {"c": [1, null]}}), &[0.5, 1.0]),
            point(1, &json!({"a": "1", "b": {"c": [1, null]}}), &[0.5, 1.0]),
            point(1, &json!({"a": 1, "b": {"c": [1]}}), &[0.5, 1.0]),
            point(1, &json!({"a": 1, "b": {"c": [1, null]}, "d": null}), &[0.5, 1.0]),
            point(1, &json!({"a": 1, "b": {"c": [1, null]}}), &[0.5, 1.000_001]),
        ] {
            assert_ne!(digest(&was), digest(&other), "{other:?}");
        }
    }

    #[test]
    fn few_are_drawn_from_all_that_come() {
        let mut late = 0;
        for seed in 0..20 {
            let mut handful = Handful::new(seed, None);
            for id in 0..1_000 {
                handful.offer(&point(id, &json!({}), &[]));
            }
            assert_eq!(handful.len(), MOST);
            late += handful.drawn.iter().filter(|(id, _)| *id >= PointId::Num(500)).count();
        }
        // 640 are expected, with a standard deviation of 18.
        assert!((500..780).contains(&late), "{late} of 1280 came in the second half");
    }
}
