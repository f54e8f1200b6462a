//! The work that is left to itself begins nothing that nobody agreed to.

use std::sync::Arc;

use qlance::config::Config;
use qlance::tasks::job::Options;
use qlance::tasks::supervisor::{self, Lines, Orders, Start};
use qlance::tasks::{COMMAND_ROOM, EVENT_ROOM, Phase, RunReport, Snapshot, Status, TaskCommand, TaskEvent};
use tokio::sync::{mpsc, watch};

use crate::support::world::{World, messages};

/// Begins a job as the console does, and leaves it to itself when its plan is shown.
async fn left_at_its_plan(world: &World) -> RunReport {
    let config = Arc::new(Config::load(&world.path().join("qlance.toml")).expect("a configuration"));
    let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
    let (told, mut events) = mpsc::channel(EVENT_ROOM);
    let (published, _snapshot) = watch::channel(Snapshot::default());
    let lines = Lines {
        commands: inbox,
        events: told,
        snapshot: published,
    };
    let orders = Orders {
        options: Options::default(),
        start: Start::WhenAsked,
        end_when_done: false,
        first: Vec::new(),
    };
    let work = tokio::spawn(supervisor::run(config, orders, lines));
    while let Some(event) = events.recv().await {
        if event == TaskEvent::PhaseChanged(Phase::Ready) {
            commands.send(TaskCommand::EndWhenDone).await.expect("the work listens");
        }
    }
    work.await.expect("no panic")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_nobody_agreed_to_is_not_begun_when_the_screen_is_left() {
    let world = World::with(&messages(20)).await;
    world.config(&[]);
    let report = left_at_its_plan(&world).await;
    assert_eq!((report.status, report.read), (Status::Stopped, 0), "{report:?}");
    assert_eq!(report.error.as_deref(), Some("left before it was started"));
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &serde_json::json!(20)), "{report}");
}
