//! The points that the selected check finds fault with: each with what is wrong, without its contents.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::App;
use crate::app::verify::Pane;
use crate::tasks::verify::OFFENDERS;
use crate::ui::list;
use crate::ui::paint;
use crate::ui::text::{count, fit, pad};
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
    let mut block = theme.pane_with(&title, focused);
    let inner = block.inner(area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let listed = offenders.len() as u64;
    let top = list::top(verify.offender() as u64, listed, height as u64);
    if let Some(rest) = rest(app, list::beyond(top, listed, height as u64), width) {
        block = block.title_bottom(Line::styled(rest, theme.dim()));
    }
    frame.render_widget(block, area);
    let widest = if width >= WHOLE_IDS { 36 } else { 14 };
    let ids = offenders.iter().map(|offender| offender.id.to_string().len()).max();
    let ids = ids.unwrap_or(0).min(widest);
    let shown = offenders.iter().enumerate().skip(top as usize).take(height);
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

/// What lies beyond the rows that are seen: in the list, and, where it holds only the first of them, in the file.
fn rest(app: &App, beyond: Option<String>, width: usize) -> Option<String> {
    let verify = &app.verify;
    let total = verify.check().map_or(0, |check| check.offenders.total);
    // The file is there as soon as the verification has come to its end.
    let in_file = total > verify.offenders().len() as u64 && verify.run().is_none();
    let in_file = in_file.then(|| format!("all {} in {OFFENDERS}", count(total)));
    let said = match (beyond, in_file) {
        (Some(beyond), Some(file)) => format!("{beyond}; {file}"),
        (one, other) => one.or(other)?,
    };
    Some(format!(" {} ", fit(&said, width.saturating_sub(2))))
}
