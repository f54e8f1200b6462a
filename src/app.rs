//! The state of the console and the only place where it changes: [`App::update`] takes a message and the time, and
//! answers with what should be done. No I/O, no waiting: everything about the console can be tested as messages.
//!
//! Knows the events, commands and snapshots of `tasks`. What it shows as done is what the work has confirmed.

pub mod actions;
pub mod confirm;
pub mod diff;
pub mod divergence;
pub mod editor;
pub mod failures;
pub mod kept;
pub mod key;
pub mod keymap;
pub mod log;
pub mod palette;
pub mod prompt;
pub mod screen;
pub mod search;
pub mod setup;
pub mod throughput;
pub mod verify;

mod acting;
mod events;
mod latest;
mod words;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::config::Config;
use crate::point::{Failure, PointId};
use crate::tasks::plan::PlanReport;
use crate::tasks::{JobFacts, Level, Phase, Snapshot, TaskCommand, TaskEvent};

use actions::Motion;
use confirm::Confirm;
use diff::Diff;
use divergence::Divergence;
use editor::Edited;
use failures::Failures;
use keymap::{Keymap, KeymapError};
use log::Log;
use palette::{Palette, Picked};
use prompt::{Answered, Prompt};
use search::Search;
use throughput::Throughput;
use verify::Verify;

pub use screen::Screen;

/// From this width on an opened point stands beside its list; below, it takes the list's place.
pub const SIDE_BY_SIDE: u16 = 100;
/// How long a flash message stays.
const FLASH: Duration = Duration::from_secs(5);
/// Latest failures shown on the Migrate screen at most.
const LATEST: usize = 32;

/// Lines that help can be scrolled: more than that it never has beside what is seen.
const MOST_HELP: u16 = 120;

/// What the console is told.
#[derive(Debug, Clone)]
pub enum Message {
    /// A key.
    Key(KeyEvent),
    /// Text pasted by the terminal.
    Paste(String),
    /// The mouse, as the screen understands it.
    Mouse(Mouse),
    /// How far can be scrolled what is seen just now; told before each key and each turn of the wheel.
    Reach(Reach),
    /// The terminal has another size.
    Resized {
        /// Columns of the whole terminal.
        columns: u16,
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

/// What the mouse meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouse {
    /// The wheel.
    Wheel(Motion),
    /// A click on a tab.
    Tab(Screen),
    /// A click on a row of the screen's list, by its place among all.
    Row(u64),
    /// A click on a bin of the histogram, from the top.
    Bin(usize),
}

/// How many lines lie below what is seen of each text unscrolled; `None` is not seen. Only the layout knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// The plan.
    pub plan: Option<u16>,
    /// The opened point of the Divergence screen.
    pub point: Option<u16>,
    /// The opened failure.
    pub failure: Option<u16>,
    /// The selected field of the opened pair.
    pub field: Option<u16>,
    /// The text of the Verify screen that the keys go to.
    pub verify: Option<u16>,
    /// The help.
    pub help: Option<u16>,
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
    /// Which key does what.
    pub keymap: Keymap,
    /// What is known of the job, once it is open.
    pub facts: Option<JobFacts>,
    /// What a run would do, while it waits to be started.
    pub plan: Option<Box<PlanReport>>,
    /// Lines that the plan is scrolled down.
    pub plan_scroll: u16,
    /// The collection and the table as configured, for the time before.
    pub title: String,
    /// Where the work stands, as it confirmed.
    pub phase: Phase,
    /// The newest snapshot.
    pub snapshot: Snapshot,
    /// Similarities below count as divergent.
    pub threshold: f32,
    /// Requests in flight that were asked for and are not confirmed yet, so that quick presses add up.
    asked_in_flight: Option<usize>,
    /// The rates of the last two minutes.
    pub throughput: Throughput,
    /// The latest failures, newest first.
    pub latest: VecDeque<(PointId, Failure)>,
    /// The Divergence screen.
    pub divergence: Divergence,
    /// The Failures screen.
    pub failures: Failures,
    /// The Diff screen.
    pub diff: Diff,
    /// The Verify screen.
    pub verify: Verify,
    /// The Search screen.
    pub search: Search,
    /// The Log screen.
    pub log: Log,
    /// Whether help is open, and how far it is scrolled.
    pub help: Option<u16>,
    /// How far that and the other texts can be scrolled.
    reach: Reach,
    /// The command palette.
    pub palette: Option<Palette>,
    /// One line asked of the operator.
    pub prompt: Option<Prompt>,
    /// A question that waits for an answer.
    pub confirm: Option<Confirm>,
    /// A question that came by itself, and the screen that it is asked on as soon as that is shown.
    to_ask: Option<(Screen, Confirm)>,
    /// The screen whose point is shown on the Diff screen; Esc goes back there.
    came_from: Option<Screen>,
    /// A message that goes away by itself.
    pub flash: Option<Flash>,
    /// Whether the operator has asked to leave.
    pub leaving: bool,
    /// How the run ended, once it has.
    pub ended: bool,
}

