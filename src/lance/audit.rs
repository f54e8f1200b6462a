//! One version of a table, held fast while it is verified: whole scans, rows by their place, what the indexes cover, how
//! the files are. Reads only; nothing here holds more than the batch or the list that was asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use lance::dataset::Dataset;
use lance::dataset::cleanup::CleanupPolicy;
use lance::dataset::scanner::Scanner;
use lance::index::DatasetIndexExt as _;
use lancedb::Table;
use serde::Serialize;

use super::browse::ids_of;
use super::checkpoint::Checkpoint;
use super::decode::DecodeError;
use super::target::{dataset_of, tag_of, tagged};
use crate::point::{ParseIdError, PointId};

/// Bytes of files that a scan reads ahead. Lance's own default for a local directory is 256 MiB.
const SCAN_BUFFER_BYTES: u64 = 32 << 20;
/// Batches that a scan decodes ahead. Lance's own default is a multiple of the cores.
const READAHEAD: usize = 2;
/// Bytes of one batch of a scan, about, however many rows were asked for.
const BATCH_BYTES: u64 = 16 << 20;
/// Rows of one batch, where nothing else is asked for.
const BATCH_ROWS: usize = 1_024;
/// Ids of one batch, where nothing else is read.
const ID_BATCH: usize = 8_192;
/// Rows below which a file is small: reading many of them costs more than reading one.
const SMALL_FRAGMENT: usize = 1_024;
/// Leftover files that are named; all are counted.
const MOST_NAMED: usize = 20;

const UNREADABLE: &str = "the table cannot be read";

/// Whether an error says that the table cannot be read, as opposed to Qdrant, the journal or the embedder.
pub fn is_of_table(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.is::<lance::Error>()
            || cause.is::<lancedb::Error>()
            || cause.is::<DecodeError>()
            || cause.is::<ParseIdError>()
    })
}

/// One version of a table. Cloning is cheap.
#[derive(Clone)]
pub struct Pinned {
    dataset: Arc<Dataset>,
}

/// What an index covers of a column's values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Whether there is an index at all.
    pub indexed: bool,
    /// Rows with a value in the column.
    pub rows: u64,
    /// Those of them that the index does not cover.
    pub unindexed: u64,
}

/// A table's versions, rows and files in figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// The version that was looked at.
    pub version: u64,
    /// Versions that are kept.
    pub versions: u64,
    /// Rows.
    pub rows: u64,
    /// Rows that are deleted and still take room in a file.
    pub deleted_rows: u64,
    /// Groups of files with rows of their own.
    pub fragments: u64,
    /// Those of them with fewer than 1,024 rows.
    pub small_fragments: u64,
    /// Bytes of this version's data files.
    pub data_bytes: u64,
}

/// Files in the table's directory that no version names: left by commits that never came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Leftovers {
    /// Files of rows, deletions, indexes and transactions.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The first of them.
    pub named: Vec<String>,
}

