//! The state of a supervised job and how commands and finished work change it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Orders;
use super::answers;
use crate::embed::Gateway;
use crate::journal::{self, State};
use crate::lance::index::Step;
use crate::lance::{Checkpoint, Target};
use crate::point::PointId;
use crate::tasks::job::Opening;
use crate::tasks::meters::{Meters, Monitor, Setting, Snapshot};
use crate::tasks::migrate::{self, Ended};
use crate::tasks::retry;
use crate::tasks::writer::{self, Message, Writer};
use crate::tasks::{EmbeddingReport, Level, Phase, RunReport, Selection, Status, TableReport, TaskCommand, TaskEvent};

/// Work that has ended.
pub(super) enum Done {
    Migration(Result<(), Ended>),
    Retry(retry::Outcome, Option<String>),
    Step(Step, anyhow::Result<String>),
}

/// One supervised job.
pub(super) struct Work {
    opening: Opening,
    parts: migrate::Parts,
    meters: Arc<Meters>,
    writer: Writer,
    writer_task: JoinHandle<Target>,
    checkpoint: Checkpoint,
    events: mpsc::Sender<TaskEvent>,
    snapshot: watch::Sender<Snapshot>,
    monitor: Monitor,
    phase: Phase,
    paused: watch::Sender<bool>,
    stop: CancellationToken,
    stop_retry: CancellationToken,
    done: mpsc::Receiver<Done>,
    finished: mpsc::Sender<Done>,
    migrating: bool,
    retrying: bool,
    finishing: bool,
    waiting_retries: Vec<Selection>,
    settled_before: u64,
    pub(super) quitting: bool,
    pub(super) ends_when_done: bool,
}

impl Work {
    pub(super) async fn new(
        (opening, target): (Opening, Target),
        orders: &Orders,
        events: mpsc::Sender<TaskEvent>,
        snapshot: watch::Sender<Snapshot>,
    ) -> Self {
        let meters = Arc::new(Meters::default());
        meters.total.store(opening.collection.points, Ordering::Relaxed);
        let limits = opening.limits();
        if let Err(error) = writer::restore_similarities(&target, &meters).await {
            let note = format!("the histogram lacks the rows of earlier runs: {error:#}");
            let _ = events.send(TaskEvent::Noted(Level::Warn, note)).await;
        }
        let (writer, writer_task) = Writer::spawn(writer::Parts {
            target,
            schema: opening.schema.clone(),
            space: serde_json::to_string(&opening.space).unwrap_or_default(),
            checkpoint: opening.checkpoint.clone(),
            journal: opening.journal.clone(),
            meters: Arc::clone(&meters),
            events: events.clone(),
            limits,
            threshold: opening.config.divergence.threshold as f32,
        });
        let parts = migrate::Parts {
            source: opening.source.clone(),
            gateway: opening.gateway.clone(),
            plan: opening.plan.clone(),
            compare_with: opening.config.source.vector.clone(),
            schema: Arc::new(opening.schema.clone()),
            writer: writer.clone(),
            meters: Arc::clone(&meters),
            page_points: opening.config.source.page_points,
            in_hand_bytes: opening.config.pipeline.in_hand_mib << 20,
        };
        let (finished, done) = mpsc::channel(8);
        let mut work = Self {
            checkpoint: opening.checkpoint.clone(),
            settled_before: opening.checkpoint.read(),
            parts,
            meters,
            writer,
            writer_task,
            events,
            snapshot,
            monitor: Monitor::new(),
            phase: Phase::Connecting,
            paused: watch::channel(false).0,
            stop: CancellationToken::new(),
            stop_retry: CancellationToken::new(),
            done,
            finished,
            migrating: false,
            retrying: false,
            finishing: false,
            waiting_retries: Vec::new(),
            quitting: false,
            ends_when_done: orders.end_when_done,
            opening,
        };
        if let Err(error) = work.writer.ask(Message::Recount).await {
            work.note(Level::Error, format!("{error:#}")).await;
        }
        let facts = Box::new(work.opening.facts.clone());
        work.say(TaskEvent::Opened(facts)).await;
        if !orders.start {
            let phase = if work.checkpoint.complete() {
                Phase::Complete
            } else {
                Phase::Stopped("not started".into())
            };
            work.set_phase(phase).await;
        }
        work
    }

    async fn say(&self, event: TaskEvent) {
        // A receiver that is gone is a console that was killed; the work still ends cleanly.
        let _ = self.events.send(event).await;
    }

    async fn note(&self, level: Level, text: String) {
        match level {
            Level::Info => tracing::info!("{text}"),
            Level::Warn => tracing::warn!("{text}"),
            Level::Error => tracing::error!("{text}"),
        }
        self.say(TaskEvent::Noted(level, text)).await;
    }

    async fn set_phase(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase.clone();
            self.publish();
            self.say(TaskEvent::PhaseChanged(phase)).await;
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.migrating && !self.retrying && !self.finishing && self.waiting_retries.is_empty()
    }

