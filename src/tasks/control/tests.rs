//! The door: what is answered and when, and what nobody can do through it.

use super::*;
use crate::tasks::{Setting, StopReason};

fn told(phase: Phase) -> Snapshot {
    Snapshot {
        phase,
        ..Snapshot::default()
    }
}

fn opened(dir: &Path) -> (Door, watch::Sender<Snapshot>) {
    let (snapshots, snapshot) = watch::channel(told(Phase::Running));
    let door = Door::open(dir, "a-to-b", snapshot).expect("a door");
    (door, snapshots)
}

/// Asks in a task of its own, as another process would.
fn asking(dir: &Path, request: Request) -> tokio::task::JoinHandle<Option<Answer>> {
    let dir = dir.to_owned();
    tokio::spawn(async move { ask(&dir, &request).await.expect("an answer") })
}

/// What the door answers to these bytes.
async fn answered(dir: &Path, bytes: &[u8]) -> Answer {
    let mut stream = UnixStream::connect(dir.join(SOCKET)).await.expect("a door");
    // A door that has heard enough may hang up before all is written.
    let _ = stream.write_all(bytes).await;
    let mut line = Vec::new();
    let mut from = BufReader::new(stream);
    from.read_until(b'\n', &mut line).await.expect("a line");
    serde_json::from_slice(&line).expect("an answer")
}

fn phase_of(answer: Option<&Answer>) -> Option<(Outcome, &str)> {
    let answer = answer?;
    Some((answer.outcome, answer.job.as_ref()?.phase.as_str()))
}

#[tokio::test]
async fn how_it_stands_is_answered_while_the_work_is_busy() {
    let dir = tempfile::tempdir().expect("a directory");
    assert_eq!(ask(dir.path(), &Verb::Status.into()).await.expect("asked"), None);
    let (door, _snapshots) = opened(dir.path());
    let answer = asking(dir.path(), Verb::Status.into()).await.expect("no panic");
    assert_eq!(phase_of(answer.as_ref()), Some((Outcome::Confirmed, "running")));
    let job = answer.and_then(|answer| answer.job).expect("a job");
    assert_eq!((job.id.as_str(), job.pid), ("a-to-b", std::process::id()));
    door.close().await;
    assert_eq!(ask(dir.path(), &Verb::Status.into()).await.expect("asked"), None);
}

#[tokio::test]
async fn a_pause_is_confirmed_when_the_work_says_so_and_not_before() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut door, snapshots) = opened(dir.path());
    let mut answer = asking(dir.path(), Verb::Pause.into());
    let Asked { commands, done } = door.next().await;
    assert_eq!(commands, [TaskCommand::Pause]);
    snapshots.send_replace(told(Phase::Pausing));
    assert!(done.send(Ok(told(Phase::Pausing))).is_ok());
    let early = tokio::time::timeout(Duration::from_millis(100), &mut answer).await;
    assert!(early.is_err(), "{early:?}");
    snapshots.send_replace(told(Phase::Paused));
    let answer = answer.await.expect("no panic");
    assert_eq!(phase_of(answer.as_ref()), Some((Outcome::Confirmed, "paused")));
}

#[tokio::test]
async fn a_pause_that_comes_too_late_is_none() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut door, snapshots) = opened(dir.path());
    let answer = asking(dir.path(), Verb::Pause.into());
    let Asked { done, .. } = door.next().await;
    snapshots.send_replace(told(Phase::Complete));
    assert!(done.send(Ok(told(Phase::Pausing))).is_ok());
    let answer = answer.await.expect("no panic");
    assert_eq!(phase_of(answer.as_ref()), Some((Outcome::Refused, "complete")));
}

#[tokio::test]
async fn settings_go_down_in_order_and_what_does_not_apply_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut door, _snapshots) = opened(dir.path());
    let request = Request {
        max_in_flight: Some(3),
        budget_usd: Some(Cap(None)),
        ..Verb::Set.into()
    };
    let answer = asking(dir.path(), request);
    let Asked { commands, done } = door.next().await;
    let expected = [Setting::InFlight(3), Setting::BudgetUsd(None)].map(TaskCommand::Set);
    assert_eq!(commands, expected);
    assert!(done.send(Err("there is no embedder to set".into())).is_ok());
    let answer = answer.await.expect("no panic").expect("a door");
    assert_eq!(answer.outcome, Outcome::Refused);
    assert_eq!(answer.message.as_deref(), Some("there is no embedder to set"));
}

