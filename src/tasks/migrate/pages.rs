//! How many points the next page of a scroll has: pages are bounded by what they weigh, not only by their number, since a
//! payload may have a few bytes or some megabytes. Pure.

/// Points of a first page where nobody knows yet what they weigh.
const FIRST: u32 = 64;
/// How many times larger than the last page the next one may be: small points are at full size within a page or two.
const GROWTH: u32 = 8;
/// Pages that come before more is asked for again than the server once would not give.
const TRUST: u32 = 8;

/// The size of one range's pages. The order of a scroll is that of ids, so each page may have another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::tasks) struct PageSize {
    next: u32,
    /// Points a page at most, as configured.
    most: u32,
    /// Points a page at most, as far as the server has shown what it gives.
    given: u32,
    /// Pages in a row that came as they were asked for.
    trust: u32,
    /// Bytes that a page should have at most.
    room: usize,
}

impl PageSize {
    /// Pages of at most `most` points and about `room` bytes; `weight` is what a point has in the mean, in bytes, where
    /// that is known.
    pub(in crate::tasks) fn new(most: u32, room: usize, weight: Option<usize>) -> Self {
        let most = most.max(1);
        let first = match weight {
            Some(weight) => fitting(room, weight).min(FIRST * GROWTH),
            None => FIRST,
        };
        Self {
            next: first.clamp(1, most),
            most,
            given: most,
            trust: 0,
            room,
        }
    }

    /// Points to ask for.
    pub(in crate::tasks) fn next(&self) -> u32 {
        self.next
    }

    /// A page came, with so many points of so many bytes together; `more` come after it.
    pub(in crate::tasks) fn came(&mut self, points: usize, bytes: usize, more: bool) {
        let came = u32::try_from(points).unwrap_or(u32::MAX);
        if came == 0 {
            return;
        }
        if more && came < self.next {
            // Asking for less was what got an answer.
            self.given = came;
            self.trust = 0;
        } else if self.given < self.most {
            self.trust += 1;
            if self.trust >= TRUST {
                self.given = self.given.saturating_mul(2).min(self.most);
                self.trust = 0;
            }
        }
        self.next = fitting(self.room, bytes.div_ceil(points))
            .min(came.saturating_mul(GROWTH))
            .min(self.given)
            .clamp(1, self.most);
    }
}

/// Points of `weight` bytes that fit into `room`.
fn fitting(room: usize, weight: usize) -> u32 {
    u32::try_from(room / weight.max(1)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn pages_follow_what_points_weigh() {
        for (what, most, room, known, points, expected) in [
            // (bytes of each point of a page) -> pages asked for
            (
                "small",
                500,
                8 * MIB,
                None,
                &[6_000, 6_000, 6_000][..],
                &[64, 500, 500][..],
            ),
            ("small and known", 500, 8 * MIB, Some(300), &[6_000], &[500, 500]),
            (
                "many",
                10_000,
                128 * MIB,
                None,
                &[100, 100, 100],
                &[64, 512, 4_096, 10_000],
            ),
            ("a megabyte each", 500, 8 * MIB, None, &[MIB, MIB], &[64, 8, 8]),
            ("known as a megabyte", 500, 8 * MIB, Some(MIB), &[MIB], &[8, 8]),
            ("larger than the room", 500, 8 * MIB, Some(9 * MIB), &[9 * MIB], &[1, 1]),
            (
                "large, then small",
                500,
                8 * MIB,
                Some(MIB),
                &[MIB, 1_000, 1_000],
                &[8, 8, 64, 500],
            ),
            (
                "small, then large",
                500,
                8 * MIB,
                None,
                &[1_000, MIB, MIB],
                &[64, 500, 8, 8],
            ),
            ("one at a time", 1, 8 * MIB, None, &[10, 10], &[1, 1, 1]),
        ] {
            let mut size = PageSize::new(most, room, known);
            let mut asked = vec![size.next()];
            for weight in points {
                let came = size.next() as usize;
                size.came(came, came * weight, true);
                asked.push(size.next());
            }
            assert_eq!(asked[..expected.len()], *expected, "{what}");
            assert!(
                asked.iter().all(|points| (1..=most).contains(points)),
                "{what}: {asked:?}"
            );
        }
    }

    #[test]
    fn what_the_server_would_not_give_is_not_asked_for_again_at_once() {
        let mut size = PageSize::new(500, 8 * MIB, Some(1_000));
        size.came(125, 125_000, true);
        for _ in 0..TRUST - 1 {
            assert_eq!(size.next(), 125);
            size.came(125, 125_000, true);
        }
        size.came(125, 125_000, true);
        assert_eq!(size.next(), 250, "a larger one is tried after a while");
        size.came(100, 100_000, false);
        assert_eq!(size.next(), 250, "a last page is short by nature");
    }

    #[test]
    fn an_empty_page_teaches_nothing() {
        let mut size = PageSize::new(500, 8 * MIB, None);
        let before = size.clone();
        size.came(0, 0, false);
        assert_eq!(size, before);
    }
}
