//! Addresses of this machine, of its network and of clouds' metadata, spelled in every way, and whatever is no address
//! of the web at all.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _, UdpSocket};

use super::door::{Behind, Door};
use super::{Case, SECRET, Stage, harmless, picture};
use crate::support::dialect_server::Got;
use crate::support::world::World;

/// What the operator may list.
const LIST: &str = "media.allow_private may list it";

/// What an address is that is not out in the open; the kinds that a machine like this one has.
pub(super) fn kind_of(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) if address.is_loopback() => Some("loopback"),
        IpAddr::V4(address) if address.is_private() => Some("private"),
        IpAddr::V4(address) if address.is_link_local() => Some("link-local"),
        IpAddr::V4(address) if address.is_documentation() => Some("for documentation"),
        IpAddr::V6(address) if address.is_loopback() => Some("loopback"),
        IpAddr::V6(address) if address.segments()[0] & 0xfe00 == 0xfc00 => Some("private"),
        IpAddr::V6(address) if address.segments()[0] & 0xffc0 == 0xfe80 => Some("link-local"),
        _ => None,
    }
}

/// A name of this machine's own, and where it leads to.
pub(super) struct Named {
    pub(super) name: String,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) kind: &'static str,
}

/// `localhost`, and the names that `/etc/hosts` knows, as far as they lead to addresses of one kind only, none of them
/// out in the open. No name is asked for that the file does not hold.
pub(super) fn names() -> Vec<Named> {
    let hosts = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut names: BTreeSet<&str> = hosts
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split_whitespace().skip(1))
        .filter(|name| {
            name.chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
        })
        .filter(|name| !name.ends_with('.') && name.chars().any(|c| c.is_ascii_alphabetic()))
        .collect();
    names.insert("localhost");
    let named = |name: &str| {
        let found = (name, 0).to_socket_addrs().ok()?;
        let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        let kind = kind_of(*addresses.first()?)?;
        let alike = addresses.iter().all(|address| kind_of(*address) == Some(kind));
        alike.then(|| Named {
            name: name.to_owned(),
            addresses,
            kind,
        })
    };
    let found: Vec<Named> = names.into_iter().filter_map(named).collect();
    let localhost = found
        .iter()
        .any(|named| named.name == "localhost" && named.kind == "loopback");
    assert!(localhost, "localhost leads elsewhere on this machine");
    found
}

/// This machine's own addresses on its network, where they are not out in the open. Nothing is sent for that.
fn own_addresses() -> Vec<IpAddr> {
    let towards = |from: &str, to: &str| {
        let socket = UdpSocket::bind(from)?;
        socket.connect(to)?;
        Ok::<_, std::io::Error>(socket.local_addr()?.ip())
    };
    [("0.0.0.0:0", "192.0.2.254:9"), ("[::]:0", "[2001:db8::254]:9")]
        .into_iter()
        .filter_map(|(from, to)| towards(from, to).ok())
        .filter(|address| kind_of(*address).is_some())
        .collect()
}

/// What is listed later: the loopback addresses at which the door is open.
fn listed(door: &Door) -> Vec<IpAddr> {
    let open = door.at().iter().copied();
    open.filter(IpAddr::is_loopback).collect()
}

/// An address as it stands in a URL.
fn written(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    }
}

