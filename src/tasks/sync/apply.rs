//! Brings over what a comparison found: new and changed points, and, where the operator wants it, the removal of what is
//! gone. Each round is one commit; what is done leaves the journal's list, so that it can be cut off anywhere.

use std::collections::HashSet;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use serde::Serialize;

use super::Sync;
use super::compare::with_edit;
use crate::embed::{Caller, Embedding};
use crate::journal::Drift;
use crate::lance::read;
use crate::lance::schema::{EMBEDDING, MAX_EMBEDDINGS};
use crate::lance::target::own_handle;
use crate::point::{Failure, Modality, PointId, Similarity};
use crate::qdrant::source::Part;
use crate::tasks::migrate::{Embedded, Finished, bytes_of, embed_points};
use crate::tasks::prepare::Plan;
use crate::tasks::recipe;
use crate::tasks::writer::Message;

/// Points as they are brought over.
const WHOLE: Part = Part {
    payloads: true,
    vectors: true,
};

/// What of a comparison is carried out: two things, each agreed to by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// New and changed points are brought over.
    pub bring: bool,
    /// Rows whose points are gone from Qdrant are removed.
    pub remove_gone: bool,
}

/// What was brought over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CaughtUp {
    /// Rows that are new.
    pub added: u64,
    /// Rows that were replaced.
    pub replaced: u64,
    /// Rows that were removed.
    pub removed: u64,
    /// Points that could not be brought over: new ones are among the failures now, of changed ones the old row stays.
    pub failed: u64,
}

/// Carries it out.
///
/// # Errors
/// Something that no single point is to blame for, or the operator stopped it; what was done so far is in `done`.
pub async fn apply(sync: &Sync, wanted: Wanted, done: &mut CaughtUp) -> anyhow::Result<()> {
    // Before anything is paid for: what was compared is the newest version, and the writer's own may be an earlier one.
    hand_over(sync, None, Embedded::default(), Vec::new()).await?;
    if wanted.bring {
        // First: what turns out to have another content by now joins those that are embedded.
        while let Some(ids) = next(sync, Drift::Payload).await? {
            payload_round(sync, &ids, done).await?;
        }
        for kind in [Drift::New, Drift::Content] {
            while let Some(ids) = next(sync, kind).await? {
                embed_round(sync, kind, &ids, done).await?;
            }
        }
    }
    if wanted.remove_gone {
        while let Some(ids) = next(sync, Drift::Gone).await? {
            gone_round(sync, ids, done).await?;
        }
    }
    Ok(())
}

/// Rows whose points are gone; those that have come back meanwhile stay.
async fn gone_round(sync: &Sync, ids: Vec<PointId>, done: &mut CaughtUp) -> anyhow::Result<()> {
    let gone = sync.unless_stopped(sync.parts.source.missing(&ids)).await?;
    if !gone.is_empty() {
        done.removed += sync
            .parts
            .writer
            .ask(|answer| Message::Remove {
                ids: gone,
                done: answer,
            })
            .await
            .context("the rows cannot be removed")?;
    }
    settle(sync, ids).await
}

async fn next(sync: &Sync, kind: Drift) -> anyhow::Result<Option<Vec<PointId>>> {
    sync.check_stop()?;
    let round = sync.round() as u64;
    let ids = sync
        .journal
        .run(move |journal| journal.drift_after(kind, None, round))
        .await?;
    Ok((!ids.is_empty()).then_some(ids))
}

async fn settle(sync: &Sync, ids: Vec<PointId>) -> anyhow::Result<()> {
    sync.journal.run(move |journal| journal.settle_drift(&ids)).await
}

/// New points and points with another content: embedded as the migration would.
async fn embed_round(sync: &Sync, kind: Drift, ids: &[PointId], done: &mut CaughtUp) -> anyhow::Result<()> {
    let parts = &sync.parts;
    let mut points = sync.unless_stopped(parts.source.get_part(ids, WHOLE)).await?;
    sync.weigh(ids.len(), points.iter().map(bytes_of).sum());
    if let Plan::Embed { content, .. } = &parts.recipe.plan {
        for point in points.iter_mut().flatten() {
            point.payload = with_edit(sync, point, content).await?;
        }
    }
    let work = embed_points(&parts.recipe, &parts.schema, points, Caller::Migration);
    let mut embedded = tokio::select! {
        embedded = work => embedded?,
        () = sync.stop.cancelled() => anyhow::bail!(super::STOPPED),
    };
    let failures = std::mem::take(&mut embedded.failures);
    done.failed += failures.len() as u64;
    // What has a row by now is not new: it would be among the failures and in the table.
    let failed: Vec<PointId> = failures.iter().map(|(id, _)| *id).collect();
    let has_row: HashSet<PointId> = match kind {
        Drift::New if !failed.is_empty() => present(sync, &failed).await?,
        _ => failed.into_iter().collect(),
    };
    let (stuck, late): (Vec<_>, Vec<_>) = failures.into_iter().partition(|(id, _)| has_row.contains(id));
    write(sync, embedded, late, done).await?;
    settle(sync, ids.to_vec()).await?;
    if !stuck.is_empty() {
        let stuck: Vec<_> = stuck
            .into_iter()
            .map(|(id, failure): (PointId, Failure)| (id, Drift::Stuck, Some(failure.to_string())))
            .collect();
        sync.journal.run(move |journal| journal.record_drift(&stuck)).await?;
    }
    Ok(())
}

