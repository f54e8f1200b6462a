//! What a typed line asks for, and how it is shown again.

use crate::tasks::search::Asked;

/// What a typed line asks for: a file where it begins with `@` or is written like a path, else its words. Told by the
/// letters alone: here nobody looks at a disk.
///
/// # Errors
/// Nothing is asked for.
pub(in crate::app) fn query_of(text: &str) -> Result<Asked, String> {
    let text = text.trim();
    match text.strip_prefix('@').map(str::trim) {
        _ if text.is_empty() => Err("a query is needed".into()),
        Some("") => Err("after @ a path is needed, to a picture or a sound".into()),
        Some(path) => Ok(Asked::File(path.into())),
        None if is_path(text) => Ok(Asked::File(text.into())),
        None => Ok(Asked::Text(text.to_owned())),
    }
}

/// Whether a line is written like a path: one word that begins where a path may begin. Another path needs its `@`.
fn is_path(text: &str) -> bool {
    let begins = |start: &&str| text.len() > start.len() && text.starts_with(*start);
    let told = ["./", "../", "~/"].iter().any(begins);
    // A word like /quit is none.
    let absolute = text.strip_prefix('/').is_some_and(|rest| rest.contains(['/', '.']));
    (told || absolute) && !text.contains(char::is_whitespace)
}

/// A query as it would be typed.
pub(super) fn typed(query: &Asked) -> String {
    match query {
        Asked::Text(text) => text.clone(),
        Asked::File(path) => format!("@{}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_told_by_its_letters() {
        for (text, path) in [
            ("@x.png", Some("x.png")),
            (" @ my dog.wav ", Some("my dog.wav")),
            ("@@x", Some("@x")),
            ("./x.png", Some("./x.png")),
            ("../sounds/y.wav", Some("../sounds/y.wav")),
            ("/x/y.wav", Some("/x/y.wav")),
            ("/y.wav", Some("/y.wav")),
            ("~/x", Some("~/x")),
            ("x.png", None),
            ("./", None),
            ("~", None),
            ("/", None),
            ("/quit", None),
            ("/x/y was not found", None),
            ("./x and ./y", None),
            ("mara@choir", None),
            ("the harbour at night", None),
        ] {
            let expected = match path {
                Some(path) => Asked::File(path.into()),
                None => Asked::Text(text.to_owned()),
            };
            assert_eq!(query_of(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_no_query() {
        for (text, wanted) in [
            ("", "a query is needed"),
            (" \t", "a query is needed"),
            (" @ ", "after @"),
        ] {
            let error = query_of(text).expect_err(text);
            assert!(error.contains(wanted), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_again_means_the_same(text in "[ -~\u{e9}\u{65e5}]{0,20}|[@./~]{1,3}[a-z ./]{0,8}") {
            if let Ok(query) = query_of(&text) {
                prop_assert_eq!(query_of(&typed(&query)), Ok(query));
            }
        }
    }
}
