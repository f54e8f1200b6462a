//! Between gRPC messages and the engine's types. JSON and ids go through [`wire`], which the client uses too.

use std::collections::HashMap;

use qdrant_client::qdrant as q;
use qdrant_client::qdrant::{vector, vector_output, vectors, vectors_config, vectors_output};
use qdrant_edge as e;
use tonic::Status;

use crate::point::PointId;
use crate::qdrant::wire;

pub(super) fn id_in(id: Option<q::PointId>) -> Result<e::PointId, Status> {
    match wire::id_from(id) {
        Some(PointId::Num(number)) => Ok(e::PointId::NumId(number)),
        Some(PointId::Uuid(uuid)) => Ok(e::PointId::Uuid(e::external::uuid::Uuid::from_u128(uuid.as_u128()))),
        None => Err(Status::invalid_argument("an id is missing or no UUID")),
    }
}

pub(super) fn id_out(id: e::PointId) -> q::PointId {
    match id {
        e::PointId::NumId(number) => number.into(),
        e::PointId::Uuid(uuid) => uuid.to_string().into(),
    }
}

pub(super) fn payload_in(fields: HashMap<String, q::Value>) -> Result<e::Payload, Status> {
    wire::payload_from(fields)
        .map(e::Payload)
        .map_err(|error| Status::invalid_argument(error.to_string()))
}

fn vector_in(vector: q::Vector) -> Result<e::Vector, Status> {
    let bad = |error: e::OperationError| Status::invalid_argument(error.to_string());
    match vector.vector {
        Some(vector::Vector::Dense(dense)) => Ok(e::Vector::new_dense(dense.data)),
        Some(vector::Vector::Sparse(sparse)) => e::Vector::new_sparse(sparse.indices, sparse.values).map_err(bad),
        Some(vector::Vector::MultiDense(multi)) => {
            let rows: Vec<Vec<f32>> = multi.vectors.into_iter().map(|dense| dense.data).collect();
            // The engine panics on an empty one, at every load from then on.
            if rows.is_empty() || rows.iter().any(|row| row.len() != rows[0].len()) {
                return Err(Status::invalid_argument("a multivector needs rows of one length"));
            }
            e::Vector::new_multi(rows).map_err(bad)
        }
        _ => Err(Status::invalid_argument("this kind of vector is not served here")),
    }
}

pub(super) fn point_in(point: q::PointStruct) -> Result<e::PointStructPersisted, Status> {
    let named = match point.vectors.and_then(|vectors| vectors.vectors_options) {
        Some(vectors::VectorsOptions::Vector(vector)) => HashMap::from([(String::new(), vector_in(vector)?)]),
        Some(vectors::VectorsOptions::Vectors(named)) => named
            .vectors
            .into_iter()
            .map(|(name, vector)| Ok((name, vector_in(vector)?)))
            .collect::<Result<_, Status>>()?,
        None => HashMap::new(),
    };
    Ok(e::PointStructPersisted {
        id: id_in(point.id)?,
        vector: e::VectorStructPersisted::from(e::Vectors::from(named).0),
        payload: Some(payload_in(point.payload)?),
    })
}

fn vector_out(vector: e::VectorInternal) -> q::VectorOutput {
    let vector = match vector {
        e::VectorInternal::Dense(data) => vector_output::Vector::Dense(q::DenseVector { data }),
        e::VectorInternal::Sparse(sparse) => vector_output::Vector::Sparse(q::SparseVector {
            values: sparse.values,
            indices: sparse.indices,
        }),
        e::VectorInternal::MultiDense(multi) => vector_output::Vector::MultiDense(q::MultiDenseVector {
            vectors: multi
                .into_multi_vectors()
                .into_iter()
                .map(|data| q::DenseVector { data })
                .collect(),
        }),
    };
    q::VectorOutput {
        vector: Some(vector),
        ..Default::default()
    }
}

pub(super) fn vectors_out(vectors: e::VectorStructInternal) -> q::VectorsOutput {
    use vectors_output::VectorsOptions;
    let options = match vectors {
        e::VectorStructInternal::Single(data) => VectorsOptions::Vector(vector_out(e::VectorInternal::Dense(data))),
        e::VectorStructInternal::MultiDense(multi) => {
            VectorsOptions::Vector(vector_out(e::VectorInternal::MultiDense(multi)))
        }
        e::VectorStructInternal::Named(named) => VectorsOptions::Vectors(q::NamedVectorsOutput {
            vectors: named
                .into_iter()
                .map(|(name, vector)| (name, vector_out(vector)))
                .collect(),
        }),
    };
    q::VectorsOutput {
        vectors_options: Some(options),
    }
}

pub(super) fn payload_out(payload: Option<e::Payload>) -> HashMap<String, q::Value> {
    payload.map(|payload| wire::payload_to(&payload.0)).unwrap_or_default()
}

