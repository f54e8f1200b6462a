//! The collections of the rounds: ids of both kinds, payloads of every shape, points that cannot be embedded, texts that
//! are there more than once. Says of each point whether it must arrive.

use std::collections::BTreeSet;

use qlance::point::{Point, PointId};
use rand::Rng as _;
use rand::distr::Alphanumeric;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::plan::{Mode, Plan};
use crate::support::world::point;

/// The provider refuses texts that hold this.
pub(crate) const REFUSED: &str = "[refused]";

/// Texts that many points share.
const COMMON: [&str; 5] = ["ok", "thanks!", "see you there", "\u{1F3B5}", "  two  spaces  "];

/// Characters of a long text: a few hundred of them are more than the disk that fills has room for.
const LONG: usize = 3_000;

/// The points of a round.
pub(crate) fn draw(plan: &Plan, rng: &mut StdRng) -> Vec<Point> {
    let mut ids = BTreeSet::new();
    while ids.len() < plan.points {
        ids.insert(match rng.random_range(0..10) {
            0..=5 => PointId::Num(rng.random_range(0..100_000)),
            6 => PointId::Num(rng.random()),
            _ => PointId::Uuid(uuid::Uuid::from_u128(rng.random())),
        });
    }
    let mut points = Vec::with_capacity(ids.len());
    for (place, id) in ids.into_iter().enumerate() {
        points.push(point(id, payload(plan, place, rng)));
    }
    points
}

/// The text of a point, where the provider gives an embedding for it. All others must be among the failures.
pub(crate) fn text_of(point: &Point) -> Option<&str> {
    let text = point.payload.get("content")?.as_str()?;
    (!text.trim().is_empty() && !text.contains(REFUSED)).then_some(text)
}

fn payload(plan: &Plan, place: usize, rng: &mut StdRng) -> Value {
    let mut payload = json!({"n": place, "score": place as f64 / 2.0});
    match rng.random_range(0..7) {
        0 => payload["thread_id"] = json!(format!("thread-{}", rng.random_range(0..9))),
        1 => payload["thread_id"] = Value::Null,
        2 => payload["created_at"] = json!(1_700_000_000 + place),
        3 => payload["chorus_result"] = json!({"b": [], "a": {"deep": [[rng.random_range(-5..5)], null, 1.0]}}),
        4 => {
            payload["modality"] = json!("audio");
            payload["media_url"] = json!(format!("https://example.org/{place}.ogg"));
        }
        5 => {
            payload["extra"] = json!({"n": 1});
            payload["a.b"] = json!([1, 1.0, "1", true, null]);
            payload[""] = json!("empty key");
        }
        _ => {}
    }
    if let Some(content) = content(plan, place, rng) {
        payload["content"] = content;
    }
    payload
}

fn content(plan: &Plan, place: usize, rng: &mut StdRng) -> Option<Value> {
    Some(match rng.random_range(0..100) {
        0 | 1 => return None,
        2 => Value::Null,
        3 => json!(" \t "),
        4 => json!(place),
        5 if plan.refuses => json!(format!("{REFUSED} message {place}")),
        6..=17 => json!(COMMON[rng.random_range(0..COMMON.len())]),
        // In scroll order the long ones come last.
        _ if plan.mode == Mode::Disk && place * 5 > plan.points * 2 => {
            let long: String = (0..LONG).map(|_| char::from(rng.sample(Alphanumeric))).collect();
            json!(format!("message {place} {long}"))
        }
        _ => json!(format!("message {place} of round {}", plan.seed)),
    })
}
