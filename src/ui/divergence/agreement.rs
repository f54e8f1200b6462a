//! How far the stores agree about neighbours: what there is to see where the spaces cannot be compared.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::divergence::{Asked, Pane};
use crate::point::counted;
use crate::tasks::inspect::Agreement;
use crate::ui::chrome::key_of;
use crate::ui::text::{count, fit, wrap};
use crate::ui::theme::Theme;

/// So many shared neighbours of ten are hardly any.
const LOW: usize = 1;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, why: Option<&str>) {
    // Where nothing can be compared, it stands in the place of the bins, and has their keys.
    let focused = why.is_some() && app.divergence.pane == Pane::Bins;
    let block = theme.pane_with("Shared neighbours of ten", focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let mut lines: Vec<Line<'_>> = Vec::new();
    if let Some(why) = why {
        let text = format!("The two spaces cannot be compared: {why}.");
        lines.extend(
            wrap(&text, width)
                .into_iter()
                .map(|line| Line::styled(line, theme.warn())),
        );
        lines.push(Line::raw(""));
    }
    match &app.divergence.agreement {
        Asked::No => {
            let text = if app.has_points() {
                let key = key_of(app, ActionId::MeasureAgreement);
                format!("{key} compares the ten nearest neighbours of 200 random points in both stores.")
            } else {
                "Nearest neighbours can be compared once there are points in the table.".to_owned()
            };
            lines.extend(
                wrap(&text, width)
                    .into_iter()
                    .map(|line| Line::styled(line, theme.dim())),
            );
        }
        Asked::Waiting => lines.push(Line::styled("comparing neighbours ...", theme.dim())),
        Asked::Failed(error) => {
            lines.extend(
                wrap(error, width)
                    .into_iter()
                    .map(|line| Line::styled(line, theme.bad())),
            );
            let next = format!("{} tries again", key_of(app, ActionId::MeasureAgreement));
            lines.push(Line::styled(fit(&next, width), theme.dim()));
        }
        Asked::Here(agreement) => {
            lines.push(Line::styled(fit(&heading(agreement), width), theme.accent()));
            let rows = (inner.height as usize).saturating_sub(lines.len());
            lines.extend(bars(theme, &groups(&agreement.shared, rows), width));
        }
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The mean of all, in no more columns than the narrowest pane has.
fn heading(agreement: &Agreement) -> String {
    match agreement.mean() {
        None => "no point has both vectors".to_owned(),
        Some(mean) => {
            let points = counted(agreement.sampled, "point", "points");
            format!("{:.1} % shared, mean of {points}", mean * 100.0)
        }
    }
}

/// The points that share so many neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Group {
    least: usize,
    most: usize,
    points: u64,
}

impl Group {
    /// The numbers of neighbours: `10` where each stands alone, `8-10` where there is no room for that.
    fn label(self) -> String {
        if self.most == self.least {
            return self.most.to_string();
        }
        format!("{}-{}", self.least, self.most)
    }

    /// Whether some of its points share hardly any.
    fn is_low(self) -> bool {
        self.points > 0 && self.least <= LOW
    }
}

/// The counts in at most so many groups, the most shared neighbours first.
fn groups(shared: &[u64], rows: usize) -> Vec<Group> {
    let fold = shared.len().div_ceil(rows.max(1)).max(1);
    let numbered: Vec<(usize, u64)> = shared.iter().copied().enumerate().rev().collect();
    numbered
        .chunks(fold)
        .map(|group| Group {
            least: group[group.len() - 1].0,
            most: group[0].0,
            points: group.iter().map(|(_, points)| points).sum(),
        })
        .collect()
}

fn bars(theme: &Theme, groups: &[Group], width: usize) -> Vec<Line<'static>> {
    let most = groups.iter().map(|group| group.points).max().unwrap_or(1).max(1);
    let label_width = groups.iter().map(|group| group.label().len()).max().unwrap_or(0);
    let room = width.saturating_sub(label_width + 3 + 7);
    groups
        .iter()
        .map(|group| {
            let bar = (group.points as f64 / most as f64 * room as f64).round() as usize;
            let bar = if group.points > 0 { bar.max(1) } else { 0 };
            // Not by colour alone.
            let (sign, style) = if group.is_low() {
                ("! ", theme.warn())
            } else {
                ("  ", theme.good())
            };
            Line::from(vec![
                Span::raw(format!("{:>label_width$} ", group.label())),
                Span::styled(sign, style),
                Span::styled(theme.full().repeat(bar), style),
                Span::raw(" ".repeat(room.saturating_sub(bar))),
                Span::raw(format!("{:>7}", count(group.points))),
            ])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_say_which_counts_they_hold_and_the_lowest_are_to_be_looked_at() {
        let shared = [2, 0, 1, 3, 5, 8, 13, 21, 34, 55, 58];
        for (rows, wanted) in [
            (
                5,
                &[
                    ("8-10", 147, false),
                    ("5-7", 42, false),
                    ("2-4", 9, false),
                    ("0-1", 2, true),
                ][..],
            ),
            (2, &[("5-10", 189, false), ("0-4", 11, true)]),
            (0, &[("0-10", 200, true)]),
        ] {
            let groups = groups(&shared, rows);
            let told: Vec<(String, u64, bool)> = groups
                .iter()
                .map(|group| (group.label(), group.points, group.is_low()))
                .collect();
            let wanted: Vec<(String, u64, bool)> = wanted
                .iter()
                .map(|(label, points, low)| ((*label).to_owned(), *points, *low))
                .collect();
            assert_eq!(told, wanted);
        }
        let single = groups(&shared, 11);
        let low: Vec<String> = single
            .iter()
            .filter(|group| group.is_low())
            .map(|group| group.label())
            .collect();
        assert_eq!(
            (single.len(), single[0].label(), low),
            (11, "10".to_owned(), vec!["0".to_owned()])
        );
    }

    #[test]
    fn what_is_shared_is_told_in_the_narrowest_pane() {
        for (points, neighbours, told) in [
            (200, 10, "100.0 % shared, mean of 200 points"),
            (1, 5, "50.0 % shared, mean of 1 point"),
            (0, 10, "no point has both vectors"),
        ] {
            let mut agreement = Agreement {
                sampled: points,
                ..Agreement::default()
            };
            agreement.shared[neighbours] = points;
            let heading = heading(&agreement);
            assert_eq!(heading, told);
            assert!(heading.len() <= 34, "{heading}");
        }
    }
}
