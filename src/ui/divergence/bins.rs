//! The histogram with its bins to walk through and the threshold among them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::divergence::Bin;
use crate::point::counted;
use crate::ui::paint;
use crate::ui::text::{count, fit, pad};
use crate::ui::theme::Theme;

/// How many bins are left out from the top because a pane of this inner height cannot show them: those of the good
/// ones, unless the chosen bin is among them.
pub(in crate::ui) fn hidden(app: &App, height: usize, bins: &[Bin]) -> usize {
    let footing = 1 + usize::from(app.snapshot.similarities.incomparable() > 0);
    let room = height.saturating_sub(1 + footing).max(1);
    let chosen = bins.iter().position(|bin| app.divergence.is_chosen(*bin));
    bins.len().saturating_sub(room).min(chosen.unwrap_or(usize::MAX))
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, focused: bool) {
    let scale = if app.divergence.logarithmic { "log" } else { "linear" };
    let zoomed = if app.divergence.is_zoomed() { ", zoomed" } else { "" };
    let block = theme.pane_with(&format!("Similarity ({scale} counts{zoomed})"), focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let histogram = &app.snapshot.similarities;
    let bins = app.divergence.bins(histogram, app.threshold);
    if bins.is_empty() {
        let text = match histogram.incomparable() {
            0 => "nothing compared yet".to_owned(),
            rows => format!("{}, none of which can be compared", counted(rows, "row", "rows")),
        };
        frame.render_widget(Paragraph::new(fit(&text, width)).style(theme.dim()), inner);
        return;
    }
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
    let all = app.divergence.chosen_bin().is_none();
    let footing = footing(app, theme, width);
    let room = (inner.height as usize).saturating_sub(1 + footing.len());
    let hidden = hidden(app, inner.height as usize, &bins);
    let heading = heading(histogram.compared(), &bins, hidden, room);
    let mut lines = vec![Line::styled(pad(&heading, width), chosen(theme, all, focused))];
    for bin in bins.iter().skip(hidden).take(room) {
        let is_chosen = app.divergence.is_chosen(*bin);
        lines.push(line(app, theme, *bin, most, width, chosen(theme, is_chosen, focused)));
    }
    lines.extend(footing);
    paint::lines(frame, inner, &lines);
}

/// The choice of all, with how many points lie in bins that there is no room for.
fn heading(compared: u64, bins: &[Bin], hidden: usize, room: usize) -> String {
    let points = |bins: &[Bin]| bins.iter().map(|bin| bin.count).sum::<u64>();
    let end = (hidden + room).min(bins.len());
    let mut text = format!("all {} compared", count(compared));
    for (points, place) in [(points(&bins[..hidden]), "above"), (points(&bins[end..]), "below")] {
        if points > 0 {
            text.push_str(&format!("; {} {place}", count(points)));
        }
    }
    text
}

fn chosen(theme: &Theme, is_chosen: bool, focused: bool) -> Style {
    match (is_chosen, focused) {
        (true, true) => theme.selected(),
        (true, false) => theme.selected_elsewhere(),
        (false, _) => Style::new(),
    }
}

/// The length of a bar in columns; something is never drawn as nothing.
fn length(number: u64, most: u64, room: usize, logarithmic: bool) -> usize {
    if number == 0 {
        return 0;
    }
    let share = if logarithmic {
        (number as f64 + 1.0).ln() / (most as f64 + 1.0).ln()
    } else {
        number as f64 / most as f64
    };
    ((share * room as f64).round() as usize).clamp(1, room.max(1))
}

fn line(app: &App, theme: &Theme, bin: Bin, most: u64, width: usize, style: Style) -> Line<'static> {
    let below = bin.band.from < app.threshold - 1e-6;
    let crossed = below && app.threshold < bin.band.to - 1e-6;
    // Not by colour alone: a letter says which side of the threshold a bin is on.
    let side = match (below, crossed) {
        (_, true) => '<',
        (true, false) => 'd',
        (false, false) => ' ',
    };
    let room = width.saturating_sub(8 + 2 + 9);
    let bar = length(bin.count, most, room, app.divergence.logarithmic);
    let color = if below { theme.warn() } else { theme.good() };
    Line::from(vec![
        Span::styled(format!("{:>7.4} ", bin.band.from), style),
        Span::styled(format!("{side} "), theme.warn()),
        Span::styled(theme.full().repeat(bar), color),
        Span::raw(" ".repeat(room.saturating_sub(bar))),
        Span::styled(format!("{:>9}", count(bin.count)), style),
    ])
}

fn footing(app: &App, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let histogram = &app.snapshot.similarities;
    let divergent = app.divergent();
    let share = divergent as f64 / histogram.compared().max(1) as f64 * 100.0;
    let mut lines = vec![Line::styled(
        fit(
            // What the letter beside the bins means, and how many points they hold.
            &format!("d = below {:.3}: {} ({share:.1} %)", app.threshold, count(divergent)),
            width,
        ),
        theme.warn(),
    )];
    if histogram.incomparable() > 0 {
        let text = format!(
            "{} cannot be compared",
            counted(histogram.incomparable(), "row", "rows")
        );
        lines.push(Line::styled(fit(&text, width), theme.dim()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_bins_without_room_is_counted() {
        use crate::lance::browse::Band;

        let bins: Vec<Bin> = [88_000, 5_300, 0, 700, 3]
            .into_iter()
            .map(|count| Bin { band: Band::ALL, count })
            .collect();
        assert_eq!(heading(94_003, &bins, 0, 5), "all 94,003 compared");
        assert_eq!(heading(94_003, &bins, 2, 5), "all 94,003 compared; 93,300 above");
        assert_eq!(
            heading(94_003, &bins, 1, 3),
            "all 94,003 compared; 88,000 above; 3 below"
        );
        assert_eq!(heading(94_003, &bins, 0, 2), "all 94,003 compared; 703 below");
    }

    #[test]
    fn bars_are_never_nothing_and_never_too_long() {
        for logarithmic in [false, true] {
            assert_eq!(length(0, 100, 20, logarithmic), 0);
            assert_eq!(length(1, 1_000_000, 20, logarithmic), 1);
            assert_eq!(length(100, 100, 20, logarithmic), 20);
        }
        assert!(length(10, 100, 20, true) > length(10, 100, 20, false));
    }
}
