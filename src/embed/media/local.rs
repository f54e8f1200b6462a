//! Files below the configured root. Links are followed, and what they lead to must lie below the root as well; whatever
//! is no regular file is not opened: reading a pipe could wait for ever.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::budget::{Budget, Fetched};
use super::message::{refused, said, shown_text, too_many_bytes, unreachable};
use crate::point::Failure;

/// Opens files below a root.
#[derive(Debug)]
pub(super) struct Local {
    root: Option<PathBuf>,
}

impl Local {
    /// Takes the root, relative to `base_dir`. Without one no file is opened.
    ///
    /// # Errors
    /// There is no such directory.
    pub(super) fn new(root: Option<&Path>, base_dir: &Path) -> anyhow::Result<Self> {
        let Some(root) = root else {
            return Ok(Self { root: None });
        };
        let place = base_dir.join(root);
        let wrong = || format!("media.root: {} is no directory that can be read", place.display());
        let root = place.canonicalize().with_context(wrong)?;
        anyhow::ensure!(root.is_dir(), wrong());
        Ok(Self { root: Some(root) })
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, not below the root, no regular file, or too large.
    pub(super) async fn fetch(&self, path: &Path, budget: &Budget) -> Result<Fetched, Failure> {
        let shown = shown_text(&path.to_string_lossy());
        let Some(root) = self.root.clone() else {
            return Err(refused(format!(
                "refused {shown}: no local file is opened; set media.root to the directory of the media"
            )));
        };
        let path = path.to_owned();
        let name = shown.clone();
        let (file, length) = on_disk(move || open(&root, &path, &name), &shown).await?;
        let what = format!("the file {shown}");
        let share = budget.take(&what, Some(length)).await?;
        let max_bytes = budget.max_bytes();
        let bytes = on_disk(move || read(file, length, max_bytes, &what), &shown).await?;
        Ok(Fetched::new(bytes, share))
    }
}

/// Does what may wait for a disk where that keeps nobody else waiting.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    shown: &str,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(unreachable(format!("cannot read {shown}: reading was broken off"))))
}

/// Opens a regular file below the root, and tells its length.
fn open(root: &Path, path: &Path, shown: &str) -> Result<(File, u64), Failure> {
    let missing = |error: &io::Error| unreachable(format!("cannot open {shown}: {}", said(&error.to_string())));
    let outside = || refused(format!("refused {shown}: it lies outside of media.root"));
    let place = match root.join(path).canonicalize() {
        Ok(place) => place,
        // Whether something is there is nobody's business who looks outside of the root.
        Err(_) if leads_out(root, path) => return Err(outside()),
        Err(error) => return Err(missing(&error)),
    };
    if !place.starts_with(root) {
        return Err(outside());
    }
    let irregular = || refused(format!("refused {shown}: it is no regular file"));
    let seen = fs::symlink_metadata(&place).map_err(|error| missing(&error))?;
    if !seen.is_file() {
        return Err(irregular());
    }
    let file = File::open(&place).map_err(|error| missing(&error))?;
    let opened = file.metadata().map_err(|error| missing(&error))?;
    // Something else was put in its place meanwhile.
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    if !opened.is_file() || !same(&seen, &opened) {
        return Err(irregular());
    }
    Ok((file, opened.len()))
}

/// Whether a path that cannot be followed would lead out of the root, as far as that can be told by its words.
fn leads_out(root: &Path, path: &Path) -> bool {
    use std::path::Component;
    let mut depth = 0_i64;
    let relative = path.strip_prefix(root).unwrap_or(path);
    relative.components().any(|component| {
        match component {
            Component::Normal(_) => depth += 1,
            Component::ParentDir => depth -= 1,
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return true,
        }
        depth < 0
    })
}

