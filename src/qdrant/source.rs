//! A collection in Qdrant over gRPC: what it is, how many points, pages of a scroll, points by id, a random sample.

mod errors;
mod part;
mod sample;
mod search;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use qdrant_client::qdrant::{CountPointsBuilder, GetPointsBuilder, RetrievedPoint, ScrollPoints, vectors_config};
use qdrant_client::{Qdrant, QdrantError};
use tonic::Code;

use super::wire;
use crate::config::{Secret, SourceConfig};
use crate::patience::{Outage, Patience, Then};
use crate::point::{Cause, Failure, Point, PointId};
use errors::{code, describe, raw, unreachable, was_too_much};

pub use errors::SourceError;
pub use part::{Part, among};

/// What kind of vector a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VectorKind {
    /// `size` numbers.
    Dense {
        /// Numbers.
        size: usize,
        /// How they are compared.
        distance: Distance,
    },
    /// Values at indices.
    Sparse,
    /// Several dense vectors of `size` numbers.
    Multi {
        /// Numbers of each.
        size: usize,
        /// How they are compared.
        distance: Distance,
    },
}

/// Qdrant's distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distance {
    /// Cosine; Qdrant stores such vectors normalised.
    Cosine,
    /// Euclidean.
    Euclid,
    /// Dot product.
    Dot,
    /// Sum of absolute differences; LanceDB has no counterpart.
    Manhattan,
}

/// What is known of a collection before its points are read.
#[derive(Debug, Clone, PartialEq)]
pub struct CollectionFacts {
    /// The server's version.
    pub version: String,
    /// Points, counted exactly.
    pub points: u64,
    /// Its vectors by name; the empty name is the unnamed one.
    pub vectors: BTreeMap<String, VectorKind>,
}

/// One point as it was read: whole, or with the reason why its payload cannot be kept.
pub type ReadPoint = Result<Point, (PointId, Failure)>;

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

/// One answer of a scroll.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Points in scroll order.
    pub points: Vec<ReadPoint>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<PointId>,
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

    /// What the collection is.
    ///
    /// # Errors
    /// Nobody answers, the key is refused, the collection is missing, or it is no Qdrant.
    pub async fn facts(&self) -> Result<CollectionFacts, SourceError> {
        let health = self.client.health_check().await.map_err(|error| self.judge(&error))?;
        self.known.store(true, Ordering::Relaxed);
        let info = match self.client.collection_info(&self.collection).await {
            Ok(response) => response.result,
            Err(error) if code(&error) == Some(Code::NotFound) => {
                let known = self
                    .client
                    .list_collections()
                    .await
                    .map_err(|error| self.judge(&error))?;
                return Err(SourceError::NoCollection {
                    url: self.url.clone(),
                    collection: self.collection.clone(),
                    known: known.collections.into_iter().map(|c| c.name).take(20).collect(),
                });
            }
            Err(error) => return Err(self.judge(&error)),
        };
        let params = info
            .and_then(|info| info.config)
            .and_then(|config| config.params)
            .ok_or_else(|| self.protocol("the collection has no parameters"))?;
        let mut vectors = BTreeMap::new();
        match params.vectors_config.and_then(|config| config.config) {
            Some(vectors_config::Config::Params(one)) => {
                vectors.insert(String::new(), self.kind(&one)?);
            }
            Some(vectors_config::Config::ParamsMap(many)) => {
                for (name, one) in many.map {
                    vectors.insert(name, self.kind(&one)?);
                }
            }
            None => {}
        }
        for name in params
            .sparse_vectors_config
            .into_iter()
            .flat_map(|config| config.map.into_keys())
        {
            vectors.insert(name, VectorKind::Sparse);
        }
        Ok(CollectionFacts {
            version: health.version,
            points: self.count().await?,
            vectors,
        })
    }

    fn kind(&self, params: &qdrant_client::qdrant::VectorParams) -> Result<VectorKind, SourceError> {
        use qdrant_client::qdrant::Distance as Wire;
        let distance = match params.distance() {
            Wire::Cosine => Distance::Cosine,
            Wire::Euclid => Distance::Euclid,
            Wire::Dot => Distance::Dot,
            Wire::Manhattan => Distance::Manhattan,
            Wire::UnknownDistance => return Err(self.protocol("a vector has an unknown distance")),
        };
        let size = usize::try_from(params.size)
            .ok()
            .filter(|size| (1..=1 << 20).contains(size))
            .ok_or_else(|| self.protocol("a vector has an impossible size"))?;
        Ok(match params.multivector_config {
            Some(_) => VectorKind::Multi { size, distance },
            None => VectorKind::Dense { size, distance },
        })
    }

    /// The number of points, exactly.
    ///
    /// # Errors
    /// As for every request.
    pub async fn count(&self) -> Result<u64, SourceError> {
        let request = CountPointsBuilder::new(&self.collection).exact(true);
        let response = self.client.count(request).await.map_err(|error| self.judge(&error))?;
        response
            .result
            .map(|result| result.count)
            .ok_or_else(|| self.protocol("no count"))
    }

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

    fn page(
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

    fn protocol(&self, message: &str) -> SourceError {
        SourceError::Protocol {
            url: self.url.clone(),
            message: message.into(),
        }
    }

    fn judge(&self, error: &QdrantError) -> SourceError {
        let url = self.url.clone();
        let message = describe(error);
        let not_http2 = [
            "invalid content type",
            "frame with invalid size",
            "http2 error",
            "HTTP/1",
            "compression",
        ]
        .iter()
        .any(|sign| message.contains(sign));
        let (code, raw) = (code(error), raw(error));
        let not_there = matches!(
            code,
            Some(Code::NotFound | Code::Unauthenticated | Code::PermissionDenied)
        );
        if !not_there {
            // The screen has words of its own for it.
            tracing::info!(%url, ?code, %raw, "what the transport says of Qdrant");
        }
        match code {
            Some(Code::Unauthenticated | Code::PermissionDenied) => SourceError::Refused { url, message },
            Some(Code::NotFound) => SourceError::NoCollection {
                url,
                collection: self.collection.clone(),
                known: Vec::new(),
            },
            Some(Code::Unimplemented) => SourceError::NotQdrant {
                url,
                message: "it does not know what it is asked".into(),
            },
            Some(Code::Internal | Code::Unknown | Code::Unavailable)
                if not_http2 && !self.known.load(Ordering::Relaxed) =>
            {
                SourceError::NotQdrant {
                    url,
                    message: "it speaks no gRPC over HTTP/2".into(),
                }
            }
            Some(
                Code::Internal
                | Code::Unknown
                | Code::Unavailable
                | Code::Cancelled
                | Code::DeadlineExceeded
                | Code::ResourceExhausted
                | Code::Aborted,
            )
            | None => SourceError::Unreachable {
                url,
                message: unreachable(&raw),
            },
            Some(_) => SourceError::Protocol { url, message },
        }
    }
}
