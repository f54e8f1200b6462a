//! Secrets: read from the environment or a file, held so that they do not print.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

use super::ConfigError;

/// A secret. `Debug` shows `Secret([REDACTED])`; it has no `Display` and cannot be serialised.
#[derive(Clone)]
pub struct Secret(SecretString);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret([REDACTED])")
    }
}

impl Secret {
    /// Wraps a value.
    pub fn new(value: &str) -> Self {
        Self(SecretString::from(value))
    }

    /// The value, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// `text` with every occurrence of the secret blotted out: for bodies of servers that echo what they were sent.
    pub fn redact(&self, text: &str) -> String {
        if self.expose().len() < 4 {
            return text.to_owned();
        }
        text.replace(self.expose(), "[REDACTED]")
    }

    pub(crate) fn find(
        section: &'static str,
        env: Option<&str>,
        file: Option<PathBuf>,
    ) -> Result<Option<Self>, ConfigError> {
        let (value, origin) = if let Some(name) = env {
            let value = std::env::var(name).map_err(|_| ConfigError::Field {
                field: format!("{section}.api_key_env"),
                problem: format!("the environment variable {name} is not set"),
                remedy: format!("export {name}=..., or name a file in {section}.api_key_file"),
            })?;
            (value, format!("{section}.api_key_env ({name})"))
        } else if let Some(path) = file {
            let value = std::fs::read_to_string(&path).map_err(|error| ConfigError::Field {
                field: format!("{section}.api_key_file"),
                problem: format!("cannot read {}: {error}", path.display()),
                remedy: "name a file that this user can read".into(),
            })?;
            (value, format!("{section}.api_key_file ({})", path.display()))
        } else {
            return Ok(None);
        };
        let value = value.trim();
        // A key with a line break inside panics deep in an HTTP client; an empty one asks for trouble later.
        if value.is_empty() || !value.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
            return Err(ConfigError::Field {
                field: origin,
                problem: "the key is empty or holds blanks, line breaks or characters beyond ASCII".into(),
                remedy: "put exactly the key there, on one line".into(),
            });
        }
        Ok(Some(Self::new(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_and_is_blotted_out() {
        let secret = Secret::new("sk-very-secret");
        assert!(!format!("{secret:?}").contains("very"));
        assert_eq!(
            secret.redact("bad key sk-very-secret, sorry"),
            "bad key [REDACTED], sorry"
        );
    }

    #[test]
    fn a_key_file_is_trimmed_and_checked() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("key");
        std::fs::write(&path, "sk-1234\n").expect("written");
        let key = Secret::find("source", None, Some(path.clone())).expect("found");
        assert_eq!(key.expect("a key").expose(), "sk-1234");
        std::fs::write(&path, "sk-1\n234").expect("written");
        let error = Secret::find("source", None, Some(path)).expect_err("a key of two lines");
        assert!(error.to_string().contains("api_key_file"), "{error}");
        assert!(!error.to_string().contains("234"), "{error}");
    }
}
