//! What the work says, taken into the console's state.

use std::time::Instant;

use super::actions::{ACTIONS, ActionId};
use super::confirm::Confirm;
use super::divergence::Asked;
use super::words::{counted, points};
use super::{App, Effect, LATEST, Screen, sending};
use crate::point::PointId;
use crate::tasks::sync::Difference;
use crate::tasks::{Level, Owned, Setting, TaskCommand, TaskEvent, now_ms};

impl App {
    pub(super) fn event(&mut self, event: TaskEvent, now: Instant) -> Vec<Effect> {
        self.log.note(&event);
        match event {
            TaskEvent::Opened(facts) => {
                self.divergence.compares(facts.comparable.is_ok());
                self.facts = Some(*facts);
                self.failures.stale();
            }
            TaskEvent::Planned(plan) => self.plan = Some(plan),
            TaskEvent::PhaseChanged(phase) => self.phase = phase,
            TaskEvent::PointFailed(id, failure) => {
                self.latest.push_front((id, failure));
                self.latest.truncate(LATEST);
                self.failures.stale();
            }
            TaskEvent::SettingConfirmed(setting) => self.setting_confirmed(setting, now),
            TaskEvent::Committed { .. } => self.divergence.stale(),
            TaskEvent::RetryStarted(ids) => self.failures.started(&ids),
            TaskEvent::RetryFinished(id, result) => {
                self.divergence.stale();
                let again = self.failures.finished(id, result, now, now_ms());
                return sending(again.map(TaskCommand::ReadFailure));
            }
            TaskEvent::RetryEnded {
                recovered,
                failed,
                error,
                waiting,
            } => {
                self.failures.ended(waiting == 0);
                let (level, text) = match error {
                    None => (
                        Level::Info,
                        format!("retry: {recovered} recovered, {failed} failed again"),
                    ),
                    Some(error) => (Level::Error, format!("the retry stopped: {error}")),
                };
                self.flash(level, text, now);
            }
            TaskEvent::Skipped(count, skipped) => {
                let what = if skipped { "skipped" } else { "taken back" };
                self.flash(Level::Info, format!("{count} {what}"), now);
                self.failures.changed();
            }
            TaskEvent::Exported(count, path) => {
                self.flash(
                    Level::Info,
                    format!("{} in {}", counted(count, "failure", "failures"), path.display()),
                    now,
                );
            }
            TaskEvent::FailuresListed {
                filter,
                sort,
                offset,
                total,
                retryable,
                rows,
            } => self.failures.listed((&filter, sort), offset, (total, retryable), rows),
            TaskEvent::FailureRead(detail) => {
                let content = self
                    .facts
                    .as_ref()
                    .map_or("content", |facts| facts.content.as_str())
                    .to_owned();
                let id = detail.row.id;
                // The editor takes the keys: it opens only where the operator still waits for it.
                if self.failures.is_to_edit(id) && !self.waits_for_editor(id) {
                    self.failures.give_up_editing();
                    let mut key = self.key_of(ActionId::Edit);
                    if self.screen != Screen::Failures {
                        key.push_str(" on Failures");
                    }
                    let text = format!("edit: point {id} was read while something else was begun; {key} edits it");
                    self.flash(Level::Info, text, now);
                }
                if let Err(why) = self.failures.read(*detail, &content) {
                    self.flash(Level::Warn, format!("edit: {why}"), now);
                }
            }
            TaskEvent::DivergentListed {
                band,
                anchor,
                total,
                rows,
            } => self.divergence.listed(band, anchor, total, rows),
            TaskEvent::Inspected(detail) => self.divergence.inspected(detail),
            TaskEvent::Decided {
                decision,
                asked,
                points,
                error,
            } => {
                let again = self.divergence.decided(decision, &asked, &points);
                match error {
                    None => self.flash(Level::Info, format!("{}: {}", points.len(), decision.label()), now),
                    Some(error) => self.flash(Level::Error, error, now),
                }
                return again
                    .map(|id| Effect::Send(TaskCommand::Inspect(id)))
                    .into_iter()
                    .collect();
            }
            TaskEvent::PairsSampled(of, pairs) => {
                let open = self.diff.sampled(&of, pairs);
                return open
                    .map(|id| Effect::Send(TaskCommand::ReadPair(id)))
                    .into_iter()
                    .collect();
            }
            TaskEvent::PairRead(record) => self.diff.read(record),
            TaskEvent::Searched(of, found) => self.search.searched(&of, found),
            TaskEvent::AgreementMeasured(agreement) => self.divergence.measured(Asked::Here(agreement)),
            TaskEvent::Compared(result) => self.compared(result, now),
            TaskEvent::CaughtUp(done, error) => {
                self.divergence.stale();
                self.failures.stale();
                let text = format!(
                    "caught up: {} added, {} replaced, {} removed, {} failed",
                    done.added, done.replaced, done.removed, done.failed
                );
                match error {
                    None => self.flash(Level::Info, text, now),
                    Some(error) => self.flash(Level::Error, format!("{text}; then {error}"), now),
                }
            }
            TaskEvent::VerifyBegun(checks) => self.verify.begun(checks, now),
            TaskEvent::VerifyProgressed(check, done, all) => self.verify.progressed(check, done, all, now),
            TaskEvent::Checked(check) => self.verify.checked(*check, now),
            TaskEvent::Verified(result) => {
                if let Some((level, text)) = self.verify.verified(result) {
                    self.flash(level, text, now);
                }
            }
            TaskEvent::OffendersExported(count, path) => {
                self.flash(
                    Level::Info,
                    format!("{} in {}", counted(count, "offender", "offenders"), path.display()),
                    now,
                );
            }
            TaskEvent::Unanswered { of, error } => self.unanswered(of, error, now),
            TaskEvent::Noted(level, text) => self.flash(level, text, now),
            TaskEvent::Ended(_) => self.ended = true,
            TaskEvent::StepStarted(_) | TaskEvent::StepFinished(..) => {}
        }
        Vec::new()
    }

