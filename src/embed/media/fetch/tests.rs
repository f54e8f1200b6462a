use super::super::testing::{Reply, Server, failure};
use super::*;
use crate::point::Cause;

fn web(allow: &[&str], max_redirects: usize) -> Web {
    let allow: Vec<String> = allow.iter().map(|entry| (*entry).to_owned()).collect();
    let guard = Guard::new(&allow).expect("good entries");
    Web::new(guard, max_redirects, Duration::from_millis(700)).expect("a client")
}

async fn get(web: &Web, url: &str) -> Result<Vec<u8>, Trouble> {
    let budget = Budget::new(1, 1);
    let brought = web.fetch(&Url::parse(url).expect("a URL"), &budget).await;
    if brought.is_err() {
        assert_eq!(budget.free_kib(), 1_024, "every share came back");
    }
    Ok(brought?.fetched.bytes.to_vec())
}

#[tokio::test]
async fn nobody_who_is_not_out_in_the_open_is_asked() {
    let server = Server::start(|_| Reply::ok(b"never")).await;
    let web = web(&[], 3);
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost"] {
        let url = format!("http://{host}:{}/a.png", server.port());
        let failure = failure(get(&web, &url).await);
        assert_eq!(failure.cause, Cause::MediaRefused, "{url}: {}", failure.message);
        assert!(failure.message.contains("loopback"), "{}", failure.message);
    }
    assert_eq!(server.hits(), 0);
}

#[tokio::test]
async fn who_is_listed_is_asked_and_told_nothing_but_the_address() {
    let server = Server::start(|request| Reply::ok(request.as_bytes())).await;
    let head = get(&web(&["127.0.0.1"], 0), &server.url("/a.png?b=c"))
        .await
        .expect("an answer");
    let head = String::from_utf8(head).expect("text").to_ascii_lowercase();
    assert!(head.starts_with("get /a.png?b=c http/1.1\r\n"), "{head}");
    assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
    for absent in ["cookie", "referer", "authorization", "gzip", "proxy"] {
        assert!(!head.contains(absent), "{head}");
    }
    let by_name = format!("http://localhost:{}/", server.port());
    assert!(get(&web(&["localhost"], 0), &by_name).await.is_ok());
}

#[tokio::test]
async fn each_redirect_is_checked_like_the_first_address() {
    let inner = Server::start(|_| Reply::ok(b"never")).await;
    // Only the outer server's host is listed, by name: the inner one is at an address.
    let port = inner.port();
    let outer = Server::start(move |request| match request.split(' ').nth(1) {
        Some("/metadata") => Reply::redirect("http://169.254.169.254/latest/meta-data/"),
        Some("/inner") => Reply::redirect(&format!("http://127.0.0.1:{port}/")),
        Some("/file") => Reply::redirect("file:///etc/passwd"),
        Some("/user") => Reply::redirect("http://user:pass@localhost/"),
        Some("/round") => Reply::redirect("/round"),
        Some("/there") => Reply::redirect("there/too?x=1#y"),
        Some("/nowhere") => Reply::redirect("http://[::1/"),
        Some("/there/too?x=1") => Reply::ok(b"found"),
        _ => Reply::status(404),
    })
    .await;
    let web = web(&["localhost"], 3);
    for (path, cause, says) in [
        ("metadata", Cause::MediaRefused, "169.254.169.254 is link-local"),
        ("inner", Cause::MediaRefused, "127.0.0.1 is loopback"),
        ("file", Cause::MediaRefused, "the scheme \"file\""),
        ("user", Cause::MediaRefused, "a user or a password"),
        ("round", Cause::MediaUnreachable, "more than 3 redirects"),
        ("nowhere", Cause::MediaUnreachable, "redirects to no address"),
    ] {
        let url = format!("http://localhost:{}/{path}", outer.port());
        let failure = failure(get(&web, &url).await);
        assert_eq!(failure.cause, cause, "{path}: {}", failure.message);
        assert!(failure.message.contains(says), "{path}: {}", failure.message);
    }
    assert_eq!(inner.hits(), 0);
    let url = format!("http://localhost:{}/there", outer.port());
    assert_eq!(get(&web, &url).await.expect("found"), b"found");
}

