//! The work, spoken to as the console speaks to it: what it does not begin, and what never holds it up.

use std::sync::Arc;
use std::time::Duration;

use qlance::config::Config;
use qlance::tasks::job::Options;
use qlance::tasks::supervisor::{self, Lines, Orders, Start};
use qlance::tasks::{
    COMMAND_ROOM, EVENT_ROOM, Phase, RunReport, Setting, Snapshot, Status, StopReason, TaskCommand, TaskEvent,
};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::support::planting::{Fault, Planter};
use crate::support::world::{World, messages, said};

/// Work that was begun, with both ends of its lines.
struct Begun {
    commands: mpsc::Sender<TaskCommand>,
    events: mpsc::Receiver<TaskEvent>,
    snapshot: watch::Receiver<Snapshot>,
    work: JoinHandle<RunReport>,
}

impl Begun {
    fn of(world: &World, start: Start) -> Self {
        let config = Arc::new(Config::load(&world.path().join("qlance.toml")).expect("a configuration"));
        let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
        let (told, events) = mpsc::channel(EVENT_ROOM);
        let (published, snapshot) = watch::channel(Snapshot::default());
        let lines = Lines {
            commands: inbox,
            events: told,
            snapshot: published,
        };
        let orders = Orders {
            options: Options::default(),
            start,
            end_when_done: false,
            first: Vec::new(),
        };
        let work = tokio::spawn(supervisor::run(config, orders, lines));
        Self {
            commands,
            events,
            snapshot,
            work,
        }
    }

    async fn ask(&self, command: TaskCommand) {
        self.commands.send(command).await.expect("the work listens");
    }

    /// Waits until something happens.
    async fn until(&mut self, happens: impl Fn(&TaskEvent) -> bool) {
        loop {
            let event = self.events.recv().await.expect("the work goes on");
            if happens(&event) {
                return;
            }
        }
    }

    /// Waits for an event of the wanted kind.
    async fn next<T>(&mut self, wanted: impl Fn(TaskEvent) -> Option<T>) -> T {
        loop {
            let event = self.events.recv().await.expect("the work goes on");
            if let Some(found) = wanted(event) {
                return found;
            }
        }
    }

    /// Waits for the end of the work.
    async fn end(mut self) -> RunReport {
        while self.events.recv().await.is_some() {}
        self.work.await.expect("no panic")
    }
}

