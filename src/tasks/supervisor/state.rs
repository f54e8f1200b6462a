//! The state of a supervised job: what runs, in which phase, and what happens when a piece of work ends.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::pausing::Confirming;
use super::{Ears, Orders, Start};
use crate::embed::Caller;
use crate::journal::{Shared, Spent};
use crate::lance::index::Step;
use crate::lance::{Checkpoint, Target};
use crate::point::PointId;
use crate::tasks::inspect::Inspector;
use crate::tasks::invariant::{Fault, Invariant};
use crate::tasks::job::Opening;
use crate::tasks::meters::{Meters, Monitor, Setting, Snapshot};
use crate::tasks::migrate::{self, Ended};
use crate::tasks::plan::PlanReport;
use crate::tasks::sync::{CaughtUp, Difference};
use crate::tasks::verify::Verification;
use crate::tasks::verify::repair::Mending;
use crate::tasks::writer::{self, Message, Writer};
use crate::tasks::{
    Level, Phase, RetryReport, Selection, Settings, StepReport, StopReason, TaskCommand, TaskEvent, plan, retry,
};

/// Work that has ended.
pub(super) enum Done {
    Migration(Result<(), Ended>),
    Retry(retry::Outcome, Option<String>),
    /// A step of finishing the table, with the time it took.
    Step(Step, Duration, anyhow::Result<String>),
    /// Both stores were checked against each other.
    Verified(anyhow::Result<Verification>),
    /// Both stores were gone over.
    Compared(anyhow::Result<Difference>),
    /// What differed was brought over.
    CaughtUp(CaughtUp, Option<StopReason>),
    /// Something small was done, and this is to be said of it.
    Errand(TaskEvent),
    /// All that was in order when the pause came is committed.
    Flushed(anyhow::Result<()>),
    /// So much was spent, and is in the journal.
    SpentKept(Spent, anyhow::Result<()>),
}

/// A retry that was asked for.
pub(super) enum RetryOf {
    Selection(Selection),
    Edited(PointId, String),
}

/// Carries work out. A panic in it is our own fault: it is told like any other failure, and the job stays resumable.
pub(super) async fn guarded<T>(work: impl Future<Output = T>) -> Result<T, Fault> {
    AssertUnwindSafe(work).catch_unwind().await.map_err(|panic| {
        let text = panic
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Fault::broken(
            Invariant::NoPanic,
            format!("a task panicked ({text}); the job can be resumed"),
        )
    })
}

async fn keep(journal: &Shared, spent: Spent) -> anyhow::Result<()> {
    let kept = journal.run(move |journal| journal.set_spent(spent)).await;
    kept.context("what was spent cannot be kept in the journal")
}

/// One supervised job.
pub(super) struct Work {
    pub(super) opening: Opening,
    pub(super) parts: migrate::Parts,
    pub(super) meters: Arc<Meters>,
    pub(super) writer: Writer,
    pub(super) writer_task: JoinHandle<Target>,
    pub(super) checkpoint: Checkpoint,
    pub(super) events: mpsc::Sender<TaskEvent>,
    pub(super) snapshot: watch::Sender<Snapshot>,
    pub(super) monitor: Monitor,
    pub(super) phase: Phase,
    pub(super) paused: watch::Sender<bool>,
    pub(super) stop: CancellationToken,
    pub(super) stop_retry: CancellationToken,
    pub(super) stop_errands: CancellationToken,
    pub(super) done: mpsc::Receiver<Done>,
    pub(super) finished: mpsc::Sender<Done>,
    pub(super) migrating: bool,
    /// The table may have come further than the checkpoint here, or not as far: the next run asks it first.
    pub(super) cursor_in_doubt: bool,
    pub(super) retrying: bool,
    pub(super) finishing: bool,
    pub(super) syncing: bool,
    pub(super) verifying: bool,
    pub(super) stop_verify: CancellationToken,
    /// The last verification of this session.
    pub(super) verification: Option<Arc<Verification>>,
    /// What a repair that was planned does beside catching up.
    pub(super) mending: Option<Mending>,
    /// How a job that has not come to its end stood before it was gone over.
    pub(super) at_rest: Option<Phase>,
    pub(super) compared: Arc<AtomicU64>,
    pub(super) waiting_retries: Vec<RetryOf>,
    pub(super) retried: Option<RetryReport>,
    /// What became of the steps of finishing the table.
    pub(super) steps: Vec<StepReport>,
    pub(super) errands: usize,
    /// Ends with the decision that was begun last.
    pub(super) deciding: Option<oneshot::Receiver<()>>,
    pub(super) confirming: Confirming,
    pub(super) threshold: f32,
    pub(super) spent: Spent,
    /// Whether the journal is being told what was spent.
    pub(super) keeping_spent: bool,
    pub(super) inspector: Inspector,
    pub(super) settled_before: u64,
    pub(super) quitting: bool,
    pub(super) ends_when_done: bool,
    /// Whether points may be moved in this session at all.
    pub(super) moves_points: bool,
}

