//! Where a scroll stands: ranges of the id space and the progress within each.
//!
//! A range holds its points in scroll order, and what lies before its cursor is settled: written or failed. Ranges do
//! not overlap and together cover the whole id space, so that a point belongs to exactly one.

use serde::{Deserialize, Serialize};

use super::PointId;

/// A part of the id space: `start <= id < end`; `None` is the open end on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdRange {
    /// The first id that belongs to the range.
    pub start: Option<PointId>,
    /// The first id that belongs to the next range.
    pub end: Option<PointId>,
}

impl IdRange {
    /// The whole id space.
    pub const ALL: Self = Self { start: None, end: None };

    /// Whether the id belongs to this range.
    pub fn contains(&self, id: PointId) -> bool {
        self.start.is_none_or(|start| id >= start) && self.end.is_none_or(|end| id < end)
    }

    /// How many ids there can be from `from` on, where both that and the end are integers.
    pub fn room_from(&self, from: Option<PointId>) -> Option<u64> {
        match (from, self.end) {
            (None, Some(PointId::Num(end))) => Some(end),
            (Some(PointId::Num(from)), Some(PointId::Num(end))) => Some(end.saturating_sub(from)),
            _ => None,
        }
    }

    /// Splits the id space into at most `parts` ranges of about equally many points, from a random sample of ids.
    /// Fewer come back where the sample has too few different ids.
    pub fn split(mut sample: Vec<PointId>, parts: usize) -> Vec<Self> {
        sample.sort_unstable();
        sample.dedup();
        let parts = parts.clamp(1, sample.len().max(1));
        let mut boundaries: Vec<PointId> = (1..parts).map(|part| sample[part * sample.len() / parts]).collect();
        boundaries.dedup();
        let starts = std::iter::once(None).chain(boundaries.iter().copied().map(Some));
        let ends = boundaries.iter().copied().map(Some).chain(std::iter::once(None));
        starts.zip(ends).map(|(start, end)| Self { start, end }).collect()
    }
}

/// How far one range has been settled, and what became of its points. The counts obey
/// `read == written + failed` at every commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeProgress {
    /// The range itself; it rides with the cursor so that a cursor can never be used with another range.
    pub range: IdRange,
    /// The first id not yet settled; `None` at the very beginning.
    pub next: Option<PointId>,
    /// Whether the scroll of this range has ended.
    pub done: bool,
    /// Points read and settled.
    pub read: u64,
    /// Points written as rows.
    pub written: u64,
    /// Points put into the journal as failed.
    pub failed: u64,
    /// Of the written, those whose similarity lay below the threshold of that time.
    pub divergent: u64,
}

impl RangeProgress {
    /// The progress of a range that nobody has begun.
    pub fn new(range: IdRange) -> Self {
        Self {
            range,
            next: None,
            done: false,
            read: 0,
            written: 0,
            failed: 0,
            divergent: 0,
        }
    }

    /// The offset for the next scroll.
    pub fn offset(&self) -> Option<PointId> {
        self.next.or(self.range.start)
    }

    /// Whether the point with this id lies before the cursor.
    pub fn settled(&self, id: PointId) -> bool {
        self.range.contains(id) && (self.done || self.next.is_some_and(|next| id < next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_id() -> impl Strategy<Value = PointId> {
        prop_oneof![
            (0_u64..50).prop_map(PointId::Num),
            any::<u128>().prop_map(|n| PointId::Uuid(uuid::Uuid::from_u128(n))),
        ]
    }

    proptest! {
        #[test]
        fn every_id_lies_in_exactly_one_range(
            sample in prop::collection::vec(any_id(), 0..60),
            parts in 0_usize..20,
            probe in any_id(),
        ) {
            let ranges = IdRange::split(sample.clone(), parts);
            prop_assert!(ranges.len() <= parts.max(1));
            for id in sample.into_iter().chain([probe, PointId::Num(0), PointId::Num(u64::MAX)]) {
                prop_assert_eq!(ranges.iter().filter(|range| range.contains(id)).count(), 1);
            }
        }
    }

    #[test]
    fn an_even_sample_splits_evenly() {
        let ranges = IdRange::split((0..100).map(PointId::Num).collect(), 4);
        let boundaries: Vec<_> = ranges.iter().filter_map(|range| range.start).collect();
        assert_eq!(boundaries, [25, 50, 75].map(PointId::Num));
    }

    #[test]
    fn there_is_room_for_as_many_ids_as_lie_before_the_end() {
        let num = |n| Some(PointId::Num(n));
        let uuid = Some(PointId::Uuid(uuid::Uuid::nil()));
        for (from, end, room) in [
            (None, num(3), Some(3)),
            (num(3), num(10), Some(7)),
            (num(10), num(10), Some(0)),
            (num(11), num(10), Some(0)),
            (num(3), None, None),
            (num(3), uuid, None),
            (None, None, None),
            (uuid, num(3), None),
        ] {
            let range = IdRange { start: None, end };
            assert_eq!(range.room_from(from), room, "{from:?} {end:?}");
        }
    }

    #[test]
    fn settled_is_what_lies_before_the_cursor() {
        let range = IdRange {
            start: Some(PointId::Num(10)),
            end: Some(PointId::Num(20)),
        };
        let mut progress = RangeProgress::new(range);
        assert_eq!(progress.offset(), Some(PointId::Num(10)));
        assert!(!progress.settled(PointId::Num(10)));
        progress.next = Some(PointId::Num(15));
        assert!(progress.settled(PointId::Num(14)) && !progress.settled(PointId::Num(15)));
        assert!(!progress.settled(PointId::Num(5)), "another range's point");
        progress.done = true;
        assert!(progress.settled(PointId::Num(19)) && !progress.settled(PointId::Num(20)));
    }
}
