//! Everything a report says, gathered once: the table, the journal, and the files that the last verification and the
//! last comparison left in the job's state directory. Reads only.

use std::path::Path;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use lancedb::Table;

use super::bins;
use super::comparison::{self, Comparison};
use super::data::{
    ByCause, ColumnPart, Conservation, Cost, Divergence, DivergentRow, FailedPoint, Failures, Moved, NamedOffender,
    Price, ReportData, SCHEMA, Samples, SpacePart, Timings, VerdictPart, VerdictWord, Versions,
};
use super::discreet::Discretion;
use super::settings::shown;
use super::words::clean;
use crate::config::{ColumnType, Config, without_credentials};
use crate::journal::{Filter, Journal, Sort, State};
use crate::lance::audit::{Figures, Pinned};
use crate::lance::browse::{self, Anchor, Band};
use crate::lance::{Column, Role, RowDecoder, VectorColumn};
use crate::point::{Cause, Histogram, PointId, Similarity};
use crate::tasks::job::Opening;
use crate::tasks::verify::{Verification, kept};

/// The lancedb crate that this qlance is built with; a test holds it against Cargo.lock.
const LANCEDB: &str = "0.41.0";
/// The lance crate.
const LANCE: &str = "14.0.2";
/// Failed points that are named where samples are asked for.
const MOST_FAILED: u64 = 100;
/// Divergent rows that are shown where samples are asked for.
const MOST_DIVERGENT: usize = 20;
/// Rows whose similarities are read at once.
const ROWS_AT_ONCE: usize = 4_096;
/// What makes a verdict.
const COMMAND: &str = "qlance verify";

/// Gathers a report of an opened job. `table` is none before there is one; `now` is milliseconds since 1970.
///
/// # Errors
/// The table or the journal cannot be read.
pub async fn gather(
    opening: &Opening,
    table: Option<&Table>,
    with_samples: bool,
    now: i64,
) -> anyhow::Result<ReportData> {
    let directory = Path::new(&opening.facts.state_dir);
    let mut notes = Vec::new();
    let verification = kept::kept(directory).unwrap_or_else(|error| {
        tracing::warn!("{error:#}");
        notes.push(format!(
            "{} of the state directory cannot be read; `{COMMAND}` makes it anew",
            kept::FILE
        ));
        None
    });
    let comparison = comparison::read(directory).unwrap_or_else(|said| {
        notes.push(said);
        None
    });
    let figures = match table {
        Some(table) => Some(Pinned::of(table).await?.figures().await?),
        None => {
            notes.push("there is no table yet; `qlance run` makes it".to_owned());
            None
        }
    };
    let version = figures.as_ref().map(|figures| figures.version);
    let columns: Vec<&str> = opening.schema.embeddings().map(|(column, _)| column).collect();
    let discretion = Discretion {
        with_samples,
        columns: &columns,
    };
    let (verdict, verified) = match &verification {
        Some(found) => {
            let (verdict, part) = discretion.verification(found, (version, opening.collection.points), COMMAND);
            (verdict, Some(part))
        }
        None => (not_verified(), None),
    };
    let (failures, shortened, accepted) = opening.journal.run(|journal| from_journal(journal)).await?;
    let divergence = divergence(opening, table, accepted).await?;
    let timings = timings(table, verification.as_ref(), comparison.as_ref()).await?;
    let samples = if with_samples {
        let offenders = verification.as_ref().map(|found| discretion.offenders(found));
        Some(samples(opening, table, offenders.unwrap_or_default()).await?)
    } else {
        None
    };
    Ok(ReportData {
        schema: SCHEMA,
        made_at: now,
        with_samples,
        notes,
        verdict,
        moved: moved(opening, figures.as_ref()),
        conservation: conservation(opening, figures.as_ref(), shortened),
        divergence,
        failures,
        verification: verified,
        comparison,
        settings: shown(&opening.config),
        versions: versions(&opening.collection.version),
        timings,
        cost: cost(opening),
        samples,
    })
}

