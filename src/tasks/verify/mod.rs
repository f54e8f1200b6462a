//! Verification: is everything over, is it right, may the new store take over?
//!
//! Reads both stores and writes to neither ([`repair`] does, when it is told to); whom it finds fault with goes to a file
//! of the state directory ([`Offenders`]). Each check is a file of its own; what its figures must be, and what they add up
//! to, is [`crate::point::verdict`]'s.
//!
//! ```text
//! counts      Qdrant's count = rows + failed + skipped
//! ids         all ids of both, in passes of bounded memory
//! payloads \  one pass: a batch of rows, the points of those ids, both compared while the next batch comes
//! vectors  /  (pass)
//! neighbours, index, filters: a seeded sample of rows asks both stores, or one store in two ways
//! health      versions, files, what lies about
//! ```
//!
//! The table is read in one version. That it is written to meanwhile is noticed and said; of Qdrant, the number of points
//! and a few of those that were compared tell it (`meanwhile`).

mod again;
mod counts;
pub mod export;
mod filters;
mod ground;
mod health;
mod ids;
mod index;
pub mod kept;
mod meanwhile;
mod neighbours;
mod offenders;
mod pass;
mod payloads;
mod ranked;
pub mod repair;
mod report;
mod ties;
mod vectors;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::inspect::Inspector;
use super::job::Opening;
use super::search::NO_TABLE;
use crate::lance::Checkpoint;
use crate::lance::audit::{Pinned, is_of_table};
use crate::lance::target::own_handle;
use crate::point::grouped;
use crate::point::verdict::{Outcome, Threshold, Verdict};
use crate::qdrant::CollectionFacts;
use ground::{Ground, Tell};
use offenders::Book;

pub(crate) use counts::gone;
pub use offenders::{FILE as OFFENDERS, Offender, Offenders};
pub use report::{Check, CheckId, Verification};

/// Why a verification did not come to its end.
pub const STOPPED: &str = "stopped by the operator";
/// Queries that neighbours and the index are judged by, unless another number is asked for. Qdrant's guide asks for 50.
pub const QUERIES: usize = 52;
/// Contents that are embedded again, where that is allowed.
pub const AGAIN: usize = 50;
/// Queries, and contents that are embedded again, at most.
pub const MOST_ASKED: usize = 10_000;

/// What is to be verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Which checks; those that are left out keep the decision open.
    pub checks: Vec<CheckId>,
    /// Rows whose payloads and vectors are looked at; all if nothing is said.
    pub sample: Option<u64>,
    /// What is drawn at random is drawn by this.
    pub seed: u64,
    /// Queries for neighbours and for the index, each.
    pub queries: usize,
    /// Contents that are embedded again.
    pub again: usize,
    /// Whether embedding them may cost something. What costs nothing is done anyway.
    pub pay: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self {
            checks: CheckId::ALL.to_vec(),
            sample: None,
            seed: 1,
            queries: QUERIES,
            again: AGAIN,
            pay: false,
        }
    }
}

/// What a verification needs. Cloning is cheap.
#[derive(Clone)]
pub struct Verifier {
    /// Both stores, the journal and the recipe.
    pub inspector: Inspector,
    /// How far the job had come when it was opened; what the table says goes before it.
    pub checkpoint: Checkpoint,
    /// The collection as it was then.
    pub collection: CollectionFacts,
    /// The table with its address, for the report.
    pub table: String,
    /// Points a request.
    pub page_points: u32,
    /// The state directory, where all offenders are written to.
    pub state_dir: PathBuf,
    /// Ids held at once (17 bytes each); of more, both stores are gone through several times.
    pub keys_at_once: u64,
}

impl Verifier {
    /// Of an open job.
    pub fn of(opening: &Opening, inspector: Inspector) -> Self {
        Self {
            inspector,
            checkpoint: opening.checkpoint.clone(),
            collection: opening.collection.clone(),
            table: opening.facts.table.clone(),
            page_points: opening.page_points(),
            state_dir: opening.state_dir.clone(),
            keys_at_once: ids::KEYS_AT_ONCE,
        }
    }
}

