//! Numbers with their nouns.

pub(crate) use crate::point::counted;

/// The same for points.
pub(crate) fn points(number: u64) -> String {
    counted(number, "point", "points")
}

/// The same for rows.
pub(crate) fn rows(number: u64) -> String {
    counted(number, "row", "rows")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!([0, 1, 2].map(points), ["0 points", "1 point", "2 points"]);
        assert_eq!(rows(1), "1 row");
    }
}
