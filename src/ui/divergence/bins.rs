//! The histogram with its bins to walk through and the threshold among them.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::divergence::Bin;
use crate::point::{Histogram, counted};
use crate::ui::paint;
use crate::ui::text::{columns, count, fit, pad};
use crate::ui::theme::Theme;

/// Columns of a bin's lower edge and its letter, and of how many points lie in it.
const LABEL: usize = 8 + 2;
const NUMBER: usize = 9;

/// How many bins are left out from the top because a pane of this inner height cannot show them: those of the good
/// ones, unless the chosen bin is among them.
pub(in crate::ui) fn hidden(app: &App, height: usize, bins: &[Bin]) -> usize {
    let incomparable = app.snapshot.similarities.incomparable() > 0;
    let footing = 1 + usize::from(is_crossed(app, bins)) + usize::from(incomparable);
    let room = height.saturating_sub(1 + footing).max(1);
    let chosen = bins.iter().position(|bin| app.divergence.is_chosen(*bin));
    bins.len().saturating_sub(room).min(chosen.unwrap_or(usize::MAX))
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, focused: bool) {
    // The border, and what the pane sets around its title.
    let title = title(app, (area.width as usize).saturating_sub(6));
    let block = theme.pane_with(&title, focused);
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
    let footing = footing(app, theme, &bins, width);
    let room = (inner.height as usize).saturating_sub(1 + footing.len());
    let hidden = hidden(app, inner.height as usize, &bins);
    let outside = outside(histogram, &bins);
    let heading = heading(histogram.compared(), outside, (&bins[..], hidden, room), width);
    let bars = Bars::new(theme, width.saturating_sub(LABEL + NUMBER));
    let mut lines = vec![Line::styled(pad(&heading, width), chosen(theme, all, focused))];
    for bin in bins.iter().skip(hidden).take(room) {
        let style = chosen(theme, app.divergence.is_chosen(*bin), focused);
        let length = length(bin.count, most, bars.room, app.divergence.logarithmic);
        lines.push(line(app, theme, *bin, bars.of(length), style));
    }
    lines.extend(footing);
    paint::lines(frame, inner, &lines);
}

/// The pane's title in so many columns.
fn title(app: &App, room: usize) -> String {
    let scale = if app.divergence.logarithmic { "log" } else { "linear" };
    let zoomed = if app.divergence.is_zoomed() { ", zoomed" } else { "" };
    let full = format!("Similarity ({scale} counts{zoomed})");
    if columns(&full) <= room {
        return full;
    }
    fit(&format!("Similarity ({scale}{zoomed})"), room)
}

/// How many points lie above the highest bin and below the lowest: some do while one of the bins is zoomed into.
fn outside(histogram: &Histogram, bins: &[Bin]) -> [u64; 2] {
    let below = bins.last().map_or(0, |lowest| histogram.below(lowest.band.from));
    [histogram.compared().saturating_sub(below + points(bins)), below]
}

fn points(bins: &[Bin]) -> u64 {
    bins.iter().map(|bin| bin.count).sum()
}

/// The choice of all in so many columns, with how many points are not drawn: those outside the bins, and those in bins
/// that there is no room for.
fn heading(compared: u64, [above, below]: [u64; 2], drawn: (&[Bin], usize, usize), width: usize) -> String {
    let (bins, hidden, room) = drawn;
    let end = (hidden + room).min(bins.len());
    let mut more = String::new();
    for (points, place) in [
        (above + points(&bins[..hidden]), "above"),
        (below + points(&bins[end..]), "below"),
    ] {
        if points > 0 {
            more.push_str(&format!("; {} {place}", count(points)));
        }
    }
    let all = format!("all {}", count(compared));
    let full = format!("{all} compared{more}");
    if columns(&full) <= width {
        return full;
    }
    format!("{all}{more}")
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

/// The longest bar and the blanks behind the shortest: every other is cut from them.
struct Bars {
    full: String,
    blank: String,
    /// Bytes of a cell of the bar.
    cell: usize,
    /// Columns of both together.
    room: usize,
}

impl Bars {
    fn new(theme: &Theme, room: usize) -> Self {
        Self {
            full: theme.full().repeat(room),
            blank: " ".repeat(room),
            cell: theme.full().len(),
            room,
        }
    }

    /// A bar of so many columns, and the blanks behind it.
    fn of(&self, length: usize) -> (&str, &str) {
        let length = length.min(self.room);
        (&self.full[..length * self.cell], &self.blank[length..])
    }
}

/// Which side of the threshold a bin lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// At it, or above.
    Above,
    /// Below: what is in it diverges.
    Below,
    /// It lies within the bin: between two steps of the histogram, where none can end.
    Within,
}

