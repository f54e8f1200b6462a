//! Where the rows of a list stand: shared by what draws them and by what finds out which one was clicked.

use super::text::count;

/// The place of the first row shown: the selected one stays in the middle, but for the ends.
pub(super) fn top(place: u64, total: u64, height: u64) -> u64 {
    place.saturating_sub(height / 2).min(total.saturating_sub(height))
}

/// How many rows lie beyond those that are seen from the top on; none where all are seen.
pub(super) fn beyond(top: u64, total: u64, height: u64) -> Option<String> {
    let below = total.saturating_sub(top.saturating_add(height));
    match (top, below) {
        (0, 0) => None,
        (0, below) => Some(format!("{} more below", count(below))),
        (above, 0) => Some(format!("{} more above", count(above))),
        (above, below) => Some(format!("{} more above, {} below", count(above), count(below))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_counted() {
        for (top, total, height, said) in [
            (0, 6, 6, None),
            (0, 0, 6, None),
            (0, 12, 6, Some("6 more below")),
            (2, 12, 6, Some("2 more above, 4 below")),
            (6, 12, 6, Some("6 more above")),
            (0, 2_000, 10, Some("1,990 more below")),
        ] {
            assert_eq!(beyond(top, total, height).as_deref(), said, "{top} {total} {height}");
        }
    }

    #[test]
    fn the_selected_row_is_always_shown() {
        for total in 0..40 {
            for place in 0..total {
                for height in 1..20 {
                    let top = top(place, total, height);
                    assert!(top <= place && place < top + height, "{place} of {total} in {height}");
                    assert!(top + height <= total || top == 0);
                }
            }
        }
    }
}
