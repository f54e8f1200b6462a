//! From a point to what is embedded: its text, its picture or sound, or why there is neither. Pure.

use std::sync::Arc;

use serde_json::Value;

use crate::config::{MediaConfig, MediaText};
use crate::embed::{Input, media};
use crate::point::{Cause, Failure, Modality, Payload, Point};

/// Levels of nesting that a payload may have. JSON readers stop at 128, and Lance's has no guard of its own.
const MAX_NESTING: usize = 64;

/// A point and what becomes of it.
#[derive(Debug)]
pub enum Prepared {
    /// A text is embedded, in the place of whatever the point is made of.
    Text(Box<Point>, Modality, Input),
    /// Its picture or sound is to be loaded and embedded.
    Media(Box<Point>, Wanted),
    /// Qdrant's own vector goes over as it is.
    Carry(Box<Point>, Modality, Arc<[f32]>),
}

/// What is known of a picture or a sound before it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What the payload says it is.
    pub named: Option<Modality>,
    /// Its caption or transcript.
    pub caption: Option<Input>,
}

/// How points get their embedding.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    /// The text of this payload key is embedded, or the point's picture or sound.
    Embed {
        /// The key.
        content: String,
        /// What is done with pictures and sounds.
        media: MediaPlan,
    },
    /// The vector of this name is carried over.
    Carry {
        /// The name; empty is the unnamed one.
        vector: String,
        /// The modality whose column it goes to; left out, that of the point.
        into: Option<Modality>,
    },
}

impl Plan {
    /// Texts alone are embedded.
    pub fn texts(content: &str) -> Self {
        Self::Embed {
            content: content.to_owned(),
            media: MediaPlan::default(),
        }
    }

    /// Whether two payloads of one point would be embedded from the same content.
    pub fn same_content(&self, a: &Payload, b: &Payload) -> bool {
        let Self::Embed { content, media } = self else {
            return true;
        };
        let same = |key: &str| a.get(key) == b.get(key);
        let config = &media.config;
        same(content)
            && (!media.any()
                || [&config.url_key, &config.inline_key].into_iter().all(|key| same(key)) && same("modality"))
    }
}

/// What is done with pictures and sounds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MediaPlan {
    /// Where they are, and what is done with their captions.
    pub config: Arc<MediaConfig>,
    /// For each of [`Modality::ALL`], whether it has an embedder.
    pub embedded: [bool; 3],
}

impl MediaPlan {
    /// Whether pictures or sounds are embedded at all.
    pub fn any(&self) -> bool {
        self.embeds(Modality::Image) || self.embeds(Modality::Audio)
    }

    /// Whether a modality has an embedder.
    pub fn embeds(&self, modality: Modality) -> bool {
        self.embedded[modality as usize]
    }
}

/// Prepares one point.
///
/// # Errors
/// The failure of this very point.
pub fn prepare(plan: &Plan, point: Point) -> Result<Prepared, Failure> {
    if point.payload.values().any(|value| deeper_than(value, MAX_NESTING)) {
        return Err(Failure::new(
            Cause::BadPayload,
            format!("the payload is nested deeper than {MAX_NESTING} levels"),
        ));
    }
    match plan {
        Plan::Carry { vector, into } => {
            let found = point.vectors.get(vector).and_then(|vector| vector.dense());
            let numbers: Arc<[f32]> = found
                .ok_or_else(|| {
                    let name = if vector.is_empty() {
                        "unnamed vector".into()
                    } else {
                        format!("vector {vector:?}")
                    };
                    Failure::new(Cause::NoVector, format!("the point has no dense {name} to carry over"))
                })?
                .into();
            if let Some(place) = qlance_numbers::not_finite(&numbers) {
                return Err(Failure::new(
                    Cause::BadVector,
                    format!("number {place} of the vector is {}", numbers[place]),
                ));
            }
            let modality = into.unwrap_or_else(|| Modality::hinted(&point.payload));
            Ok(Prepared::Carry(Box::new(point), modality, numbers))
        }
        Plan::Embed { content, media } => {
            let named = Modality::named(&point.payload);
            let there = media::find(&point.payload, &media.config).is_some();
            let loads = match named {
                Some(Modality::Text) => false,
                Some(other) => media.embeds(other),
                None => there && media.any(),
            };
            if !loads {
                let modality = Modality::hinted(&point.payload);
                let input = text_instead(content, &point.payload, modality, media.config.media_text)?;
                return Ok(Prepared::Text(Box::new(point), modality, input));
            }
            if !there {
                return Err(Failure::new(
                    Cause::NoContent,
                    format!(
                        "the payload says {} but has neither {:?} nor {:?}",
                        named.map_or("media", Modality::as_str),
                        media.config.url_key,
                        media.config.inline_key
                    ),
                ));
            }
            let caption = text_of(content, &point.payload).ok();
            Ok(Prepared::Media(Box::new(point), Wanted { named, caption }))
        }
    }
}

