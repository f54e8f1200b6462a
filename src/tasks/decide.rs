//! What the operator decides about divergent rows: embed them again, keep Qdrant's vector, accept them as they are.
//!
//! Rows are replaced by id through the one writer; the decision is kept in the journal with the similarity that the row
//! had before. A row is only replaced by a row of the same point: nothing is added, nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use tokio::sync::watch;

use super::migrate::{Parts, embed_points};
use super::now_ms;
use super::prepare::{Plan, text_of};
use super::writer::Message;
use crate::embed::{Caller, Role};
use crate::journal::{self, Decision};
use crate::lance::read;
use crate::point::{PointId, Similarity};

/// Points of one round: one read, one commit.
const ROUND: usize = 64;

/// Carries a decision out, round by round; returns the points that it was carried out for.
///
/// # Errors
/// What stopped it, and after how many points; those are done.
pub async fn carry_out(
    parts: &Parts,
    journal: &journal::Shared,
    tables: &watch::Receiver<Option<lancedb::Table>>,
    decision: Decision,
    ids: &[PointId],
    note: Option<String>,
    done: &mut Vec<PointId>,
) -> anyhow::Result<()> {
    // The same point named twice would be one row merged with itself.
    let ids: Vec<PointId> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    for ids in ids.chunks(ROUND) {
        let held = held(parts, tables, ids).await?;
        let missing: Vec<String> = ids
            .iter()
            .filter(|id| !held.contains_key(id))
            .map(ToString::to_string)
            .collect();
        ensure!(
            missing.is_empty(),
            "not in the table: {}; a point that failed is retried in Failures",
            missing.join(", ")
        );
        match decision {
            Decision::Accepted => {}
            Decision::EmbeddedAgain => replace(parts, journal, &parts.plan, ids, &held).await?,
            Decision::Kept => {
                let carry = Plan::Carry {
                    vector: parts.compare_with.clone(),
                };
                replace(parts, journal, &carry, ids, &held).await?;
            }
        }
        let decided: Vec<(PointId, Option<Similarity>)> = held.into_iter().collect();
        let note = note.clone();
        journal
            .run(move |journal| journal.decide(&decided, decision, note.as_deref(), now_ms()))
            .await?;
        done.extend(ids);
    }
    Ok(())
}

/// The rows there are with their similarities.
async fn held(
    parts: &Parts,
    tables: &watch::Receiver<Option<lancedb::Table>>,
    ids: &[PointId],
) -> anyhow::Result<BTreeMap<PointId, Option<Similarity>>> {
    let table = tables.borrow().clone().context("there is no table yet")?;
    let rows = read::rows_by_id(&table, &parts.schema, ids).await?;
    Ok(rows.into_iter().map(|row| (row.point.id, row.similarity)).collect())
}

/// Makes the rows anew from what Qdrant holds now, and from what was mended by hand.
async fn replace(
    parts: &Parts,
    journal: &journal::Shared,
    plan: &Plan,
    ids: &[PointId],
    held: &BTreeMap<PointId, Option<Similarity>>,
) -> anyhow::Result<()> {
    let mut points = parts.source.get(ids).await?;
    if let Plan::Embed { content } = &parts.plan {
        // What was mended by hand stays mended, whatever becomes of the vector.
        for point in points.iter_mut().flatten() {
            let id = point.id;
            let edited = journal.run(move |journal| journal.applied_edit(id)).await?;
            if let Some(edit) = edited {
                point.payload.insert(content.clone(), edit.after.into());
            }
        }
    }
    let gateway = parts.gateway.as_deref();
    if let (Plan::Embed { content }, Some(gateway)) = (plan, gateway) {
        // What is remembered would come out the same without asking.
        let inputs: Vec<_> = points
            .iter()
            .flatten()
            .filter_map(|point| text_of(content, &point.payload).ok())
            .collect();
        gateway.forget(&inputs, Role::Document);
    }
    let embedded = embed_points(plan, parts.compared(), gateway, points, Caller::Operator).await?;
    if let Some((id, failure)) = embedded.failures.first() {
        anyhow::bail!("point {id} cannot be embedded again ({failure}); its row stays as it is");
    }
    ensure!(
        embedded.points.len() == ids.len(),
        "{} of {} points are no longer in Qdrant; their rows stay as they are",
        ids.len() - embedded.points.len(),
        ids.len()
    );
    let rows = embedded.rows(&parts.schema).map_err(anyhow::Error::msg)?;
    let rows = rows.context("there is nothing to write")?;
    let before: Vec<Option<Similarity>> = held.values().copied().collect();
    let after = embedded.similarities();
    parts
        .writer
        .ask(|done| Message::Replace {
            rows,
            before,
            after,
            done,
        })
        .await
        .context("the rows cannot be replaced")
}
