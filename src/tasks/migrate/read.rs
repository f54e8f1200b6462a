//! One reader a range: scrolls it page by page, as far as the memory budget lets it.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::pages::PageSize;
use super::{Ended, Page, Parts};
use crate::point::{Point, PointId, RangeProgress};
use crate::qdrant::{ReadPoint, id_of};
use crate::tasks::invariant::Fault;

pub(super) struct Reader {
    pub(super) parts: Arc<Parts>,
    pub(super) run: u64,
    pub(super) range: usize,
    pub(super) progress: RangeProgress,
    /// Bytes that one page should have at most: a page is in memory before its share of the budget is known.
    pub(super) page_bytes: usize,
    pub(super) budget: Arc<Budget>,
    pub(super) pages: mpsc::Sender<Page>,
    pub(super) paused: watch::Receiver<bool>,
    pub(super) halt: CancellationToken,
}

impl Reader {
    /// Scrolls from the cursor to the end of the range.
    pub(super) async fn run(mut self) -> Result<(), Ended> {
        let halt = self.halt.clone();
        tokio::select! {
            // A scroll that is cut off read nothing that anybody counted.
            () = halt.cancelled() => Ok(()),
            result = self.scroll() => result,
        }
    }

    async fn scroll(&mut self) -> Result<(), Ended> {
        let parts = Arc::clone(&self.parts);
        let mut offset = self.progress.offset();
        let mut seq = 0;
        let mut size = PageSize::new(parts.page_points, self.page_bytes, parts.source.bytes_a_point());
        loop {
            // The sender lives as long as the supervisor; without it the run is over anyway.
            if self.paused.wait_for(|paused| !paused).await.is_err() {
                return Ok(());
            }
            // What lies behind the end is the next reader's: asked for here, it would be read twice.
            let room = self.progress.range.room_from(offset);
            let limit = room.map_or(size.next(), |room| {
                size.next().min(u32::try_from(room).unwrap_or(u32::MAX)).max(1)
            });
            let page = parts.meters.read.measure(parts.source.scroll(offset, limit)).await?;
            let count = page.points.len();
            let weight: usize = page.points.iter().map(bytes_of).sum();
            size.came(count, weight, page.next.is_some());
            tracing::debug!(range = self.range, limit, points = count, bytes = weight, "a page came");
            let (points, next, done) = cut(page.points, page.next, self.progress.range.end);
            // Media that will be kept are not here yet: the most that they may be is set aside for them.
            let bytes: usize = points.iter().map(|point| bytes_of(point) + parts.media_bytes).sum();
            let in_hand = parts.meters.take_in_hand(points.len() as u64);
            let room = self.budget.take(bytes);
            let budget = parts.meters.memory.measure(room).await.map_err(Fault::trouble)?;
            parts.meters.embed.queue(points.len() as i64);
            let page = Page {
                run: self.run,
                range: self.range,
                seq,
                from: offset,
                points,
                next,
                done,
                in_hand,
                budget,
            };
            if self.pages.send(page).await.is_err() || done {
                return Ok(());
            }
            offset = next;
            seq += 1;
        }
    }
}

/// Cuts a page at the end of its range; what lies behind it belongs to the next reader.
fn cut(
    mut points: Vec<ReadPoint>,
    next: Option<PointId>,
    end: Option<PointId>,
) -> (Vec<ReadPoint>, Option<PointId>, bool) {
    if let Some(end) = end {
        points.retain(|point| id_of(point) < end);
    }
    // The last page has no next offset; an offset behind the end ends the range as well.
    let next = next.filter(|next| end.is_none_or(|end| *next < end));
    (points, next, next.is_none())
}

/// Bytes of a point in memory, or about.
pub(in crate::tasks) fn bytes_of(point: &ReadPoint) -> usize {
    point.as_ref().map_or(256, Point::bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Cause, Failure};

    fn page(ids: &[u64]) -> Vec<ReadPoint> {
        ids.iter()
            .map(|id| Err((PointId::Num(*id), Failure::new(Cause::BadPayload, "x"))))
            .collect()
    }

    #[test]
    fn a_page_ends_with_its_range() {
        let num = |n| Some(PointId::Num(n));
        for (ids, next, end, kept, expected_next, done) in [
            (&[1, 2, 3][..], num(4), num(10), 3, num(4), false),
            (&[8, 9, 10, 11], num(12), num(10), 2, None, true),
            (&[8, 9], num(10), num(10), 2, None, true),
            (&[8, 9], None, None, 2, None, true),
            (&[12], num(13), num(10), 0, None, true),
            (&[], None, num(10), 0, None, true),
        ] {
            let (points, next, is_done) = cut(page(ids), next, end);
            assert_eq!((points.len(), next, is_done), (kept, expected_next, done), "{ids:?}");
        }
    }
}
