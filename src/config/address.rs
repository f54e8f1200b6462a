//! Addresses in the configuration, and what must not stand in them: the file is shown, shared and kept, and addresses are
//! logged and printed.

mod without;

use super::ConfigError;
use super::check::field;

pub use without::without_credentials;

/// Parts of the names of parameters that carry a secret.
const SECRET_PARTS: [&str; 7] = ["key", "token", "secret", "passw", "credential", "signature", "pwd"];
/// Whole names of such parameters.
const SECRET_NAMES: [&str; 3] = ["sig", "sas", "auth"];

/// Refuses an address with a user, a password or a parameter that looks like a key. The message does not repeat it.
///
/// # Errors
/// Names the field and the way out.
pub fn refuse_secrets(name: &str, address: &str) -> Result<(), ConfigError> {
    let Some((scheme, rest)) = address.split_once("://") else {
        return Ok(());
    };
    let remedy = match name.rsplit_once('.') {
        Some((_, "uri")) => {
            "leave it out, and let the environment say it as the store's own tools do (AWS_ACCESS_KEY_ID, \
             GOOGLE_SERVICE_ACCOUNT, AZURE_STORAGE_ACCOUNT_KEY, ...)"
                .to_owned()
        }
        section => {
            let section = section.map_or(name, |(section, _)| section);
            format!("leave it out, and name a variable in {section}.api_key_env or a file in {section}.api_key_file")
        }
    };
    if has_user(scheme, rest) {
        return Err(field(
            name,
            "a user or a password does not belong in the address",
            remedy,
        ));
    }
    let parameters = rest.split_once(['?', '#']).map_or("", |(_, parameters)| parameters);
    let secret = parameters
        .split(['?', '#', '&', ';'])
        .filter_map(|parameter| parameter.split_once('='))
        .find(|(key, value)| !value.is_empty() && is_secret(key));
    match secret {
        Some((key, _)) => Err(field(
            name,
            format!("the parameter `{key}` looks like a key, which does not belong in the address"),
            remedy,
        )),
        None => Ok(()),
    }
}

fn has_user(scheme: &str, rest: &str) -> bool {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    if let Some((user, _)) = authority.rsplit_once('@') {
        // There it is the container: abfss://container@account.dfs.core.windows.net/path
        return user.contains(':') || !scheme.starts_with("abfs");
    }
    // A password with a slash in it ends the authority early; what stands for the port is then no number.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit() || byte == b']');
    path.contains('@') && authority.rsplit_once(':').is_some_and(|(_, port)| !is_port(port))
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_NAMES.contains(&key.as_str()) || SECRET_PARTS.iter().any(|part| key.contains(part))
}

/// A text that should have been an address, for a message: in quotes, or not at all where it may hold a secret.
pub(super) fn without_secrets(text: &str) -> String {
    if text.contains(['@', '?', '#', '=']) {
        "what stands there".into()
    } else {
        format!("{text:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_addresses_are_refused_and_not_repeated() {
        for (name, address, way_out) in [
            ("source.url", "https://user:hunter2@host:6334", "source.api_key_env"),
            ("source.url", "https://hunter2@host", "source.api_key_file"),
            ("source.url", "https://user:hun/ter2@host:6334", "source.api_key_env"),
            (
                "embed.text.base_url",
                "https://host/v1?key=hunter2",
                "embed.text.api_key_env",
            ),
            (
                "embed.image.base_url",
                "https://host/v1?v=1&API_Key=hunter2",
                "embed.image.api_key_file",
            ),
            (
                "embed.text.base_url",
                "https://host/v1#access_token=hunter2",
                "api_key_env",
            ),
            ("target.uri", "s3://user:hunter2@bucket/path", "AWS_ACCESS_KEY_ID"),
            (
                "target.uri",
                "s3://bucket/path?aws_secret_access_key=hunter2",
                "AWS_ACCESS_KEY_ID",
            ),
            (
                "target.uri",
                "az://container/path?sig=hunter2",
                "AZURE_STORAGE_ACCOUNT_KEY",
            ),
            (
                "target.uri",
                "abfss://c:hunter2@account.dfs.core.windows.net/p",
                "AZURE_STORAGE_ACCOUNT_KEY",
            ),
        ] {
            let error = refuse_secrets(name, address).expect_err(address).to_string();
            assert!(error.starts_with(name) && error.contains(way_out), "{address}: {error}");
            assert!(!error.contains("hunter2") && !error.contains("ter2"), "{error}");
        }
    }

    #[test]
    fn ordinary_addresses_are_let_in() {
        for address in [
            "http://localhost:6334",
            "http://[::1]:6334",
            "https://host/openai/deployments/d?api-version=2024-10-21",
            "https://host/accounts/@model/v1",
            "https://host/v1?token=",
            "s3://bucket/user@example.org/table",
            "abfss://container@account.dfs.core.windows.net/path",
            "embedded:dir@home",
            "out.lance",
        ] {
            assert!(refuse_secrets("target.uri", address).is_ok(), "{address}");
        }
    }
}
