//! Looking into both stores for the screen: rows by similarity, one point with its neighbours, pairs side by side.
//! Reads only; every question is answered in a task of its own, so that neither the work nor the screen waits.

mod neighbours;
mod pairs;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use lancedb::Table;
use serde::Serialize;
use tokio::sync::watch;

use super::job::Opening;
use super::recipe::Recipe;
use super::{FailureDetail, TaskEvent};
use crate::config::Config;
use crate::journal::{self, Decided, Edit, State};
use crate::lance::browse::{self, Anchor, Band};
use crate::lance::index::Wishes;
use crate::lance::{Row, TableSchema, read};
use crate::point::{Modality, Payload, Point, PointId, Similarity};
use crate::qdrant::Source;

pub use neighbours::{Agreement, Neighbour, Neighbours};
pub(super) use neighbours::{score, score_name};
pub use pairs::PairSummary;

/// One vector in two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct VectorFacts {
    /// Numbers.
    pub dimension: usize,
    /// Euclidean norm.
    pub norm: f64,
}

impl VectorFacts {
    fn of(numbers: &[f32]) -> Self {
        Self {
            dimension: numbers.len(),
            norm: qlance_numbers::norm(numbers),
        }
    }
}

/// One point of both stores.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PointDetail {
    /// The point.
    pub id: PointId,
    /// Its text in LanceDB, else in Qdrant.
    pub content: Option<String>,
    /// Qdrant's vector.
    pub qdrant: Option<VectorFacts>,
    /// The new embedding.
    pub lancedb: Option<VectorFacts>,
    /// Their cosine.
    pub similarity: Option<Similarity>,
    /// The nearest in each store; an error text where they cannot be found.
    pub neighbours: Result<Neighbours, String>,
    /// What was decided last.
    pub decided: Option<Decided>,
    /// The latest edit by hand.
    pub edit: Option<Edit>,
}

/// What the questions need. Cloning is cheap.
#[derive(Clone)]
pub struct Inspector {
    /// Where points come from.
    pub source: Source,
    /// The table, once there is one.
    pub tables: watch::Receiver<Option<Table>>,
    /// Its columns.
    pub schema: TableSchema,
    /// For each modality, Qdrant's vector that its new embeddings stand beside.
    pub beside: [String; 3],
    /// The payload key of the text.
    pub content: String,
    /// By which distance the table's columns are searched.
    pub wishes: Wishes,
    /// Whether vectors are carried over.
    pub carried: bool,
    /// How points get their embeddings, and queries theirs.
    pub recipe: Recipe,
    /// The configuration.
    pub config: Arc<Config>,
    /// The journal.
    pub journal: journal::Shared,
}

impl Inspector {
    /// What a job's questions need.
    pub fn of(opening: &Opening, tables: watch::Receiver<Option<Table>>) -> Self {
        Self {
            source: opening.source.clone(),
            tables,
            schema: opening.schema.clone(),
            beside: Modality::ALL.map(|modality| opening.config.compare_with(modality).to_owned()),
            content: opening.config.source.content.clone(),
            wishes: opening.wishes(),
            carried: opening.recipe.gateways.is_empty(),
            recipe: opening.recipe.clone(),
            config: Arc::clone(&opening.config),
            journal: opening.journal.clone(),
        }
    }

    pub(super) fn table(&self) -> Option<Table> {
        self.tables.borrow().clone()
    }

    /// One page of rows by similarity with what was decided about them. Before there is a table, nothing.
    ///
    /// # Errors
    /// The table or the journal cannot be read.
    pub async fn divergent(&self, band: Band, anchor: Anchor, limit: usize) -> anyhow::Result<TaskEvent> {
        let Some(table) = self.table() else {
            return Ok(TaskEvent::DivergentListed {
                band,
                anchor,
                total: 0,
                rows: Vec::new(),
            });
        };
        let rows = browse::page(&table, band, anchor, limit.min(1_000), &self.content).await?;
        let total = browse::count(&table, band).await?;
        let ids: Vec<PointId> = rows.iter().map(|row| row.id).collect();
        let mut decisions: BTreeMap<PointId, Decided> =
            self.journal.run(move |journal| journal.decisions(&ids)).await?;
        let rows = rows
            .into_iter()
            .map(|row| {
                let decided = decisions.remove(&row.id);
                (row, decided)
            })
            .collect();
        Ok(TaskEvent::DivergentListed {
            band,
            anchor,
            total,
            rows,
        })
    }

