//! Addresses without what may be secret in them. Pure.

/// Schemes whose part before the `@` names a container, not a user.
const CONTAINERS: [&str; 2] = ["abfs", "abfss"];

/// The address without user, password, query and fragment, all of which may hold credentials. A directory, and any other
/// text, stays as it is.
pub fn without_credentials(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else {
        return address.to_owned();
    };
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, named) = match host.rsplit_once('@') {
        Some((user, named)) => (Some(user), named),
        None => (None, host),
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit() || byte == b']');
    let odd = named.rsplit_once(':').is_some_and(|(_, port)| !is_port(port)) || user.is_some() && named.is_empty();
    if odd && let Some((_, after)) = path.rsplit_once('@') {
        // A password with a slash in it ends the host too early: nothing before the last @ is kept.
        return format!("{scheme}://{after}");
    }
    let names_container = user.is_some_and(|user| CONTAINERS.contains(&scheme) && !user.contains([':', '@']));
    let host = if names_container { host } else { named };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_may_be_a_secret() {
        for (address, expected) in [
            ("/data/choir.lance", "/data/choir.lance"),
            ("/data/a@b?c#d", "/data/a@b?c#d"),
            ("file:///data/a@b", "file:///data/a@b"),
            ("s3://bucket/path/a@b", "s3://bucket/path/a@b"),
            ("s3://key:SECRET@bucket/path", "s3://bucket/path"),
            ("s3://bucket/path?aws_secret_access_key=SECRET", "s3://bucket/path"),
            ("gs://bucket", "gs://bucket"),
            (
                "abfss://container@account.dfs.core.windows.net/p",
                "abfss://container@account.dfs.core.windows.net/p",
            ),
            (
                "abfss://user:SECRET@account.dfs.core.windows.net/p",
                "abfss://account.dfs.core.windows.net/p",
            ),
            ("https://user:SECRET@host:6334/v1", "https://host:6334/v1"),
            ("https://SECRET@host", "https://host"),
            ("https://host/v1?token=SECRET#SECRET", "https://host/v1"),
            ("https://host?SECRET", "https://host"),
            ("https://user:SEC/RET@host/v1", "https://host/v1"),
            ("https://user:SEC/R@ET@host/v1?key=SECRET#x", "https://host/v1"),
            ("https://user:SEC@/RET@host/v1", "https://host/v1"),
            ("https://host/accounts/@model", "https://host/accounts/@model"),
            (
                "https://user:SECRET@host/accounts/@model",
                "https://host/accounts/@model",
            ),
            ("http://[::1]:6334", "http://[::1]:6334"),
            ("http://[::1]", "http://[::1]"),
            ("http://localhost:11434/v1", "http://localhost:11434/v1"),
            ("embedded:dir", "embedded:dir"),
            ("task: search result | query: ", "task: search result | query: "),
        ] {
            assert_eq!(without_credentials(address), expected);
        }
    }
}
