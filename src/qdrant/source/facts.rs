//! What is known of a collection before its points are read: its vectors, and how many points it has.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use qdrant_client::qdrant::{CountPointsBuilder, vectors_config};
use tonic::Code;

use super::errors::code;
use super::{Source, SourceError};

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

impl Source {
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
}
