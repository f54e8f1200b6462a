//! Repair of a job that has not come to its end and whose rows do not add up: something else wrote to its table, and
//! the migration may not go on over that. What cannot be seen before both stores can be compared is left to the repair
//! after it.

use super::ending::{reason_of, stopped_by};
use super::state::{Done, Work, guarded};
use crate::tasks::sync::{CaughtUp, Difference};
use crate::tasks::verify::repair::{self, Mending};
use crate::tasks::{Phase, StopReason, TaskEvent};

impl Work {
    /// Counts what a repair would do. Nothing is written.
    pub(super) async fn plan_unfinished(&mut self, mending: Mending) {
        if !self.is_idle() {
            let why = "something else is under way; wait for it";
            self.say(TaskEvent::Compared(Err(why.into()))).await;
            return;
        }
        let sync = self.sync();
        self.at_rest = Some(self.phase.clone());
        self.mending = Some(mending.clone());
        self.set_phase(Phase::Comparing).await;
        let (checkpoint, finished) = (self.checkpoint.clone(), self.finished.clone());
        tokio::spawn(async move {
            let result = match guarded(repair::plan_unfinished(&sync, &checkpoint, &mending)).await {
                Ok(result) => result,
                Err(panic) => Err(panic.into()),
            };
            let _ = finished.send(Done::Compared(result)).await;
        });
    }

    /// Takes over what a repair would do; the job stands as before.
    pub(super) async fn unfinished_planned(&mut self, result: anyhow::Result<Difference>) {
        self.syncing = false;
        if result.is_err() {
            self.mending = None;
        }
        let result = result.map_err(|error| format!("{error:#}"));
        self.say(TaskEvent::Compared(result)).await;
        let stopped = Phase::Stopped(StopReason::ByOperator);
        let phase = self.at_rest.take().unwrap_or(stopped);
        self.set_phase(phase).await;
    }

    /// Carries the repair out that was planned.
    pub(super) async fn mend_unfinished(&mut self) {
        let Some(mending) = self.mending.clone().filter(|_| self.is_idle()) else {
            let why = self.too_early().unwrap_or("nothing was planned");
            let reason = StopReason::Trouble(why.into());
            self.say(TaskEvent::CaughtUp(CaughtUp::default(), Some(reason))).await;
            return;
        };
        let sync = self.sync();
        self.at_rest = Some(self.phase.clone());
        self.set_phase(Phase::CatchingUp).await;
        let finished = self.finished.clone();
        tokio::spawn(async move {
            let mut done = CaughtUp::default();
            let error = match guarded(repair::begin(&sync, &mending)).await {
                Ok(Ok(removed)) => {
                    done.removed = removed;
                    None
                }
                Ok(Err(error)) => Some(reason_of(&error)),
                Err(panic) => Some(stopped_by(&panic)),
            };
            let _ = finished.send(Done::CaughtUp(done, error)).await;
        });
    }

    /// The migration can go on now, from where the table says; what could not be mended is as it was.
    pub(super) async fn unfinished_mended(&mut self, outcome: CaughtUp, error: Option<StopReason>) {
        self.syncing = false;
        self.mending = None;
        self.cursor_in_doubt = true;
        let as_before = self.at_rest.take().filter(|_| error.is_some());
        self.say(TaskEvent::CaughtUp(outcome, error)).await;
        let stopped = Phase::Stopped(StopReason::ByOperator);
        self.set_phase(as_before.unwrap_or(stopped)).await;
    }
}
