//! Two vectors of the same name in a few numbers, with the sign that a field has which differs in the same way.

use ratatui::style::Style;
use ratatui::text::Line;

use super::first;
use crate::point::diff::VectorDiff;
use crate::ui::text::{columns, count, fit, wrap};
use crate::ui::theme::Theme;

/// Numbers that differ by no more count as equal, as they do where records are compared.
const EQUAL: f32 = 1e-6;
/// Columns of a name.
const NAME: usize = 40;

/// One line for what is equal; two at most for what differs. `both` is whether both stores have the point.
pub(super) fn lines(theme: &Theme, name: &str, vector: &VectorDiff, both: bool, width: usize) -> Vec<Line<'static>> {
    let column = width.saturating_sub(2);
    let sign = sign(vector);
    let is_one_sided = matches!(sign, '<' | '>');
    let style = if !vector.agrees || is_one_sided && !both {
        theme.warn()
    } else if is_anew(vector) || is_one_sided {
        // An embedding that stands beside no vector of Qdrant's is made anew too.
        Style::new()
    } else {
        theme.dim()
    };
    let texts = first(broken(name, &said(vector), column), column, 2);
    let signs = std::iter::once(sign).chain(std::iter::repeat(' '));
    signs
        .zip(texts)
        .map(|(sign, text)| Line::styled(format!("{sign} {text}"), style))
        .collect()
}

/// Cut into lines behind the name and between parts, so that no figure is; only what no line can hold is cut within.
fn broken(name: &str, said: &str, column: usize) -> Vec<String> {
    let mut lines = vec![format!("{}:", shown(name, column.saturating_sub(1)))];
    for part in said.split_inclusive(", ").map(str::trim_end) {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(part) <= column => {
                line.push(' ');
                line.push_str(part);
            }
            _ => lines.extend(wrap(part, column)),
        }
    }
    lines
}

fn shown(name: &str, most: usize) -> String {
    if name.is_empty() {
        return fit("unnamed vector", most);
    }
    fit(name, NAME.min(most))
}

fn sign(vector: &VectorDiff) -> char {
    match (vector.qdrant, vector.lancedb) {
        (Some(_), None) => '<',
        (None, Some(_)) => '>',
        _ if vector.agrees => ' ',
        _ => '~',
    }
}

/// Whether both sides have the same numbers. What has no norm is not dense, and was compared as a whole.
fn is_equal(vector: &VectorDiff) -> bool {
    let both = vector.qdrant.is_some() && vector.lancedb.is_some();
    let same = match vector.largest {
        Some((_, difference)) => difference <= EQUAL,
        None => vector.qdrant_norm.is_none() && vector.lancedb_norm.is_none(),
    };
    both && vector.agrees && same
}

/// Whether it counts as the same although it is not: an embedding that was made anew beside the vector that Qdrant has.
fn is_anew(vector: &VectorDiff) -> bool {
    let both = vector.qdrant.is_some() && vector.lancedb.is_some();
    both && vector.agrees && !is_equal(vector)
}

fn said(vector: &VectorDiff) -> String {
    let mut parts = Vec::new();
    if is_anew(vector) {
        parts.push("embedded anew".to_owned());
    }
    match (vector.qdrant, vector.lancedb) {
        (Some(length), Some(_)) if is_equal(vector) => {
            parts.push(format!("equal, {}", side(Some(length), vector.lancedb_norm)));
        }
        (Some(old), Some(new)) if old == new => {
            if vector.largest.is_none() {
                parts.push("differs".to_owned());
            }
            parts.push(numbers(old, vector.qdrant_norm.is_some()));
            if let Some(cosine) = vector.cosine {
                parts.push(format!("cosine {:.5}", cosine.get()));
            }
            if let Some((place, difference)) = vector.largest {
                let place = count(place as u64);
                parts.push(format!("largest difference {difference:.6} at index {place}"));
            }
            if let (Some(old), Some(new)) = (vector.qdrant_norm, vector.lancedb_norm) {
                parts.push(format!("norm {old:.4} | {new:.4}"));
            }
        }
        (old, new) => parts.push(format!(
            "{} | {}",
            side(old, vector.qdrant_norm),
            side(new, vector.lancedb_norm)
        )),
    }
    parts.join(", ")
}