fn not_verified() -> VerdictPart {
    VerdictPart {
        decision: VerdictWord::NotVerified,
        reasons: Vec::new(),
        verified_at: None,
        table_version: None,
        table_changed: None,
        points_changed: None,
        command: COMMAND,
    }
}

fn moved(opening: &Opening, figures: Option<&Figures>) -> Moved {
    Moved {
        collection: clean(&opening.facts.collection),
        points: opening.collection.points,
        table: clean(&without_credentials(&opening.facts.table)),
        table_version: figures.map(|figures| figures.version),
        rows: figures.map_or(0, |figures| figures.rows),
        fragments: figures.map_or(0, |figures| figures.fragments),
        data_bytes: figures.map_or(0, |figures| figures.data_bytes),
        columns: opening.schema.columns().iter().map(column).collect(),
        spaces: opening
            .recipe
            .columns
            .all()
            .into_iter()
            .map(|(column, space)| SpacePart {
                column: clean(column),
                space: clean(&space.to_string()),
            })
            .collect(),
    }
}

fn column(column: &Column) -> ColumnPart {
    let (kind, holds) = match &column.role {
        Role::Id => ("string".to_owned(), "the point's id".to_owned()),
        Role::Payload(kind) => {
            let name = match kind {
                ColumnType::String => "string",
                ColumnType::Int => "int64",
                ColumnType::Float => "float64",
                ColumnType::Bool => "bool",
                ColumnType::Json | ColumnType::Extra => "JSON",
            };
            (name.to_owned(), "payload".to_owned())
        }
        Role::Embedding(size) => (dense(*size), "new embeddings".to_owned()),
        Role::Media => ("blob".to_owned(), "the bytes of pictures and sounds".to_owned()),
        Role::Modality => ("string".to_owned(), "text, image or audio".to_owned()),
        Role::Similarity => (
            "float32".to_owned(),
            "cosine of the new embedding and Qdrant's vector".to_owned(),
        ),
        Role::Extra => ("JSON".to_owned(), "what of the payload fits no column".to_owned()),
        Role::Vector(name, kind) => {
            let kind = match kind {
                VectorColumn::Dense(size) => dense(*size),
                VectorColumn::Sparse => "struct<indices: list<uint32>, values: list<float32>>".to_owned(),
                VectorColumn::Multi(size) => format!("list<{}>", dense(*size)),
            };
            let name = if name.is_empty() {
                "without a name".to_owned()
            } else {
                format!("{:?}", clean(name))
            };
            (kind, format!("Qdrant's vector {name}, as it is"))
        }
    };
    ColumnPart {
        name: clean(&column.name),
        kind,
        holds,
    }
}

fn dense(size: usize) -> String {
    format!("fixed_size_list<float32>[{size}]")
}

/// The sum, by the same terms as a run adds them up.
fn conservation(opening: &Opening, figures: Option<&Figures>, shortened: u64) -> Conservation {
    let (checkpoint, counts) = (&opening.checkpoint, opening.counts);
    let written = checkpoint.rows(counts.recovered);
    let read = checkpoint.points(counts.late);
    let rows = figures.map_or(0, |figures| figures.rows);
    // A table that was taken over may have held some of the ids already.
    let rows_agree = checkpoint.adopted_rows > 0 || rows == written;
    Conservation {
        read,
        written,
        failed: counts.failed,
        skipped: counts.skipped,
        holds: read == written + counts.failed + counts.skipped && rows_agree,
        complete: checkpoint.complete(),
        recovered: counts.recovered,
        caught_up: checkpoint.caught_up.added,
        removed: checkpoint.caught_up.removed,
        adopted_rows: checkpoint.adopted_rows,
        shortened,
    }
}

