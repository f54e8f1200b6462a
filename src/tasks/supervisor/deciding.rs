//! Decisions about rows: one after another, and none while both stores are gone over, as no retry begins then.

use tokio::sync::oneshot;

use super::state::{Work, guarded};
use crate::journal::Decision;
use crate::point::PointId;
use crate::tasks::decide::{self, Wish};
use crate::tasks::{Level, TaskEvent};

/// Why rows are not made anew just now.
const SYNCING: &str = "both stores are being gone over; decide when that has ended";
/// Why nothing is tried again just now.
const NO_RETRY: &str = "both stores are being gone over; retry when that has ended";

impl Work {
    /// Carries a decision out about divergent points.
    pub(super) async fn decide(&mut self, decision: Decision, ids: Vec<PointId>, note: Option<String>) {
        let asked = ids.clone();
        // Catching up writes rows that it has read before: one that was made anew in between would be lost.
        if self.syncing && decision != Decision::Accepted {
            self.say(TaskEvent::Decided {
                decision,
                asked,
                points: Vec::new(),
                error: Some(SYNCING.into()),
            })
            .await;
            return;
        }
        self.renew_keys().await;
        let wish = Wish { decision, ids, note };
        let (parts, journal, tables) = (self.parts.clone(), self.opening.journal.clone(), self.writer.table());
        let stop = self.stop_errands.clone();
        let (ended, end) = oneshot::channel::<()>();
        let before = self.deciding.replace(end);
        self.errand(async move {
            // Of two decisions about one row the later one holds.
            if let Some(before) = before {
                let _ = before.await;
            }
            let mut points = Vec::new();
            let work = decide::carry_out(&parts, &journal, &tables, wish, &stop, &mut points);
            let error = match guarded(work).await {
                Ok(result) => result.err().map(|error| format!("{error:#}")),
                Err(panic) => Some(panic.to_string()),
            };
            if let Some(error) = &error {
                tracing::warn!(%error, "the decision could not be carried out for all points");
            }
            drop(ended);
            TaskEvent::Decided {
                decision,
                asked,
                points,
                error,
            }
        });
    }

    /// Says that nothing is tried again: what is gone over would take a point that comes over meanwhile for a new one.
    pub(super) async fn refuse_retry(&self) {
        self.say(TaskEvent::RetryEnded {
            recovered: 0,
            failed: 0,
            error: Some(NO_RETRY.into()),
            waiting: self.waiting_retries.len(),
        })
        .await;
    }

    /// Lets the embedders be asked as if nothing had been before: no pause, no outage, no answer that ended everything.
    pub(super) async fn open_gates(&self) {
        self.paused.send_replace(false);
        if let Some(media) = &self.parts.recipe.media {
            media.loader.begin_anew();
        }
        for (_, gateway) in self.parts.recipe.gateways.each() {
            gateway.gate().set_paused(false);
            gateway.begin_anew();
        }
        self.renew_keys().await;
    }

    /// Reads the keys of the embedders again: one that was refused may have been mended in its file.
    pub(super) async fn renew_keys(&self) {
        for (modality, gateway) in self.parts.recipe.gateways.each() {
            match self.opening.config.embed_key(modality) {
                Ok(key) => gateway.embedder().set_key(key),
                Err(error) => self.note(Level::Error, error.to_string()).await,
            }
        }
    }
}
