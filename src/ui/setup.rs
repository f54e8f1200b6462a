//! The set-up: the question, what can be answered, and what was answered so far.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::list;
use super::prompt::input_line;
use super::text::{fit, pad, wrap};
use super::theme::Theme;
use crate::app::setup::{Setup, Step};
use crate::config::template::EmbedderAnswer;

/// Draws the set-up.
pub fn draw(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme) {
    let area = frame.area();
    let [header, body, footer] =
        Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let title = Line::from(vec![
        Span::styled(" qlance", theme.accent().add_modifier(Modifier::BOLD)),
        Span::raw("  there is no qlance.toml here yet: a few questions make one"),
    ]);
    frame.render_widget(Paragraph::new(title), header);
    let keys = if setup.path_is_empty() {
        " Enter goes on  Esc leaves, nothing is written"
    } else {
        " Enter goes on  Esc goes back"
    };
    frame.render_widget(Paragraph::new(Span::styled(keys, theme.dim())), footer);
    let [answered, question] = Layout::vertical([Constraint::Length(9), Constraint::Min(3)]).areas(body);
    so_far(frame, setup, theme, answered);
    ask(frame, setup, theme, question);
}

fn so_far(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme, area: Rect) {
    let block = theme.pane("So far");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let answers = &setup.answers;
    let embedder = match &answers.embedder {
        EmbedderAnswer::Minilm => "all-MiniLM-L6-v2 in process".to_owned(),
        EmbedderAnswer::Carry => "carry vectors over".to_owned(),
        EmbedderAnswer::Openai {
            base_url,
            model,
            dimensions,
            ..
        } => format!("{model}@{dimensions} at {base_url}"),
    };
    let reached = |step: Step| setup.has_passed(step);
    let rows = [
        ("Qdrant", answers.url.clone(), Step::Url),
        ("collection", answers.collection.clone(), Step::Collection),
        ("content", answers.content.clone(), Step::Content),
        ("database", answers.uri.clone(), Step::Uri),
        ("table", answers.table.clone(), Step::Table),
        ("embedder", embedder, Step::Embedder),
    ];
    let lines: Vec<Line<'_>> = rows
        .into_iter()
        .map(|(name, value, step)| {
            let value = if reached(step) { value } else { "-".to_owned() };
            Line::from(vec![
                Span::styled(format!("{name:<12}"), theme.dim()),
                Span::raw(fit(&value, (inner.width as usize).saturating_sub(12))),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

fn ask(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme, area: Rect) {
    let block = theme.pane_with(setup.step.question(), true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let [main, below] = Layout::vertical([Constraint::Min(1), Constraint::Length(6)]).areas(inner);
    if setup.step == Step::Review {
        let text = setup.answers.to_toml();
        let lines: Vec<Line<'_>> = text.lines().map(|line| Line::raw(fit(line, width))).collect();
        frame.render_widget(Paragraph::new(lines), main);
    } else if setup.choices.is_empty() {
        let line = Rect {
            height: main.height.min(1),
            ..main
        };
        input_line(frame, theme, line, "> ", &setup.input);
    } else {
        let height = u64::from(main.height);
        let top = list::top(setup.selected as u64, setup.choices.len() as u64, height) as usize;
        let lines: Vec<Line<'_>> = setup
            .choices
            .iter()
            .enumerate()
            .skip(top)
            .take(height as usize)
            .map(|(place, (name, about))| {
                let style = if place == setup.selected {
                    theme.selected()
                } else {
                    ratatui::style::Style::new()
                };
                Line::styled(pad(&format!("{} {about}", pad(name, 42)), width), style)
            })
            .collect();
        frame.render_widget(Paragraph::new(lines), main);
    }
    let (text, style) = match (&setup.error, setup.trying) {
        (_, true) => ("trying ...".to_owned(), theme.accent()),
        (Some(error), false) => (error.clone(), theme.bad()),
        (None, false) => (String::new(), theme.dim()),
    };
    let lines: Vec<Line<'_>> = wrap(&text, width)
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect();
    frame.render_widget(Paragraph::new(lines), below);
}