impl Pinned {
    /// The version that a handle has just now.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn of(table: &Table) -> anyhow::Result<Self> {
        Ok(Self {
            dataset: dataset_of(table).await?,
        })
    }

    /// The version that the table had before a job's first commit, where that is tagged and still there.
    ///
    /// # Errors
    /// The tags cannot be read.
    pub async fn before(&self, table: &Table, job: &str) -> anyhow::Result<Option<Self>> {
        let Some(version) = tagged(table, &tag_of(job)).await? else {
            return Ok(None);
        };
        let dataset = self.dataset.checkout_version(version).await.ok();
        Ok(dataset.map(|dataset| Self {
            dataset: Arc::new(dataset),
        }))
    }

    /// Its number.
    pub fn version(&self) -> u64 {
        self.dataset.version_id()
    }

    /// The newest version there is by now.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn newest_version(&self) -> anyhow::Result<u64> {
        self.dataset.latest_version_id().await.context(UNREADABLE)
    }

    /// Rows.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rows(&self) -> anyhow::Result<u64> {
        let rows = self.dataset.count_rows(None).await.context(UNREADABLE)?;
        Ok(rows as u64)
    }

    /// The checkpoint of the newest commit of a migration.
    ///
    /// # Errors
    /// The table's transactions cannot be read.
    pub async fn checkpoint(&self) -> anyhow::Result<Option<Checkpoint>> {
        Checkpoint::newest(&self.dataset).await
    }

    /// Those of the columns that the table has: it gets new ones with the next commit.
    fn there<'a>(&self, columns: &[&'a str]) -> Vec<&'a str> {
        let schema = self.dataset.schema();
        let columns = columns.iter().copied();
        columns.filter(|column| schema.field(column).is_some()).collect()
    }

    /// All rows in the order in which they lie, only the named columns, as far as the table has them, in batches of at
    /// most so many rows and about 16 MiB.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn scan(
        &self,
        columns: &[&str],
        batch_rows: usize,
    ) -> anyhow::Result<impl Stream<Item = anyhow::Result<RecordBatch>> + use<>> {
        let mut scanner = self.dataset.scan();
        bounded(&mut scanner)
            .project(&self.there(columns))?
            .batch_size(batch_rows)
            .batch_size_bytes(BATCH_BYTES);
        let stream = scanner.try_into_stream().await.context(UNREADABLE)?;
        Ok(stream.map(|batch| batch.context(UNREADABLE)))
    }

    /// The ids of all rows in the order in which they lie, batch by batch.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn ids(&self) -> anyhow::Result<impl Stream<Item = anyhow::Result<Vec<PointId>>> + use<>> {
        let batches = self.scan(&["id"], ID_BATCH).await?;
        Ok(batches.map(|batch| ids_of(&batch?)))
    }

    /// Rows by their places, counted from 0 over the rows that are there, in ascending order; only the named columns,
    /// as far as the table has them.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn take(&self, places: &[u64], columns: &[&str]) -> anyhow::Result<RecordBatch> {
        let projection = self.dataset.schema().project(&self.there(columns))?;
        self.dataset.take(places, projection).await.context(UNREADABLE)
    }

    /// How many rows meet an SQL condition.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn count_where(&self, sql: &str) -> anyhow::Result<u64> {
        let mut scanner = self.dataset.scan();
        bounded(&mut scanner).filter(sql)?.project::<String>(&[])?.with_row_id();
        scanner.count_rows().await.context(UNREADABLE)
    }

    /// The ids of rows that meet an SQL condition, at most so many.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn ids_where(&self, sql: &str, most: usize) -> anyhow::Result<Vec<PointId>> {
        let mut scanner = self.dataset.scan();
        bounded(&mut scanner)
            .project(&["id"])?
            .filter(sql)?
            .limit(Some(i64::try_from(most)?), None)?;
        let mut stream = scanner.try_into_stream().await.context(UNREADABLE)?;
        let mut found = Vec::new();
        while let Some(batch) = stream.try_next().await.context(UNREADABLE)? {
            found.extend(ids_of(&batch)?);
        }
        Ok(found)
    }

    /// What the index of a column covers. Counted by the files that it covers: what lance says of its own rows takes in
    /// those that were deleted since.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn coverage(&self, column: &str) -> anyhow::Result<Coverage> {
        let has_value = format!("{column} IS NOT NULL");
        let rows = self.count_where(&has_value).await?;
        let field = self.dataset.schema().field(column);
        let field = field.with_context(|| format!("the table has no column {column:?}"))?.id;
        let indices = self.dataset.load_indices().await.context(UNREADABLE)?;
        let own = || indices.iter().filter(|index| index.fields.first() == Some(&field));
        if own().next().is_none() {
            return Ok(Coverage {
                indexed: false,
                rows,
                unindexed: rows,
            });
        }
        let covered = |fragment: u64| {
            own().any(|index| {
                let bitmap = index.fragment_bitmap.as_ref();
                bitmap.is_some_and(|bitmap| bitmap.contains(fragment as u32))
            })
        };
        let fragments = self.dataset.fragments().iter();
        let left: Vec<_> = fragments.filter(|fragment| !covered(fragment.id)).cloned().collect();
        let mut unindexed = 0;
        if !left.is_empty() {
            let mut scanner = self.dataset.scan();
            bounded(&mut scanner)
                .with_fragments(left)
                .filter(&has_value)?
                .project::<String>(&[])?
                .with_row_id();
            unindexed = scanner.count_rows().await.context(UNREADABLE)?;
        }
        Ok(Coverage {
            indexed: true,
            rows,
            unindexed,
        })
    }

    /// Versions, rows and files in figures.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn figures(&self) -> anyhow::Result<Figures> {
        let fragments = self.dataset.fragments();
        let small = fragments
            .iter()
            .filter(|fragment| fragment.num_rows().is_some_and(|rows| rows < SMALL_FRAGMENT));
        Ok(Figures {
            version: self.version(),
            versions: self.dataset.count_versions().await.context(UNREADABLE)?,
            rows: self.rows().await?,
            deleted_rows: self.dataset.count_deleted_rows().await.context(UNREADABLE)? as u64,
            fragments: fragments.len() as u64,
            small_fragments: small.count() as u64,
            data_bytes: self.dataset.manifest().summary().total_files_size,
        })
    }

    /// What Lance itself finds wrong with the version: its fragments, row ids and indexes are gone through. Nothing where
    /// it is sound.
    pub async fn unsound(&self) -> Option<String> {
        self.dataset.validate().await.err().map(|error| error.to_string())
    }

    /// Files in the table's directory that no version names. Lance is asked what it would clean away if it were to keep
    /// every version; nothing is. `None` where the table lies in an object store.
    ///
    /// # Errors
    /// The directory or one of the versions cannot be read.
    pub async fn leftovers(&self) -> anyhow::Result<Option<Leftovers>> {
        if self.directory().is_none() {
            return Ok(None);
        }
        let policy = CleanupPolicy {
            // None is older: all versions stay, and only what none of them names is left.
            before_version: Some(0),
            delete_unverified: true,
            error_if_tagged_old_versions: false,
            ..CleanupPolicy::default()
        };
        let found = self
            .dataset
            .cleanup(policy)
            .with_max_candidate_files(MOST_NAMED)
            .explain()
            .await
            .context("the table's files cannot be gone through")?;
        let stats = &found.stats;
        Ok(Some(Leftovers {
            files: stats.data_files_removed
                + stats.transaction_files_removed
                + stats.index_files_removed
                + stats.deletion_files_removed,
            bytes: stats.bytes_removed,
            named: found.candidate_files.into_iter().map(|file| file.path).collect(),
        }))
    }

    /// Data files that this version names and that are not there, or have another size; at most 20. `None` where the table
    /// lies in an object store.
    ///
    /// # Errors
    /// A task panicked.
    pub async fn missing_files(&self) -> anyhow::Result<Option<Vec<String>>> {
        let Some(directory) = self.directory() else {
            return Ok(None);
        };
        let dataset = Arc::clone(&self.dataset);
        let looked = tokio::task::spawn_blocking(move || {
            let files = dataset.fragments().iter().flat_map(|fragment| &fragment.files);
            // Those of another base lie elsewhere.
            let own = files.filter(|file| file.base_id.is_none());
            let wrong = own.filter_map(|file| {
                let size = file.file_size_bytes.get().map(u64::from);
                wrong_file(&directory.join("data").join(&file.path), size)
            });
            wrong.take(MOST_NAMED).collect()
        });
        Ok(Some(looked.await?))
    }

    /// The table's directory, where it is a local one.
    fn directory(&self) -> Option<PathBuf> {
        let uri = self.dataset.uri();
        let path = uri.strip_prefix("file://").unwrap_or(uri);
        (!path.contains("://")).then(|| PathBuf::from(path))
    }
}

