//! Pages of the scroll through all points: whoever does not answer is waited for, and a page that is too much is asked
//! for in smaller ones.

use std::time::Instant;

use qdrant_client::qdrant::{RetrievedPoint, ScrollPoints};

use super::errors::was_too_much;
use super::{ReadPoint, Source, SourceError};
use crate::patience::Then;
use crate::point::PointId;
use crate::qdrant::wire;

/// One answer of a scroll.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Points in scroll order.
    pub points: Vec<ReadPoint>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<PointId>,
}

impl Source {
    /// One page of the scroll from `offset` (inclusive), trying again with growing pauses while nobody answers. It has
    /// `limit` points at most, and fewer where the server would not give as many at once.
    ///
    /// # Errors
    /// Nobody answered for as long as patience lasts, or trying again cannot help.
    pub async fn scroll(&self, offset: Option<PointId>, limit: u32) -> Result<Page, SourceError> {
        self.scroll_part(offset, limit, true).await
    }

    /// The same, with vectors or without.
    ///
    /// # Errors
    /// As for [`Self::scroll`].
    #[tracing::instrument(level = "debug", name = "page", skip_all, fields(limit))]
    pub async fn scroll_part(&self, offset: Option<PointId>, limit: u32, vectors: bool) -> Result<Page, SourceError> {
        let mut limit = limit;
        loop {
            let request = ScrollPoints {
                collection_name: self.collection.clone(),
                offset: offset.map(wire::id_to),
                limit: Some(limit),
                with_payload: Some(true.into()),
                with_vectors: Some(vectors.into()),
                ..Default::default()
            };
            let (error, too_much) = match self.client.scroll(request).await {
                Ok(response) => {
                    if let Some((lasted, tries)) = self.patience.answered(Instant::now()) {
                        tracing::info!(seconds = lasted.as_secs_f32(), tries, "Qdrant answers again");
                    }
                    return self.page(response.result, response.next_page_offset);
                }
                Err(error) => (self.judge(&error), was_too_much(&error)),
            };
            let smaller = too_much && limit > 1;
            if smaller {
                // The same size would end the same way, for as long as patience lasts.
                limit /= 2;
                tracing::info!(limit, %error, "fewer points are asked for");
            }
            // Whoever said that the answer is too large answers; who is out of breath is given time as well.
            if smaller && !error.is_transient() {
                continue;
            }
            if !error.is_transient() || self.patience.failed(&error.to_string(), Instant::now()) == Then::GiveUp {
                return Err(error);
            }
            tracing::warn!(%error, "scroll failed, trying again");
            self.patience.wait().await;
        }
    }

    pub(super) fn page(
        &self,
        points: Vec<RetrievedPoint>,
        next: Option<qdrant_client::qdrant::PointId>,
    ) -> Result<Page, SourceError> {
        let next = match next {
            None => None,
            some => Some(wire::id_from(some).ok_or_else(|| self.protocol("the next offset is no id"))?),
        };
        let points = points
            .into_iter()
            .map(|point| self.point(point))
            .collect::<Result<Vec<_>, _>>()?;
        // A server that answers nothing and points nowhere new would be scrolled for ever.
        if points.is_empty() && next.is_some() {
            return Err(self.protocol("an empty page with a next offset"));
        }
        Ok(Page { points, next })
    }
}
