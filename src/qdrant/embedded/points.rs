//! The service `Points` of the embedded Qdrant.

use qdrant_client::qdrant as q;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::Points;
use qdrant_client::qdrant::{query, vector_input};
use qdrant_edge as e;
use tonic::{Request, Response, Status};

use super::collections::{blocking, collection};
use super::convert::{self, id_in};
use super::filter::filter_in;
use super::store::{Store, status};

type Updated = Result<Response<q::PointsOperationResponse>, Status>;

async fn update(store: &Store, name: &str, operation: e::UpdateOperation) -> Updated {
    let collection = collection(store, name)?;
    blocking(move || collection.update(operation)).await?;
    Ok(Response::new(q::PointsOperationResponse {
        result: Some(q::UpdateResult {
            operation_id: Some(0),
            status: q::UpdateStatus::Completed as i32,
        }),
        ..Default::default()
    }))
}

/// The points that a selector names: by id, or by filter.
fn selected(selector: Option<q::PointsSelector>) -> Result<Result<Vec<e::PointId>, e::Filter>, Status> {
    match selector.and_then(|selector| selector.points_selector_one_of) {
        Some(PointsSelectorOneOf::Points(list)) => Ok(Ok(list
            .ids
            .into_iter()
            .map(|id| id_in(Some(id)))
            .collect::<Result<_, _>>()?)),
        Some(PointsSelectorOneOf::Filter(filter)) => Ok(Err(filter_in(Some(filter))?.unwrap_or_default())),
        None => Err(Status::invalid_argument("no points are selected")),
    }
}

fn set_payload_op(request: q::SetPayloadPoints) -> Result<e::SetPayloadOp, Status> {
    let (points, filter) = match selected(request.points_selector)? {
        Ok(ids) => (Some(ids), None),
        Err(filter) => (None, Some(filter)),
    };
    Ok(e::SetPayloadOp {
        payload: convert::payload_in(request.payload)?,
        points,
        filter,
        key: None,
    })
}

fn query_in(query: Option<q::Query>, using: Option<String>) -> Result<Option<e::ScoringQuery>, Status> {
    let Some(variant) = query.and_then(|query| query.variant) else {
        return Ok(None);
    };
    let vector = match variant {
        query::Variant::Sample(_) => return Ok(Some(e::ScoringQuery::Sample(e::Sample::Random))),
        query::Variant::Nearest(input) => match input.variant {
            Some(vector_input::Variant::Dense(dense)) => e::VectorInternal::Dense(dense.data),
            Some(vector_input::Variant::Sparse(sparse)) => {
                let mut pairs: Vec<(u32, f32)> = sparse.indices.into_iter().zip(sparse.values).collect();
                pairs.sort_unstable_by_key(|(index, _)| *index);
                let (indices, values) = pairs.into_iter().unzip();
                e::VectorInternal::Sparse(e::SparseVector { indices, values })
            }
            _ => return Err(Status::unimplemented("only dense and sparse queries are served here")),
        },
        _ => return Err(Status::unimplemented("only nearest and sample queries are served here")),
    };
    Ok(Some(e::ScoringQuery::Vector(e::QueryEnum::Nearest(e::NamedQuery {
        query: vector,
        using,
    }))))
}

fn query_points_in(request: q::QueryPoints) -> Result<e::QueryRequest, Status> {
    if !request.prefetch.is_empty() {
        return Err(Status::unimplemented("prefetch is not served here"));
    }
    Ok(e::QueryRequest {
        query: query_in(request.query, request.using)?,
        filter: filter_in(request.filter)?,
        score_threshold: request.score_threshold.map(e::external::ordered_float::OrderedFloat),
        prefetches: Vec::new(),
        limit: request.limit.unwrap_or(10) as usize,
        offset: request.offset.unwrap_or(0) as usize,
        params: request.params.map(|params| e::SearchParams {
            hnsw_ef: params.hnsw_ef.map(|ef| ef as usize),
            exact: params.exact.unwrap_or(false),
            ..Default::default()
        }),
        with_vector: convert::with_vectors(request.with_vectors),
        with_payload: convert::with_payload(request.with_payload, false),
    })
}

#[tonic::async_trait]
impl Points for Store {
    async fn upsert(&self, request: Request<q::UpsertPoints>) -> Updated {
        let request = request.into_inner();
        let points = request
            .points
            .into_iter()
            .map(convert::point_in)
            .collect::<Result<Vec<_>, _>>()?;
        let operation = e::PointOperations::UpsertPoints(e::PointInsertOperations::PointsList(points));
        update(
            self,
            &request.collection_name,
            e::UpdateOperation::PointOperation(operation),
        )
        .await
    }