impl Work {
    pub(super) async fn new(
        (opening, target): (Opening, Target),
        restored: anyhow::Result<Meters>,
        orders: &Orders,
        events: mpsc::Sender<TaskEvent>,
        snapshot: watch::Sender<Snapshot>,
    ) -> Self {
        let meters = match restored {
            Ok(meters) => Arc::new(meters),
            Err(error) => {
                let note = format!("the histogram lacks the rows of earlier runs: {error:#}");
                let _ = events.send(TaskEvent::Noted(Level::Warn, note)).await;
                Arc::default()
            }
        };
        meters.total.store(opening.collection.points, Ordering::Relaxed);
        let limits = opening.limits();
        let (writer, writer_task) = Writer::spawn(writer::Parts {
            target,
            schema: opening.schema.clone(),
            spaces: opening.recipe.columns.spaces(),
            checkpoint: opening.checkpoint.clone(),
            journal: opening.journal.clone(),
            meters: Arc::clone(&meters),
            events: events.clone(),
            limits,
            threshold: opening.config.divergence.threshold as f32,
            unmended: orders.options.mend,
        });
        let parts = migrate::Parts {
            source: opening.source.clone(),
            recipe: opening.recipe.clone(),
            schema: Arc::new(opening.schema.clone()),
            writer: writer.clone(),
            meters: Arc::clone(&meters),
            page_points: opening.page_points(),
            in_hand_bytes: opening.config.pipeline.in_hand_mib << 20,
            media_bytes: opening.media_bytes(),
        };
        let inspector = Inspector::of(&opening, writer.table());
        if let Some(gateway) = opening.recipe.gateways.main() {
            gateway.budget().spent_before(opening.spent.usd);
        }
        let (finished, done) = mpsc::channel(8);
        let mut work = Self {
            errands: 0,
            deciding: None,
            confirming: Confirming::default(),
            threshold: opening.config.divergence.threshold as f32,
            spent: opening.spent,
            keeping_spent: false,
            inspector,
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
            stop_errands: CancellationToken::new(),
            done,
            finished,
            migrating: false,
            cursor_in_doubt: false,
            retrying: false,
            finishing: false,
            syncing: false,
            verifying: false,
            stop_verify: CancellationToken::new(),
            verification: None,
            mending: None,
            at_rest: None,
            compared: Arc::default(),
            waiting_retries: Vec::new(),
            retried: None,
            steps: Vec::new(),
            quitting: false,
            ends_when_done: false,
            moves_points: orders.start != Start::Never,
            opening,
        };
        if let Err(error) = work.writer.ask(Message::Recount).await {
            work.note(Level::Error, format!("{error:#}")).await;
        }
        let facts = Box::new(work.opening.facts.clone());
        work.say(TaskEvent::Opened(facts)).await;
        if let Some(text) = plan::unheeded_columns(&work.opening) {
            work.note(Level::Warn, text).await;
        }
        work.recall_verification().await;
        work
    }

    /// The meters with the histogram of the rows that earlier runs wrote.
    pub(super) async fn restored(target: &Target) -> anyhow::Result<Meters> {
        let meters = Meters::default();
        writer::restore_similarities(target, &meters).await?;
        Ok(meters)
    }

    /// Begins as ordered, unless the operator has left already.
    pub(super) async fn begin(&mut self, orders: &Orders, ears: &mut Ears, commands: &mut mpsc::Receiver<TaskCommand>) {
        self.ends_when_done = orders.end_when_done;
        let resumed = self.opening.resumed;
        if orders.start != Start::Never && self.opening.collection.points == 0 && !resumed {
            // It would end at once and say that all is complete, which is true and seldom what was meant.
            let name = &self.opening.config.source.collection;
            let text = format!("collection {name:?} has no points: there is nothing to move; check source.collection");
            self.note(Level::Warn, text).await;
        }
        match orders.start {
            _ if ears.left => self.set_phase(Phase::Stopped(StopReason::ByOperator)).await,
            Start::AtOnce => self.start().await,
            Start::WhenAsked if resumed => self.start().await,
            Start::WhenAsked => {
                let plan = ears.unless_left(commands, plan::work_out(&self.opening)).await;
                self.wait_for_start(plan).await;
            }
            Start::Never if self.checkpoint.complete() => self.set_phase(Phase::Complete).await,
            Start::Never => self.set_phase(Phase::Stopped(StopReason::NotAsked)).await,
        }
    }

