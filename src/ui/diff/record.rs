//! One pair: fields aligned by path, changed words lit, types named where they differ, vectors in a few numbers.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::app::App;
use crate::app::diff::Pane;
use crate::point::diff::{FieldDiff, FieldVerdict, Piece, RecordDiff, VectorDiff, type_name};
use crate::ui::json::preview;
use crate::ui::paint;
use crate::ui::text::{beginning, columns, count, fit, pad};
use crate::ui::theme::Theme;

/// Lines that one side of a field takes at most.
const MOST_LINES: usize = 12;
/// Characters of a value that are looked at.
const MOST_CHARS: usize = 4_000;
/// From this width of the record on its two sides stand beside each other.
const BESIDE: usize = 76;

/// A line of a cell: stretches of text, each with its style.
type Cell = Vec<(String, Style)>;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, diff: &RecordDiff) {
    let title = format!("Point {}: {}", diff.id, diff.verdict.label());
    let block = theme.pane_with(&title, app.diff.pane == Pane::Record);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let mut lines = heading(app, theme, diff, width);
    let fields = app.diff.fields().len();
    if fields == 0 {
        lines.push(Line::styled("every field is equal, types included", theme.good()));
    }
    let room = (inner.height as usize).saturating_sub(lines.len()).max(1);
    // Fields from the selected one on, and as many before it as fit: so that it is always seen.
    let selected = app.diff.field().min(fields.saturating_sub(1));
    let mut drawn: std::collections::VecDeque<Vec<Line<'static>>> = std::collections::VecDeque::new();
    let mut used = 0;
    let mut next = selected;
    while used < room
        && let Some(shown) = app.diff.shown(next)
    {
        let lines = field(app, theme, shown, next == selected, width);
        used += lines.len();
        drawn.push_back(lines);
        next += 1;
    }
    let mut before = selected;
    while before > 0
        && used < room
        && let Some(shown) = app.diff.shown(before - 1)
    {
        before -= 1;
        let lines = field(app, theme, shown, false, width);
        if used + lines.len() > room {
            break;
        }
        used += lines.len();
        drawn.push_front(lines);
    }
    lines.extend(drawn.into_iter().flatten().take(room));
    paint::lines(frame, inner, &lines);
}

fn heading(app: &App, theme: &Theme, diff: &RecordDiff, width: usize) -> Vec<Line<'static>> {
    let differing = app.diff.differing();
    let equal = diff.fields.len() - differing;
    let folded = if app.diff.fold && equal > 0 { ", folded" } else { "" };
    let differ = match differing {
        1 => "field differs",
        _ => "fields differ",
    };
    let mut text = format!("{differing} {differ}, {} equal{folded}", count(equal as u64));
    if diff.not_shown > 0 {
        text.push_str(&format!(", {} more not shown", count(diff.not_shown as u64)));
    }
    let mut lines = vec![Line::styled(fit(&text, width), theme.accent())];
    for (name, vector) in diff.vectors.iter().take(6) {
        let style = if vector.agrees { theme.dim() } else { theme.warn() };
        lines.push(Line::styled(fit(&vector_line(name, vector), width), style));
    }
    if width >= BESIDE {
        let column = sides(width);
        let text = format!("{}   {}", pad("Qdrant", column), pad("LanceDB", column));
        lines.push(Line::styled(text, theme.dim()));
    }
    lines
}

fn vector_line(name: &str, vector: &VectorDiff) -> String {
    let name = if name.is_empty() { "unnamed vector" } else { name };
    let side = |length: Option<usize>, norm: Option<f64>| match (length, norm) {
        (None, _) => "missing".to_owned(),
        (Some(1), Some(norm)) => format!("1 number, norm {norm:.4}"),
        (Some(length), Some(norm)) => format!("{length} numbers, norm {norm:.4}"),
        (Some(1), None) => "1 entry".to_owned(),
        (Some(length), None) => format!("{length} entries"),
    };
    let mut text = format!(
        "{name}: {} | {}",
        side(vector.qdrant, vector.qdrant_norm),
        side(vector.lancedb, vector.lancedb_norm)
    );
    if let Some(cosine) = vector.cosine {
        text.push_str(&format!(", cosine {:.5}", cosine.get()));
    }
    if let Some((place, difference)) = vector.largest {
        text.push_str(&format!(", largest difference {difference:.6} at {place}"));
    }
    text
}

