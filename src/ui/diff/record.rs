//! One pair: fields aligned by path, changed words lit, types named where they differ, vectors in a few numbers. The
//! selected field is unfolded to all its lines.

use std::collections::VecDeque;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::cell::{Cell, padded, scrolled, wrapped};
use super::{Look, heading};
use crate::app::App;
use crate::app::actions::{ActionId, Motion};
use crate::app::diff::{OpenedKey, OpenedLines, Pane};
use crate::point::diff::{FieldDiff, FieldVerdict, Piece, RecordDiff, type_name};
use crate::ui::chrome::key_of;
use crate::ui::json::preview;
use crate::ui::paint;
use crate::ui::text::{count, fit, pad};
use crate::ui::theme::Theme;

/// Lines that one side of a field may take in any case.
const MOST_LINES: usize = 12;
/// Lines of a side that are counted.
const MOST_COUNTED: usize = 200;
/// Lines of a side that the selected field can be scrolled through.
const MOST_OPENED: usize = 500;
/// Characters of a value that are looked at.
const MOST_CHARS: usize = 4_000;
/// The same of the selected field.
const MOST_CHARS_OPENED: usize = 20_000;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, diff: &RecordDiff, beside: bool) {
    let mut title = format!("Point {}: {}", diff.id, diff.verdict.label());
    if !app.diff.wrap && app.diff.column > 0 {
        title.push_str(&format!(", from column {} on", count(u64::from(app.diff.column) + 1)));
    }
    // The border, and what the pane sets around its title.
    let title = fit(&title, (area.width as usize).saturating_sub(6));
    let mut block = theme.pane_with(&title, app.diff.pane == Pane::Record);
    let fields = app.diff.fields().len();
    if fields > 0 || !diff.vectors.is_empty() {
        block = block.title_bottom(legend(theme, area.width as usize, beside));
    }
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let look = Look::of(app, theme, inner, beside);
    let mut lines = heading::lines(look, diff);
    if fields == 0 {
        lines.extend(heading::no_fields(look, diff));
    }
    let room = room(look, lines.len());
    // Fields from the selected one on, and as many before it as fit: so that it is always seen.
    let selected = app.diff.field().min(fields.saturating_sub(1));
    let mut drawn: VecDeque<Vec<Line<'static>>> = VecDeque::new();
    let mut used = 0;
    let mut next = selected;
    while used < room
        && let Some(shown) = app.diff.shown(next)
    {
        let lines = if next == selected {
            opened(look, shown, room).0
        } else {
            field(look, shown)
        };
        used += lines.len();
        drawn.push_back(lines);
        next += 1;
    }
    let mut before = selected;
    while before > 0
        && used < room
        && let Some(shown) = app.diff.shown(before - 1)
    {
        let lines = field(look, shown);
        if used + lines.len() > room {
            break;
        }
        before -= 1;
        used += lines.len();
        drawn.push_front(lines);
    }
    // One that is cut at the lower edge counts as not seen, but for the selected one.
    let cut = usize::from(used > room && next > selected + 1);
    lines.extend(drawn.into_iter().flatten().take(room));
    lines.extend(elsewhere(look, before, fields - next + cut));
    paint::lines(frame, inner, &lines);
}

/// Lines for the fields: where there are several, one is left to say how many are not seen.
fn room(look: Look<'_>, above: usize) -> usize {
    let kept = usize::from(look.app.diff.fields().len() > 1);
    look.height.saturating_sub(above + kept).max(1)
}

/// Lines that one side of a field takes at most, unless it is selected: stacked, the two share the pane.
fn most_lines(look: Look<'_>) -> usize {
    let share = if look.beside { 2 } else { 4 };
    (look.height / share).clamp(MOST_LINES, MOST_COUNTED / 2)
}

/// What the signs before fields and vectors mean, for the lower border.
fn legend(theme: &Theme, width: usize, beside: bool) -> Span<'static> {
    let text = if beside {
        " ~ changed, t type, < Qdrant only, > LanceDB only "
    } else {
        " Q Qdrant, L LanceDB; ~ changed, t type, < Q only, > L only "
    };
    Span::styled(fit(text, width.saturating_sub(2)), theme.dim())
}

