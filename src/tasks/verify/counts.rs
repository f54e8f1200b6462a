//! Counts: points in Qdrant = rows in LanceDB + failed + skipped, neither more nor fewer.
//!
//! Of the failed and skipped points only those still in Qdrant count. A table that was taken over held rows before: then
//! the number of rows has room for them, and the check of ids says which they are.

use serde_json::json;

use super::{Check, CheckId, Ground};
use crate::journal::{self, Filter, State};
use crate::lance::read;
use crate::point::verdict::UNACCOUNTED;
use crate::point::{PointId, grouped};
use crate::qdrant::Source;

/// Failed points asked about at once.
const CHUNK: u64 = 500;
/// Nobody has decided about these.
const FAILED: [State; 2] = [State::Failed, State::Retrying];
/// These were given up.
const SKIPPED: [State; 1] = [State::Skipped];

/// Failed and skipped points that are gone from Qdrant: nobody has to decide about them, and they make up for no row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    /// Of those that failed and that nobody has decided about.
    pub(crate) failed: u64,
    /// Of those that were given up, with a reason.
    pub(crate) skipped: u64,
}

impl Gone {
    /// All of them.
    pub(crate) fn all(self) -> u64 {
        self.failed + self.skipped
    }
}

/// Goes through the failed and skipped points: which are gone from Qdrant.
///
/// # Errors
/// The journal or Qdrant cannot be asked.
pub(crate) async fn gone(journal: &journal::Shared, source: &Source) -> anyhow::Result<Gone> {
    Ok(Gone {
        failed: gone_of(journal, source, &FAILED).await?,
        skipped: gone_of(journal, source, &SKIPPED).await?,
    })
}

async fn gone_of(journal: &journal::Shared, source: &Source, states: &[State]) -> anyhow::Result<u64> {
    let (mut gone, mut after) = (0, None);
    loop {
        let ids = next(journal, states, after).await?;
        let Some(last) = ids.last() else { return Ok(gone) };
        after = Some(*last);
        gone += source.missing(&ids).await?.len() as u64;
    }
}

/// The next points in these states, after the last ones.
async fn next(journal: &journal::Shared, states: &[State], after: Option<PointId>) -> anyhow::Result<Vec<PointId>> {
    let filter = Filter {
        states: states.to_vec(),
        ..Filter::default()
    };
    journal
        .run(move |journal| journal.ids_after(&filter, after, CHUNK))
        .await
}

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Check> {
    let mut check = ground.check(CheckId::Counts);
    let (points, rows) = (ground.points, ground.rows);
    ground.report(CheckId::Counts, 0, 1);
    let journal = &ground.inspector.journal;
    let counts = journal.run(|journal| journal.counts()).await?;
    let gone = gone(journal, &ground.inspector.source).await?;
    let with_row = with_row(ground, &mut check).await?;
    let (failed, skipped, adopted) = (counts.failed, counts.skipped, ground.checkpoint.adopted_rows);
    let waiting = (failed + skipped).saturating_sub(gone.all());
    let sum = rows + waiting;
    // Which of the rows that were there before are points of this collection, only their ids say.
    let unaccounted = if sum < points {
        points - sum
    } else {
        (sum - points).saturating_sub(adopted)
    };
    let written = ground.checkpoint.rows(counts.recovered);
    check.threshold = UNACCOUNTED.named();
    check.figure = format!(
        "{} points = {} rows + {} failed + {} skipped",
        grouped(points),
        grouped(rows),
        grouped(failed),
        grouped(skipped)
    );
    if gone.all() > 0 {
        check
            .figure
            .push_str(&format!(" - {} of those gone from Qdrant", grouped(gone.all())));
    }
    if adopted > 0 {
        check
            .figure
            .push_str(&format!(" (up to {} rows were there before)", grouped(adopted)));
    }
    if !ground.checkpoint.complete() {
        check.fail(format!(
            "the migration has not come to its end: about {} points are unread; `qlance run` goes on",
            grouped(points.saturating_sub(sum))
        ));
    } else if unaccounted > 0 {
        let how = if sum < points {
            "neither row nor failure"
        } else {
            "no point"
        };
        let what = if sum < points {
            "points have"
        } else {
            "rows or failures have"
        };
        check.fail(format!(
            "{} {what} {how}; `ids` says which, `qlance verify --repair` brings the stores together",
            grouped(unaccounted)
        ));
    }
    if with_row > 0 {
        check.fail(format!(
            "{} points are among the failures and have a row all the same",
            grouped(with_row)
        ));
        check.note_mending(with_row);
    }
    let undecided = failed.saturating_sub(gone.failed);
    if undecided > 0 {
        check.doubt(format!(
            "{} points failed and nobody has decided about them: retry them, or skip them with a reason",
            grouped(undecided)
        ));
    }
    if points == 0 && rows == 0 {
        check.saw_nothing();
    }
    if adopted == 0 && written != rows {
        check.notes.push(format!(
            "this job wrote {} rows, the table has {}: something else wrote to it",
            grouped(written),
            grouped(rows)
        ));
    }
    check.numbers = json!({
        "points": points, "rows": rows, "failed": failed, "skipped": skipped, "gone_from_qdrant": gone.all(),
        "unaccounted": unaccounted, "adopted_rows": adopted, "written_by_this_job": written,
        "complete": ground.checkpoint.complete(),
    });
    ground.report(CheckId::Counts, 1, 1);
    Ok(check)
}

/// Goes through the failed and skipped points: how many have a row all the same.
async fn with_row(ground: &Ground<'_>, check: &mut Check) -> anyhow::Result<u64> {
    let (mut with_row, mut after) = (0, None);
    loop {
        ground.check_stop()?;
        let ids = next(&ground.inspector.journal, &[], after).await?;
        let Some(last) = ids.last() else { return Ok(with_row) };
        after = Some(*last);
        for id in read::present(&ground.table, &ids).await? {
            with_row += 1;
            check.mend(id);
            check
                .offenders
                .add(id, || "among the failures, and has a row in LanceDB".to_owned());
        }
    }
}
