//! Why a point could not be carried over. Only what is wrong with *this* point belongs here: an outage never does.

use serde::{Deserialize, Serialize};

/// The cause of a failure: decides nothing about the run, but tells the operator where to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The payload has no content to embed.
    NoContent,
    /// The content is there but empty or blank.
    EmptyContent,
    /// The content is not a text.
    NotText,
    /// More tokens than the model takes.
    TooLong,
    /// The embedder refused this input.
    Rejected,
    /// The embedder answered with numbers that cannot be used (NaN, infinite, zeros only).
    BadVector,
    /// The payload holds what cannot be kept (a number that is not finite, nesting without end).
    BadPayload,
    /// Qdrant's vector should be carried over, but the point has none of that name.
    NoVector,
    /// No embedder is configured for the point's modality.
    NoEmbedder,
    /// The picture or sound could not be fetched: not found, no answer, no such host.
    MediaUnreachable,
    /// Its address is not allowed: loopback, private, outside of the root, a scheme that is not served.
    MediaRefused,
    /// More bytes, pixels or seconds than are let in.
    MediaTooLarge,
    /// It was fetched, but it is empty, truncated, or no picture and no sound that can be decoded.
    MediaUnreadable,
    /// It is something else than the payload says.
    MediaMismatch,
    /// A retry found that the point is no longer in Qdrant.
    Gone,
}

impl Cause {
    /// Every cause there is, for lists and filters.
    pub const ALL: [Self; 15] = [
        Self::NoContent,
        Self::EmptyContent,
        Self::NotText,
        Self::TooLong,
        Self::Rejected,
        Self::BadVector,
        Self::BadPayload,
        Self::NoVector,
        Self::NoEmbedder,
        Self::MediaUnreachable,
        Self::MediaRefused,
        Self::MediaTooLarge,
        Self::MediaUnreadable,
        Self::MediaMismatch,
        Self::Gone,
    ];

    /// The word in the journal, in exports and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoContent => "no_content",
            Self::EmptyContent => "empty_content",
            Self::NotText => "not_text",
            Self::TooLong => "too_long",
            Self::Rejected => "rejected",
            Self::BadVector => "bad_vector",
            Self::BadPayload => "bad_payload",
            Self::NoVector => "no_vector",
            Self::NoEmbedder => "no_embedder",
            Self::MediaUnreachable => "media_unreachable",
            Self::MediaRefused => "media_refused",
            Self::MediaTooLarge => "media_too_large",
            Self::MediaUnreadable => "media_unreadable",
            Self::MediaMismatch => "media_mismatch",
            Self::Gone => "gone",
        }
    }

    /// The cause that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == word)
    }
}

/// One failure of one point.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The cause.
    pub cause: Cause,
    /// The whole chain of messages, outermost first, without secrets and of bounded length.
    pub message: String,
}

/// Characters of a message that are kept: servers answer with whole pages of HTML.
const MAX_MESSAGE_CHARS: usize = 2_000;

impl Failure {
    /// Makes a failure; the message is cut at 2,000 characters.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE_CHARS) {
            message.truncate(end);
            message.push_str(" [cut]");
        }
        Self { cause, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_word() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
            let json = serde_json::to_string(&cause).expect("JSON");
            assert_eq!(json, format!("\"{}\"", cause.as_str()));
        }
    }

    #[test]
    fn long_messages_are_cut_between_characters() {
        let failure = Failure::new(Cause::Rejected, "ä".repeat(5_000));
        assert!(failure.message.ends_with(" [cut]"));
        assert_eq!(failure.message.chars().count(), 2_006);
    }
}
