//! The set-up: the question, what can be answered, and what was answered so far.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::guard;
use super::list;
use super::prompt::input_line;
use super::text::{count, fit, pad, wrap};
use super::theme::Theme;
use crate::app::setup::{Setup, Step};
use crate::config::template::EmbedderAnswer;
use crate::point::counted;

/// Lines that are kept free under what can be answered.
const SAID: u16 = 6;

/// Draws the set-up.
pub fn draw(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme) {
    if super::asks_for_room(frame) {
        return;
    }
    draw_all(frame, setup, theme);
    super::hold_to(theme, frame.buffer_mut());
}

fn draw_all(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme) {
    let [header, body, footer] = regions(frame.area());
    let title = Line::from(vec![
        Span::styled(" qlance", theme.accent().add_modifier(Modifier::BOLD)),
        Span::raw("  there is no qlance.toml here yet: a few questions make one"),
    ]);
    frame.render_widget(Paragraph::new(title), header);
    let keys = match setup.step {
        Step::Review => " Enter writes it  Up Down scroll  Esc goes back",
        _ if setup.is_list() => " Enter goes on  Up Down choose  Esc goes back",
        _ if setup.path_is_empty() => " Enter goes on  Esc leaves, nothing is written",
        _ => " Enter goes on  Esc goes back",
    };
    frame.render_widget(Paragraph::new(Span::styled(keys, theme.dim())), footer);
    // What is written holds all answers, and needs the room.
    if setup.step == Step::Review {
        review(frame, setup, theme, body);
    } else {
        let [answered, question] = Layout::vertical([Constraint::Length(8), Constraint::Min(3)]).areas(body);
        so_far(frame, setup, theme, answered);
        ask(frame, setup, theme, question);
    }
    guard::settle(frame.buffer_mut());
}

fn regions(area: Rect) -> [Rect; 3] {
    Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(area)
}

/// How many lines of the file lie below what is seen of it unscrolled on a terminal of this size.
pub fn beyond(setup: &Setup, area: Rect) -> usize {
    let [_, body, _] = regions(area);
    // The border takes two.
    let height = body.height.saturating_sub(2) as usize;
    setup.answers.to_toml().lines().count().saturating_sub(height)
}

fn review(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme, area: Rect) {
    let beyond = beyond(setup, frame.area());
    let top = setup.selected.min(beyond);
    let more = match (top, beyond - top) {
        (0, 0) => String::new(),
        (0, below) => format!(" {} below ", counted(below as u64, "more line", "more lines")),
        (above, 0) => format!(" {} above ", counted(above as u64, "more line", "more lines")),
        (above, below) => format!(
            " more lines: {} above, {} below ",
            count(above as u64),
            count(below as u64)
        ),
    };
    // In the border, where it takes the place of no line.
    let block = theme
        .pane_with(setup.question(), true)
        .title_bottom(Line::styled(more, theme.accent()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let text = setup.answers.to_toml();
    let height = inner.height as usize;
    let lines: Vec<Line<'_>> = text
        .lines()
        .skip(top)
        .take(height)
        .map(|line| {
            let style = if line.starts_with(['#', '[']) {
                theme.dim()
            } else {
                Style::new()
            };
            Line::styled(fit(line, inner.width as usize), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
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
        } => server(base_url, model, *dimensions),
    };
    let reached = |step: Step| setup.has_passed(step);
    let collection = if reached(Step::Vector) {
        format!("{}, vector {:?}", answers.collection, answers.vector)
    } else {
        answers.collection.clone()
    };
    let content = if answers.content.is_empty() {
        "none holds a text".to_owned()
    } else {
        answers.content.clone()
    };
    let rows = [
        ("Qdrant", answers.url.clone(), Step::Url),
        ("collection", collection, Step::Collection),
        ("content", content, Step::Content),
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

/// What is known so far of an embedder that is asked over the network.
fn server(base_url: &str, model: &str, dimensions: usize) -> String {
    let model = match (model, dimensions) {
        ("", _) => "a server".to_owned(),
        (model, 0) => model.to_owned(),
        (model, dimensions) => format!("{model}@{dimensions}"),
    };
    match base_url {
        "" => model,
        url => format!("{model} at {url}"),
    }
}

fn ask(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme, area: Rect) {
    let block = theme.pane_with(setup.question(), true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    // What came of an answer stands right under it; it is left room for.
    let wanted = setup.choices.len().max(1);
    let most = inner.height.saturating_sub(SAID).max(1) as usize;
    let [main, below] =
        Layout::vertical([Constraint::Length(wanted.min(most) as u16), Constraint::Min(0)]).areas(inner);
    if setup.choices.is_empty() {
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
                    Style::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_embedder_only_what_is_known_is_told() {
        let url = "http://localhost:8000/v1";
        for (base_url, model, dimensions, told) in [
            ("", "", 0, "a server"),
            (url, "", 0, "a server at http://localhost:8000/v1"),
            (url, "bge", 0, "bge at http://localhost:8000/v1"),
            (url, "bge", 768, "bge@768 at http://localhost:8000/v1"),
        ] {
            assert_eq!(server(base_url, model, dimensions), told);
        }
    }
}