fn side(length: Option<usize>, norm: Option<f64>) -> String {
    match (length, norm) {
        (None, _) => "missing".to_owned(),
        (Some(length), Some(norm)) => format!("{}, norm {norm:.4}", numbers(length, true)),
        (Some(length), None) => numbers(length, false),
    }
}

fn numbers(length: usize, dense: bool) -> String {
    match (length, dense) {
        (1, true) => "1 number".to_owned(),
        (length, true) => format!("{} numbers", count(length as u64)),
        (1, false) => "1 entry".to_owned(),
        (length, false) => format!("{} entries", count(length as u64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEME: Theme = Theme {
        color: false,
        ascii: true,
        covered: false,
    };

    /// Of so many numbers each; told apart by the largest difference.
    fn dense(qdrant: Option<usize>, lancedb: Option<usize>, largest: Option<f32>, agrees: bool) -> VectorDiff {
        VectorDiff {
            qdrant,
            lancedb,
            qdrant_norm: qdrant.map(|_| 1.0),
            lancedb_norm: lancedb.map(|_| 2.0),
            cosine: None,
            largest: largest.map(|difference| (1_234, difference)),
            agrees,
        }
    }

    fn sparse(qdrant: usize, lancedb: usize, agrees: bool) -> VectorDiff {
        VectorDiff {
            qdrant_norm: None,
            lancedb_norm: None,
            ..dense(Some(qdrant), Some(lancedb), None, agrees)
        }
    }

    fn drawn(vector: &VectorDiff, width: usize) -> Vec<String> {
        let lines = lines(&THEME, "v", vector, true, width);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sign_and_a_verdict_for_every_pair() {
        let n = Some(1_536);
        for (vector, line) in [
            (dense(n, n, Some(0.0), true), "  v: equal, 1,536 numbers, norm 2.0000"),
            (
                dense(n, n, Some(0.5), true),
                "  v: embedded anew, 1,536 numbers, largest difference 0.500000 at index 1,234, norm 1.0000 | 2.0000",
            ),
            (
                dense(n, n, Some(0.5), false),
                "~ v: 1,536 numbers, largest difference 0.500000 at index 1,234, norm 1.0000 | 2.0000",
            ),
            (
                dense(Some(384), n, None, false),
                "~ v: 384 numbers, norm 1.0000 | 1,536 numbers, norm 2.0000",
            ),
            (
                dense(Some(1), None, None, false),
                "< v: 1 number, norm 1.0000 | missing",
            ),
            (
                dense(None, Some(1), None, false),
                "> v: missing | 1 number, norm 2.0000",
            ),
            (sparse(2, 2, true), "  v: equal, 2 entries"),
            (sparse(2, 2, false), "~ v: differs, 2 entries"),
            (sparse(2, 1, false), "~ v: 2 entries | 1 entry"),
        ] {
            assert_eq!(drawn(&vector, 120), [line]);
        }
    }

    #[test]
    fn what_differs_takes_two_lines_at_most_and_says_where_it_is_cut() {
        let vector = dense(Some(1_536), Some(1_536), Some(0.5), false);
        for (width, lines) in [
            (
                80,
                [
                    "~ v: 1,536 numbers, largest difference 0.500000 at index 1,234,",
                    "  norm 1.0000 | 2.0000",
                ],
            ),
            // No figure is broken, and what is cut has a sign.
            (
                60,
                ["~ v: 1,536 numbers,", "  largest difference 0.500000 at index 1,234,~"],
            ),
            (24, ["~ v: 1,536 numbers,", "  largest difference~"]),
        ] {
            let drawn = drawn(&vector, width);
            assert_eq!(drawn, lines);
            assert!(drawn.iter().all(|line| columns(line) <= width), "{drawn:?}");
        }
    }

    #[test]
    fn what_only_one_side_has_warns_as_a_field_does() {
        let (old, new) = (dense(Some(1), None, None, true), dense(None, Some(1), None, true));
        for (vector, both, style) in [
            // The other store lacks the whole point.
            (&old, false, THEME.warn()),
            (&new, false, THEME.warn()),
            (&dense(None, Some(1), None, false), true, THEME.warn()),
            (&new, true, Style::new()),
        ] {
            let lines = lines(&THEME, "v", vector, both, 80);
            assert_eq!(lines[0].style, style, "{vector:?} {both}");
        }
    }
}