/// A scan that holds little at once: a table may have any size.
fn bounded(scanner: &mut Scanner) -> &mut Scanner {
    scanner
        .batch_size(BATCH_ROWS)
        .io_buffer_size(SCAN_BUFFER_BYTES)
        .batch_readahead(READAHEAD)
        .fragment_readahead(1)
}

/// What is wrong with a file that should be there, of this size where that is known.
fn wrong_file(path: &Path, size: Option<u64>) -> Option<String> {
    match (std::fs::metadata(path), size) {
        (Err(error), _) => Some(format!("{}: {error}", path.display())),
        (Ok(found), Some(size)) if found.len() != size => Some(format!(
            "{}: {} bytes, not the {size} that were written",
            path.display(),
            found.len()
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_looked_for_and_measured() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.lance");
        assert!(wrong_file(&path, None).is_some_and(|said| said.contains("a.lance")));
        std::fs::write(&path, b"12345").expect("written");
        assert_eq!(wrong_file(&path, None), None);
        assert_eq!(wrong_file(&path, Some(5)), None);
        let said = wrong_file(&path, Some(6)).expect("another size");
        assert!(said.ends_with("5 bytes, not the 6 that were written"), "{said}");
    }

    #[test]
    fn errors_of_the_table_are_told_from_others() {
        let table = anyhow::Error::new("x".parse::<PointId>().expect_err("no id")).context("an id in the table");
        assert!(is_of_table(&table));
        assert!(!is_of_table(&anyhow::anyhow!("Qdrant does not answer")));
    }
}
