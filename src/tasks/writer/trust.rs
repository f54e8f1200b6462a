//! Whether the writer may write: it has not broken down, nobody else has written to the table, and the rows are as many as it
//! has counted. What breaks an invariant breaks it down, until a reset finds table, checkpoint and journal in agreement.

use std::sync::atomic::Ordering;

use super::{Group, Parts, Pending, Task};
use crate::lance::{Checkpoint, Target};
use crate::point::grouped;
use crate::tasks::invariant::{Fault, conserved};
use crate::tasks::reconcile;

impl Task {
    pub(super) fn sound(&self) -> anyhow::Result<()> {
        match &self.broken {
            None => Ok(()),
            Some(fault) => Err(fault.clone().into()),
        }
    }

    /// No commit is tried any more until the run was reset.
    pub(super) fn break_down(&mut self, fault: Fault) {
        self.broken = Some(fault.clone());
        self.trouble.send_replace(Some(fault));
    }

    /// Table, checkpoint and journal tell the same story again.
    pub(super) fn write_again(&mut self) {
        self.broken = None;
        self.trouble.send_replace(None);
    }

    /// What breaks an invariant breaks the writer down: noticed once and gone on with, somebody else's rows would be
    /// taken for its own.
    pub(super) fn or_break_down<T>(&mut self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        let fault = result.as_ref().err().map(Fault::of);
        if let Some(fault) = fault.filter(|fault| fault.invariant.is_some() && self.broken.is_none()) {
            tracing::error!(%fault, "nothing more is written");
            self.break_down(fault);
        }
        result
    }

    /// Makes sure that nobody else has written to the table since this writer did, but for what leaves its rows as they
    /// are (an index, a compaction). Lance itself would put a commit on top of whatever is there.
    pub(super) async fn alone(&mut self) -> anyhow::Result<()> {
        self.leave_no_doubt().await?;
        let Parts { target, checkpoint, .. } = &self.parts;
        let Some(newer) = target.overtaken().await? else {
            let found = target.rows().await?;
            return self.rows_agree(found, "before");
        };
        // Before the first commit of a job that takes a table over, the last word is another's.
        let unheard = newer.checkpoint.as_ref().filter(|newest| *newest != checkpoint);
        let unheard = unheard.filter(|newest| newest.job == checkpoint.job || checkpoint.read() > 0);
        conserved(unheard.is_none(), || {
            written_by_another(target, unheard.map_or("", |newest| newest.job.as_str()))
        })?;
        self.rows_agree(newer.rows, "before")?;
        target.go_on(newer)
    }

    /// Whether so many rows are what this writer has counted, `when` (before or after) it commits.
    pub(super) fn rows_agree(&self, found: u64, when: &str) -> anyhow::Result<()> {
        conserved(found == self.rows_in_table, || {
            format!(
                "the table has {} rows {when} this commit, not {}; something else wrote to it. `qlance verify` says what \
                 differs and `qlance verify --repair` mends it",
                grouped(found),
                grouped(self.rows_in_table)
            )
        })?;
        Ok(())
    }

    /// Until one succeeds after one that did not, nothing is written: the cursor may not be the table's.
    pub(super) async fn reset(&mut self, retrying: bool) -> anyhow::Result<Checkpoint> {
        let result = self.begin_anew(retrying).await;
        if let Err(error) = &result {
            self.break_down(Fault::of(error));
        }
        result
    }

    async fn begin_anew(&mut self, retrying: bool) -> anyhow::Result<Checkpoint> {
        self.run.fetch_add(1, Ordering::AcqRel);
        self.group = Group::default();
        self.pending
            .iter_mut()
            .for_each(|pending| *pending = Pending::default());
        self.parts.meters.write.empty_queue();
        let Parts {
            target,
            journal,
            checkpoint,
            ..
        } = &mut self.parts;
        // A commit that was reported as failed may have been made all the same (its answer was lost): appending it
        // again would double its rows.
        if let Some(newest) = target.refresh(&checkpoint.job).await? {
            *checkpoint = newest;
        }
        self.published.send_replace(target.table().cloned());
        reconcile::forget_unsettled(journal, checkpoint).await?;
        if !retrying {
            reconcile::settle_retries(journal, target, checkpoint).await?;
            self.in_doubt = false;
        }
        // A retry whose commit is in doubt may have brought rows that the journal does not know yet.
        if !self.in_doubt {
            let counts = journal.run(|journal| journal.counts()).await?;
            reconcile::add_up(target, checkpoint, counts).await?;
        }
        self.rows_in_table = target.rows().await?;
        self.recount(Vec::new()).await?;
        // Only now: while something is wrong, no commit may be tried.
        self.write_again();
        Ok(self.parts.checkpoint.clone())
    }
}

pub(super) fn written_by_another(target: &Target, job: &str) -> String {
    format!(
        "table {:?} was written by another process of job {job} since; only one may write to it: stop the other, then \
         start again",
        target.name()
    )
}
