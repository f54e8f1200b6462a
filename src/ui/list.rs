//! Where the rows of a list stand: shared by what draws them and by what finds out which one was clicked.

/// The place of the first row shown: the selected one stays in the middle, but for the ends.
pub(super) fn top(place: u64, total: u64, height: u64) -> u64 {
    place.saturating_sub(height / 2).min(total.saturating_sub(height))
}

#[cfg(test)]
mod tests {
    use super::*;

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