/// Columns of one side.
fn sides(width: usize) -> usize {
    width.saturating_sub(2 + 3) / 2
}

/// The lines of one field: its path, then both sides.
fn field(app: &App, theme: &Theme, field: &FieldDiff, selected: bool, width: usize) -> Vec<Line<'static>> {
    let (left_type, right_type) = (type_name(field.qdrant.as_ref()), type_name(field.lancedb.as_ref()));
    let (sign, style) = match field.verdict {
        FieldVerdict::Same => (' ', theme.dim()),
        FieldVerdict::Changed => ('~', theme.warn()),
        FieldVerdict::TypeOnly => ('t', theme.warn()),
        FieldVerdict::OnlyInQdrant => ('<', theme.warn()),
        FieldVerdict::OnlyInLancedb => ('>', theme.warn()),
    };
    let mut path = format!("{sign} {}", field.path);
    if left_type != right_type {
        path.push_str(&format!("  ({left_type} | {right_type})"));
    }
    let style = if selected { theme.selected() } else { style };
    let mut lines = vec![Line::styled(pad(&path, width), style)];
    if width >= BESIDE {
        let column = sides(width);
        let left = cell(app, theme, field, true, column);
        let right = cell(app, theme, field, false, column);
        let rows = left.len().max(right.len());
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        for _ in 0..rows {
            let mut spans = vec![Span::raw("  ")];
            spans.extend(padded(left.next(), column));
            spans.push(Span::styled(" | ", theme.dim()));
            spans.extend(padded(right.next(), column));
            lines.push(Line::from(spans));
        }
    } else {
        // Too narrow for two sides: one below the other, each with its store.
        let column = width.saturating_sub(4);
        let equal = field.verdict == FieldVerdict::Same;
        for (letter, left) in [('Q', true), ('L', false)] {
            if equal && !left {
                break;
            }
            let letter = if equal { ' ' } else { letter };
            for (row, cell) in cell(app, theme, field, left, column).into_iter().enumerate() {
                let letter = if row == 0 { letter } else { ' ' };
                let mut spans = vec![Span::styled(format!(" {letter}  "), theme.dim())];
                spans.extend(padded(Some(cell), column));
                lines.push(Line::from(spans));
            }
        }
    }
    lines
}

/// One side of a field as lines.
fn cell(app: &App, theme: &Theme, field: &FieldDiff, left: bool, column: usize) -> Vec<Cell> {
    let value = if left { &field.qdrant } else { &field.lancedb };
    let whole;
    let pieces: Vec<(&str, Style)> = match (&field.words, value) {
        (_, None) => vec![("(missing)", theme.dim())],
        (_, Some(Value::Null)) => vec![("null", theme.dim())],
        (Some((qdrant, lancedb)), Some(_)) => {
            let pieces = if left { qdrant } else { lancedb };
            pieces.iter().map(|piece| lit(theme, piece)).collect()
        }
        (None, Some(value)) => {
            whole = preview(value, MOST_CHARS);
            vec![(whole.as_str(), Style::new())]
        }
    };
    if app.diff.wrap {
        let mut lines = wrapped(&pieces, column, MOST_LINES);
        if lines.len() > MOST_LINES {
            lines.truncate(MOST_LINES - 1);
            lines.push(vec![("... more lines".to_owned(), theme.dim())]);
        }
        lines
    } else {
        vec![scrolled(&pieces, app.diff.column as usize, column)]
    }
}

fn lit<'a>(theme: &Theme, piece: &'a Piece) -> (&'a str, Style) {
    let style = if piece.changed { theme.changed() } else { Style::new() };
    (piece.text.as_str(), style)
}

