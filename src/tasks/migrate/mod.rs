//! One run of the migration: scroll, embed, hand over to the writer; until every range has ended, the operator stops
//! it, or something fails that no single point is to blame for.
//!
//! ```text
//! reader a range --Page--> dispatcher --one task a page: prepare, embed, encode--> writer
//!        ^ memory budget: points in hand, from scroll to commit ^
//! ```

mod budget;
mod embed;
mod media;
mod pages;
mod read;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::invariant::{Fault, Invariant};
use super::meters::{InHand, Meters};
use super::recipe::Recipe;
use super::writer::Writer;
use crate::embed::GatewayError;
use crate::lance::{Checkpoint, TableSchema};
use crate::point::PointId;
use crate::qdrant::{ReadPoint, Source, SourceError};

pub(crate) use embed::{Embedded, Finished, embed_points};
pub(in crate::tasks) use pages::PageSize;
pub(in crate::tasks) use read::bytes_of;

/// After a stop, requests in flight may take this long; what has not come by then stays unread.
const GRACE: Duration = Duration::from_millis(1_500);

/// One page of the scroll on its way, with its place.
struct Page {
    run: u64,
    range: usize,
    seq: u64,
    from: Option<PointId>,
    points: Vec<ReadPoint>,
    next: Option<PointId>,
    done: bool,
    in_hand: InHand,
    budget: tokio::sync::OwnedSemaphorePermit,
}

/// Why a run ended before its last point.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Ended {
    /// The operator stopped it.
    #[error("stopped by the operator")]
    ByOperator,
    /// The source failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The embedder failed.
    #[error(transparent)]
    Embedder(#[from] GatewayError),
    /// The table or the journal failed, or an invariant broke.
    #[error(transparent)]
    Writer(#[from] Fault),
}

/// What a run needs.
#[derive(Clone)]
pub struct Parts {
    /// Where points come from.
    pub source: Source,
    /// How they get their embeddings.
    pub recipe: Recipe,
    /// The table's columns.
    pub schema: Arc<TableSchema>,
    /// The writer.
    pub writer: Writer,
    /// The meters.
    pub meters: Arc<Meters>,
    /// Points a page at most.
    pub page_points: u32,
    /// Bytes in hand.
    pub in_hand_bytes: usize,
    /// Bytes that the media of one point may add to its row, where the table keeps them.
    pub media_bytes: usize,
}

impl Parts {
    /// Points of one round of small work: fewer where rows bring the bytes of their media along.
    pub(crate) fn round(&self, points: usize) -> usize {
        if self.media_bytes > 0 { points.min(8) } else { points }
    }

    /// Whether one page more is to be embedded beside so many with so many points: as many as keep every request in
    /// flight busy, and two to spare. More would only be begun early and finished late, and what was read first would be
    /// committed last.
    fn has_room_for_a_page(&self, pages: usize, points: usize) -> bool {
        let gateway = self.recipe.gateways.main();
        let inputs = gateway.map_or(0, |gateway| gateway.gate().limit() * gateway.batch_inputs());
        pages < 4 || points < inputs + 2 * self.page_points as usize
    }
}

/// Runs until the end. `paused` holds scrolls back; `stop` ends the run cleanly.
///
/// # Errors
/// Why it ended early. Whatever was in order before is committed.
#[tracing::instrument(level = "debug", name = "run", skip_all, fields(ranges = checkpoint.ranges.len()))]
pub async fn run(
    parts: Parts,
    checkpoint: &Checkpoint,
    paused: watch::Receiver<bool>,
    stop: CancellationToken,
) -> Result<(), Ended> {
    crate::fault::panic_if_asked("migration");
    let parts = Arc::new(parts);
    let run = parts.writer.run();
    let budget = Arc::new(budget::Budget::new(parts.in_hand_bytes));
    let (pages, mut inbox) = mpsc::channel::<Page>(checkpoint.ranges.len().max(1));
    // A run that fails stops all its tasks; the operator's stop is another token, so that the two can be told apart.
    let halt = stop.child_token();
    let mut readers: JoinSet<(usize, Result<(), Ended>)> = JoinSet::new();
    let left = checkpoint.ranges.iter().filter(|range| !range.done).count();
    for (range, progress) in checkpoint.ranges.iter().enumerate().filter(|(_, range)| !range.done) {
        let reader = read::Reader {
            parts: Arc::clone(&parts),
            run,
            range,
            progress: *progress,
            // The other half is for pages that have their share already.
            page_bytes: parts.in_hand_bytes / (2 * left),
            budget: Arc::clone(&budget),
            pages: pages.clone(),
            paused: paused.clone(),
            halt: halt.clone(),
        };
        readers.spawn(async move { (0, reader.run().await) }.in_current_span());
    }
    drop(pages);
    let held = Arc::clone(&budget);
    let mut holding = std::pin::pin!(async move { held.hold(budget::own_memory).await }.fuse());
    // Each says how many points it is done with.
    let mut workers: JoinSet<(usize, Result<(), Ended>)> = JoinSet::new();
    let mut working = 0;
    let mut ended: Option<Ended> = None;
    let mut open = true;
    while open || !workers.is_empty() || !readers.is_empty() {
        let result = tokio::select! {
            page = inbox.recv(), if open && parts.has_room_for_a_page(workers.len(), working) => {
                match page {
                    Some(page) => {
                        let points = page.points.len();
                        working += points;
                        let work = embed::run(Arc::clone(&parts), page, halt.clone());
                        workers.spawn(async move { (points, work.await) }.in_current_span());
                    }
                    None => {
                        open = false;
                        parts.writer.last_pages().await;
                    }
                }
                continue;
            }
            fault = parts.writer.broken(), if ended.is_none() => Ok((0, Err(Ended::Writer(fault)))),
            Some(result) = workers.join_next() => result,
            Some(result) = readers.join_next() => result,
            () = &mut holding => continue,
        };
        let (points, result) = result.unwrap_or_else(|error| {
            let message = format!("a task panicked ({error}); the job can be resumed");
            (0, Err(Fault::broken(Invariant::NoPanic, message).into()))
        });
        working -= points;
        if let Err(error) = result {
            if !halt.is_cancelled() {
                tracing::warn!(%error, "the run ends");
            }
            // The first reason is the true one; those after it are its echoes.
            ended.get_or_insert(error);
            halt.cancel();
        }
    }
    let flushed = parts.writer.ask(super::writer::Message::Flush).await;
    match (ended, flushed) {
        (_, Err(error)) => Err(Fault::of(&error).into()),
        (Some(ended), Ok(())) => Err(ended),
        (None, Ok(())) if stop.is_cancelled() => Err(Ended::ByOperator),
        (None, Ok(())) => Ok(()),
    }
}
