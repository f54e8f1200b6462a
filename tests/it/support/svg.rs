//! A drawn buffer as an SVG: what a screen looks like, for the README and for a person's eye.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

const CELL: (f32, f32) = (8.4, 18.0);
const BACKGROUND: &str = "#1b1e25";
const FOREGROUND: &str = "#d5d9e0";

fn color(color: Color, default: &str) -> String {
    match color {
        Color::Green => "#8cc570",
        Color::Yellow => "#e3c26b",
        Color::Red => "#e5717c",
        Color::Cyan => "#62bfce",
        _ => default,
    }
    .to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The picture.
pub(crate) fn svg(buffer: &Buffer) -> String {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"DejaVu Sans Mono, Menlo, \
         Consolas, monospace\" font-size=\"14\">\n<rect width=\"100%\" height=\"100%\" fill=\"{BACKGROUND}\"/>\n",
        f32::from(width) * CELL.0 + 16.0,
        f32::from(height) * CELL.1 + 16.0
    );
    for y in 0..height {
        let mut x = 0;
        while x < width {
            let first = &buffer[(x, y)];
            let style = (first.fg, first.modifier);
            let start = x;
            let mut run = String::new();
            while x < width && (buffer[(x, y)].fg, buffer[(x, y)].modifier) == style {
                run.push_str(buffer[(x, y)].symbol());
                x += buffer[(x, y)].symbol().width().max(1) as u16;
            }
            stretch(&mut text, &run, (start, y), style);
        }
    }
    text.push_str("</svg>\n");
    text
}

fn stretch(text: &mut String, run: &str, (x, y): (u16, u16), (fg, modifier): (Color, Modifier)) {
    let reversed = modifier.contains(Modifier::REVERSED);
    if run.trim().is_empty() && !reversed {
        return;
    }
    let (left, top) = (f32::from(x) * CELL.0 + 8.0, f32::from(y) * CELL.1 + 8.0);
    let wide = run.width() as f32 * CELL.0;
    let ink = color(fg, FOREGROUND);
    if reversed {
        text.push_str(&format!(
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{wide:.1}\" height=\"{}\" fill=\"{ink}\"/>\n",
            CELL.1
        ));
    }
    let mut more = String::new();
    if modifier.contains(Modifier::BOLD) {
        more.push_str(" font-weight=\"bold\"");
    }
    if modifier.contains(Modifier::UNDERLINED) {
        more.push_str(" text-decoration=\"underline\"");
    }
    if modifier.contains(Modifier::DIM) && !reversed {
        more.push_str(" opacity=\"0.62\"");
    }
    let ink = if reversed { BACKGROUND.to_owned() } else { ink };
    text.push_str(&format!(
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{wide:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{ink}\" \
         xml:space=\"preserve\"{more}>{}</text>\n",
        top + 14.0,
        escaped(run)
    ));
}
