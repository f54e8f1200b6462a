//! Queries with known answers: from a file, or from pairs that the collection holds: a caption and its picture or sound,
//! a point and the others of its thread.
//!
//! The table is gone through twice, in bounded memory: once for drawing the points that ask, once for finding who answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::queries::{self, EvalQuery};
use crate::embed::media::{self, LoadError};
use crate::lance::{Role, Row, RowDecoder, read};
use crate::point::{Modality, PointId};
use crate::tasks::inspect::Inspector;
use crate::tasks::prepare::Plan;
use crate::tasks::search::{Asked, NO_TABLE};

/// Answers of one query at most that are remembered.
const MOST_ANSWERS: usize = 1_000;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// A text, or a file.
    As(Asked),
    /// The picture or sound of this point.
    MediaOf(PointId),
}

/// A query whose answers are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) ask: Ask,
    pub(super) relevant: BTreeSet<PointId>,
    /// The point that asks: finding itself is no feat.
    pub(super) leave_out: Option<PointId>,
}

/// The queries of one pair of modalities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) asked: Modality,
    pub(super) found: Option<Modality>,
    pub(super) made_from: &'static str,
    pub(super) queries: Vec<Known>,
    pub(super) none_because: &'static str,
}

/// The queries of a file by what they ask with and what they are to find.
pub(super) fn from_file(queries: Vec<EvalQuery>) -> Vec<Set> {
    let mut sets: BTreeMap<(usize, Option<usize>), Vec<Known>> = BTreeMap::new();
    for query in queries {
        let place = (query.ask.modality() as usize, query.find.map(|find| find as usize));
        let ask = Ask::As(match query.ask {
            queries::Asked::Text(text) => Asked::Text(text),
            queries::Asked::File { path, .. } => Asked::File(path),
        });
        sets.entry(place).or_default().push(Known {
            ask,
            relevant: query.relevant,
            leave_out: None,
        });
    }
    sets.into_iter()
        .map(|((asked, found), queries)| Set {
            asked: Modality::ALL[asked],
            found: found.map(|found| Modality::ALL[found]),
            made_from: "the file",
            queries,
            none_because: "the file holds no such query",
        })
        .collect()
}

/// One row, as far as it matters here.
struct Brief {
    id: PointId,
    modality: Modality,
    content: Option<String>,
    thread: Option<String>,
}

/// Draws the points that ask, and finds who answers them.
pub(super) async fn from_table(
    inspector: &Inspector,
    thread: &str,
    sample: usize,
    seed: u64,
) -> anyhow::Result<Vec<Set>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut drawn: [Reservoir; 3] = std::array::from_fn(|_| Reservoir::new(sample));
    each_row(inspector, thread, |row| {
        let reservoir = &mut drawn[row.modality as usize];
        reservoir.offer(row, &mut rng);
    })
    .await?;
    let asking: BTreeSet<String> = drawn
        .iter()
        .flat_map(|reservoir| &reservoir.kept)
        .filter_map(|row| row.thread.clone())
        .collect();
    let mut answers: BTreeMap<(String, usize), BTreeSet<PointId>> = BTreeMap::new();
    each_row(inspector, thread, |row| {
        if let Some(thread) = row.thread.filter(|thread| asking.contains(thread)) {
            let known = answers.entry((thread, row.modality as usize)).or_default();
            if known.len() < MOST_ANSWERS {
                known.insert(row.id);
            }
        }
    })
    .await?;
    let there: Vec<Modality> = Modality::ALL
        .into_iter()
        .filter(|modality| drawn[*modality as usize].seen > 0)
        .collect();
    let mut sets = Vec::new();
    for &asked in &there {
        for &found in &there {
            sets.push(if asked == Modality::Text && found != Modality::Text {
                captions(&drawn[found as usize].kept, found)
            } else {
                threads(&drawn[asked as usize].kept, asked, found, &answers)
            });
        }
    }
    Ok(sets)
}

/// A caption asks for its own picture or sound.
fn captions(rows: &[Brief], found: Modality) -> Set {
    let query = |row: &Brief| {
        let caption = row.content.clone().filter(|text| !text.trim().is_empty())?;
        Some(Known {
            ask: Ask::As(Asked::Text(caption)),
            relevant: BTreeSet::from([row.id]),
            leave_out: None,
        })
    };
    Set {
        asked: Modality::Text,
        found: Some(found),
        made_from: "captions",
        queries: rows.iter().filter_map(query).collect(),
        none_because: "none of them has a caption",
    }
}

