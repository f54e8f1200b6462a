//! The footer: the keys of what has them, a message while there is one, and why it is not faster where that is not seen
//! elsewhere.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::chrome::key_of;
use super::help;
use super::regions;
use super::text::{columns as columns_of, count, fit};
use super::theme::Theme;
use crate::app::actions::{self, Action, ActionId, Motion};
use crate::app::divergence::{Asked, Pane};
use crate::app::editor::Text;
use crate::app::{App, Flash, SIDE_BY_SIDE, Screen};
use crate::tasks::Phase;

/// Columns of a reason below which it says nothing.
const LEAST_REASON: usize = 12;

/// What holds the rate back, where its figure has no room.
const OWN_CAP: &str = "your cap";

/// A key and what it does.
pub(super) struct Hint {
    key: String,
    does: Cow<'static, str>,
    /// Whether it is seen however little room there is.
    kept: bool,
}

impl Hint {
    pub(super) fn new(key: impl Into<String>, does: &'static str) -> Self {
        Self {
            key: key.into(),
            does: does.into(),
            kept: false,
        }
    }

    pub(super) fn kept(self) -> Self {
        Self { kept: true, ..self }
    }

    fn of(app: &App, action: &Action) -> Self {
        Self {
            key: app.keymap.first(action),
            does: does(app, action, action.short),
            kept: is_kept(action.id),
        }
    }

    /// Columns, with a blank on each side and one between.
    fn wide(&self) -> usize {
        self.key.width() + self.does.width() + 3
    }
}

