//! Before a job goes on: table and journal are brought together. Whatever was killed when, afterwards every point that
//! is behind the cursor is in the table once, or in the journal once.

use super::invariant::conserved;
use crate::journal::{self, Counts, Filter, State};
use crate::lance::{Checkpoint, Target, read};
use crate::point::grouped;

/// Ids asked of the table at once.
const CHUNK: u64 = 500;

/// Brings journal and table together and checks that the counts add up.
///
/// With `mend`, a table that something else wrote to is let through: a repair brings it together.
///
/// # Errors
/// They cannot be read, or they do not add up: the table was changed by others, or the journal is not this table's.
pub async fn reconcile(
    journal: &journal::Shared,
    target: &Target,
    checkpoint: &Checkpoint,
    mend: bool,
) -> anyhow::Result<Counts> {
    forget_unsettled(journal, checkpoint).await?;
    settle_retries(journal, target, checkpoint).await?;
    let counts = journal.run(|journal| journal.counts()).await?;
    if !mend {
        add_up(target, checkpoint, counts).await?;
    }
    Ok(counts)
}

/// Failures that were recorded just before a commit that never came: their points will be read again.
///
/// # Errors
/// The journal cannot be written.
pub(super) async fn forget_unsettled(journal: &journal::Shared, checkpoint: &Checkpoint) -> anyhow::Result<()> {
    let settled = checkpoint.clone();
    let forgotten = journal
        .run(move |journal| {
            journal.forget_unsettled_shortened(|id| settled.settled(id))?;
            journal.forget_unsettled(|id| settled.settled(id))
        })
        .await?;
    if forgotten > 0 {
        tracing::info!(forgotten, "failures that no commit covers will be found again");
    }
    Ok(())
}

/// Checks that table, checkpoint and journal tell the same story.
///
/// # Errors
/// They do not, or cannot be read.
pub(super) async fn add_up(target: &Target, checkpoint: &Checkpoint, counts: Counts) -> anyhow::Result<()> {
    conserved(counts.total() == checkpoint.failed(), || {
        format!(
            "table {:?} says that {} points failed, the journal knows {}; the journal belongs to another state of the \
             table. Put the two back together from a backup, or start over in another target.table",
            target.name(),
            checkpoint.failed(),
            counts.total()
        )
    })?;
    // A table that was taken over may have held some of the ids already.
    if checkpoint.adopted_rows == 0 {
        let expected = checkpoint.balance(counts.recovered);
        let rows = target.rows().await?;
        conserved(rows as i64 == expected, || {
            format!(
                "table {:?} holds {} rows, not {}; something else wrote to it. `qlance verify` says \
                 what differs and `qlance verify --repair` mends it; or restore its last version, or start over in another \
                 target.table",
                target.name(),
                grouped(rows),
                grouped(u64::try_from(expected).unwrap_or(0))
            )
        })?;
    }
    Ok(())
}

/// Points whose retry ended without an answer (killed, cancelled, a commit whose outcome is not known): those whose row
/// is in the table are recovered, the others failed. In a table that was taken over a row says nothing: it may be that of
/// before. There all of them have failed, and another retry replaces what this one may have written.
///
/// # Errors
/// Table or journal cannot be read or written.
pub(super) async fn settle_retries(
    journal: &journal::Shared,
    target: &Target,
    checkpoint: &Checkpoint,
) -> anyhow::Result<()> {
    let retrying = Filter {
        states: vec![State::Retrying],
        ..Filter::default()
    };
    loop {
        let filter = retrying.clone();
        let ids = journal
            .run(move |journal| journal.ids_after(&filter, None, CHUNK))
            .await?;
        if ids.is_empty() {
            return Ok(());
        }
        let present = match target.table().filter(|_| checkpoint.adopted_rows == 0) {
            Some(table) => read::present(table, &ids).await?,
            None => Vec::new(),
        };
        journal
            .run(move |journal| {
                journal.recover(&present)?;
                journal.set_state(&ids, &[State::Retrying], State::Failed, None)
            })
            .await?;
    }
}
