//! Which networks an IP address belongs to, and what `media.allow_private` lets through. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context as _;
use url::Host;

/// What may be asked although it is not out in the open.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    hosts: Vec<String>,
    networks: Vec<Network>,
}

impl Allowed {
    /// Reads host names, addresses and networks.
    ///
    /// # Errors
    /// One of them is none of the three.
    pub(super) fn parse(entries: &[String]) -> anyhow::Result<Self> {
        let mut allowed = Self::default();
        for entry in entries {
            let text = entry.trim();
            let wrong = || {
                format!(
                    "media.allow_private: {entry:?} is no host name, no IP address and no network: \
                     write \"media.internal\", \"10.1.2.3\" or \"10.0.0.0/8\""
                )
            };
            if text.contains('/') {
                allowed.networks.push(Network::parse(text).with_context(wrong)?);
                continue;
            }
            let bare = text.trim_start_matches('[').trim_end_matches(']');
            if let Ok(address) = bare.parse::<IpAddr>() {
                allowed.networks.push(Network::of(address));
                continue;
            }
            match Host::parse(text) {
                Ok(Host::Domain(host)) if !host.contains('*') => allowed.hosts.push(plain(&host)),
                _ => anyhow::bail!(wrong()),
            }
        }
        Ok(allowed)
    }

    /// Whether this host name is listed.
    pub(super) fn host(&self, host: &str) -> bool {
        let host = plain(host);
        self.hosts.contains(&host)
    }

    /// Whether this address, or a network it is in, is listed.
    pub(super) fn address(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// A host name as it is compared: in small letters, without the dot that may end it.
fn plain(host: &str) -> String {
    host.trim_end_matches('.').to_ascii_lowercase()
}

/// The addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        Self { address, bits }
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/')?;
        let network = Self {
            address: address.parse().ok()?,
            bits: bits.parse().ok()?,
        };
        let most = if network.address.is_ipv4() { 32 } else { 128 };
        (network.bits <= most).then_some(network)
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - self.bits).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// Why an address is not out in the open, if it is not.
pub(super) fn why_not(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => why_not_v4(address),
        IpAddr::V6(address) => why_not_v6(address),
    }
}

/// Networks of the special registries of IANA, with what they are called here. Longer ones that lie in another come
/// first.
const SPECIAL_V4: [([u8; 4], u32, &str); 15] = [
    ([0, 0, 0, 0], 8, "unspecified"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "private (carrier-grade NAT)"),
    ([127, 0, 0, 0], 8, "loopback"),
    ([169, 254, 0, 0], 16, "link-local"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "reserved for protocols"),
    ([192, 0, 2, 0], 24, "for documentation"),
    ([192, 88, 99, 0], 24, "reserved for relays"),
    ([192, 168, 0, 0], 16, "private"),
    ([198, 18, 0, 0], 15, "for benchmarks"),
    ([198, 51, 100, 0], 24, "for documentation"),
    ([203, 0, 113, 0], 24, "for documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved or broadcast"),
];