impl App {
    /// A console before anything is known.
    ///
    /// # Errors
    /// `[keys]` of the configuration cannot be meant so.
    pub fn new(config: &Config, now: Instant) -> Result<Self, KeymapError> {
        Ok(Self {
            screen: Screen::Migrate,
            keymap: Keymap::new(&config.keys)?,
            facts: None,
            plan: None,
            plan_scroll: 0,
            title: format!(
                "{} -> {}/{}",
                config.source.collection, config.target.uri, config.target.table
            ),
            phase: Phase::Connecting,
            snapshot: Snapshot::default(),
            threshold: config.divergence.threshold as f32,
            asked_in_flight: None,
            throughput: Throughput::new(now),
            latest: VecDeque::new(),
            divergence: Divergence::new(),
            failures: Failures::new(),
            diff: Diff::new(),
            verify: Verify::new(),
            search: Search::new(),
            log: Log::new(),
            help: None,
            reach: Reach::default(),
            palette: None,
            prompt: None,
            confirm: None,
            to_ask: None,
            came_from: None,
            flash: None,
            leaving: false,
            ended: false,
        })
    }

    /// Takes a message in; `now` is the time it came. Answers what should be done.
    pub fn update(&mut self, message: Message, now: Instant) -> Vec<Effect> {
        if self.flash.as_ref().is_some_and(|flash| flash.until <= now) {
            self.flash = None;
        }
        self.failures.pass(now);
        let mut effects = match message {
            Message::Key(key) if key.kind == KeyEventKind::Release => Vec::new(),
            Message::Key(key) => self.key(key, now),
            Message::Paste(text) => {
                self.paste(&text);
                Vec::new()
            }
            Message::Mouse(mouse) => self.mouse(mouse),
            Message::Resized { columns, rows } => {
                let beside = columns >= SIDE_BY_SIDE;
                self.failures.resize(rows);
                self.divergence.resize(rows, beside);
                self.divergence.rechoose(&self.snapshot.similarities, self.threshold);
                self.diff.resize(rows, beside);
                self.verify.resize(rows, beside);
                self.search.resize(rows, beside);
                Vec::new()
            }
            Message::Reach(reach) => {
                self.reach = reach;
                Vec::new()
            }
            Message::Event(event) => self.event(event, now),
            Message::Snapshot(snapshot) => {
                self.throughput.record(&snapshot, now);
                self.snapshot = *snapshot;
                Vec::new()
            }
            Message::Tick => Vec::new(),
            Message::StopAsked => self.stop(),
        };
        self.search.set_embeds(self.facts.is_none() || self.snapshot.embeds());
        self.ask_what_waits();
        self.hold();
        effects.extend(self.wanted());
        effects
    }

