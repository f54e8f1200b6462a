//! What differs between Qdrant and the table: counted, and listed in the journal. Writes nothing else, pays for nothing.

use std::sync::atomic::Ordering;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use serde::Serialize;

use super::{ROUND, Sync};
use crate::embed::Input;
use crate::journal::{Drift, Journal, State};
use crate::lance::{Role, Row, RowDecoder, read};
use crate::point::{Payload, Point, PointId};
use crate::qdrant::source::Wanted;
use crate::qdrant::{ReadPoint, id_of};
use crate::tasks::migrate::{PageSize, bytes_of};
use crate::tasks::prepare::{Plan, text_of};

/// Points drawn to see what they weigh, where nobody knows yet.
const FEW: u64 = 16;

/// What a comparison found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Difference {
    /// Points that the table holds as they are.
    pub same: u64,
    /// Points that are not in the table.
    pub new: u64,
    /// Points whose content changed: they are embedded again.
    pub content: u64,
    /// Points whose payload or kept vectors changed, and whose content did not: nothing is paid for.
    pub payload: u64,
    /// Rows whose point is gone.
    pub gone: u64,
    /// Points that are not in the table because they failed or were skipped: retries bring them over.
    pub waiting: u64,
    /// Rows too many: their ids have another row. Only a repair looks for them.
    #[serde(skip_serializing_if = "is_nothing")]
    pub repeats: u64,
    /// Whether the indexes lack rows, or are not there although they should be. Only a repair looks.
    #[serde(skip_serializing_if = "is_nothing")]
    pub unindexed: bool,
    /// Rows that something else wrote ahead of a migration that has not come to its end; they are taken out, and
    /// otherwise the table is taken over as it is. Only a repair of such a job says so.
    #[serde(skip_serializing_if = "is_nothing")]
    pub unfinished: Option<u64>,
    /// Inputs that bringing it over would embed.
    pub inputs: u64,
    /// Their tokens, by our own count.
    pub tokens: u64,
    /// What they cost at the configured price.
    pub cost_usd: f64,
}

fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Difference {
    /// Whether there is nothing to do.
    pub fn is_none(&self) -> bool {
        let rows = self.new + self.content + self.payload + self.gone + self.repeats;
        rows == 0 && !self.unindexed && self.unfinished.is_none()
    }
}

/// Goes over both stores.
///
/// # Errors
/// A store cannot be read, or the operator stopped it.
pub async fn compare(sync: &Sync) -> anyhow::Result<Difference> {
    let table = sync.table()?;
    sync.journal.run(Journal::clear_drift).await?;
    let schema = &sync.parts.schema;
    // Without kept vectors only payloads are compared, and a page is a tenth as large.
    let with_vectors = matches!(sync.parts.recipe.plan, Plan::Carry { .. })
        || schema
            .columns()
            .iter()
            .any(|column| matches!(column.role, Role::Vector(..)));
    let mut found = Difference::default();
    let source = &sync.parts.source;
    if source.bytes_a_point().is_none()
        && let Err(error) = source.sample(FEW, Wanted::Whole).await
    {
        tracing::info!(%error, "what points weigh is not known beforehand");
    }
    let scroll = |offset, limit| sync.unless_stopped(source.scroll_part(offset, limit, with_vectors));
    let (mut size, mut chunk) = (sync.pages(sync.parts.page_points), sync.pages(ROUND as u32));
    let mut page = scroll(None, size.next()).await?;
    loop {
        sync.check_stop()?;
        let points = page.points.len();
        let bytes: usize = page.points.iter().map(bytes_of).sum();
        size.came(points, bytes, page.next.is_some());
        source.weighed(points, bytes);
        tracing::debug!(points, bytes, "a page is compared");
        let limit = size.next();
        let next = async {
            match page.next {
                Some(offset) => Ok(Some(scroll(Some(offset), limit).await?)),
                None => anyhow::Ok(None),
            }
        };
        // The next page comes while this one is compared.
        let compared = one_page(sync, &table, &page.points, &mut chunk, &mut found);
        let (next, ()) = futures::try_join!(next, compared)?;
        sync.seen.fetch_add(page.points.len() as u64, Ordering::Relaxed);
        match next {
            Some(next) => page = next,
            None => break,
        }
    }
    let met = found.same + found.content + found.payload;
    if table.count_rows(None).await? as u64 > met {
        find_gone(sync, &table, &mut found).await?;
    }
    if let Some(gateway) = sync.parts.recipe.gateways.main() {
        found.cost_usd = gateway.budget().price_of(found.tokens);
    }
    Ok(found)
}

