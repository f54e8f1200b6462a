//! The state of the console and the only place where it changes: [`App::update`] takes a message and the time, and
//! answers with what should be done. No I/O, no waiting: everything about the console can be tested as messages.
//!
//! Knows the events, commands and snapshots of `tasks`. What it shows as done is what the work has confirmed.

pub mod confirm;
pub mod failures;
pub mod keymap;
pub mod log;
pub mod throughput;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossterm::event::{KeyEvent, KeyEventKind};

use crate::config::Config;
use crate::point::{Failure, PointId};
use crate::tasks::{JobFacts, Level, Phase, Selection, Snapshot, TaskCommand, TaskEvent};

use confirm::{Choice, Confirm};
use failures::Failures;
use keymap::{Action, ActionId};
use log::Log;
use throughput::Throughput;

/// How long a flash message stays.
const FLASH: Duration = Duration::from_secs(5);
/// Latest failures shown on the Migrate screen at most.
const LATEST: usize = 32;

/// What the console is told.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key.
    Key(KeyEvent),
    /// Text pasted by the terminal.
    Paste(String),
    /// The terminal has another size; rows of the body a list can show.
    Resized {
        /// Lines of the whole terminal.
        rows: u16,
    },
    /// Something happened in the work.
    Event(TaskEvent),
    /// The work's newest state.
    Snapshot(Box<Snapshot>),
    /// Time has passed.
    Tick,
    /// A signal asks to stop (SIGTERM, SIGHUP, Ctrl-C from outside).
    StopAsked,
}

/// What should be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Give the work a command.
    Send(TaskCommand),
    /// Leave the screen and wait for the work to end cleanly.
    Leave,
    /// Leave the screen; the work goes on without it.
    Detach,
    /// Leave at once; the second Ctrl-C.
    Abort,
    /// Give the terminal back until `fg`.
    Suspend,
    /// Put a text into the terminal's clipboard.
    Copy(String),
}

/// The screens there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Screen {
    /// Progress of the migration.
    Migrate,
    /// Failed points.
    Failures,
    /// What happened.
    Log,
}

impl Screen {
    /// All screens with the digit that shows each.
    pub const ALL: [(Self, char); 3] = [(Self::Migrate, '1'), (Self::Failures, '3'), (Self::Log, '7')];

    /// Its name on the tab.
    pub fn title(self) -> &'static str {
        match self {
            Self::Migrate => "Migrate",
            Self::Failures => "Failures",
            Self::Log => "Log",
        }
    }
}

/// A message that goes away by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub text: String,
    until: Instant,
}

/// The console's state.
#[derive(Debug, Clone)]
pub struct App {
    /// The screen shown.
    pub screen: Screen,
    /// What is known of the job, once it is open.
    pub facts: Option<JobFacts>,
    /// The collection and the table as configured, for the time before.
    pub title: String,
    /// Where the work stands, as it confirmed.
    pub phase: Phase,
    /// The newest snapshot.
    pub snapshot: Snapshot,
    /// Similarities below count as divergent.
    pub threshold: f32,
    /// Requests in flight at most, as confirmed.
    pub concurrency: usize,
    /// What was asked for and is not confirmed yet, so that quick presses add up.
    asked_concurrency: Option<usize>,
    /// The rates of the last two minutes.
    pub throughput: Throughput,
    /// The latest failures, newest first.
    pub latest: VecDeque<(PointId, Failure)>,
    /// The Failures screen.
    pub failures: Failures,
    /// The Log screen.
    pub log: Log,
    /// Whether help is open.
    pub help: bool,
    /// A question that waits for an answer.
    pub confirm: Option<Confirm>,
    /// A message that goes away by itself.
    pub flash: Option<Flash>,
    /// Whether the operator has asked to leave.
    pub leaving: bool,
    /// How the run ended, once it has.
    pub ended: bool,
}

impl App {
    /// A console before anything is known.
    pub fn new(config: &Config, now: Instant) -> Self {
        Self {
            screen: Screen::Migrate,
            facts: None,
            title: format!(
                "{} -> {}/{}",
                config.source.collection, config.target.uri, config.target.table
            ),
            phase: Phase::Connecting,
            snapshot: Snapshot::default(),
            threshold: config.divergence.threshold as f32,
            concurrency: config.embed.text.max_in_flight,
            asked_concurrency: None,
            throughput: Throughput::new(now),
            latest: VecDeque::new(),
            failures: Failures::new(),
            log: Log::new(),
            help: false,
            confirm: None,
            flash: None,
            leaving: false,
            ended: false,
        }
    }