    /// Keeps what is scrolled from going past its end.
    fn hold(&mut self) {
        let scrolls = [
            (Some(&mut self.plan_scroll), self.reach.plan),
            (Some(&mut self.divergence.scroll), self.reach.point),
            (Some(&mut self.failures.scroll), self.reach.failure),
            (Some(&mut self.diff.line), self.reach.field),
            (Some(&mut self.verify.scroll), self.reach.verify),
            (self.help.as_mut(), self.reach.help),
        ];
        for (scroll, most) in scrolls {
            if let (Some(scroll), Some(most)) = (scroll, most) {
                *scroll = most.min(*scroll);
            }
        }
    }

    /// Whether the work can still be stopped or paused.
    pub fn is_working(&self) -> bool {
        self.phase.is_working()
            || self.failures.retrying() > 0
            || self.divergence.is_at_work()
            || self.verify.is_running()
    }

    /// The point under the cursor of the screen.
    pub fn selected_id(&self) -> Option<PointId> {
        match self.screen {
            Screen::Divergence => self.divergence.selected(),
            Screen::Failures => self.failures.selected().map(|row| row.id),
            Screen::Diff => self.diff.selected(),
            Screen::Verify => self.verify.selected(),
            Screen::Search => self.search.selected(),
            _ => None,
        }
    }

    /// Rows whose similarity lies below the threshold.
    pub fn divergent(&self) -> u64 {
        self.snapshot.similarities.below(self.threshold)
    }

    /// Whether the table has points, as far as the work has told.
    pub fn has_points(&self) -> bool {
        let similarities = &self.snapshot.similarities;
        let listed = self.divergence.total().unwrap_or(0);
        self.snapshot.written + listed + similarities.compared() + similarities.incomparable() > 0
    }

    fn flash(&mut self, level: Level, text: impl Into<String>, now: Instant) {
        self.flash = Some(Flash {
            level,
            text: text.into(),
            until: now + FLASH,
        });
    }