/// What is told while it goes on.
#[derive(Debug, Clone, Copy)]
pub enum Told<'a> {
    /// A check is so far: points, rows or queries done, of how many.
    Progress(CheckId, u64, u64),
    /// A check came to its end.
    Checked(&'a Check),
}

/// Verifies. `tell` hears of each check how far it is, and what came of it.
///
/// # Errors
/// There is no table, Qdrant or the journal cannot be read, or it was stopped ([`STOPPED`]). A table that cannot be read
/// is no error: it may not take over.
pub async fn verify(
    verifier: &Verifier,
    wish: Wish,
    tell: impl Fn(Told<'_>) + Send + Sync,
    stop: CancellationToken,
) -> anyhow::Result<Verification> {
    let work = verified(verifier, &wish, &tell, &stop);
    tokio::select! {
        biased;
        () = stop.cancelled() => anyhow::bail!(STOPPED),
        result = work => result,
    }
}

async fn verified(
    verifier: &Verifier,
    wish: &Wish,
    tell: &Tell<'_>,
    stop: &CancellationToken,
) -> anyhow::Result<Verification> {
    let begun = Instant::now();
    let inspector = &verifier.inspector;
    let table = inspector.table().context(NO_TABLE)?;
    // A console's handle stays at the version that it last wrote; something else may have written since.
    let table = own_handle(&table).await.context("the table cannot be read")?;
    let pinned = Pinned::of(&table).await?;
    let newest = pinned.checkpoint().await?;
    let checkpoint = newest
        .filter(|newest| newest.job == verifier.checkpoint.job)
        .unwrap_or_else(|| verifier.checkpoint.clone());
    let before = match checkpoint.adopted_rows {
        0 => None,
        _ => pinned.before(&table, &checkpoint.job).await.unwrap_or_else(|error| {
            tracing::warn!("the table before this job cannot be looked at: {error:#}");
            None
        }),
    };
    let ground = Ground {
        inspector,
        collection: &verifier.collection,
        wish,
        before,
        keys_at_once: verifier.keys_at_once,
        book: Book::begin(&verifier.state_dir),
        handful: Mutex::default(),
        page_points: (verifier.page_points as usize).clamp(1, 1_000),
        rows: pinned.rows().await?,
        points: inspector.source.count().await?,
        table,
        pinned,
        checkpoint,
        tell,
        stop,
    };
    // What goes through all data leaves the processor idle while it waits for a store; what asks little fits in there.
    let (through_all, little): (Vec<CheckId>, Vec<CheckId>) = CheckId::ALL
        .into_iter()
        .filter(|id| wish.checks.contains(id))
        .partition(|id| !id.asks_little());
    let (mut checks, beside) = tokio::try_join!(one_by_one(&ground, &through_all), one_by_one(&ground, &little))?;
    checks.extend(beside);
    let open = left_open(&ground, wish).await?;
    if let Err(error) = ground.book.keep() {
        // The first of them are kept all the same.
        tracing::warn!("{error:#}");
    }
    let of_checks = checks
        .iter()
        .map(|check| (check.id.as_str(), check.outcome, check.reasons.as_slice()));
    let Verdict { decision, reasons } = Verdict::of(of_checks, open);
    Ok(Verification {
        decision,
        reasons,
        collection: inspector.source.collection().to_owned(),
        qdrant_version: verifier.collection.version.clone(),
        table: verifier.table.clone(),
        table_version: ground.pinned.version(),
        points: ground.points,
        rows: ground.rows,
        sample: wish.sample,
        seed: wish.seed,
        checks,
        began_at: super::now_ms() - i64::try_from(begun.elapsed().as_millis()).unwrap_or(0),
        took: begun.elapsed(),
    })
}

/// Carries these checks out one after the other, and tells what came of each.
async fn one_by_one(ground: &Ground<'_>, ids: &[CheckId]) -> anyhow::Result<Vec<Check>> {
    let mut checks: Vec<Check> = Vec::new();
    for id in ids {
        // Payloads and vectors come out of one pass.
        if checks.iter().any(|check| check.id == *id) {
            continue;
        }
        ground.check_stop()?;
        let since = Instant::now();
        let begins = checks.len();
        match carry_out(ground, *id).await {
            Ok(done) => checks.extend(done),
            Err(error) if is_of_table(&error) => {
                tracing::warn!(check = id.as_str(), "{error:#}");
                checks.push(Check::unreadable(*id, &error));
            }
            Err(error) => return Err(error),
        }
        for check in &mut checks[begins..] {
            check.took = since.elapsed();
            check.offenders.close();
            (ground.tell)(Told::Checked(check));
        }
    }
    Ok(checks)
}

async fn carry_out(ground: &Ground<'_>, id: CheckId) -> anyhow::Result<Vec<Check>> {
    Ok(match id {
        CheckId::Counts => vec![counts::run(ground).await?],
        CheckId::Ids => vec![ids::run(ground).await?],
        CheckId::Payloads | CheckId::Vectors => {
            let wanted = pass::Wanted {
                payloads: id == CheckId::Payloads,
                vectors: ground.wish.checks.contains(&CheckId::Vectors),
            };
            pass::run(ground, wanted).await?
        }
        CheckId::Neighbours => vec![neighbours::run(ground).await?],
        CheckId::Index => vec![index::run(ground).await?],
        CheckId::Filters => vec![filters::run(ground).await?],
        CheckId::Health => vec![health::run(ground).await?],
    })
}

/// What keeps the decision open beside the checks: those that were left out, and what was written meanwhile.
async fn left_open(ground: &Ground<'_>, wish: &Wish) -> anyhow::Result<Vec<String>> {
    let mut open = Vec::new();
    let left_out: Vec<&str> = CheckId::ALL
        .into_iter()
        .filter(|id| id.is_needed() && !wish.checks.contains(id))
        .map(CheckId::as_str)
        .collect();
    if !left_out.is_empty() {
        open.push(format!(
            "not checked: {}; `qlance verify` without --only checks all",
            left_out.join(", ")
        ));
    }
    // Where it cannot be read, the checks have said so.
    let newest = ground.pinned.newest_version().await;
    if let Ok(newest) = newest
        && newest != ground.pinned.version()
    {
        open.push(format!(
            "the table was written to meanwhile (version {} to {newest}); verify again when nothing writes to it",
            ground.pinned.version()
        ));
    }
    let points = ground.inspector.source.count().await?;
    if points != ground.points {
        open.push(format!(
            "Qdrant was written to meanwhile ({} to {} points); verify again when nothing writes to it",
            grouped(ground.points),
            grouped(points)
        ));
    }
    let handful = std::mem::take(&mut *ground.handful.lock().unwrap_or_else(PoisonError::into_inner));
    // Where their number changed, that some are gone was said.
    let changed = handful
        .changed(&ground.inspector.source, points == ground.points)
        .await?;
    if changed > 0 {
        open.push(format!(
            "Qdrant was written to meanwhile ({changed} of {} points that were looked at once more have changed since \
             they were compared); verify again when nothing writes to it",
            handful.len()
        ));
    }
    if ground.rows == 0 {
        open.push("the table holds no rows: nothing was found right".to_owned());
    }
    Ok(open)
}

/// The outcome of figures that each have their threshold; what is missed joins the reasons.
fn judge(check: &mut Check, figures: &[(Threshold, f64)]) {
    for (threshold, value) in figures {
        let outcome = threshold.judge(*value);
        if outcome != Outcome::Pass {
            check.reasons.push(threshold.missed(*value));
        }
        check.outcome = check.outcome.and(outcome);
    }
}
