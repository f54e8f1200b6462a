//! Taking a job back, and keeping others out of it: `qlance undo`, the tag it goes by, and the lock of a job.

use qlance::config::Config;
use qlance::point::{Point, PointId};
use serde_json::{Value, json};

use crate::support::embeddings_server::Behaviour;
use crate::support::world::{World, messages, point, said, wait_for};
use crate::sync::{assert_mirrors, version};

/// A command that must end well: what it prints as JSON.
async fn told(world: &World, args: &[&str]) -> Value {
    let output = world.qlance(args).await;
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

/// A command that must end with 1, and say why on stderr.
async fn assert_refused(world: &World, args: &[&str], why: &str) {
    let output = world.qlance(args).await;
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(why), "{why:?} is not in: {stderr}");
}

/// The failures in the journal, as JSON lines.
async fn failures(world: &World) -> String {
    let output = world.qlance(&["failures", "list", "--json"]).await;
    assert!(output.status.success(), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The configuration of another job with the same table: the same server by another name.
fn configure_another_job(world: &World) {
    let path = world.config(&[]);
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let url = world.qdrant.url();
    let text = text.replace(&url, &url.replace("127.0.0.1", "localhost"));
    std::fs::write(&path, text).expect("the configuration is written");
}

/// A table of 30 rows by one job. Then Qdrant is written to: three contents changed, one point came. The configuration
/// is the other job's.
async fn written_by_another() -> World {
    let world = World::with(&messages(30)).await;
    world.config(&[]);
    assert_eq!(world.run().await.0, 0);
    let since: Vec<Point> = [1_u64, 2, 3, 31]
        .map(|n| point(n, json!({"content": format!("changed {n}")})))
        .to_vec();
    world.upsert(&since).await;
    configure_another_job(&world);
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_on_a_new_table_is_undone_and_done_again() {
    let mut points = messages(20);
    points.push(point(90, json!({"thread_id": "a"})));
    let world = World::with(&points).await;
    world.config(&[]);
    assert_refused(&world, &["undo", "--yes"], "there is no table").await;
    let (code, report) = world.run().await;
    assert_eq!(code, 3, "{report}");

    // Nobody is there to be asked.
    let (before, rows) = (version(&world).await, world.rows().await);
    for args in [&["undo"][..], &["undo", "--json"]] {
        assert_refused(&world, args, "--yes").await;
    }
    assert_eq!(version(&world).await, before, "something was changed");
    assert_eq!(world.rows().await, rows);
    assert_eq!(failures(&world).await.lines().count(), 1);

    let undone = told(&world, &["undo", "--yes", "--json"]).await;
    assert_eq!(undone["rows"], json!(0), "{undone}");
    assert_eq!(undone["version"], json!(version(&world).await), "{undone}");
    assert!(world.rows().await.is_empty());
    assert_eq!(failures(&world).await, "", "the journal remembers");

    let (code, report) = world.run().await;
    let counts = ["read", "written", "failed", "skipped"].map(|name| &report[name]);
    let expected = [21, 20, 1, 0].map(|count| json!(count));
    assert_eq!((code, counts), (3, expected.each_ref()), "{report}");
    assert_eq!(report["resumed"], json!(false), "{report}");
    points.pop();
    assert_mirrors(&world.rows().await, &points);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adopted_table_has_exactly_the_rows_of_before() {
    let world = written_by_another().await;
    let before = world.rows().await;
    assert_eq!(before.len(), 30);
    let untouched = version(&world).await;
    // Not adopted: there is nothing of this job in it.
    assert_refused(&world, &["undo", "--yes"], "the table of another job is never touched").await;
    assert_eq!(version(&world).await, untouched, "something was changed");

    let report = told(&world, &["run", "--adopt", "--json"]).await;
    assert_eq!(
        (&report["written"], &report["table"]["rows"]),
        (&json!(31), &json!(31)),
        "{report}"
    );
    assert_mirrors(&world.rows().await, &world.points().await);
    let undone = told(&world, &["undo", "--yes", "--json"]).await;
    assert_eq!(undone["rows"], json!(30), "{undone}");
    assert_eq!(world.rows().await, before);

    // To the job that made it, nothing has happened.
    world.config(&[]);
    let requests = world.embeddings.requests();
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["read"], &report["resumed"]),
        (0, &json!(30), &json!(true)),
        "{report}"
    );
    assert_eq!(world.embeddings.requests(), requests);
    assert_eq!(world.rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_job_wrote_after_an_undo_stays() {
    let world = written_by_another().await;
    told(&world, &["run", "--adopt", "--json"]).await;
    told(&world, &["undo", "--yes", "--json"]).await;
    // The job that made the table goes on with it.
    world.config(&[]);
    let caught_up = told(&world, &["sync", "--yes", "--json"]).await;
    assert_eq!(
        (&caught_up["done"]["added"], &caught_up["done"]["replaced"]),
        (&json!(1), &json!(3)),
        "{caught_up}"
    );
    let theirs = world.rows().await;
    assert_mirrors(&theirs, &world.points().await);
    // Whether it is refused or done: nothing in the table is of this job any more.
    configure_another_job(&world);
    let output = world.qlance(&["undo", "--yes"]).await;
    assert_eq!(
        world.rows().await,
        theirs,
        "rows of another job are gone: {}",
        said(&output)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_with_another_state_directory_is_kept_off_the_table() {
    let world = World::with(&messages(40)).await;
    world.config(&[]);
    world.embeddings.then(std::iter::repeat_n(Behaviour::Hang, 50));
    let mut first = world.start(&["run"]);
    wait_for("the first process at work", || world.embeddings.requests() > 0).await;
    let holder = format!("pid {}, since ", first.id().expect("it runs"));
    for args in [
        &["--state", "elsewhere", "run", "--json"][..],
        &["--state", "elsewhere", "undo", "--yes"],
    ] {
        assert_refused(&world, args, "writes to this table").await;
        assert_refused(&world, args, &holder).await;
    }
    // So is another job that would take the table over.
    configure_another_job(&world);
    assert_refused(&world, &["run", "--adopt"], &holder).await;

    first.kill().await.expect("killed");
    world.embeddings.clear_script();
    world.config(&[]);
    let report = told(&world, &["--state", "elsewhere", "run", "--json"]).await;
    assert_eq!(report["written"], json!(40), "{report}");
    assert_mirrors(&world.rows().await, &messages(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_gone_is_not_made_again() {
    let mut points = messages(20);
    points.push(point(90, json!({"thread_id": "a"})));
    let world = World::with(&points).await;
    world.config(&[]);
    let (code, report) = world.run().await;
    assert_eq!(code, 3, "{report}");
    let (failed, rows) = (failures(&world).await, world.rows().await);
    let (there, away) = (world.path().join("out.lance"), world.path().join("away"));
    let table = there.join("messages.lance");
    // Its disk is not mounted: what it is mounted on is empty, or not there at all.
    std::fs::rename(&there, &away).expect("moved");
    for empty in [false, true] {
        if empty {
            std::fs::create_dir(&there).expect("made");
        }
        for args in [&["run"][..], &["sync", "--yes"], &["verify"], &["failures", "retry"]] {
            assert_refused(&world, args, "is gone").await;
            assert_eq!(there.exists(), empty, "{args:?} made something");
            assert!(!table.exists(), "{args:?} made a table");
        }
        assert_eq!(failures(&world).await, failed, "failures are forgotten");
    }
    // Back again, nothing has happened.
    std::fs::remove_dir(&there).expect("it is still empty");
    std::fs::rename(&away, &there).expect("moved back");
    let (code, report) = world.run().await;
    assert_eq!((code, &report["resumed"]), (3, &json!(true)), "{report}");
    assert_eq!(world.rows().await, rows);

    // Undone, the job has none any more, and may make it.
    told(&world, &["undo", "--yes", "--json"]).await;
    std::fs::remove_dir_all(&there).expect("removed");
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (3, &json!(20)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_table_was_taken_over_does_not_go_on_from_the_others_state() {
    let world = World::with(&messages(30)).await;
    let configure = || {
        world.config(&[
            ("source", "page_points = 10\nranges = 1\n"),
            ("target", "commit_rows = 10\n"),
            (
                "embed.text",
                "max_in_flight = 1\nmax_batch_inputs = 10\nmax_attempts = 1\n",
            ),
            ("pipeline", "index = false\noutage_patience = \"0s\"\n"),
        ])
    };
    let path = configure();
    // Ten rows, then nothing any more.
    world.embeddings.then([Behaviour::Good]);
    world.embeddings.always(Behaviour::Status {
        code: 500,
        body: "no".into(),
        retry_after: None,
    });
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (5, &json!(10)), "{report}");
    world.embeddings.always(Behaviour::Good);

    // Another job takes it over and comes to its end; meanwhile the source goes on.
    let url = world.qdrant.url();
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace(&url, &url.replace("127.0.0.1", "localhost"))).expect("written");
    let report = told(&world, &["run", "--adopt", "--json"]).await;
    assert_eq!(report["written"], json!(30), "{report}");
    let theirs = world.rows().await;
    world.upsert(&[point(2, json!({"content": "changed 2"}))]).await;

    configure();
    let before = version(&world).await;
    assert_refused(&world, &["run"], "was taken over by another job").await;
    assert_refused(&world, &["verify"], "--adopt").await;
    assert_eq!(version(&world).await, before, "something was written");
    // Taken back, everything is read again, and undone it is as the other left it.
    let report = told(&world, &["run", "--adopt", "--json"]).await;
    assert_eq!(
        (&report["read"], &report["resumed"]),
        (&json!(30), &json!(false)),
        "{report}"
    );
    assert_mirrors(&world.rows().await, &world.points().await);
    told(&world, &["undo", "--yes", "--json"]).await;
    assert_eq!(world.rows().await, theirs);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_who_works_on_the_job_and_since_when() {
    let points = messages(40);
    let world = World::with(&points).await;
    let config = world.config(&[]);
    world.embeddings.then(std::iter::repeat_n(Behaviour::Hang, 50));
    let begun = jiff::Timestamp::now();
    let mut first = world.start(&["run"]);
    wait_for("the first process at work", || world.embeddings.requests() > 0).await;

    let job = Config::load(&config).expect("the configuration").job(None);
    let holder = std::fs::read_to_string(job.dir.join("lock")).expect("the lock");
    let holder = holder.trim();
    let since = holder
        .strip_prefix(&format!("pid {}, since ", first.id().expect("it runs")))
        .unwrap_or_else(|| panic!("{holder:?} does not begin with the pid of the first"));
    let since: jiff::Timestamp = since.parse().expect("a time");
    assert!(begun <= since && since <= jiff::Timestamp::now(), "{since}");
    for args in [
        &["run", "--json"][..],
        &["sync", "--yes", "--json"],
        &["undo", "--yes"],
        &["failures", "skip", "1", "--reason", "x"],
    ] {
        assert_refused(&world, args, holder).await;
    }

    first.kill().await.expect("killed");
    world.embeddings.clear_script();
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(40)), "{report}");
    let ids: Vec<PointId> = world.rows().await.iter().map(|row| row.point.id).collect();
    assert_eq!(ids, (1..=40).map(PointId::Num).collect::<Vec<_>>());
}
