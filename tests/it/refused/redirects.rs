//! Redirects: a host that may be asked leads elsewhere, and elsewhere is checked like the first address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::json;

use super::addresses::names;
use super::door::{Behind, Door};
use super::{Case, Good, SECRET, Stage, first_user, harmless, picture};
use crate::support::dialect_server::Got;
use crate::support::world::World;

const LIST: &str = "media.allow_private may list it";

/// Where each redirect leads to, what is said of it, and whether it is followed once 127.0.0.1 is listed.
fn targets(host: u16, victim: &Door) -> Vec<(String, String, bool)> {
    let port = victim.port();
    let v6 = victim.is_at(Ipv6Addr::LOCALHOST.into());
    let is = |kind: &str| format!("is {kind}; {LIST}");
    let unserved = |scheme: &str| format!("the scheme {scheme:?} is not served there");
    let mut targets = vec![
        (format!("http://127.0.0.1:{port}/prize.png"), is("loopback"), true),
        (format!("//127.0.0.1:{port}/prize.png"), is("loopback"), true),
        (format!("http://2130706433:{port}/prize.png"), is("loopback"), true),
        (format!("http://0x7f.1:{port}/prize.png"), is("loopback"), true),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/prize.png"),
            is("loopback"),
            v6,
        ),
        // The host itself, by another name than the one that is listed.
        (format!("http://127.0.0.1:{host}/prize.png"), is("loopback"), true),
        (format!("http://[::1]:{port}/prize.png"), is("loopback"), false),
        (format!("http://0.0.0.0:{port}/prize.png"), is("unspecified"), false),
        (
            "http://169.254.169.254/latest/meta-data/".into(),
            is("link-local"),
            false,
        ),
        ("http://10.0.0.1/prize.png".into(), is("private"), false),
        ("http://192.168.0.1/prize.png".into(), is("private"), false),
        ("http://[fd00::1]/prize.png".into(), is("private"), false),
        ("http://[fe80::1]/prize.png".into(), is("link-local"), false),
        ("file:///etc/passwd".into(), unserved("file"), false),
        (
            format!("gopher://127.0.0.1:{port}/_prize.png"),
            unserved("gopher"),
            false,
        ),
        (format!("ftp://127.0.0.1:{port}/prize.png"), unserved("ftp"), false),
        ("data:image/png;base64,AAAA".into(), unserved("data"), false),
        ("s3://bucket/prize.png".into(), unserved("s3"), false),
        (
            format!("http://user:{SECRET}@localhost:{host}/prize.png"),
            "a user or a password".into(),
            false,
        ),
    ];
    if v6 {
        // It counts as 127.0.0.1, and is reached where there is IPv6.
        let location = format!("http://[::ffff:127.0.0.1]:{port}/prize.png");
        targets.push((location, is("loopback"), true));
    }
    for named in names().into_iter().filter(|named| named.name != "localhost") {
        let later = named.addresses.contains(&Ipv4Addr::LOCALHOST.into());
        let location = format!("http://{}:{port}/prize.png", named.name);
        targets.push((location, is(named.kind), later));
    }
    targets
}

#[tokio::test(flavor = "multi_thread")]
async fn no_redirect_leads_to_whom_nobody_may_ask() {
    let v6 = [IpAddr::from(Ipv6Addr::LOCALHOST)];
    let (host, victim) = (Door::open(&v6).await, Door::open(&v6).await);
    let (prize, own) = (picture(2), picture(3));
    victim.put("/prize.png", Behind::Bytes(prize.clone()));
    host.put("/prize.png", Behind::Bytes(prize.clone()));
    host.put("/own.png", Behind::Bytes(own.clone()));
    let at = |path: &str| format!("http://localhost:{}{path}", host.port());
    let elsewhere = |path: &str, status: u16, location: &str| {
        host.put(path, Behind::Elsewhere(status, location.to_owned()));
    };

    let mut cases = Vec::new();
    for (number, (location, says, later)) in targets(host.port(), &victim).into_iter().enumerate() {
        let path = format!("/to/{number}");
        elsewhere(&path, 302, &location);
        cases.push(Case::refused(at(&path), says).later(later));
    }
    let to_victim = format!("http://127.0.0.1:{}/prize.png", victim.port());
    for status in [301, 303, 307, 308] {
        let path = format!("/{status}");
        elsewhere(&path, status, &to_victim);
        cases.push(Case::refused(at(&path), format!("127.0.0.1 is loopback; {LIST}")).later(true));
    }
    // Three hops, of which only the last one leads where nobody may go; and one hop more than is followed.
    elsewhere("/chain/1", 302, "2");
    elsewhere("/chain/2", 307, &at("/chain/3"));
    elsewhere("/chain/3", 301, &to_victim);
    cases.push(Case::refused(at("/chain/1"), format!("127.0.0.1 is loopback; {LIST}")).later(true));
    elsewhere("/longer", 302, "/chain/1");
    cases.push(Case::unreachable(
        at("/longer"),
        "more than 3 redirects (media.max_redirects)",
    ));
    elsewhere("/round", 302, "/round");
    cases.push(Case::unreachable(
        at("/round"),
        "more than 3 redirects (media.max_redirects)",
    ));
    elsewhere("/nowhere", 302, "http://[::1/");
    cases.push(Case::unreachable(at("/nowhere"), "it redirects to no address"));

    // What stays with the host is followed.
    elsewhere("/good", 302, "own.png");
    elsewhere("/better", 308, &at("/good"));
    let mut good: Vec<Good> = harmless();
    for path in ["/own.png", "/good", "/better"] {
        good.push((json!({"media_url": at(path)}), Got::Image(own.clone())));
    }

    let mut stage = Stage::set(World::empty().await, cases, good).await;
    stage.configure("allow_private = [\"localhost\"]\n");
    stage.run().await;
    assert_eq!(victim.noticed(), (0, 0), "{:?}", victim.asked());
    let asked = host.asked();
    assert!(!asked.contains(&"/prize.png".to_owned()), "{asked:?}");
    assert!(asked.contains(&"/chain/3".to_owned()), "{asked:?}");
    stage.assert_failed(|_| true, 1).await;
    stage.assert_written(|_| false, &Got::Image(prize.clone())).await;
    stage.assert_only_the_good_were_embedded();
    stage.assert_nowhere(&[SECRET, &first_user()]);

    stage.configure("allow_private = [\"localhost\", \"127.0.0.1\"]\n");
    let (code, report) = stage.qlance(&["failures", "retry", "--json"]).await;
    assert_eq!(code, Some(3), "{report}");
    stage.assert_written(|case| case.later, &Got::Image(prize)).await;
    stage.assert_failed(|case| !case.later, 2).await;
    let (connections, _) = victim.noticed();
    // One of them leads back to the host.
    let followed = stage.cases.iter().filter(|case| case.later).count() - 1;
    assert!(connections >= followed, "{connections} connections for {followed}");
    assert!(
        victim.asked().iter().all(|path| path == "/prize.png"),
        "{:?}",
        victim.asked()
    );
    stage.assert_nowhere(&[SECRET, &first_user()]);
}
