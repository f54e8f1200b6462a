//! Two vectors of the same name in a few numbers, with the sign that a field has which differs in the same way.

use ratatui::style::Style;
use ratatui::text::Line;

use crate::point::diff::VectorDiff;
use crate::ui::text::{count, fit, wrap_to};
use crate::ui::theme::Theme;

/// Numbers that differ by no more count as equal, as they do where records are compared.
const EQUAL: f32 = 1e-6;
/// Columns of a name.
const NAME: usize = 40;

/// One line for what is equal; two at most for what differs, the verdict and the largest difference first.
pub(super) fn lines(theme: &Theme, name: &str, vector: &VectorDiff, width: usize) -> Vec<Line<'static>> {
    let (name, column) = (shown(name), width.saturating_sub(2));
    let text = format!("{name}: {}", said(vector));
    let style = if is_anew(vector) {
        Style::new()
    } else if vector.agrees {
        theme.dim()
    } else {
        theme.warn()
    };
    let mut texts = wrap_to(&text, column, 3);
    if texts.len() > 2 {
        texts.truncate(2);
        if let Some(last) = texts.last_mut() {
            *last = fit(&format!("{last}~"), column);
        }
    }
    let signs = std::iter::once(sign(vector)).chain(std::iter::repeat(' '));
    signs
        .zip(texts)
        .map(|(sign, text)| Line::styled(format!("{sign} {text}"), style))
        .collect()
}

fn shown(name: &str) -> String {
    if name.is_empty() {
        return "unnamed vector".to_owned();
    }
    fit(name, NAME)
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
            if let Some(cosine) = vector.cosine {
                parts.push(format!("cosine {:.5}", cosine.get()));
            }
            if let Some((place, difference)) = vector.largest {
                let place = count(place as u64);
                parts.push(format!("largest difference {difference:.6} at {place}"));
            }
            if let (Some(old), Some(new)) = (vector.qdrant_norm, vector.lancedb_norm) {
                parts.push(format!("norm {old:.4} | {new:.4}"));
            }
            parts.push(numbers(old, vector.qdrant_norm.is_some()));
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
    use crate::ui::text::columns;

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
        let lines = lines(&THEME, "v", vector, width);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_sign_and_a_verdict_for_every_pair() {
        let n = Some(1_536);
        for (vector, line) in [
            (dense(n, n, Some(0.0), true), "  v: equal, 1,536 numbers, norm 2.0000"),
            (
                dense(n, n, Some(0.5), true),
                "  v: embedded anew, largest difference 0.500000 at 1,234, norm 1.0000 | 2.0000, 1,536 numbers",
            ),
            (
                dense(n, n, Some(0.5), false),
                "~ v: largest difference 0.500000 at 1,234, norm 1.0000 | 2.0000, 1,536 numbers",
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
        let two = drawn(&vector, 60);
        assert_eq!(two.len(), 2, "{two:?}");
        assert!(two[0].contains("largest difference 0.500000"), "{two:?}");
        assert!(two[1].starts_with("  ") && two[1].ends_with("numbers"), "{two:?}");
        let cut = drawn(&vector, 24);
        assert!(cut.len() == 2 && cut[1].ends_with('~'), "{cut:?}");
        assert!(cut.iter().all(|line| columns(line) <= 24), "{cut:?}");
    }
}