impl Side {
    fn of(bin: Bin, threshold: f32) -> Self {
        match (bin.band.from < threshold - 1e-6, threshold < bin.band.to - 1e-6) {
            (false, _) => Self::Above,
            (true, false) => Self::Below,
            (true, true) => Self::Within,
        }
    }

    /// Not by colour alone: the letter that says it.
    fn letter(self) -> &'static str {
        match self {
            Self::Above => "  ",
            Self::Below => "d ",
            Self::Within => "< ",
        }
    }
}

/// Whether the threshold lies within one of the bins.
fn is_crossed(app: &App, bins: &[Bin]) -> bool {
    bins.iter().any(|bin| Side::of(*bin, app.threshold) == Side::Within)
}

fn line<'a>(app: &App, theme: &Theme, bin: Bin, (bar, blank): (&'a str, &'a str), style: Style) -> Line<'a> {
    let side = Side::of(bin, app.threshold);
    let color = match side {
        Side::Above => theme.good(),
        Side::Below | Side::Within => theme.warn(),
    };
    Line::from(vec![
        Span::styled(format!("{:>7.4} ", bin.band.from), style),
        Span::styled(side.letter(), theme.warn()),
        Span::styled(bar, color),
        Span::raw(blank),
        Span::styled(format!("{:>NUMBER$}", count(bin.count)), style),
    ])
}

/// A threshold with three digits behind the point, or with as many as it has.
fn spelled(threshold: f32) -> String {
    let short = format!("{threshold:.3}");
    let is_all = short.parse::<f32>().is_ok_and(|said| (said - threshold).abs() < 1e-6);
    if is_all {
        return short;
    }
    format!("{threshold:.6}").trim_end_matches('0').to_owned()
}

fn footing(app: &App, theme: &Theme, bins: &[Bin], width: usize) -> Vec<Line<'static>> {
    let histogram = &app.snapshot.similarities;
    let divergent = app.divergent();
    let share = divergent as f64 / histogram.compared().max(1) as f64 * 100.0;
    let mut lines = vec![Line::styled(
        fit(
            // What the letter beside the bins means, and how many points they hold.
            &format!(
                "d = below {}: {} ({share:.1} %)",
                spelled(app.threshold),
                count(divergent)
            ),
            width,
        ),
        theme.warn(),
    )];
    if is_crossed(app, bins) {
        let text = "< = the threshold is in this bin";
        lines.push(Line::styled(fit(text, width), theme.warn()));
    }
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
        for (outside, hidden, room, width, text) in [
            ([0, 0], 0, 5, 34, "all 94,003 compared"),
            ([0, 0], 2, 5, 34, "all 94,003 compared; 93,300 above"),
            ([0, 0], 1, 3, 60, "all 94,003 compared; 88,000 above; 3 below"),
            ([0, 0], 1, 3, 34, "all 94,003; 88,000 above; 3 below"),
            ([0, 0], 0, 2, 34, "all 94,003 compared; 703 below"),
            ([0, 40], 0, 5, 34, "all 94,003 compared; 40 below"),
            ([7, 40], 1, 3, 60, "all 94,003 compared; 88,007 above; 43 below"),
        ] {
            assert_eq!(heading(94_003, outside, (&bins[..], hidden, room), width), text);
        }
    }

    #[test]
    fn what_lies_outside_the_bins_is_counted() {
        use crate::lance::browse::Band;
        use crate::point::Similarity;

        let mut histogram = Histogram::default();
        for value in [1.0, 1.0, 0.985, 0.97, 0.85] {
            histogram.record(Similarity::new(value));
        }
        for (from, to, counted) in [(0.8, 2.0, [0, 0]), (0.98, 2.0, [0, 2]), (0.96, 0.99, [2, 1])] {
            let bin = Bin {
                band: Band { from, to },
                count: histogram.between(from, to),
            };
            assert_eq!(outside(&histogram, &[bin]), counted, "{from} to {to}");
        }
    }

    #[test]
    fn a_threshold_is_spelled_as_it_is() {
        for (threshold, text) in [
            (0.98, "0.980"),
            (1.0, "1.000"),
            (-0.25, "-0.250"),
            (0.9805, "0.9805"),
            (0.980_123, "0.980123"),
        ] {
            assert_eq!(spelled(threshold), text);
        }
    }

    #[test]
    fn every_bar_is_cut_from_one() {
        for ascii in [false, true] {
            let theme = Theme {
                color: false,
                ascii,
                covered: false,
            };
            let bars = Bars::new(&theme, 12);
            for (length, cells) in [(0, 0), (1, 1), (12, 12), (13, 12)] {
                let (bar, blank) = bars.of(length);
                assert_eq!((bar, blank.len()), (&*theme.full().repeat(cells), 12 - cells));
            }
        }
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
