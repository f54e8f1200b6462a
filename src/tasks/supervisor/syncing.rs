//! Catching up with the source: begun when everything is over, told when it has ended.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio_util::sync::CancellationToken;

use super::ending::{reason_of, stopped_by};
use super::state::{Done, Work, guarded};
use crate::tasks::sync::{self, CaughtUp, Difference, Sync, Wanted};
use crate::tasks::verify::repair::{self, Mending};
use crate::tasks::{Phase, StopReason, TaskEvent};

impl Work {
    pub(super) fn sync(&mut self) -> Sync {
        self.stop = CancellationToken::new();
        self.syncing = true;
        self.compared.store(0, Ordering::Relaxed);
        Sync {
            parts: self.parts.clone(),
            journal: self.opening.journal.clone(),
            tables: self.writer.table(),
            seen: self.compared.clone(),
            stop: self.stop.clone(),
            rounds: Arc::default(),
        }
    }

    /// Why both stores cannot be gone over just now.
    pub(super) fn too_early(&self) -> Option<&'static str> {
        if !self.checkpoint.complete() {
            return Some("the migration has not come to its end; let it finish first");
        }
        if !self.is_idle() {
            return Some("something else is under way; wait for it");
        }
        None
    }

    /// Takes over what a comparison found.
    pub(super) async fn compared(&mut self, result: anyhow::Result<Difference>) {
        self.syncing = false;
        if let Ok(found) = &result {
            let points = found.same + found.new + found.content + found.payload + found.waiting;
            self.meters.total.store(points, Ordering::Relaxed);
        }
        let result = result.map_err(|error| format!("{error:#}"));
        self.say(TaskEvent::Compared(result)).await;
        self.set_phase(Phase::Complete).await;
    }

    /// Carries out what is wanted of what the last comparison found.
    pub(super) async fn catch_up(&mut self, wanted: Wanted) {
        if let Some(why) = self.too_early() {
            self.say(TaskEvent::CaughtUp(
                CaughtUp::default(),
                Some(StopReason::Trouble(why.into())),
            ))
            .await;
            return;
        }
        let sync = self.sync();
        self.parts.source.begin_anew();
        if !wanted.bring && self.mending.is_some() {
            // The table is taken over as it is, else it could not be written to; nothing else of the repair was agreed to.
            self.mending = Some(Mending::default());
        }
        let mending = self.mending.clone();
        self.set_phase(Phase::CatchingUp).await;
        self.open_gates().await;
        let finished = self.finished.clone();
        tokio::spawn(async move {
            let mut done = CaughtUp::default();
            let work = async {
                if let Some(mending) = &mending {
                    done.removed += repair::begin(&sync, mending).await?;
                }
                sync::apply(&sync, wanted, &mut done).await
            };
            let error = match guarded(work).await {
                Ok(result) => result.err().map(|error| reason_of(&error)),
                Err(panic) => Some(stopped_by(&panic)),
            };
            let _ = finished.send(Done::CaughtUp(done, error)).await;
        });
    }

    /// Takes over what was brought over; the indexes take the new rows in.
    pub(super) async fn caught_up(&mut self, outcome: CaughtUp, error: Option<StopReason>) {
        self.syncing = false;
        let mended = self.mending.take();
        let changed = outcome.added + outcome.replaced + outcome.removed > 0;
        let unindexed = mended.is_some_and(|mended| mended.unindexed);
        self.say(TaskEvent::CaughtUp(outcome, error)).await;
        if (changed || unindexed) && self.opening.config.pipeline.index {
            self.finish_table().await;
        } else {
            self.set_phase(Phase::Complete).await;
        }
    }
}
