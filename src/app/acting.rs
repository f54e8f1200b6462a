//! What each action does to the console's state, and what it asks of the work.

use std::time::Instant;

use crossterm::event::KeyEvent;

use super::actions::{Action, ActionId, Motion};
use super::confirm::{Choice, Confirm, Price};
use super::divergence::Asked;
use super::prompt::{Ask, Prompt};
use super::{App, Effect, Screen, sending};
use crate::journal::{Decision, Filter};
use crate::point::PointId;
use crate::tasks::verify::{Wish, export};
use crate::tasks::{Level, Phase, SampleOf, Selection, Setting, Snapshot, TaskCommand};

/// Lines that a plan can be scrolled: it lists up to 500 fields.
const MOST_PLAN: u16 = 700;
/// Requests in flight that can be asked for.
const MOST_IN_FLIGHT: usize = 1_000;
/// Bytes of a text that are copied at most: in base64 they become about 100 kB, what common terminals take.
const MOST_COPIED: usize = 74_000;

impl App {
    /// Carries an action out, or says why it does not apply just now.
    pub(super) fn act(&mut self, action: &'static Action, now: Instant) -> Vec<Effect> {
        if !action.applies_to(self.screen) {
            let text = format!("{}: it belongs to {}", action.short, action.where_it_is());
            self.flash(Level::Warn, text, now);
            return Vec::new();
        }
        // A way that leads nowhere says nothing: those keys are pressed to be sure.
        if let Err(why) = (action.available)(self)
            && !action.id.is_way()
        {
            self.flash(Level::Warn, format!("{}: {why}", action.short), now);
            return Vec::new();
        }
        let send = |command| vec![Effect::Send(command)];
        match action.id {
            ActionId::Quit if self.is_working() => {
                self.confirm = Some(Confirm::quit(self.snapshot.in_hand, &self.phase));
            }
            ActionId::Quit => return self.leave(),
            ActionId::Help => self.help = Some(0),
            ActionId::Palette => {
                let palette = super::Palette::new(self.screen, |action| (action.available)(self).is_ok());
                self.palette = Some(palette);
            }
            ActionId::Suspend => return vec![Effect::Suspend],
            ActionId::Show(screen) => self.show(screen),
            ActionId::NextPane => self.next_pane(false),
            ActionId::PreviousPane => self.next_pane(true),
            ActionId::Start => return send(TaskCommand::Start),
            ActionId::PauseOrResume => {
                return send(match self.phase {
                    Phase::Running => TaskCommand::Pause,
                    _ => TaskCommand::Resume,
                });
            }
            ActionId::TryNow => return send(TaskCommand::TryNow),
            ActionId::CatchUp => return send(TaskCommand::Compare),
            ActionId::Faster => return self.ask_in_flight(more),
            ActionId::Slower => return self.ask_in_flight(fewer),
            ActionId::BatchInputs => self.ask(Ask::BatchInputs),
            ActionId::RequestsPerMinute => self.ask(Ask::RequestsPerMinute),
            ActionId::TokensPerMinute => self.ask(Ask::TokensPerMinute),
            ActionId::Budget => self.ask(Ask::Budget),
            ActionId::Move(motion) => self.go(motion),
            ActionId::Open => return self.open(),
            ActionId::Back => return self.back(),
            ActionId::Filter => self.failures.start_typing(),
            ActionId::Sort => self.failures.next_sort(),
            ActionId::Mark => {
                let marked = match self.screen {
                    Screen::Divergence => self.divergence.mark(),
                    _ => self.failures.mark(),
                };
                if !marked {
                    self.flash(Level::Warn, "no more points can be marked", now);
                }
            }
            ActionId::Retry => {
                let ids = self.failures.chosen();
                match self.failures.hidden_chosen() {
                    0 => return self.retry(ids),
                    hidden => self.confirm = Some(Confirm::retry(ids, hidden)),
                }
            }
            ActionId::RetryAll => {
                let (filter, under_way) = (self.failures.filter(), self.failures.retrying());
                // Of all failures as many as the title says, those included that are being retried.
                let count = match (filter == Filter::default(), self.snapshot.failed) {
                    (true, failed @ 1..) => failed,
                    _ => self.failures.retryable(),
                };
                self.confirm = Some(Confirm::retry_all(count, under_way, filter));
            }
            ActionId::Edit => {
                return self
                    .failures
                    .edit()
                    .map(TaskCommand::ReadFailure)
                    .map_or_else(Vec::new, send);
            }
            ActionId::Skip => {
                let (ids, hidden) = (self.failures.chosen(), self.failures.hidden_chosen());
                self.ask(Ask::SkipReason(ids, hidden));
            }
            ActionId::Unskip => {
                let ids = self.failures.chosen();
                match self.failures.hidden_chosen() {
                    0 => return send(TaskCommand::Unskip(ids)),
                    hidden => self.confirm = Some(Confirm::unskip(ids, hidden)),
                }
            }
            ActionId::Export => {
                let listed = self.snapshot.failed + self.snapshot.skipped;
                self.ask(Ask::ExportTo(listed));
            }
            ActionId::CopyId => return self.copy_id(now),
            ActionId::CopyField => return self.copy_field(now),
            ActionId::Scale => self.divergence.logarithmic = !self.divergence.logarithmic,
            ActionId::ZoomIn => self.divergence.zoom(true, &self.snapshot.similarities, self.threshold),
            ActionId::ZoomOut => self.divergence.zoom(false, &self.snapshot.similarities, self.threshold),
            ActionId::Threshold(thousandths) => return self.move_threshold(thousandths),
            ActionId::EmbedAgain => {
                let (ids, hidden) = (self.divergence.chosen(), self.divergence.hidden_chosen());
                let price = self.price_of(ids.len() as u64);
                if hidden > 0 || ids.len() > 1 && price != Price::Free {
                    self.confirm = Some(Confirm::embed_again(ids, hidden, price));
                } else {
                    return self.embed_again(ids);
                }
            }
            ActionId::KeepSourceVector => {
                let (ids, hidden) = (self.divergence.chosen(), self.divergence.hidden_chosen());
                self.confirm = Some(Confirm::keep_source_vector(ids, hidden));
            }
            ActionId::Accept => {
                let (ids, hidden) = (self.divergence.chosen(), self.divergence.hidden_chosen());
                self.ask(Ask::AcceptNote(ids, hidden));
            }
            ActionId::MeasureAgreement => {
                self.divergence.agreement = Asked::Waiting;
                // It takes room from the bins.
                self.divergence.rechoose(&self.snapshot.similarities, self.threshold);
                return send(TaskCommand::MeasureAgreement);
            }
            ActionId::ShowDiff => {
                if let Some(id) = self.selected_id() {
                    return send(self.show_diff(id));
                }
            }
            ActionId::Sample => {
                self.came_from = None;
                return send(self.diff.ask(SampleOf::Random));
            }
            ActionId::PairById => self.ask(Ask::PairId),
            ActionId::NextDifference => self.diff.jump(false),
            ActionId::PreviousDifference => self.diff.jump(true),
            ActionId::Fold => self.diff.toggle_fold(),
            ActionId::Wrap => {
                self.diff.wrap = !self.diff.wrap;
                self.diff.column = 0;
            }
            ActionId::Verify => return sending(self.verify.ask(Wish::default())),
            ActionId::VerifySample => {
                let points = self.facts.as_ref().map_or(0, |facts| facts.points);
                self.ask(Ask::VerifySample(points));
            }
            ActionId::StopVerifying => return send(self.verify.stop()),
            ActionId::Repair => {
                self.verify.planning = true;
                return send(TaskCommand::PlanRepair);
            }
            ActionId::ExportOffenders => {
                let offenders = self.verify.found().map_or(0, export::total);
                self.ask(Ask::OffendersTo(offenders));
            }
            ActionId::Query => self.ask(Ask::Query(self.search.query_text())),
            ActionId::Condition => self.ask(Ask::Condition(self.search.filter_text())),
            ActionId::Find => return sending(self.search.next_modality()),
            ActionId::SearchHow => return sending(self.search.next_how()),
            ActionId::SearchExactly => return sending(self.search.next_through()),
            ActionId::LogLevel => self.log.next_level(),
        }
        Vec::new()
    }

