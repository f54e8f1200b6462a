//! The demo's messages: a function of seed and number, so that a demo can be gone on with and a test can foretell it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::media::{Carried, Piece, carried, file_name, piece};
use crate::embed::teaching;
use crate::point::{Payload, PointId};

/// One message, and the text its vector in Qdrant was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Integers for most, UUIDs for some.
    pub id: PointId,
    /// The payload.
    pub payload: Payload,
    /// What was embedded back then; differs from the content where the vector is stale.
    pub embedded_text: String,
    /// Its picture or sound.
    pub piece: Option<Piece>,
}

/// What pictures and sounds are about, by the axes of the teaching space; also the names of their threads.
const COLOURS: [&str; 8] = ["red", "orange", "yellow", "green", "blue", "purple", "black", "white"];
const SHAPES: [&str; 4] = ["circle", "square", "triangle", "star"];
const PITCHES: [&str; 3] = ["low", "middle", "high"];
const SOUNDS: [&str; 3] = ["tone", "chord", "noise"];
const ASKING: [&str; 5] = [
    "Who has the",
    "I like the",
    "Can we use the",
    "Somebody sent me the",
    "The poster needs the",
];

const PEOPLE: [&str; 12] = [
    "Amina", "Björn", "Chen", "Dara", "Emil", "Fatou", "Gil", "Hana", "Ines", "Jonas", "Kofi", "Lucía",
];
const OPENINGS: [&str; 10] = [
    "Quick update on",
    "Does anyone know about",
    "I finally understood",
    "We should talk about",
    "Reminder:",
    "Nice write-up on",
    "Still blocked on",
    "Good news about",
    "Notes from today on",
    "A question about",
];
const TOPICS: [&str; 24] = [
    "the choir rehearsal on Thursday",
    "the vector index for our archive",
    "the alto part in bar 42",
    "moving the database to the new server",
    "the concert poster and its fonts",
    "tuning the old piano",
    "the budget for the summer tour",
    "recording levels in the small hall",
    "the sheet music we ordered",
    "retry limits of the importer",
    "the bus timetable for the tour",
    "translating the Latin text",
    "the broken microphone stand",
    "a warm-up for cold mornings",
    "the tenor who moved to Lisbon",
    "backups of last year's recordings",
    "the acoustics of the stone chapel",
    "the cake for the anniversary",
    "search results that look wrong",
    "the draft of the newsletter",
    "parking behind the music school",
    "the soprano solo in the second piece",
    "permissions for the shared folder",
    "the missing pages of the score",
];
const MIDDLES: [&str; 12] = [
    "it took longer than we thought",
    "the second attempt went much better",
    "nobody has signed for it yet",
    "there are two versions and they differ",
    "I measured it twice to be sure",
    "we may need one more volunteer",
    "the numbers do not add up",
    "somebody left a note on the door",
    "it works when you try it again",
    "the old one is kept as a spare",
    "please read it before Friday",
    "it sounds wonderful in the evening",
];
const CLOSINGS: [&str; 10] = [
    "What do you think?",
    "I will send pictures later.",
    "Thanks, everyone!",
    "More tomorrow.",
    "Please answer in this thread.",
    "Let us keep it simple.",
    "I can help on Monday.",
    "See the attached file.",
    "No hurry.",
    "That is all from me.",
];
const REACTIONS: [&str; 6] = ["agrees", "disagrees", "asks back", "celebrates", "summarises", "shrugs"];

fn pick<'a>(rng: &mut StdRng, words: &[&'a str]) -> &'a str {
    words[rng.random_range(0..words.len())]
}

fn sentence(rng: &mut StdRng, number: u64) -> String {
    let mut text = format!(
        "{} {}: {}",
        pick(rng, &OPENINGS),
        pick(rng, &TOPICS),
        pick(rng, &MIDDLES)
    );
    text.push_str(". ");
    if rng.random_bool(0.3) {
        text.push_str(pick(rng, &CLOSINGS));
    }
    if rng.random_bool(0.6) {
        text.push_str(&format!(" (message {number})"));
    }
    text
}