/// What an action does, in its word; of marked failures, to how many: they are not the selected one.
fn does(app: &App, action: &Action, word: &'static str) -> Cow<'static, str> {
    let marked = app.failures.marked() as u64;
    match action.id {
        ActionId::Retry | ActionId::Skip | ActionId::Unskip if marked > 0 && !app.failures.is_in_detail() => {
            format!("{word} {} marked", count(marked)).into()
        }
        ActionId::EmbedAgain | ActionId::KeepSourceVector | ActionId::Accept
            if app.divergence.marked() > 0 && app.divergence.pane != Pane::Detail =>
        {
            // "keep Qdrant's" wants a word between.
            let of = if action.id == ActionId::KeepSourceVector {
                " of"
            } else {
                ""
            };
            format!("{word}{of} {} marked", count(app.divergence.marked() as u64)).into()
        }
        ActionId::Open if app.screen == Screen::Divergence && app.divergence.error().is_some() => "try again".into(),
        ActionId::Open if app.screen == Screen::Diff && app.diff.opens_again() => "again".into(),
        // Which of the two it is.
        ActionId::Fold if app.diff.fold => "unfold".into(),
        ActionId::Wrap if app.diff.wrap => "unwrap".into(),
        ActionId::PauseOrResume if app.phase == Phase::Running => "pause".into(),
        ActionId::PauseOrResume => "resume".into(),
        _ => word.into(),
    }
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let width = area.width as usize;
    let over = over(app, theme, frame.area());
    let is_over = over.is_some();
    let mut hints = over.unwrap_or_else(|| of_screen(app, area.width));
    let mut spans = Vec::new();
    if let Some(flash) = app.flash.as_ref().filter(|flash| !stands_above(app, flash)) {
        // How to leave, and where the other keys are, is seen beside every message.
        hints.retain(|hint| if is_over { hint.kept } else { is_way_out(app, hint) });
        let room = width.saturating_sub(columns(&hints) + 1);
        let text = fit(&format!(" {}", flash.text), room);
        let gap = " ".repeat(width.saturating_sub(columns_of(&text) + columns(&hints)));
        spans.push(Span::styled(text, theme.level(flash.level)));
        spans.push(Span::raw(gap));
        spans.extend(drawn(theme, &hints));
    } else {
        let hints = fitting(hints, width);
        let left = width.saturating_sub(columns(&hints));
        spans.extend(drawn(theme, &hints));
        // Migrate says it itself; and keys come first. Behind the last of them stands a blank already.
        if app.screen != Screen::Migrate
            && !is_over
            && let Some(why) = waiting(app, left.saturating_sub(1))
        {
            spans.push(Span::raw(" ".repeat(left.saturating_sub(columns_of(&why)))));
            spans.push(Span::styled(why, theme.warn()));
        }
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// Whether the screen itself says what a message does: why the work could not begin.
fn stands_above(app: &App, flash: &Flash) -> bool {
    app.screen == Screen::Migrate && matches!(&app.phase, Phase::Failed(reason) if *reason == flash.text)
}

fn columns(hints: &[Hint]) -> usize {
    hints.iter().map(Hint::wide).sum()
}

/// Keys and what they do, as many as there is room for.
pub(super) fn line(theme: &Theme, hints: Vec<Hint>, width: usize) -> Line<'static> {
    Line::from(drawn(theme, &fitting(hints, width)))
}

fn drawn(theme: &Theme, hints: &[Hint]) -> Vec<Span<'static>> {
    let spans = |hint: &Hint| {
        [
            Span::styled(format!(" {}", hint.key), theme.accent()),
            Span::raw(format!(" {} ", hint.does)),
        ]
    };
    hints.iter().flat_map(spans).collect()
}

/// Those there is room for: the first, and in any case those that are kept.
fn fitting(hints: Vec<Hint>, width: usize) -> Vec<Hint> {
    let kept: usize = hints.iter().filter(|hint| hint.kept).map(Hint::wide).sum();
    let mut room = width.saturating_sub(kept);
    let fits = |hint: &Hint| {
        if hint.kept {
            return true;
        }
        let has_room = hint.wide() <= room;
        if has_room {
            room -= hint.wide();
        }
        has_room
    };
    hints.into_iter().filter(fits).collect()
}

/// The keys of what lies over the screen or takes its letters; none where the screen has the keys. A box says its keys
/// nowhere else: they are seen beside every message.
fn over(app: &App, theme: &Theme, screen: Rect) -> Option<Vec<Hint>> {
    if let Some(confirm) = &app.confirm {
        let letters: Vec<String> = confirm
            .choices
            .iter()
            .map(|(_, letter, _)| letter.to_string())
            .collect();
        return Some(vec![
            Hint::new(letters.join(" "), "choose").kept(),
            Hint::new("Enter", "carry out").kept(),
            Hint::new("Esc", "cancel").kept(),
        ]);
    }
    if app.prompt.is_some() {
        return Some(vec![
            Hint::new("Enter", "take").kept(),
            Hint::new("Esc", "leave").kept(),
        ]);
    }
    if let Some(palette) = &app.palette {
        let mut hints = Vec::new();
        if !palette.found.is_empty() {
            hints.push(Hint::new("Up Down", "choose").kept());
            hints.push(Hint::new("Enter", "do it").kept());
        }
        hints.push(Hint::new("Esc", "close").kept());
        return Some(hints);
    }
    if let Some(editor) = &app.failures.editor {
        let mut hints = match editor.text {
            Text::Line(_) => vec![
                Hint::new("Enter", "embed and retry"),
                Hint::new("Alt-Enter", "begin a line"),
            ],
            Text::Lines(_) => vec![Hint::new("Ctrl-S", "embed and retry")],
        };
        hints.push(Hint::new("Esc", "leave").kept());
        return Some(hints);
    }
    if app.failures.typing.is_some() && app.screen == Screen::Failures {
        return Some(vec![
            Hint::new("Enter", "keep the filter"),
            Hint::new("Esc", "show all").kept(),
        ]);
    }
    app.help?;
    let mut hints = Vec::new();
    let [_, _, body, _] = regions(screen);
    if help::hidden(app, theme, body) > 0 {
        let up = key_of(app, ActionId::Move(Motion::Up));
        let down = key_of(app, ActionId::Move(Motion::Down));
        hints.push(Hint::new(format!("{up} {down}"), "scroll").kept());
    }
    hints.push(Hint::new(key_of(app, ActionId::Back), "close").kept());
    Some(hints)
}

/// What can be done on the screen just now, in fewer words where there is no room for all. What cannot is in the help,
/// with the reason.
fn of_screen(app: &App, width: u16) -> Vec<Hint> {
    let is_narrow = width < SIDE_BY_SIDE;
    let is_alone = is_narrow && takes_the_body(app);
    let shown: Vec<&Action> = actions::on(app.screen)
        .filter(|action| (action.in_footer)(app) && (action.available)(app).is_ok())
        .filter(|action| !(is_alone && action.id == ActionId::NextPane))
        .filter(|action| !(is_narrow && gives_way(app, action.id)))
        .collect();
    let mut hints: Vec<Hint> = shown.iter().map(|action| Hint::of(app, action)).collect();
    if columns(&hints) > usize::from(width) {
        for (hint, action) in hints.iter_mut().zip(shown) {
            hint.does = does(app, action, action.brief);
        }
    }
    hints
}

/// Whether something is open that takes the place of the other panes where there is no room beside it.
fn takes_the_body(app: &App) -> bool {
    match app.screen {
        Screen::Divergence => app.divergence.detail != Asked::No,
        Screen::Diff => app.diff.record.is_some(),
        _ => false,
    }
}

/// Whether a key is about the list only, and something is open whose keys need the room.
fn gives_way(app: &App, id: ActionId) -> bool {
    let is_open = app.screen == Screen::Failures && app.failures.detail.is_some();
    is_open && matches!(id, ActionId::Mark | ActionId::RetryAll)
}

/// The ways between panes and out, the palette and help are never crowded out.
fn is_kept(id: ActionId) -> bool {
    matches!(
        id,
        ActionId::Back | ActionId::NextPane | ActionId::Palette | ActionId::Help | ActionId::Quit
    )
}

fn is_way_out(app: &App, hint: &Hint) -> bool {
    [ActionId::Help, ActionId::Quit]
        .into_iter()
        .any(|id| hint.kept && hint.key == key_of(app, id))
}

/// Why it is not faster just now, in at most so many columns; none where there is too little room for it.
fn waiting(app: &App, room: usize) -> Option<String> {
    let waiting = app.snapshot.waiting.as_ref()?;
    let left = waiting
        .left
        .map_or_else(String::new, |left| format!(", {} s", left.as_secs()));
    let room = room.checked_sub(left.len())?;
    // A figure that is cut reads as another one.
    if waiting.cap.is_some() && waiting.reason.width() > room {
        return (room >= OWN_CAP.width()).then(|| OWN_CAP.to_owned() + &left);
    }
    (room >= LEAST_REASON.min(waiting.reason.width())).then(|| fit(&waiting.reason, room) + &left)
}
