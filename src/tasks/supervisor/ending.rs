//! What follows when a piece of work has ended: the next one, another phase, or a stop with its reason.

use std::time::{Duration, Instant};

use super::state::{Done, Work};
use crate::embed::GatewayError;
use crate::embed::spool::Spool;
use crate::lance::index::Step;
use crate::tasks::comparison::kept;
use crate::tasks::invariant::Fault;
use crate::tasks::migrate::Ended;
use crate::tasks::sync;
use crate::tasks::writer::Message;
use crate::tasks::{Level, Phase, StepOutcome, StepReport, StopReason, TaskEvent};

impl Work {
    /// Waits for work to end.
    pub(super) async fn next_done(&mut self) -> Done {
        match self.done.recv().await {
            Some(done) => done,
            // `finished` lives in this very struct.
            None => std::future::pending().await,
        }
    }

    /// Takes over what ended.
    pub(super) async fn note_done(&mut self, done: Done) {
        match done {
            Done::Migration(result) => self.migration_ended(result).await,
            Done::Retry(outcome, error) => {
                self.retrying = false;
                if let Some(error) = &error {
                    tracing::warn!(%error, "the retry stopped");
                }
                let retried = self.retried.get_or_insert_default();
                retried.recovered += outcome.recovered;
                retried.failed += outcome.failed;
                retried.error.clone_from(&error);
                self.say(TaskEvent::RetryEnded {
                    recovered: outcome.recovered,
                    failed: outcome.failed,
                    error,
                    waiting: self.waiting_retries.len(),
                })
                .await;
                if !self.waiting_retries.is_empty() {
                    let next = self.waiting_retries.remove(0);
                    self.start_retry(next).await;
                }
            }
            Done::Verified(result) => self.verified(result).await,
            Done::Compared(result) if !self.checkpoint.complete() => self.unfinished_planned(result).await,
            Done::CaughtUp(outcome, error) if !self.checkpoint.complete() => {
                self.unfinished_mended(outcome, error).await;
            }
            Done::Compared(result) => self.compared(result).await,
            Done::CaughtUp(outcome, error) => self.caught_up(outcome, error).await,
            Done::Errand(event) => {
                self.errands -= 1;
                self.say(event).await;
            }
            Done::Flushed(result) => self.flushed(result).await,
            Done::Step(step, took, result) => self.step_ended(step, took, result).await,
            Done::SpentKept(spent, kept) => self.spent_kept(spent, kept).await,
        }
    }

    async fn migration_ended(&mut self, result: Result<(), Ended>) {
        self.migrating = false;
        self.meters.read.empty_queue();
        self.meters.embed.empty_queue();
        let retrying = self.retrying;
        let reset = self.writer.ask(|done| Message::Reset { retrying, done }).await;
        self.cursor_in_doubt = reset.is_err();
        let reset = reset.map(|checkpoint| self.checkpoint = checkpoint);
        let reason = match (result, reset) {
            (_, Err(error)) => Some(stopped_by(&Fault::of(&error))),
            (Ok(()) | Err(Ended::ByOperator), Ok(())) if self.checkpoint.complete() => None,
            (Ok(()), Ok(())) => Some(StopReason::Trouble(
                "the scroll ended, but not every range is settled".into(),
            )),
            (Err(Ended::ByOperator), Ok(())) => Some(StopReason::ByOperator),
            (Err(Ended::Embedder(GatewayError::Budget(used_up))), Ok(())) => {
                Some(StopReason::Budget(used_up.to_string()))
            }
            (Err(Ended::Writer(fault)), Ok(())) => Some(stopped_by(&fault)),
            (Err(ended), Ok(())) => Some(StopReason::Trouble(ended.to_string())),
        };
        match reason {
            Some(reason) => {
                self.note(Level::Warn, format!("stopped: {reason}")).await;
                self.set_phase(Phase::Stopped(reason)).await;
            }
            None => {
                self.clear_spool();
                self.tell_of_drift().await;
                if self.opening.config.pipeline.index {
                    self.finish_table().await;
                } else {
                    self.set_phase(Phase::Complete).await;
                }
            }
        }
    }

    /// The source may have been written to meanwhile: its number of points gives that away, most of the time.
    async fn tell_of_drift(&mut self) {
        let (points, read) = (self.opening.collection.points, self.meters.settled().read);
        if points != read {
            let text = format!(
                "Qdrant held {points} points when the job was opened, {read} were read; `qlance sync` catches up"
            );
            self.note(Level::Info, text).await;
        }
    }

    /// All that was paid for is committed: nothing needs to be kept twice.
    fn clear_spool(&self) {
        let gateways = self.parts.recipe.gateways.clone();
        tokio::task::spawn_blocking(move || {
            for (_, gateway) in gateways.each() {
                if let Some(Err(error)) = gateway.spool().map(Spool::clear) {
                    tracing::warn!(%error, "the spool could not be cleared");
                }
            }
        });
    }

