//! Where pictures and sounds of points come from, within which bounds, and how they are brought into the form that a
//! model takes.
//!
//! Knows `config`, `point` and `patience`, and of its parent what media are handed on as. Payloads are untrusted: what
//! is not allowed is refused before anything is asked or opened, every size is bounded before memory is taken for it,
//! and a type is told by content, whatever it is called. What is wrong with one picture or sound is a [`Failure`] whose
//! message names the step that failed; only whoever should have it and no longer answers is an outage.
//!
//! ```text
//! payload -> find -> Loader::fetch: address -> guard -> web, file, store, data -> Fetched (a share of the memory)
//!                                   again: tries, whose fault, patience
//! bytes -> tell: what it is -> fit: picture: complete? pixels? decode, scale, PNG   -> Media
//!                                   sound: complete? seconds? decode, mix, resample, WAV
//! ```

mod address;
mod again;
mod audio;
mod budget;
mod fetch;
mod guard;
mod image;
mod inline;
mod kind;
mod loader;
mod local;
mod message;
mod networks;
mod store;
#[cfg(test)]
mod testing;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::Media;
use crate::config::{EmbedConfig, MediaConfig};
use crate::point::{Failure, Modality, Payload};

pub use budget::Fetched;
pub use kind::{Kind, kind, tell};
pub use loader::{LoadError, Loader};

/// Where a payload says that its picture or sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where<'a> {
    /// At this address: http(s), `data:`, a path, or an object store's URI.
    Address(&'a str),
    /// Here, in base64.
    Inline(&'a str),
}

/// Finds the picture or sound of a payload: the bytes themselves where they are there, else the address.
pub fn find<'a>(payload: &'a Payload, config: &MediaConfig) -> Option<Where<'a>> {
    let text = |key: &str| payload.get(key).and_then(Value::as_str);
    let inline = text(&config.inline_key).filter(|text| !text.is_empty());
    inline.map(Where::Inline).or_else(|| {
        let address = text(&config.url_key).filter(|text| !text.trim().is_empty());
        address.map(Where::Address)
    })
}

/// What a model takes, and what is let in on the way to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takes {
    /// MIME types that are sent as they are, as [`Kind`] names them.
    pub accepts: Vec<String>,
    /// Pixels of a picture's longer side at most.
    pub max_side: u32,
    /// Samples a second of a sound that is converted.
    pub sample_rate: u32,
    /// Pixels that a picture may have when it is decoded.
    pub max_pixels: u64,
    /// How long a sound may be.
    pub max_duration: Duration,
}

impl Takes {
    /// What an embedder's configuration says that its model takes.
    pub fn of(embed: &EmbedConfig, media: &MediaConfig) -> Self {
        Self {
            accepts: embed.accepts.iter().map(|mime| kind::plain(mime)).collect(),
            max_side: embed.max_side,
            sample_rate: embed.sample_rate,
            max_pixels: media.max_megapixels * 1_000_000,
            max_duration: media.max_duration,
        }
    }

    fn as_it_is(&self, kind: Kind) -> bool {
        self.accepts.iter().any(|mime| mime == kind.mime)
    }
}

/// Brings a picture or a sound into the form that a model takes. All of it is decoded even if it goes as it is, because
/// half a picture would be embedded without a word. Keeps a core busy for up to seconds and takes memory for what is
/// decoded (some 8 bytes a pixel; of a sound no more than its result): call it where that keeps nobody waiting, and not
/// for many at once.
///
/// # Errors
/// It is not complete, cannot be decoded, or is more than is let in.
pub fn fit(bytes: &Arc<[u8]>, kind: Kind, takes: &Takes) -> Result<Media, Failure> {
    let fit = || match kind.modality {
        Modality::Image => image::fit(bytes, kind, takes),
        Modality::Audio => audio::fit(bytes, kind, takes),
        Modality::Text => Err(message::unreadable("it is a text, not a picture or a sound")),
    };
    // Decoders are asked to read what somebody made to break them.
    catch_unwind(AssertUnwindSafe(fit)).unwrap_or_else(|_| {
        let what = kind.mime;
        Err(message::unreadable(format!(
            "cannot decode {what}: it upsets the decoder"
        )))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Cause;
    use serde_json::json;

    #[test]
    fn bytes_come_before_addresses_and_what_is_no_text_is_nothing() {
        let config = MediaConfig::default();
        for (payload, expected) in [
            (json!({"media_url": "a", "media": "QQ=="}), Some(Where::Inline("QQ=="))),
            (json!({"media_url": "a", "media": ""}), Some(Where::Address("a"))),
            (json!({"media_url": "a", "media": null}), Some(Where::Address("a"))),
            (json!({"media_url": "a", "media": 7}), Some(Where::Address("a"))),
            (json!({"media_url": " \n"}), None),
            (json!({"media_url": ["a"]}), None),
            (json!({}), None),
        ] {
            let payload = payload.as_object().cloned().expect("an object");
            assert_eq!(find(&payload, &config), expected, "{payload:?}");
        }
        let renamed = MediaConfig {
            url_key: "picture".into(),
            ..MediaConfig::default()
        };
        let payload = json!({"picture": "b"}).as_object().cloned().expect("an object");
        assert_eq!(find(&payload, &renamed), Some(Where::Address("b")));
    }

    #[test]
    fn types_are_taken_by_whatever_name() {
        let embed = EmbedConfig {
            accepts: ["image/JPG", "audio/x-wav; rate=16000", "audio/mp3"]
                .map(String::from)
                .to_vec(),
            ..EmbedConfig::openai()
        };
        let takes = Takes::of(&embed, &MediaConfig::default());
        assert_eq!(takes.accepts, ["image/jpeg", "audio/wav", "audio/mpeg"]);
        assert_eq!(
            (takes.max_pixels, takes.max_duration),
            (50_000_000, Duration::from_secs(600))
        );
    }

    #[test]
    fn a_text_is_never_fitted() {
        let kind = Kind {
            modality: Modality::Text,
            mime: "text/plain",
        };
        let takes = Takes::of(&EmbedConfig::openai(), &MediaConfig::default());
        let failure = fit(&Arc::from(*b"hello"), kind, &takes).expect_err("a text");
        assert_eq!(failure.cause, Cause::MediaUnreadable);
    }
}