    /// Shows the plan and waits for the operator to have seen it.
    async fn wait_for_start(&mut self, plan: Option<anyhow::Result<PlanReport>>) {
        match plan {
            Some(Ok(plan)) => {
                self.say(TaskEvent::Planned(Box::new(plan))).await;
                self.set_phase(Phase::Ready).await;
            }
            Some(Err(error)) => {
                let reason = StopReason::Trouble(format!("the plan cannot be worked out: {error:#}"));
                self.set_phase(Phase::Stopped(reason)).await;
            }
            None => self.set_phase(Phase::Stopped(StopReason::ByOperator)).await,
        }
    }

    pub(super) async fn say(&self, event: TaskEvent) {
        // A receiver that is gone is a console that was killed; the work still ends cleanly.
        let _ = self.events.send(event).await;
    }

    pub(super) async fn note(&self, level: Level, text: String) {
        match level {
            Level::Info => tracing::info!("{text}"),
            Level::Warn => tracing::warn!("{text}"),
            Level::Error => tracing::error!("{text}"),
        }
        self.say(TaskEvent::Noted(level, text)).await;
    }

    pub(super) async fn set_phase(&mut self, phase: Phase) {
        if self.phase != phase {
            self.phase = phase.clone();
            self.publish();
            self.say(TaskEvent::PhaseChanged(phase)).await;
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        !self.migrating
            && !self.retrying
            && !self.finishing
            && !self.syncing
            && !self.verifying
            && self.errands == 0
            && self.waiting_retries.is_empty()
    }

    /// Starts (or goes on with) the migration.
    pub(super) async fn start(&mut self) {
        if self.migrating {
            return;
        }
        self.migrating = true;
        self.set_phase(Phase::Running).await;
        self.stop = CancellationToken::new();
        self.parts.source.begin_anew();
        self.open_gates().await;
        let (parts, checkpoint) = (self.parts.clone(), self.checkpoint.clone());
        let (paused, stop) = (self.paused.subscribe(), self.stop.clone());
        let finished = self.finished.clone();
        let (in_doubt, retrying) = (self.cursor_in_doubt, self.retrying);
        tokio::spawn(async move {
            let work = async move {
                let mut checkpoint = checkpoint;
                if in_doubt {
                    // Nothing is read, let alone paid for, from where the table may not stand.
                    let reset = parts.writer.ask(|done| Message::Reset { retrying, done }).await;
                    checkpoint = reset.map_err(|error| Ended::Writer(Fault::of(&error)))?;
                }
                migrate::run(parts, &checkpoint, paused, stop).await
            };
            let result = guarded(work).await.unwrap_or_else(|panic| Err(panic.into()));
            let _ = finished.send(Done::Migration(result)).await;
        });
    }

    /// Starts a retry, or queues it behind the one that runs.
    pub(super) async fn start_retry(&mut self, wanted: RetryOf) {
        if self.syncing {
            return self.refuse_retry().await;
        }
        if self.retrying {
            if self.waiting_retries.len() < 100 {
                self.waiting_retries.push(wanted);
            } else {
                self.note(Level::Warn, "too many retries are waiting already".into())
                    .await;
            }
            return;
        }
        self.retrying = true;
        self.renew_keys().await;
        self.stop_retry = CancellationToken::new();
        let (parts, journal) = (self.parts.clone(), self.opening.journal.clone());
        let (events, stop, finished) = (self.events.clone(), self.stop_retry.clone(), self.finished.clone());
        tokio::spawn(async move {
            let mut outcome = retry::Outcome::default();
            let work = async {
                match wanted {
                    RetryOf::Selection(selection) => {
                        retry::run(&parts, &journal, &events, selection, stop, &mut outcome).await
                    }
                    RetryOf::Edited(id, text) => {
                        retry::run_edited(&parts, &journal, &events, (id, text), stop, &mut outcome).await
                    }
                }
            };
            let mut error = match guarded(work).await {
                Ok(result) => result.err().map(|error| format!("{error:#}")),
                Err(panic) => Some(panic.to_string()),
            };
            if let Some(error) = &mut error
                && let Err(unsettled) = parts.writer.ask(Message::Settle).await
            {
                error.push_str(&format!("; and what became of its points is not known: {unsettled:#}"));
            }
            let _ = finished.send(Done::Retry(outcome, error)).await;
        });
    }

    /// Does something small beside the work, and says what came of it. The supervisor itself never waits for a disk.
    pub(super) fn errand(&mut self, work: impl Future<Output = TaskEvent> + Send + 'static) {
        self.errands += 1;
        let finished = self.finished.clone();
        tokio::spawn(async move {
            let _ = finished.send(Done::Errand(work.await)).await;
        });
    }

    /// Keeps the snapshot current, and confirms a pause once nothing is in flight.
    pub(super) fn tick(&mut self) {
        if self.phase == Phase::Pausing && self.confirming.is_due(Instant::now()) && self.is_quiet() {
            self.flush();
        }
        self.publish();
        self.keep_spent_meanwhile();
    }

    /// What was spent, where the journal does not know it yet.
    fn newly_spent(&self) -> Option<Spent> {
        let gateways = &self.parts.recipe.gateways;
        if gateways.is_empty() {
            return None;
        }
        let spent = Spent {
            tokens: self.opening.spent.tokens + gateways.usage().tokens,
            usd: gateways.spent(),
        };
        (spent != self.spent).then_some(spent)
    }

    /// Has the journal told what was spent, and does not wait for it: it may be read just now, page by page.
    fn keep_spent_meanwhile(&mut self) {
        let Some(spent) = self.newly_spent().filter(|_| !self.keeping_spent) else {
            return;
        };
        self.keeping_spent = true;
        let (journal, finished) = (self.opening.journal.clone(), self.finished.clone());
        tokio::spawn(async move {
            let kept = keep(&journal, spent).await;
            let _ = finished.send(Done::SpentKept(spent, kept)).await;
        });
    }

    /// The journal was told what was spent.
    pub(super) async fn spent_kept(&mut self, spent: Spent, kept: anyhow::Result<()>) {
        self.keeping_spent = false;
        match kept {
            Ok(()) => self.spent = spent,
            Err(error) => self.note(Level::Error, format!("{error:#}")).await,
        }
    }

    /// Keeps in the journal what was spent, where that has changed.
    pub(super) async fn keep_spent(&mut self) -> anyhow::Result<()> {
        if let Some(spent) = self.newly_spent() {
            keep(&self.opening.journal, spent).await?;
            self.spent = spent;
        }
        Ok(())
    }

    /// The settings as they hold.
    pub(super) fn settings(&self) -> Settings {
        let Some(gateway) = self.parts.recipe.gateways.main() else {
            return Settings::default();
        };
        let (requests_per_minute, tokens_per_minute) = gateway.gate().caps();
        Settings {
            in_flight: gateway.gate().limit(),
            batch_inputs: gateway.batch_inputs(),
            requests_per_minute,
            tokens_per_minute,
            budget_usd: gateway.budget().limit(),
        }
    }

    fn is_quiet(&self) -> bool {
        let snapshot = self.snapshot.borrow();
        let embedding = self.parts.recipe.gateways.in_flight_of(Caller::Migration);
        // A scroll that waits for Qdrant to come back moves nothing.
        let reading = snapshot.stages[0].in_flight > 0 && self.parts.source.outage().is_none();
        embedding == 0 && !reading
    }

    pub(super) fn publish(&mut self) {
        let source_outage = self.parts.source.outage();
        let media = self.parts.recipe.media.as_ref();
        let media_outage = media.and_then(|media| media.loader.outage()).map(|(_, outage)| outage);
        let setting = Setting {
            phase: &self.phase,
            gateways: &self.parts.recipe.gateways,
            source_outage: source_outage.as_ref(),
            media_outage: media_outage.as_ref(),
            patience: self.opening.config.pipeline.outage_patience,
            settings: self.settings(),
            spent: self.spent,
            readers: self.checkpoint.ranges.len(),
            compared: self.compared.load(Ordering::Relaxed),
            retrying: self.retrying,
        };
        let snapshot = self.monitor.snapshot(&self.meters, setting, Instant::now());
        // Nobody is woken for what has not changed: an idle console draws nothing.
        self.snapshot.send_if_modified(|current| {
            let changed = *current != snapshot;
            if changed {
                *current = snapshot;
            }
            changed
        });
    }
}
