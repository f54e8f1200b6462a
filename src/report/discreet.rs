//! What may be said without samples: statistics only. Everything of a verification that reaches the report passes
//! through here.
//!
//! Reasons and remarks are repeated where they are qlance's own sentences ([`super::sentences`]); of figures only
//! numbers, true and false are kept, for the texts among them are conditions that quote payloads, and names of files.

use serde_json::Value;

use super::data::{CheckPart, NamedOffender, VerdictPart, VerificationPart};
use super::sentences::repeated;
use super::words::clean;
use crate::tasks::verify::{Check, Verification};

/// The numbers, true and false of a value, with their keys: no text, and no list, whose numbers might be ids.
pub(super) fn figures_only(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(_, value)| !matches!(value, Value::String(_) | Value::Array(_)))
            .map(|(key, value)| (clean(key), figures_only(value)))
            .collect(),
        Value::Number(_) | Value::Bool(_) => value.clone(),
        _ => Value::Null,
    }
}

/// The same with every text clean.
fn cleaned(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (clean(key), cleaned(value))).collect(),
        Value::Array(list) => list.iter().map(cleaned).collect(),
        Value::String(text) => clean(text).into(),
        other => other.clone(),
    }
}

/// How much may be said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Discretion<'a> {
    /// Points may be named and contents shown.
    pub(super) with_samples: bool,
    /// The columns of embeddings, whose names some sentences hold.
    pub(super) columns: &'a [&'a str],
}

impl Discretion<'_> {
    /// A reason or a remark.
    fn sentence(&self, text: &str) -> String {
        if self.with_samples {
            clean(text)
        } else {
            repeated(text, self.columns)
        }
    }

    /// Several; what is left out is told once.
    fn sentences(&self, texts: &[String]) -> Vec<String> {
        let mut said: Vec<String> = texts.iter().map(|text| self.sentence(text)).collect();
        said.dedup();
        said
    }

    /// What a verification decided, and what it found. `now` is the table's version and the number of points by now.
    pub(super) fn verification(
        &self,
        found: &Verification,
        (version, points): (Option<u64>, u64),
        command: &'static str,
    ) -> (VerdictPart, VerificationPart) {
        let verdict = VerdictPart {
            decision: found.decision.into(),
            reasons: self.sentences(&found.reasons),
            verified_at: Some(found.began_at),
            table_version: Some(found.table_version),
            table_changed: Some(version != Some(found.table_version)),
            points_changed: Some(points != found.points),
            command,
        };
        let part = VerificationPart {
            qdrant_version: clean(&found.qdrant_version),
            points: found.points,
            rows: found.rows,
            sample: found.sample,
            seed: found.seed,
            checks: found.checks.iter().map(|check| self.check(check)).collect(),
        };
        (verdict, part)
    }

    fn check(&self, check: &Check) -> CheckPart {
        CheckPart {
            id: check.id,
            question: check.id.question(),
            outcome: check.outcome,
            figure: clean(&check.figure),
            threshold: clean(&check.threshold),
            seconds: check.took.as_secs_f64(),
            reasons: self.sentences(&check.reasons),
            remarks: self.sentences(&check.notes),
            offenders: check.offenders.total,
            sampled: check.sample,
            numbers: if self.with_samples {
                cleaned(&check.numbers)
            } else {
                figures_only(&check.numbers)
            },
        }
    }

    /// The points that checks find fault with; nobody where nobody may be named.
    pub(super) fn offenders(&self, found: &Verification) -> Vec<NamedOffender> {
        if !self.with_samples {
            return Vec::new();
        }
        let of = |check: &Check| {
            let id = check.id;
            let named = check.offenders.shown.iter().map(move |offender| NamedOffender {
                check: id,
                point: offender.id,
                what: clean(&offender.what),
            });
            named.collect::<Vec<_>>()
        };
        found.checks.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_figures_only_figures_are_kept() {
        let value = json!({
            "conditions": ["thread = 'MARKER'"], "wrong": 3, "sound": true, "named": "MARKER", "none": null,
            "deep": {"ids": [1, 2], "mean": 0.5, "what": "MARKER"},
        });
        let expected = json!({"wrong": 3, "sound": true, "none": null, "deep": {"mean": 0.5}});
        assert_eq!(figures_only(&value), expected);
        assert_eq!(figures_only(&json!("MARKER")), Value::Null);
        assert_eq!(figures_only(&json!([1])), Value::Null);
    }

    #[test]
    fn with_samples_all_is_kept_and_clean() {
        let value = json!({"a": ["x\u{1b}[0m", 1], "b": {"c": "d\n"}});
        assert_eq!(cleaned(&value), json!({"a": ["x\u{fffd}[0m", 1], "b": {"c": "d "}}));
    }

    #[test]
    fn what_is_left_out_is_told_once() {
        let discretion = Discretion {
            with_samples: false,
            columns: &[],
        };
        let texts = [
            "ids: foreign".to_owned(),
            "ids: other".to_owned(),
            "ids: FAIL".to_owned(),
        ];
        let said = discretion.sentences(&texts);
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(
            said.iter()
                .all(|text| !text.contains("foreign") && !text.contains("other")),
            "{said:?}"
        );
    }
}
