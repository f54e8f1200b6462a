//! The Log screen: what happened, the newest 1,000 lines.

use std::collections::VecDeque;

use super::actions::Motion;
use super::words::{self, counted, points, rows};
use crate::point::grouped;
use crate::point::verdict::Outcome;
use crate::tasks::verify::STOPPED;
use crate::tasks::{Level, Setting, TaskEvent, now_ms};

/// Lines that are kept; the file in the state directory has them all.
const KEPT: usize = 1_000;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Milliseconds since 1970.
    pub at: i64,
    /// How much it matters.
    pub level: Level,
    /// What happened.
    pub text: String,
}

/// The lines and where the reader is.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Oldest first.
    pub lines: VecDeque<Line>,
    /// How many of the lines that are shown lie below the selected one: at 0 the newest is selected, and stays so.
    pub back: usize,
    /// The least level that is shown.
    pub least: Least,
}

/// Which lines are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Least {
    /// All of them.
    #[default]
    All,
    /// Warnings and errors.
    Warnings,
    /// Errors.
    Errors,
}

impl Least {
    fn shows(self, level: Level) -> bool {
        match self {
            Self::All => true,
            Self::Warnings => level >= Level::Warn,
            Self::Errors => level == Level::Error,
        }
    }

    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "all levels",
            Self::Warnings => "warnings and errors",
            Self::Errors => "errors",
        }
    }
}

