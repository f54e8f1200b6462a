//! The set-up: the question, what can be answered, and what was answered so far.

mod review;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::footer::{self, Hint};
use super::guard;
use super::list;
use super::prompt::{input_line, still_line};
use super::text::{columns, fit, fit_ends, pad, wrap};
use super::theme::Theme;
use crate::app::setup::{Setup, Step};
use crate::config::template::EmbedderAnswer;
use crate::tasks::setup::{PATIENCE, called, numbers};

pub use review::beyond;

/// Lines that are kept free under what can be answered.
const SAID: u16 = 6;
/// Blanks between a name and what is said of it.
const GAP: usize = 2;

/// Draws the set-up.
pub fn draw(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme) {
    if super::asks_for_room(frame) {
        return;
    }
    draw_all(frame, setup, theme);
    super::hold_to(theme, frame.buffer_mut());
}

fn draw_all(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme) {
    let [header, body, below] = regions(frame.area());
    let name = Span::styled(" qlance", theme.accent().add_modifier(Modifier::BOLD));
    let why = why(setup, (header.width as usize).saturating_sub(name.width()));
    frame.render_widget(Paragraph::new(Line::from(vec![name, Span::raw(why)])), header);
    let hints = hints(setup, frame.area());
    let keys = footer::line(theme, hints, below.width as usize);
    frame.render_widget(Paragraph::new(keys), below);
    // What is written holds all answers, and needs the room.
    if setup.step == Step::Review {
        review::render(frame, setup, theme, body);
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

/// Why anything is asked, in so many columns.
fn why(setup: &Setup, room: usize) -> String {
    let is_here = setup.file.parent().is_none_or(|parent| parent.as_os_str().is_empty());
    let end = if is_here {
        " here yet: a few questions make one"
    } else {
        " yet: a few questions make one"
    };
    let begin = "  there is no ";
    let file = setup.file.display().to_string();
    let file = fit_ends(&file, room.saturating_sub(begin.len() + end.len()));
    format!("{begin}{file}{end}")
}

/// What the keys do just now; nothing that does nothing.
fn hints(setup: &Setup, area: Rect) -> Vec<Hint> {
    let mut hints = Vec::new();
    let is_review = setup.step == Step::Review;
    if !setup.trying {
        hints.push(Hint::new("Enter", if is_review { "writes it" } else { "goes on" }));
        if setup.choices.len() > 1 {
            hints.push(Hint::new("Up Down", "choose"));
        } else if is_review && beyond(setup, area) > 0 {
            hints.push(Hint::new("Up Down", "scroll"));
        }
    }
    let leaves = "leaves, nothing is written";
    if setup.path_is_empty() {
        hints.push(Hint::new("Esc Ctrl-C", leaves).kept());
    } else {
        hints.push(Hint::new("Esc", "back").kept());
        hints.push(Hint::new("Ctrl-C", leaves).kept());
    }
    hints
}

fn so_far(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme, area: Rect) {
    let block = theme.pane("So far");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let answers = &setup.answers;
    let reached = |step: Step| setup.has_passed(step);
    let content = if answers.content.is_empty() {
        setup.no_text()
    } else {
        answers.content.clone()
    };
    let rows = [
        ("Qdrant", answers.url.clone(), reached(Step::Url)),
        ("collection", collection(setup), reached(Step::Collection)),
        ("content", content, reached(Step::Content)),
        ("database", answers.uri.clone(), reached(Step::Uri)),
        ("table", answers.table.clone(), reached(Step::Table)),
        ("embedder", embedder(setup), setup.knows_embedder()),
    ];
    let lines: Vec<Line<'_>> = rows
        .into_iter()
        .map(|(name, value, is_known)| {
            let value = if is_known { value } else { "-".to_owned() };
            Line::from(vec![
                Span::styled(format!("{name:<12}"), theme.dim()),
                Span::raw(fit(&value, (inner.width as usize).saturating_sub(12))),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The collection, and its vector once it is known which.
fn collection(setup: &Setup) -> String {
    let name = &setup.answers.collection;
    match setup.vector() {
        Some((vector, size)) if setup.has_passed(Step::Vector) => {
            format!("{name}, vector {}, {}", called(vector), numbers(size))
        }
        Some((_, size)) => format!("{name}, {}", numbers(size)),
        None => name.clone(),
    }
}

/// Who embeds, as far as it was answered and tried.
fn embedder(setup: &Setup) -> String {
    match &setup.answers.embedder {
        EmbedderAnswer::Minilm => "all-MiniLM-L6-v2 in process".to_owned(),
        EmbedderAnswer::Carry => "carry vectors over".to_owned(),
        EmbedderAnswer::Openai {
            base_url,
            model,
            dimensions,
            ..
        } => {
            let known = |step: Step, said: &str| {
                if setup.has_passed(step) {
                    said.to_owned()
                } else {
                    String::new()
                }
            };
            let dimensions = if setup.has_passed(Step::Dimensions) {
                *dimensions
            } else {
                0
            };
            server(&known(Step::BaseUrl, base_url), &known(Step::Model, model), dimensions)
        }
    }
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
    let block = theme.pane_with(&setup.question(), true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    // What came of an answer stands right under it; it is left room for.
    let wanted = setup.choices.len().max(1);
    let most = inner.height.saturating_sub(SAID).max(1) as usize;
    let [main, below] =
        Layout::vertical([Constraint::Length(wanted.min(most) as u16), Constraint::Min(0)]).areas(inner);
    let line = Rect {
        height: main.height.min(1),
        ..main
    };
    if !setup.choices.is_empty() {
        choices(frame, setup, theme, main);
    } else if setup.trying {
        still_line(frame, theme, line, "> ", &setup.input);
    } else {
        input_line(frame, theme, line, "> ", &setup.input);
    }
    let (text, style) = match (&setup.error, setup.trying) {
        (_, true) => (format!("trying, {} s at most ...", PATIENCE.as_secs()), theme.accent()),
        (Some(error), false) => (error.clone(), theme.bad()),
        (None, false) => (String::new(), theme.dim()),
    };
    let lines: Vec<Line<'_>> = wrap(&text, inner.width as usize)
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect();
    frame.render_widget(Paragraph::new(lines), below);
}

fn choices(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme, area: Rect) {
    let (width, height) = (area.width as usize, area.height as usize);
    let all = &setup.choices;
    let top = list::top(setup.selected as u64, all.len() as u64, height as u64) as usize;
    let shown = &all[top..(top + height).min(all.len())];
    let names = name_column(shown, width);
    // What is tried is no longer chosen from.
    let selected = if setup.trying {
        theme.selected_elsewhere()
    } else {
        theme.selected()
    };
    let lines: Vec<Line<'_>> = (top..)
        .zip(shown)
        .map(|(place, (name, about))| {
            let style = if place == setup.selected {
                selected
            } else {
                Style::new()
            };
            let (name, gap) = (pad(name, names), " ".repeat(GAP));
            Line::styled(pad(&format!("{name}{gap}{about}"), width), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), area);
}

/// Columns of the names: those of the longest, as far as what is said beside them leaves room; half where both are long.
fn name_column(shown: &[(String, String)], width: usize) -> usize {
    let wide = |text: &str| columns(&fit(text, width));
    let name = shown.iter().map(|(name, _)| wide(name)).max().unwrap_or(0);
    let about = shown.iter().map(|(_, about)| wide(about)).max().unwrap_or(0);
    name.min(width.saturating_sub(about + GAP).max(width / 2))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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

    #[test]
    fn names_take_the_columns_they_need_and_leave_what_is_said_beside_them_its_own() {
        let choice = |name: usize, about: usize| ("n".repeat(name), "a".repeat(about));
        for (shown, wide) in [
            (vec![choice(7, 20), choice(10, 30)], 10),
            (vec![choice(60, 20)], 56),
            (vec![choice(60, 60)], 39),
            (vec![choice(10, 90)], 10),
            (vec![choice(500, 500)], 39),
            (Vec::new(), 0),
        ] {
            assert_eq!(name_column(&shown, 78), wide, "{shown:?}");
        }
    }

    #[test]
    fn the_file_that_is_missing_is_named() {
        for (file, told) in [
            (
                "qlance.toml",
                "  there is no qlance.toml here yet: a few questions make one",
            ),
            (
                "conf/choir.toml",
                "  there is no conf/choir.toml yet: a few questions make one",
            ),
            (
                "/etc/a-long-directory/qlance.toml",
                "  there is no /etc/a-long-di~ry/qlance.toml yet: a few questions make one",
            ),
        ] {
            assert_eq!(why(&Setup::new(Path::new(file)), 73), told);
        }
    }
}
