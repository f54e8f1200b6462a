//! What a directory takes on the disk: the lengths of all files in it. Looks, and changes nothing.

use std::path::{Path, PathBuf};

use lancedb::Table;

use super::Comparer;
use super::result::DiskBytes;

/// Directories that are gone through at most: an end, whatever the directory turns out to be.
const MOST_DIRECTORIES: usize = 100_000;

/// Both stores, as far as they can be seen from here.
pub(super) async fn measure(comparer: &Comparer, table: &Table) -> anyhow::Result<DiskBytes> {
    let config = &comparer.inspector.config;
    let lancedb = local(&table.uri().await?);
    let qdrant = config.embedded_dir().map(|dir| dir.join(&config.source.collection));
    let measured = tokio::task::spawn_blocking(move || DiskBytes {
        lancedb: lancedb.and_then(|path| bytes_of(&path)),
        qdrant: qdrant.and_then(|path| bytes_of(&path)),
    });
    Ok(measured.await?)
}

/// The directory of an address, where it is a local one.
fn local(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://").unwrap_or(uri);
    (!path.contains("://")).then(|| PathBuf::from(path))
}

/// The lengths of all files below a directory, links not followed; `None` where it cannot be gone through whole. A file
/// that goes away meanwhile takes no room.
fn bytes_of(directory: &Path) -> Option<u64> {
    let mut bytes = 0;
    let mut left = vec![directory.to_owned()];
    let mut seen = 0;
    while let Some(directory) = left.pop() {
        seen += 1;
        if seen > MOST_DIRECTORIES {
            return None;
        }
        for entry in std::fs::read_dir(&directory).ok()? {
            let entry = entry.ok()?;
            match entry.metadata() {
                Ok(found) if found.is_dir() => left.push(entry.path()),
                Ok(found) if found.is_file() => bytes += found.len(),
                _ => {}
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_are_counted_and_what_is_not_there_is_not_known() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        assert_eq!(bytes_of(path), Some(0));
        std::fs::create_dir_all(path.join("a/b")).expect("made");
        std::fs::write(path.join("one"), [0; 10]).expect("written");
        std::fs::write(path.join("a/b/two"), [0; 300]).expect("written");
        // A link to itself would have no end.
        std::os::unix::fs::symlink(path, path.join("a/link")).expect("linked");
        assert_eq!(bytes_of(path), Some(310));
        assert_eq!(bytes_of(&path.join("nowhere")), None);
    }

    #[test]
    fn only_what_is_here_can_be_measured() {
        assert_eq!(local("/data/x.lance"), Some(PathBuf::from("/data/x.lance")));
        assert_eq!(local("file:///data/x.lance"), Some(PathBuf::from("/data/x.lance")));
        assert_eq!(local("s3://bucket/x.lance"), None);
    }
}
