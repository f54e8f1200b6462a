//! The services `Collections` and `Qdrant` of the embedded Qdrant.

use std::sync::Arc;

use qdrant_client::qdrant as q;
use qdrant_client::qdrant::collections_server::Collections;
use qdrant_client::qdrant::qdrant_server::Qdrant;
use qdrant_edge::PayloadSchemaType;
use tonic::{Request, Response, Status};

use super::convert;
use super::store::Store;

/// The version of Qdrant whose engine this is.
const VERSION: &str = "1.18.0";

fn changed(result: bool) -> Response<q::CollectionOperationResponse> {
    Response::new(q::CollectionOperationResponse { result, time: 0.0 })
}

/// Runs blocking work of the engine off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Status::internal(format!("the engine panicked: {error}")))?
}

fn schema_type(kind: PayloadSchemaType) -> q::PayloadSchemaType {
    match kind {
        PayloadSchemaType::Keyword => q::PayloadSchemaType::Keyword,
        PayloadSchemaType::Integer => q::PayloadSchemaType::Integer,
        PayloadSchemaType::Float => q::PayloadSchemaType::Float,
        PayloadSchemaType::Geo => q::PayloadSchemaType::Geo,
        PayloadSchemaType::Text => q::PayloadSchemaType::Text,
        PayloadSchemaType::Bool => q::PayloadSchemaType::Bool,
        PayloadSchemaType::Datetime => q::PayloadSchemaType::Datetime,
        PayloadSchemaType::Uuid => q::PayloadSchemaType::Uuid,
    }
}

#[tonic::async_trait]
impl Qdrant for Store {
    async fn health_check(&self, _: Request<q::HealthCheckRequest>) -> Result<Response<q::HealthCheckReply>, Status> {
        Ok(Response::new(q::HealthCheckReply {
            title: "qlance's embedded Qdrant".into(),
            version: VERSION.into(),
            commit: None,
        }))
    }
}

#[tonic::async_trait]
impl Collections for Store {
    async fn get(
        &self,
        request: Request<q::GetCollectionInfoRequest>,
    ) -> Result<Response<q::GetCollectionInfoResponse>, Status> {
        let collection = Store::get(self, &request.into_inner().collection_name)?;
        let info = blocking(move || {
            let info = collection.shard().info();
            let params = convert::params_out(&collection.shard().config());
            Ok(q::CollectionInfo {
                status: q::CollectionStatus::Green as i32,
                optimizer_status: Some(q::OptimizerStatus {
                    ok: true,
                    error: String::new(),
                }),
                segments_count: info.segments_count as u64,
                points_count: Some(info.points_count as u64),
                indexed_vectors_count: Some(info.indexed_vectors_count as u64),
                config: Some(q::CollectionConfig {
                    params: Some(params),
                    ..Default::default()
                }),
                payload_schema: info
                    .payload_schema
                    .iter()
                    .map(|(path, index)| {
                        let schema = q::PayloadSchemaInfo {
                            data_type: schema_type(index.data_type) as i32,
                            params: None,
                            points: Some(index.points as u64),
                        };
                        (path.to_string(), schema)
                    })
                    .collect(),
                ..Default::default()
            })
        })
        .await?;
        Ok(Response::new(q::GetCollectionInfoResponse {
            result: Some(info),
            time: 0.0,
        }))
    }

    async fn list(
        &self,
        _: Request<q::ListCollectionsRequest>,
    ) -> Result<Response<q::ListCollectionsResponse>, Status> {
        Ok(Response::new(q::ListCollectionsResponse {
            collections: self
                .names()
                .into_iter()
                .map(|name| q::CollectionDescription { name })
                .collect(),
            time: 0.0,
        }))
    }

    async fn create(
        &self,
        request: Request<q::CreateCollection>,
    ) -> Result<Response<q::CollectionOperationResponse>, Status> {
        let request = request.into_inner();
        let config = convert::config_in(&request)?;
        // Making a shard is a handful of small files: not worth a thread of its own.
        Store::create(self, &request.collection_name, config)?;
        Ok(changed(true))
    }

    async fn delete(
        &self,
        request: Request<q::DeleteCollection>,
    ) -> Result<Response<q::CollectionOperationResponse>, Status> {
        Store::delete(self, &request.into_inner().collection_name).map(changed)
    }

    async fn collection_exists(
        &self,
        request: Request<q::CollectionExistsRequest>,
    ) -> Result<Response<q::CollectionExistsResponse>, Status> {
        let exists = Store::get(self, &request.into_inner().collection_name).is_ok();
        Ok(Response::new(q::CollectionExistsResponse {
            result: Some(q::CollectionExists { exists }),
            time: 0.0,
        }))
    }

    async fn update(
        &self,
        _: Request<q::UpdateCollection>,
    ) -> Result<Response<q::CollectionOperationResponse>, Status> {
        Err(Status::unimplemented("update collection"))
    }

    async fn update_aliases(
        &self,
        _: Request<q::ChangeAliases>,
    ) -> Result<Response<q::CollectionOperationResponse>, Status> {
        Err(Status::unimplemented("aliases"))
    }

    async fn list_collection_aliases(
        &self,
        _: Request<q::ListCollectionAliasesRequest>,
    ) -> Result<Response<q::ListAliasesResponse>, Status> {
        Ok(Response::new(q::ListAliasesResponse::default()))
    }

    async fn list_aliases(
        &self,
        _: Request<q::ListAliasesRequest>,
    ) -> Result<Response<q::ListAliasesResponse>, Status> {
        Ok(Response::new(q::ListAliasesResponse::default()))
    }

    async fn collection_cluster_info(
        &self,
        _: Request<q::CollectionClusterInfoRequest>,
    ) -> Result<Response<q::CollectionClusterInfoResponse>, Status> {
        Err(Status::unimplemented("cluster"))
    }

    async fn update_collection_cluster_setup(
        &self,
        _: Request<q::UpdateCollectionClusterSetupRequest>,
    ) -> Result<Response<q::UpdateCollectionClusterSetupResponse>, Status> {
        Err(Status::unimplemented("cluster"))
    }

    async fn create_shard_key(
        &self,
        _: Request<q::CreateShardKeyRequest>,
    ) -> Result<Response<q::CreateShardKeyResponse>, Status> {
        Err(Status::unimplemented("shard keys"))
    }

    async fn delete_shard_key(
        &self,
        _: Request<q::DeleteShardKeyRequest>,
    ) -> Result<Response<q::DeleteShardKeyResponse>, Status> {
        Err(Status::unimplemented("shard keys"))
    }

    async fn list_shard_keys(
        &self,
        _: Request<q::ListShardKeysRequest>,
    ) -> Result<Response<q::ListShardKeysResponse>, Status> {
        Err(Status::unimplemented("shard keys"))
    }
}

/// A shared collection for work on another thread.
pub(super) fn collection(store: &Store, name: &str) -> Result<Arc<super::store::Collection>, Status> {
    Store::get(store, name)
}
