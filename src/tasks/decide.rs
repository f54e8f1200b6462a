//! What the operator decides about divergent rows: embed them again, keep Qdrant's vector, accept them as they are.
//!
//! Rows are replaced by id through the one writer; the decision is kept in the journal with the similarity that the row
//! had before. A row is only replaced by a row of the same point: nothing is added, nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail, ensure};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::migrate::{Embedded, Parts, embed_points};
use super::now_ms;
use super::prepare::{Plan, text_of};
use super::recipe;
use super::writer::Message;
use crate::embed::{Caller, Role};
use crate::journal::{self, Decision};
use crate::lance::{Row, read};
use crate::point::{Modality, PointId, Similarity};

/// Points of one round: one read, one commit.
const ROUND: usize = 64;
/// Why a decision was not carried out to its end.
const STOPPED: &str = "stopped by the operator";

/// What is to be done about which rows.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What was decided.
    pub decision: Decision,
    /// About whom.
    pub ids: Vec<PointId>,
    /// Why.
    pub note: Option<String>,
}

/// Carries a decision out, round by round; returns the points that it was carried out for.
///
/// # Errors
/// What stopped it, and after how many points; those are done.
pub async fn carry_out(
    parts: &Parts,
    journal: &journal::Shared,
    tables: &watch::Receiver<Option<lancedb::Table>>,
    wish: Wish,
    stop: &CancellationToken,
    done: &mut Vec<PointId>,
) -> anyhow::Result<()> {
    let Wish { decision, ids, note } = wish;
    // The same point named twice would be one row merged with itself.
    let ids: Vec<PointId> = ids.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    for ids in ids.chunks(parts.round(ROUND)) {
        ensure!(!stop.is_cancelled(), STOPPED);
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
            Decision::EmbeddedAgain => replace(parts, journal, &parts.recipe.plan, ids, stop, (tables, &held)).await?,
            Decision::Kept => {
                for (plan, ids) in carried(parts, &held)? {
                    replace(parts, journal, &plan, &ids, stop, (tables, &held)).await?;
                }
            }
        }
        let decided: Vec<(PointId, Option<Similarity>)> =
            held.into_iter().map(|(id, row)| (id, row.similarity)).collect();
        let note = note.clone();
        journal
            .run(move |journal| {
                journal.decide(&decided, decision, note.as_deref(), now_ms())?;
                if decision == Decision::Accepted {
                    return Ok(());
                }
                // Their rows say what the points say: catching up has nothing left to do about them, and would undo it.
                let ids: Vec<PointId> = decided.iter().map(|(id, _)| *id).collect();
                journal.settle_drift(&ids)
            })
            .await?;
        done.extend(ids);
    }
    Ok(())
}

/// Which vector of Qdrant goes into which rows: that which their embedding stands beside.
fn carried(parts: &Parts, held: &BTreeMap<PointId, Row>) -> anyhow::Result<Vec<(Plan, Vec<PointId>)>> {
    let mut groups: BTreeMap<(String, usize), Vec<PointId>> = BTreeMap::new();
    for (id, row) in held {
        // A caption in the place of its picture is a text, whatever the row is made of.
        let own = row.modality.filter(|modality| {
            parts.recipe.columns.of(*modality).is_some()
                && row.embedding_column.as_deref() == parts.recipe.columns.of(*modality)
        });
        let modality = own.unwrap_or(Modality::Text);
        let vector = parts.recipe.compared[modality as usize].clone();
        let vector = vector.with_context(|| {
            format!(
                "Qdrant's vectors are of another space than the embeddings of {}",
                modality.as_str()
            )
        })?;
        groups.entry((vector, modality as usize)).or_default().push(*id);
    }
    Ok(groups
        .into_iter()
        .map(|((vector, modality), ids)| {
            let into = Some(Modality::ALL[modality]);
            (Plan::Carry { vector, into }, ids)
        })
        .collect())
}

