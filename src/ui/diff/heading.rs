//! What stands over the fields of a pair: how many differ, why, its vectors, and which store is on which side. And what
//! stands in their place where there are none to be seen.

use ratatui::text::Line;

use super::{Look, bounded, style_of, vectors};
use crate::app::Screen;
use crate::app::actions::ActionId;
use crate::point::diff::{Because, RecordDiff, Verdict};
use crate::tasks::Phase;
use crate::ui::chrome::key_of;
use crate::ui::text::{count, fit, pad, wrap};

/// Vectors that are told of, where there is room: more of them in a higher pane.
const MOST_VECTORS: usize = 6;
/// Lines that vectors leave to the fields.
const KEPT: usize = 5;

pub(super) fn lines(look: Look<'_>, diff: &RecordDiff) -> Vec<Line<'static>> {
    let Look { theme, width, .. } = look;
    let mut lines = Vec::new();
    if diff.verdict != Verdict::MissingInBoth {
        lines.push(Line::styled(fit(&counted(look, diff), width), theme.accent()));
    }
    lines.extend(why(look, diff));
    let above = lines.len();
    lines.extend(of_vectors(look, diff, above));
    if look.beside && look.app.diff.shown(0).is_some() {
        let column = look.half();
        let text = format!("  {}   {}", pad("Qdrant", column), pad("LanceDB", column));
        lines.push(Line::styled(text, theme.dim()));
    }
    lines
}

/// How many fields and vectors differ.
fn counted(look: Look<'_>, diff: &RecordDiff) -> String {
    let (differing, equal) = (look.app.diff.differing(), look.app.diff.equal());
    let folded = if look.app.diff.fold && equal > 0 {
        ", folded"
    } else {
        ""
    };
    let differ = match differing {
        1 => "field differs",
        _ => "fields differ",
    };
    // Of a record with more fields than are compared one by one, this says nothing of the others.
    let compared = if diff.not_shown > 0 { "compared " } else { "" };
    let mut text = format!(
        "{} {compared}{differ}, {} equal{folded}",
        count(differing as u64),
        count(equal as u64)
    );
    if diff.not_shown > 0 {
        text.push_str(&format!(", {} more not compared", count(diff.not_shown as u64)));
    }
    match differing_vectors(diff) {
        0 => {}
        1 => text.push_str(", 1 vector differs"),
        vectors => text.push_str(&format!(", {} vectors differ", count(vectors as u64))),
    }
    text
}

fn differing_vectors(diff: &RecordDiff) -> usize {
    diff.vectors.iter().filter(|(_, vector)| !vector.agrees).count()
}

/// Why the point is missing or differs, as far as there is room, and where more is said of it.
fn why(look: Look<'_>, diff: &RecordDiff) -> Vec<Line<'static>> {
    let Look { app, theme, width, .. } = look;
    let dim = |text: &str| Line::styled(fit(text, width), theme.dim());
    let Some(because) = &diff.because else {
        let may_come = diff.verdict == Verdict::MissingInLancedb && moves_points(&app.phase);
        let said = may_come.then(|| dim("points are still being moved: it may come yet"));
        return said.into_iter().collect();
    };
    let style = style_of(theme, Some(because));
    let text = bounded(&because.to_string(), width, (look.height / 6).max(2));
    let mut lines: Vec<Line<'static>> = text.into_iter().map(|line| Line::styled(line, style)).collect();
    let does = match because {
        Because::Failed(_) => "has the whole of it, and tries it again",
        Because::Skipped(_) => "takes the skip back",
        Because::Edited(_) | Because::Unreadable(_) => return lines,
    };
    let screen = Screen::Failures;
    let key = key_of(app, ActionId::Show(screen));
    lines.push(dim(&format!("{key} ({}) {does}", screen.title())));
    lines
}

/// Whether what a store lacks may still come by itself.
fn moves_points(phase: &Phase) -> bool {
    matches!(
        phase,
        Phase::Running | Phase::Pausing | Phase::Paused | Phase::Stopping | Phase::CatchingUp
    )
}

/// The vectors, where so many lines stand above them.
fn of_vectors(look: Look<'_>, diff: &RecordDiff, above: usize) -> Vec<Line<'static>> {
    let Look { theme, width, .. } = look;
    // What differs first: nothing that does is left out for something that does not.
    let (differing, agreeing): (Vec<_>, Vec<_>) = diff.vectors.iter().partition(|(_, vector)| !vector.agrees);
    let both = matches!(diff.verdict, Verdict::Same | Verdict::Differs);
    let most = (look.height / 2).max(MOST_VECTORS);
    let room = look.height.saturating_sub(above + KEPT);
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut told = 0;
    for (name, vector) in differing.iter().chain(&agreeing).take(most) {
        let drawn = vectors::lines(theme, name, vector, both, width);
        if told > 0 && lines.len() + drawn.len() > room {
            break;
        }
        lines.extend(drawn);
        told += 1;
    }
    let more = diff.vectors.len() - told;
    if more > 0 {
        let hidden = differing.len().saturating_sub(told);
        let vectors = if more == 1 { "vector" } else { "vectors" };
        let differ = match (hidden, more) {
            (0, 1) => "it does not differ".to_owned(),
            (1, 1) => "it differs".to_owned(),
            (0, _) => "none of them differs".to_owned(),
            (1, _) => "1 of them differs".to_owned(),
            (number, _) => format!("{} of them differ", count(number as u64)),
        };
        let style = if hidden > 0 { theme.warn() } else { theme.dim() };
        let text = format!("{} more {vectors} not shown, {differ}", count(more as u64));
        lines.push(Line::styled(fit(&text, width), style));
    }
    lines
}

/// Why there is no field to be seen, what differs all the same, and what to do where that cannot be seen here.
pub(super) fn no_fields(look: Look<'_>, diff: &RecordDiff) -> Vec<Line<'static>> {
    let is_folded = !diff.fields.is_empty();
    let mut text = match (diff.verdict, is_folded, diff.not_shown) {
        (Verdict::MissingInBoth, ..) => "neither store has this point",
        (Verdict::MissingInLancedb, false, _) => "LanceDB lacks this point; in Qdrant it has no fields",
        (Verdict::MissingInQdrant, false, _) => "Qdrant lacks this point; in LanceDB it has no fields",
        (_, false, _) => "there are no fields",
        (_, true, 0) => "every field is equal, types included",
        (_, true, _) => "every compared field is equal, types included",
    }
    .to_owned();
    let mut next = match diff.verdict {
        Verdict::MissingInBoth => Some(format!(
            "{} compares another point",
            key_of(look.app, ActionId::PairById)
        )),
        _ => is_folded.then(|| format!("{} shows the equal fields", key_of(look.app, ActionId::Fold))),
    };
    match differing_vectors(diff) {
        0 if diff.not_shown > 0 && diff.verdict == Verdict::Differs => {
            text.push_str("; what differs is among those that are not compared");
            let copy = key_of(look.app, ActionId::CopyId);
            next = next
                .map(|next| format!("{next}; {copy} copies the id, to look at the point in both stores themselves"));
        }
        0 => {}
        1 => text.push_str("; 1 vector differs"),
        vectors => text.push_str(&format!("; {} vectors differ", count(vectors as u64))),
    }
    let style = match diff.verdict {
        Verdict::Same => look.theme.good(),
        _ => look.theme.warn(),
    };
    let paragraphs = std::iter::once((text, style)).chain(next.map(|next| (next, look.theme.dim())));
    paragraphs
        .flat_map(|(text, style)| {
            let lines = wrap(&text, look.width).into_iter();
            lines.map(move |line| Line::styled(line, style))
        })
        .collect()
}
