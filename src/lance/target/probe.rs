//! Whether an address can be written at all, found out before anything is read or paid for. What is written for that is
//! removed again.

use std::path::Path;
use std::sync::Arc;

use anyhow::ensure;
use lance::io::{ObjectStore, ObjectStoreParams};
use lancedb::ObjectStoreRegistry;

/// Makes the directory and writes and removes a file in it.
pub(super) fn try_directory(dir: &Path) -> anyhow::Result<()> {
    ensure!(!dir.is_file(), "it is a file");
    std::fs::create_dir_all(dir)?;
    let probe = dir.join(format!(".qlance-{}", std::process::id()));
    std::fs::write(&probe, b"qlance")?;
    std::fs::remove_file(&probe)?;
    Ok(())
}

/// Writes and removes a small object below the address, as tables will be written.
pub(super) async fn try_store(registry: Arc<ObjectStoreRegistry>, uri: &str) -> anyhow::Result<()> {
    let (store, base) = ObjectStore::from_uri_and_params(registry, uri, &ObjectStoreParams::default()).await?;
    let probe = base.join(format!(".qlance-{}", std::process::id()));
    store.put(&probe, b"qlance").await?;
    store.delete(&probe).await?;
    Ok(())
}