    /// Starts (or goes on with) the migration.
    pub(super) fn start(&mut self) {
        if self.migrating {
            return;
        }
        self.migrating = true;
        self.phase = Phase::Running;
        self.publish();
        self.stop = CancellationToken::new();
        self.paused.send_replace(false);
        if let Some(gateway) = &self.parts.gateway {
            gateway.gate().set_paused(false);
        }
        let (parts, checkpoint) = (self.parts.clone(), self.checkpoint.clone());
        let (paused, stop) = (self.paused.subscribe(), self.stop.clone());
        let (events, finished) = (self.events.clone(), self.finished.clone());
        tokio::spawn(async move {
            let _ = events.send(TaskEvent::PhaseChanged(Phase::Running)).await;
            let result = migrate::run(parts, &checkpoint, paused, stop).await;
            let _ = finished.send(Done::Migration(result)).await;
        });
    }

    /// Starts a retry, or queues it behind the one that runs.
    pub(super) async fn start_retry(&mut self, selection: Selection) {
        if self.retrying {
            if self.waiting_retries.len() < 100 {
                self.waiting_retries.push(selection);
            } else {
                self.note(Level::Warn, "too many retries are waiting already".into())
                    .await;
            }
            return;
        }
        self.retrying = true;
        self.stop_retry = CancellationToken::new();
        let (parts, journal) = (self.parts.clone(), self.opening.journal.clone());
        let (events, stop, finished) = (self.events.clone(), self.stop_retry.clone(), self.finished.clone());
        tokio::spawn(async move {
            let mut outcome = retry::Outcome::default();
            let result = retry::run(&parts, &journal, &events, selection, stop, &mut outcome).await;
            let error = result.err().map(|error| format!("{error:#}"));
            let _ = finished.send(Done::Retry(outcome, error)).await;
        });
    }

    /// Carries a command out, or begins to.
    pub(super) async fn obey(&mut self, command: TaskCommand) {
        match command {
            TaskCommand::Pause if self.phase == Phase::Running => {
                self.paused.send_replace(true);
                if let Some(gateway) = &self.parts.gateway {
                    gateway.gate().set_paused(true);
                }
                self.set_phase(Phase::Pausing).await;
            }
            TaskCommand::Resume if matches!(self.phase, Phase::Paused | Phase::Pausing) => {
                self.paused.send_replace(false);
                if let Some(gateway) = &self.parts.gateway {
                    gateway.gate().set_paused(false);
                }
                self.set_phase(Phase::Running).await;
            }
            TaskCommand::Resume if matches!(self.phase, Phase::Stopped(_)) && !self.quitting => self.start(),
            TaskCommand::Pause | TaskCommand::Resume => {}
            TaskCommand::SetConcurrency(limit) => {
                if let Some(gateway) = self.parts.gateway.clone() {
                    let limit = gateway.gate().set_limit(limit.min(1_000));
                    self.say(TaskEvent::ConcurrencySet(limit)).await;
                }
            }
            TaskCommand::Retry(selection) => self.start_retry(selection).await,
            TaskCommand::Skip(ids, reason) => {
                self.change_state(ids, &[State::Failed], State::Skipped, Some(reason), true)
                    .await;
            }
            TaskCommand::Unskip(ids) => {
                self.change_state(ids, &[State::Skipped], State::Failed, None, false)
                    .await;
            }
            TaskCommand::ListFailures { filter, offset, limit } => {
                let answer = answers::list(&self.opening.journal, filter, offset, limit).await;
                self.answer(answer).await;
            }
            TaskCommand::ReadFailure(id) => {
                let answer = answers::read(&self.opening.journal, &self.opening.source, id).await;
                self.answer(answer).await;
            }
            TaskCommand::EndWhenDone => self.ends_when_done = true,
            TaskCommand::Stop => self.begin_stop().await,
            TaskCommand::Quit => {
                self.quitting = true;
                self.begin_stop().await;
            }
        }
    }

    async fn begin_stop(&mut self) {
        self.stop.cancel();
        self.stop_retry.cancel();
        self.waiting_retries.clear();
        if self.migrating {
            self.set_phase(Phase::Stopping).await;
        }
    }

    async fn answer(&self, answer: anyhow::Result<TaskEvent>) {
        match answer {
            Ok(event) => self.say(event).await,
            Err(error) => self.note(Level::Error, format!("{error:#}")).await,
        }
    }