/// Twenty messages, and work that waits to be told to begin.
async fn ready() -> (World, Begun) {
    let world = World::with(&messages(20)).await;
    world.config(&[]);
    let mut begun = Begun::of(&world, Start::WhenAsked);
    begun
        .until(|event| *event == TaskEvent::PhaseChanged(Phase::Ready))
        .await;
    (world, begun)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_nobody_agreed_to_is_not_begun_when_the_screen_is_left() {
    let (world, begun) = ready().await;
    begun.ask(TaskCommand::EndWhenDone).await;
    let report = begun.end().await;
    assert_eq!((report.status, report.read), (Status::Stopped, 0), "{report:?}");
    assert_eq!(report.error.as_deref(), Some("left before it was started"));
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(20)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_confirmed_stands_in_the_snapshot_already() {
    let (_world, mut begun) = ready().await;
    // As quickly as keys may follow one another: the next one counts on from what is shown.
    for limit in 1..=20 {
        begun.ask(TaskCommand::Set(Setting::InFlight(limit))).await;
        let confirmed = begun
            .next(|event| match event {
                TaskEvent::SettingConfirmed(Setting::InFlight(limit)) => Some(limit),
                _ => None,
            })
            .await;
        let shown = begun.snapshot.borrow().settings.in_flight;
        assert_eq!((confirmed, shown), (limit, limit));
    }
    begun.ask(TaskCommand::Quit).await;
    begun.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_is_held_by_another_holds_no_command_up() {
    let world = World::with(&messages(2_000)).await;
    world.embeddings.latency(Duration::from_millis(100));
    world.config(&[
        ("source", "page_points = 20\nranges = 2\n"),
        ("target", "commit_rows = 40\ncommit_seconds = 1\n"),
        ("embed.text", "max_in_flight = 2\nmax_batch_inputs = 10\n"),
    ]);
    let mut begun = Begun::of(&world, Start::AtOnce);
    begun.until(|event| matches!(event, TaskEvent::Committed { .. })).await;
    let mut jobs = std::fs::read_dir(world.path().join(".qlance")).expect("the state directory");
    let job = jobs.next().expect("a job").expect("an entry").path();
    let journal = rusqlite::Connection::open(job.join("journal.db")).expect("the journal");
    journal.busy_timeout(Duration::from_secs(5)).expect("patience");
    journal.execute_batch("BEGIN IMMEDIATE").expect("it is held");
    // Meanwhile more is spent, which is to be kept there.
    tokio::time::sleep(Duration::from_millis(500)).await;
    begun.ask(TaskCommand::Pause).await;
    let paused = begun.until(|event| *event == TaskEvent::PhaseChanged(Phase::Pausing));
    let taken = tokio::time::timeout(Duration::from_secs(3), paused).await;
    taken.expect("the pause is taken at once");
    journal.execute_batch("ROLLBACK").expect("it is let go");
    begun.ask(TaskCommand::Quit).await;
    let report = begun.end().await;
    assert_eq!(report.status, Status::Stopped, "{report:?}");
    world.embeddings.latency(Duration::ZERO);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(2_000)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_moves_no_points_begins_none_for_another_process_either() {
    let world = World::with(&messages(200)).await;
    world.embeddings.latency(Duration::from_millis(200));
    world.config(&[
        ("source", "page_points = 20\nranges = 1\n"),
        ("target", "commit_rows = 20\n"),
        ("embed.text", "max_in_flight = 1\nmax_batch_inputs = 20\n"),
    ]);
    let mut begun = Begun::of(&world, Start::AtOnce);
    begun.until(|event| matches!(event, TaskEvent::Committed { .. })).await;
    begun.ask(TaskCommand::Quit).await;
    let before = begun.end().await;
    assert!(before.read < 200, "{before:?}");
    world.embeddings.latency(Duration::ZERO);
    let mut begun = Begun::of(&world, Start::Never);
    begun
        .until(|event| *event == TaskEvent::PhaseChanged(Phase::Stopped(StopReason::NotAsked)))
        .await;
    let output = world.qlance(&["live", "resume"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("no points are moved in this session"),
        "{}",
        said(&output)
    );
    begun.ask(TaskCommand::Quit).await;
    let after = begun.end().await;
    assert_eq!(
        (after.status, after.read),
        (Status::Incomplete, before.read),
        "{after:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_somebody_elses_row_broke_off_is_repaired_and_goes_on_in_the_same_session() {
    let world = World::with(&messages(200)).await;
    world.embeddings.latency(Duration::from_millis(200));
    world.config(&[
        ("source", "page_points = 20\nranges = 1\n"),
        ("target", "commit_rows = 20\n"),
        ("embed.text", "max_in_flight = 1\nmax_batch_inputs = 20\n"),
        ("pipeline", "index = false\n"),
    ]);
    let mut begun = Begun::of(&world, Start::AtOnce);
    begun.until(|event| matches!(event, TaskEvent::Committed { .. })).await;
    begun.ask(TaskCommand::Pause).await;
    begun
        .until(|event| *event == TaskEvent::PhaseChanged(Phase::Paused))
        .await;
    let planter = Planter::open(&world).await;
    planter.plant(&[Fault::Extra], &mut StdRng::seed_from_u64(3)).await;
    begun.ask(TaskCommand::Resume).await;
    let broken = |event: &TaskEvent| matches!(event, TaskEvent::PhaseChanged(Phase::Stopped(StopReason::Broken(_))));
    begun.until(broken).await;
    world.embeddings.latency(Duration::ZERO);
    begun.ask(TaskCommand::Verify(Box::default())).await;
    let verified = |event: TaskEvent| match event {
        TaskEvent::Verified(result) => Some(result.map(drop)),
        _ => None,
    };
    assert_eq!(begun.next(verified).await, Ok(()));
    begun.ask(TaskCommand::PlanRepair).await;
    let compared = |event: TaskEvent| match event {
        TaskEvent::Compared(result) => Some(result.map(|found| found.unfinished)),
        _ => None,
    };
    assert_eq!(begun.next(compared).await, Ok(Some(1)));
    // Whoever does not agree yet may ask again.
    begun.until(broken).await;
    begun.ask(TaskCommand::CatchUp { remove_gone: false }).await;
    let caught_up = |event: TaskEvent| match event {
        TaskEvent::CaughtUp(done, error) => Some((done.removed, error)),
        _ => None,
    };
    assert_eq!(begun.next(caught_up).await, (1, None));
    begun
        .until(|event| *event == TaskEvent::PhaseChanged(Phase::Stopped(StopReason::ByOperator)))
        .await;
    begun.ask(TaskCommand::Resume).await;
    begun
        .until(|event| *event == TaskEvent::PhaseChanged(Phase::Complete))
        .await;
    begun.ask(TaskCommand::Quit).await;
    let report = begun.end().await;
    assert_eq!((report.status, report.written), (Status::Complete, 200), "{report:?}");
    assert_eq!(world.rows().await.len(), 200);
}