async fn one_page(
    sync: &Sync,
    table: &lancedb::Table,
    points: &[ReadPoint],
    chunk: &mut PageSize,
    found: &mut Difference,
) -> anyhow::Result<()> {
    let mut left = points;
    while !left.is_empty() {
        let (points, later) = left.split_at(left.len().min(chunk.next() as usize));
        left = later;
        let ids: Vec<PointId> = points.iter().map(id_of).collect();
        let rows = match sync.parts.recipe.plan {
            // Carried over, the embedding itself is what may have changed.
            Plan::Carry { .. } => read::rows_by_id(table, &sync.parts.schema, &ids).await?,
            Plan::Embed { .. } => read::payloads_by_id(table, &sync.parts.schema, &ids).await?,
        };
        // A row may still say much where its point says little by now.
        let bytes: usize = points.iter().map(bytes_of).sum();
        let held: usize = rows.iter().map(|row| row.point.bytes()).sum();
        chunk.came(points.len(), bytes.max(held), false);
        let rows = read::firsts(rows);
        let mut drift = Vec::new();
        for point in points {
            let id = id_of(point);
            let kind = match rows.get(&id) {
                Some(row) => match point {
                    Ok(point) => changed(sync, point, row).await?,
                    Err((_, failure)) => Some((Drift::Content, Some(failure.to_string()))),
                },
                None => missing(sync, id).await?.then_some((Drift::New, None)),
            };
            match (&kind, rows.contains_key(&id)) {
                (None, true) => found.same += 1,
                (None, false) => found.waiting += 1,
                (Some((Drift::New, _)), _) => found.new += 1,
                (Some((Drift::Payload, _)), _) => found.payload += 1,
                (Some(_), _) => found.content += 1,
            }
            if let Some((kind, error)) = kind {
                if kind != Drift::Payload
                    && let Ok(point) = point
                {
                    estimate(sync, &point.payload, found);
                }
                drift.push((id, kind, error));
            }
        }
        if !drift.is_empty() {
            sync.journal.run(move |journal| journal.record_drift(&drift)).await?;
        }
    }
    Ok(())
}

/// Whether a point that is not in the table is new; else it waits among the failures.
async fn missing(sync: &Sync, id: PointId) -> anyhow::Result<bool> {
    let state = sync
        .journal
        .run(move |journal| Ok(journal.get(id)?.map(|(row, _)| row.state)))
        .await?;
    Ok(matches!(state, None | Some(State::Recovered)))
}

/// How a point differs from its row.
async fn changed(sync: &Sync, point: &Point, row: &Row) -> anyhow::Result<Option<(Drift, Option<String>)>> {
    let kept_agree = row
        .point
        .vectors
        .iter()
        .all(|(name, vector)| point.vectors.get(name) == Some(vector));
    let lacks_none = point
        .vectors
        .keys()
        .filter(|name| keeps(sync, name))
        .all(|name| row.point.vectors.contains_key(name));
    let vectors_agree = kept_agree && lacks_none;
    match &sync.parts.recipe.plan {
        Plan::Carry { vector, .. } => {
            let now = point.vectors.get(vector).and_then(|vector| vector.dense());
            Ok(if now != row.embedding.as_deref() {
                Some((Drift::Content, None))
            } else if !vectors_agree || point.payload != row.point.payload {
                Some((Drift::Payload, None))
            } else {
                None
            })
        }
        plan @ Plan::Embed { content, .. } => {
            if point.payload == row.point.payload {
                return Ok((!vectors_agree).then_some((Drift::Payload, None)));
            }
            let payload = with_edit(sync, point, content).await?;
            Ok(if !plan.same_content(&payload, &row.point.payload) {
                Some((Drift::Content, None))
            } else if !vectors_agree || payload != row.point.payload {
                Some((Drift::Payload, None))
            } else {
                None
            })
        }
    }
}

fn keeps(sync: &Sync, name: &str) -> bool {
    let columns = sync.parts.schema.columns();
    columns
        .iter()
        .any(|column| matches!(&column.role, Role::Vector(kept, _) if kept.as_str() == name))
}

/// The payload as its row should say it: with what was mended by hand, as long as Qdrant still says what was mended.
pub(super) async fn with_edit(sync: &Sync, point: &Point, content: &str) -> anyhow::Result<Payload> {
    let id = point.id;
    let edit = sync.journal.run(move |journal| journal.applied_edit(id)).await?;
    let mut payload = point.payload.clone();
    if let Some(edit) = edit.filter(|edit| edit.holds(&payload, content)) {
        payload.insert(content.to_owned(), edit.after.into());
    }
    Ok(payload)
}

/// Counts what embedding a point would cost.
pub(in crate::tasks) fn estimate(sync: &Sync, payload: &Payload, found: &mut Difference) {
    let recipe = &sync.parts.recipe;
    let (Plan::Embed { content, .. }, Some(gateway)) = (&recipe.plan, recipe.gateways.main()) else {
        return;
    };
    if let Ok(Input::Text(text)) = text_of(content, payload) {
        found.inputs += 1;
        found.tokens += gateway.embedder().count_exactly(&text).get() as u64;
    }
}

/// Rows whose point is no longer in Qdrant.
async fn find_gone(sync: &Sync, table: &lancedb::Table, found: &mut Difference) -> anyhow::Result<()> {
    let schema = &sync.parts.schema;
    let mut batches = std::pin::pin!(read::scan(table, &["id"]).await?);
    while let Some(batch) = batches.try_next().await? {
        sync.check_stop()?;
        let decoder = RowDecoder::new(schema, &batch);
        let ids: Vec<PointId> = (0..batch.num_rows())
            .map(|row| decoder.id(row))
            .collect::<Result<_, _>>()
            .context("an id in the table")?;
        for ids in ids.chunks(ROUND) {
            let gone = sync.unless_stopped(sync.parts.source.missing(ids)).await?;
            found.gone += gone.len() as u64;
            let drift: Vec<_> = gone.into_iter().map(|id| (id, Drift::Gone, None)).collect();
            if !drift.is_empty() {
                sync.journal.run(move |journal| journal.record_drift(&drift)).await?;
            }
        }
    }
    Ok(())
}
