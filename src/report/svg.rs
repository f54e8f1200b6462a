//! Between plotters and the page: plotters writes fixed colours, the page has a light and a dark theme and is printed.
//! Plots are therefore drawn in a few colours that stand for roles, and each of them becomes a class, whose colour the
//! style sheet says.

use maud::{Markup, PreEscaped, html};
use plotters::style::RGBColor;

/// Axis labels.
pub(super) const LABEL: RGBColor = RGBColor(1, 254, 1);
/// Axes.
pub(super) const AXIS: RGBColor = RGBColor(1, 254, 2);
/// Lines behind the figures.
pub(super) const GRID: RGBColor = RGBColor(1, 254, 3);
/// What is written into a plot, and what marks a limit.
pub(super) const INK: RGBColor = RGBColor(1, 254, 4);
/// What is as it should be.
pub(super) const GOOD: RGBColor = RGBColor(1, 254, 5);
/// What is not.
pub(super) const BAD: RGBColor = RGBColor(1, 254, 6);
/// Series of figures, in the order of their legend.
pub(super) const SERIES: [RGBColor; 4] = [
    RGBColor(1, 254, 7),
    RGBColor(1, 254, 8),
    RGBColor(1, 254, 9),
    RGBColor(1, 254, 10),
];

/// Every role with the name of its class.
const ROLES: [(RGBColor, &str); 10] = [
    (LABEL, "label"),
    (AXIS, "axis"),
    (GRID, "grid"),
    (INK, "ink"),
    (GOOD, "good"),
    (BAD, "bad"),
    (SERIES[0], "s1"),
    (SERIES[1], "s2"),
    (SERIES[2], "s3"),
    (SERIES[3], "s4"),
];

/// The class of a series, counted from 0; after the fourth they begin anew.
pub(super) fn class_of_series(series: usize) -> &'static str {
    ["s1", "s2", "s3", "s4"][series % 4]
}

/// The colour of a series.
pub(super) fn colour_of_series(series: usize) -> RGBColor {
    SERIES[series % 4]
}

/// A drawing of plotters as an element of the page: with a title for those who cannot see it, without colours and fonts
/// of its own, as wide as there is room.
pub(super) fn themed(drawing: &str, (width, height): (u32, u32), title: &str) -> Markup {
    let inside = drawing
        .split_once('>')
        .and_then(|(_, rest)| rest.rsplit_once("</svg>"))
        .map_or("", |(inside, _)| inside);
    // Quotes in texts are escaped: what is found here are attributes.
    let mut text = inside
        .replace(" font-family=\"sans-serif\"", "")
        .replace(" opacity=\"1\"", "");
    for (RGBColor(red, green, blue), class) in ROLES {
        let colour = format!("#{red:02X}{green:02X}{blue:02X}");
        for (attribute, kind) in [("fill", "f"), ("stroke", "l")] {
            let fixed = format!("{attribute}=\"{colour}\"");
            text = text.replace(&fixed, &format!("class=\"{kind}-{class}\""));
        }
    }
    html! {
        svg viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(title) {
            title { (title) }
            (PreEscaped(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_class_and_no_colour_is_left() {
        let mut drawing =
            String::from("<svg width=\"9\" height=\"9\" viewBox=\"0 0 9 9\" xmlns=\"http://www.w3.org/2000/svg\">\n");
        for (RGBColor(red, green, blue), _) in ROLES {
            drawing.push_str(&format!(
                "<rect opacity=\"1\" fill=\"#{red:02X}{green:02X}{blue:02X}\" stroke=\"none\"/>\n"
            ));
            drawing.push_str(&format!(
                "<line opacity=\"0.5\" stroke=\"#{red:02X}{green:02X}{blue:02X}\"/>\n"
            ));
        }
        drawing.push_str("<text font-family=\"sans-serif\" fill=\"#01FE04\">\n&quot;#01FE04&quot;\n</text>\n</svg>\n");
        let page = themed(&drawing, (9, 9), "a \"title\" <&>").into_string();
        for (_, class) in ROLES {
            for kind in ["f", "l"] {
                assert!(
                    page.contains(&format!("class=\"{kind}-{class}\"")),
                    "{kind}-{class}: {page}"
                );
            }
        }
        assert!(!page.contains("=\"#") && !page.contains("http"), "{page}");
        assert!(
            page.contains("<title>a &quot;title&quot; &lt;&amp;&gt;</title>"),
            "{page}"
        );
        assert!(page.contains("&quot;#01FE04&quot;"), "what is written stays: {page}");
        assert!(
            page.starts_with("<svg viewBox=\"0 0 9 9\" role=\"img\" aria-label="),
            "{page}"
        );
        assert_eq!(page.matches("</svg>").count(), 1);
        assert!(page.contains("opacity=\"0.5\"") && !page.contains("opacity=\"1\""));
        assert_eq!(class_of_series(5), "s2");
    }

    #[test]
    fn roles_are_told_apart() {
        for (at, (colour, class)) in ROLES.iter().enumerate() {
            assert!(
                ROLES[..at].iter().all(|(other, name)| other != colour && name != class),
                "{class}"
            );
        }
        for series in 0..4 {
            assert_eq!(ROLES[6 + series], (colour_of_series(series), class_of_series(series)));
        }
    }
}
