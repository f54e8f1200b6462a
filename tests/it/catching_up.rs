//! Catching up beside an operator at the console: decisions, keys that are mended and a pause, told to the work in this
//! process as the console tells them. What a sync by itself does is in `sync`.

use std::sync::Arc;
use std::time::Duration;

use qlance::config::Config;
use qlance::journal::{Decision, Drift, Journal};
use qlance::lance::Row;
use qlance::point::PointId;
use qlance::tasks::supervisor::{self, Lines, Orders, Start};
use qlance::tasks::sync::Difference;
use qlance::tasks::{COMMAND_ROOM, EVENT_ROOM, Phase, RunReport, Selection, Snapshot, TaskCommand, TaskEvent};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::embeddings_server::{Behaviour, embedding_of};
use crate::support::planting::{Fault, Planter};
use crate::support::world::{SIZE, World, messages, point, said, wait_for};

/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// The work of a job in this process.
struct Work {
    commands: mpsc::Sender<TaskCommand>,
    events: mpsc::Receiver<TaskEvent>,
    ends: JoinHandle<RunReport>,
    // Kept, so that somebody looks.
    _snapshot: watch::Receiver<Snapshot>,
}

impl Work {
    fn open(world: &World, start: Start) -> Self {
        let config = Config::load(&world.path().join("qlance.toml")).expect("a configuration");
        let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
        let (told, events) = mpsc::channel(EVENT_ROOM);
        let (published, snapshot) = watch::channel(Snapshot::default());
        let lines = Lines {
            commands: inbox,
            events: told,
            snapshot: published,
        };
        let orders = Orders {
            start,
            ..Orders::default()
        };
        Self {
            commands,
            events,
            ends: tokio::spawn(supervisor::run(Arc::new(config), orders, lines)),
            _snapshot: snapshot,
        }
    }

    async fn tell(&self, command: TaskCommand) {
        self.commands.send(command).await.expect("somebody listens");
    }

