//! What goes wrong when Qdrant is asked, in words that say the way out, and what its client's errors hold of that.

use qdrant_client::QdrantError;
use tonic::Code;

/// What goes wrong at the source. Never about a single point.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// Nobody answers, or too late.
    #[error("Qdrant at {url} does not answer: {message}; check source.url and that the server runs")]
    Unreachable {
        /// The address.
        url: String,
        /// What the transport says.
        message: String,
    },
    /// Something answers that is no Qdrant.
    #[error("what answers at {url} is no Qdrant gRPC server ({message}); Qdrant's gRPC port is 6334 by default")]
    NotQdrant {
        /// The address.
        url: String,
        /// What the transport says.
        message: String,
    },
    /// The key is missing or wrong.
    #[error("Qdrant at {url} refuses the key ({message}); check source.api_key_env or api_key_file")]
    Refused {
        /// The address.
        url: String,
        /// What the server says.
        message: String,
    },
    /// No such collection.
    #[error("collection {collection:?} is not in Qdrant at {url}; it has {}", if .known.is_empty() { "none".to_owned() } else { .known.join(", ") })]
    NoCollection {
        /// The address.
        url: String,
        /// The name that was asked for.
        collection: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// The answer cannot be understood.
    #[error("Qdrant at {url} answered what cannot be understood: {message}")]
    Protocol {
        /// The address.
        url: String,
        /// What is wrong.
        message: String,
    },
}

impl SourceError {
    /// Whether trying again may help.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

pub(super) fn code(error: &QdrantError) -> Option<Code> {
    match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            Some(status.code())
        }
        _ => None,
    }
}

/// Whether asking for fewer points may get an answer: this one was too large, too slow, or more than the server has to
/// spare.
pub(super) fn was_too_much(error: &QdrantError) -> bool {
    match code(error) {
        Some(Code::OutOfRange | Code::ResourceExhausted | Code::DeadlineExceeded) => true,
        // What the client itself says when its time is up.
        Some(Code::Cancelled) => describe(error).contains("Timeout expired"),
        Some(_) => describe(error).contains("message length too large"),
        None => false,
    }
}

/// The message without the metadata that the client's own `Display` dumps: it may hold the key.
pub(super) fn describe(error: &QdrantError) -> String {
    let message = match error {
        QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. } => {
            status.message().to_owned()
        }
        other => other.to_string(),
    };
    plain(&message).chars().take(400).collect()
}

/// What the system said, out of the debug text that the transport wraps around it:
/// `tcp connect error: ConnectError(.., Os { code: 111, kind: .., message: "Connection refused" })`.
fn plain(message: &str) -> String {
    let inner = message
        .rsplit_once("message: \"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(inner, _)| inner);
    match (inner, message.split_once('(')) {
        (Some(inner), Some((head, _))) => {
            let head = head
                .trim_end_matches(|c: char| c.is_alphanumeric() || c == ' ')
                .trim_end_matches(':');
            if head.is_empty() {
                inner.to_owned()
            } else {
                format!("{head}: {inner}")
            }
        }
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_too_much_is_told_from_what_is_not() {
        for (code, message, expected) in [
            (
                Code::OutOfRange,
                "Error, decoded message length too large: found 5 bytes",
                true,
            ),
            (Code::Internal, "encoded message length too large", true),
            (Code::ResourceExhausted, "", true),
            (Code::DeadlineExceeded, "", true),
            (Code::Cancelled, "Timeout expired", true),
            (Code::Cancelled, "stream reset", false),
            (Code::Unavailable, "tcp connect error", false),
            (Code::Unauthenticated, "", false),
        ] {
            let error = QdrantError::from(tonic::Status::new(code, message));
            assert_eq!(was_too_much(&error), expected, "{code:?} {message}");
        }
    }

    #[test]
    fn what_the_system_said_is_told_without_the_debug_text_around_it() {
        for (message, expected) in [
            (
                "tcp connect error: ConnectError(\"tcp connect error\", 127.0.0.1:1, Os { code: 111, kind: \
                 ConnectionRefused, message: \"Connection refused\" })",
                "tcp connect error: Connection refused",
            ),
            (
                "transport error(Os { code: 104, kind: ConnectionReset, message: \"Connection reset by peer\" })",
                "Connection reset by peer",
            ),
            (
                "Not found: Collection `x` doesn't exist!",
                "Not found: Collection `x` doesn't exist!",
            ),
        ] {
            assert_eq!(plain(message), expected);
        }
    }
}