/// Message `number` of the collection with this seed.
pub fn message(seed: u64, number: u64) -> Message {
    let mut rng = StdRng::seed_from_u64(seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let id = if number % 5 == 4 {
        PointId::Uuid(uuid::Uuid::new_v5(
            &uuid::Uuid::NAMESPACE_OID,
            format!("{seed}/{number}").as_bytes(),
        ))
    } else {
        PointId::Num(number + 1)
    };
    let content = sentence(&mut rng, number);
    let day = 1 + (number / 97) % 28;
    let (hour, minute) = (rng.random_range(7..23), rng.random_range(0..60));
    let mut payload = json!({
        "content": content,
        "thread_id": format!("thread-{:03}", rng.random_range(0..60)),
        "created_at": format!("2026-{:02}-{day:02}T{hour:02}:{minute:02}:00Z", 1 + (number / 2_716) % 12),
        "author": pick(&mut rng, &PEOPLE),
    });
    let kind = number % 100;
    if number.is_multiple_of(3) {
        payload["chorus_result"] = json!({
            "voices": [
                {"name": pick(&mut rng, &PEOPLE), "verdict": pick(&mut rng, &REACTIONS), "weight": 1},
                {"name": pick(&mut rng, &PEOPLE), "verdict": pick(&mut rng, &REACTIONS), "weight": 0.5},
            ],
            "agreement": f64::from(rng.random_range(0..=100)) / 100.0,
        });
    }
    match kind {
        // What real payloads hold beside the columns: mixed lists, nested objects, nulls, other types.
        11 => payload["tags"] = json!(["tour", 2026, null, 1.5]),
        23 => payload["media_url"] = Value::Null,
        37 => payload["edited"] = json!({"by": pick(&mut rng, &PEOPLE), "times": 2, "reasons": []}),
        41 => payload["created_at"] = json!(1_767_225_600_i64 + number as i64),
        53 => payload["modality"] = json!("text"),
        _ => {}
    }
    let piece = piece(seed, number);
    if let Some(piece) = &piece {
        payload["content"] = json!(piece.caption());
        payload["thread_id"] = json!(format!("thread-{}", subject_of(piece.caption(), piece)));
        carry(&mut payload, number, piece);
    } else if number % 20 == 10 {
        // Messages about the same things, so that threads reach across modalities.
        let (what, thread) = if rng.random_bool(0.5) {
            let (colour, shape) = (pick(&mut rng, &COLOURS), pick(&mut rng, &SHAPES));
            (format!("{colour} {shape}"), format!("thread-{colour}-{shape}"))
        } else {
            let (pitch, sound) = (pick(&mut rng, &PITCHES), pick(&mut rng, &SOUNDS));
            (format!("{pitch} {sound}"), format!("thread-{pitch}-{sound}"))
        };
        let asking = pick(&mut rng, &ASKING);
        payload["content"] = json!(format!("{asking} {what}? (message {number})"));
        payload["thread_id"] = json!(thread);
    }
    let content = payload["content"].as_str().unwrap_or_default().to_owned();
    // Some three in a hundred have a vector of an earlier wording.
    let embedded_text = match kind {
        17 | 47 => format!("{content} But that was before we changed the plan."),
        83 => sentence(&mut rng, number + 1),
        _ => content,
    };
    match number % 200 {
        61 => {
            payload["content"] = Value::Null;
        }
        101 => {
            if let Some(fields) = payload.as_object_mut() {
                fields.remove("content");
            }
        }
        161 => payload["content"] = json!("   "),
        _ => {}
    }
    let Value::Object(payload) = payload else {
        unreachable!("made as an object above")
    };
    Message {
        id,
        payload,
        embedded_text,
        piece,
    }
}

/// What a picture or a sound is about, by the words of its caption: the colour and the shape, or the pitch and the kind.
fn subject_of(caption: &str, piece: &Piece) -> String {
    let vector = teaching::of_text(caption);
    let best = |from: usize, names: &[&'static str]| {
        let axes = names
            .iter()
            .enumerate()
            .map(|(place, name)| (vector[from + place], *name));
        axes.max_by(|a, b| a.0.total_cmp(&b.0)).map_or("", |(_, name)| name)
    };
    match piece {
        Piece::Picture { .. } => format!("{}-{}", best(0, &COLOURS), best(8, &SHAPES)),
        Piece::Sound { .. } => format!("{}-{}", best(12, &PITCHES), best(15, &SOUNDS)),
    }
}

/// Puts a piece into a payload, in the way that this message carries its own.
fn carry(payload: &mut Value, number: u64, piece: &Piece) {
    let encoded = || STANDARD.encode(piece.bytes());
    match carried(number) {
        Carried::File => payload["media_url"] = json!(file_name(number)),
        Carried::DataUri => payload["media_url"] = json!(format!("data:{};base64,{}", piece.mime(), encoded())),
        Carried::Inline => payload["media"] = json!(encoded()),
    }
    // What it is made of is mostly told by the media themselves.
    if carried(number) == Carried::Inline || number % 40 == 15 {
        payload["modality"] = json!(match piece {
            Piece::Picture { .. } => "image",
            Piece::Sound { .. } => "audio",
        });
    }
}

/// The texts that the demo's embedder refuses the first time: about one in a hundred, by what they say.
pub fn is_refused_once(text: &str) -> bool {
    text.ends_with("71)") || text.ends_with("29)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn messages_are_a_function_of_seed_and_number() {
        assert_eq!(message(7, 12), message(7, 12));
        assert_ne!(message(7, 12), message(8, 12));
        let ids: HashSet<PointId> = (0..2_000).map(|n| message(7, n).id).collect();
        assert_eq!(ids.len(), 2_000);
        assert!(ids.iter().any(|id| matches!(id, PointId::Uuid(_))));
    }

    #[test]
    fn the_collection_has_what_the_demo_promises() {
        let messages: Vec<Message> = (0..2_000).map(|n| message(7, n)).collect();
        let content = |message: &Message| {
            message
                .payload
                .get("content")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let stale = messages
            .iter()
            .filter(|m| content(m).is_some_and(|c| c != m.embedded_text))
            .count();
        assert!((40..=80).contains(&stale), "{stale} stale of 2,000");
        let empty = messages
            .iter()
            .filter(|m| content(m).is_none_or(|c| c.trim().is_empty()))
            .count();
        assert_eq!(empty, 30);
        let refused = messages
            .iter()
            .filter(|m| content(m).is_some_and(|c| is_refused_once(&c)))
            .count();
        assert!((10..=40).contains(&refused), "{refused} refused of 2,000");
    }
}
