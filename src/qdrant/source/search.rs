//! Nearest points: of one vector, among those that meet a filter, or of many vectors in a few requests.

use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, stream};
use qdrant_client::qdrant::{
    Filter, Query, QueryBatchPointsBuilder, QueryPoints, QueryPointsBuilder, ScoredPoint, SearchParamsBuilder,
};

use super::{Source, SourceError};
use crate::point::PointId;
use crate::qdrant::wire;

/// Points with Qdrant's score, best first.
pub(super) type Found = Vec<(PointId, f32)>;

/// Vectors of one request: few enough that all of them are compared with a large collection within the time that one
/// request may take.
const VECTORS_A_REQUEST: usize = 8;
/// Such requests under way at once: a server may go through the queries of one request one after the other.
const REQUESTS: usize = 4;

impl Source {
    /// The points nearest to a vector by the collection's distance, best first, with Qdrant's score. Searched exactly:
    /// the graph would answer faster and miss some.
    ///
    /// # Errors
    /// As for every request.
    pub async fn nearest(&self, name: &str, vector: &[f32], count: u64) -> Result<Found, SourceError> {
        self.search(name, vector, count, None, true).await
    }

    /// The same among the points that meet a filter; `exact` compares with all of them, else the graph answers.
    ///
    /// # Errors
    /// As for every request.
    pub async fn search(
        &self,
        name: &str,
        vector: &[f32],
        count: u64,
        filter: Option<Filter>,
        exact: bool,
    ) -> Result<Found, SourceError> {
        let request = self.query_of(name, vector, count, filter, exact);
        let response = self.client.query(request).await.map_err(|error| self.judge(&error))?;
        self.found(response.result)
    }

    /// The points nearest to each of some vectors, each compared under its name, searched exactly. Asked a few vectors a
    /// request, waiting outages out; `done` hears how many are answered.
    ///
    /// # Errors
    /// Nobody answered for as long as patience lasts, or trying again cannot help.
    pub async fn nearest_to_each(
        &self,
        asked: &[(&str, &[f32])],
        count: u64,
        mut done: impl FnMut(usize),
    ) -> Result<Vec<Found>, SourceError> {
        let mut answers = Vec::with_capacity(asked.len());
        let requests: Vec<BoxFuture<'_, _>> = asked
            .chunks(VECTORS_A_REQUEST)
            .map(|some| self.nearest_to_some(some, count).boxed())
            .collect();
        let mut requests = stream::iter(requests).buffered(REQUESTS);
        while let Some(some) = requests.next().await {
            answers.extend(some?);
            done(answers.len());
        }
        Ok(answers)
    }

    async fn nearest_to_some(&self, asked: &[(&str, &[f32])], count: u64) -> Result<Vec<Found>, SourceError> {
        let queries: Vec<QueryPoints> = asked
            .iter()
            .map(|(name, vector)| self.query_of(name, vector, count, None, true))
            .collect();
        let request = QueryBatchPointsBuilder::new(&self.collection, queries).build();
        let response = self.patiently(|| self.client.query_batch(request.clone())).await?;
        if response.result.len() != asked.len() {
            let message = format!("{} answers to {} queries", response.result.len(), asked.len());
            return Err(self.protocol(&message));
        }
        let answers = response.result.into_iter();
        answers.map(|answer| self.found(answer.result)).collect()
    }

    fn query_of(&self, name: &str, vector: &[f32], count: u64, filter: Option<Filter>, exact: bool) -> QueryPoints {
        let mut request = QueryPointsBuilder::new(&self.collection)
            .query(Query::new_nearest(vector.to_vec()))
            .limit(count)
            .params(SearchParamsBuilder::default().exact(exact))
            .with_payload(false);
        if let Some(filter) = filter {
            request = request.filter(filter);
        }
        if !name.is_empty() {
            request = request.using(name);
        }
        request.build()
    }

    fn found(&self, scored: Vec<ScoredPoint>) -> Result<Found, SourceError> {
        scored
            .into_iter()
            .map(|scored| {
                let id = wire::id_from(scored.id).ok_or_else(|| self.protocol("a point without an id"))?;
                Ok((id, scored.score))
            })
            .collect()
    }
}
