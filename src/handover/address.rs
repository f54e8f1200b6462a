//! Addresses without what may be secret in them, and texts for a shell. Pure.

use std::path::Path;

/// Schemes whose part before the `@` names a container, not a user.
const CONTAINERS: [&str; 2] = ["abfs", "abfss"];

/// The address without user, password, query and fragment, all of which may hold credentials. A directory stays as it
/// is.
pub(super) fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    // A password with a slash in it ends the host too early: of a web address nothing before the last @ is kept.
    let end = if web {
        rest.len()
    } else {
        rest.find('/').unwrap_or(rest.len())
    };
    let (host, path) = rest.split_at(end);
    let host = match host.rsplit_once('@') {
        Some((user, _)) if CONTAINERS.contains(&scheme) && !user.contains(':') => host,
        Some((_, host)) => host,
        None => host,
    };
    format!("{scheme}://{host}{path}")
}

/// How qlance is called for a job: with the configuration and the state directory, where they are not the default ones.
pub fn called(config: &Path, state: Option<&Path>) -> String {
    let mut called = "qlance".to_owned();
    if config != Path::new("qlance.toml") {
        called.push_str(&format!(" --config {}", for_shell(&config.display().to_string())));
    }
    if let Some(state) = state {
        called.push_str(&format!(" --state {}", for_shell(&state.display().to_string())));
    }
    called
}

/// A text as one word of a POSIX shell.
pub(super) fn for_shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_for_a_shell_is_one_word() {
        for (text, expected) in [
            ("qlance.toml", "qlance.toml"),
            ("", "''"),
            ("a b", "'a b'"),
            ("it's; rm -rf $HOME", "'it'\\''s; rm -rf $HOME'"),
            ("dir\\x\"y", "'dir\\x\"y'"),
        ] {
            assert_eq!(for_shell(text), expected);
        }
    }

    #[test]
    fn it_is_called_as_it_was() {
        let path = Path::new;
        for (config, state, expected) in [
            ("qlance.toml", None, "qlance"),
            ("/tmp/my job/q.toml", None, "qlance --config '/tmp/my job/q.toml'"),
            ("q.toml", Some("s"), "qlance --config q.toml --state s"),
        ] {
            assert_eq!(called(path(config), state.map(path)), expected);
        }
    }

    #[test]
    fn what_may_be_secret_is_left_out() {
        for (address, expected) in [
            ("/data/choir.lance", "/data/choir.lance"),
            ("/data/a@b?c#d", "/data/a@b?c#d"),
            ("s3://bucket/path/a@b", "s3://bucket/path/a@b"),
            ("s3://key:secret@bucket/path", "s3://bucket/path"),
            ("s3://bucket/path?aws_secret_access_key=x", "s3://bucket/path"),
            ("gs://bucket", "gs://bucket"),
            (
                "abfss://container@account.dfs.core.windows.net/p",
                "abfss://container@account.dfs.core.windows.net/p",
            ),
            (
                "abfss://user:key@account.dfs.core.windows.net/p",
                "abfss://account.dfs.core.windows.net/p",
            ),
            ("https://user:pass@host:8080/v1", "https://host:8080/v1"),
            ("https://user:p/a@ss@host/v1?key=1#x", "https://host/v1"),
            ("http://localhost:11434/v1", "http://localhost:11434/v1"),
        ] {
            assert_eq!(without_credentials(address), expected);
        }
    }
}