fn cases(door: &Door, names: &[Named], own: &[IpAddr]) -> Vec<Case> {
    let port = door.port();
    let v6 = door.is_at(Ipv6Addr::LOCALHOST.into());
    let at = |host: &str| format!("http://{host}:{port}/picture.png");
    let is = |kind: &str| format!("is {kind}; {LIST}");
    let mut cases = Vec::new();
    // What is allowed later, where the door is open: every way of writing these.
    for (host, later) in [
        ("127.0.0.1", true),
        ("127.0.0.1.", true),
        ("127.1", true),
        ("2130706433", true),
        ("0x7f000001", true),
        ("0x7F.1", true),
        ("0177.0.0.1", true),
        ("017700000001", true),
        ("%31%32%37.0.0.1", true),
        ("１２７.0.0.1", true),
        ("127。0。0。1", true),
        ("127.0.0.2", door.is_at(Ipv4Addr::new(127, 0, 0, 2).into())),
        ("[::1]", v6),
        ("[0:0:0:0:0:0:0:1]", v6),
        // These lead through a translator or a tunnel, and are not listed.
        ("[::127.0.0.1]", false),
        ("[64:ff9b::127.0.0.1]", false),
        ("[2002:7f00:1::]", false),
    ] {
        cases.push(Case::refused(at(host), is("loopback")).later(later));
    }
    if v6 {
        // They count as 127.0.0.1, and are reached where there is IPv6.
        let mapped = ["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]"];
        cases.extend(mapped.map(|host| Case::refused(at(host), is("loopback")).later(true)));
    }
    for (host, kind) in [
        ("0.0.0.0", "unspecified"),
        ("0", "unspecified"),
        ("[::]", "unspecified"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("172.31.255.254", "private"),
        ("192.168.0.1", "private"),
        ("3232235521", "private"),
        ("100.64.0.1", "private (carrier-grade NAT)"),
        ("[fc00::1]", "private"),
        ("[fd12:3456:789a::1]", "private"),
        ("[fec0::1]", "private (site-local)"),
        ("[::ffff:10.0.0.1]", "private"),
        ("169.254.169.254", "link-local"),
        ("2852039166", "link-local"),
        ("[::ffff:a9fe:a9fe]", "link-local"),
        ("[fe80::1]", "link-local"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved or broadcast"),
    ] {
        cases.push(Case::refused(at(host), is(kind)));
    }
    cases.extend([
        Case::refused("http://169.254.169.254/latest/meta-data/iam/", is("link-local")),
        Case::refused("http://[fd00:ec2::254]/latest/meta-data/", is("private")),
        Case::refused("https://10.0.0.1:8443/picture.png", is("private")),
        Case::refused(format!("http://127.0.0.1:{port}/?key={SECRET}"), is("loopback")),
    ]);
    // Names, and this machine's own addresses, at which the door is open as well where that can be had.
    for named in names {
        let later = named.addresses.iter().any(|address| listed(door).contains(address));
        cases.push(Case::refused(at(&named.name), is(named.kind)).later(later));
        cases.push(Case::refused(at(&named.name.to_uppercase()), is(named.kind)).later(later));
    }
    for address in own {
        let kind = kind_of(*address).expect("not out in the open");
        cases.push(Case::refused(at(&written(*address)), is(kind)));
    }
    // Ways of writing a URL.
    for address in [
        format!("  HTTP://127.0.0.1:{port}/picture.png "),
        format!("http:127.0.0.1:{port}/picture.png"),
        format!("http:///127.0.0.1:{port}/picture.png"),
        format!("http:\\\\127.0.0.1:{port}\\picture.png"),
        format!("http://127.0.0.1:{port}/picture.png#@media.example/"),
        format!("http://127.0.0.1:{port}\\@media.example/../../picture.png"),
    ] {
        cases.push(Case::refused(address, is("loopback")).later(true));
    }
    cases
}

/// What is no plain address of the web.
fn others(port: u16) -> Vec<Case> {
    let user = "the address holds a user or a password";
    let mut cases: Vec<Case> = [
        format!("http://media.example@127.0.0.1:{port}/picture.png"),
        format!("http://user:{SECRET}@127.0.0.1:{port}/picture.png"),
        format!("http://127.0.0.1:{port}@media.example/picture.png"),
        format!("https://user@[::1]:{port}/picture.png"),
    ]
    .map(|address| Case::refused(address, user))
    .into();
    for scheme in [
        "gopher",
        "ftp",
        "ws",
        "dict",
        "ldap",
        "jar",
        "view-source",
        "blob",
        "about",
        "php",
    ] {
        let says = format!("the scheme {scheme:?} is not served");
        cases.push(Case::refused(format!("{scheme}://127.0.0.1:{port}/_picture.png"), says));
    }
    let stores = "media.allow_stores";
    // Without a root; with one they lie outside of it.
    let files = "media.root";
    cases.extend([
        Case::refused("s3://bucket/picture.png", stores),
        Case::refused(format!("s3://127.0.0.1:{port}/picture.png"), stores),
        Case::refused("gs://bucket/picture.png", stores),
        Case::refused("az://container/picture.png", stores),
        Case::refused(format!("s3://key:{SECRET}@bucket/picture.png"), "it holds a password"),
        Case::refused("file:///etc/passwd", files),
        Case::refused("/etc/passwd", files),
        Case::refused("../../etc/passwd", files),
        Case::refused(format!("//127.0.0.1:{port}/picture.png"), files),
        Case::refused("below/picture.png", files).later(true),
        Case::refused("file://127.0.0.1/etc/passwd", "it names another machine's file"),
        Case::refused(
            format!("http://127.0.0.1:{port}/\tpicture.png"),
            "the address holds control characters",
        ),
        Case::refused(
            format!("ht\ntp://127.0.0.1:{port}/picture.png"),
            "the address holds control characters",
        ),
        Case::unreachable("http://[::1", "is no address"),
        Case::unreachable(format!("http://[fe80::1%25lo]:{port}/"), "is no address"),
        Case::unreachable(format!("http://127.0.0.1.256:{port}/"), "is no address"),
        Case::unreachable("http://", "is no address"),
    ]);
    cases
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_on_this_machine_or_its_network_is_asked() {
    let (names, own) = (names(), own_addresses());
    let mut places: Vec<IpAddr> = vec![Ipv4Addr::new(127, 0, 0, 2).into(), Ipv6Addr::LOCALHOST.into()];
    places.extend(names.iter().flat_map(|named| &named.addresses));
    places.extend(&own);
    let door = Door::open(&places).await;
    let prize = picture(2);
    door.put("/picture.png", Behind::Bytes(prize.clone()));
    let mut all = cases(&door, &names, &own);
    all.extend(others(door.port()));
    let mut stage = Stage::set(World::empty().await, all, harmless()).await;
    let below = stage.world.path().join("media/below");
    std::fs::create_dir_all(&below).expect("a directory");
    std::fs::write(below.join("picture.png"), &prize).expect("written");
    // As it is without a word about media.
    stage.configure("");
    stage.run().await;
    assert_eq!(door.noticed(), (0, 0), "{:?}", door.asked());
    stage.assert_failed(|_| true, 1).await;
    stage.assert_written(|_| false, &Got::Image(prize.clone())).await;
    stage.assert_only_the_good_were_embedded();
    stage.assert_nowhere(&[SECRET, &super::first_user()]);

    // Now the machine itself is listed, and a root is given. Who knocks is noticed: so they would have been before.
    let list: Vec<String> = listed(&door).iter().map(ToString::to_string).collect();
    stage.configure(&format!("root = \"media\"\nallow_private = {list:?}\n"));
    let (code, report) = stage.qlance(&["failures", "retry", "--json"]).await;
    assert_eq!(code, Some(3), "{report}");
    stage.assert_written(|case| case.later, &Got::Image(prize)).await;
    let secret = format!("http://127.0.0.1:{}/?key={SECRET}", door.port());
    for case in stage.cases.iter_mut().filter(|case| case.address == secret) {
        // Asked for now, and not there.
        (case.class, case.says) = ("media_unreachable", "404".into());
    }
    stage.assert_failed(|case| !case.later, 2).await;
    let (connections, bytes) = door.noticed();
    let followed = stage
        .cases
        .iter()
        .filter(|case| case.later && case.address != "below/picture.png")
        .count();
    assert!(
        connections >= followed && bytes > 0,
        "{connections} connections for {followed}"
    );
    stage.assert_nowhere(&[SECRET, &super::first_user()]);
}