    /// Takes a message in; `now` is the time it came. Answers what should be done.
    pub fn update(&mut self, message: Message, now: Instant) -> Vec<Effect> {
        if self.flash.as_ref().is_some_and(|flash| flash.until <= now) {
            self.flash = None;
        }
        match message {
            Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            Message::Key(key) => self.key(key, now),
            Message::Paste(text) => {
                self.failures.paste(&text);
                self.want_failures()
            }
            Message::Resized { rows } => {
                self.failures.resize(rows);
                self.want_failures()
            }
            Message::Event(event) => self.event(event, now),
            Message::Snapshot(snapshot) => {
                self.throughput.record(&snapshot, now);
                self.snapshot = *snapshot;
                Vec::new()
            }
            Message::Tick => Vec::new(),
            Message::StopAsked => self.stop(),
        }
    }

    /// Whether the work can still be stopped or paused.
    pub fn is_working(&self) -> bool {
        self.phase.is_working() || self.failures.retrying() > 0
    }

    fn flash(&mut self, level: Level, text: impl Into<String>, now: Instant) {
        self.flash = Some(Flash {
            level,
            text: text.into(),
            until: now + FLASH,
        });
    }

    fn key(&mut self, key: KeyEvent, now: Instant) -> Vec<Effect> {
        if keymap::is_interrupt(&key) {
            return self.stop();
        }
        if self.confirm.is_some() {
            return self.answer(key, now);
        }
        if self.failures.is_typing() && self.screen == Screen::Failures {
            return if self.failures.type_key(key) {
                self.want_failures()
            } else {
                Vec::new()
            };
        }
        if self.help {
            // Any key closes help; the usual ones do what they say.
            self.help = false;
            if keymap::closes(&key) {
                return Vec::new();
            }
        }
        match keymap::find(self.screen, &key) {
            Some(action) => match (action.available)(self) {
                Ok(()) => self.act(action, now),
                Err(why) => {
                    self.flash(Level::Warn, format!("{}: {why}", action.short), now);
                    Vec::new()
                }
            },
            None => Vec::new(),
        }
    }

    fn act(&mut self, action: &'static Action, now: Instant) -> Vec<Effect> {
        match action.id {
            ActionId::Quit if self.is_working() => {
                self.confirm = Some(Confirm::quit(self.snapshot.in_hand));
                Vec::new()
            }
            ActionId::Quit => self.leave(),
            ActionId::Help => {
                self.help = true;
                Vec::new()
            }
            ActionId::Suspend => vec![Effect::Suspend],
            ActionId::Show(screen) => {
                self.screen = screen;
                self.want_failures()
            }
            ActionId::NextScreen | ActionId::PreviousScreen => {
                let step = if action.id == ActionId::NextScreen {
                    1
                } else {
                    Screen::ALL.len() - 1
                };
                let place = Screen::ALL
                    .iter()
                    .position(|(screen, _)| *screen == self.screen)
                    .unwrap_or(0);
                self.screen = Screen::ALL[(place + step) % Screen::ALL.len()].0;
                self.want_failures()
            }
            ActionId::PauseOrResume => {
                let command = match self.phase {
                    Phase::Running => TaskCommand::Pause,
                    _ => TaskCommand::Resume,
                };
                vec![Effect::Send(command)]
            }
            ActionId::Faster => self.ask_concurrency(more),
            ActionId::Slower => self.ask_concurrency(fewer),
            ActionId::Move(motion) => {
                match self.screen {
                    Screen::Failures => self.failures.go(motion),
                    Screen::Log => self.log.go(motion),
                    Screen::Migrate => {}
                }
                self.want_failures()
            }
            ActionId::Open => match self.failures.open() {
                Some(id) => vec![Effect::Send(TaskCommand::ReadFailure(id))],
                None => Vec::new(),
            },
            ActionId::Back => {
                self.failures.back();
                self.want_failures()
            }
            ActionId::Filter => {
                self.failures.start_typing();
                Vec::new()
            }
            ActionId::Mark => {
                if !self.failures.mark() {
                    self.flash(Level::Warn, "no more points can be marked; retry all instead", now);
                }
                self.want_failures()
            }
            ActionId::Retry => {
                let ids = self.failures.chosen();
                self.failures.queued(&ids);
                vec![Effect::Send(TaskCommand::Retry(Selection::Ids(ids)))]
            }
            ActionId::RetryAll => {
                let filter = self.failures.filter();
                self.confirm = Some(Confirm::retry_all(self.failures.total(), filter));
                Vec::new()
            }
            ActionId::Skip => {
                self.confirm = Some(Confirm::skip(self.failures.chosen()));
                Vec::new()
            }
            ActionId::Unskip => vec![Effect::Send(TaskCommand::Unskip(self.failures.chosen()))],
            ActionId::CopyId => match self.failures.selected() {
                Some(row) => {
                    let id = row.id.to_string();
                    self.flash(Level::Info, format!("copied {id}"), now);
                    vec![Effect::Copy(id)]
                }
                None => Vec::new(),
            },
        }
    }

