//! Trying failed points again: read afresh from Qdrant, embedded, and put into the table by id.
//!
//! A point is `retrying` in the journal while this holds it; found so at a start, [`super::reconcile`] asks the table
//! whether its row made it. Attempts count only where the point itself failed again.

use std::collections::{BTreeMap, HashSet};

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::migrate::{Parts, embed_points};
use super::prepare::Plan;
use super::writer::Message;
use super::{Selection, TaskEvent, now_ms};
use crate::embed::Caller;
use crate::journal::{self, Edit, Filter, State};
use crate::point::{Cause, Failure, PointId};

/// Points of one round: one read, one commit.
const ROUND: usize = 64;

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
/// Something that no single point is to blame for; the points of that round are failed as before.
pub async fn run(
    parts: &Parts,
    journal: &journal::Shared,
    events: &mpsc::Sender<TaskEvent>,
    selection: Selection,
    stop: CancellationToken,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    run_with(parts, journal, events, selection, &BTreeMap::new(), stop, outcome).await
}

/// Retries one point with a text that the operator wrote in the place of its content. The edit is kept before the row
/// is written: a row that differs from its point on purpose never lacks its proof.
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
    let Plan::Embed { content } = &parts.plan else {
        anyhow::bail!("vectors are carried over here: there is no content to edit");
    };
    let state = journal
        .run(move |journal| Ok(journal.get(id)?.map(|(row, _)| row.state)))
        .await?;
    anyhow::ensure!(
        state == Some(State::Failed),
        "point {id} is not among the failed points; nothing was edited"
    );
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
    journal.run(move |journal| journal.record_edit(id, &edit)).await?;
    let edits = BTreeMap::from([(id, text)]);
    run_with(parts, journal, events, Selection::Ids(vec![id]), &edits, stop, outcome).await
}

async fn run_with(
    parts: &Parts,
    journal: &journal::Shared,
    events: &mpsc::Sender<TaskEvent>,
    selection: Selection,
    edits: &BTreeMap<PointId, String>,
    stop: CancellationToken,
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let mut rounds = Rounds::new(selection);
    while let Some(ids) = rounds.next(journal).await? {
        if stop.is_cancelled() {
            break;
        }
        let claimed = claim(journal, ids).await?;
        if claimed.is_empty() {
            continue;
        }
        let _ = events.send(TaskEvent::RetryStarted(claimed.clone())).await;
        let result = tokio::select! {
            result = round(parts, journal, events, &claimed, edits) => result,
            () = stop.cancelled() => Err(anyhow::anyhow!("stopped by the operator")),
        };
        match result {
            Ok(done) => {
                outcome.recovered += done.recovered;
                outcome.failed += done.failed;
            }
            Err(error) => {
                // Whatever is not settled goes back to where it was; no attempt is counted.
                let back = claimed.clone();
                journal
                    .run(move |journal| journal.set_state(&back, &[State::Retrying], State::Failed, None))
                    .await?;
                return Err(error);
            }
        }
    }
    Ok(())
}

/// Walks through a selection without holding more than one round of it.
struct Rounds {
    selection: Selection,
    after: Option<PointId>,
}

impl Rounds {
    fn new(selection: Selection) -> Self {
        Self { selection, after: None }
    }

    async fn next(&mut self, journal: &journal::Shared) -> anyhow::Result<Option<Vec<PointId>>> {
        match &mut self.selection {
            Selection::Ids(ids) if ids.is_empty() => Ok(None),
            Selection::Ids(ids) => Ok(Some(ids.drain(..ids.len().min(ROUND)).collect())),
            Selection::Filter(filter) => {
                let filter = Filter {
                    states: vec![State::Failed],
                    ..filter.clone()
                };
                let after = self.after;
                let ids = journal
                    .run(move |journal| journal.ids_after(&filter, after, ROUND as u64))
                    .await?;
                self.after = ids.last().copied().or(after);
                Ok((!ids.is_empty()).then_some(ids))
            }
        }
    }
}

/// Marks those that are failed (not skipped, not recovered) as being retried.
async fn claim(journal: &journal::Shared, ids: Vec<PointId>) -> anyhow::Result<Vec<PointId>> {
    journal
        .run(move |journal| {
            let mut claimed = Vec::with_capacity(ids.len());
            for id in ids {
                if journal.set_state(&[id], &[State::Failed], State::Retrying, None)? == 1 {
                    claimed.push(id);
                }
            }
            Ok(claimed)
        })
        .await
}

async fn round(
    parts: &Parts,
    journal: &journal::Shared,
    events: &mpsc::Sender<TaskEvent>,
    ids: &[PointId],
    edits: &BTreeMap<PointId, String>,
) -> anyhow::Result<Outcome> {
    let mut points = parts.source.get(ids).await?;
    if let Plan::Embed { content } = &parts.plan {
        for point in points.iter_mut().flatten() {
            if let Some(text) = edits.get(&point.id) {
                point.payload.insert(content.clone(), text.as_str().into());
            }
        }
    }
    let found: HashSet<PointId> = points
        .iter()
        .map(|point| match point {
            Ok(point) => point.id,
            Err((id, _)) => *id,
        })
        .collect();
    let gateway = parts.gateway.as_deref();
    let embedded = embed_points(&parts.plan, parts.compared(), gateway, points, Caller::Operator).await?;
    let mut failures = embedded.failures.clone();
    failures.extend(ids.iter().filter(|id| !found.contains(id)).map(|id| {
        (
            *id,
            Failure::new(
                Cause::Gone,
                "the point is no longer in Qdrant; skip it, or bring it back there",
            ),
        )
    }));
    let recovered: Vec<PointId> = embedded.points.iter().map(|(point, _, _)| point.id).collect();
    if let Some(rows) = embedded.rows(&parts.schema).map_err(anyhow::Error::msg)? {
        let ids = recovered.clone();
        let similarities = embedded.similarities();
        parts
            .writer
            .ask(|done| Message::Recover {
                rows,
                ids,
                similarities,
                done,
            })
            .await
            .context("the retried points cannot be written")?;
    }
    let outcome = Outcome {
        recovered: recovered.len() as u64,
        failed: failures.len() as u64,
    };
    if !failures.is_empty() {
        let recorded = failures.clone();
        journal.run(move |journal| journal.record(&recorded, now_ms())).await?;
    }
    for id in recovered {
        let _ = events.send(TaskEvent::RetryFinished(id, Ok(()))).await;
    }
    for (id, failure) in failures {
        let _ = events.send(TaskEvent::RetryFinished(id, Err(failure))).await;
    }
    Ok(outcome)
}