/// The text to embed for a point of this modality, which itself is not embedded.
///
/// # Errors
/// There is none, or captions are not to be embedded.
pub fn text_instead(key: &str, payload: &Payload, modality: Modality, how: MediaText) -> Result<Input, Failure> {
    let no_embedder = |why: &str| {
        Failure::new(
            Cause::NoEmbedder,
            format!("no embedder for {} is configured, and {why}", modality.as_str()),
        )
    };
    if modality != Modality::Text && how == MediaText::Never {
        return Err(no_embedder("media.media_text says that captions are never embedded"));
    }
    match payload.get(key) {
        None | Some(Value::Null) if modality != Modality::Text => {
            Err(no_embedder(&format!("there is no {key:?} to embed instead")))
        }
        _ => text_of(key, payload),
    }
}

/// The text to embed.
///
/// # Errors
/// There is none, it is blank, or it is no text.
pub fn text_of(key: &str, payload: &Payload) -> Result<Input, Failure> {
    match payload.get(key) {
        Some(Value::String(text)) if text.trim().is_empty() => Err(Failure::new(
            Cause::EmptyContent,
            format!("payload field {key:?} is blank"),
        )),
        Some(Value::String(text)) => Ok(Input::Text(text.as_str().into())),
        None | Some(Value::Null) => Err(Failure::new(Cause::NoContent, format!("the payload has no {key:?}"))),
        Some(other) => {
            let kind = match other {
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::Array(_) => "a list",
                _ => "an object",
            };
            Err(Failure::new(
                Cause::NotText,
                format!("payload field {key:?} is {kind}, not a text"),
            ))
        }
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        _ if levels == 0 => true,
        Value::Array(items) => items.iter().any(|item| deeper_than(item, levels - 1)),
        Value::Object(fields) => fields.values().any(|item| deeper_than(item, levels - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{PointId, Vector, Vectors};
    use serde_json::json;

    fn point(payload: &Value) -> Point {
        Point {
            id: PointId::Num(1),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        }
    }

    fn plan(media_text: MediaText, embedded: [bool; 3]) -> Plan {
        let config = MediaConfig {
            media_text,
            ..MediaConfig::default()
        };
        Plan::Embed {
            content: "content".into(),
            media: MediaPlan {
                config: Arc::new(config),
                embedded,
            },
        }
    }

    #[test]
    fn what_cannot_be_embedded_says_why() {
        for (payload, expected) in [
            (json!({"content": "hello"}), None),
            (json!({}), Some(Cause::NoContent)),
            (json!({"content": null}), Some(Cause::NoContent)),
            (json!({"content": " \n\t"}), Some(Cause::EmptyContent)),
            (json!({"content": 5}), Some(Cause::NotText)),
            (json!({"content": ["a"]}), Some(Cause::NotText)),
            (json!({"modality": "image", "media_url": "x"}), Some(Cause::NoEmbedder)),
            (json!({"media_url": "x.png"}), Some(Cause::NoEmbedder)),
            (json!({"modality": "image", "content": "a caption"}), None),
        ] {
            let failed = prepare(&Plan::texts("content"), point(&payload)).err();
            assert_eq!(failed.map(|failure| failure.cause), expected, "{payload}");
        }
    }

    #[test]
    fn what_a_point_is_made_of_decides_what_is_embedded() {
        use Modality::{Audio, Image, Text};
        let picture = json!({"modality": "image", "media_url": "a", "content": "caption"});
        let unnamed = json!({"media_url": "a", "content": "caption"});
        let (none, images) = ([true, false, false], [true, true, false]);
        for (payload, how, embedded, expected) in [
            (&picture, MediaText::Fallback, images, "media Some(Image) caption"),
            (&picture, MediaText::Never, images, "media Some(Image) caption"),
            (&picture, MediaText::Fallback, none, "text Image"),
            (&picture, MediaText::Never, none, "no_embedder"),
            (&unnamed, MediaText::Fallback, images, "media None caption"),
            (&unnamed, MediaText::Fallback, none, "text Text"),
            (
                &json!({"modality": "audio", "media": "AA=="}),
                MediaText::Also,
                images,
                "no_embedder",
            ),
            (
                &json!({"modality": "image", "content": "c"}),
                MediaText::Also,
                images,
                "no_content",
            ),
            (
                &json!({"modality": "image", "media": "AA=="}),
                MediaText::Also,
                images,
                "media Some(Image)",
            ),
            (
                &json!({"modality": "text", "media": "AA==", "content": "c"}),
                MediaText::Also,
                images,
                "text Text",
            ),
            (&json!({"content": "c"}), MediaText::Never, images, "text Text"),
        ] {
            let said = match prepare(&plan(how, embedded), point(payload)) {
                Ok(Prepared::Text(_, modality, _)) => format!("text {modality:?}"),
                Ok(Prepared::Media(_, Wanted { named, caption })) => {
                    format!("media {named:?}{}", caption.map_or("", |_| " caption"))
                }
                Ok(Prepared::Carry(..)) => "carry".into(),
                Err(failure) => failure.cause.as_str().into(),
            };
            assert_eq!(said, expected, "{payload} {how:?} {embedded:?}");
        }
        assert_eq!([Text, Image, Audio].map(|m| m as usize), [0, 1, 2]);
    }

    #[test]
    fn content_is_what_would_be_embedded() {
        let payload = |value: Value| value.as_object().cloned().expect("an object");
        let before = payload(json!({"content": "c", "media_url": "a", "tag": 1}));
        let (texts, media) = (Plan::texts("content"), plan(MediaText::Fallback, [true, true, false]));
        for (after, texts_same, media_same) in [
            (json!({"content": "c", "media_url": "a", "tag": 2}), true, true),
            (json!({"content": "d", "media_url": "a"}), false, false),
            (json!({"content": "c", "media_url": "b"}), true, false),
            (
                json!({"content": "c", "media_url": "a", "modality": "audio"}),
                true,
                false,
            ),
        ] {
            let after = payload(after);
            assert_eq!(texts.same_content(&before, &after), texts_same, "{after:?}");
            assert_eq!(media.same_content(&before, &after), media_same, "{after:?}");
        }
    }

    #[test]
    fn a_payload_nested_without_end_is_a_failure_of_its_point() {
        let mut value = json!(1);
        for _ in 0..80 {
            value = json!([value]);
        }
        let payload = json!({"content": "x", "deep": value});
        let point = Point {
            id: PointId::Num(1),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        };
        let plan = Plan::texts("content");
        assert_eq!(prepare(&plan, point).expect_err("too deep").cause, Cause::BadPayload);
    }

    #[test]
    fn a_point_without_the_vector_cannot_be_carried_over() {
        let plan = Plan::Carry {
            vector: "v".into(),
            into: None,
        };
        let mut point = Point {
            id: PointId::Num(1),
            payload: Payload::new(),
            vectors: Vectors::new(),
        };
        assert_eq!(prepare(&plan, point.clone()).expect_err("none").cause, Cause::NoVector);
        point.vectors.insert("v".into(), Vector::Dense(vec![1.0, f32::NAN]));
        assert_eq!(prepare(&plan, point.clone()).expect_err("NaN").cause, Cause::BadVector);
        point.vectors.insert("v".into(), Vector::Dense(vec![1.0, 2.0]));
        assert!(matches!(prepare(&plan, point), Ok(Prepared::Carry(..))));
    }
}
