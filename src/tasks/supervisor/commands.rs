//! What a command does. Those that change something are carried out here or begun; questions are answered in tasks of
//! their own.

use tokio_util::sync::CancellationToken;

use super::questions;
use super::state::{RetryOf, Work};
use crate::journal::{Decision, State};
use crate::point::PointId;
use crate::tasks::sync::Wanted;
use crate::tasks::writer::Message;
use crate::tasks::{Level, Phase, Setting, StopReason, TaskCommand, TaskEvent, export};

impl Work {
    /// Carries a command out, or begins to.
    pub(super) async fn obey(&mut self, command: TaskCommand) {
        if self.quitting && starts_work(&command) {
            self.note(Level::Warn, "not begun: qlance is being left".into()).await;
            return;
        }
        match command {
            TaskCommand::Start if self.phase == Phase::Ready => self.start().await,
            TaskCommand::Pause if self.phase == Phase::Running => {
                self.hold(true);
                self.confirming.begin_anew();
                self.set_phase(Phase::Pausing).await;
            }
            TaskCommand::Resume if matches!(self.phase, Phase::Paused | Phase::Pausing) => {
                self.hold(false);
                self.set_phase(Phase::Running).await;
            }
            TaskCommand::Resume if matches!(self.phase, Phase::Stopped(_)) && !self.quitting => {
                self.start().await;
            }
            TaskCommand::Start | TaskCommand::Pause | TaskCommand::Resume => {}
            TaskCommand::TryNow => {
                self.parts.source.try_now();
                if let Some(media) = &self.parts.recipe.media {
                    media.loader.try_now();
                }
                for (_, gateway) in self.parts.recipe.gateways.each() {
                    gateway.try_now();
                }
                self.publish();
            }
            TaskCommand::Set(setting) => self.set(setting).await,
            TaskCommand::Retry(selection) => self.start_retry(RetryOf::Selection(selection)).await,
            TaskCommand::RetryEdited(id, text) => self.start_retry(RetryOf::Edited(id, text)).await,
            TaskCommand::Skip(ids, reason) => {
                self.change_state(ids, State::Failed, State::Skipped, Some(reason));
            }
            TaskCommand::Unskip(ids) => self.change_state(ids, State::Skipped, State::Failed, None),
            TaskCommand::Export(path) => {
                let (journal, to) = (self.opening.journal.clone(), path.clone());
                self.errand(async move {
                    match export::export_shared(journal, to).await {
                        Ok(count) => TaskEvent::Exported(count, path),
                        Err(error) => TaskEvent::Noted(Level::Error, format!("{error:#}")),
                    }
                });
            }
            TaskCommand::EmbedAgain(ids) => self.decide(Decision::EmbeddedAgain, ids, None).await,
            TaskCommand::KeepSourceVector(ids) => match &self.opening.facts.comparable {
                Ok(()) => self.decide(Decision::Kept, ids, None).await,
                Err(why) => {
                    let text = format!("Qdrant's vectors cannot be kept in this column: {why}");
                    self.note(Level::Error, text).await;
                }
            },
            TaskCommand::Accept(ids, note) => self.decide(Decision::Accepted, ids, Some(note)).await,
            TaskCommand::ListFailures { .. }
            | TaskCommand::ReadFailure(_)
            | TaskCommand::ListDivergent { .. }
            | TaskCommand::Inspect(_)
            | TaskCommand::SamplePairs(_)
            | TaskCommand::ReadPair(_)
            | TaskCommand::MeasureAgreement
            | TaskCommand::Search(_) => {
                questions::answer(
                    self.inspector.clone(),
                    command,
                    self.events.clone(),
                    self.stop_errands.clone(),
                );
            }
            TaskCommand::Verify(wish) => self.verify(*wish).await,
            TaskCommand::StopVerifying => self.stop_verify.cancel(),
            TaskCommand::PlanRepair => self.plan_repair().await,
            TaskCommand::ExportOffenders(path) => self.export_offenders(path),
            TaskCommand::Compare => self.compare_with(None).await,
            TaskCommand::CatchUp { .. } if !self.checkpoint.complete() => self.mend_unfinished().await,
            TaskCommand::CatchUp { remove_gone } => {
                let wanted = Wanted {
                    bring: true,
                    remove_gone,
                };
                self.catch_up(wanted).await;
            }
            TaskCommand::RemoveGone => {
                let wanted = Wanted {
                    bring: false,
                    remove_gone: true,
                };
                self.catch_up(wanted).await;
            }
            TaskCommand::EndWhenDone => {
                // A migration whose plan still waits for the operator is not begun: nobody has agreed to it.
                self.ends_when_done = true;
                // Nobody is left who could go on with a pause.
                if matches!(self.phase, Phase::Paused | Phase::Pausing) {
                    self.hold(false);
                    self.set_phase(Phase::Running).await;
                }
            }
            TaskCommand::Stop => self.begin_stop().await,
            TaskCommand::Quit => {
                self.quitting = true;
                self.begin_stop().await;
            }
        }
    }

