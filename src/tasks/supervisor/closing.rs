//! The end of a supervised job: everything closed, and how it stands.

use super::state::Work;
use crate::tasks::{EmbeddingReport, Phase, RunReport, Status, StopReason, TableReport};

impl Work {
    /// Closes everything and says how the job stands.
    pub(super) async fn close(mut self) -> RunReport {
        self.publish();
        if let Err(error) = self.keep_spent().await {
            tracing::error!(%error, "what was spent could not be kept");
        }
        let (status, error) = match &self.phase {
            Phase::Stopped(StopReason::Trouble(reason)) if self.checkpoint.read() == 0 && !self.quitting => {
                // Nothing was ever settled: there is nothing to resume, only something to mend.
                (Status::Error, Some(reason.clone()))
            }
            Phase::Stopped(StopReason::Broken(reason)) => (Status::Error, Some(reason.clone())),
            Phase::Stopped(StopReason::NotAsked) => (Status::Incomplete, None),
            Phase::Stopped(reason) if self.checkpoint.complete() && !self.steps.is_empty() => (
                Status::Stopped,
                Some(format!("{reason}; all points are over, the table is not finished")),
            ),
            Phase::Stopped(reason) => (Status::Stopped, Some(reason.to_string())),
            Phase::Ready => (Status::Stopped, Some("left before it was started".to_owned())),
            _ => (Status::Complete, None),
        };
        let usage = self.parts.recipe.gateways.usage();
        let cost_usd = (self.parts.recipe.gateways.spent() - self.opening.spent.usd).max(0.0);
        // Only when the writer has ended is everything counted.
        drop(self.parts);
        drop(self.writer);
        let mut table = TableReport::default();
        if let Ok(target) = self.writer_task.await {
            table = TableReport {
                uri: target.uri().to_owned(),
                name: target.name().to_owned(),
                version: target.version().await.unwrap_or_default(),
                rows: target.rows().await.unwrap_or_default(),
            };
        }
        let settled = self.meters.settled();
        let read = settled.read;
        let seconds = self.monitor.worked().as_secs_f64();
        let divergent = self.meters.divergent(self.threshold);
        #[cfg(feature = "embedded")]
        if let Some(embedded) = self.opening.embedded.take()
            && let Err(error) = embedded.stop().await
        {
            tracing::error!(%error, "the embedded Qdrant could not be closed");
        }
        RunReport {
            status,
            read,
            written: settled.written,
            failed: settled.failed,
            skipped: settled.skipped,
            divergent,
            shortened: settled.shortened,
            seconds,
            points_per_second: if seconds > 0.0 {
                read.saturating_sub(self.settled_before) as f64 / seconds
            } else {
                0.0
            },
            resumed: self.opening.resumed,
            embedding: EmbeddingReport {
                requests: usage.requests,
                inputs: usage.inputs,
                tokens: usage.tokens,
                cost_usd,
            },
            table,
            steps: self.steps,
            retry: self.retried,
            error,
        }
    }
}
