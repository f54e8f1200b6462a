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
mod questions;
mod state;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};

use super::job::{self, Options};
use super::meters::Snapshot;
use super::{Level, Phase, RunReport, TaskCommand, TaskEvent};
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
    let opening = job::open(Arc::clone(&config), &orders.options);
    let opened = tokio::select! {
        opened = opening => opened,
        () = quit_asked(&mut commands) => Err(anyhow::anyhow!("stopped by the operator before the job was open")),
    };
    let report = match opened {
        Err(error) => {
            let message = format!("{error:#}");
            snapshot.send_modify(|snapshot| snapshot.phase = Phase::Failed(message.clone()));
            let _ = events.send(TaskEvent::Noted(Level::Error, message.clone())).await;
            let _ = events
                .send(TaskEvent::PhaseChanged(Phase::Failed(message.clone())))
                .await;
            if !orders.end_when_done {
                quit_asked(&mut commands).await;
            }
            RunReport::failed_to_begin(message, begun.elapsed())
        }
        Ok(opening) => {
            let work = Work::new(opening, &orders, events.clone(), snapshot).await;
            serve(work, commands, orders).await
        }
    };
    let _ = events.send(TaskEvent::Ended(Box::new(report.clone()))).await;
    report
}

async fn quit_asked(commands: &mut mpsc::Receiver<TaskCommand>) {
    while let Some(command) = commands.recv().await {
        if matches!(command, TaskCommand::Quit | TaskCommand::Stop) {
            return;
        }
    }
}

async fn serve(mut work: Work, mut commands: mpsc::Receiver<TaskCommand>, orders: Orders) -> RunReport {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for command in orders.first {
        work.obey(command).await;
    }
    let mut listening = true;
    loop {
        if (work.quitting || work.ends_when_done) && work.is_idle() {
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
            done = work.next_done() => work.note_done(done).await,
            _ = ticks.tick() => work.tick().await,
        }
    }
    work.close().await
}
