use std::sync::atomic::{AtomicBool, Ordering};

use super::super::testing::{Reply, Server};
use super::*;
use crate::point::Cause;

fn config() -> MediaConfig {
    MediaConfig {
        allow_private: vec!["127.0.0.1".into()],
        max_mib: 1,
        timeout_seconds: 1,
        ..MediaConfig::default()
    }
}

fn loader(config: &MediaConfig, patience: Duration) -> Loader {
    let pause = Duration::from_millis(5);
    Loader::with_pause(config, Path::new("/"), patience, 1, pause).expect("a loader")
}

async fn fetch(loader: &Loader, url: &str) -> Result<Vec<u8>, LoadError> {
    Ok(loader.fetch(Where::Address(url)).await?.bytes.to_vec())
}

fn failure(outcome: Result<Vec<u8>, LoadError>) -> Failure {
    match outcome {
        Err(LoadError::Failed(failure)) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_kind_of_place_is_fetched_from() {
    let server = Server::start(|_| Reply::ok(b"web")).await;
    let root = tempfile::tempdir().expect("a directory");
    std::fs::write(root.path().join("a"), b"file").expect("written");
    let config = MediaConfig {
        root: Some(root.path().to_owned()),
        ..config()
    };
    let loader = loader(&config, Duration::ZERO);
    assert_eq!(fetch(&loader, &server.url("/a")).await.expect("web"), b"web");
    assert_eq!(fetch(&loader, "a").await.expect("file"), b"file");
    let uri = format!("file://{}/a", root.path().display());
    assert_eq!(fetch(&loader, &uri).await.expect("file"), b"file");
    assert_eq!(fetch(&loader, "data:,data").await.expect("data"), b"data");
    let inline = loader.fetch(Where::Inline("aW5saW5l")).await.expect("inline");
    assert_eq!(*inline.bytes, *b"inline");
    for address in ["file:///etc/passwd", "s3://bucket/a", "ftp://host/a", "../a"] {
        assert_eq!(
            failure(fetch(&loader, address).await).cause,
            Cause::MediaRefused,
            "{address}"
        );
    }
}

#[tokio::test]
async fn a_wrong_configuration_is_named() {
    for (config, says) in [
        (
            MediaConfig {
                root: Some("no-such".into()),
                ..config()
            },
            "media.root",
        ),
        (
            MediaConfig {
                allow_private: vec!["a b".into()],
                ..config()
            },
            "media.allow_private",
        ),
        (
            MediaConfig {
                allow_stores: vec!["a".into()],
                ..config()
            },
            "media.allow_stores",
        ),
    ] {
        let error = Loader::new(&config, Path::new("/"), Duration::ZERO, 1)
            .err()
            .expect("wrong");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_server_that_never_answered_is_an_unreachable_address() {
    let server = Server::start(|_| Reply::status(503)).await;
    let loader = loader(&config(), Duration::from_secs(60));
    let failure = failure(fetch(&loader, &server.url("/a?key=SECRET")).await);
    assert_eq!(failure.cause, Cause::MediaUnreachable);
    assert!(
        failure.message.contains("503") && failure.message.contains("3 tries"),
        "{}",
        failure.message
    );
    assert!(!failure.message.contains("SECRET"), "{}", failure.message);
    assert_eq!(server.hits(), 3);
    assert_eq!(loader.outage(), None);
}

#[tokio::test]
async fn what_is_there_at_the_second_try_is_fetched() {
    let first = AtomicBool::new(true);
    let server = Server::start(move |_| {
        if first.swap(false, Ordering::SeqCst) {
            Reply::status(500)
        } else {
            Reply::ok(b"there")
        }
    })
    .await;
    let loader = loader(&config(), Duration::ZERO);
    assert_eq!(fetch(&loader, &server.url("/a")).await.expect("there"), b"there");
    assert_eq!(server.hits(), 2);
}

#[tokio::test]
async fn one_address_that_always_fails_is_no_outage_of_its_server() {
    let server = Server::start(|request| {
        if request.starts_with("GET /bad ") {
            Reply::status(500)
        } else {
            Reply::ok(b"good")
        }
    })
    .await;
    let loader = loader(&config(), Duration::from_secs(60));
    assert!(fetch(&loader, &server.url("/good")).await.is_ok());
    let failure = failure(fetch(&loader, &server.url("/bad")).await);
    assert_eq!(failure.cause, Cause::MediaUnreachable);
    assert!(failure.message.contains("answers for others"), "{}", failure.message);
    assert_eq!(loader.outage(), None);
}

#[tokio::test]
async fn an_outage_of_a_server_is_waited_out_and_then_told() {
    let up = Arc::new(AtomicBool::new(true));
    let seen = Arc::clone(&up);
    let server = Server::start(move |_| {
        if seen.load(Ordering::SeqCst) {
            Reply::ok(b"up")
        } else {
            Reply::status(502)
        }
    })
    .await;
    let url = server.url("/a");
    let impatient = loader(&config(), Duration::ZERO);
    let patient = loader(&config(), Duration::from_secs(60));
    for loader in [&impatient, &patient] {
        assert!(fetch(loader, &server.url("/witness")).await.is_ok());
    }
    up.store(false, Ordering::SeqCst);
    match fetch(&impatient, &url).await {
        Err(LoadError::Outage { attempts, message, .. }) => {
            assert_eq!(attempts, 3);
            assert!(message.contains("127.0.0.1") && message.contains("502"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    assert!(impatient.outage().is_some());
    impatient.begin_anew();
    assert_eq!(impatient.outage(), None);

    let waiting = patient.clone();
    let waiter = tokio::spawn(async move { fetch(&waiting, &url).await });
    while patient.outage().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!waiter.is_finished());
    up.store(true, Ordering::SeqCst);
    patient.try_now();
    let fetched = tokio::time::timeout(Duration::from_secs(10), waiter).await;
    assert_eq!(fetched.expect("soon").expect("no panic").expect("up again"), b"up");
    assert_eq!(patient.outage(), None);
}

#[tokio::test]
async fn a_root_that_is_gone_is_an_outage_and_no_file_is_to_blame() {
    let house = tempfile::tempdir().expect("a directory");
    let (root, away) = (house.path().join("media"), house.path().join("away"));
    std::fs::create_dir(&root).expect("a directory");
    std::fs::write(root.join("a"), b"file").expect("written");
    let config = MediaConfig {
        root: Some(root.clone()),
        ..config()
    };
    let impatient = loader(&config, Duration::ZERO);
    let patient = loader(&config, Duration::from_secs(60));
    // Without a file that was read the root itself is the witness.
    assert!(fetch(&patient, "a").await.is_ok());
    std::fs::rename(&root, &away).expect("moved");
    // What is left of a mount that is gone.
    std::fs::create_dir(&root).expect("a directory");
    match fetch(&impatient, "a").await {
        Err(LoadError::Outage { attempts, message, .. }) => {
            assert_eq!(attempts, 3);
            assert!(message.contains("media.root does not answer"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    let waiting = patient.clone();
    let waiter = tokio::spawn(async move { fetch(&waiting, "a").await });
    while patient.outage().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(!waiter.is_finished());
    std::fs::remove_dir(&root).expect("removed");
    std::fs::rename(&away, &root).expect("moved back");
    patient.try_now();
    let fetched = tokio::time::timeout(Duration::from_secs(10), waiter).await;
    assert_eq!(fetched.expect("soon").expect("no panic").expect("there again"), b"file");
    assert_eq!(patient.outage(), None);
    // What is not there while the others are has itself to blame.
    let failure = failure(fetch(&patient, "none").await);
    assert_eq!(failure.cause, Cause::MediaUnreachable);
}

#[tokio::test]
async fn no_more_is_in_memory_than_the_budget_allows() {
    let server = Server::start(|_| Reply::ok(&vec![0; 700 << 10])).await;
    let loader = loader(&config(), Duration::ZERO);
    let url = server.url("/a");
    let first = loader.fetch(Where::Address(&url)).await.expect("fetched");
    let second = loader.clone();
    let waiter = tokio::spawn(async move {
        second
            .fetch(Where::Address(&url))
            .await
            .map(|fetched| fetched.bytes.len())
    });
    tokio::time::sleep(Duration::from_millis(1_300)).await;
    assert!(
        !waiter.is_finished(),
        "longer than the timeout: waiting for memory is no fault of the server's"
    );
    drop(first);
    let fetched = tokio::time::timeout(Duration::from_secs(10), waiter).await;
    assert_eq!(fetched.expect("soon").expect("no panic").expect("fetched"), 700 << 10);
}