    fn key(&mut self, key: KeyEvent, now: Instant) -> Vec<Effect> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            // These two hold everywhere, whatever is open or being typed.
            KeyCode::Char('c') if control => return self.stop(),
            KeyCode::Char('z') if control => return vec![Effect::Suspend],
            _ => {}
        }
        if self.confirm.is_some() {
            return self.answer(key, now);
        }
        if let Some(prompt) = &mut self.prompt {
            return match prompt.key(key) {
                Answered::NotYet => Vec::new(),
                Answered::Cancelled => {
                    self.prompt = None;
                    Vec::new()
                }
                Answered::With(command) => {
                    self.prompt = None;
                    self.answered(command)
                }
                Answered::Query(query) => {
                    self.prompt = None;
                    sending(self.search.query_typed(query))
                }
                Answered::Condition(filter) => {
                    self.prompt = None;
                    sending(self.search.condition_typed(filter))
                }
            };
        }
        if let Some(palette) = &mut self.palette {
            return match palette.key(key) {
                Picked::NotYet => Vec::new(),
                Picked::Cancelled => {
                    self.palette = None;
                    Vec::new()
                }
                Picked::Action(action) => {
                    self.palette = None;
                    self.act(action, now)
                }
            };
        }
        if let Some(editor) = &mut self.failures.editor {
            return match editor.key(key) {
                Edited::NotYet => Vec::new(),
                Edited::Asks => {
                    self.flash(Level::Warn, "Esc again drops what was typed", now);
                    Vec::new()
                }
                Edited::Cancelled => {
                    self.failures.editor = None;
                    Vec::new()
                }
                Edited::With(text) => self.edited(text, now),
            };
        }
        if self.failures.is_typing() && self.screen == Screen::Failures {
            self.failures.type_key(key);
            return Vec::new();
        }
        let found = self.keymap.find(self.screen, key);
        if let Some(scroll) = self.help {
            return self.key_in_help(found, scroll, now);
        }
        found.map_or_else(Vec::new, |action| self.act(action, now))
    }

    /// Whether the keys go into something over the screen, or into its filter: nothing else must come up under them.
    fn is_covered(&self) -> bool {
        self.is_overlaid() || self.failures.is_typing() && self.screen == Screen::Failures
    }

    /// Whether something lies over the screen: no pane of it has the keys then.
    pub fn is_overlaid(&self) -> bool {
        self.prompt.is_some()
            || self.confirm.is_some()
            || self.palette.is_some()
            || self.failures.editor.is_some()
            || self.help.is_some()
    }

    /// The screen on which a question waits to be asked.
    pub fn asks_on(&self) -> Option<Screen> {
        self.to_ask.as_ref().map(|(screen, _)| *screen)
    }

    /// Asks the question that waits, once its screen is shown and nothing else takes the keys.
    fn ask_what_waits(&mut self) {
        let is_here = self.to_ask.as_ref().is_some_and(|(screen, _)| *screen == self.screen);
        if is_here && !self.is_covered() {
            self.confirm = self.to_ask.take().map(|(_, question)| question);
        }
    }

    /// Help is scrolled by the motions; any other key closes it, and does what it says.
    fn key_in_help(&mut self, found: Option<&'static actions::Action>, scroll: u16, now: Instant) -> Vec<Effect> {
        use actions::ActionId;
        match found.map(|action| (action, action.id)) {
            Some((_, ActionId::Move(motion))) => {
                self.help = Some(match motion {
                    Motion::Up => scroll.saturating_sub(1),
                    Motion::Down => (scroll + 1).min(MOST_HELP),
                    Motion::PageUp => scroll.saturating_sub(10),
                    Motion::PageDown => (scroll + 10).min(MOST_HELP),
                    Motion::Top => 0,
                    Motion::Bottom => MOST_HELP,
                    Motion::Left | Motion::Right => scroll,
                });
                Vec::new()
            }
            // Enter, that is: closing a help must not begin a run.
            Some((_, ActionId::Help | ActionId::Back | ActionId::Quit | ActionId::Open | ActionId::Start)) | None => {
                self.help = None;
                Vec::new()
            }
            Some((action, _)) => {
                self.help = None;
                self.act(action, now)
            }
        }
    }

    fn paste(&mut self, text: &str) {
        if let Some(prompt) = &mut self.prompt {
            prompt.paste(text);
        } else if let Some(palette) = &mut self.palette {
            palette.paste(text);
        } else if let Some(editor) = &mut self.failures.editor {
            editor.paste(text);
        } else if self.screen == Screen::Failures {
            self.failures.paste(text);
        }
    }

    fn mouse(&mut self, mouse: Mouse) -> Vec<Effect> {
        if self.is_overlaid() {
            return Vec::new();
        }
        match mouse {
            Mouse::Wheel(motion) => {
                for _ in 0..3 {
                    self.go(motion);
                }
            }
            Mouse::Tab(screen) => self.show(screen),
            Mouse::Row(place) => match self.screen {
                Screen::Failures => self.failures.click_row(place),
                Screen::Divergence => self.divergence.click_row(place),
                Screen::Diff => self.diff.click_row(place as usize),
                Screen::Verify => self.verify.click_row(place as usize),
                Screen::Search => self.search.click_row(place as usize),
                Screen::Migrate => return self.open_latest(place),
                Screen::Log => {}
            },
            Mouse::Bin(row) => {
                self.divergence
                    .click_bin(row, &self.snapshot.similarities, self.threshold);
            }
        }
        Vec::new()
    }

    /// Asks for the page that should be seen, where it is not there.
    fn wanted(&mut self) -> Vec<Effect> {
        if self.facts.is_none() {
            return Vec::new();
        }
        let command = match self.screen {
            Screen::Failures => self.failures.wanted(),
            Screen::Divergence => self.divergence.wanted(),
            _ => None,
        };
        sending(command)
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
}

/// What is asked of the work, if anything.
fn sending(command: Option<TaskCommand>) -> Vec<Effect> {
    command.map(Effect::Send).into_iter().collect()
}

#[cfg(test)]
mod tests;