const SPECIAL_V6: [([u16; 8], u32, &str); 12] = [
    ([0, 0, 0, 0, 0, 0, 0, 0], 128, "unspecified"),
    ([0, 0, 0, 0, 0, 0, 0, 1], 128, "loopback"),
    ([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48, "private (local translation)"),
    ([0x100, 0, 0, 0, 0, 0, 0, 0], 64, "discarded"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "for documentation"),
    ([0x2001, 0x2, 0, 0, 0, 0, 0, 0], 48, "for benchmarks"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "for documentation"),
    ([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16, "reserved for routing"),
    ([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7, "private"),
    ([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10, "link-local"),
    ([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10, "private (site-local)"),
    ([0xff00, 0, 0, 0, 0, 0, 0, 0], 8, "multicast"),
];

fn why_not_v4(address: Ipv4Addr) -> Option<&'static str> {
    let within = |octets: [u8; 4], bits| {
        let network = Network {
            address: Ipv4Addr::from(octets).into(),
            bits,
        };
        network.contains(address.into())
    };
    SPECIAL_V4
        .into_iter()
        .find_map(|(octets, bits, what)| within(octets, bits).then_some(what))
}

fn why_not_v6(address: Ipv6Addr) -> Option<&'static str> {
    let within = |segments: [u16; 8], bits| {
        let network = Network {
            address: Ipv6Addr::from(segments).into(),
            bits,
        };
        network.contains(address.into())
    };
    SPECIAL_V6
        .into_iter()
        .find_map(|(segments, bits, what)| within(segments, bits).then_some(what))
        .or_else(|| embedded(address).into_iter().flatten().find_map(why_not_v4))
}

/// The IPv4 addresses that an IPv6 address stands for on its way through a translator or a tunnel.
fn embedded(address: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let segments = address.segments();
    let at = |place: usize| {
        let [a, b] = segments[place].to_be_bytes();
        let [c, d] = segments[place + 1].to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        // IPv4-compatible; translated by SIIT; NAT64.
        [0, 0, 0, 0, 0 | 0xffff, 0, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => [Some(at(6)), None],
        // 6to4.
        [0x2002, ..] => [Some(at(1)), None],
        // Teredo: its server, and the client with every bit turned over.
        [0x2001, 0, ..] => [Some(at(2)), Some(Ipv4Addr::from_bits(!at(6).to_bits()))],
        _ => [None, None],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_out_in_the_open_is_told() {
        for (address, open) in [
            ("1.1.1.1", true),
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("11.0.0.0", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("127.0.0.1", false),
            ("127.255.255.254", false),
            ("169.254.169.254", false),
            ("172.15.255.255", true),
            ("172.16.0.0", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.0.170", false),
            ("192.0.1.1", true),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.17.255.255", true),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.20.0.0", true),
            ("198.51.100.7", false),
            ("203.0.113.7", false),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("2606:4700::1111", true),
            ("fc00::1", false),
            ("fdff::1", false),
            ("fe80::1", false),
            ("febf::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
            ("2001:db8::1", false),
            ("3fff:0fff::1", false),
            ("100::1", false),
            // The same addresses in another dress.
            ("::ffff:127.0.0.1", false),
            ("::ffff:1.1.1.1", true),
            ("::127.0.0.1", false),
            ("::ffff:0:10.0.0.1", false),
            ("64:ff9b::169.254.169.254", false),
            ("64:ff9b::1.1.1.1", true),
            ("64:ff9b:1::1.1.1.1", false),
            ("2002:7f00:1::", false),
            ("2002:101:101::", true),
            // Teredo by way of a private server, then to a private client (10.0.0.1, turned over).
            ("2001:0:c0a8:1::", false),
            ("2001:0:101:101:0:0:f5ff:fffe", false),
            ("2001:0:101:101:0:0:fefe:fefe", true),
        ] {
            let parsed: IpAddr = address.parse().expect("an address");
            assert_eq!(why_not(parsed).is_none(), open, "{address}: {:?}", why_not(parsed));
        }
    }

    #[test]
    fn hosts_addresses_and_networks_are_let_through_as_listed() {
        let entries = [
            "Media.Internal.",
            "10.1.2.3",
            "192.168.0.0/24",
            "[fd00::1]",
            "fd12::/16",
        ]
        .map(String::from);
        let allowed = Allowed::parse(&entries).expect("good entries");
        for (host, expected) in [
            ("media.internal", true),
            ("MEDIA.internal.", true),
            ("a.media.internal", false),
            ("internal", false),
        ] {
            assert_eq!(allowed.host(host), expected, "{host}");
        }
        for (address, expected) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.1.2.4", false),
            ("192.168.0.255", true),
            ("192.168.1.0", false),
            ("fd00::1", true),
            ("fd00::2", false),
            ("fd12:ffff::9", true),
        ] {
            assert_eq!(
                allowed.address(address.parse().expect("an address")),
                expected,
                "{address}"
            );
        }
        let all = Allowed::parse(&["0.0.0.0/0".to_owned()]).expect("a network");
        assert!(all.address(IpAddr::from([8, 8, 8, 8])) && !all.address(IpAddr::from([0; 16])));
    }

    #[test]
    fn what_is_none_of_the_three_is_named() {
        for entry in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "fd00::/129",
            "host:80",
            "*.internal",
            "a/b",
            "http://host",
        ] {
            let error = Allowed::parse(&[entry.to_owned()]).expect_err(entry);
            assert!(error.to_string().contains("media.allow_private"), "{error}");
        }
    }
}
