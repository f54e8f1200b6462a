//! Lines into cells. What a `Paragraph` would draw, without looking for clusters and widths where every byte fills a
//! column: on a screen full of text that is most of a frame's time.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::text::{columns, is_drawn, is_plain};

/// Draws lines from the top of an area on, each cut at its right edge.
pub(super) fn lines(frame: &mut Frame<'_>, area: Rect, lines: &[Line<'_>]) {
    let buffer = frame.buffer_mut();
    let area = area.intersection(buffer.area);
    for (y, line) in (area.top()..area.bottom()).zip(lines) {
        let mut x = area.left();
        for span in &line.spans {
            let style = line.style.patch(span.style);
            x = write(buffer, (x, y), area.right(), &span.content, style);
        }
    }
}

/// Writes a text as far as the right edge; answers the column after it.
fn write(buffer: &mut Buffer, (x, y): (u16, u16), right: u16, text: &str, style: Style) -> u16 {
    let room = usize::from(right.saturating_sub(x));
    if room == 0 {
        return x;
    }
    // A byte more than there is room for: a mark may belong to the last character.
    let seen = &text.as_bytes()[..text.len().min(room + 1)];
    if !is_plain(seen) {
        // Nor does a bar have clusters.
        if text.chars().take(room + 1).all(is_drawn) {
            let written = text.chars().take(room).count();
            let begin = buffer.index_of(x, y);
            for (cell, letter) in buffer.content[begin..begin + written].iter_mut().zip(text.chars()) {
                cell.set_char(letter).set_style(style);
            }
            return x + written as u16;
        }
        let (end, _) = buffer.set_stringn(x, y, text, room, style);
        // Nothing comes after a wide character that had no room.
        let cut = end < right && columns(text) > room;
        return if cut { right } else { end };
    }
    let written = seen.len().min(room);
    let begin = buffer.index_of(x, y);
    for (cell, byte) in buffer.content[begin..begin + written].iter_mut().zip(seen) {
        cell.set_char(char::from(*byte)).set_style(style);
    }
    x + written as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::style::{Color, Modifier};
    use ratatui::text::Span;
    use ratatui::widgets::Paragraph;

    fn drawn(draw: impl FnOnce(&mut Frame<'_>)) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(30, 6)).expect("a test backend opens");
        terminal.draw(draw).expect("a test backend draws");
        terminal.backend().buffer().clone()
    }

    proptest! {
        #[test]
        fn it_is_what_a_paragraph_draws(
            texts in prop::collection::vec(("[ab ~█░─⣿日é\u{301}]{0,20}", "[a█▌│░\u{301}]{0,20}|[█▁⡇]{0,40}"), 0..8),
            (x, y, width, height) in (0_u16..20, 0_u16..8, 2_u16..40, 0_u16..8),
        ) {
            let area = Rect::new(x, y, width, height);
            let rows: Vec<Line<'_>> = texts
                .iter()
                .map(|(left, right)| {
                    let spans = vec![Span::raw(left.as_str()), Span::styled(right.as_str(), Color::Red)];
                    Line::from(spans).style(Modifier::BOLD)
                })
                .collect();
            let ours = drawn(|frame| lines(frame, area, &rows));
            let theirs = drawn(|frame| {
                let area = area.intersection(frame.area());
                frame.render_widget(Paragraph::new(rows.clone()), area);
            });
            prop_assert_eq!(ours, theirs);
        }
    }
}
