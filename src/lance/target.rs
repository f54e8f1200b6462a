//! The table that a job writes: found or made, and every commit to it. One task owns the [`Target`]; all commits of a
//! job go through it (invariant 10).

mod commits;
mod error;
mod probe;
mod versions;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use lance::dataset::{Dataset, WriteParams};
use lancedb::table::{NewColumnTransform, WriteOptions};
use lancedb::{Connection, ObjectStoreRegistry, Session, Table};

use super::checkpoint::Checkpoint;
use super::schema::{JOB_KEY, SPACE_KEY, TableSchema};
use probe::{try_directory, try_store};

pub use error::TargetError;
pub(super) use versions::{tag_of, tagged};

/// Bytes of index data that Lance may cache. Its default of 6 GiB would break the bound on memory.
const INDEX_CACHE_BYTES: usize = 64 << 20;
/// Bytes of manifests and the like that Lance may cache (default 1 GiB; every commit adds one manifest).
const METADATA_CACHE_BYTES: usize = 4 << 20;

/// Adds the columns that a table lacks, null in every row.
async fn add_missing(table: &Table, fields: Vec<arrow_schema::Field>) -> anyhow::Result<()> {
    let there = table.schema().await?;
    let missing: Vec<_> = fields
        .into_iter()
        .filter(|field| there.field_with_name(field.name()).is_err())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|field| field.name().clone()).collect();
    let nulls = NewColumnTransform::AllNulls(Arc::new(arrow_schema::Schema::new(missing)));
    table
        .add_columns()
        .transform(nulls)
        .execute()
        .await
        .with_context(|| format!("cannot add the columns {} to the table", names.join(", ")))?;
    Ok(())
}

/// A database directory (or object store) and the name of the job's table in it.
pub struct Target {
    db: Connection,
    uri: String,
    name: String,
    /// Whether there is a database at all; one that is only looked at is not made.
    there: bool,
    table: Option<Table>,
}

/// What was found where the table should be.
#[derive(Debug)]
pub struct Opened {
    /// Its columns, where qlance made it.
    pub schema: Result<TableSchema, super::schema::SchemaError>,
    /// The job that made it.
    pub job: Option<String>,
    /// The texts of the spaces of its columns of embeddings.
    pub spaces: BTreeMap<String, String>,
    /// The newest checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// Rows.
    pub rows: u64,
}

/// What another handle has made of the table since this one last looked.
pub struct Overtaken {
    dataset: Dataset,
    /// The newest checkpoint, of whatever job.
    pub checkpoint: Option<Checkpoint>,
    /// Rows.
    pub rows: u64,
}

impl Target {
    /// Opens the database. Where it is to be written, a local directory is made, and both a directory and a store are
    /// tried with a file, before anything is read or paid for; else nothing is made.
    ///
    /// # Errors
    /// [`TargetError::Unwritable`].
    pub async fn connect(uri: &str, name: &str, writable: bool) -> Result<Self, TargetError> {
        let unwritable = |message: String| TargetError::Unwritable {
            uri: uri.into(),
            message,
        };
        let is_local = !uri.contains("://");
        if writable && is_local {
            try_directory(Path::new(uri)).map_err(|error| unwritable(error.to_string()))?;
        }
        let registry = Arc::new(ObjectStoreRegistry::default());
        if writable && !is_local {
            let tried = try_store(Arc::clone(&registry), uri).await;
            tried.map_err(|error| unwritable(format!("{error:#}")))?;
        }
        let session = Arc::new(Session::new(INDEX_CACHE_BYTES, METADATA_CACHE_BYTES, registry));
        // LanceDB makes the directory that it is asked to open.
        let there = writable || !is_local || Path::new(uri).exists();
        let db = lancedb::connect(if there { uri } else { "memory://" })
            .session(session)
            .execute()
            .await
            .map_err(|error| unwritable(error.to_string()))?;
        Ok(Self {
            db,
            uri: uri.into(),
            name: name.into(),
            there,
            table: None,
        })
    }

    /// The database's address.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// The database's directory, where it is a local one.
    pub fn directory(&self) -> Option<&Path> {
        (!self.uri.contains("://")).then(|| Path::new(&self.uri))
    }

    /// The table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The table, once it is open.
    pub fn table(&self) -> Option<&Table> {
        self.table.as_ref()
    }

