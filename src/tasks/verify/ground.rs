//! What all checks of a verification stand on: both stores, the one version of the table that is looked at, what is drawn at
//! random by the seed. Knows no check.

use std::sync::Mutex;

use lancedb::Table;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use tokio_util::sync::CancellationToken;

use super::meanwhile::Handful;
use super::offenders::Book;
use super::report::{Check, CheckId};
use super::{STOPPED, Told, Wish};
use crate::lance::audit::Pinned;
use crate::lance::{Checkpoint, Role, Row, RowDecoder};
use crate::point::PointId;
use crate::qdrant::CollectionFacts;
use crate::tasks::inspect::Inspector;

/// Drawn rows that are read at once.
const ROWS_AT_ONCE: usize = 32;
/// Bytes of vectors that are kept to ask with, at most.
const QUERY_BYTES: usize = 64 << 20;

pub(super) type Tell<'a> = dyn Fn(Told<'_>) + Send + Sync + 'a;

/// What all checks stand on.
pub(super) struct Ground<'a> {
    pub(super) inspector: &'a Inspector,
    pub(super) collection: &'a CollectionFacts,
    pub(super) wish: &'a Wish,
    pub(super) page_points: usize,
    pub(super) table: Table,
    pub(super) pinned: Pinned,
    /// The table as it was before this job, where it held rows then and that version is still there.
    pub(super) before: Option<Pinned>,
    pub(super) checkpoint: Checkpoint,
    pub(super) rows: u64,
    pub(super) points: u64,
    pub(super) keys_at_once: u64,
    pub(super) book: Book,
    /// Points that are looked at once more at the end.
    pub(super) handful: Mutex<Handful>,
    pub(super) tell: &'a Tell<'a>,
    pub(super) stop: &'a CancellationToken,
}

impl Ground<'_> {
    pub(super) fn check_stop(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.stop.is_cancelled(), STOPPED);
        Ok(())
    }

    /// A check that begins: whom it finds fault with is written down.
    pub(super) fn check(&self, id: CheckId) -> Check {
        Check {
            offenders: self.book.of(id),
            ..Check::new(id)
        }
    }

    /// Which of these rows the table held before this job, where that can still be told.
    pub(super) async fn there_before(&self, ids: &[PointId]) -> anyhow::Result<Vec<PointId>> {
        let Some(before) = self.before.as_ref().filter(|_| !ids.is_empty()) else {
            return Ok(Vec::new());
        };
        let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        before
            .ids_where(&format!("id IN ({})", list.join(",")), ids.len())
            .await
    }

    /// Queries of neighbours and of the index: as many as were asked for, as long as their vectors fit in memory.
    pub(super) fn queries(&self) -> usize {
        let sizes = self.inspector.schema.embeddings().map(|(_, size)| size);
        room_for(self.wish.queries, sizes.max().unwrap_or(1))
    }

    pub(super) fn report(&self, check: CheckId, done: u64, all: u64) {
        (self.tell)(Told::Progress(check, done, all));
    }

    /// The places of at most so many rows, ascending, drawn by the seed; another number for each use.
    pub(super) fn places(&self, count: u64, salt: u64) -> Vec<u64> {
        let mut rng = StdRng::seed_from_u64(self.wish.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt);
        let all = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX).min(all);
        let drawn = rand::seq::index::sample(&mut rng, all, count);
        let mut places: Vec<u64> = drawn.into_iter().map(|place| place as u64).collect();
        places.sort_unstable();
        places
    }

    /// The ids of the rows at these places: small, so all at once.
    pub(super) async fn ids_at(&self, places: &[u64]) -> anyhow::Result<Vec<PointId>> {
        let batch = self
            .pinned
            .take(places, &self.columns(|role| *role == Role::Id))
            .await?;
        let decoder = RowDecoder::new(&self.inspector.schema, &batch);
        Ok((0..batch.num_rows())
            .map(|place| decoder.id(place))
            .collect::<Result<_, _>>()?)
    }

    /// The rows at these places, as far as the named columns tell them.
    pub(super) async fn rows_at(&self, places: &[u64], columns: &[&str]) -> anyhow::Result<Vec<Row>> {
        let mut rows = Vec::with_capacity(places.len());
        // Rows far apart make Lance read what lies between them as well: few at a time.
        for places in places.chunks(ROWS_AT_ONCE) {
            self.check_stop()?;
            let batch = self.pinned.take(places, columns).await?;
            let decoder = RowDecoder::new(&self.inspector.schema, &batch);
            for place in 0..batch.num_rows() {
                rows.push(decoder.row(place)?);
            }
        }
        Ok(rows)
    }

    /// Columns by what they stand for.
    pub(super) fn columns(&self, wanted: impl Fn(&Role) -> bool) -> Vec<&str> {
        let columns = self.inspector.schema.columns().iter();
        columns
            .filter(|column| wanted(&column.role))
            .map(|column| column.name.as_str())
            .collect()
    }
}

/// As many queries as were asked for, as long as two vectors of this size for each fit in memory.
fn room_for(queries: usize, size: usize) -> usize {
    queries.min((QUERY_BYTES / (2 * 4 * size.max(1))).max(1))
}
