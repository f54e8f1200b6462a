//! Who may be asked for media. Payloads are untrusted: an address in one must not make qlance knock on doors that only
//! it can reach, such as a service on this machine or a cloud's metadata.
//!
//! Names are resolved here, and only addresses that may be asked are handed on: the address that was checked is the one
//! that is connected to. An IP address written in a URL never comes to a resolver, so it is checked before each request
//! and after each redirect.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::networks::{Allowed, why_not};

/// Says who may be asked.
#[derive(Debug)]
pub(super) struct Guard {
    allowed: Allowed,
}

/// Somebody may not be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; media.allow_private may list it")]
pub(super) struct Refusal(String);

impl Guard {
    /// Lets through what is out in the open, and what is listed.
    ///
    /// # Errors
    /// An entry is no host, no address and no network.
    pub(super) fn new(allow_private: &[String]) -> anyhow::Result<Self> {
        Ok(Self {
            allowed: Allowed::parse(allow_private)?,
        })
    }

    fn why_not(&self, address: IpAddr) -> Option<&'static str> {
        why_not(address).filter(|_| !self.allowed.address(address))
    }

    /// Checks the host of a URL as far as it is written there. Names are checked when they are resolved.
    ///
    /// # Errors
    /// It is an address that may not be asked.
    pub(super) fn check(&self, url: &Url) -> Result<(), Refusal> {
        let address: IpAddr = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        match self.why_not(address) {
            Some(what) => Err(Refusal(format!("{address} is {what}"))),
            None => Ok(()),
        }
    }

    /// Of the addresses of a name, those that may be asked.
    ///
    /// # Errors
    /// There are some, and none of them may be asked.
    fn filter(&self, host: &str, found: impl Iterator<Item = SocketAddr>) -> Result<Vec<SocketAddr>, Refusal> {
        let listed = self.allowed.host(host);
        let mut open = Vec::new();
        let mut refused = None;
        for address in found {
            match self.why_not(address.ip()) {
                Some(what) if !listed => refused = Some((address.ip(), what)),
                _ => open.push(address),
            }
        }
        match refused {
            Some((address, what)) if open.is_empty() => {
                Err(Refusal(format!("{host} resolves to {address}, which is {what}")))
            }
            _ => Ok(open),
        }
    }
}

/// Resolves names for the HTTP client.
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Arc<Guard>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let open = guard.filter(host, found)?;
            let addresses: Addrs = Box::new(open.into_iter());
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(allow: &[&str]) -> Guard {
        let allow: Vec<String> = allow.iter().map(|entry| (*entry).to_owned()).collect();
        Guard::new(&allow).expect("good entries")
    }

    #[test]
    fn addresses_in_urls_are_seen_through_however_they_are_spelled() {
        let guard = guard(&[]);
        for (url, open) in [
            ("http://127.0.0.1/", false),
            ("http://2130706433/", false),
            ("http://0x7f000001/", false),
            ("http://0x7f.1/", false),
            ("http://0177.0.0.1/", false),
            ("http://127.1/", false),
            ("http://127.0.0.1./", false),
            ("http://１２７.０.０.１/", false),
            ("http://0/", false),
            ("http://[::1]:80/", false),
            ("http://[::ffff:127.0.0.1]/", false),
            ("http://[::ffff:a9fe:a9fe]/", false),
            ("http://[64:ff9b::7f00:1]/", false),
            ("http://169.254.169.254/latest/meta-data/", false),
            ("https://10.0.0.1:8443/", false),
            ("http://1.1.1.1/", true),
            ("http://[2606:4700::1111]/", true),
            // Names are for the resolver.
            ("http://localhost/", true),
            ("http://127.0.0.1.nip.io/", true),
        ] {
            let parsed = Url::parse(url).expect("a URL");
            assert_eq!(guard.check(&parsed).is_ok(), open, "{url} is {parsed}");
        }
    }

    #[test]
    fn of_a_names_addresses_only_open_ones_are_handed_on() {
        let at = |text: &str| SocketAddr::new(text.parse().expect("an address"), 0);
        let (public, private) = (at("1.1.1.1"), at("10.0.0.5"));
        let both = || [private, public].into_iter();
        assert_eq!(guard(&[]).filter("h.example", both()), Ok(vec![public]));
        let refusal = guard(&[])
            .filter("h.example", [private].into_iter())
            .expect_err("private");
        assert_eq!(
            refusal.to_string(),
            "h.example resolves to 10.0.0.5, which is private; media.allow_private may list it"
        );
        assert_eq!(
            guard(&["h.example"]).filter("H.example.", both()),
            Ok(vec![private, public])
        );
        assert_eq!(
            guard(&["10.0.0.0/24"]).filter("h.example", both()),
            Ok(vec![private, public])
        );
        assert!(
            guard(&["other.example"])
                .filter("h.example", [private].into_iter())
                .is_err()
        );
        assert_eq!(guard(&[]).filter("nobody.example", [].into_iter()), Ok(Vec::new()));
    }

    #[tokio::test]
    async fn the_resolver_refuses_names_of_this_machine() {
        let resolve = |guard: Guard| Resolver(Arc::new(guard)).resolve("localhost".parse().expect("a name"));
        let error = resolve(guard(&[])).await.err().expect("loopback");
        assert!(error.downcast_ref::<Refusal>().is_some(), "{error}");
        let found = resolve(guard(&["localhost"])).await.expect("listed");
        assert!(found.count() > 0);
    }
}