    /// The next event of the wanted kind; those before it are passed over.
    async fn next<T>(&mut self, what: &str, wanted: impl Fn(TaskEvent) -> Option<T>) -> T {
        let next = async {
            loop {
                let event = self.events.recv().await;
                let event = event.unwrap_or_else(|| panic!("the work ended before {what}"));
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
        };
        let found = timeout(PATIENCE, next).await;
        found.unwrap_or_else(|_| panic!("{what} was waited for in vain"))
    }

    async fn reaches(&mut self, phase: Phase) {
        let is_it = |event: TaskEvent| (event == TaskEvent::PhaseChanged(phase.clone())).then_some(());
        self.next(phase.label(), is_it).await;
    }

    async fn compare(&mut self) -> Difference {
        self.tell(TaskCommand::Compare).await;
        let compared = |event: TaskEvent| match event {
            TaskEvent::Compared(found) => Some(found),
            _ => None,
        };
        self.next("what differs", compared).await.expect("compared")
    }

    /// Brings over what differs; rows added and replaced, and what stopped it.
    async fn catch_up(&mut self) -> (u64, u64, Option<String>) {
        self.tell(TaskCommand::CatchUp { remove_gone: false }).await;
        self.caught_up().await
    }

    async fn caught_up(&mut self) -> (u64, u64, Option<String>) {
        let caught_up = |event: TaskEvent| match event {
            TaskEvent::CaughtUp(done, error) => Some((done.added, done.replaced, error.map(|error| error.to_string()))),
            _ => None,
        };
        self.next("the end of the sync", caught_up).await
    }

    /// What was decided next, the points that it was carried out for, and what stopped it.
    async fn decided(&mut self) -> (Decision, Vec<PointId>, Option<String>) {
        let decided = |event: TaskEvent| match event {
            TaskEvent::Decided {
                decision,
                points,
                error,
                ..
            } => Some((decision, points, error)),
            _ => None,
        };
        self.next("a decision", decided).await
    }

    async fn leave(self) {
        self.tell(TaskCommand::Quit).await;
        // Whoever is left says what it has to say to nobody.
        drop((self.commands, self.events));
        let report = timeout(PATIENCE, self.ends).await.expect("it ends");
        report.expect("no panic");
    }
}

fn id(number: u64) -> PointId {
    PointId::Num(number)
}

async fn row(world: &World, number: u64) -> Row {
    let rows = world.rows().await;
    rows.into_iter()
        .find(|row| row.point.id == id(number))
        .expect("in the table")
}

/// The row has Qdrant's own vector.
async fn assert_kept(world: &World, number: u64) {
    let points = world.points().await;
    let held = points.iter().find(|point| point.id == id(number)).expect("in Qdrant");
    let row = row(world, number).await;
    assert_eq!(row.embedding.as_deref(), held.vectors[""].dense());
    assert_eq!(row.point.payload, held.payload);
}

/// A job of five messages, migrated.
async fn migrated(embed: &str) -> World {
    let world = World::with(&messages(5)).await;
    world.config(&[("embed.text", embed), ("pipeline", "index = false\n")]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_is_made_anew_while_the_stores_are_brought_together() {
    let world = migrated("").await;
    world.upsert(&[point(101, json!({"content": "new 101"}))]).await;
    let mut work = Work::open(&world, Start::Never);
    assert_eq!(work.compare().await.new, 1);
    world.embeddings.latency(Duration::from_secs(1));
    work.tell(TaskCommand::CatchUp { remove_gone: false }).await;
    work.reaches(Phase::CatchingUp).await;
    work.tell(TaskCommand::KeepSourceVector(vec![id(1)])).await;
    let (decision, points, error) = work.decided().await;
    assert_eq!((decision, points), (Decision::Kept, vec![]));
    assert!(error.is_some_and(|error| error.contains("both stores are being gone over")));
    assert_eq!(work.caught_up().await, (1, 0, None));
    assert_eq!(
        row(&world, 1).await.embedding.as_deref(),
        Some(&*embedding_of("message 1", SIZE))
    );
    // Afterwards it can be decided.
    work.tell(TaskCommand::KeepSourceVector(vec![id(1)])).await;
    assert_eq!(work.decided().await, (Decision::Kept, vec![id(1)], None));
    assert_kept(&world, 1).await;
    work.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_tried_again_while_the_stores_are_brought_together() {
    let world = World::with(&[messages(5), vec![point(90, json!({"thread_id": "a"}))]].concat()).await;
    world.config(&[("pipeline", "index = false\n")]);
    assert_eq!(world.run().await.0, 3, "one has no content");
    world
        .upsert(&[
            point(90, json!({"content": "mended"})),
            point(101, json!({"content": "new 101"})),
        ])
        .await;
    let mut work = Work::open(&world, Start::Never);
    assert_eq!(work.compare().await.new, 1);
    world.embeddings.latency(Duration::from_secs(1));
    work.tell(TaskCommand::CatchUp { remove_gone: false }).await;
    work.reaches(Phase::CatchingUp).await;
    let retried = |event: TaskEvent| match event {
        TaskEvent::RetryEnded { recovered, error, .. } => Some((recovered, error)),
        _ => None,
    };
    let retry = || TaskCommand::Retry(Selection::Ids(vec![id(90)]));
    work.tell(retry()).await;
    let (recovered, error) = work.next("the refusal", retried).await;
    assert_eq!(recovered, 0);
    assert!(
        error
            .as_deref()
            .is_some_and(|error| error.contains("both stores are being gone over")),
        "{error:?}"
    );
    assert_eq!(work.caught_up().await, (1, 0, None));
    work.tell(retry()).await;
    assert_eq!(work.next("the end of the retry", retried).await, (1, None));
    work.leave().await;
    assert_eq!(world.run().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_for_new_and_has_a_row_is_not_among_the_failures_too() {
    let world = migrated("").await;
    world.upsert(&[point(3, json!({"content": "poison"}))]).await;
    world.embeddings.reject_inputs_containing("poison");
    let mut work = Work::open(&world, Start::Never);
    assert_eq!(work.compare().await.content, 1);
    let mut jobs = std::fs::read_dir(world.path().join(".qlance")).expect("the state directory");
    let job = jobs.next().expect("a job").expect("an entry").path();
    let mut journal = Journal::open(&job).expect("the journal");
    journal.record_drift(&[(id(3), Drift::New, None)]).expect("recorded");
    assert_eq!(work.catch_up().await, (0, 0, None));
    let drift = journal.drift_of(&[id(3)]).expect("read");
    assert_eq!(drift.get(&id(3)), Some(&Drift::Stuck), "its row says what it was");
    work.leave().await;
    let (code, report) = world.run().await;
    assert_eq!((code, &report["failed"]), (0, &json!(0)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_decided_after_the_stores_were_compared_is_not_undone() {
    let world = migrated("").await;
    world
        .upsert(&[point(3, json!({"content": "another text", "n": 3}))])
        .await;
    let mut work = Work::open(&world, Start::Never);
    assert_eq!(work.compare().await.content, 1);
    work.tell(TaskCommand::KeepSourceVector(vec![id(3)])).await;
    assert_eq!(work.decided().await, (Decision::Kept, vec![id(3)], None));
    assert_eq!(work.catch_up().await, (0, 0, None));
    assert_kept(&world, 3).await;
    let found = work.compare().await;
    assert!(found.is_none(), "{found:?}");
    work.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_wrote_before_the_stores_were_compared_is_noticed_before_anything_is_brought_over() {
    let world = migrated("").await;
    let mut work = Work::open(&world, Start::Never);
    assert!(work.compare().await.is_none());
    let planter = Planter::open(&world).await;
    let planted = planter.plant(&[Fault::Extra], &mut StdRng::seed_from_u64(4)).await;
    let theirs = planted[0].ids[0];
    let rows = world.rows().await;
    let held = rows.iter().find(|row| row.point.id == theirs).expect("a row");
    let text = held.point.payload["content"].as_str().expect("a text");
    // Its row was added after the writer looked last; all that differs is the payload.
    world.upsert(&[point(theirs, json!({"content": text}))]).await;
    assert_eq!(work.compare().await.payload, 1);
    let requests = world.embeddings.requests();
    let (added, replaced, error) = work.catch_up().await;
    assert_eq!((added, replaced), (0, 0));
    assert!(
        error
            .as_deref()
            .is_some_and(|error| error.contains("something else wrote to it")),
        "{error:?}"
    );
    assert_eq!(world.embeddings.requests(), requests);
    work.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_decisions_about_one_row_the_later_one_holds() {
    let world = migrated("").await;
    world.embeddings.latency(Duration::from_millis(500));
    let mut work = Work::open(&world, Start::Never);
    work.tell(TaskCommand::EmbedAgain(vec![id(5)])).await;
    work.tell(TaskCommand::KeepSourceVector(vec![id(5)])).await;
    for decision in [Decision::EmbeddedAgain, Decision::Kept] {
        assert_eq!(work.decided().await, (decision, vec![id(5)], None));
    }
    assert_kept(&world, 5).await;
    work.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_refused_and_mended_is_taken_by_the_next_sync_and_the_next_retry() {
    let refused = || Behaviour::Status {
        code: 401,
        body: r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#.into(),
        retry_after: None,
    };
    let world = World::with(&[messages(5), vec![point(90, json!({"thread_id": "a"}))]].concat()).await;
    let write_key = |key: &str| std::fs::write(world.path().join("the.key"), key).expect("the key is written");
    let last_key = || {
        world
            .embeddings
            .recorded()
            .last()
            .and_then(|asked| asked.authorization.clone())
    };
    write_key("sk-first");
    world.config(&[
        ("embed.text", "api_key_file = \"the.key\"\n"),
        ("pipeline", "index = false\n"),
    ]);
    assert_eq!(world.run().await.0, 3, "one has no content");
    world
        .upsert(&[
            point(90, json!({"content": "mended"})),
            point(101, json!({"content": "new 101"})),
        ])
        .await;
    let mut work = Work::open(&world, Start::Never);
    assert_eq!(work.compare().await.new, 1);
    world.embeddings.always(refused());
    let (_, _, error) = work.catch_up().await;
    assert!(error.is_some());
    write_key("sk-second");
    world.embeddings.always(Behaviour::Good);
    assert_eq!(work.catch_up().await, (1, 0, None));
    assert_eq!(last_key().as_deref(), Some("Bearer sk-second"));

    let retried = |event: TaskEvent| match event {
        TaskEvent::RetryEnded { recovered, error, .. } => Some((recovered, error)),
        _ => None,
    };
    world.embeddings.always(refused());
    work.tell(TaskCommand::Retry(Selection::Ids(vec![id(90)]))).await;
    let (recovered, error) = work.next("the end of the retry", retried).await;
    assert!(recovered == 0 && error.is_some(), "{error:?}");
    write_key("sk-third");
    world.embeddings.always(Behaviour::Good);
    work.tell(TaskCommand::Retry(Selection::Ids(vec![id(90)]))).await;
    let (recovered, error) = work.next("the end of the retry", retried).await;
    assert_eq!((recovered, error), (1, None));
    assert_eq!(last_key().as_deref(), Some("Bearer sk-third"));
    work.leave().await;
    let output = world.qlance(&["sync", "--json"]).await;
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_that_the_last_requests_outran_does_not_hold_the_next_sync_up() {
    let world = World::with(&messages(5)).await;
    world.config(&[("source", "ranges = 1\n"), ("pipeline", "index = false\n")]);
    world.embeddings.latency(Duration::from_secs(1));
    let mut work = Work::open(&world, Start::AtOnce);
    wait_for("the request", || world.embeddings.requests() > 0).await;
    work.tell(TaskCommand::Pause).await;
    work.reaches(Phase::Pausing).await;
    work.reaches(Phase::Complete).await;
    world.embeddings.latency(Duration::ZERO);
    world.upsert(&[point(101, json!({"content": "new 101"}))]).await;
    assert_eq!(work.compare().await.new, 1);
    assert_eq!(work.catch_up().await, (1, 0, None));
    work.leave().await;
}
