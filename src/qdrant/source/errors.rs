//! What goes wrong when Qdrant is asked, in words that say the way out, and what its client's errors hold of that.

use std::error::Error as _;

use qdrant_client::QdrantError;
use tonic::Code;

/// What goes wrong at the source. Never about a single point.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SourceError {
    /// Nobody answers, or too late.
    #[error("Qdrant at {url} does not answer: {message}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why, and the way out.
        message: String,
    },
    /// Something answers that is no Qdrant.
    #[error(
        "what answers at {url} is no Qdrant gRPC server: {message}; Qdrant's gRPC port is 6334 by default, and where it \
         speaks TLS the address begins with https://"
    )]
    NotQdrant {
        /// The address.
        url: String,
        /// What it does instead.
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

/// All that the transport says of an error, cause by cause, for the log. As in [`describe`] there is no metadata in it.
pub(super) fn raw(error: &QdrantError) -> String {
    let (QdrantError::ResponseError { status } | QdrantError::ResourceExhaustedError { status, .. }) = error else {
        return error.to_string();
    };
    let mut text = status.message().to_owned();
    let mut cause = status.source();
    while let Some(error) = cause {
        // A status within shows its metadata; its message is the outer one's.
        if !error.is::<tonic::Status>() {
            text.push_str(&format!(": {error}"));
        }
        cause = error.source();
    }
    text.chars().take(2_000).collect()
}

/// Why nobody answers, in the operator's words, and the way out. `raw` is what the transport says.
pub(super) fn unreachable(raw: &str) -> String {
    // The address may hold any word.
    let said = raw
        .strip_prefix("Failed to connect to ")
        .and_then(|rest| rest.split_once(": "))
        .map_or(raw, |(_, said)| said)
        .to_lowercase();
    let kind = KINDS
        .iter()
        .find(|(signs, _)| signs.iter().any(|sign| said.contains(sign)));
    match kind {
        Some((_, text)) => (*text).to_owned(),
        None => {
            let said: String = plain(raw).chars().take(400).collect();
            format!("{said}; check source.url and that the server runs")
        }
    }
}

/// What the transport says, in small letters, by the kind of trouble it speaks of; and that in words, with the way out.
const KINDS: &[(&[&str], &str)] = &[
    (
        &[
            "certificate",
            "withouttlssupport",
            "tls error",
            "handshake",
            "corrupt message",
        ],
        "no encrypted connection can be made; say https:// only where the server speaks TLS, with a certificate that \
         this machine trusts",
    ),
    (
        &[
            "dns error",
            "lookup address",
            "name or service not known",
            "name resolution",
            "nodename nor servname",
        ],
        "nobody knows the name of its host; check source.url",
    ),
    (
        &["connection refused", "connectionrefused"],
        "the connection is refused; check that the server runs, and that source.url names its gRPC port (6334 by \
         default)",
    ),
    (
        &["timed out", "timeout", "timedout", "deadline", "elapsed"],
        "no answer came in time; check that the server is well and source.url right, or raise source.timeout_seconds",
    ),
    (
        &[
            "network is unreachable",
            "networkunreachable",
            "no route to host",
            "hostunreachable",
        ],
        "no way leads there through the network; check source.url and the network",
    ),
    (
        &[
            "connection reset",
            "broken pipe",
            "connection closed",
            "connection was closed",
            "unexpected end of file",
            "unexpected eof",
            "stream closed",
            "stream error",
            "h2 protocol error",
            "connection error",
            "goaway",
        ],
        "the connection broke off; check that the server still runs",
    ),
    (
        &["connect error", "transport error", "service was not ready"],
        "no connection can be made; check source.url and that the server runs",
    ),
];

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
    fn why_nobody_answers_is_told_in_words_with_the_way_out() {
        let connecting = |said: &str| {
            format!("Failed to connect to http://tls.timeout.example:6334/: tonic::transport::Error(Transport, {said})")
        };
        for (raw, says) in [
            (
                connecting(
                    "ConnectError(ConnectError(\"tcp connect error\", 127.0.0.1:1, Os { code: 111, kind: \
                     ConnectionRefused, message: \"Connection refused\" }))",
                ),
                "the connection is refused; check that the server runs, and that source.url names its gRPC port",
            ),
            (
                connecting(
                    "ConnectError(ConnectError(\"dns error\", Custom { kind: Uncategorized, error: \"failed to lookup \
                     address information: Name or service not known\" }))",
                ),
                "nobody knows the name of its host; check source.url",
            ),
            (
                connecting("ConnectError(Custom { kind: TimedOut, error: Elapsed(()) })"),
                "raise source.timeout_seconds",
            ),
            ("Timeout expired".to_owned(), "no answer came in time"),
            (
                connecting("ConnectError(Custom { kind: InvalidData, error: InvalidCertificate(UnknownIssuer) })"),
                "no encrypted connection can be made; say https:// only where",
            ),
            (connecting("ConnectError(HttpsUriWithoutTlsSupport(()))"), "encrypted"),
            (
                connecting("ConnectError(Os { code: 113, kind: HostUnreachable, message: \"No route to host\" })"),
                "through the network",
            ),
            (
                "error reading a body from connection: stream closed because of a broken pipe".to_owned(),
                "broke off",
            ),
            ("tcp connect error".to_owned(), "no connection can be made"),
            (
                "something new".to_owned(),
                "something new; check source.url and that the server runs",
            ),
        ] {
            let error = SourceError::Unreachable {
                url: "http://localhost:6334".into(),
                message: unreachable(&raw),
            };
            let text = error.to_string();
            assert!(text.contains(says), "{raw}: {text}");
            assert!(!text.contains("tonic") && !text.contains("Error"), "{text}");
        }
    }

    #[test]
    fn the_causes_that_the_client_keeps_apart_are_read_too_and_no_metadata() {
        let mut status = tonic::Status::new(Code::Unavailable, "tcp connect error");
        let refused = std::io::Error::new(std::io::ErrorKind::ConnectionRefused, "Connection refused");
        status.set_source(std::sync::Arc::new(refused));
        status
            .metadata_mut()
            .insert("api-key", "secret".parse().expect("a value"));
        let raw = raw(&QdrantError::from(status));
        assert_eq!(raw, "tcp connect error: Connection refused");
        assert!(unreachable(&raw).starts_with("the connection is refused"));
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
