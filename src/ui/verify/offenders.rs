//! The points that the selected check finds fault with: each with what is wrong, without its contents.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::App;
use crate::app::verify::Pane;
use crate::ui::list;
use crate::ui::paint;
use crate::ui::text::{count, pad};
use crate::ui::theme::Theme;

/// From this width on ids are shown whole.
const WHOLE_IDS: usize = 58;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let verify = &app.verify;
    let offenders = verify.offenders();
    let focused = verify.pane == Pane::Offenders;
    let total = verify.check().map_or(0, |check| check.offenders.total);
    let title = if total > offenders.len() as u64 {
        format!(
            "Offenders of {}: the first {} of {}",
            verify.check_id(),
            offenders.len(),
            count(total)
        )
    } else {
        format!("Offenders of {}: {}", verify.check_id(), offenders.len())
    };
    let block = theme.pane_with(&title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let widest = if width >= WHOLE_IDS { 36 } else { 14 };
    let ids = offenders.iter().map(|offender| offender.id.to_string().len()).max();
    let ids = ids.unwrap_or(0).min(widest);
    let top = list::top(verify.offender() as u64, offenders.len() as u64, height as u64) as usize;
    let shown = offenders.iter().enumerate().skip(top).take(height);
    let lines: Vec<Line<'_>> = shown
        .map(|(place, offender)| {
            let text = format!("{}  {}", pad(&offender.id.to_string(), ids), offender.what);
            let style = match (place == verify.offender(), focused) {
                (true, true) => theme.selected(),
                (true, false) => theme.selected_elsewhere(),
                (false, _) => Style::new(),
            };
            Line::styled(pad(&text, width), style)
        })
        .collect();
    paint::lines(frame, inner, &lines);
}