/// Which of these points have a row just now, whoever wrote it.
async fn present(sync: &Sync, ids: &[PointId]) -> anyhow::Result<HashSet<PointId>> {
    let own = own_handle(&sync.table()?).await?;
    Ok(read::present(&own, ids).await?.into_iter().collect())
}

/// Points whose content is the same: they keep their embedding, and nothing is paid for.
async fn payload_round(sync: &Sync, ids: &[PointId], done: &mut CaughtUp) -> anyhow::Result<()> {
    let parts = &sync.parts;
    let table = sync.table()?;
    let rows = read::rows_by_id(&table, &parts.schema, ids).await?;
    let rows = read::firsts(rows);
    let mut media = read::media_by_id(&table, &parts.schema, ids).await?;
    let mut points: Vec<Finished> = Vec::new();
    let mut changed = Vec::new();
    let found = sync.unless_stopped(parts.source.get_part(ids, WHOLE)).await?;
    let (bytes, held): (usize, usize) = (
        found.iter().map(bytes_of).sum(),
        rows.values().map(|row| row.point.bytes()).sum(),
    );
    sync.weigh(ids.len(), bytes.max(held));
    for mut point in found.into_iter().flatten() {
        if let Plan::Embed { content, .. } = &parts.recipe.plan {
            point.payload = with_edit(sync, &point, content).await?;
        }
        // It had one when both stores were compared.
        let Some(row) = rows.get(&point.id) else {
            changed.push((point.id, Drift::New, None));
            continue;
        };
        let Some(embedding) = row.embedding.clone() else {
            continue;
        };
        // The source may have been written to since the comparison: an embedding stays only with its own content.
        let same = match &parts.recipe.plan {
            plan @ Plan::Embed { .. } => plan.same_content(&point.payload, &row.point.payload),
            Plan::Carry { vector, .. } => {
                let now = point.vectors.get(vector).and_then(|vector| vector.dense());
                now == Some(&embedding[..])
            }
        };
        if !same {
            changed.push((point.id, Drift::Content, None));
            continue;
        }
        let modality = row.modality.unwrap_or(Modality::Text);
        let embedding: Embedding = embedding.into();
        let similarity = if parts.recipe.compares(modality) {
            let old = parts.recipe.old(modality, &point);
            old.and_then(|old| Similarity::cosine(&embedding, old))
        } else {
            row.similarity
        };
        let mut embeddings: [Option<Embedding>; MAX_EMBEDDINGS] = Default::default();
        let column = row.embedding_column.as_deref().unwrap_or(EMBEDDING);
        embeddings[recipe::place(&parts.schema, column)] = Some(embedding);
        for (column, numbers) in &row.others {
            embeddings[recipe::place(&parts.schema, column)] = Some(numbers.as_slice().into());
        }
        points.push(Finished {
            media: media.remove(&point.id),
            point,
            modality,
            embeddings,
            similarity,
        });
    }
    // The embedding stays, and with it the record of how it came to be.
    let kept: Vec<PointId> = points.iter().map(|finished| finished.point.id).collect();
    let shortened = sync.journal.run(move |journal| journal.shortened_of(&kept)).await?;
    let embedded = Embedded {
        points,
        shortened,
        ..Embedded::default()
    };
    write(sync, embedded, Vec::new(), done).await?;
    settle(sync, ids.to_vec()).await?;
    sync.journal.run(move |journal| journal.record_drift(&changed)).await
}

async fn write(
    sync: &Sync,
    embedded: Embedded,
    failures: Vec<(PointId, Failure)>,
    done: &mut CaughtUp,
) -> anyhow::Result<()> {
    let batch = embedded.rows(&sync.parts.schema).map_err(anyhow::Error::msg)?;
    if batch.is_none() && failures.is_empty() {
        return Ok(());
    }
    let count = embedded.points.len() as u64;
    let added = hand_over(sync, batch, embedded, failures).await?;
    done.added += added;
    done.replaced += count - added;
    Ok(())
}

/// Has the writer write; with nothing to write it only makes sure that nobody else has. Answers how many rows were new.
async fn hand_over(
    sync: &Sync,
    rows: Option<RecordBatch>,
    embedded: Embedded,
    failures: Vec<(PointId, Failure)>,
) -> anyhow::Result<u64> {
    let ids = embedded.ids();
    let similarities = embedded.similarities();
    let shortened = embedded.shortened;
    sync.parts
        .writer
        .ask(|answer| Message::CatchUp {
            rows,
            ids,
            similarities,
            shortened,
            failures,
            done: answer,
        })
        .await
        .context("what was brought over cannot be written")
}