/// Failures by cause and state, shortened rows, accepted rows. Messages are not even read.
pub(super) fn from_journal(journal: &Journal) -> anyhow::Result<(Failures, u64, u64)> {
    let mut by_cause = Vec::new();
    for cause in Cause::ALL {
        for state in [State::Failed, State::Retrying, State::Skipped, State::Recovered] {
            let filter = Filter {
                cause: Some(cause),
                text: None,
                states: vec![state],
            };
            let count = journal.count(&filter)?;
            if count > 0 {
                by_cause.push(ByCause { cause, state, count });
            }
        }
    }
    let of = |states: &[State]| -> u64 {
        let those = by_cause.iter().filter(|found| states.contains(&found.state));
        those.map(|found| found.count).sum()
    };
    let (open, skipped, recovered) = (
        of(&[State::Failed, State::Retrying]),
        of(&[State::Skipped]),
        of(&[State::Recovered]),
    );
    let failures = Failures {
        open,
        skipped,
        recovered,
        by_cause,
    };
    Ok((failures, journal.count_shortened()?, journal.accepted()?))
}

async fn divergence(opening: &Opening, table: Option<&Table>, accepted: u64) -> anyhow::Result<Divergence> {
    let mut histogram = Histogram::default();
    let threshold = opening.config.divergence.threshold;
    // Of all that were accepted only those count that are divergent rows of this table.
    let mut accepted_rows = 0;
    if let Some(table) = table {
        let edge = Histogram::edge(threshold as f32);
        let columns = opening.schema.columns().iter();
        let columns: Vec<&str> = columns
            .filter(|column| matches!(column.role, Role::Id | Role::Similarity))
            .map(|column| column.name.as_str())
            .collect();
        let mut batches = std::pin::pin!(Pinned::of(table).await?.scan(&columns, ROWS_AT_ONCE).await?);
        while let Some(batch) = batches.try_next().await? {
            let decoder = RowDecoder::new(&opening.schema, &batch);
            let mut below: Vec<(PointId, Option<Similarity>)> = Vec::new();
            for place in 0..batch.num_rows() {
                let row = decoder.row(place)?;
                histogram.record(row.similarity);
                if row.similarity.is_some_and(|similarity| similarity.get() < edge) {
                    below.push((row.point.id, row.similarity));
                }
            }
            if accepted > 0 && !below.is_empty() {
                let counted = opening.journal.run(move |journal| journal.accepted_of(&below));
                accepted_rows += counted.await?;
            }
        }
    }
    let divergent = histogram.below(threshold as f32);
    let quantile = |share| histogram.quantile(share).map(rounded);
    Ok(Divergence {
        threshold,
        compared: histogram.compared(),
        incomparable: histogram.incomparable(),
        divergent,
        accepted: accepted_rows,
        not_comparable: opening.facts.comparable.clone().err().map(|why| clean(&why)),
        minimum: quantile(0.0),
        p1: quantile(0.01),
        p5: quantile(0.05),
        median: quantile(0.5),
        bins: bins::of(&histogram, threshold),
    })
}