    pub(super) fn show(&mut self, screen: Screen) {
        self.screen = screen;
        self.came_from = None;
    }

    /// Shows one point of this screen in both stores.
    fn show_diff(&mut self, id: PointId) -> TaskCommand {
        self.came_from = Some(self.screen);
        self.screen = Screen::Diff;
        self.diff.ask(SampleOf::Ids(vec![id]))
    }

    fn ask(&mut self, ask: Ask) {
        self.prompt = Some(Prompt::new(ask, &self.snapshot.settings));
    }

    /// A prompt was answered.
    pub(super) fn answered(&mut self, command: TaskCommand) -> Vec<Effect> {
        let command = match command {
            TaskCommand::SamplePairs(of) => {
                self.show(Screen::Diff);
                self.diff.ask(of)
            }
            TaskCommand::Skip(ids, reason) => {
                self.failures.unmark(&ids);
                TaskCommand::Skip(ids, reason)
            }
            TaskCommand::Accept(ids, note) => {
                self.divergence.asked(Decision::Accepted, &ids);
                TaskCommand::Accept(ids, note)
            }
            TaskCommand::Verify(wish) => return sending(self.verify.ask(*wish)),
            other => other,
        };
        vec![Effect::Send(command)]
    }

    /// The editor was left with a text.
    pub(super) fn edited(&mut self, text: String, now: Instant) -> Vec<Effect> {
        if text.trim().is_empty() {
            self.flash(
                Level::Warn,
                "an empty content cannot be embedded; Esc leaves it as it is",
                now,
            );
            return Vec::new();
        }
        let Some(editor) = self.failures.editor.take() else {
            return Vec::new();
        };
        self.failures.queued(&[editor.id]);
        vec![Effect::Send(TaskCommand::RetryEdited(editor.id, text))]
    }

