//! Payload filters, as far as the embedded Qdrant serves them: matches and their exceptions, ranges, counts of values,
//! ids, vectors, empty and null, clauses in clauses. Built through the engine's own JSON form, so that its parser does
//! the checking.

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
    let mut clauses = Map::new();
    for (name, list) in [
        ("must", filter.must),
        ("should", filter.should),
        ("must_not", filter.must_not),
    ] {
        // An empty list means something else to the engine than no list.
        if !list.is_empty() {
            clauses.insert(name.into(), conditions(list)?);
        }
    }
    if let Some(q::MinShould {
        conditions: list,
        min_count,
    }) = filter.min_should
    {
        let list = conditions(list)?;
        clauses.insert(
            "min_should".into(),
            json!({ "conditions": list, "min_count": min_count }),
        );
    }
    Ok(clauses.into())
}

fn conditions(list: Vec<q::Condition>) -> Result<Value, Status> {
    list.into_iter().map(condition).collect()
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
        Some(ConditionOneOf::HasVector(named)) => Ok(json!({ "has_vector": (named.has_vector) })),
        Some(ConditionOneOf::IsEmpty(empty)) => Ok(json!({ "is_empty": { "key": empty.key } })),
        Some(ConditionOneOf::IsNull(condition)) => Ok(json!({ "is_null": { "key": (condition.key) } })),
        Some(ConditionOneOf::Filter(inner)) => clauses(inner),
        Some(ConditionOneOf::Nested(nested)) => {
            let filter = clauses(nested.filter.unwrap_or_default())?;
            let key = nested.key;
            Ok(json!({ "nested": { "key": key, "filter": filter } }))
        }
        _ => Err(Status::unimplemented("this condition is not served here")),
    }
}

fn field_condition(field: q::FieldCondition) -> Result<Value, Status> {
    let key = field.key;
    if let Some(value) = field.r#match.and_then(|found| found.match_value) {
        let wanted = match value {
            MatchValue::Keyword(text) => json!({ "value": text }),
            MatchValue::Integer(number) => json!({ "value": number }),
            MatchValue::Boolean(flag) => json!({ "value": flag }),
            MatchValue::Keywords(words) => json!({ "any": (words.strings) }),
            MatchValue::Integers(numbers) => json!({ "any": (numbers.integers) }),
            MatchValue::ExceptKeywords(words) => json!({ "except": (words.strings) }),
            MatchValue::ExceptIntegers(numbers) => json!({ "except": (numbers.integers) }),
            _ => return Err(Status::unimplemented("this match is not served here")),
        };
        return Ok(json!({ "key": key, "match": wanted }));
    }
    if let Some(range) = field.range {
        let bounds = [range.lt, range.gt, range.lte, range.gte];
        // JSON would make a null of it, which is no bound at all.
        if bounds.iter().flatten().any(|bound| !bound.is_finite()) {
            return Err(Status::invalid_argument(format!(
                "the range of {key:?} has an end that is no number"
            )));
        }
        return Ok(json!({
            "key": key,
            "range": { "lt": (range.lt), "gt": (range.gt), "lte": (range.lte), "gte": (range.gte) }
        }));
    }
    if let Some(count) = field.values_count {
        return Ok(json!({
            "key": key,
            "values_count": { "lt": (count.lt), "gt": (count.gt), "lte": (count.lte), "gte": (count.gte) }
        }));
    }
    match (field.is_empty, field.is_null) {
        (Some(is_empty), None) => Ok(json!({ "key": key, "is_empty": is_empty })),
        (None, Some(is_null)) => Ok(json!({ "key": key, "is_null": is_null })),
        _ => Err(Status::unimplemented("this field condition is not served here")),
    }
}