    /// Whether the operator still looks at a failure, and nothing else takes the keys.
    fn waits_for_editor(&self, id: PointId) -> bool {
        let selected = self.failures.selected().map(|row| row.id);
        self.screen == Screen::Failures && selected == Some(id) && !self.is_covered()
    }

    /// Both stores were gone over, to catch up or for a repair.
    fn compared(&mut self, result: Result<Difference, String>, now: Instant) {
        let repair = std::mem::take(&mut self.verify.planning);
        let table = self
            .facts
            .as_ref()
            .map_or(self.title.as_str(), |facts| &facts.table)
            .to_owned();
        // Only what was found last can be brought over.
        self.to_ask = None;
        match result {
            Err(error) => self.flash(Level::Error, error, now),
            Ok(found) if found.is_none() && repair => {
                let text = "bringing the stores together mends nothing of it; each reason says what does";
                self.flash(Level::Warn, text, now);
            }
            Ok(found) if found.is_none() => {
                let are = if found.same == 1 { "is" } else { "are" };
                let text = format!("nothing differs: {} {are} the same in both stores", points(found.same));
                self.flash(Level::Info, text, now);
            }
            Ok(found) if repair => {
                let text = "the repair is planned";
                self.ask_on(Screen::Verify, Confirm::repair(&found, &table), text, now);
            }
            Ok(found) => {
                let differ = found.new + found.content + found.payload + found.gone;
                let text = format!("{} {}", points(differ), if differ == 1 { "differs" } else { "differ" });
                self.ask_on(Screen::Migrate, Confirm::catch_up(&found, &table), &text, now);
            }
        }
    }

    /// Asks at once where the screen that wished it is shown and nothing takes the keys; else says what leads there, and
    /// its tab says so as long as it waits. What is typed just now must not answer a question that was not there yet.
    fn ask_on(&mut self, screen: Screen, question: Confirm, what: &str, now: Instant) {
        self.to_ask = Some((screen, question));
        self.ask_what_waits();
        if self.to_ask.is_some() {
            let text = if screen == self.screen {
                format!("{what}: asked once this is closed")
            } else {
                let key = self.key_of(ActionId::Show(screen));
                format!("{what}: {key} asks what to do")
            };
            self.flash(Level::Warn, text, now);
        }
    }

    /// The first key of an action, for texts that name it.
    pub fn key_of(&self, id: ActionId) -> String {
        let action = ACTIONS.iter().find(|action| action.id == id);
        action.map(|action| self.keymap.first(action)).unwrap_or_default()
    }

    fn setting_confirmed(&mut self, setting: Setting, now: Instant) {
        let settings = &mut self.snapshot.settings;
        match setting {
            Setting::InFlight(limit) => {
                settings.in_flight = limit;
                self.asked_in_flight = self.asked_in_flight.filter(|asked| *asked != limit);
            }
            Setting::BatchInputs(inputs) => settings.batch_inputs = inputs,
            Setting::RequestsPerMinute(cap) => settings.requests_per_minute = cap,
            Setting::TokensPerMinute(cap) => settings.tokens_per_minute = cap,
            Setting::BudgetUsd(limit) => settings.budget_usd = limit,
            // Moved live, and shown where it was moved.
            Setting::Threshold(_) => return,
        }
        self.flash(Level::Info, setting.describe(), now);
    }

    fn unanswered(&mut self, of: Owned, error: String, now: Instant) {
        match of {
            Owned::Failures => self.failures.not_listed(error, now),
            Owned::Failure(id) => {
                self.failures.not_read(id);
                self.flash(Level::Error, error, now);
            }
            Owned::Divergent(band) => self.divergence.not_listed(band, error),
            Owned::Inspection(id) => self.divergence.not_inspected(id, error),
            Owned::Pairs(of) => self.diff.not_sampled(&of, error),
            Owned::Pair(id) => self.diff.not_read(id, error),
            Owned::Agreement => self.divergence.measured(Asked::Failed(error)),
            Owned::Search(of) => self.search.not_searched(&of, error),
        }
    }
}
