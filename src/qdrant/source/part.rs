//! Parts of points: ids alone, payloads without vectors, vectors without payloads. What verification asks for, so that it
//! reads no more than it compares. Outages are waited out as in the scroll.

use std::time::Instant;

use qdrant_client::QdrantError;
use qdrant_client::qdrant::{Condition, CountPointsBuilder, Filter, GetPointsBuilder, ScrollPoints};

use super::errors::was_too_much;
use super::{ReadPoint, Source, SourceError, id_of};
use crate::patience::Then;
use crate::point::PointId;
use crate::qdrant::wire;

/// What of points is read beside their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Their payloads.
    pub payloads: bool,
    /// All their vectors.
    pub vectors: bool,
}

/// The same condition, for these points only.
pub fn among(filter: Filter, ids: &[PointId]) -> Filter {
    let these = Condition::has_id(ids.iter().copied().map(wire::id_to));
    Filter::must([filter.into(), these])
}

impl Source {
    /// Points by id, as much of them as is wanted; those that are not there are left out. Where the server would not give
    /// as many at once, they are asked for in several requests.
    ///
    /// # Errors
    /// Nobody answered for as long as patience lasts, or trying again cannot help.
    pub async fn get_part(&self, ids: &[PointId], part: Part) -> Result<Vec<ReadPoint>, SourceError> {
        let mut points = Vec::with_capacity(ids.len());
        let (mut left, mut most) = (ids, ids.len());
        while !left.is_empty() {
            let ask = |number: usize| {
                let ids: Vec<_> = left[..number].iter().copied().map(wire::id_to).collect();
                let request = GetPointsBuilder::new(&self.collection, ids)
                    .with_payload(part.payloads)
                    .with_vectors(part.vectors);
                self.client.get_points(request)
            };
            let (response, given) = self.patiently_within(most.min(left.len()), ask).await?;
            for point in response.result {
                points.push(self.point(point)?);
            }
            left = &left[given..];
            most = given;
        }
        Ok(points)
    }

    /// One page of ids from `offset` (inclusive) in scroll order, of all points or of those that meet a condition, and
    /// where the next page begins.
    ///
    /// # Errors
    /// As for [`Self::get_part`].
    pub async fn scroll_ids(
        &self,
        offset: Option<PointId>,
        limit: u32,
        filter: Option<Filter>,
    ) -> Result<(Vec<PointId>, Option<PointId>), SourceError> {
        let request = ScrollPoints {
            collection_name: self.collection.clone(),
            offset: offset.map(wire::id_to),
            limit: Some(limit),
            filter,
            with_payload: Some(false.into()),
            with_vectors: Some(false.into()),
            ..Default::default()
        };
        let response = self.patiently(|| self.client.scroll(request.clone())).await?;
        let page = self.page(response.result, response.next_page_offset)?;
        Ok((page.points.iter().map(id_of).collect(), page.next))
    }

    /// The number of points that meet a condition, exactly.
    ///
    /// # Errors
    /// As for [`Self::get_part`].
    pub async fn count_where(&self, filter: Filter) -> Result<u64, SourceError> {
        let request = CountPointsBuilder::new(&self.collection).exact(true).filter(filter);
        let response = self.patiently(|| self.client.count(request.clone())).await?;
        let counted = response.result.ok_or_else(|| self.protocol("no count"))?;
        Ok(counted.count)
    }

    /// Asks, again and again with growing pauses while nobody answers.
    pub(super) async fn patiently<T, F>(&self, ask: impl Fn() -> F) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, QdrantError>>,
    {
        let (answer, _) = self.patiently_within(1, move |_| ask()).await?;
        Ok(answer)
    }

    /// The same for so many points at once, or fewer, down to one, where the server would not give as many. Answers for
    /// how many it did.
    async fn patiently_within<T, F>(
        &self,
        mut number: usize,
        ask: impl Fn(usize) -> F,
    ) -> Result<(T, usize), SourceError>
    where
        F: Future<Output = Result<T, QdrantError>>,
    {
        loop {
            let (error, too_much) = match ask(number).await {
                Ok(answer) => {
                    self.patience.answered(Instant::now());
                    return Ok((answer, number));
                }
                Err(error) => (self.judge(&error), was_too_much(&error)),
            };
            let smaller = too_much && number > 1;
            if smaller {
                // As many would end the same way, for as long as patience lasts.
                number /= 2;
                tracing::info!(number, %error, "fewer points are asked for");
            }
            // Whoever said that the answer is too large answers; who is out of breath is given time as well.
            if smaller && !error.is_transient() {
                continue;
            }
            if !error.is_transient() || self.patience.failed(&error.to_string(), Instant::now()) == Then::GiveUp {
                return Err(error);
            }
            tracing::warn!(%error, "Qdrant was asked in vain, trying again");
            self.patience.wait().await;
        }
    }
}
