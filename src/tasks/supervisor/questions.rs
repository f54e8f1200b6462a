//! Questions of the screen, each answered in a task of its own: a slow store keeps nobody else waiting.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::state::guarded;
use crate::journal::{self, Filter, Sort};
use crate::tasks::inspect::Inspector;
use crate::tasks::{Owned, TaskCommand, TaskEvent};

/// Answers a question, or says why it cannot be answered. Anything else is no question.
///
/// `leaving` cuts the answer off: who has left wants none, and the channel must close.
pub(super) fn answer(
    inspector: Inspector,
    question: TaskCommand,
    events: mpsc::Sender<TaskEvent>,
    leaving: CancellationToken,
) {
    let Some(of) = asked_by(&question) else { return };
    tokio::spawn(async move {
        let found = tokio::select! {
            found = guarded(find(&inspector, question)) => found,
            () = leaving.cancelled() => return,
        };
        let event = match found {
            Ok(Ok(event)) => event,
            Ok(Err(error)) => TaskEvent::Unanswered {
                of,
                error: format!("{error:#}"),
            },
            Err(panic) => TaskEvent::Unanswered {
                of,
                error: panic.to_string(),
            },
        };
        let _ = events.send(event).await;
    });
}

fn asked_by(question: &TaskCommand) -> Option<Owned> {
    Some(match question {
        TaskCommand::ListFailures { .. } => Owned::Failures,
        TaskCommand::ReadFailure(id) => Owned::Failure(*id),
        TaskCommand::ListDivergent { band, .. } => Owned::Divergent(*band),
        TaskCommand::Inspect(id) => Owned::Inspection(*id),
        TaskCommand::SamplePairs(of) => Owned::Pairs(of.clone()),
        TaskCommand::ReadPair(id) => Owned::Pair(*id),
        TaskCommand::MeasureAgreement => Owned::Agreement,
        TaskCommand::Search(wanted) => Owned::Search(wanted.clone()),
        _ => return None,
    })
}

async fn find(inspector: &Inspector, question: TaskCommand) -> anyhow::Result<TaskEvent> {
    match question {
        TaskCommand::ListFailures {
            filter,
            sort,
            offset,
            limit,
        } => list(&inspector.journal, filter, sort, offset, limit).await,
        TaskCommand::ReadFailure(id) => Ok(TaskEvent::FailureRead(Box::new(inspector.failure(id).await?))),
        TaskCommand::ListDivergent { band, anchor, limit } => inspector.divergent(band, anchor, limit).await,
        TaskCommand::Inspect(id) => Ok(TaskEvent::Inspected(Box::new(inspector.inspect(id).await?))),
        TaskCommand::SamplePairs(of) => {
            let pairs = inspector.pairs(of.clone()).await?;
            Ok(TaskEvent::PairsSampled(of, pairs))
        }
        TaskCommand::ReadPair(id) => Ok(TaskEvent::PairRead(Box::new(inspector.pair(id).await?))),
        TaskCommand::MeasureAgreement => Ok(TaskEvent::AgreementMeasured(inspector.agreement().await?)),
        TaskCommand::Search(wanted) => {
            let found = inspector.search(&wanted).await?;
            Ok(TaskEvent::Searched(wanted, Box::new(found)))
        }
        other => anyhow::bail!("{other:?} is no question"),
    }
}

/// One page of failures.
async fn list(
    journal: &journal::Shared,
    filter: Filter,
    sort: Sort,
    offset: u64,
    limit: u64,
) -> anyhow::Result<TaskEvent> {
    journal
        .run(move |journal| {
            let listed = journal.list(&filter, sort, offset, limit.min(4_000))?;
            Ok(TaskEvent::FailuresListed {
                filter,
                sort,
                offset,
                total: listed.total,
                retryable: listed.retryable,
                rows: listed.rows,
            })
        })
        .await
}