#[test]
fn a_redirect_never_leads_from_https_to_http() {
    let from = Url::parse("https://h.example/a/b").expect("a URL");
    let failure = hop(&from, "http://h.example/a").expect_err("a downgrade");
    assert_eq!(failure.cause, Cause::MediaRefused);
    assert_eq!(
        hop(&from, "//i.example/c#d").expect("a URL").as_str(),
        "https://i.example/c"
    );
    assert_eq!(hop(&from, "../c").expect("a URL").as_str(), "https://h.example/c");
}

#[tokio::test]
async fn each_status_says_something_about_the_address_or_about_the_moment() {
    let server = Server::start(|request| {
        let status = request.split(['/', ' ']).nth(2).and_then(|word| word.parse().ok());
        Reply::status(status.unwrap_or(404)).with("retry-after: 7200\r\n")
    })
    .await;
    let web = web(&["127.0.0.1"], 0);
    for (status, of_the_moment) in [
        (400, false),
        (401, false),
        (403, false),
        (404, false),
        (410, false),
        (304, false),
        (408, true),
        (429, true),
        (500, true),
        (503, true),
    ] {
        match get(&web, &server.url(&format!("/{status}"))).await {
            Err(Trouble::Failed(failure)) => {
                assert!(!of_the_moment, "{status}");
                assert_eq!(failure.cause, Cause::MediaUnreachable);
                assert!(failure.message.contains(&status.to_string()), "{}", failure.message);
            }
            Err(Trouble::Moment { pause, message, .. }) => {
                assert!(of_the_moment, "{status}");
                assert_eq!(pause, Some(LONGEST_PAUSE));
                assert!(message.contains(&status.to_string()), "{message}");
            }
            Ok(_) => panic!("{status}"),
        }
    }
}

#[tokio::test]
async fn bodies_are_bounded_whatever_their_heads_say() {
    let server = Server::start(|request| match request.split(' ').nth(1) {
        Some("/huge") => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n", b""),
        Some("/endless") => Reply::raw("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", b"").endless(),
        Some("/short") => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", b"ten bytes."),
        Some("/long") => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n", b"ten bytes."),
        Some("/packed") => Reply::raw(
            "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 1\r\n\r\n",
            b"x",
        ),
        Some("/silent") => Reply::raw("", b"").held(),
        Some("/stalled") => Reply::raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n", b"x").held(),
        _ => Reply::ok(b""),
    })
    .await;
    let web = web(&["127.0.0.1"], 0);
    for (path, expected) in [
        ("/huge", "media_too_large"),
        ("/endless", "media_too_large"),
        ("/short", "later"),
        ("/packed", "media_unreadable"),
        ("/silent", "later"),
        ("/stalled", "later"),
        ("/long", "3 bytes"),
        ("/", "0 bytes"),
    ] {
        let outcome = match get(&web, &server.url(path)).await {
            Ok(bytes) => format!("{} bytes", bytes.len()),
            Err(Trouble::Failed(failure)) => failure.cause.as_str().to_owned(),
            Err(Trouble::Moment { .. }) => "later".to_owned(),
        };
        assert_eq!(outcome, expected, "{path}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_matter_of_the_moment() {
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        listener.local_addr().expect("an address").port()
    };
    match get(
        &web(&["127.0.0.1"], 0),
        &format!("http://127.0.0.1:{port}/a?key=SECRET"),
    )
    .await
    {
        Err(Trouble::Moment { message, at, .. }) => {
            assert!(!format!("{message} {at}").contains("SECRET"), "{message} {at}");
        }
        other => panic!("{other:?}"),
    }
    let nobody = web(&["127.0.0.1"], 0);
    assert!(
        !nobody
            .answers(&Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL"))
            .await
    );
    let server = Server::start(|_| Reply::status(404)).await;
    assert!(
        nobody.answers(&Url::parse(&server.url("/")).expect("a URL")).await,
        "it says no"
    );
}