/// Cut into lines at the column, between grapheme clusters; line breaks are kept. What comes after more than `most`
/// lines is not looked at.
fn wrapped(pieces: &[(&str, Style)], column: usize, most: usize) -> Vec<Cell> {
    let column = column.max(2);
    let mut lines: Vec<Cell> = vec![Vec::new()];
    let mut used = 0;
    for (text, style) in pieces {
        for (number, paragraph) in text.split('\n').enumerate() {
            if number > 0 {
                lines.push(Vec::new());
                used = 0;
            }
            let left = most.saturating_add(1).saturating_sub(lines.len());
            let (text, _) = beginning(paragraph, left.saturating_add(1).saturating_mul(column));
            for word in text.split_word_bounds() {
                let wide = columns(word);
                // Between words, where the word fits a line at all.
                if used > 0 && used + wide > column && wide <= column && !word.trim().is_empty() {
                    lines.push(Vec::new());
                    used = 0;
                }
                if lines.len() > most {
                    return lines;
                }
                if used + wide <= column {
                    used += wide;
                    push(lines.last_mut(), word, *style);
                    continue;
                }
                for cluster in word.graphemes(true) {
                    let wide = cluster.width();
                    if wide > column {
                        continue;
                    }
                    if used + wide > column {
                        lines.push(Vec::new());
                        used = 0;
                    }
                    used += wide;
                    push(lines.last_mut(), cluster, *style);
                }
            }
            if lines.len() > most {
                return lines;
            }
        }
    }
    lines
}

/// One line, begun at a column.
fn scrolled(pieces: &[(&str, Style)], from: usize, column: usize) -> Cell {
    let mut line = Cell::new();
    let (mut place, mut used) = (0, 0);
    for (text, style) in pieces {
        let (text, _) = beginning(text, (from + column).saturating_sub(place));
        for cluster in text.graphemes(true) {
            let wide = cluster.width();
            place += wide;
            if place <= from {
                continue;
            }
            if used + wide > column {
                return line;
            }
            used += wide;
            push(Some(&mut line), cluster, *style);
        }
    }
    line
}

fn push(line: Option<&mut Cell>, cluster: &str, style: Style) {
    let Some(line) = line else { return };
    match line.last_mut() {
        Some((text, last)) if *last == style => text.push_str(cluster),
        _ => line.push((cluster.to_owned(), style)),
    }
}

fn padded(cell: Option<Cell>, column: usize) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (text, style) in cell.into_iter().flatten() {
        used += columns(&text);
        spans.push(Span::styled(text, style));
    }
    spans.push(Span::raw(" ".repeat(column.saturating_sub(used))));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(lines: &[Cell]) -> String {
        lines.iter().flatten().map(|(text, _)| text.as_str()).collect()
    }

    proptest! {
        #[test]
        fn lines_fit_and_nothing_is_left_out(text in "[ab日é ]{0,60}", column in 2_usize..20, from in 0_usize..30) {
            let pieces = [(text.as_str(), Style::new())];
            let lines = wrapped(&pieces, column, usize::MAX);
            for line in &lines {
                prop_assert!(line.iter().map(|(text, _)| columns(text)).sum::<usize>() <= column);
            }
            prop_assert_eq!(joined(&lines), text.as_str());
            let line = scrolled(&pieces, from, column);
            prop_assert!(line.iter().map(|(text, _)| columns(text)).sum::<usize>() <= column);
        }

        #[test]
        fn lines_that_are_not_asked_for_change_nothing(
            text in "[ab日é \n]{0,60}",
            column in 2_usize..20,
            most in 1_usize..5,
        ) {
            let pieces = [(text.as_str(), Style::new())];
            let (all, some) = (wrapped(&pieces, column, usize::MAX), wrapped(&pieces, column, most));
            let same = most.min(all.len());
            prop_assert_eq!(&some[..same], &all[..same]);
            prop_assert_eq!(some.len() > most, all.len() > most);
        }
    }
}
