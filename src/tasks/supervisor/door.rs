//! What comes in through the control door: carried out as if the operator at the screen had asked for it, or refused
//! with a reason.

use super::state::Work;
use crate::tasks::control::{Asked, Door, is_no_time};
use crate::tasks::job::Opening;
use crate::tasks::{Phase, Snapshot, TaskCommand};

/// Opens the door of a job, where one can be made. The work goes on without it.
pub(super) fn open(opening: &Opening, snapshot: &tokio::sync::watch::Sender<Snapshot>) -> Door {
    // Without the lock the socket that lies there may be somebody's.
    if opening.lock.is_none() {
        return Door::shut();
    }
    match Door::open(&opening.state_dir, &opening.facts.job, snapshot.subscribe()) {
        Ok(door) => door,
        Err(error) => {
            tracing::warn!(%error, "there is no control socket: `qlance live` cannot reach this process");
            Door::shut()
        }
    }
}

impl Work {
    /// Carries out what was asked, and says how it stands then.
    pub(super) async fn answer(&mut self, asked: Asked) {
        let Asked { commands, done } = asked;
        let refused = commands.iter().find_map(|command| self.refusal(command));
        if let Some(why) = refused {
            let _ = done.send(Err(why.to_owned()));
            return;
        }
        for command in commands {
            let command = match command {
                // Nobody is left at a screen who could go on with it: it ends, as on a signal.
                TaskCommand::Stop if self.ends_when_done => TaskCommand::Quit,
                other => other,
            };
            self.obey(command).await;
        }
        self.publish();
        let now = self.snapshot.borrow().clone();
        // Whoever asked may be gone.
        let _ = done.send(Ok(now));
    }

    /// Why something does not apply just now.
    fn refusal(&self, command: &TaskCommand) -> Option<&'static str> {
        match (command, &self.phase) {
            (TaskCommand::Pause, Phase::Running | Phase::Pausing | Phase::Paused) => None,
            (TaskCommand::Pause, phase) => Some(is_no_time(phase)),
            (TaskCommand::Resume, _) if self.quitting => Some("qlance is being left"),
            (TaskCommand::Resume, Phase::Running | Phase::Pausing | Phase::Paused) => None,
            // What only does something else meanwhile must not begin to move points.
            (TaskCommand::Resume, Phase::Stopped(_)) if !self.moves_points => {
                Some("no points are moved in this session; when it has ended, `qlance run` goes on")
            }
            (TaskCommand::Resume, Phase::Stopped(_)) if !self.ends_when_done => None,
            (TaskCommand::Resume, phase) => Some(is_no_time(phase)),
            (TaskCommand::Stop, Phase::Ready) => Some(is_no_time(&self.phase)),
            (TaskCommand::Stop, Phase::Finishing(_)) if !self.ends_when_done => Some(
                "all points are over; the table is being finished, and only leaving its console stops that, or Ctrl-C \
                     where it has none",
            ),
            (TaskCommand::Set(_), _) if self.parts.recipe.gateways.main().is_none() => {
                Some("vectors are carried over: there is no embedder to set")
            }
            _ => None,
        }
    }
}