/// Reads a file to its end, which must be where it was when its share of memory was taken.
fn read(file: File, length: u64, max_bytes: u64, what: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(length + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreachable(format!("cannot read {what}: {}", said(&error.to_string()))))?;
    match bytes.len() as u64 {
        read if read == length => Ok(bytes),
        read if read > max_bytes => Err(too_many_bytes(what, None, max_bytes)),
        _ => Err(unreachable(format!("{what} changed while it was read"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Cause;
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// A root with a file, beside something that is nobody's business.
    fn house() -> (TempDir, Local, Budget) {
        let house = tempfile::tempdir().expect("a directory");
        let root = house.path().join("media");
        fs::create_dir_all(root.join("deep")).expect("a directory");
        fs::write(root.join("a b.png"), b"picture").expect("written");
        fs::write(root.join("empty"), b"").expect("written");
        fs::write(root.join("large"), vec![0; (1 << 20) + 1]).expect("written");
        fs::write(house.path().join("secret"), b"secret").expect("written");
        fs::create_dir(house.path().join("media-too")).expect("a directory");
        fs::write(house.path().join("media-too/a"), b"secret").expect("written");
        symlink(house.path().join("secret"), root.join("out")).expect("a link");
        symlink(house.path(), root.join("up")).expect("a link");
        symlink("../a b.png", root.join("deep/in")).expect("a link");
        symlink("round", root.join("round")).expect("a link");
        let local = Local::new(Some(Path::new("media")), house.path()).expect("a root");
        (house, local, Budget::new(1, 1))
    }

    #[tokio::test]
    async fn files_below_the_root_are_read() {
        let (house, local, budget) = house();
        let absolute = house.path().join("media/a b.png");
        for path in [
            Path::new("a b.png"),
            Path::new("deep/../a b.png"),
            Path::new("deep/in"),
            absolute.as_path(),
        ] {
            let fetched = local.fetch(path, &budget).await.expect("a file");
            assert_eq!(*fetched.bytes, *b"picture", "{}", path.display());
        }
        let empty = local.fetch(Path::new("empty"), &budget).await.expect("a file");
        assert!(empty.bytes.is_empty(), "what is in it is judged elsewhere");
    }

    #[tokio::test]
    async fn nothing_outside_of_the_root_is_read_and_nothing_that_is_no_file() {
        let (house, local, budget) = house();
        for (path, cause) in [
            ("/etc/passwd", Cause::MediaRefused),
            ("/etc/no-such-file", Cause::MediaRefused),
            ("../secret", Cause::MediaRefused),
            ("../no-such-file", Cause::MediaRefused),
            ("deep/../../secret", Cause::MediaRefused),
            ("../media-too/a", Cause::MediaRefused),
            ("out", Cause::MediaRefused),
            ("up/secret", Cause::MediaRefused),
            ("deep", Cause::MediaRefused),
            (".", Cause::MediaRefused),
            ("", Cause::MediaRefused),
            ("no-such-file", Cause::MediaUnreachable),
            ("a b.png/x", Cause::MediaUnreachable),
            ("round", Cause::MediaUnreachable),
            ("large", Cause::MediaTooLarge),
        ] {
            let failure = local.fetch(Path::new(path), &budget).await.expect_err(path);
            assert_eq!(failure.cause, cause, "{path}: {}", failure.message);
        }
        let absolute = house.path().join("secret");
        let failure = local.fetch(&absolute, &budget).await.expect_err("outside");
        assert_eq!(failure.cause, Cause::MediaRefused);
        assert_eq!(budget.free_kib(), 1_024, "every share came back");
    }

    #[tokio::test]
    async fn a_pipe_is_refused_and_not_waited_for() {
        let (house, local, budget) = house();
        let pipe = house.path().join("media/pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo");
        let fetch = local.fetch(Path::new("pipe"), &budget);
        let outcome = tokio::time::timeout(std::time::Duration::from_secs(5), fetch).await;
        let failure = outcome.expect("at once").expect_err("a pipe");
        assert_eq!(failure.cause, Cause::MediaRefused);
    }

    #[tokio::test]
    async fn without_a_root_no_file_is_opened_and_a_root_must_be_there() {
        let none = Local::new(None, Path::new("/")).expect("none");
        let failure = none
            .fetch(Path::new("a.png"), &Budget::new(1, 1))
            .await
            .expect_err("none");
        assert_eq!(failure.cause, Cause::MediaRefused);
        assert!(failure.message.contains("media.root"), "{}", failure.message);
        let error = Local::new(Some(Path::new("no-such")), Path::new("/")).expect_err("none");
        assert!(error.to_string().contains("media.root"), "{error}");
        let (house, _, _) = house();
        assert!(Local::new(Some(Path::new("secret")), house.path()).is_err(), "a file");
    }
}
