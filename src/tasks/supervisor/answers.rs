//! Questions of the screen that the journal and Qdrant answer.

use crate::journal::{self, Filter};
use crate::point::PointId;
use crate::qdrant::Source;
use crate::tasks::{FailureDetail, TaskEvent};

/// One page of failures.
pub(super) async fn list(
    journal: &journal::Shared,
    filter: Filter,
    offset: u64,
    limit: u64,
) -> anyhow::Result<TaskEvent> {
    journal
        .run(move |journal| {
            Ok(TaskEvent::FailuresListed {
                total: journal.count(&filter)?,
                rows: journal.page(&filter, offset, limit.min(4_000))?,
                filter,
                offset,
            })
        })
        .await
}

/// One failure with its attempts and the payload as it is now.
pub(super) async fn read(journal: &journal::Shared, source: &Source, id: PointId) -> anyhow::Result<TaskEvent> {
    let found = journal.run(move |journal| journal.get(id)).await?;
    let (row, attempts) = found.ok_or_else(|| anyhow::anyhow!("point {id} is not among the failures"))?;
    let payload = match source.get(&[id]).await {
        Ok(points) => match points.into_iter().next() {
            Some(Ok(point)) => Ok(point.payload),
            Some(Err((_, failure))) => Err(failure.message),
            None => Err("the point is no longer in Qdrant".into()),
        },
        Err(error) => Err(error.to_string()),
    };
    Ok(TaskEvent::FailureRead(Box::new(FailureDetail {
        row,
        attempts,
        payload,
    })))
}
