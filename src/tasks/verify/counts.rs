//! Counts: points in Qdrant = rows in LanceDB + failed + skipped, neither more nor fewer.
//!
//! Of the failed and skipped points only those still in Qdrant count. A table that was taken over held rows before: then
//! the number of rows has room for them, and the check of ids says which they are.

use serde_json::json;

use super::{Check, CheckId, Ground};
use crate::journal::Filter;
use crate::lance::read;
use crate::point::verdict::UNACCOUNTED;

/// Failed points asked about at once.
const CHUNK: u64 = 500;

/// What the open failures are in the two stores.
#[derive(Default)]
struct Open {
    gone: u64,
    with_row: u64,
}

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Check> {
    let mut check = Check::new(CheckId::Counts);
    let (points, rows) = (ground.points, ground.rows);
    ground.report(CheckId::Counts, 0, 1);
    let journal = &ground.inspector.journal;
    let counts = journal.run(|journal| journal.counts()).await?;
    let open = open_failures(ground, &mut check).await?;
    let (failed, skipped, adopted) = (counts.failed, counts.skipped, ground.checkpoint.adopted_rows);
    let waiting = (failed + skipped).saturating_sub(open.gone);
    let sum = rows + waiting;
    // Which of the rows that were there before are points of this collection, only their ids say.
    let unaccounted = if sum < points {
        points - sum
    } else {
        (sum - points).saturating_sub(adopted)
    };
    let written = ground.checkpoint.rows() + counts.recovered;
    check.threshold = UNACCOUNTED.text();
    check.figure = format!("{points} points = {rows} rows + {failed} failed + {skipped} skipped");
    if open.gone > 0 {
        check
            .figure
            .push_str(&format!(" - {} of those gone from Qdrant", open.gone));
    }
    if adopted > 0 {
        check
            .figure
            .push_str(&format!(" (up to {adopted} rows were there before)"));
    }
    if !ground.checkpoint.complete() {
        check.fail(format!(
            "the migration has not come to its end: about {} points are unread; `qlance run` goes on",
            points.saturating_sub(sum)
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
            "{unaccounted} {what} {how}; `ids` says which, `qlance verify --repair` brings the stores together"
        ));
    }
    if open.with_row > 0 {
        check.fail(format!(
            "{} points are among the failures and have a row all the same",
            open.with_row
        ));
    }
    if failed > open.gone {
        check.doubt(format!(
            "{failed} points failed and nobody has decided about them: retry them, or skip them with a reason"
        ));
    }
    if adopted == 0 && written != rows {
        check.notes.push(format!(
            "this job wrote {written} rows, the table has {rows}: something else wrote to it"
        ));
    }
    check.numbers = json!({
        "points": points, "rows": rows, "failed": failed, "skipped": skipped, "gone_from_qdrant": open.gone,
        "unaccounted": unaccounted, "adopted_rows": adopted, "written_by_this_job": written,
        "complete": ground.checkpoint.complete(),
    });
    ground.report(CheckId::Counts, 1, 1);
    Ok(check)
}

/// Goes through the failed and skipped points: which are gone from Qdrant, and which have a row.
async fn open_failures(ground: &Ground<'_>, check: &mut Check) -> anyhow::Result<Open> {
    let mut open = Open::default();
    let mut after = None;
    loop {
        ground.check_stop()?;
        let journal = &ground.inspector.journal;
        let ids = journal
            .run(move |journal| journal.ids_after(&Filter::default(), after, CHUNK))
            .await?;
        let Some(last) = ids.last() else { return Ok(open) };
        after = Some(*last);
        open.gone += ground.inspector.source.missing(&ids).await?.len() as u64;
        for id in read::present(&ground.table, &ids).await? {
            open.with_row += 1;
            check.mend(id);
            check
                .offenders
                .add(id, || "among the failures, and has a row".to_owned());
        }
    }
}
