//! The version that a table had before a job's first commit: named by a tag, so that it is never cleaned away, and gone
//! back to. No rows are written here.

use anyhow::Context as _;
use lancedb::Table;

use super::{Target, dataset_of};
use crate::lance::checkpoint::Checkpoint;

/// The tag of the version before a job's first commit.
pub(in crate::lance) fn tag_of(job: &str) -> String {
    format!("qlance-before-{job}")
}

impl Target {
    /// Names the version that the table has before the job's first commit, unless that was done before. Where another job
    /// has written since, the job begins anew: what that wrote is never undone with it.
    ///
    /// # Errors
    /// The tag cannot be read or written.
    pub async fn tag_before(&self, job: &str) -> anyhow::Result<()> {
        let table = self.opened()?;
        let name = tag_of(job);
        let version = table.version().await?;
        let Some(before) = tagged(table, &name).await? else {
            return tag(table, &name, version).await;
        };
        let dataset = dataset_of(table).await?;
        let newest = Checkpoint::newest(&dataset).await?;
        let theirs = newest.as_ref().is_some_and(|newest| newest.job != job);
        if theirs && newest != Checkpoint::newest(&dataset.checkout_version(before).await?).await? {
            let mut tags = table.tags().await?;
            tags.update(&name, version)
                .await
                .with_context(|| format!("cannot tag version {version} as {name:?}"))?;
        }
        Ok(())
    }

    /// The version that the table had before the job's first commit.
    ///
    /// # Errors
    /// The tags cannot be read.
    pub async fn version_before(&self, job: &str) -> anyhow::Result<Option<u64>> {
        tagged(self.opened()?, &tag_of(job)).await
    }

    /// Takes the tag of [`Self::tag_before`] away.
    ///
    /// # Errors
    /// The tags cannot be written.
    pub async fn forget_version_before(&self, job: &str) -> anyhow::Result<()> {
        let mut tags = self.opened()?.tags().await?;
        tags.delete(&tag_of(job)).await.context("the tag cannot be taken away")
    }

    /// Takes the table back to an older version, as a new one: what came after stays readable in the versions between.
    ///
    /// # Errors
    /// There is no such version, or the commit failed.
    pub async fn restore(&mut self, version: u64) -> anyhow::Result<()> {
        let table = self.opened()?;
        table
            .checkout(version)
            .await
            .with_context(|| format!("version {version} cannot be opened"))?;
        let restored = table.restore().await.context("the commit failed");
        table.checkout_latest().await?;
        restored
    }
}

/// Names the table's version, so that it can be found again and is never cleaned away.
async fn tag(table: &Table, name: &str, version: u64) -> anyhow::Result<()> {
    let mut tags = table.tags().await?;
    tags.create(name, version)
        .await
        .with_context(|| format!("cannot tag version {version} as {name:?}"))
}

/// The version that a tag names.
pub(in crate::lance) async fn tagged(table: &Table, name: &str) -> anyhow::Result<Option<u64>> {
    let tags = table.tags().await?;
    let found = tags.list().await?.remove(name);
    Ok(found.map(|contents| contents.version))
}
