//! How failures of media speak: which step failed, for which address, without what an address may hold in secret, on
//! one line, and of bounded length.

use std::error::Error;

use url::{Position, Url};

use crate::point::{Cause, Failure};

/// Characters of an address that are shown.
const MAX_ADDRESS: usize = 200;
/// Characters of what somebody else said that are shown.
const MAX_SAID: usize = 400;

/// The address is not allowed.
pub(super) fn refused(message: impl Into<String>) -> Failure {
    Failure::new(Cause::MediaRefused, message)
}

/// It could not be fetched.
pub(super) fn unreachable(message: impl Into<String>) -> Failure {
    Failure::new(Cause::MediaUnreachable, message)
}

/// It is more than is let in.
pub(super) fn too_large(message: impl Into<String>) -> Failure {
    Failure::new(Cause::MediaTooLarge, message)
}

/// It cannot be decoded.
pub(super) fn unreadable(message: impl Into<String>) -> Failure {
    Failure::new(Cause::MediaUnreadable, message)
}

/// More bytes than `media.max_mib` lets in.
pub(super) fn too_many_bytes(what: &str, bytes: Option<u64>, max_bytes: u64) -> Failure {
    let has = match bytes {
        Some(bytes) => format!("{bytes} bytes"),
        None => "more".to_owned(),
    };
    too_large(format!(
        "{what} is too large: {has}; media.max_mib lets in {} MiB",
        max_bytes >> 20
    ))
}

/// An address as it may be shown: scheme, host and path. What a query holds is often a key.
pub(super) fn shown(url: &Url) -> String {
    let host = &url[Position::BeforeHost..Position::BeforePath];
    line(&format!("{}://{host}{}", url.scheme(), url.path()), MAX_ADDRESS)
}

/// The same of a text that may be no address at all.
pub(super) fn shown_text(text: &str) -> String {
    let text = text.trim();
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = text.split_once("//") else {
        return line(text, MAX_ADDRESS);
    };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    line(&format!("{scheme}//{host}{path}"), MAX_ADDRESS)
}

/// What somebody else said, such as a library about a file.
pub(super) fn said(text: &str) -> String {
    line(text, MAX_SAID)
}

/// An error with all that is behind it: most outer messages say nothing of the cause.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        // Wrappers often repeat what they wrap.
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    said(&message)
}

/// One line of at most so many characters; control characters are replaced.
fn line(text: &str, most: usize) -> String {
    let mut shown: String = text
        .chars()
        .take(most)
        .map(|c| if is_unseemly(c) { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(most).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Control characters, and those that turn the direction of a text around.
fn is_unseemly(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        for (address, expected) in [
            (
                "https://user:pass@host.example/a/b.png?sig=SECRET#x",
                "https://host.example/a/b.png",
            ),
            ("http://host.example:8080", "http://host.example:8080/"),
            ("s3://bucket/a%20b.png?versionId=1", "s3://bucket/a%20b.png"),
        ] {
            assert_eq!(shown(&Url::parse(address).expect("an address")), expected);
        }
        for (text, expected) in [
            ("ftp://user:pass@host/a?b=c", "ftp://host/a"),
            ("ftp://a@b@host", "ftp://host"),
            (" pictures/a.png ", "pictures/a.png"),
            ("a\u{1b}[31mb\n", "a\u{fffd}[31mb"),
            ("a\u{202e}gnp.b", "a\u{fffd}gnp.b"),
        ] {
            assert_eq!(shown_text(text), expected, "{text:?}");
        }
        let long = shown_text(&"ä".repeat(5_000));
        assert_eq!(long.chars().count(), MAX_ADDRESS + 3);
        assert!(long.ends_with("..."));
    }

    #[test]
    fn an_error_tells_its_whole_chain_once() {
        let inner = std::io::Error::other("the disk is gone");
        let outer = anyhow::Error::new(inner).context("cannot read");
        assert_eq!(chain(&*outer), "cannot read: the disk is gone");
        assert!(chain(&std::io::Error::other("x".repeat(3_000))).len() < 500);
    }
}
