//! The one pass that payloads and vectors share: a batch of rows in the order in which they lie, the points of those ids,
//! both compared on a thread of their own while the next batch and its points come.
//!
//! ```text
//! rows of LanceDB, in order --ids--> points of Qdrant --> compare -> tallies
//!        next batch                       its points
//! ```
//!
//! Read that way each store is read once and in the order that suits it, whether the table has an index on `id` or not.
//! In hand are a few batches of both stores, however large the table is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use arrow_array::{Array as _, RecordBatch};
use futures::stream::{BoxStream, FuturesOrdered};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;

use super::meanwhile::Handful;
use super::{Check, CheckId, Ground, payloads, vectors};
use crate::lance::{Role, RowDecoder, TableSchema};
use crate::point::PointId;
use crate::qdrant::ReadPoint;
use crate::qdrant::source::Part;

/// For the seed: the sample of rows, and the points that are looked at once more.
const SALT: u64 = 1;
const AGAIN_SALT: u64 = 6;
/// Requests for points under way at once.
const IN_FLIGHT: usize = 2;
/// Bytes of a batch with its points, about: above it, the next ones have half as many rows.
const BATCH_BYTES: usize = 16 << 20;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) payloads: bool,
    pub(super) vectors: bool,
}

/// A batch of rows with the points of the same ids.
struct Fetched {
    /// How many rows came before.
    from: u64,
    rows: RecordBatch,
    points: HashMap<PointId, ReadPoint>,
}

/// What both checks have found so far.
struct Tallies {
    schema: Arc<TableSchema>,
    /// Where the rows lie in the table, in their order; where all are looked at, that is their number.
    places: Option<Arc<[u64]>>,
    handful: Handful,
    payloads: Option<payloads::Tally>,
    vectors: Option<vectors::Tally>,
}

impl Tallies {
    /// Compares one batch. What the checks have to tell of it waits in the tallies.
    fn take_in(&mut self, fetched: &Fetched) -> anyhow::Result<()> {
        let schema = Arc::clone(&self.schema);
        let decoder = RowDecoder::new(&schema, &fetched.rows);
        for place in 0..fetched.rows.num_rows() {
            match decoder.row(place) {
                Ok(row) => {
                    let point = fetched.points.get(&row.point.id);
                    if let Some(Ok(point)) = point {
                        self.handful.offer(point);
                    }
                    if let Some(vectors) = &mut self.vectors {
                        let number = fetched.from + place as u64;
                        let lies_at = match &self.places {
                            Some(places) => places.get(number as usize).copied().unwrap_or(number),
                            None => number,
                        };
                        vectors.look(lies_at, &row, point);
                    }
                    if let Some(payloads) = &mut self.payloads {
                        payloads.look(row, point);
                    }
                }
                Err(error) => {
                    let id = decoder.id(place)?;
                    match (&mut self.payloads, &mut self.vectors) {
                        (Some(payloads), _) => payloads.unreadable(id, &error),
                        (None, Some(vectors)) => vectors.unreadable(id, &error),
                        (None, None) => {}
                    }
                }
            }
        }
        Ok(())
    }
}

pub(super) async fn run(ground: &Ground<'_>, wanted: Wanted) -> anyhow::Result<Vec<Check>> {
    let schema = &ground.inspector.schema;
    let places: Option<Arc<[u64]>> = ground
        .wish
        .sample
        .filter(|sample| *sample < ground.rows)
        .map(|sample| ground.places(sample, SALT).into());
    let part = part_of(ground, wanted);
    let mut tallies = Tallies {
        schema: Arc::new(schema.clone()),
        places: places.clone(),
        handful: Handful::new(ground.wish.seed ^ AGAIN_SALT, part),
        payloads: wanted.payloads.then(|| payloads::Tally::new(ground)),
        vectors: if wanted.vectors {
            Some(vectors::Tally::of(ground).await?)
        } else {
            None
        },
    };
    let mut of_payloads = ground.check(CheckId::Payloads);
    let mut of_vectors = ground.check(CheckId::Vectors);
    let sampled = places.is_some();
    let all = places.as_ref().map_or(ground.rows, |places| places.len() as u64);
    let pace = &AtomicUsize::new(ground.page_points);
    let mut reader = Reader::new(ground, wanted, places);
    let (sender, mut receiver) = mpsc::channel(1);
    let fetching = async move {
        let mut under_way = FuturesOrdered::new();
        loop {
            while under_way.len() < IN_FLIGHT
                && let Some((from, rows)) = reader.next(pace.load(Ordering::Relaxed)).await?
            {
                under_way.push_back(fetch(ground, (from, rows), part, pace).boxed());
            }
            let Some(fetched) = under_way.next().await else {
                return anyhow::Ok(());
            };
            if sender.send(fetched?).await.is_err() {
                return Ok(());
            }
        }
    };
    let comparing = async {
        let mut done = 0;
        while let Some(fetched) = receiver.recv().await {
            ground.check_stop()?;
            done += fetched.rows.num_rows() as u64;
            tallies = tokio::task::spawn_blocking(move || {
                tallies.take_in(&fetched)?;
                anyhow::Ok(tallies)
            })
            .await??;
            if let Some(payloads) = &mut tallies.payloads {
                payloads.settle(ground, &mut of_payloads).await?;
            }
            if let Some(vectors) = &mut tallies.vectors {
                vectors.settle(ground, &mut of_vectors).await?;
            }
            for (id, of) in [(CheckId::Payloads, wanted.payloads), (CheckId::Vectors, wanted.vectors)] {
                if of {
                    ground.report(id, done.min(all), all);
                }
            }
        }
        anyhow::Ok(tallies)
    };
    let ((), tallies) = tokio::try_join!(fetching, comparing)?;
    *ground.handful.lock().unwrap_or_else(PoisonError::into_inner) = tallies.handful;
    let mut checks = Vec::new();
    // Of a sample, how many there are of all.
    let of = sampled.then_some(ground.rows);
    if let Some(payloads) = tallies.payloads {
        payloads.tell(&mut of_payloads, of);
        checks.push(of_payloads);
    }
    if let Some(vectors) = tallies.vectors {
        vectors.tell(ground, &mut of_vectors, of).await?;
        checks.push(of_vectors);
    }
    Ok(checks)
}