    fn ask_concurrency(&mut self, step: fn(usize) -> usize) -> Vec<Effect> {
        let limit = step(self.asked_concurrency.unwrap_or(self.concurrency)).min(1_000);
        self.asked_concurrency = Some(limit);
        vec![Effect::Send(TaskCommand::SetConcurrency(limit))]
    }

    /// An answer to a question.
    fn answer(&mut self, key: KeyEvent, now: Instant) -> Vec<Effect> {
        let Some(confirm) = &mut self.confirm else {
            return Vec::new();
        };
        let Some(choice) = confirm.key(key) else {
            return Vec::new();
        };
        self.confirm = None;
        match choice {
            Choice::Cancel => Vec::new(),
            Choice::StopCleanly => self.leave(),
            Choice::KeepRunning => vec![Effect::Detach],
            Choice::RetryAll(filter) => {
                self.flash(Level::Info, "retrying", now);
                vec![Effect::Send(TaskCommand::Retry(Selection::Filter(filter)))]
            }
            Choice::Skip(ids, reason) => {
                self.failures.unmark_all();
                vec![Effect::Send(TaskCommand::Skip(ids, reason))]
            }
        }
    }

    /// Ctrl-C, or a signal: the first stops cleanly, the second at once.
    fn stop(&mut self) -> Vec<Effect> {
        if self.leaving {
            vec![Effect::Abort]
        } else {
            self.leave()
        }
    }

    fn leave(&mut self) -> Vec<Effect> {
        self.leaving = true;
        vec![Effect::Send(TaskCommand::Quit), Effect::Leave]
    }

    fn event(&mut self, event: TaskEvent, now: Instant) -> Vec<Effect> {
        self.log.note(&event);
        match event {
            TaskEvent::Opened(facts) => {
                self.facts = Some(*facts);
                self.failures.stale();
            }
            TaskEvent::PhaseChanged(phase) => self.phase = phase,
            TaskEvent::PointFailed(id, failure) => {
                self.latest.push_front((id, failure));
                self.latest.truncate(LATEST);
                self.failures.stale();
            }
            TaskEvent::ConcurrencySet(limit) => {
                self.concurrency = limit;
                self.asked_concurrency = self.asked_concurrency.filter(|asked| *asked != limit);
                self.flash(Level::Info, format!("{limit} requests in flight at most"), now);
            }
            TaskEvent::RetryStarted(ids) => self.failures.started(&ids),
            TaskEvent::RetryFinished(id, result) => self.failures.finished(id, result),
            TaskEvent::RetryEnded {
                recovered,
                failed,
                error,
            } => {
                self.failures.ended();
                let (level, text) = match error {
                    None => (
                        Level::Info,
                        format!("retry: {recovered} recovered, {failed} failed again"),
                    ),
                    Some(error) => (Level::Error, format!("the retry stopped: {error}")),
                };
                self.flash(level, text, now);
            }
            TaskEvent::Skipped(count, true) => {
                self.flash(Level::Info, format!("{count} skipped"), now);
                self.failures.stale();
            }
            TaskEvent::Skipped(count, false) => {
                self.flash(Level::Info, format!("{count} taken back"), now);
                self.failures.stale();
            }
            TaskEvent::FailuresListed {
                filter,
                offset,
                total,
                rows,
            } => self.failures.listed(&filter, offset, total, rows),
            TaskEvent::FailureRead(detail) => self.failures.read(*detail),
            TaskEvent::Noted(level, text) => self.flash(level, text, now),
            TaskEvent::Ended(_) => self.ended = true,
            TaskEvent::Committed { .. } | TaskEvent::StepStarted(_) | TaskEvent::StepFinished(..) => {}
        }
        self.want_failures()
    }

    /// Asks for the page of failures that should be seen, where it is not there.
    fn want_failures(&mut self) -> Vec<Effect> {
        if self.screen != Screen::Failures || self.facts.is_none() {
            return Vec::new();
        }
        self.failures.wanted().map(Effect::Send).into_iter().collect()
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

#[cfg(test)]
mod tests;