/// The rows there are.
async fn held(
    parts: &Parts,
    tables: &watch::Receiver<Option<lancedb::Table>>,
    ids: &[PointId],
) -> anyhow::Result<BTreeMap<PointId, Row>> {
    let table = tables.borrow().clone().context("there is no table yet")?;
    let rows = read::rows_by_id(&table, &parts.schema, ids).await?;
    Ok(read::firsts(rows))
}

/// Makes the rows anew from what Qdrant holds now, and from what was mended by hand.
async fn replace(
    parts: &Parts,
    journal: &journal::Shared,
    plan: &Plan,
    ids: &[PointId],
    stop: &CancellationToken,
    (tables, held): (&watch::Receiver<Option<lancedb::Table>>, &BTreeMap<PointId, Row>),
) -> anyhow::Result<()> {
    // What is being written is waited for; all before that can be cut off.
    let mut embedded = tokio::select! {
        embedded = embed(parts, journal, plan, ids) => embedded?,
        () = stop.cancelled() => bail!(STOPPED),
    };
    if let Plan::Carry { .. } = plan {
        // Only its own vector is taken from Qdrant; what else the row has, it keeps.
        let table = tables.borrow().clone().context("there is no table yet")?;
        let mut media = read::media_by_id(&table, &parts.schema, ids).await?;
        for finished in &mut embedded.points {
            finished.media = media.remove(&finished.point.id);
            let Some(row) = held.get(&finished.point.id) else {
                continue;
            };
            finished.modality = row.modality.unwrap_or(finished.modality);
            for (column, numbers) in &row.others {
                finished.embeddings[recipe::place(&parts.schema, column)] = Some(numbers.as_slice().into());
            }
        }
    }
    let rows = embedded.rows(&parts.schema).map_err(anyhow::Error::msg)?;
    let rows = rows.context("there is nothing to write")?;
    let written = embedded.ids();
    let similarities = embedded.similarities();
    let shortened = embedded.shortened;
    parts
        .writer
        .ask(|done| Message::Replace {
            rows,
            ids: written,
            similarities,
            shortened,
            done,
        })
        .await
        .context("the rows cannot be replaced")
}

/// Reads the points afresh and embeds them, all or none.
async fn embed(parts: &Parts, journal: &journal::Shared, plan: &Plan, ids: &[PointId]) -> anyhow::Result<Embedded> {
    let mut points = parts.source.get(ids).await?;
    if let Plan::Embed { content, .. } = &parts.recipe.plan {
        // What was mended by hand stays mended, whatever becomes of the vector.
        for point in points.iter_mut().flatten() {
            let id = point.id;
            let edited = journal.run(move |journal| journal.applied_edit(id)).await?;
            // What Qdrant was mended to itself is newer.
            if let Some(edit) = edited.filter(|edit| edit.holds(&point.payload, content)) {
                point.payload.insert(content.clone(), edit.after.into());
            }
        }
    }
    let gateway = parts.recipe.gateways.main();
    if let (Plan::Embed { content, .. }, Some(gateway)) = (plan, gateway) {
        // Nor shall another point of this text get what is remembered of it.
        let inputs: Vec<_> = points
            .iter()
            .flatten()
            .filter_map(|point| text_of(content, &point.payload).ok())
            .collect();
        gateway.forget(&inputs, Role::Document);
    }
    let recipe = parts.recipe.with_plan(plan);
    // Whatever it is made of, picture, sound or pieces of a text: what is remembered would come out the same without asking.
    let embedded = embed_points(&recipe, &parts.schema, points, Caller::Afresh).await?;
    if let Some((id, failure)) = embedded.failures.first() {
        anyhow::bail!("point {id} cannot be embedded again ({failure}); its row stays as it is");
    }
    ensure!(
        embedded.points.len() == ids.len(),
        "{} of {} points are no longer in Qdrant; their rows stay as they are",
        ids.len() - embedded.points.len(),
        ids.len()
    );
    Ok(embedded)
}
