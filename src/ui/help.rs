//! Help for the screen that is shown, from the registry of actions.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::list;
use super::overlay;
use super::paint;
use super::text::{pad, wrap};
use super::theme::Theme;
use crate::app::actions::{self, Action, ActionId, Motion};
use crate::app::{App, Screen};

/// Columns of the keys, with the blank behind them.
const KEYS: usize = 14;
/// Columns at most.
const WIDE: u16 = 116;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, scroll: u16) {
    let lines = lines(app, theme, area);
    let place = place(area, lines.len());
    frame.render_widget(Clear, place);
    let mut block = theme.pane_with(&format!("Help: {}", app.screen.title()), true);
    let inner = block.inner(place);
    let height = inner.height as usize;
    let skip = (scroll as usize).min(lines.len().saturating_sub(height));
    if let Some(beyond) = list::beyond(skip as u64, lines.len() as u64, height as u64) {
        block = block.title_bottom(Line::styled(format!(" {beyond} "), theme.dim()));
    }
    frame.render_widget(block, place);
    paint::lines(frame, inner, &lines[skip..]);
}

/// Where so many lines stand.
fn place(area: Rect, lines: usize) -> Rect {
    let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(2);
    overlay::place(area, WIDE, height)
}

/// How many lines lie below what is seen of them unscrolled.
pub(super) fn hidden(app: &App, theme: &Theme, area: Rect) -> usize {
    let lines = lines(app, theme, area).len();
    lines.saturating_sub(theme.pane("").inner(place(area, lines)).height as usize)
}

/// What help says, as wide as it is in this area: every sentence in full, with why an action does not apply.
fn lines(app: &App, theme: &Theme, area: Rect) -> Vec<Line<'static>> {
    let inner = theme.pane("").inner(place(area, 0)).width as usize;
    let width = inner.saturating_sub(KEYS);
    let mut lines = Vec::new();
    for (keys, text, usable) in rows(app) {
        let (of_keys, of_text) = if usable {
            (theme.accent(), Style::new())
        } else {
            (theme.dim(), theme.dim())
        };
        let (keys, texts) = (columns_of(&keys), wrap(&text, width));
        for at in 0..keys.len().max(texts.len()) {
            let part = |parts: &[String]| parts.get(at).cloned().unwrap_or_default();
            lines.push(Line::from(vec![
                Span::styled(pad(&part(&keys), KEYS), of_keys),
                Span::styled(part(&texts), of_text),
            ]));
        }
    }
    lines
}

/// Keys one after the other, on as many lines as they need.
fn columns_of(keys: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for key in keys {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + key.len() < KEYS => {
                line.push(' ');
                line.push_str(key);
            }
            _ => lines.push(key.clone()),
        }
    }
    lines
}

/// Keys, text and whether it can be used now, the screen's own first; ways through a list share a row, and so do the
/// screens.
fn rows(app: &App) -> Vec<(Vec<String>, String, bool)> {
    let mut rows: Vec<(Vec<String>, String, bool)> = Vec::new();
    let (mut motions, mut screens) = (None, None);
    let (own, everywhere): (Vec<_>, Vec<_>) = actions::on(app.screen).partition(|action| is_own(action, app.screen));
    for action in own.into_iter().chain(everywhere) {
        let why = (action.available)(app).err();
        let told = |text: String| match why {
            Some(why) => format!("{text} (not now: {why})"),
            None => text,
        };
        let shared = match action.id {
            ActionId::Move(Motion::Left | Motion::Right) => None,
            ActionId::Move(_) => Some((&mut motions, "Move in the list.")),
            ActionId::Show(_) => Some((&mut screens, "Show a screen.")),
            _ => None,
        };
        if let Some((place, text)) = shared {
            let row = *place.get_or_insert_with(|| {
                rows.push((Vec::new(), told(text.to_owned()), why.is_none()));
                rows.len() - 1
            });
            // The first key of each: the others are a matter of habit.
            rows[row].0.push(app.keymap.first(action));
            continue;
        }
        let text = told(action.sentence_on(app.screen));
        rows.push((app.keymap.keys(action), text, why.is_none()));
    }
    rows
}

/// Whether an action belongs to a screen before others: pausing holds everywhere, and belongs where the work is.
fn is_own(action: &Action, screen: Screen) -> bool {
    !action.screens.is_empty() || action.id == ActionId::PauseOrResume && screen == Screen::Migrate
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_take_as_many_lines_as_they_need() {
        let lines = |keys: &str| columns_of(&keys.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(lines("1 2 3 4 5 6 7"), ["1 2 3 4 5 6 7"]);
        assert_eq!(lines("Down Up PgDn PgUp g G"), ["Down Up PgDn", "PgUp g G"]);
        assert_eq!(lines("Shift-Tab"), ["Shift-Tab"]);
        assert_eq!(columns_of(&[]), [""; 0]);
    }
}
