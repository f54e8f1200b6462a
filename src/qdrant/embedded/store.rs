//! The collections of an embedded Qdrant: one shard each, opened once, closed when the store is dropped.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::Context as _;
use qdrant_edge::{EdgeConfig, EdgeShard, OperationError};
use tonic::Status;

/// Updates between flushes: only a flush shortens the write-ahead log.
const UPDATES_A_FLUSH: u64 = 64;

/// One collection.
pub(super) struct Collection {
    /// There until the collection is dropped.
    shard: Option<EdgeShard>,
    dir: PathBuf,
    /// Updates since the last flush. Held over both: the engine's flush panics where an update holds its log.
    updating: Mutex<u64>,
}

/// All collections of a directory.
pub(super) struct Store {
    dir: PathBuf,
    collections: RwLock<BTreeMap<String, Arc<Collection>>>,
}

impl Store {
    /// Opens every collection in `dir`.
    pub(super) fn open(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let mut collections = BTreeMap::new();
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            if path.join("edge_config.json").exists() {
                let shard = EdgeShard::load(&path, None)
                    .with_context(|| format!("collection {name:?}; does another process hold the directory?"))?;
                collections.insert(name, Collection::of(shard, path));
            }
        }
        Ok(Self {
            dir: dir.to_owned(),
            collections: RwLock::new(collections),
        })
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.collections
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }

    pub(super) fn get(&self, name: &str) -> Result<Arc<Collection>, Status> {
        self.collections
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned()
            .ok_or_else(|| Status::not_found(format!("Not found: Collection `{name}` doesn't exist!")))
    }

    pub(super) fn create(&self, name: &str, config: EdgeConfig) -> Result<(), Status> {
        let plain = !name.is_empty()
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        if !plain {
            return Err(Status::invalid_argument(format!(
                "{name:?} cannot name a collection here"
            )));
        }
        let mut collections = self.collections.write().unwrap_or_else(PoisonError::into_inner);
        if collections.contains_key(name) {
            return Err(Status::already_exists(format!(
                "Wrong input: Collection `{name}` already exists!"
            )));
        }
        let dir = self.dir.join(name);
        std::fs::create_dir_all(&dir).map_err(|error| Status::internal(error.to_string()))?;
        let shard = EdgeShard::new(&dir, config).map_err(status)?;
        collections.insert(name.to_owned(), Collection::of(shard, dir));
        Ok(())
    }

    pub(super) fn delete(&self, name: &str) -> Result<bool, Status> {
        let mut collections = self.collections.write().unwrap_or_else(PoisonError::into_inner);
        if collections.remove(name).is_none() {
            return Ok(false);
        }
        std::fs::remove_dir_all(self.dir.join(name)).map_err(|error| Status::internal(error.to_string()))?;
        Ok(true)
    }

    /// Writes everything down.
    pub(super) fn flush(&self) -> anyhow::Result<()> {
        let collections = self.collections.read().unwrap_or_else(PoisonError::into_inner);
        for collection in collections.values() {
            let _updating = collection.updating.lock().unwrap_or_else(PoisonError::into_inner);
            collection.shard().flush();
        }
        Ok(())
    }
}

impl Collection {
    fn of(shard: EdgeShard, dir: PathBuf) -> Arc<Self> {
        Arc::new(Self {
            shard: Some(shard),
            dir,
            updating: Mutex::new(0),
        })
    }

    /// The engine.
    pub(super) fn shard(&self) -> &EdgeShard {
        match &self.shard {
            Some(shard) => shard,
            None => unreachable!("it is taken out only when the collection is dropped"),
        }
    }

    /// Carries an update out, and flushes now and then.
    pub(super) fn update(&self, operation: qdrant_edge::UpdateOperation) -> Result<(), Status> {
        let mut updates = self.updating.lock().unwrap_or_else(PoisonError::into_inner);
        self.shard().update(operation).map_err(status)?;
        *updates += 1;
        if updates.is_multiple_of(UPDATES_A_FLUSH) {
            self.shard().flush();
        }
        Ok(())
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        let shard = self.shard.take();
        // The engine flushes when it is dropped, and panics where its directory is gone: a deleted collection, the
        // end of a test. There is nothing left to save then.
        if !self.dir.exists() {
            std::mem::forget(shard);
            return;
        }
        // Where it cannot flush it panics too; two collections that did so at once would take the process with them.
        let dropped = std::panic::catch_unwind(AssertUnwindSafe(move || drop(shard)));
        if dropped.is_err() {
            tracing::error!(dir = %self.dir.display(), "the last updates of a collection could not be written down");
        }
    }
}

/// What a server answers for an error of the engine.
pub(super) fn status(error: OperationError) -> Status {
    let message = error.to_string();
    match error {
        OperationError::PointIdError { .. } => Status::not_found(message),
        OperationError::ServiceError { .. } | OperationError::InconsistentStorage { .. } => Status::internal(message),
        OperationError::OutOfMemory { .. } => Status::resource_exhausted(message),
        _ => Status::invalid_argument(message),
    }
}
