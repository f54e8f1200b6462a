//! How far the stores agree about neighbours: what there is to see where the spaces cannot be compared.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::divergence::Asked;
use crate::ui::chrome::key_of;
use crate::ui::text::{count, fit, wrap};
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, why: Option<&str>) {
    let block = theme.pane("Shared neighbours of ten");
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
        Asked::Failed(error) => lines.extend(
            wrap(error, width)
                .into_iter()
                .map(|line| Line::styled(line, theme.bad())),
        ),
        Asked::Here(agreement) => {
            let mean = agreement
                .mean()
                .map_or_else(|| "-".to_owned(), |mean| format!("{:.1} %", mean * 100.0));
            let heading = format!("mean {mean} of {} sampled", count(agreement.sampled));
            lines.push(Line::styled(fit(&heading, width), theme.accent()));
            let most = agreement.shared.iter().copied().max().unwrap_or(1).max(1);
            let room = width.saturating_sub(3 + 7);
            // What does not fit is folded into fewer lines: pairs of counts.
            let rows = (inner.height as usize).saturating_sub(lines.len()).max(1);
            let fold = agreement.shared.len().div_ceil(rows);
            for chunk in (0..agreement.shared.len()).rev().collect::<Vec<_>>().chunks(fold) {
                let number: u64 = chunk.iter().map(|n| agreement.shared[*n]).sum();
                let label = chunk.first().copied().unwrap_or_default();
                let bar = (number as f64 / (most * fold as u64) as f64 * room as f64).round() as usize;
                let bar = if number > 0 { bar.max(1) } else { 0 };
                lines.push(Line::from(vec![
                    Span::raw(format!("{label:>2} ")),
                    Span::styled(theme.full().repeat(bar), theme.good()),
                    Span::raw(" ".repeat(room.saturating_sub(bar))),
                    Span::raw(format!("{number:>7}")),
                ]));
            }
        }
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