/// A point asks for the others of its thread.
fn threads(
    rows: &[Brief],
    asked: Modality,
    found: Modality,
    answers: &BTreeMap<(String, usize), BTreeSet<PointId>>,
) -> Set {
    let query = |row: &Brief| {
        let thread = row.thread.clone()?;
        let mut relevant = answers.get(&(thread, found as usize))?.clone();
        relevant.remove(&row.id);
        let ask = match asked {
            Modality::Text => Ask::As(Asked::Text(row.content.clone().filter(|text| !text.trim().is_empty())?)),
            Modality::Image | Modality::Audio => Ask::MediaOf(row.id),
        };
        (!relevant.is_empty()).then_some(Known {
            ask,
            relevant,
            leave_out: Some(row.id),
        })
    };
    Set {
        asked,
        found: Some(found),
        made_from: "threads",
        queries: rows.iter().filter_map(query).collect(),
        none_because: "no two of them share a thread",
    }
}

/// So many of a stream, each equally likely (Vitter 1985, algorithm R).
struct Reservoir {
    size: usize,
    seen: usize,
    kept: Vec<Brief>,
}

impl Reservoir {
    fn new(size: usize) -> Self {
        Self {
            size,
            seen: 0,
            kept: Vec::new(),
        }
    }

    fn offer(&mut self, row: Brief, rng: &mut StdRng) {
        self.seen += 1;
        if self.kept.len() < self.size {
            self.kept.push(row);
            return;
        }
        let place = rng.random_range(0..self.seen);
        if place < self.size {
            self.kept[place] = row;
        }
    }
}

async fn each_row(inspector: &Inspector, thread: &str, mut each: impl FnMut(Brief)) -> anyhow::Result<()> {
    let table = inspector.table().context(NO_TABLE)?;
    let schema = &inspector.schema;
    let is_wanted = |name: &str| name == inspector.content || name == thread;
    let mapped = |wanted: &str| schema.payload_columns().any(|(name, _)| name == wanted);
    // What has no column is in `extra`, which is read only then.
    let extra = !mapped(thread) || !mapped(&inspector.content);
    let columns: Vec<&str> = schema
        .columns()
        .iter()
        .filter(|column| match column.role {
            Role::Id | Role::Modality => true,
            Role::Payload(_) => is_wanted(&column.name),
            Role::Extra => extra,
            _ => false,
        })
        .map(|column| column.name.as_str())
        .collect();
    let mut batches = std::pin::pin!(read::scan(&table, &columns).await?);
    while let Some(batch) = batches.try_next().await? {
        let decoder = RowDecoder::new(schema, &batch);
        for place in 0..batch.num_rows() {
            let Row { point, modality, .. } = decoder.row(place)?;
            let text = |key: &str| {
                point
                    .payload
                    .get(key)
                    .and_then(|value| value.as_str())
                    .map(str::to_owned)
            };
            each(Brief {
                id: point.id,
                modality: modality.unwrap_or(Modality::Text),
                content: text(&inspector.content),
                thread: point
                    .payload
                    .get(thread)
                    .filter(|value| !value.is_null())
                    .map(ToString::to_string),
            });
        }
    }
    Ok(())
}

impl Inspector {
    /// The picture or sound of a point, as it can be had now, with what the payload says it is.
    ///
    /// # Errors
    /// The point is gone, or its media cannot be loaded.
    pub(super) async fn media_of(&self, id: PointId) -> anyhow::Result<(Arc<[u8]>, Option<Modality>)> {
        let point = self.source.get(&[id]).await?.into_iter().next();
        let point = point.with_context(|| format!("point {id} is no longer in Qdrant"))?;
        let point = point.map_err(|(id, failure)| anyhow::anyhow!("point {id} cannot be read: {failure}"))?;
        let (Plan::Embed { media: plan, .. }, Some(room)) = (&self.recipe.plan, &self.recipe.media) else {
            anyhow::bail!("no embedder of pictures or sounds is configured");
        };
        let place = media::find(&point.payload, &plan.config).context("there is no picture and no sound to load")?;
        match room.loader.fetch(place).await {
            Ok(fetched) => Ok((Arc::clone(&fetched.bytes), Modality::named(&point.payload))),
            Err(LoadError::Failed(failure)) => Err(anyhow::anyhow!("{failure}")),
            Err(LoadError::Outage { message, .. }) => Err(anyhow::anyhow!(message)),
        }
    }
}