    /// A point as Qdrant has it now.
    async fn point(&self, id: PointId) -> anyhow::Result<Option<Point>> {
        let found = self.source.get(&[id]).await?.into_iter().next();
        found
            .transpose()
            .map_err(|(id, failure)| anyhow::anyhow!("point {id} cannot be read from Qdrant: {failure}"))
    }

    /// A row as LanceDB has it now.
    async fn row(&self, id: PointId) -> anyhow::Result<Option<Row>> {
        let Some(table) = self.table() else { return Ok(None) };
        Ok(read::rows_by_id(&table, &self.schema, &[id]).await?.into_iter().next())
    }

    /// One point of both stores with its neighbours.
    ///
    /// # Errors
    /// One of the stores cannot be read, or neither has the point.
    pub async fn inspect(&self, id: PointId) -> anyhow::Result<PointDetail> {
        let (point, row) = tokio::try_join!(self.point(id), self.row(id))?;
        anyhow::ensure!(
            point.is_some() || row.is_some(),
            "point {id} is in neither store; check the id"
        );
        let (decided, edit) = self
            .journal
            .run(move |journal| Ok((journal.decisions(&[id])?.remove(&id), journal.edit(id)?)))
            .await?;
        let old = point
            .as_ref()
            .and_then(|point| point.vectors.get(self.beside(row.as_ref()))?.dense());
        let new = row.as_ref().and_then(|row| row.embedding.as_deref());
        let neighbours = self
            .neighbours(id, old, row.as_ref())
            .await
            .map_err(|error| format!("{error:#}"));
        Ok(PointDetail {
            id,
            content: row
                .as_ref()
                .and_then(|row| text(&row.point.payload, &self.content))
                .or_else(|| point.as_ref().and_then(|point| text(&point.payload, &self.content))),
            qdrant: old.map(VectorFacts::of),
            lancedb: new.map(VectorFacts::of),
            similarity: row.as_ref().and_then(|row| row.similarity),
            neighbours,
            decided,
            edit,
        })
    }

    /// One failure with its attempts, the payload as it is now, and the latest edit: of an open one that which no row
    /// has yet.
    ///
    /// # Errors
    /// The journal cannot be read, or the point is not among the failures.
    pub async fn failure(&self, id: PointId) -> anyhow::Result<FailureDetail> {
        let (found, edit) = self
            .journal
            .run(move |journal| {
                let found = journal.get(id)?;
                let is_open = found.as_ref().is_some_and(|(row, _)| row.state != State::Recovered);
                let edit = if is_open {
                    journal.unapplied_edit(id)?
                } else {
                    journal.edit(id)?
                };
                Ok((found, edit))
            })
            .await?;
        let (row, attempts) = found.with_context(|| format!("point {id} is not among the failures"))?;
        let payload = match self.source.get(&[id]).await {
            Ok(points) => match points.into_iter().next() {
                Some(Ok(point)) => Ok(point.payload),
                Some(Err((_, failure))) => Err(failure.message),
                None => Err("the point is no longer in Qdrant".into()),
            },
            Err(error) => Err(error.to_string()),
        };
        Ok(FailureDetail {
            row,
            attempts,
            payload,
            edit,
        })
    }

    /// The name of Qdrant's vector that a row's embedding stands beside.
    fn beside(&self, row: Option<&Row>) -> &str {
        let modality = row.and_then(|row| row.modality).unwrap_or(Modality::Text);
        &self.beside[modality as usize]
    }
}

fn text(payload: &Payload, key: &str) -> Option<String> {
    payload.get(key)?.as_str().map(str::to_owned)
}