/// How many fields there is no room for.
fn elsewhere(look: Look<'_>, above: usize, below: usize) -> Option<Line<'static>> {
    let text = match (above, below) {
        (0, 0) => return None,
        (above, 0) => format!("... {} more above", count(above as u64)),
        (0, below) => format!("... {} more below", count(below as u64)),
        (above, below) => format!("... {} more above, {} below", count(above as u64), count(below as u64)),
    };
    Some(Line::styled(fit(&text, look.width), look.theme.accent()))
}

/// How many lines of the selected field lie below what is seen of it unscrolled.
pub(super) fn hidden(app: &App, theme: &Theme, area: Rect, diff: &RecordDiff, beside: bool) -> usize {
    let look = Look::of(app, theme, theme.pane("").inner(area), beside);
    let room = room(look, heading::lines(look, diff).len());
    app.diff.selected_field().map_or(0, |field| opened(look, field, room).1)
}

/// The selected field: all its lines, or as many as there is room for, scrolled. And how many are not seen.
///
/// Stacked sides share the room and are scrolled together, so that what stands at one place stays comparable.
fn opened(look: Look<'_>, shown: &FieldDiff, room: usize) -> (Vec<Line<'static>>, usize) {
    let known = lines_of_opened(look, shown);
    let heights = known.sides.into_iter().flatten();
    let mut lines = vec![path(look, shown, true)];
    let below = room.saturating_sub(1).max(1);
    let total: usize = heights.clone().sum();
    if total <= below {
        let (sides, _) = sides(look, shown, Some(total));
        lines.extend(sides.into_iter().flat_map(|side| side.lines(look, 0, usize::MAX)));
        return (lines, 0);
    }
    let all = heights.clone().max().unwrap_or(0);
    // One line of the room says which ones are seen.
    let seen = share(below - 1, heights.clone().count(), total - all).min(all);
    let hidden = all - seen;
    let skip = usize::from(look.app.diff.line).min(hidden);
    // Of what lies below what is seen nothing is made.
    let (sides, _) = sides(look, shown, Some(skip + seen));
    for (side, height) in sides.into_iter().zip(heights) {
        // The shorter one stays at its end.
        let skip = skip.min(height.saturating_sub(seen));
        lines.extend(side.lines(look, skip, seen));
    }
    let key = |motion| key_of(look.app, ActionId::Move(motion));
    let note = format!(
        "  lines {} to {} of {}{}; {} and {} scroll",
        count(skip as u64 + 1),
        count((skip + seen) as u64),
        if known.whole { "" } else { "more than " },
        count(all as u64),
        key(Motion::Right),
        key(Motion::Left)
    );
    lines.push(Line::styled(fit(&note, look.width), look.theme.dim()));
    (lines, hidden)
}

/// How many lines the selected field has. To count them takes longer than to draw those that are seen.
fn lines_of_opened(look: Look<'_>, shown: &FieldDiff) -> OpenedLines {
    let diff = &look.app.diff;
    let key = OpenedKey {
        field: diff.field(),
        fold: diff.fold,
        wrap: diff.wrap,
        width: look.width,
        beside: look.beside,
    };
    diff.opened.get(key, || {
        let (sides, whole) = sides(look, shown, Some(MOST_OPENED));
        let mut heights = sides.iter().map(|side| side.rows.len());
        OpenedLines {
            sides: [heights.next(), heights.next()],
            whole,
        }
    })
}

/// How many of so many lines the longest of the sides gets, where the other one has `other`: half of them, or what that
/// leaves.
fn share(lines: usize, sides: usize, other: usize) -> usize {
    let share = match sides {
        0 | 1 => lines,
        _ if other <= lines / 2 => lines - other,
        _ => lines / 2,
    };
    share.max(1)
}

/// The lines of a field that is not selected: its path, then both sides.
fn field(look: Look<'_>, field: &FieldDiff) -> Vec<Line<'static>> {
    let (sides, _) = sides(look, field, None);
    let mut lines = vec![path(look, field, false)];
    lines.extend(sides.into_iter().flat_map(|side| side.lines(look, 0, usize::MAX)));
    lines
}

/// A field's path, with how it differs.
fn path(look: Look<'_>, field: &FieldDiff, selected: bool) -> Line<'static> {
    let Look { theme, width, .. } = look;
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
    Line::styled(pad(&path, width), style)
}

/// What stands under a field's path: both sides beside each other, or one of two that stack.
struct Side {
    /// What stands before the first line that is seen, and before the others.
    before: [&'static str; 2],
    rows: Vec<Vec<Span<'static>>>,
}

impl Side {
    /// The lines after the first `skip`, at most so many; the first that is seen names the store.
    fn lines(self, look: Look<'_>, skip: usize, most: usize) -> Vec<Line<'static>> {
        let [first, other] = self.before;
        let rows = self.rows.into_iter().skip(skip).take(most).enumerate();
        rows.map(|(row, spans)| {
            let before = Span::styled(if row == 0 { first } else { other }, look.theme.dim());
            let line: Vec<Span<'static>> = std::iter::once(before).chain(spans).collect();
            Line::from(line)
        })
        .collect()
    }
}

/// Both sides of a field, and whether they are all of it. Of the selected one `opened` says how many lines of each are
/// wanted.
fn sides(look: Look<'_>, field: &FieldDiff, opened: Option<usize>) -> (Vec<Side>, bool) {
    let Look { theme, width, .. } = look;
    if look.beside {
        let column = look.half();
        let (left, left_whole) = cell(look, field, true, column, opened);
        let (right, right_whole) = cell(look, field, false, column, opened);
        let height = left.len().max(right.len());
        let (mut left, mut right) = (left.into_iter(), right.into_iter());
        let rows = (0..height).map(|_| {
            let mut spans = padded(left.next(), column);
            spans.push(Span::styled(" | ", theme.dim()));
            spans.extend(padded(right.next(), column));
            spans
        });
        let both = Side {
            before: ["  ", "  "],
            rows: rows.collect(),
        };
        return (vec![both], left_whole && right_whole);
    }
    // Too narrow for two sides: one below the other, each with its store; of what is equal only one.
    let column = width.saturating_sub(4);
    let stacked: &[(&'static str, bool)] = match field.verdict {
        FieldVerdict::Same => &[("    ", true)],
        _ => &[(" Q  ", true), (" L  ", false)],
    };
    let mut all = true;
    let mut sides = Vec::new();
    for (letter, left) in stacked {
        let (cells, whole) = cell(look, field, *left, column, opened);
        all &= whole;
        sides.push(Side {
            before: [*letter, "    "],
            rows: cells.into_iter().map(|cell| padded(Some(cell), column)).collect(),
        });
    }
    (sides, all)
}

/// One side of a field as lines, and whether they are all of it. Of one that is not selected only the first are told,
/// with how many more there are.
fn cell(look: Look<'_>, field: &FieldDiff, left: bool, column: usize, opened: Option<usize>) -> (Vec<Cell>, bool) {
    let Look { app, theme, .. } = look;
    let value = if left { &field.qdrant } else { &field.lancedb };
    let most = if opened.is_some() {
        MOST_CHARS_OPENED
    } else {
        MOST_CHARS
    };
    let whole;
    let (pieces, cut): (Vec<(&str, Style)>, bool) = match (&field.words, value) {
        (_, None) => (vec![("(missing)", theme.dim())], false),
        (_, Some(Value::Null)) => (vec![("null", theme.dim())], false),
        (Some((qdrant, lancedb)), Some(_)) => {
            let pieces = if left { qdrant } else { lancedb };
            // An excerpt has no more than this, and ends without a word.
            let texts = pieces.iter().filter(|piece| !piece.left_out);
            let length: usize = texts.map(|piece| piece.text.chars().count()).sum();
            (
                pieces.iter().map(|piece| lit(theme, piece)).collect(),
                length >= MOST_CHARS,
            )
        }
        (None, Some(value)) => {
            let cut = matches!(value, Value::String(text) if text.chars().nth(most).is_some());
            whole = preview(value, most);
            (vec![(whole.as_str(), Style::new())], cut)
        }
    };
    if !app.diff.wrap {
        return (vec![unwrapped(look, &pieces, value.as_ref(), column)], true);
    }
    let counted = opened.unwrap_or(MOST_COUNTED);
    let mut lines = wrapped(&pieces, column, counted);
    let all = lines.len() <= counted && !cut;
    lines.truncate(counted);
    let most = most_lines(look);
    if opened.is_none() && lines.len() > most {
        let kept = most - 1;
        let more = count((lines.len() - kept) as u64);
        let text = format!("... {more}{} more lines; select to read", if all { "" } else { "+" });
        lines.truncate(kept);
        lines.push(vec![(fit(&text, column), theme.dim())]);
    }
    (lines, all)
}

/// A side in one line, begun at the column that is scrolled to, with a sign where something lies before or behind it.
/// What stands for no value is no text to scroll: it would look as an empty one does.
fn unwrapped(look: Look<'_>, pieces: &[(&str, Style)], value: Option<&Value>, column: usize) -> Cell {
    let stays = matches!(value, None | Some(Value::Null)) || pieces.iter().all(|(text, _)| text.is_empty());
    let from = if stays { 0 } else { usize::from(look.app.diff.column) };
    let cut = || ("~".to_owned(), look.theme.dim());
    let mut line: Cell = (from > 0).then(cut).into_iter().collect();
    let room = column.saturating_sub(usize::from(from > 0));
    let (text, is_all) = scrolled(pieces, from, room);
    if is_all {
        line.extend(text);
    } else {
        line.extend(scrolled(pieces, from, room.saturating_sub(1)).0);
        line.push(cut());
    }
    line
}

fn lit<'a>(theme: &Theme, piece: &'a Piece) -> (&'a str, Style) {
    let style = match piece {
        Piece { changed: true, .. } => theme.changed(),
        Piece { left_out: true, .. } => theme.dim(),
        _ => Style::new(),
    };
    (piece.text.as_str(), style)
}