pub(super) fn record_out(record: e::Record) -> q::RetrievedPoint {
    q::RetrievedPoint {
        id: Some(id_out(record.id)),
        payload: payload_out(record.payload),
        vectors: record.vector.map(vectors_out),
        ..Default::default()
    }
}

pub(super) fn scored_out(point: e::ScoredPoint) -> q::ScoredPoint {
    q::ScoredPoint {
        id: Some(id_out(point.id)),
        payload: payload_out(point.payload),
        score: point.score,
        version: point.version,
        vectors: point.vector.map(vectors_out),
        ..Default::default()
    }
}

pub(super) fn with_payload(selector: Option<q::WithPayloadSelector>, default: bool) -> e::WithPayloadInterface {
    use q::with_payload_selector::SelectorOptions;
    match selector.and_then(|selector| selector.selector_options) {
        Some(SelectorOptions::Enable(enable)) => enable.into(),
        // Selecting keys is not served: the whole payload is the safe side.
        Some(_) => true.into(),
        None => default.into(),
    }
}

pub(super) fn with_vectors(selector: Option<q::WithVectorsSelector>) -> e::WithVector {
    use q::with_vectors_selector::SelectorOptions;
    match selector.and_then(|selector| selector.selector_options) {
        Some(SelectorOptions::Enable(enable)) => enable.into(),
        Some(SelectorOptions::Include(names)) => e::WithVector::Selector(names.names),
        None => false.into(),
    }
}

/// The engine's configuration of a new collection.
pub(super) fn config_in(request: &q::CreateCollection) -> Result<e::EdgeConfig, Status> {
    let mut builder = e::EdgeConfigBuilder::new();
    let params = |params: &q::VectorParams| -> Result<e::EdgeVectorParams, Status> {
        let distance = match params.distance() {
            q::Distance::Cosine => e::Distance::Cosine,
            q::Distance::Euclid => e::Distance::Euclid,
            q::Distance::Dot => e::Distance::Dot,
            q::Distance::Manhattan => e::Distance::Manhattan,
            q::Distance::UnknownDistance => return Err(Status::invalid_argument("a vector needs a distance")),
        };
        let mut vector = e::EdgeVectorParamsBuilder::new(params.size as usize, distance);
        if params.multivector_config.is_some() {
            vector = vector.multivector_config(e::MultiVectorConfig {
                comparator: e::MultiVectorComparator::MaxSim,
            });
        }
        Ok(vector.build())
    };
    match request
        .vectors_config
        .as_ref()
        .and_then(|config| config.config.as_ref())
    {
        Some(vectors_config::Config::Params(one)) => builder = builder.vector("", params(one)?),
        Some(vectors_config::Config::ParamsMap(many)) => {
            for (name, one) in &many.map {
                builder = builder.vector(name.as_str(), params(one)?);
            }
        }
        None => {}
    }
    for name in request
        .sparse_vectors_config
        .iter()
        .flat_map(|config| config.map.keys())
    {
        builder = builder.sparse_vector(name.as_str(), e::EdgeSparseVectorParamsBuilder::new().build());
    }
    Ok(builder.build())
}

/// The parameters of a collection as a server tells them.
pub(super) fn params_out(config: &e::EdgeConfig) -> q::CollectionParams {
    let params = |params: &e::EdgeVectorParams| q::VectorParams {
        size: params.size as u64,
        distance: match params.distance {
            e::Distance::Cosine => q::Distance::Cosine,
            e::Distance::Euclid => q::Distance::Euclid,
            e::Distance::Dot => q::Distance::Dot,
            e::Distance::Manhattan => q::Distance::Manhattan,
        } as i32,
        multivector_config: params.multivector_config.as_ref().map(|_| q::MultiVectorConfig {
            comparator: q::MultiVectorComparator::MaxSim as i32,
        }),
        ..Default::default()
    };
    let vectors = match config.vectors.get("") {
        Some(unnamed) if config.vectors.len() == 1 => Some(vectors_config::Config::Params(params(unnamed))),
        _ if config.vectors.is_empty() => None,
        _ => Some(vectors_config::Config::ParamsMap(q::VectorParamsMap {
            map: config
                .vectors
                .iter()
                .map(|(name, vector)| (name.clone(), params(vector)))
                .collect(),
        })),
    };
    q::CollectionParams {
        shard_number: 1,
        vectors_config: vectors.map(|config| q::VectorsConfig { config: Some(config) }),
        sparse_vectors_config: (!config.sparse_vectors.is_empty()).then(|| q::SparseVectorConfig {
            map: config
                .sparse_vectors
                .keys()
                .map(|name| (name.clone(), q::SparseVectorParams::default()))
                .collect(),
        }),
        ..Default::default()
    }
}
