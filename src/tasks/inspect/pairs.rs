//! Points of both stores side by side.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Inspector;
use crate::journal::State;
use crate::lance::{Row, browse, read};
use crate::point::diff::{self, Because, RecordDiff, Verdict};
use crate::point::{Point, PointId};
use crate::qdrant::id_of;
use crate::qdrant::source::Wanted;
use crate::tasks::SampleOf;

/// Points drawn from each store: what only one store has is found from that store alone.
const SAMPLE: usize = 20;
/// Points that are compared at once: both of their payloads are in memory.
const AT_ONCE: usize = 8;
/// Points that can be named.
const MOST_NAMED: usize = 500;
/// Characters of a content that was edited by hand.
const MOST_EDITED: usize = 40;

/// How one pair stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PairSummary {
    /// The point.
    pub id: PointId,
    /// What is to be said of it.
    pub verdict: Verdict,
    /// Fields and vectors that differ; none where one side cannot be read.
    pub differing: usize,
    /// Why, where that is known.
    pub because: Option<Because>,
}

impl PairSummary {
    /// A record in one line.
    pub fn of(record: &RecordDiff) -> Self {
        let vectors = record.vectors.iter().filter(|(_, vector)| !vector.agrees).count();
        // What cannot be read is not known to differ.
        let differing = match record.because {
            Some(Because::Unreadable(_)) => 0,
            _ => record.differing() + vectors,
        };
        Self {
            id: record.id,
            verdict: record.verdict,
            differing,
            because: record.because.clone(),
        }
    }
}

impl Inspector {
    /// Compares a sample, or the named points.
    ///
    /// # Errors
    /// One of the stores cannot be read.
    pub async fn pairs(&self, of: SampleOf) -> anyhow::Result<Vec<PairSummary>> {
        let ids: Vec<PointId> = match of {
            SampleOf::Ids(mut ids) => {
                ids.truncate(MOST_NAMED);
                ids
            }
            SampleOf::Random => {
                let drawn = self.source.sample(SAMPLE as u64, Wanted::Ids).await?;
                let mut ids: BTreeSet<PointId> = drawn.iter().map(id_of).collect();
                if let Some(table) = self.table() {
                    ids.extend(browse::sample_ids(&table, SAMPLE).await?);
                }
                ids.into_iter().collect()
            }
        };
        let mut summaries = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(AT_ONCE) {
            for mut record in self.compare(chunk).await? {
                if record.because.is_none() {
                    record.because = self.because(record.id).await?;
                }
                summaries.push(PairSummary::of(&record));
            }
        }
        Ok(summaries)
    }

    /// Compares one point, field by field.
    ///
    /// # Errors
    /// One of the stores cannot be read.
    pub async fn pair(&self, id: PointId) -> anyhow::Result<RecordDiff> {
        let Some(mut record) = self.compare(&[id]).await?.pop() else {
            unreachable!("one record an id");
        };
        if let Some(because @ Because::Unreadable(_)) = &record.because {
            anyhow::bail!("{because}");
        }
        record.because = self.because(id).await?;
        record.light_words();
        Ok(record)
    }

    /// One record an id, in their order. Of what the journal knows they say nothing yet.
    async fn compare(&self, ids: &[PointId]) -> anyhow::Result<Vec<RecordDiff>> {
        let table = self.table();
        let rows = async {
            match &table {
                Some(table) => read::rows_by_id(table, &self.schema, ids).await,
                None => Ok(Vec::new()),
            }
        };
        let points = async { anyhow::Ok(self.source.get(ids).await?) };
        let (points, rows): (Vec<_>, Vec<Row>) = tokio::try_join!(points, rows)?;
        let mut unreadable: BTreeMap<PointId, Because> = BTreeMap::new();
        let mut readable: Vec<Point> = Vec::new();
        for point in points {
            match point {
                Ok(point) => readable.push(point),
                Err((id, failure)) => {
                    unreadable.insert(id, Because::Unreadable(failure.to_string()));
                }
            }
        }
        Ok(ids
            .iter()
            .map(|id| {
                let point = readable.iter().find(|point| point.id == *id);
                let row = rows.iter().find(|row| row.point.id == *id);
                let embedding = row
                    .and_then(|row| row.embedding.as_deref())
                    .map(|numbers| (self.beside(row), numbers));
                let mut record = diff::compare(*id, point, row.map(|row| &row.point), embedding, self.carried);
                record.because = unreadable.remove(id);
                if record.because.is_some() {
                    // It is there; what it holds is not known.
                    record.verdict = if row.is_some() {
                        Verdict::Differs
                    } else {
                        Verdict::MissingInLancedb
                    };
                }
                record
            })
            .collect())
    }

    async fn because(&self, id: PointId) -> anyhow::Result<Option<Because>> {
        self.journal
            .run(move |journal| {
                if let Some(edit) = journal.applied_edit(id)? {
                    return Ok(Some(Because::Edited(beginning(&edit.after))));
                }
                Ok(journal.get(id)?.and_then(|(row, _)| match row.state {
                    State::Failed | State::Retrying => Some(Because::Failed(row.error)),
                    State::Skipped => Some(Because::Skipped(row.reason.unwrap_or_default())),
                    State::Recovered => None,
                }))
            })
            .await
    }
}

/// The beginning of a content, with a sign where it goes on.
fn beginning(content: &str) -> String {
    match content.char_indices().nth(MOST_EDITED) {
        None => content.to_owned(),
        Some((end, _)) => format!("{} ...", &content[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Vectors;

    #[test]
    fn of_what_cannot_be_read_no_difference_is_counted() {
        let id = PointId::Num(1);
        let row = Point {
            id,
            payload: serde_json::json!({"a": 1}).as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        };
        let record = diff::compare(id, None, Some(&row), None, false);
        assert_eq!(PairSummary::of(&record).differing, 1);
        let unreadable = RecordDiff {
            verdict: Verdict::Differs,
            because: Some(Because::Unreadable("1e400".into())),
            ..record
        };
        assert_eq!(PairSummary::of(&unreadable).differing, 0);
    }

    #[test]
    fn an_edited_content_that_is_cut_says_so() {
        let whole = "日".repeat(MOST_EDITED);
        assert_eq!(beginning(&whole), whole);
        assert_eq!(beginning(&format!("{whole}a")), format!("{whole} ..."));
    }
}
