//! The Log screen: what happened, the newest 1,000 lines.

use std::collections::VecDeque;

use super::actions::Motion;
use crate::tasks::{Level, TaskEvent, now_ms, story};

/// Lines that are kept; `log.jsonl` in the state directory has them all, and `qlance log` reads it.
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
        let Some((level, text)) = story::line(event) else {
            return;
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

    /// All lines, then warnings and errors, then errors only. From where nothing is shown all are shown again: there are
    /// still fewer errors.
    pub(super) fn next_level(&mut self) {
        let is_empty = self.shown().next().is_none();
        self.least = match self.least {
            Least::Warnings if is_empty => Least::All,
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
