//! A random sample of points, within what may be in memory at once.

use std::sync::atomic::Ordering;

use qdrant_client::qdrant::{Query, QueryPointsBuilder, RetrievedPoint, Sample};
use tonic::Code;

use super::errors::code;
use super::{ReadPoint, Source, SourceError, Wanted};
use crate::point::Point;

/// Points drawn first, to see what they weigh.
const FIRST: u64 = 16;
/// Bytes that a sample has at most, or about: it comes in one answer.
const ROOM: usize = 32 << 20;

impl Source {
    /// A random sample of at most `count` points: fewer where they are so large that as many would not fit into memory.
    ///
    /// # Errors
    /// As for every request. Servers before 1.10 cannot sample: there the first points stand in.
    pub async fn sample(&self, count: u64, wanted: Wanted) -> Result<Vec<ReadPoint>, SourceError> {
        if wanted == Wanted::Ids {
            return self.draw(count, wanted).await;
        }
        let some = self.draw(count.min(FIRST), wanted).await?;
        let bytes: usize = some.iter().flatten().map(Point::bytes).sum();
        let Some(weight) = bytes.checked_div(some.len()) else {
            return Ok(some);
        };
        self.weight.store(weight, Ordering::Relaxed);
        let fitting = (ROOM / weight.max(1)) as u64;
        let count = count.min(fitting);
        // All there are, all that were wanted, or as many as fit.
        if (some.len() as u64) < FIRST || count <= FIRST {
            return Ok(some);
        }
        self.draw(count, wanted).await
    }

    /// Bytes that a point has in the mean, as far as a sample or the heaviest of the pages compared has shown it.
    pub fn bytes_a_point(&self) -> Option<usize> {
        Some(self.weight.load(Ordering::Relaxed)).filter(|bytes| *bytes > 0)
    }

    /// A page of so many points has so many bytes: what comes after it begins with as few points at once.
    pub(crate) fn weighed(&self, points: usize, bytes: usize) {
        if let Some(weight) = bytes.checked_div(points) {
            self.weight.fetch_max(weight, Ordering::Relaxed);
        }
    }

    async fn draw(&self, count: u64, wanted: Wanted) -> Result<Vec<ReadPoint>, SourceError> {
        let request = QueryPointsBuilder::new(&self.collection)
            .query(Query::new_sample(Sample::Random))
            .limit(count)
            .with_payload(wanted != Wanted::Ids)
            .with_vectors(wanted == Wanted::Whole);
        match self.client.query(request).await {
            Ok(response) => response
                .result
                .into_iter()
                .map(|scored| {
                    self.point(RetrievedPoint {
                        id: scored.id,
                        payload: scored.payload,
                        vectors: scored.vectors,
                        ..Default::default()
                    })
                })
                .collect(),
            Err(error) if code(&error) == Some(Code::Unimplemented) => {
                tracing::info!("this server cannot sample; the first points stand in");
                Ok(self.scroll(None, count.min(1_000) as u32).await?.points)
            }
            Err(error) => Err(self.judge(&error)),
        }
    }
}