#[tokio::test]
async fn whoever_waits_when_the_work_ends_is_told_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut door, snapshots) = opened(dir.path());
    let stop = asking(dir.path(), Verb::Stop.into());
    let Asked { done, .. } = door.next().await;
    assert!(done.send(Ok(told(Phase::Stopping))).is_ok());
    let late = asking(dir.path(), Verb::TryNow.into());
    let unheard = door.next().await;
    snapshots.send_replace(told(Phase::Stopped(StopReason::ByOperator)));
    drop(unheard);
    door.close().await;
    let stopped = stop.await.expect("no panic");
    assert_eq!(phase_of(stopped.as_ref()), Some((Outcome::Confirmed, "stopped")));
    let late = late.await.expect("no panic");
    assert_eq!(phase_of(late.as_ref()), Some((Outcome::Refused, "stopped")));
}

#[tokio::test]
async fn whoever_hangs_up_is_no_reader_that_has_seen_enough() {
    let dir = tempfile::tempdir().expect("a directory");
    let listener = UnixListener::bind(dir.path().join(SOCKET)).expect("a socket");
    let hangs_up = tokio::spawn(async move { drop(listener.accept().await) });
    let error = ask(dir.path(), &Verb::Stop.into()).await.expect_err("no answer");
    hangs_up.await.expect("no panic");
    assert!(error.downcast_ref::<io::Error>().is_none(), "{error:?}");
    assert!(format!("{error:#}").contains("hung up"), "{error:#}");
}

#[tokio::test]
async fn garbage_is_an_error_and_the_next_one_is_heard() {
    let dir = tempfile::tempdir().expect("a directory");
    let (_door, _snapshots) = opened(dir.path());
    let endless = vec![b'x'; 200_000];
    for bytes in [
        &b"pause\n"[..],
        b"\n",
        b"{\"ask\":\"set\"}\n",
        b"\xff\x00\n",
        &endless[..],
    ] {
        let answer = answered(dir.path(), bytes).await;
        assert_eq!((answer.outcome, answer.job), (Outcome::Error, None));
        assert!(answer.message.is_some_and(|message| !message.is_empty()));
    }
    // Who hangs holds nobody else up.
    let _hangs = UnixStream::connect(dir.path().join(SOCKET)).await.expect("a door");
    let answer = answered(dir.path(), b"{\"ask\":\"status\"}\n").await;
    assert_eq!(phase_of(Some(&answer)), Some((Outcome::Confirmed, "running")));
}

#[tokio::test]
async fn the_socket_is_the_users_own_and_a_stale_one_is_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join(SOCKET);
    // A process that is killed leaves its socket behind.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
    assert!(socket.exists());
    assert_eq!(ask(dir.path(), &Verb::Status.into()).await.expect("asked"), None);
    let (door, _snapshots) = opened(dir.path());
    let mode = std::fs::metadata(&socket).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        asking(dir.path(), Verb::Status.into())
            .await
            .expect("no panic")
            .is_some()
    );
    door.close().await;
    assert!(!socket.exists());
    // What is no socket is not ours.
    std::fs::write(&socket, "mine").expect("written");
    let (_snapshots, snapshot) = watch::channel(Snapshot::default());
    assert!(Door::open(dir.path(), "a-to-b", snapshot).is_err());
    assert_eq!(std::fs::read_to_string(&socket).expect("a file"), "mine");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_with_a_long_path_has_a_door_too() {
    let dir = tempfile::tempdir().expect("a directory");
    let deep = dir.path().join("d".repeat(120)).join("e".repeat(120));
    std::fs::create_dir_all(&deep).expect("a directory");
    let (door, _snapshots) = opened(&deep);
    let answer = asking(&deep, Verb::Status.into()).await.expect("no panic");
    assert_eq!(phase_of(answer.as_ref()), Some((Outcome::Confirmed, "running")));
    door.close().await;
    assert!(!deep.join(SOCKET).exists());
}
