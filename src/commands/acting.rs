//! Commands that change something: the job is opened, the work is asked as the console would ask it, and what it answered
//! is handed back.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::signals::stop_on_signal;
use crate::cli::Cli;
use crate::config::{Config, ConfigError};
use crate::point::PointId;
use crate::tasks::inspect::Inspector;
use crate::tasks::job::{self, Opening, Options};
use crate::tasks::supervisor::{self, Lines, Orders, Start};
use crate::tasks::{COMMAND_ROOM, EVENT_ROOM, Phase, RunReport, Snapshot, TaskCommand, TaskEvent};

/// Ids as they were typed.
pub(super) fn parse(ids: &[String]) -> Result<Vec<PointId>, ConfigError> {
    ids.iter()
        .map(|id| id.parse().map_err(|error| ConfigError::Usage(format!("{error}"))))
        .collect()
}

/// Work that was begun, with both ends of its lines.
pub(super) struct Begun {
    /// What it is asked.
    pub(super) commands: mpsc::Sender<TaskCommand>,
    /// What it says.
    pub(super) events: mpsc::Receiver<TaskEvent>,
    /// Its end.
    pub(super) work: JoinHandle<RunReport>,
}

/// Begins work without a screen; a signal stops it cleanly.
pub(super) fn begin(config: Arc<Config>, orders: Orders) -> anyhow::Result<Begun> {
    let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
    let (told, events) = mpsc::channel(EVENT_ROOM);
    let (published, snapshot) = watch::channel(Snapshot::default());
    stop_on_signal(commands.clone())?;
    let (events, _) = crate::metrics::observe(&config, orders.options.state.as_deref(), None, events, &snapshot);
    let lines = Lines {
        commands: inbox,
        events: told,
        snapshot: published,
    };
    let work = tokio::spawn(supervisor::run(config, orders, lines));
    Ok(Begun { commands, events, work })
}

/// Asks the work for one thing; answers everything it said until it was done.
pub(super) async fn ask(
    config: Arc<Config>,
    state: Option<&Path>,
    command: TaskCommand,
) -> anyhow::Result<(Vec<TaskEvent>, RunReport)> {
    let orders = Orders {
        options: Options {
            state: state.map(Path::to_path_buf),
            ..Options::default()
        },
        start: Start::Never,
        end_when_done: true,
        first: vec![command],
    };
    let Begun {
        commands,
        mut events,
        work,
    } = begin(config, orders)?;
    let mut said = Vec::new();
    while let Some(event) = events.recv().await {
        said.push(event);
    }
    let report = work.await?;
    drop(commands);
    let failed = said.iter().find_map(|event| match event {
        TaskEvent::PhaseChanged(Phase::Failed(reason)) => Some(reason.clone()),
        _ => None,
    });
    if let Some(reason) = failed {
        bail!(reason);
    }
    Ok((said, report))
}

/// An opened job for questions; nothing is moved.
pub(super) struct Asking {
    /// The job.
    pub(super) opening: Opening,
    /// Who answers.
    pub(super) inspector: Inspector,
}

impl Asking {
    /// Opens the job of the configuration.
    pub(super) async fn open(cli: &Cli) -> anyhow::Result<Self> {
        Self::of(cli, Arc::new(Config::load(&cli.config)?)).await
    }

    /// Opens the job of a configuration that was loaded already.
    pub(super) async fn of(cli: &Cli, config: Arc<Config>) -> anyhow::Result<Self> {
        let options = Options {
            state: cli.state.clone(),
            look_only: true,
            ..Options::default()
        };
        let (opening, target) = job::open(config, &options).await?;
        let (_, tables) = watch::channel(target.table().cloned());
        Ok(Self {
            inspector: Inspector::of(&opening, tables),
            opening,
        })
    }

    /// Closes what was opened.
    #[cfg_attr(
        not(feature = "embedded"),
        allow(clippy::unused_async, reason = "with the feature it waits")
    )]
    pub(super) async fn close(self) -> anyhow::Result<()> {
        drop(self.inspector);
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.opening.embedded {
            embedded.stop().await?;
        }
        Ok(())
    }
}
