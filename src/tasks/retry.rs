//! Trying failed points again: read afresh from Qdrant, embedded, and put into the table by id. A text that was written
//! by hand in the place of a content is tried again too, until a row has it or Qdrant itself says another one.
//!
//! A point is `retrying` in the journal while this holds it. Whatever ends a retry without an answer about a point (a
//! stop, an outage, a commit whose outcome is not known, a kill) leaves it so: the writer then asks the table whether its
//! row made it ([`Message::Settle`], [`super::reconcile`]). Attempts count only where the point itself failed again.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::migrate::{Embedded, Parts, embed_points};
use super::prepare::Plan;
use super::writer::Message;
use super::{Selection, TaskEvent, now_ms};
use crate::embed::Caller;
use crate::journal::{self, Edit, Filter, State};
use crate::point::{Cause, Failure, Point, PointId};
use crate::qdrant::id_of;

/// Points of one round: one read, one commit.
const ROUND: usize = 64;
/// What a retry says that was cut off by the operator.
pub const STOPPED: &str = "stopped by the operator";

/// What a retry as a whole did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Points brought over.
    pub recovered: u64,
    /// Points that failed again.
    pub failed: u64,
}

/// Retries a selection, round by round.
///
/// # Errors
/// Something that no single point is to blame for. The points of that round wait for [`Message::Settle`].
pub async fn run(
    parts: &Parts,
    journal: &journal::Shared,
    events: &mpsc::Sender<TaskEvent>,
    selection: Selection,
    stop: CancellationToken,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut rounds = Rounds::new(selection, parts.round(ROUND));
    while let Some(ids) = rounds.next(journal).await? {
        anyhow::ensure!(!stop.is_cancelled(), STOPPED);
        let claimed = journal.run(move |journal| journal.claim(&ids)).await?;
        if !claimed.is_empty() {
            try_again(parts, journal, events, &claimed, &BTreeMap::new(), &stop, outcome).await?;
        }
    }
    Ok(())
}

/// Retries one point with a text that the operator wrote in the place of its content.
///
/// # Errors
/// As for [`run`]; also where nothing is embedded, or the point is gone.
pub async fn run_edited(
    parts: &Parts,
    journal: &journal::Shared,
    events: &mpsc::Sender<TaskEvent>,
    (id, text): (PointId, String),
    stop: CancellationToken,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let Plan::Embed { content, .. } = &parts.recipe.plan else {
        anyhow::bail!("vectors are carried over here: there is no content to edit");
    };
    let point = parts.source.get(&[id]).await?.into_iter().next();
    let point = point
        .with_context(|| format!("point {id} is no longer in Qdrant"))?
        .map_err(|(id, failure)| anyhow::anyhow!("point {id} cannot be read: {failure}"))?;
    let edit = Edit {
        before: point
            .payload
            .get(content)
            .and_then(|value| value.as_str())
            .map(str::to_owned),
        after: text.clone(),
        at: now_ms(),
    };
    let claimed = journal.run(move |journal| journal.claim_edited(id, &edit)).await?;
    anyhow::ensure!(claimed, "point {id} is not among the failed points; nothing was edited");
    let edits = BTreeMap::from([(id, text)]);
    try_again(parts, journal, events, &[id], &edits, &stop, outcome).await
}

/// One round of points that are claimed.
async fn try_again(
    parts: &Parts,
    journal: &journal::Shared,
    events: &mpsc::Sender<TaskEvent>,
    claimed: &[PointId],
    edits: &BTreeMap<PointId, String>,
    stop: &CancellationToken,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let _ = events.send(TaskEvent::RetryStarted(claimed.to_vec())).await;
    // Only reading and embedding can be cut off. What is being written is waited for: cut off in between, the row would
    // be in the table and the journal would not know.
    let embedded = tokio::select! {
        embedded = embed(parts, journal, claimed, edits) => embedded?,
        () = stop.cancelled() => anyhow::bail!(STOPPED),
    };
    let done = write(parts, journal, events, claimed, embedded).await?;
    outcome.recovered += done.recovered;
    outcome.failed += done.failed;
    Ok(())
}