/// What is asked of Qdrant: no payloads where only vectors are compared, and no vectors where there is nothing to compare
/// them with.
fn part_of(ground: &Ground<'_>, wanted: Wanted) -> Option<Part> {
    let kept = !ground.columns(|role| matches!(role, Role::Vector(..))).is_empty();
    let part = Part {
        payloads: wanted.payloads,
        vectors: (wanted.payloads && kept) || (wanted.vectors && vectors::ask_qdrant(&ground.inspector.recipe)),
    };
    (part.payloads || part.vectors).then_some(part)
}

/// Reads the rows that are looked at, with the columns that are compared.
struct Reader<'a> {
    ground: &'a Ground<'a>,
    columns: Vec<&'a str>,
    places: Option<Arc<[u64]>>,
    scan: Option<BoxStream<'static, anyhow::Result<RecordBatch>>>,
    /// What is left of a batch that has more rows than were asked for.
    left: Option<RecordBatch>,
    done: u64,
}

impl<'a> Reader<'a> {
    fn new(ground: &'a Ground<'a>, wanted: Wanted, places: Option<Arc<[u64]>>) -> Self {
        let columns = ground.columns(|role| match role {
            Role::Id => true,
            Role::Payload(_) | Role::Extra | Role::Vector(..) => wanted.payloads,
            Role::Embedding(_) | Role::Similarity | Role::Modality => wanted.vectors,
            Role::Media => false,
        });
        Self {
            ground,
            columns,
            places,
            scan: None,
            left: None,
            done: 0,
        }
    }

    /// The next rows, at most so many, and how many came before them.
    async fn next(&mut self, most: usize) -> anyhow::Result<Option<(u64, RecordBatch)>> {
        let from = self.done;
        let rows = match self.places.clone() {
            Some(places) => self.taken(&places, most).await?,
            None => self.scanned(most).await?,
        };
        let Some(rows) = rows else { return Ok(None) };
        self.done += rows.num_rows() as u64;
        Ok(Some((from, rows)))
    }

    async fn taken(&mut self, places: &[u64], most: usize) -> anyhow::Result<Option<RecordBatch>> {
        let begin = usize::try_from(self.done)?.min(places.len());
        let end = (begin + most.max(1)).min(places.len());
        match &places[begin..end] {
            [] => Ok(None),
            places => self.ground.pinned.take(places, &self.columns).await.map(Some),
        }
    }

    async fn scanned(&mut self, most: usize) -> anyhow::Result<Option<RecordBatch>> {
        let batch = match self.left.take() {
            Some(left) => left,
            None => {
                if self.scan.is_none() {
                    let Ground {
                        pinned, page_points, ..
                    } = self.ground;
                    let scan = pinned.scan(&self.columns, *page_points).await?;
                    self.scan = Some(scan.fuse().boxed());
                }
                let Some(scan) = &mut self.scan else { return Ok(None) };
                let Some(batch) = scan.try_next().await? else {
                    return Ok(None);
                };
                batch
            }
        };
        let most = most.max(1);
        if batch.num_rows() <= most {
            return Ok(Some(batch));
        }
        self.left = Some(batch.slice(most, batch.num_rows() - most));
        Ok(Some(batch.slice(0, most)))
    }
}

/// A batch and its points. Where both are large, the next ones are to have fewer rows.
async fn fetch(
    ground: &Ground<'_>,
    (from, rows): (u64, RecordBatch),
    part: Option<Part>,
    pace: &AtomicUsize,
) -> anyhow::Result<Fetched> {
    let mut points = HashMap::new();
    let mut bytes = bytes_of(&rows);
    if let Some(part) = part {
        for ids in ids_of(ground, &rows)?.chunks(ground.page_points) {
            for point in ground.inspector.source.get_part(ids, part).await? {
                let id = match &point {
                    Ok(point) => {
                        bytes += point.bytes();
                        point.id
                    }
                    Err((id, _)) => *id,
                };
                points.insert(id, point);
            }
        }
    }
    if bytes > BATCH_BYTES {
        pace.fetch_min((rows.num_rows() / 2).max(1), Ordering::Relaxed);
    }
    Ok(Fetched { from, rows, points })
}

/// Bytes of the rows themselves, not of the buffers that they may share with others.
fn bytes_of(rows: &RecordBatch) -> usize {
    let columns = rows.columns().iter();
    columns
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum()
}

/// The ids of a batch, each once.
fn ids_of(ground: &Ground<'_>, rows: &RecordBatch) -> anyhow::Result<Vec<PointId>> {
    let decoder = RowDecoder::new(&ground.inspector.schema, rows);
    let mut ids = (0..rows.num_rows())
        .map(|place| decoder.id(place))
        .collect::<Result<Vec<PointId>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
