//! A collection in Qdrant over gRPC: what it is, how many points, pages of a scroll, points by id, a random sample.

mod errors;
mod facts;
mod judge;
mod part;
mod sample;
mod scroll;
mod search;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use qdrant_client::Qdrant;
use qdrant_client::qdrant::{GetPointsBuilder, RetrievedPoint};

use super::wire;
use crate::config::{Secret, SourceConfig};
use crate::patience::{Outage, Patience};
use crate::point::{Cause, Failure, Point, PointId};
use errors::{describe, unreachable};

pub use errors::SourceError;
pub use facts::{CollectionFacts, Distance, VectorKind};
pub use part::{Part, among};
pub use scroll::Page;

/// One point as it was read: whole, or with the reason why its payload cannot be kept.
pub type ReadPoint = Result<Point, (PointId, Failure)>;

/// The id of a point that was read, well or not.
pub fn id_of(point: &ReadPoint) -> PointId {
    match point {
        Ok(point) => point.id,
        Err((id, _)) => *id,
    }
}

/// What of a point is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Its id.
    Ids,
    /// With its payload.
    Payloads,
    /// With its vectors too.
    Whole,
}

const LEAST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long an outage is waited out where nobody has said: a few tries.
const SHORT_PATIENCE: Duration = Duration::from_secs(5);

/// A collection in Qdrant. Cloning shares the connections, and the patience with them.
#[derive(Clone)]
pub struct Source {
    client: Qdrant,
    url: String,
    collection: String,
    patience: Arc<Patience>,
    /// It has answered as a Qdrant does: what is odd afterwards is a connection that broke, not another server.
    known: Arc<AtomicBool>,
    /// Bytes of a sampled point in the mean; 0 where none was sampled.
    weight: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Source({} at {})", self.collection, self.url)
    }
}

impl Source {
    /// Makes the client for a server's address; nothing is sent yet.
    ///
    /// # Errors
    /// The address cannot be one.
    pub fn new(url: &str, config: &SourceConfig, key: Option<&Secret>) -> Result<Self, SourceError> {
        let mut builder = Qdrant::from_url(url)
            .timeout(Duration::from_secs(config.timeout_seconds))
            .connect_timeout(Duration::from_secs(config.timeout_seconds.min(10)))
            // The check blocks, and prints to the terminal that belongs to the console.
            .skip_compatibility_check();
        builder.api_key = key.map(|key| key.expose().to_owned());
        // One connection a range: pages of several megabytes share no flow-control window.
        builder.pool_size = config.ranges.clamp(1, 8);
        let client = builder.build().map_err(|error| SourceError::Unreachable {
            url: url.into(),
            message: unreachable(&describe(&error)),
        })?;
        Ok(Self {
            client,
            url: url.into(),
            collection: config.collection.clone(),
            patience: Arc::new(Patience::new(LEAST_PAUSE, LONGEST_PAUSE, SHORT_PATIENCE)),
            known: Arc::default(),
            weight: Arc::default(),
        })
    }

    /// Waits out outages in the middle of a scroll for so long.
    #[must_use]
    pub fn with_patience(mut self, limit: Duration) -> Self {
        self.patience = Arc::new(Patience::new(LEAST_PAUSE, LONGEST_PAUSE, limit));
        self
    }

    /// The outage of the server, if there is one.
    pub fn outage(&self) -> Option<Outage> {
        self.patience.outage()
    }

    /// Makes the next try now.
    pub fn try_now(&self) {
        self.patience.try_now();
    }

    /// Begins anew after a stop, with fresh patience.
    pub fn begin_anew(&self) {
        self.patience.forget();
    }

    /// The client itself, for those who prepare a collection (the demo, tests).
    pub fn client(&self) -> &Qdrant {
        &self.client
    }

    /// The collection's name.
    pub fn collection(&self) -> &str {
        &self.collection
    }

    /// The same server, another collection.
    #[must_use]
    pub fn of(&self, collection: &str) -> Self {
        Self {
            collection: collection.into(),
            weight: Arc::default(),
            ..self.clone()
        }
    }

    /// The names of the server's collections.
    ///
    /// # Errors
    /// As for every request.
    pub async fn collections(&self) -> Result<Vec<String>, SourceError> {
        let listed = self
            .client
            .list_collections()
            .await
            .map_err(|error| self.judge(&error))?;
        let mut names: Vec<String> = listed.collections.into_iter().map(|c| c.name).collect();
        names.sort();
        Ok(names)
    }

    fn point(&self, point: RetrievedPoint) -> Result<ReadPoint, SourceError> {
        let id = wire::id_from(point.id).ok_or_else(|| self.protocol("a point without an id"))?;
        Ok(match wire::payload_from(point.payload) {
            Ok(payload) => Ok(Point {
                id,
                payload,
                vectors: wire::vectors_from(point.vectors),
            }),
            Err(error) => Err((id, Failure::new(Cause::BadPayload, error.to_string()))),
        })
    }

    /// Points by id, whole; those that are not there are left out.
    ///
    /// # Errors
    /// As for every request.
    pub async fn get(&self, ids: &[PointId]) -> Result<Vec<ReadPoint>, SourceError> {
        let ids: Vec<_> = ids.iter().copied().map(wire::id_to).collect();
        let request = GetPointsBuilder::new(&self.collection, ids)
            .with_payload(true)
            .with_vectors(true);
        let response = self
            .client
            .get_points(request)
            .await
            .map_err(|error| self.judge(&error))?;
        response.result.into_iter().map(|point| self.point(point)).collect()
    }

    /// Which of these ids are not there.
    ///
    /// # Errors
    /// As for [`Self::get_part`].
    pub async fn missing(&self, ids: &[PointId]) -> Result<Vec<PointId>, SourceError> {
        let wanted: Vec<_> = ids.iter().copied().map(wire::id_to).collect();
        let request = GetPointsBuilder::new(&self.collection, wanted)
            .with_payload(false)
            .with_vectors(false);
        let response = self.patiently(|| self.client.get_points(request.clone())).await?;
        let there: HashSet<PointId> = response
            .result
            .into_iter()
            .filter_map(|point| wire::id_from(point.id))
            .collect();
        Ok(ids.iter().copied().filter(|id| !there.contains(id)).collect())
    }
}
