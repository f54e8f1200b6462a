//! Payload filters, as far as the embedded Qdrant serves them: matches, ranges, ids, empty and null, nested clauses.
//! Built through the engine's own JSON form, so that its parser does the checking.

use qdrant_client::qdrant as q;
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use serde_json::{Map, Value, json};
use tonic::Status;

use super::convert::id_in;

/// The engine's filter for a message.
pub(super) fn filter_in(filter: Option<q::Filter>) -> Result<Option<qdrant_edge::Filter>, Status> {
    let Some(filter) = filter else { return Ok(None) };
    serde_json::from_value(clauses(filter)?)
        .map(Some)
        .map_err(|error| Status::invalid_argument(error.to_string()))
}

fn clauses(filter: q::Filter) -> Result<Value, Status> {
    if filter.min_should.is_some() {
        return Err(Status::unimplemented("min_should is not served here"));
    }
    let mut clauses = Map::new();
    for (name, conditions) in [
        ("must", filter.must),
        ("should", filter.should),
        ("must_not", filter.must_not),
    ] {
        // An empty list means something else to the engine than no list.
        if !conditions.is_empty() {
            let conditions = conditions.into_iter().map(condition).collect::<Result<Vec<_>, _>>()?;
            clauses.insert(name.into(), conditions.into());
        }
    }
    Ok(clauses.into())
}

fn condition(condition: q::Condition) -> Result<Value, Status> {
    match condition.condition_one_of {
        Some(ConditionOneOf::Field(field)) => field_condition(field),
        Some(ConditionOneOf::HasId(ids)) => {
            let ids = ids
                .has_id
                .into_iter()
                .map(|id| id_in(Some(id)).map(|id| json!(id)))
                .collect::<Result<Vec<_>, _>>()?;
            Ok(json!({ "has_id": ids }))
        }
        Some(ConditionOneOf::IsEmpty(empty)) => Ok(json!({ "is_empty": { "key": empty.key } })),
        Some(ConditionOneOf::IsNull(condition)) => Ok(json!({ "is_null": { "key": (condition.key) } })),
        Some(ConditionOneOf::Filter(inner)) => clauses(inner),
        _ => Err(Status::unimplemented("this condition is not served here")),
    }
}

fn field_condition(field: q::FieldCondition) -> Result<Value, Status> {
    if let Some(value) = field.r#match.and_then(|found| found.match_value) {
        let wanted = match value {
            MatchValue::Keyword(text) => json!({ "value": text }),
            MatchValue::Integer(number) => json!({ "value": number }),
            MatchValue::Boolean(flag) => json!({ "value": flag }),
            MatchValue::Keywords(words) => json!({ "any": words.strings }),
            MatchValue::Integers(numbers) => json!({ "any": numbers.integers }),
            _ => return Err(Status::unimplemented("this match is not served here")),
        };
        return Ok(json!({ "key": field.key, "match": wanted }));
    }
    if let Some(range) = field.range {
        return Ok(json!({
            "key": field.key,
            "range": { "lt": (range.lt), "gt": (range.gt), "lte": (range.lte), "gte": (range.gte) }
        }));
    }
    Err(Status::unimplemented("this field condition is not served here"))
}
