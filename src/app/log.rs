//! The Log screen: what happened, the newest 1,000 lines.

use std::collections::VecDeque;

use super::keymap::Motion;
use crate::tasks::{Level, TaskEvent, now_ms};

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
    /// Lines scrolled up from the newest.
    pub back: usize,
}

impl Log {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes an event down, where it is worth a line.
    pub fn note(&mut self, event: &TaskEvent) {
        let (level, text) = match event {
            TaskEvent::Opened(facts) => (Level::Info, format!("opened {}: {} points", facts.job, facts.points)),
            TaskEvent::PhaseChanged(phase) => (Level::Info, phase.label().to_lowercase()),
            TaskEvent::PointFailed(id, failure) => (
                Level::Warn,
                format!("{id} failed: {}: {failure}", failure.cause.as_str()),
            ),
            TaskEvent::Committed { rows, version } => {
                (Level::Info, format!("committed {rows} rows, table version {version}"))
            }
            TaskEvent::StepStarted(step) => (Level::Info, format!("{} ...", step.label())),
            TaskEvent::StepFinished(step, done) => (Level::Info, format!("{}: {done}", step.label())),
            TaskEvent::RetryStarted(ids) => (Level::Info, format!("retrying {} points", ids.len())),
            TaskEvent::RetryFinished(id, Ok(())) => (Level::Info, format!("{id} recovered")),
            TaskEvent::RetryFinished(id, Err(failure)) => (Level::Warn, format!("{id} failed again: {failure}")),
            TaskEvent::RetryEnded {
                recovered,
                failed,
                error,
            } => match error {
                None => (
                    Level::Info,
                    format!("retry ended: {recovered} recovered, {failed} failed again"),
                ),
                Some(error) => (Level::Error, format!("retry stopped: {error}")),
            },
            TaskEvent::ConcurrencySet(limit) => (Level::Info, format!("{limit} requests in flight at most")),
            TaskEvent::Skipped(count, true) => (Level::Info, format!("{count} points skipped")),
            TaskEvent::Skipped(count, false) => (Level::Info, format!("{count} skips taken back")),
            TaskEvent::Noted(level, text) => (*level, text.clone()),
            TaskEvent::FailuresListed { .. } | TaskEvent::FailureRead(_) | TaskEvent::Ended(_) => return,
        };
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back(Line {
            at: now_ms(),
            level,
            text,
        });
        if self.back > 0 {
            // Who reads further up stays where they are.
            self.back = (self.back + 1).min(self.lines.len() - 1);
        }
    }

    /// Scrolls.
    pub fn go(&mut self, motion: Motion) {
        let last = self.lines.len().saturating_sub(1);
        self.back = match motion {
            Motion::Up => self.back + 1,
            Motion::Down => self.back.saturating_sub(1),
            Motion::PageUp => self.back + 10,
            Motion::PageDown => self.back.saturating_sub(10),
            Motion::Top => last,
            Motion::Bottom => 0,
        }
        .min(last);
    }
}
