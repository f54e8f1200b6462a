//! Takes the operator's commands, starts and stops the work, and says what happened. One supervisor a job.
//!
//! ```text
//! Connecting -> Ready -> Running <-> Pausing/Paused -> Finishing -> Complete
//!                          |  ^ Resume                    (Failed: could not begin)
//!                          v  |
//!                        Stopped
//! ```

mod closing;
mod commands;
mod deciding;
mod door;
mod ending;
mod mending;
mod pausing;
mod questions;
mod state;
mod syncing;
mod verifying;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::backlog::Backlog;
use super::control::Door;
use super::job::{self, Options};
use super::meters::{Meters, Snapshot};
use super::{Level, Phase, RunReport, Status, TaskCommand, TaskEvent};
use crate::config::Config;

use state::Work;

/// Between two snapshots.
const TICK: Duration = Duration::from_millis(100);

/// What a supervisor is told at its start.
#[derive(Debug, Clone, Default)]
pub struct Orders {
    /// How the job is opened.
    pub options: Options,
    /// When to begin moving points.
    pub start: Start,
    /// Whether to end by itself when there is nothing left to do; the console stays until it is left.
    pub end_when_done: bool,
    /// What to do first, as if the operator had asked for it.
    pub first: Vec<TaskCommand>,
}

/// When a job begins to move points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// As soon as it is open.
    AtOnce,
    /// When the operator has seen the plan; a job that was begun before just goes on.
    WhenAsked,
    /// Not at all: only what is asked for is done.
    #[default]
    Never,
}

/// The ends of the channels that belong to a supervisor.
pub struct Lines {
    /// Commands come in here.
    pub commands: mpsc::Receiver<TaskCommand>,
    /// Events go out here.
    pub events: mpsc::Sender<TaskEvent>,
    /// The snapshot is kept current here.
    pub snapshot: watch::Sender<Snapshot>,
}

/// Opens the job and serves it until it is told to quit (or nothing is left to do). Says how it ended, as an event too.
pub async fn run(config: Arc<Config>, orders: Orders, lines: Lines) -> RunReport {
    let begun = Instant::now();
    let Lines {
        mut commands,
        events,
        snapshot,
    } = lines;
    let mut ears = Ears::default();
    let opening = job::open(Arc::clone(&config), &orders.options);
    let opened = ears.unless_left(&mut commands, opening).await;
    let report = match opened {
        None => RunReport {
            status: Status::Stopped,
            ..RunReport::failed_to_begin(
                "stopped by the operator before the job was open".into(),
                begun.elapsed(),
            )
        },
        Some(Err(error)) => {
            let message = format!("{error:#}");
            snapshot.send_modify(|snapshot| snapshot.phase = Phase::Failed(message.clone()));
            let _ = events.send(TaskEvent::Noted(Level::Error, message.clone())).await;
            let _ = events
                .send(TaskEvent::PhaseChanged(Phase::Failed(message.clone())))
                .await;
            if !orders.end_when_done {
                ears.unless_left(&mut commands, std::future::pending::<()>()).await;
            }
            RunReport::failed_to_begin(message, begun.elapsed())
        }
        Some(Ok((opening, target))) => {
            let door = door::open(&opening, &snapshot);
            let restored = ears
                .unless_left(&mut commands, Work::restored(&target))
                .await
                .unwrap_or_else(|| Ok(Meters::default()));
            let work = Work::new((opening, target), restored, &orders, events.clone(), snapshot).await;
            serve(work, (commands, door), ears, orders).await
        }
    };
    let _ = events.send(TaskEvent::Ended(Box::new(report.clone()))).await;
    report
}

/// Listens while something is under way that takes no commands.
#[derive(Default)]
struct Ears {
    /// What was asked meanwhile; carried out as soon as it can be.
    heard: Backlog,
    left: bool,
}

impl Ears {
    /// Lets `work` go on until it is done, or until the operator wants to leave.
    async fn unless_left<T>(
        &mut self,
        commands: &mut mpsc::Receiver<TaskCommand>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        if self.left {
            return None;
        }
        tokio::pin!(work);
        let mut listening = true;
        loop {
            tokio::select! {
                done = &mut work => return Some(done),
                // What is not heard waits with who asks: nothing is dropped.
                command = commands.recv(), if listening && !self.heard.is_full() => match command {
                    Some(TaskCommand::Quit | TaskCommand::Stop) => {
                        self.left = true;
                        return None;
                    }
                    Some(command) => self.heard.push(command),
                    None => listening = false,
                },
            }
        }
    }
}

async fn serve(
    mut work: Work,
    (mut commands, mut door): (mpsc::Receiver<TaskCommand>, Door),
    mut ears: Ears,
    orders: Orders,
) -> RunReport {
    work.begin(&orders, &mut ears, &mut commands).await;
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let left = ears.left.then_some(TaskCommand::Quit);
    for command in orders.first.into_iter().chain(ears.heard.into_commands()).chain(left) {
        work.obey(command).await;
    }
    let mut listening = true;
    loop {
        if (work.quitting || work.ends_when_done) && work.is_idle() && !work.keeping_spent {
            break;
        }
        tokio::select! {
            command = commands.recv(), if listening => match command {
                Some(command) => work.obey(command).await,
                None => {
                    // Whoever commanded is gone: bring what is begun to a clean end.
                    listening = false;
                    if !work.ends_when_done {
                        work.obey(TaskCommand::Quit).await;
                    }
                }
            },
            asked = door.next() => work.answer(asked).await,
            done = work.next_done() => work.note_done(done).await,
            _ = ticks.tick() => work.tick(),
        }
    }
    // Before the lock is given back: the next process makes its own.
    door.close().await;
    work.close().await
}