/// The edge of a bin without the digits that 32 bits made up.
fn rounded(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

async fn timings(
    table: Option<&Table>,
    verification: Option<&Verification>,
    comparison: Option<&Comparison>,
) -> anyhow::Result<Timings> {
    let mut times = Vec::new();
    if let Some(table) = table {
        let versions = table
            .list_versions()
            .await
            .context("the table's versions cannot be listed")?;
        times.extend(versions.iter().map(|version| version.timestamp.timestamp_millis()));
    }
    let (first, newest) = (times.iter().min().copied(), times.iter().max().copied());
    Ok(Timings {
        first_version_at: first,
        newest_version_at: newest,
        seconds_between: first.zip(newest).map(|(first, newest)| (newest - first) as f64 / 1e3),
        versions_kept: times.len() as u64,
        verification_began_at: verification.map(|found| found.began_at),
        verification_seconds: verification.map(|found| found.took.as_secs_f64()),
        comparison_began_at: comparison.map(|found| found.began_at),
        index_seconds: comparison.and_then(|found| found.index_seconds),
    })
}

fn cost(opening: &Opening) -> Cost {
    let config: &Config = &opening.config;
    Cost {
        tokens: opening.spent.tokens,
        usd: opening.spent.usd,
        budget_usd: config.embed.text.budget_usd,
        prices: config
            .embed
            .all()
            .map(|(modality, embed)| Price {
                modality: modality.as_str(),
                model: clean(&embed.model),
                usd_per_million_tokens: embed.usd_per_million_tokens,
            })
            .collect(),
    }
}

fn versions(qdrant: &str) -> Versions {
    Versions {
        qlance: env!("CARGO_PKG_VERSION").to_owned(),
        qdrant: clean(qdrant),
        lancedb: LANCEDB.to_owned(),
        lance: LANCE.to_owned(),
        os: std::env::consts::OS.to_owned(),
        arch: std::env::consts::ARCH.to_owned(),
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
    }
}

async fn samples(opening: &Opening, table: Option<&Table>, offenders: Vec<NamedOffender>) -> anyhow::Result<Samples> {
    let failed_points = opening.journal.run(|journal| named_failures(journal)).await?;
    let mut divergent_rows = Vec::new();
    if let Some(table) = table {
        let band = Band {
            from: -1.0,
            to: opening.config.divergence.threshold as f32,
        };
        let content = &opening.config.source.content;
        let rows = browse::page(table, band, Anchor::First, MOST_DIVERGENT, content).await?;
        divergent_rows.extend(rows.into_iter().filter_map(|row| {
            Some(DivergentRow {
                point: row.id,
                similarity: row.similarity?,
                content: row.snippet.as_deref().map(clean),
            })
        }));
    }
    Ok(Samples {
        offenders,
        failed_points,
        divergent_rows,
    })
}

/// The first open failures with their messages.
pub(super) fn named_failures(journal: &Journal) -> anyhow::Result<Vec<FailedPoint>> {
    let rows = journal.page(&Filter::default(), Sort::default(), 0, MOST_FAILED)?;
    let named = rows.into_iter().map(|row| FailedPoint {
        point: row.id,
        state: row.state,
        cause: row.cause,
        attempts: row.attempts,
        message: clean(&row.error),
    });
    Ok(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Failure, PointId};

    #[test]
    fn the_versions_are_those_of_the_lock_file() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
        let text = std::fs::read_to_string(path).expect("the lock file");
        for (name, version) in [("lancedb", LANCEDB), ("lance", LANCE)] {
            let entry = format!("name = \"{name}\"\nversion = \"{version}\"\n");
            assert!(text.contains(&entry), "Cargo.lock has another {name} than {version}");
        }
        assert_eq!(versions("1.18").qlance, env!("CARGO_PKG_VERSION"));
    }

    #[test]
    fn failures_are_counted_by_cause_and_state_without_a_word_of_theirs() {
        let mut journal = Journal::in_memory().expect("a journal");
        let causes = [
            Cause::TooLong,
            Cause::TooLong,
            Cause::Rejected,
            Cause::Rejected,
            Cause::Rejected,
        ];
        let failures: Vec<(PointId, Failure)> = (0..)
            .zip(causes)
            .map(|(n, cause)| (PointId::Num(n), Failure::new(cause, format!("MARKER\u{1b} {n}"))))
            .collect();
        journal.record(&failures, 1).expect("recorded");
        let moved = |journal: &mut Journal, n, from, to| {
            let reason = Some("MARKER");
            assert_eq!(
                journal
                    .set_state(&[PointId::Num(n)], &[from], to, reason)
                    .expect("moved"),
                1
            );
        };
        moved(&mut journal, 2, State::Failed, State::Skipped);
        moved(&mut journal, 3, State::Failed, State::Retrying);
        moved(&mut journal, 3, State::Retrying, State::Recovered);
        let (found, shortened, accepted) = from_journal(&journal).expect("read");
        assert_eq!((found.open, found.skipped, found.recovered), (3, 1, 1));
        assert_eq!((shortened, accepted), (0, 0));
        let line = |cause, state, count| ByCause { cause, state, count };
        assert_eq!(
            found.by_cause,
            [
                line(Cause::TooLong, State::Failed, 2),
                line(Cause::Rejected, State::Failed, 1),
                line(Cause::Rejected, State::Skipped, 1),
                line(Cause::Rejected, State::Recovered, 1),
            ]
        );
        assert!(!format!("{found:?}").contains("MARKER"));
        let named = named_failures(&journal).expect("read");
        assert_eq!(named.len(), 4, "skipped ones too, those brought over not");
        assert_eq!(named[0].message, "MARKER\u{fffd} 0");
    }
}