impl Log {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes an event down, where it is worth a line.
    pub fn note(&mut self, event: &TaskEvent) {
        let (level, text) = match event {
            TaskEvent::Opened(facts) => (Level::Info, format!("opened {}: {}", facts.job, points(facts.points))),
            TaskEvent::PhaseChanged(phase) => (Level::Info, phase.label().to_lowercase()),
            TaskEvent::PointFailed(id, failure) => (
                Level::Warn,
                format!("{id} failed: {}: {failure}", failure.cause.as_str()),
            ),
            TaskEvent::Committed {
                rows: committed,
                version,
            } => (
                Level::Info,
                format!("committed {}, table version {version}", rows(*committed)),
            ),
            TaskEvent::StepStarted(step) => (Level::Info, format!("{} ...", step.label())),
            TaskEvent::StepFinished(step, done) => (Level::Info, format!("{}: {done}", step.label())),
            TaskEvent::RetryStarted(ids) => (Level::Info, format!("retrying {}", points(ids.len() as u64))),
            TaskEvent::RetryFinished(id, Ok(())) => (Level::Info, format!("{id} recovered")),
            TaskEvent::RetryFinished(id, Err(failure)) => (Level::Warn, format!("{id} failed again: {failure}")),
            TaskEvent::RetryEnded {
                recovered,
                failed,
                error,
                ..
            } => match error {
                None => (
                    Level::Info,
                    format!(
                        "retry ended: {} recovered, {} failed again",
                        grouped(*recovered),
                        grouped(*failed)
                    ),
                ),
                Some(error) => (Level::Error, format!("retry stopped: {error}")),
            },
            TaskEvent::Planned(plan) => (
                Level::Info,
                format!(
                    "planned: {}",
                    counted(plan.warnings.len() as u64, "warning", "warnings")
                ),
            ),
            TaskEvent::SettingConfirmed(Setting::Threshold(_)) => return,
            TaskEvent::SettingConfirmed(setting) => (Level::Info, setting.describe()),
            TaskEvent::Exported(count, path) => (
                Level::Info,
                format!(
                    "{} written to {}",
                    counted(*count, "failure", "failures"),
                    path.display()
                ),
            ),
            TaskEvent::Decided {
                decision,
                points,
                error,
                ..
            } => match error {
                None => (
                    Level::Info,
                    format!("{}: {}", words::points(points.len() as u64), decision.label()),
                ),
                Some(error) => (
                    Level::Error,
                    format!(
                        "{}: {}; then it stopped: {error}",
                        words::points(points.len() as u64),
                        decision.label()
                    ),
                ),
            },
            TaskEvent::Unanswered { error, .. } => (Level::Warn, error.clone()),
            TaskEvent::Skipped(count, true) => (Level::Info, format!("{} skipped", points(*count))),
            TaskEvent::Skipped(count, false) => {
                (Level::Info, format!("{} taken back", counted(*count, "skip", "skips")))
            }
            TaskEvent::Noted(level, text) => (*level, text.clone()),
            TaskEvent::Compared(Ok(found)) => (
                Level::Info,
                format!(
                    "compared: {} same, {} new, {} with another content, {} with another payload, {} gone",
                    grouped(found.same),
                    grouped(found.new),
                    grouped(found.content),
                    grouped(found.payload),
                    grouped(found.gone)
                ),
            ),
            TaskEvent::Compared(Err(error)) => (Level::Error, error.clone()),
            TaskEvent::CaughtUp(done, error) => {
                let text = format!(
                    "caught up: {} added, {} replaced, {} removed, {} failed",
                    grouped(done.added),
                    grouped(done.replaced),
                    grouped(done.removed),
                    grouped(done.failed)
                );
                match error {
                    None => (Level::Info, text),
                    Some(error) => (Level::Error, format!("{text}; then {error}")),
                }
            }
            TaskEvent::VerifyBegun(checks) => (
                Level::Info,
                format!("verifying: {}", counted(checks.len() as u64, "check", "checks")),
            ),
            TaskEvent::Checked(check) => {
                let level = match check.outcome {
                    Outcome::Pass | Outcome::Info => Level::Info,
                    Outcome::Inconclusive => Level::Warn,
                    Outcome::Fail => Level::Error,
                };
                let text = format!("{}: {}: {}", check.id, check.outcome.label(), check.figure);
                (level, text)
            }
            TaskEvent::Verified(Ok(found)) => (
                Level::Info,
                format!(
                    "verified version {}: {}, {}",
                    found.table_version,
                    found.decision.label(),
                    counted(found.reasons.len() as u64, "reason", "reasons")
                ),
            ),
            TaskEvent::Verified(Err(error)) if error == STOPPED => (Level::Info, format!("not verified: {error}")),
            TaskEvent::Verified(Err(error)) => (Level::Error, format!("not verified: {error}")),
            TaskEvent::OffendersExported(count, path) => (
                Level::Info,
                format!(
                    "{} written to {}",
                    counted(*count, "offender", "offenders"),
                    path.display()
                ),
            ),
            TaskEvent::VerifyProgressed(..)
            | TaskEvent::FailuresListed { .. }
            | TaskEvent::FailureRead(_)
            | TaskEvent::DivergentListed { .. }
            | TaskEvent::Inspected(_)
            | TaskEvent::PairsSampled(..)
            | TaskEvent::PairRead(_)
            | TaskEvent::AgreementMeasured(_)
            | TaskEvent::Searched(..)
            | TaskEvent::Ended(_) => return,
        };
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            at: now_ms(),
            level,
            text,
        });
        if self.back > 0 && self.least.shows(level) {
            // Who reads further up stays where they are.
            self.back = (self.back + 1).min(self.shown().count().saturating_sub(1));
        }
    }

    /// The lines that are shown, oldest first.
    pub fn shown(&self) -> impl DoubleEndedIterator<Item = &Line> {
        self.lines.iter().filter(|line| self.least.shows(line.level))
    }

    /// All lines, then warnings and errors, then errors only.
    pub(super) fn next_level(&mut self) {
        self.least = match self.least {
            Least::All => Least::Warnings,
            Least::Warnings => Least::Errors,
            Least::Errors => Least::All,
        };
        self.back = 0;
    }

    /// Scrolls.
    pub fn go(&mut self, motion: Motion) {
        let last = self.shown().count().saturating_sub(1);
        self.back = match motion {
            Motion::Up => self.back + 1,
            Motion::Down => self.back.saturating_sub(1),
            Motion::PageUp => self.back + 10,
            Motion::PageDown => self.back.saturating_sub(10),
            Motion::Top => last,
            Motion::Bottom => 0,
            Motion::Left | Motion::Right => self.back,
        }
        .min(last);
    }
}