    pub(super) fn go(&mut self, motion: Motion) {
        match self.screen {
            Screen::Failures => self.failures.move_in_pane(motion),
            Screen::Divergence => self.divergence.go(motion, &self.snapshot.similarities, self.threshold),
            Screen::Diff => self.diff.go(motion),
            Screen::Verify => self.verify.go(motion),
            Screen::Search => self.search.go(motion),
            Screen::Log => self.log.go(motion),
            Screen::Migrate => {
                self.plan_scroll = match motion {
                    Motion::Up => self.plan_scroll.saturating_sub(1),
                    Motion::Down => (self.plan_scroll + 1).min(MOST_PLAN),
                    Motion::PageUp => self.plan_scroll.saturating_sub(10),
                    Motion::PageDown => (self.plan_scroll + 10).min(MOST_PLAN),
                    Motion::Top => 0,
                    Motion::Bottom => MOST_PLAN,
                    Motion::Left | Motion::Right => self.plan_scroll,
                };
            }
        }
    }

    fn next_pane(&mut self, back: bool) {
        match self.screen {
            Screen::Divergence => self.divergence.next_pane(back),
            Screen::Failures => self.failures.next_pane(),
            Screen::Diff => self.diff.next_pane(),
            Screen::Verify => self.verify.next_pane(back),
            Screen::Search => self.search.next_pane(),
            _ => {}
        }
    }

    fn open(&mut self) -> Vec<Effect> {
        let command = match self.screen {
            Screen::Divergence => self.divergence.open().map(TaskCommand::Inspect),
            Screen::Failures => self.failures.open().map(TaskCommand::ReadFailure),
            Screen::Diff => self.diff.open(),
            Screen::Verify => self.verify.open().map(|id| self.show_diff(id)),
            Screen::Search => match self.search.selected() {
                Some(id) => Some(self.show_diff(id)),
                // Where there is no result yet, a query is what is missing.
                None => {
                    self.ask(Ask::Query(self.search.query_text()));
                    None
                }
            },
            _ => None,
        };
        sending(command)
    }

    fn back(&mut self) -> Vec<Effect> {
        match self.screen {
            Screen::Divergence => {
                let was_open = self.divergence.agreement != Asked::No;
                self.divergence.back();
                if was_open && self.divergence.agreement == Asked::No {
                    self.divergence.rechoose(&self.snapshot.similarities, self.threshold);
                }
            }
            Screen::Failures => self.failures.back(),
            Screen::Diff => {
                self.diff.back();
                // A point of another screen was opened in one step, and is left in one.
                if let Some(screen) = self.came_from.take() {
                    self.screen = screen;
                }
            }
            Screen::Verify => self.verify.back(),
            Screen::Search => return sending(self.search.back()),
            Screen::Log => self.log.go(Motion::Bottom),
            Screen::Migrate => {}
        }
        Vec::new()
    }

    fn copy_id(&mut self, now: Instant) -> Vec<Effect> {
        let Some(id) = self.selected_id() else {
            return Vec::new();
        };
        let id = id.to_string();
        self.flash(Level::Info, format!("copied {id}"), now);
        vec![Effect::Copy(id)]
    }