    /// Commits what is in order; a pause is confirmed when that is done.
    pub(super) fn flush(&mut self) {
        self.confirming.began();
        let (writer, finished) = (self.writer.clone(), self.finished.clone());
        tokio::spawn(async move {
            let _ = finished.send(Done::Flushed(writer.ask(Message::Flush).await)).await;
        });
    }

    async fn flushed(&mut self, result: anyhow::Result<()>) {
        let Err(error) = result else {
            self.confirming.succeeded();
            // Otherwise the operator has gone on meanwhile, or the run has ended.
            if self.phase == Phase::Pausing {
                self.set_phase(Phase::Paused).await;
            }
            return;
        };
        if self.confirming.failed(Instant::now()) {
            let text = format!("what came before the pause is not committed yet: {error:#}");
            self.note(Level::Error, text).await;
        }
    }

    /// All points are over: the table is compacted and indexed.
    pub(super) async fn finish_table(&mut self) {
        self.steps.clear();
        self.go_on_finishing(&Step::ALL).await;
    }

    /// The first of the steps that are left, or the end.
    async fn go_on_finishing(&mut self, left: &[Step]) {
        match left.first() {
            Some(step) if !self.quitting => self.begin_step(*step).await,
            None => {
                self.finishing = false;
                self.set_phase(Phase::Complete).await;
            }
            // Rows without their indexes are not what was asked for: the next run goes on here.
            Some(_) => self.leave_unfinished(left, StopReason::ByOperator).await,
        }
    }

    async fn leave_unfinished(&mut self, left: &[Step], reason: StopReason) {
        self.finishing = false;
        self.steps.extend(left.iter().map(|step| StepReport {
            step: step.as_str(),
            outcome: StepOutcome::Skipped,
            detail: String::new(),
            seconds: 0.0,
        }));
        let mut text = format!("stopped: {reason}");
        if !left.is_empty() {
            let labels: Vec<&str> = left.iter().map(|step| step.label()).collect();
            text.push_str(&format!("; all points are over, but not yet: {}", labels.join(", ")));
        }
        self.note(Level::Warn, text).await;
        self.set_phase(Phase::Stopped(reason)).await;
    }

    async fn begin_step(&mut self, step: Step) {
        self.finishing = true;
        self.set_phase(Phase::Finishing(step)).await;
        self.say(TaskEvent::StepStarted(step)).await;
        let (writer, finished, wishes) = (self.writer.clone(), self.finished.clone(), self.opening.wishes());
        let directory = self.opening.state_dir.clone();
        tokio::spawn(async move {
            let begun = Instant::now();
            let result = writer.ask(|done| Message::Finish(step, wishes, done)).await;
            let took = begun.elapsed();
            if let (Step::VectorIndex, Ok(said)) = (step, &result) {
                // Only the comparison wants it; where it cannot be kept it is unknown there.
                let said = said.clone();
                let _ = tokio::task::spawn_blocking(move || kept::keep_index_time(&directory, &said, took)).await;
            }
            let _ = finished.send(Done::Step(step, took, result)).await;
        });
    }

    async fn step_ended(&mut self, step: Step, took: Duration, result: anyhow::Result<String>) {
        let left: Vec<Step> = Step::ALL
            .into_iter()
            .skip_while(|other| *other != step)
            .skip(1)
            .collect();
        let (outcome, detail) = match &result {
            Ok(text) => (StepOutcome::Done, text.clone()),
            Err(error) => (StepOutcome::Failed, format!("{error:#}")),
        };
        self.steps.push(StepReport {
            step: step.as_str(),
            outcome,
            detail: detail.clone(),
            seconds: took.as_secs_f64(),
        });
        let Err(error) = result else {
            self.say(TaskEvent::StepFinished(step, detail)).await;
            return self.go_on_finishing(&left).await;
        };
        self.say(TaskEvent::StepFinished(step, format!("failed: {detail}")))
            .await;
        let fault = Fault::of(&error);
        if fault.invariant.is_some() {
            return self.leave_unfinished(&left, stopped_by(&fault)).await;
        }
        // The rows are safe; an index can be built any time.
        let text = format!(
            "not done: {}; every row is in the table, and the same command tries it again",
            step.label()
        );
        self.note(Level::Warn, text).await;
        self.go_on_finishing(&left).await;
    }
}

pub(super) fn stopped_by(fault: &Fault) -> StopReason {
    match fault.invariant {
        Some(_) => StopReason::Broken(fault.to_string()),
        None => StopReason::Trouble(fault.to_string()),
    }
}

/// What an error stops, and whether it can be gone on with.
pub(super) fn reason_of(error: &anyhow::Error) -> StopReason {
    let budget = error
        .chain()
        .find_map(|cause| match cause.downcast_ref::<GatewayError>() {
            Some(GatewayError::Budget(used_up)) => Some(used_up.to_string()),
            _ => None,
        });
    match budget {
        Some(used_up) => StopReason::Budget(used_up),
        None if error.to_string() == sync::STOPPED => StopReason::ByOperator,
        None => stopped_by(&Fault::of(error)),
    }
}