    async fn delete(&self, request: Request<q::DeletePoints>) -> Updated {
        let request = request.into_inner();
        let operation = match selected(request.points)? {
            Ok(ids) => e::PointOperations::DeletePoints { ids },
            Err(filter) => e::PointOperations::DeletePointsByFilter(filter),
        };
        update(
            self,
            &request.collection_name,
            e::UpdateOperation::PointOperation(operation),
        )
        .await
    }

    async fn set_payload(&self, request: Request<q::SetPayloadPoints>) -> Updated {
        let request = request.into_inner();
        let name = request.collection_name.clone();
        let operation = e::PayloadOps::SetPayload(set_payload_op(request)?);
        update(self, &name, e::UpdateOperation::PayloadOperation(operation)).await
    }

    async fn overwrite_payload(&self, request: Request<q::SetPayloadPoints>) -> Updated {
        let request = request.into_inner();
        let name = request.collection_name.clone();
        let operation = e::PayloadOps::OverwritePayload(set_payload_op(request)?);
        update(self, &name, e::UpdateOperation::PayloadOperation(operation)).await
    }

    async fn create_field_index(&self, request: Request<q::CreateFieldIndexCollection>) -> Updated {
        let request = request.into_inner();
        let kind = match request.field_type() {
            q::FieldType::Keyword => e::PayloadSchemaType::Keyword,
            q::FieldType::Integer => e::PayloadSchemaType::Integer,
            q::FieldType::Float => e::PayloadSchemaType::Float,
            q::FieldType::Geo => e::PayloadSchemaType::Geo,
            q::FieldType::Text => e::PayloadSchemaType::Text,
            q::FieldType::Bool => e::PayloadSchemaType::Bool,
            q::FieldType::Datetime => e::PayloadSchemaType::Datetime,
            q::FieldType::Uuid => e::PayloadSchemaType::Uuid,
        };
        let field_name = request
            .field_name
            .parse()
            .map_err(|()| Status::invalid_argument("the field name is no path"))?;
        let operation = e::FieldIndexOperations::CreateIndex(e::CreateIndex {
            field_name,
            field_schema: Some(e::PayloadFieldSchema::FieldType(kind)),
        });
        update(
            self,
            &request.collection_name,
            e::UpdateOperation::FieldIndexOperation(operation),
        )
        .await
    }

    async fn get(&self, request: Request<q::GetPoints>) -> Result<Response<q::GetResponse>, Status> {
        let request = request.into_inner();
        let collection = collection(self, &request.collection_name)?;
        let ids = request
            .ids
            .into_iter()
            .map(|id| id_in(Some(id)))
            .collect::<Result<Vec<_>, _>>()?;
        let with_payload = Some(convert::with_payload(request.with_payload, false));
        let with_vectors = Some(convert::with_vectors(request.with_vectors));
        let result = blocking(move || {
            let records = collection
                .shard()
                .retrieve(&ids, with_payload, with_vectors)
                .map_err(status)?;
            Ok(records.into_iter().map(convert::record_out).collect())
        })
        .await?;
        Ok(Response::new(q::GetResponse {
            result,
            ..Default::default()
        }))
    }

    async fn scroll(&self, request: Request<q::ScrollPoints>) -> Result<Response<q::ScrollResponse>, Status> {
        let request = request.into_inner();
        let collection = collection(self, &request.collection_name)?;
        let wanted = e::ScrollRequest {
            offset: request.offset.map(|id| id_in(Some(id))).transpose()?,
            limit: Some(request.limit.unwrap_or(10) as usize),
            filter: filter_in(request.filter)?,
            with_payload: Some(convert::with_payload(request.with_payload, true)),
            with_vector: convert::with_vectors(request.with_vectors),
            ..Default::default()
        };
        let (result, next) = blocking(move || {
            let (records, next) = collection.shard().scroll(wanted).map_err(status)?;
            let records: Vec<_> = records.into_iter().map(convert::record_out).collect();
            Ok((records, next.map(convert::id_out)))
        })
        .await?;
        Ok(Response::new(q::ScrollResponse {
            next_page_offset: next,
            result,
            ..Default::default()
        }))
    }

    async fn count(&self, request: Request<q::CountPoints>) -> Result<Response<q::CountResponse>, Status> {
        let request = request.into_inner();
        let collection = collection(self, &request.collection_name)?;
        let wanted = e::CountRequest {
            filter: filter_in(request.filter)?,
            exact: request.exact.unwrap_or(true),
        };
        let count = blocking(move || collection.shard().count(wanted).map_err(status)).await?;
        Ok(Response::new(q::CountResponse {
            result: Some(q::CountResult { count: count as u64 }),
            ..Default::default()
        }))
    }

    async fn query(&self, request: Request<q::QueryPoints>) -> Result<Response<q::QueryResponse>, Status> {
        let request = request.into_inner();
        let collection = collection(self, &request.collection_name)?;
        let wanted = query_points_in(request)?;
        let result = blocking(move || {
            let found = collection.shard().query(wanted).map_err(status)?;
            Ok(found.into_iter().map(convert::scored_out).collect())
        })
        .await?;
        Ok(Response::new(q::QueryResponse {
            result,
            ..Default::default()
        }))
    }