    fn copy_field(&mut self, now: Instant) -> Vec<Effect> {
        let Some(field) = self.diff.selected_field() else {
            return Vec::new();
        };
        let show = |value: &Option<serde_json::Value>| match value {
            None => "missing".to_owned(),
            Some(value) => value.to_string(),
        };
        let text = if field.qdrant == field.lancedb {
            show(&field.qdrant)
        } else {
            format!("Qdrant: {}\nLanceDB: {}", show(&field.qdrant), show(&field.lancedb))
        };
        let path = field.path.clone();
        if text.len() > MOST_COPIED {
            let bytes = text.len();
            let text =
                format!("{path} is too large for a terminal's clipboard: {bytes} bytes, of {MOST_COPIED} at most");
            self.flash(Level::Warn, text, now);
            return Vec::new();
        }
        self.flash(Level::Info, format!("copied {path}"), now);
        vec![Effect::Copy(text)]
    }

    fn move_threshold(&mut self, thousandths: i8) -> Vec<Effect> {
        // On the histogram's own grid, so that the counts are exact.
        let steps = (self.threshold * 1_000.0).round() + f32::from(thousandths);
        self.threshold = (steps / 1_000.0).clamp(-1.0, 1.0);
        vec![Effect::Send(TaskCommand::Set(Setting::Threshold(self.threshold)))]
    }

    fn ask_in_flight(&mut self, step: fn(usize) -> usize) -> Vec<Effect> {
        let limit = step(self.asked_in_flight.unwrap_or(self.snapshot.settings.in_flight)).min(MOST_IN_FLIGHT);
        self.asked_in_flight = Some(limit);
        vec![Effect::Send(TaskCommand::Set(Setting::InFlight(limit)))]
    }

    /// An answer to a question.
    pub(super) fn answer(&mut self, key: KeyEvent, now: Instant) -> Vec<Effect> {
        let Some(choice) = self.confirm.as_mut().and_then(|confirm| confirm.key(key)) else {
            return Vec::new();
        };
        self.confirm = None;
        match choice {
            Choice::Cancel => Vec::new(),
            Choice::StopCleanly => self.leave(),
            Choice::KeepRunning => vec![Effect::Detach],
            Choice::Retry(ids) => self.retry(ids),
            Choice::Unskip(ids) => vec![Effect::Send(TaskCommand::Unskip(ids))],
            Choice::RetryAll(filter) => self.retry_all(filter, now),
            Choice::KeepSourceVector(ids) => self.keep(ids),
            Choice::EmbedAgain(ids) => self.embed_again(ids),
            Choice::CatchUp { remove_gone } => vec![Effect::Send(TaskCommand::CatchUp { remove_gone })],
        }
    }

    fn retry(&mut self, ids: Vec<PointId>) -> Vec<Effect> {
        self.failures.queued(&ids);
        vec![Effect::Send(TaskCommand::Retry(Selection::Ids(ids)))]
    }

    fn retry_all(&mut self, filter: Filter, now: Instant) -> Vec<Effect> {
        self.failures.queued_all(filter.clone());
        self.flash(Level::Info, "retrying", now);
        vec![Effect::Send(TaskCommand::Retry(Selection::Filter(filter)))]
    }

    /// What embedding so many points costs, as far as it is known: by what was paid a point so far, or will be.
    fn price_of(&self, points: u64) -> Price {
        let Snapshot { cost_usd, written, .. } = &self.snapshot;
        // Tokens are known of inputs only, of which a point may have several.
        if *cost_usd > 0.0 && *written > 0 {
            return Price::About {
                usd: cost_usd * points as f64 / *written as f64,
            };
        }
        let planned = self.plan.as_ref().and_then(|plan| plan.cost_usd.value);
        if *cost_usd > 0.0 || planned.is_some_and(|usd| usd > 0.0) {
            Price::Unknown
        } else {
            Price::Free
        }
    }

    fn embed_again(&mut self, ids: Vec<PointId>) -> Vec<Effect> {
        self.divergence.asked(Decision::EmbeddedAgain, &ids);
        vec![Effect::Send(TaskCommand::EmbedAgain(ids))]
    }

    fn keep(&mut self, ids: Vec<PointId>) -> Vec<Effect> {
        self.divergence.asked(Decision::Kept, &ids);
        vec![Effect::Send(TaskCommand::KeepSourceVector(ids))]
    }
}

/// The next higher concurrency: by one up to ten, then by a tenth.
fn more(limit: usize) -> usize {
    limit + (limit / 10).max(1)
}

/// The next lower one.
fn fewer(limit: usize) -> usize {
    limit.saturating_sub((limit / 10).max(1)).max(1)
}
