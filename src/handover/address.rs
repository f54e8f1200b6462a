//! How qlance is called, and texts for a shell. Pure.

use std::path::Path;

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
}