    /// Opens the table and tells what it is; `None` where there is none yet.
    ///
    /// # Errors
    /// It is there but cannot be read.
    pub async fn open(&mut self) -> anyhow::Result<Option<Opened>> {
        if !self.there {
            return Ok(None);
        }
        let table = match self.db.open_table(&self.name).execute().await {
            Ok(table) => table,
            Err(lancedb::Error::TableNotFound { .. }) => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot open table {:?} in {}", self.name, self.uri));
            }
        };
        table.checkout_latest().await?;
        let arrow = table.schema().await?;
        let dataset = dataset_of(&table).await?;
        let opened = Opened {
            schema: TableSchema::from_arrow(&arrow),
            job: arrow.metadata().get(JOB_KEY).cloned(),
            spaces: arrow
                .fields()
                .iter()
                .filter_map(|field| Some((field.name().clone(), field.metadata().get(SPACE_KEY)?.clone())))
                .collect(),
            checkpoint: Checkpoint::newest(&dataset).await?,
            rows: table.count_rows(None).await? as u64,
        };
        self.table = Some(table);
        Ok(Some(opened))
    }

    /// Makes the table, empty, with the job's name and the spaces of its columns of embeddings in its metadata. The first
    /// commit then finds it; until then nothing was written. A table that is there gets the columns that it lacks.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn create(
        &mut self,
        schema: &TableSchema,
        job: &str,
        spaces: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let fields: Vec<_> = schema
            .arrow()
            .fields()
            .iter()
            .map(|field| {
                let mut metadata = field.metadata().clone();
                if let Some(space) = spaces.get(field.name()) {
                    metadata.insert(SPACE_KEY.into(), space.clone());
                }
                field.as_ref().clone().with_metadata(metadata)
            })
            .collect();
        if let Some(table) = &self.table {
            return add_missing(table, fields).await;
        }
        let metadata = HashMap::from([(JOB_KEY.to_owned(), job.to_owned())]);
        let arrow = arrow_schema::Schema::new_with_metadata(fields, metadata);
        let table = self
            .db
            .create_empty_table(&self.name, Arc::new(arrow))
            .write_options(WriteOptions {
                lance_write_params: schema.keeps_media().then(|| WriteParams {
                    // The first file format that keeps blobs out of line.
                    data_storage_version: Some(lancedb::connection::LanceFileVersion::V2_2),
                    ..WriteParams::default()
                }),
            })
            .execute()
            .await
            .with_context(|| format!("cannot make table {:?} in {}", self.name, self.uri))?;
        self.table = Some(table);
        Ok(())
    }

    /// Looks at the newest version of the table, whoever made it, and answers the newest checkpoint in it. After a commit
    /// whose outcome is not known this is the truth. A table that was made although making it was reported as failed is
    /// found here too.
    ///
    /// # Errors
    /// The table cannot be read, or the checkpoint in it is another job's.
    pub async fn refresh(&mut self, job: &str) -> anyhow::Result<Option<Checkpoint>> {
        if self.table.is_none() {
            let Some(found) = self.open().await? else {
                return Ok(None);
            };
            let theirs = || format!("table {:?} in {} was just made by another job", self.name, self.uri);
            if found.job.as_deref() != Some(job) {
                self.table = None;
                return Err(anyhow::anyhow!(theirs()));
            }
        }
        let newest = self.newest().await?;
        // An adopted table may hold the last word of the job before; this job has then committed nothing yet.
        Ok(newest.filter(|newest| newest.job == job))
    }

    /// The newest version of the table, where that came from another handle than this one. This one stays where it is:
    /// what is wrong with that version is found as often as it is looked for, until somebody goes on to it.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn overtaken(&self) -> anyhow::Result<Option<Overtaken>> {
        let Some(table) = &self.table else { return Ok(None) };
        let dataset = dataset_of(table).await?;
        let latest = dataset.latest_version_id().await?;
        if latest == dataset.version_id() {
            return Ok(None);
        }
        let newest = dataset.checkout_version(latest).await?;
        Ok(Some(Overtaken {
            checkpoint: Checkpoint::newest(&newest).await?,
            rows: newest.count_rows(None).await? as u64,
            dataset: newest,
        }))
    }

    /// Goes on to the version that another handle made.
    ///
    /// # Errors
    /// The table is not open.
    pub fn go_on(&self, to: Overtaken) -> anyhow::Result<()> {
        replace(self.opened()?, to.dataset)
    }

    /// Goes on to the newest version of the table; answers the newest checkpoint in it, of whatever job.
    async fn newest(&self) -> anyhow::Result<Option<Checkpoint>> {
        let table = self.opened()?;
        table.checkout_latest().await?;
        let dataset = dataset_of(table).await?;
        Checkpoint::newest(&dataset).await
    }

    fn opened(&self) -> anyhow::Result<&Table> {
        self.table.as_ref().context("the table is not open")
    }

    /// Rows in the table.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn rows(&self) -> anyhow::Result<u64> {
        match &self.table {
            Some(table) => Ok(table.count_rows(None).await? as u64),
            None => Ok(0),
        }
    }

    /// The table's version; 0 before there is a table.
    ///
    /// # Errors
    /// The table cannot be read.
    pub async fn version(&self) -> anyhow::Result<u64> {
        match &self.table {
            Some(table) => Ok(table.version().await?),
            None => Ok(0),
        }
    }
}

/// Where the table lies, where that is a local directory.
pub fn directory_of(uri: &str, name: &str) -> Option<PathBuf> {
    (!uri.contains("://")).then(|| Path::new(uri).join(format!("{name}.lance")))
}

/// The newest version of a table through a handle of its own. One that is shared with the writer must stay where the
/// writer left it: by that it notices who else has written.
///
/// # Errors
/// The table cannot be read.
pub async fn own_handle(table: &Table) -> anyhow::Result<Table> {
    let own = table.checkout_current().await?;
    own.checkout_latest().await?;
    Ok(own)
}

/// The newest checkpoint in the version that a handle shows, of whatever job.
///
/// # Errors
/// The table cannot be read.
pub async fn checkpoint_in(table: &Table) -> anyhow::Result<Option<Checkpoint>> {
    let dataset = dataset_of(table).await?;
    Checkpoint::newest(&dataset).await
}

/// The lance dataset behind a table handle.
pub(super) async fn dataset_of(table: &Table) -> anyhow::Result<Arc<Dataset>> {
    let wrapper = table
        .dataset()
        .context("the table is not a local or object-store table")?;
    Ok(wrapper.get().await?)
}

fn replace(table: &Table, dataset: Dataset) -> anyhow::Result<()> {
    let wrapper = table
        .dataset()
        .context("the table is not a local or object-store table")?;
    wrapper.update(dataset);
    Ok(())
}
