//! How far the stores agree about neighbours: what there is to see where the spaces cannot be compared.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::divergence::{Asked, Pane};
use crate::ui::chrome::key_of;
use crate::ui::text::{count, fit, wrap};
use crate::ui::theme::Theme;

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
            let text = format!(
                "{} compares the ten nearest neighbours of 200 random points in both stores.",
                key_of(app, ActionId::MeasureAgreement)
            );
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
            let mean = agreement
                .mean()
                .map_or_else(|| "-".to_owned(), |mean| format!("{:.1} %", mean * 100.0));
            let heading = format!("mean {mean} of {} sampled", count(agreement.sampled));
            lines.push(Line::styled(fit(&heading, width), theme.accent()));
            let rows = (inner.height as usize).saturating_sub(lines.len());
            lines.extend(bars(theme, &groups(&agreement.shared, rows), width));
        }
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The counts in at most so many groups, the most shared neighbours first, each with the numbers of neighbours that it
/// is about: `10` where each stands alone, `8-10` where there is no room for that.
fn groups(shared: &[u64], rows: usize) -> Vec<(String, u64)> {
    let fold = shared.len().div_ceil(rows.max(1)).max(1);
    let numbered: Vec<(usize, u64)> = shared.iter().copied().enumerate().rev().collect();
    numbered
        .chunks(fold)
        .map(|group| {
            let (most, least) = (group[0].0, group[group.len() - 1].0);
            let label = if most == least {
                most.to_string()
            } else {
                format!("{least}-{most}")
            };
            (label, group.iter().map(|(_, points)| points).sum())
        })
        .collect()
}

fn bars(theme: &Theme, groups: &[(String, u64)], width: usize) -> Vec<Line<'static>> {
    let most = groups.iter().map(|(_, points)| *points).max().unwrap_or(1).max(1);
    let label_width = groups.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    let room = width.saturating_sub(label_width + 1 + 7);
    groups
        .iter()
        .map(|(label, points)| {
            let bar = (*points as f64 / most as f64 * room as f64).round() as usize;
            let bar = if *points > 0 { bar.max(1) } else { 0 };
            Line::from(vec![
                Span::raw(format!("{label:>label_width$} ")),
                Span::styled(theme.full().repeat(bar), theme.good()),
                Span::raw(" ".repeat(room.saturating_sub(bar))),
                Span::raw(format!("{:>7}", count(*points))),
            ])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_say_which_counts_they_hold() {
        let shared = [2, 0, 1, 3, 5, 8, 13, 21, 34, 55, 58];
        let single = groups(&shared, 11);
        assert_eq!((single.len(), single[0].clone()), (11, ("10".to_owned(), 58)));
        let folded: [(&str, u64); 4] = [("8-10", 147), ("5-7", 42), ("2-4", 9), ("0-1", 2)];
        assert_eq!(
            groups(&shared, 5),
            folded.map(|(label, points)| (label.to_owned(), points))
        );
        assert_eq!(groups(&shared, 0), [("0-10".to_owned(), 200_u64)]);
    }
}
