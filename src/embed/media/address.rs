//! What an address in a payload is: a URL, a `data:` URI, a path, or an object store's URI. Reads only; nothing is
//! asked and nothing is opened here.

use std::path::PathBuf;

use url::Url;

use super::message::{refused, shown, shown_text, unreachable};
use crate::point::Failure;

/// Bytes of an address that is no `data:` URI.
const MAX_LENGTH: usize = 8_192;

/// Schemes of object stores.
const STORES: [&str; 8] = ["s3", "s3a", "gs", "az", "adl", "azure", "abfs", "abfss"];

/// An address that may be looked at further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// A web server's.
    Http(Url),
    /// The bytes themselves.
    Data(Data<'a>),
    /// A file's, relative to the root or not.
    File(PathBuf),
    /// An object store's.
    Store(Url),
}

/// A `data:` URI, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Data<'a> {
    /// Whether the body is in base64; else it is percent-encoded.
    pub(super) base64: bool,
    /// What follows the comma.
    pub(super) body: &'a str,
}

/// Reads an address.
///
/// # Errors
/// It is none, or one of a kind that is never served.
pub(super) fn parse(text: &str) -> Result<Address<'_>, Failure> {
    let text = text.trim();
    if let Some(data) = data(text) {
        return data.map(Address::Data);
    }
    let refuse = |why: &str| refused(format!("refused {}: {why}", shown_text(text)));
    if text.len() > MAX_LENGTH {
        return Err(refuse("the address is longer than 8,192 bytes"));
    }
    // A URL parser would drop some of them without a word, and see another address than whoever looked at it before.
    if text.chars().any(char::is_control) {
        return Err(refuse("the address holds control characters"));
    }
    let Some(scheme) = scheme(text) else {
        return Ok(Address::File(text.into()));
    };
    let parsed =
        || Url::parse(text).map_err(|error| unreachable(format!("{} is no address: {error}", shown_text(text))));
    match scheme.as_str() {
        "http" | "https" => {
            let mut url = parsed()?;
            check_http(&url)?;
            url.set_fragment(None);
            Ok(Address::Http(url))
        }
        "file" => match parsed()?.to_file_path() {
            Ok(path) => Ok(Address::File(path)),
            Err(()) => Err(refuse("it names another machine's file")),
        },
        store if STORES.contains(&store) => {
            let mut url = parsed()?;
            if url.password().is_some() {
                return Err(refuse("it holds a password"));
            }
            url.set_query(None);
            url.set_fragment(None);
            Ok(Address::Store(url))
        }
        other => Err(refuse(&format!("the scheme {:?} is not served", shown_text(other)))),
    }
}

/// Checks what is written in a web address, the first one or where it redirects to.
///
/// # Errors
/// It is not http(s), or it holds a user or a password.
pub(super) fn check_http(url: &Url) -> Result<(), Failure> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused(format!(
            "refused {}: the scheme {:?} is not served there",
            shown(url),
            url.scheme()
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(format!(
            "refused {}: the address holds a user or a password",
            shown(url)
        )));
    }
    Ok(())
}

/// Takes a `data:` URI apart, if the text is one.
pub(super) fn data(text: &str) -> Option<Result<Data<'_>, Failure>> {
    let rest = match text.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data:") => rest,
        _ => return None,
    };
    let Some((head, body)) = rest.split_once(',') else {
        return Some(Err(unreachable("the data: URI has no comma, and so no data")));
    };
    let last = head.rsplit(';').next().unwrap_or_default();
    let base64 = head.contains(';') && last.trim().eq_ignore_ascii_case("base64");
    Some(Ok(Data { base64, body }))
}

/// The scheme that a text begins with, in small letters. One letter is none: it may be a drive.
fn scheme(text: &str) -> Option<String> {
    let (scheme, _) = text.split_once(':')?;
    let mut chars = scheme.chars();
    let fits = scheme.len() > 1
        && chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    fits.then(|| scheme.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Cause;
    use proptest::prelude::*;

    #[test]
    fn each_kind_of_address_is_told() {
        for (text, expected) in [
            ("http://host.example/a.png#part", "http http://host.example/a.png"),
            (" HTTPS://Host.Example:443/a b ", "http https://host.example/a%20b"),
            ("pictures/a.png", "file pictures/a.png"),
            ("/srv/media/a.png", "file /srv/media/a.png"),
            ("10:30.png", "file 10:30.png"),
            ("c:a.png", "file c:a.png"),
            ("file:///etc/passwd", "file /etc/passwd"),
            ("file://localhost/a%20b", "file /a b"),
            ("s3://bucket/a/../b?versionId=1", "store s3://bucket/b"),
            (
                "abfss://container@account.dfs.core.windows.net/a",
                "store abfss://container@account.dfs.core.windows.net/a",
            ),
            ("data:,hi", "data false hi"),
            ("DATA:image/png;Base64,AAAA", "data true AAAA"),
            ("data:image/png;charset=x,%20", "data false %20"),
            ("data:base64,AA", "data false AA"),
        ] {
            let said = match parse(text).expect(text) {
                Address::Http(url) => format!("http {url}"),
                Address::Data(Data { base64, body }) => format!("data {base64} {body}"),
                Address::File(path) => format!("file {}", path.display()),
                Address::Store(url) => format!("store {url}"),
            };
            assert_eq!(said, expected, "{text}");
        }
    }

    #[test]
    fn what_is_never_served_is_refused_by_name() {
        let long = format!("http://host/{}", "a".repeat(9_000));
        for (text, cause, says) in [
            ("ftp://host/a", Cause::MediaRefused, "\"ftp\" is not served"),
            ("gopher://host/", Cause::MediaRefused, "\"gopher\""),
            ("javascript:alert(1)", Cause::MediaRefused, "\"javascript\""),
            ("memory:///a", Cause::MediaRefused, "\"memory\""),
            ("http://user:secret@host/a", Cause::MediaRefused, "a user or a password"),
            ("http://user@host/a", Cause::MediaRefused, "a user or a password"),
            ("file://server/share/a", Cause::MediaRefused, "another machine"),
            ("http://ho\nst/", Cause::MediaRefused, "control characters"),
            ("a\0b.png", Cause::MediaRefused, "control characters"),
            (long.as_str(), Cause::MediaRefused, "longer than"),
            ("http://", Cause::MediaUnreachable, "is no address"),
            ("http://[::1/", Cause::MediaUnreachable, "is no address"),
            ("data:image/png;base64", Cause::MediaUnreachable, "no comma"),
        ] {
            let failure = parse(text).expect_err(text);
            assert_eq!(failure.cause, cause, "{text}");
            assert!(failure.message.contains(says), "{text}: {}", failure.message);
            assert!(!failure.message.contains("secret"), "{}", failure.message);
        }
    }

    proptest! {
        #[test]
        fn no_text_upsets_it(text in "\\PC{0,80}|(https?|data|file|s3):[ -~]{0,60}") {
            let _ = parse(&text);
        }
    }
}
