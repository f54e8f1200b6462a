//! The modality of a point: what its content is made of.

use serde::{Deserialize, Serialize};

use super::Payload;

/// What a point's content is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Modality {
    /// Written words.
    Text,
    /// A still picture.
    Image,
    /// A sound.
    Audio,
}

impl Modality {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Text, Self::Image, Self::Audio];

    /// The word used in the table, the configuration and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
        }
    }

    /// The modality that a word names, if any.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|modality| modality.as_str().eq_ignore_ascii_case(word))
    }

    /// The modality that a payload names in its field `modality`, if any.
    pub fn named(payload: &Payload) -> Option<Self> {
        payload
            .get("modality")
            .and_then(serde_json::Value::as_str)
            .and_then(Self::parse)
    }

    /// The modality of a payload whose media nobody looks at: the named one, else what `media_url` says by its name, else
    /// text. Where media are loaded, their content decides and not this.
    pub fn hinted(payload: &Payload) -> Self {
        let url = payload.get("media_url").and_then(serde_json::Value::as_str);
        Self::named(payload)
            .or_else(|| url.and_then(of_url))
            .unwrap_or(Self::Text)
    }
}

/// What a URL says of its media: the MIME type of a `data:` URI, else the path's ending.
fn of_url(url: &str) -> Option<Modality> {
    if let Some(data) = url.strip_prefix("data:") {
        let kind = data.split('/').next()?;
        return Modality::parse(kind);
    }
    let path = url.split(['?', '#']).next()?;
    let ending = path.rsplit('/').next()?.rsplit_once('.')?.1.to_ascii_lowercase();
    match ending.as_str() {
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "bmp" | "tif" | "tiff" | "avif" => Some(Modality::Image),
        "wav" | "mp3" | "flac" | "ogg" | "oga" | "opus" | "m4a" | "aac" => Some(Modality::Audio),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn told_from_the_payload_then_the_media_then_text() {
        for (payload, expected) in [
            (json!({"modality": "image"}), Modality::Image),
            (json!({"modality": "Audio", "media_url": "x.png"}), Modality::Audio),
            (
                json!({"modality": "hologram", "media_url": "http://h/a.PNG?x=1"}),
                Modality::Image,
            ),
            (json!({"media_url": "data:audio/wav;base64,AAAA"}), Modality::Audio),
            (json!({"media_url": "http://host.png/page"}), Modality::Text),
            (json!({"media_url": null, "modality": 7}), Modality::Text),
            (json!({}), Modality::Text),
        ] {
            let payload = payload.as_object().cloned().expect("an object");
            assert_eq!(Modality::hinted(&payload), expected, "{payload:?}");
        }
    }
}
