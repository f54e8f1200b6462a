//! What a job begins with that has no table yet: its columns and its ranges of ids, both from a sample of the
//! collection. Only the ranges are kept, in the journal.

use anyhow::bail;

use super::vectors;
use crate::config::{Config, Profile, Provider};
use crate::journal;
use crate::lance::TableSchema;
use crate::lance::schema::EMBEDDING;
use crate::point::{IdRange, Payload, PointId, RangeProgress};
use crate::qdrant::source::Wanted;
use crate::qdrant::{CollectionFacts, ReadPoint, Source};
use crate::tasks::columns::Columns;

/// Payloads looked at before the first point is read.
const SAMPLE: u64 = 500;
/// Ids drawn for each range's boundary: enough that ranges differ by some tens of percent at most.
const IDS_A_RANGE: u64 = 64;

/// The columns of a table that is not there yet.
pub(super) async fn new_schema(
    config: &Config,
    source: &Source,
    collection: &CollectionFacts,
    columns: &Columns,
    compares: &[Option<String>],
) -> anyhow::Result<TableSchema> {
    let dimensions = columns.all()[EMBEDDING].dimensions;
    let sample: Vec<Payload> = source
        .sample(SAMPLE, Wanted::Payloads)
        .await?
        .into_iter()
        .filter_map(Result::ok)
        .map(|point| point.payload)
        .collect();
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

/// The ranges of a new job: those of the journal, or new ones from a random sample of ids.
pub(super) async fn new_ranges(
    config: &Config,
    source: &Source,
    journal: &journal::Shared,
    keep: bool,
) -> anyhow::Result<Vec<RangeProgress>> {
    let kept = journal.run(|journal| journal.ranges()).await?;
    let ranges = if let Some(ranges) = kept {
        ranges
    } else {
        let wanted = config.source.ranges;
        let ids: Vec<PointId> = match wanted {
            1 => Vec::new(),
            _ => source
                .sample(wanted as u64 * IDS_A_RANGE, Wanted::Ids)
                .await?
                .into_iter()
                .map(|point: ReadPoint| match point {
                    Ok(point) => point.id,
                    Err((id, _)) => id,
                })
                .collect(),
        };
        let ranges = IdRange::split(ids, wanted);
        let drawn = ranges.clone();
        if keep {
            journal.run(move |journal| journal.set_ranges(&drawn)).await?;
        }
        ranges
    };
    Ok(ranges.into_iter().map(RangeProgress::new).collect())
}