/// Walks through a selection without holding more than one round of it.
struct Rounds {
    size: usize,
    selection: Selection,
    after: Option<PointId>,
}

impl Rounds {
    fn new(selection: Selection, size: usize) -> Self {
        Self {
            size,
            selection,
            after: None,
        }
    }

    async fn next(&mut self, journal: &journal::Shared) -> anyhow::Result<Option<Vec<PointId>>> {
        match &mut self.selection {
            Selection::Ids(ids) if ids.is_empty() => Ok(None),
            Selection::Ids(ids) => Ok(Some(ids.drain(..ids.len().min(self.size)).collect())),
            Selection::Filter(filter) => {
                let filter = Filter {
                    states: vec![State::Failed],
                    ..filter.clone()
                };
                let (after, size) = (self.after, self.size as u64);
                let ids = journal
                    .run(move |journal| journal.ids_after(&filter, after, size))
                    .await?;
                self.after = ids.last().copied().or(after);
                Ok((!ids.is_empty()).then_some(ids))
            }
        }
    }
}

/// Reads the points afresh and embeds them, with these edits and with those that are on record and in no row yet; those
/// that are gone have failed.
async fn embed(
    parts: &Parts,
    journal: &journal::Shared,
    ids: &[PointId],
    edits: &BTreeMap<PointId, String>,
) -> anyhow::Result<Embedded> {
    let mut points = parts.source.get(ids).await?;
    if let Plan::Embed { content, .. } = &parts.recipe.plan {
        let said = |point: &Point| {
            let text = point.payload.get(content).and_then(|value| value.as_str());
            (point.id, text.map(str::to_owned))
        };
        let others = points.iter().flatten().filter(|point| !edits.contains_key(&point.id));
        let others: Vec<(PointId, Option<String>)> = others.map(said).collect();
        let kept = journal.run(move |journal| journal.take_up_edits(&others)).await?;
        for point in points.iter_mut().flatten() {
            if let Some(text) = edits.get(&point.id).or_else(|| kept.get(&point.id)) {
                point.payload.insert(content.clone(), text.as_str().into());
            }
        }
    }
    let found: HashSet<PointId> = points.iter().map(id_of).collect();
    let mut embedded = embed_points(&parts.recipe, &parts.schema, points, Caller::Operator).await?;
    embedded
        .failures
        .extend(ids.iter().filter(|id| !found.contains(id)).map(|id| {
            (
                *id,
                Failure::new(
                    Cause::Gone,
                    "the point is no longer in Qdrant; skip it, or bring it back there",
                ),
            )
        }));
    Ok(embedded)
}

/// Writes what was embedded and records what failed again.
async fn write(
    parts: &Parts,
    journal: &journal::Shared,
    events: &mpsc::Sender<TaskEvent>,
    claimed: &[PointId],
    embedded: Embedded,
) -> anyhow::Result<Outcome> {
    let recovered = embedded.ids();
    debug_assert_eq!(recovered.len() + embedded.failures.len(), claimed.len());
    if let Some(rows) = embedded.rows(&parts.schema).map_err(anyhow::Error::msg)? {
        let ids = recovered.clone();
        let similarities = embedded.similarities();
        let shortened = embedded.shortened.clone();
        parts
            .writer
            .ask(|done| Message::Recover {
                rows,
                ids,
                similarities,
                shortened,
                done,
            })
            .await
            .context("the retried points cannot be written")?;
    }
    let failures = embedded.failures;
    let outcome = Outcome {
        recovered: recovered.len() as u64,
        failed: failures.len() as u64,
    };
    if !failures.is_empty() {
        let recorded = failures.clone();
        journal
            .run(move |journal| journal.record_again(&recorded, now_ms()))
            .await?;
    }
    for id in recovered {
        let _ = events.send(TaskEvent::RetryFinished(id, Ok(()))).await;
    }
    for (id, failure) in failures {
        let _ = events.send(TaskEvent::RetryFinished(id, Err(failure))).await;
    }
    Ok(outcome)
}