    async fn change_state(
        &mut self,
        ids: Vec<PointId>,
        from: &'static [State],
        to: State,
        reason: Option<String>,
        skipped: bool,
    ) {
        let moved = self
            .opening
            .journal
            .run(move |journal: &mut journal::Journal| journal.set_state(&ids, from, to, reason.as_deref()))
            .await;
        let recounted = self.writer.ask(Message::Recount).await;
        match moved.and_then(|moved| recounted.map(|()| moved)) {
            Ok(moved) => self.say(TaskEvent::Skipped(moved, skipped)).await,
            Err(error) => self.note(Level::Error, format!("{error:#}")).await,
        }
    }

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
                self.say(TaskEvent::RetryEnded {
                    recovered: outcome.recovered,
                    failed: outcome.failed,
                    error,
                })
                .await;
                if !self.waiting_retries.is_empty() {
                    let next = self.waiting_retries.remove(0);
                    self.start_retry(next).await;
                }
            }
            Done::Step(step, result) => {
                let text = match result {
                    Ok(text) => text,
                    // The rows are safe; an index can be built any time.
                    Err(error) => format!("failed: {error:#}"),
                };
                self.say(TaskEvent::StepFinished(step, text)).await;
                let next = Step::ALL.iter().copied().skip_while(|other| *other != step).nth(1);
                match next.filter(|_| !self.quitting) {
                    Some(next) => self.begin_step(next).await,
                    None => {
                        self.finishing = false;
                        self.set_phase(Phase::Complete).await;
                    }
                }
            }
        }
    }

    async fn migration_ended(&mut self, result: Result<(), Ended>) {
        self.migrating = false;
        self.meters.read.empty_queue();
        self.meters.embed.empty_queue();
        let reset = self.writer.ask(Message::Reset).await;
        let reset = reset.map(|checkpoint| self.checkpoint = checkpoint);
        let reason = match (result, reset) {
            (_, Err(error)) => Some(format!("{error:#}")),
            (Ok(()) | Err(Ended::ByOperator), Ok(())) if self.checkpoint.complete() => None,
            (Ok(()), Ok(())) => Some("the scroll ended, but not every range is settled".into()),
            (Err(ended), Ok(())) => Some(ended.to_string()),
        };
        match reason {
            Some(reason) => {
                self.note(Level::Warn, format!("stopped: {reason}")).await;
                self.set_phase(Phase::Stopped(reason)).await;
            }
            None if self.opening.config.pipeline.index && !self.quitting => self.begin_step(Step::ALL[0]).await,
            None => self.set_phase(Phase::Complete).await,
        }
    }

    async fn begin_step(&mut self, step: Step) {
        self.finishing = true;
        self.set_phase(Phase::Finishing(step)).await;
        self.say(TaskEvent::StepStarted(step)).await;
        let (writer, finished, distance) = (self.writer.clone(), self.finished.clone(), self.opening.distance);
        tokio::spawn(async move {
            let result = writer.ask(|done| Message::Finish(step, distance, done)).await;
            let _ = finished.send(Done::Step(step, result)).await;
        });
    }

    /// Keeps the snapshot current, and confirms a pause once nothing is in flight.
    pub(super) async fn tick(&mut self) {
        if self.phase == Phase::Pausing && self.is_quiet() {
            if let Err(error) = self.writer.ask(Message::Flush).await {
                self.note(Level::Error, format!("{error:#}")).await;
            }
            self.set_phase(Phase::Paused).await;
        }
        self.publish();
    }

    fn is_quiet(&self) -> bool {
        let snapshot = self.snapshot.borrow();
        let embedding = self
            .parts
            .gateway
            .as_ref()
            .map_or(0, |gateway| gateway.gate().in_flight());
        embedding == 0 && snapshot.stages[0].in_flight == 0
    }

    fn publish(&mut self) {
        let setting = Setting {
            phase: &self.phase,
            gateway: self.parts.gateway.as_deref(),
            usd_per_million_tokens: self.opening.config.embed.text.usd_per_million_tokens,
            readers: self.checkpoint.ranges.len(),
        };
        let snapshot = self.monitor.snapshot(&self.meters, setting, Instant::now());
        self.snapshot.send_replace(snapshot);
    }

    /// Closes everything and says how the job stands.
    pub(super) async fn close(mut self) -> RunReport {
        self.publish();
        let settled = self.meters.settled();
        let read = self.checkpoint.read();
        let seconds = self.monitor.worked().as_secs_f64();
        let usage = self.parts.gateway.as_deref().map(Gateway::usage).unwrap_or_default();
        let price = self.opening.config.embed.text.usd_per_million_tokens;
        let threshold = self.opening.config.divergence.threshold as f32;
        let divergent = self.meters.divergent(threshold);
        let (status, error) = match &self.phase {
            Phase::Stopped(reason) if self.checkpoint.read() == 0 && !self.quitting => {
                // Nothing was ever settled: there is nothing to resume, only something to mend.
                (Status::Error, Some(reason.clone()))
            }
            Phase::Stopped(reason) => (Status::Stopped, Some(reason.clone())),
            _ => (Status::Complete, None),
        };
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
                cost_usd: usage.tokens as f64 * price / 1e6,
            },
            table,
            error,
        }
    }
}