    async fn query_batch(
        &self,
        request: Request<q::QueryBatchPoints>,
    ) -> Result<Response<q::QueryBatchResponse>, Status> {
        let request = request.into_inner();
        let collection = collection(self, &request.collection_name)?;
        let wanted = request
            .query_points
            .into_iter()
            .map(query_points_in)
            .collect::<Result<Vec<_>, _>>()?;
        let result = blocking(move || {
            wanted
                .into_iter()
                .map(|wanted| {
                    let found = collection.shard().query(wanted).map_err(status)?;
                    Ok(q::BatchResult {
                        result: found.into_iter().map(convert::scored_out).collect(),
                    })
                })
                .collect::<Result<Vec<_>, Status>>()
        })
        .await?;
        Ok(Response::new(q::QueryBatchResponse {
            result,
            ..Default::default()
        }))
    }

    // What follows is not served: qlance asks for none of it.

    async fn update_vectors(&self, _: Request<q::UpdatePointVectors>) -> Updated {
        Err(Status::unimplemented("update vectors"))
    }
    async fn delete_vectors(&self, _: Request<q::DeletePointVectors>) -> Updated {
        Err(Status::unimplemented("delete vectors"))
    }
    async fn delete_payload(&self, _: Request<q::DeletePayloadPoints>) -> Updated {
        Err(Status::unimplemented("delete payload"))
    }
    async fn clear_payload(&self, _: Request<q::ClearPayloadPoints>) -> Updated {
        Err(Status::unimplemented("clear payload"))
    }
    async fn delete_field_index(&self, _: Request<q::DeleteFieldIndexCollection>) -> Updated {
        Err(Status::unimplemented("delete field index"))
    }
    async fn create_vector_name(&self, _: Request<q::CreateVectorNameRequest>) -> Updated {
        Err(Status::unimplemented("create vector name"))
    }
    async fn delete_vector_name(&self, _: Request<q::DeleteVectorNameRequest>) -> Updated {
        Err(Status::unimplemented("delete vector name"))
    }
    async fn search(&self, _: Request<q::SearchPoints>) -> Result<Response<q::SearchResponse>, Status> {
        Err(Status::unimplemented("search; use query"))
    }
    async fn search_batch(&self, _: Request<q::SearchBatchPoints>) -> Result<Response<q::SearchBatchResponse>, Status> {
        Err(Status::unimplemented("search batch; use query batch"))
    }
    async fn search_groups(
        &self,
        _: Request<q::SearchPointGroups>,
    ) -> Result<Response<q::SearchGroupsResponse>, Status> {
        Err(Status::unimplemented("search groups"))
    }
    async fn recommend(&self, _: Request<q::RecommendPoints>) -> Result<Response<q::RecommendResponse>, Status> {
        Err(Status::unimplemented("recommend"))
    }
    async fn recommend_batch(
        &self,
        _: Request<q::RecommendBatchPoints>,
    ) -> Result<Response<q::RecommendBatchResponse>, Status> {
        Err(Status::unimplemented("recommend batch"))
    }
    async fn recommend_groups(
        &self,
        _: Request<q::RecommendPointGroups>,
    ) -> Result<Response<q::RecommendGroupsResponse>, Status> {
        Err(Status::unimplemented("recommend groups"))
    }
    async fn discover(&self, _: Request<q::DiscoverPoints>) -> Result<Response<q::DiscoverResponse>, Status> {
        Err(Status::unimplemented("discover"))
    }
    async fn discover_batch(
        &self,
        _: Request<q::DiscoverBatchPoints>,
    ) -> Result<Response<q::DiscoverBatchResponse>, Status> {
        Err(Status::unimplemented("discover batch"))
    }
    async fn update_batch(&self, _: Request<q::UpdateBatchPoints>) -> Result<Response<q::UpdateBatchResponse>, Status> {
        Err(Status::unimplemented("update batch"))
    }
    async fn query_groups(&self, _: Request<q::QueryPointGroups>) -> Result<Response<q::QueryGroupsResponse>, Status> {
        Err(Status::unimplemented("query groups"))
    }
    async fn facet(&self, _: Request<q::FacetCounts>) -> Result<Response<q::FacetResponse>, Status> {
        Err(Status::unimplemented("facet"))
    }
    async fn search_matrix_pairs(
        &self,
        _: Request<q::SearchMatrixPoints>,
    ) -> Result<Response<q::SearchMatrixPairsResponse>, Status> {
        Err(Status::unimplemented("search matrix"))
    }
    async fn search_matrix_offsets(
        &self,
        _: Request<q::SearchMatrixPoints>,
    ) -> Result<Response<q::SearchMatrixOffsetsResponse>, Status> {
        Err(Status::unimplemented("search matrix"))
    }
}
