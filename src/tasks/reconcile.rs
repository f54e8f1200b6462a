//! Before a job goes on: table and journal are brought together. Whatever was killed when, afterwards every point that
//! is behind the cursor is in the table once, or in the journal once.

use anyhow::ensure;

use crate::journal::{self, Counts, Filter, State};
use crate::lance::{Checkpoint, Target, read};

/// Ids asked of the table at once.
const CHUNK: u64 = 500;

/// Brings journal and table together and checks that the counts add up.
///
/// # Errors
/// They cannot be read, or they do not add up: the table was changed by others, or the journal is not this table's.
pub async fn reconcile(journal: &journal::Shared, target: &Target, checkpoint: &Checkpoint) -> anyhow::Result<Counts> {
    let settled = checkpoint.clone();
    let forgotten = journal
        .run(move |journal| journal.forget_unsettled(|id| settled.settled(id)))
        .await?;
    if forgotten > 0 {
        tracing::info!(forgotten, "failures that no commit covers will be found again");
    }
    settle_retries(journal, target).await?;
    let counts = journal.run(|journal| journal.counts()).await?;
    ensure!(
        counts.total() == checkpoint.failed(),
        "conservation broken: table {:?} says that {} points failed, the journal knows {}; the journal belongs to \
         another state of the table. Put the two back together from a backup, or start over in another target.table",
        target.name(),
        checkpoint.failed(),
        counts.total()
    );
    if checkpoint.adopted_rows == 0 {
        let expected = checkpoint.written() + counts.recovered;
        let rows = target.rows().await?;
        ensure!(
            rows == expected,
            "conservation broken: table {:?} should hold {expected} rows but holds {rows}; something else wrote to it. \
             Restore its last version, or start over in another target.table",
            target.name()
        );
    }
    Ok(counts)
}

/// Points that a killed process was retrying: those whose row is in the table are recovered, the others failed.
async fn settle_retries(journal: &journal::Shared, target: &Target) -> anyhow::Result<()> {
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
        let present = match target.table() {
            Some(table) => read::present(table, &ids).await?,
            None => Vec::new(),
        };
        journal
            .run(move |journal| {
                journal.set_state(&present, &[State::Retrying], State::Recovered, None)?;
                journal.set_state(&ids, &[State::Retrying], State::Failed, None)
            })
            .await?;
    }
}
