//! What a job begins with that has no table yet: its columns and its ranges of ids, both from one sample of the
//! collection. Only the ranges are kept, in the journal.

use anyhow::bail;

use super::vectors;
use crate::config::{Config, Profile, Provider};
use crate::journal;
use crate::lance::TableSchema;
use crate::lance::schema::EMBEDDING;
use crate::point::{IdRange, Payload, PointId, RangeProgress};
use crate::qdrant::source::Wanted;
use crate::qdrant::{CollectionFacts, ReadPoint, Source, id_of};
use crate::tasks::columns::Columns;

/// Payloads looked at before the first point is read.
const SAMPLE: u64 = 500;
/// Ids for each range's boundary, at least: ranges then differ by a tenth. The largest is read alone when the others have
/// ended. The sample of payloads has as many as four ranges want.
const IDS_A_RANGE: usize = 125;

/// Points of the collection at random, with their payloads.
pub(super) async fn sample(source: &Source) -> anyhow::Result<Vec<ReadPoint>> {
    Ok(source.sample(SAMPLE, Wanted::Payloads).await?)
}

/// The columns of a table that is not there yet.
pub(super) fn new_schema(
    config: &Config,
    sample: Vec<ReadPoint>,
    collection: &CollectionFacts,
    columns: &Columns,
    compares: &[Option<String>],
) -> anyhow::Result<TableSchema> {
    let dimensions = columns.all()[EMBEDDING].dimensions;
    let sample: Vec<Payload> = sample.into_iter().flatten().map(|point| point.payload).collect();
    let content = &config.source.content;
    // Pictures and sounds may do without any text.
    let embeds = config.embed.text.provider != Provider::Carry && !config.embed.has_media();
    if embeds && !sample.is_empty() && !sample.iter().any(|payload| payload.contains_key(content)) {
        let mut keys: Vec<&str> = sample
            .iter()
            .flat_map(|payload| payload.keys().map(String::as_str))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(20);
        bail!(
            "source.content: none of {} sampled points has a payload field {content:?}; their fields: {}",
            sample.len(),
            if keys.is_empty() {
                "none".into()
            } else {
                keys.join(", ")
            }
        );
    }
    let vectors = vectors::kept(config, collection, compares);
    let schema = match config.target.profile {
        Profile::Choir => TableSchema::choir(dimensions, &vectors),
        Profile::Inferred => TableSchema::inferred(&sample, &config.columns, dimensions, &vectors),
    };
    let keeps_media = config.media.store_media && config.embed.has_media();
    Ok(if keeps_media { schema.with_media() } else { schema })
}

/// The ranges of a new job: those of the journal, or new ones from a random sample of ids: the one at hand, or another
/// where that has too few.
pub(super) async fn new_ranges(
    config: &Config,
    source: &Source,
    journal: &journal::Shared,
    at_hand: Vec<PointId>,
    keep: bool,
) -> anyhow::Result<Vec<RangeProgress>> {
    let kept = journal.run(|journal| journal.ranges()).await?;
    let ranges = if let Some(ranges) = kept {
        ranges
    } else {
        let parts = config.source.ranges;
        let wanted = parts * IDS_A_RANGE;
        let ids = match parts {
            1 => Vec::new(),
            _ if at_hand.len() >= wanted => at_hand,
            _ => source
                .sample(wanted as u64, Wanted::Ids)
                .await?
                .iter()
                .map(id_of)
                .collect(),
        };
        let ranges = IdRange::split(ids, parts);
        let drawn = ranges.clone();
        if keep {
            journal.run(move |journal| journal.set_ranges(&drawn)).await?;
        }
        ranges
    };
    Ok(ranges.into_iter().map(RangeProgress::new).collect())
}
