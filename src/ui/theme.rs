//! Colours and characters. ANSI's sixteen colours only, so that the operator's own theme holds; nothing is said by
//! colour alone.

use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::border;
use ratatui::widgets::{Block, Borders};

use crate::tasks::{Level, Phase, StopReason};

/// How the console looks on this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Whether colours are used.
    pub color: bool,
    /// Whether only ASCII is used.
    pub ascii: bool,
    /// Whether something lies over what is drawn: then no pane of it has the keys.
    pub covered: bool,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

impl Theme {
    /// The same for what lies under something else.
    #[must_use]
    pub fn under(self, covered: bool) -> Self {
        Self { covered, ..self }
    }

    fn colored(self, color: Color) -> Style {
        if self.color {
            Style::new().fg(color)
        } else {
            Style::new()
        }
    }

    /// Something good.
    pub fn good(self) -> Style {
        self.colored(Color::Green)
    }

    /// Something to look at.
    pub fn warn(self) -> Style {
        self.colored(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// Something that did not work.
    pub fn bad(self) -> Style {
        self.colored(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// Something beside the point.
    pub fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// A key, a title.
    pub fn accent(self) -> Style {
        self.colored(Color::Cyan)
    }

    /// What is selected.
    pub fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What is selected in a pane that the keys do not go to.
    pub fn selected_elsewhere(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// A word that differs between the stores.
    pub fn changed(self) -> Style {
        self.colored(Color::Yellow)
            .add_modifier(Modifier::BOLD | Modifier::UNDERLINED)
    }

    /// By how much it matters.
    pub fn level(self, level: Level) -> Style {
        match level {
            Level::Info => Style::new(),
            Level::Warn => self.warn(),
            Level::Error => self.bad(),
        }
    }

    /// By where the work stands.
    pub fn phase(self, phase: &Phase) -> Style {
        match phase {
            Phase::Running | Phase::Complete => self.good().add_modifier(Modifier::BOLD),
            Phase::Failed(_) | Phase::Stopped(StopReason::Broken(_)) => self.bad(),
            Phase::Stopped(_) | Phase::Paused | Phase::Pausing | Phase::Stopping => self.warn(),
            Phase::Connecting | Phase::Ready | Phase::Finishing(_) | Phase::Comparing | Phase::CatchingUp => {
                self.accent()
            }
        }
    }

    /// A bordered pane.
    pub fn pane(self, title: &str) -> Block<'static> {
        self.pane_with(title, false)
    }

    /// A bordered pane; the one that the keys go to has a bold border and an arrow before its title.
    pub fn pane_with(self, title: &str, focused: bool) -> Block<'static> {
        let (arrow, border) = if focused && !self.covered {
            ("> ", self.accent())
        } else {
            ("", self.dim())
        };
        let title = format!("{arrow}{}", super::text::clean(title));
        let set = if self.ascii { ASCII_BORDER } else { border::PLAIN };
        Block::new()
            .borders(Borders::ALL)
            .border_set(set)
            .border_style(border)
            .title(ratatui::text::Span::styled(format!(" {title} "), self.accent()))
    }

    /// What a bar is made of.
    pub fn full(self) -> &'static str {
        if self.ascii { "#" } else { "█" }
    }

    /// What the rest of a bar is made of.
    pub fn empty(self) -> &'static str {
        if self.ascii { "-" } else { "░" }
    }

    /// The heights of a column of the throughput chart, lowest first.
    pub fn levels(self) -> [&'static str; 8] {
        if self.ascii {
            [".", ".", ":", ":", "=", "=", "#", "#"]
        } else {
            ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]
        }
    }
}