    fn hold(&self, paused: bool) {
        self.paused.send_replace(paused);
        for (_, gateway) in self.parts.recipe.gateways.each() {
            gateway.gate().set_paused(paused);
        }
    }

    async fn set(&mut self, setting: Setting) {
        if let Setting::Threshold(threshold) = setting {
            self.threshold = threshold.clamp(-1.0, 1.0);
            self.say(TaskEvent::SettingConfirmed(Setting::Threshold(self.threshold)))
                .await;
            return;
        }
        let gateways = self.parts.recipe.gateways.clone();
        let Some(gateway) = gateways.main() else {
            self.note(
                Level::Warn,
                "vectors are carried over: there is no embedder to set".into(),
            )
            .await;
            return;
        };
        // Each embedder takes what it can; what is confirmed is what that of texts made of it.
        for (_, gateway) in gateways.each() {
            match setting {
                Setting::InFlight(limit) => drop(gateway.gate().set_limit(limit.min(1_000))),
                Setting::BatchInputs(inputs) => drop(gateway.set_batch_inputs(inputs)),
                Setting::RequestsPerMinute(cap) => gateway.gate().set_requests_per_minute(cap),
                Setting::TokensPerMinute(cap) => gateway.gate().set_tokens_per_minute(cap),
                Setting::BudgetUsd(limit) => gateway.budget().set_limit(limit),
                Setting::Threshold(_) => {}
            }
        }
        let confirmed = match setting {
            Setting::InFlight(_) => Setting::InFlight(gateway.gate().limit()),
            Setting::BatchInputs(_) => Setting::BatchInputs(gateway.batch_inputs()),
            Setting::RequestsPerMinute(_) => Setting::RequestsPerMinute(gateway.gate().caps().0),
            Setting::TokensPerMinute(_) => Setting::TokensPerMinute(gateway.gate().caps().1),
            Setting::BudgetUsd(_) => Setting::BudgetUsd(gateway.budget().limit()),
            Setting::Threshold(_) => setting,
        };
        // Before it is confirmed: a snapshot from before would bring the old one back on the screen, and a key pressed then
        // would go on from there.
        self.publish();
        self.say(TaskEvent::SettingConfirmed(confirmed)).await;
        let budget_is_raised = matches!(confirmed, Setting::BudgetUsd(limit)
            if limit.is_none_or(|limit| limit > gateway.budget().spent()));
        if budget_is_raised && matches!(self.phase, Phase::Stopped(StopReason::Budget(_))) && !self.quitting {
            self.start().await;
        }
    }

    async fn begin_stop(&mut self) {
        self.stop.cancel();
        self.stop_retry.cancel();
        self.stop_verify.cancel();
        self.stop_errands.cancel();
        if !self.quitting {
            self.stop_errands = CancellationToken::new();
        }
        self.waiting_retries.clear();
        if self.migrating {
            self.set_phase(Phase::Stopping).await;
        }
    }

    /// Moves failed points to another state. The sums follow as soon as the writer, who may be building an index, has
    /// counted again.
    fn change_state(&mut self, ids: Vec<PointId>, from: State, to: State, reason: Option<String>) {
        let (journal, writer) = (self.opening.journal.clone(), self.writer.clone());
        let events = self.events.clone();
        self.errand(async move {
            let moved = journal
                .run(move |journal| journal.set_state(&ids, &[from], to, reason.as_deref()))
                .await;
            match moved {
                Ok(moved) => {
                    tokio::spawn(async move {
                        if let Err(error) = writer.ask(Message::Recount).await {
                            let note = TaskEvent::Noted(Level::Error, format!("{error:#}"));
                            let _ = events.send(note).await;
                        }
                    });
                    TaskEvent::Skipped(moved, to == State::Skipped)
                }
                Err(error) => TaskEvent::Noted(Level::Error, format!("{error:#}")),
            }
        });
    }
}

/// Whether a command begins something that would have to be waited for.
fn starts_work(command: &TaskCommand) -> bool {
    matches!(
        command,
        TaskCommand::Start
            | TaskCommand::Resume
            | TaskCommand::Verify(_)
            | TaskCommand::PlanRepair
            | TaskCommand::Compare
            | TaskCommand::CatchUp { .. }
            | TaskCommand::RemoveGone
            | TaskCommand::Retry(_)
            | TaskCommand::RetryEdited(..)
            | TaskCommand::EmbedAgain(_)
            | TaskCommand::KeepSourceVector(_)
            | TaskCommand::Accept(..)
            | TaskCommand::MeasureAgreement
    )
}
