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
use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::stream::{self, BoxStream, FuturesOrdered};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;

use super::{Check, CheckId, Ground, payloads, vectors};
use crate::lance::{Role, RowDecoder, TableSchema};
use crate::point::PointId;
use crate::point::verdict::Sample;
use crate::qdrant::ReadPoint;
use crate::qdrant::source::Part;

/// For the seed: the sample of rows.
const SALT: u64 = 1;
/// Requests for points under way at once.
const IN_FLIGHT: usize = 2;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) payloads: bool,
    pub(super) vectors: bool,
}

/// A batch of rows with the points of the same ids.
struct Fetched {
    rows: RecordBatch,
    points: HashMap<PointId, ReadPoint>,
}

/// What both checks have found so far.
struct Tallies {
    schema: Arc<TableSchema>,
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
                    if let Some(vectors) = &mut self.vectors {
                        vectors.look(&row, point);
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
    let mut tallies = Tallies {
        schema: Arc::new(schema.clone()),
        payloads: wanted.payloads.then(|| payloads::Tally::new(ground)),
        vectors: wanted
            .vectors
            .then(|| vectors::Tally::new(&ground.inspector.recipe, schema)),
    };
    let mut of_payloads = Check::new(CheckId::Payloads);
    let mut of_vectors = Check::new(CheckId::Vectors);
    let places = ground
        .wish
        .sample
        .filter(|sample| *sample < ground.rows)
        .map(|sample| ground.places(sample, SALT));
    let sampled = places.is_some();
    let all = places.as_ref().map_or(ground.rows, |places| places.len() as u64);
    let part = part_of(ground, wanted);
    let mut batches = batches(ground, wanted, places).await?.fuse();
    let (sender, mut receiver) = mpsc::channel(1);
    let fetching = async move {
        let mut under_way = FuturesOrdered::new();
        loop {
            while under_way.len() < IN_FLIGHT
                && let Some(rows) = batches.try_next().await?
            {
                under_way.push_back(fetch(ground, rows, part).boxed());
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
                vectors.settle(&mut of_vectors);
            }
            for (id, of) in [(CheckId::Payloads, wanted.payloads), (CheckId::Vectors, wanted.vectors)] {
                if of {
                    ground.report(id, done.min(all), all);
                }
            }
        }
        anyhow::Ok((tallies, done))
    };
    let ((), (tallies, done)) = tokio::try_join!(fetching, comparing)?;
    let mut checks = Vec::new();
    if let Some(payloads) = tallies.payloads {
        let sample = sampled.then(|| Sample::new(done, ground.rows, of_payloads.offenders.total));
        payloads.tell(&mut of_payloads, sample);
        checks.push(of_payloads);
    }
    if let Some(vectors) = tallies.vectors {
        let sample = sampled.then(|| Sample::new(done, ground.rows, of_vectors.offenders.total));
        vectors.tell(ground, &mut of_vectors, sample).await?;
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

/// The rows that are looked at, with the columns that are compared.
async fn batches(
    ground: &Ground<'_>,
    wanted: Wanted,
    places: Option<Vec<u64>>,
) -> anyhow::Result<BoxStream<'static, anyhow::Result<RecordBatch>>> {
    let columns = ground.columns(|role| match role {
        Role::Id => true,
        Role::Payload(_) | Role::Extra | Role::Vector(..) => wanted.payloads,
        Role::Embedding(_) | Role::Similarity | Role::Modality => wanted.vectors,
        Role::Media => false,
    });
    let Some(places) = places else {
        let scan = ground.pinned.scan(&columns, ground.page_points).await?;
        return Ok(scan.boxed());
    };
    let columns: Arc<[String]> = columns.into_iter().map(str::to_owned).collect();
    let chunks: Vec<Vec<u64>> = places.chunks(ground.page_points).map(<[u64]>::to_vec).collect();
    let pinned = ground.pinned.clone();
    let taken = stream::iter(chunks).then(move |places| {
        let (pinned, columns) = (pinned.clone(), Arc::clone(&columns));
        async move {
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            pinned.take(&places, &columns).await
        }
    });
    Ok(taken.boxed())
}

/// A batch and its points.
async fn fetch(ground: &Ground<'_>, rows: RecordBatch, part: Option<Part>) -> anyhow::Result<Fetched> {
    let mut points = HashMap::new();
    if let Some(part) = part {
        for ids in ids_of(ground, &rows)?.chunks(ground.page_points) {
            for point in ground.inspector.source.get_part(ids, part).await? {
                let id = match &point {
                    Ok(point) => point.id,
                    Err((id, _)) => *id,
                };
                points.insert(id, point);
            }
        }
    }
    Ok(Fetched { rows, points })
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
