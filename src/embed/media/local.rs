//! Files below the configured root. Links are followed, and what they lead to must lie below the root as well; whatever
//! is no regular file is not opened: reading a pipe could wait for ever.
//!
//! A path is to blame only while the root is the directory that it was, and only for what an error says of paths. A root
//! that is not mounted any more and a disk that gives errors are matters of the moment ([`Trouble::Moment`]). Mounted
//! again it may be another directory to the system: it is the root as soon as something was read below it.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;

use super::again::{Remote, Trouble};
use super::budget::{Budget, Fetched};
use super::message::{refused, said, shown_text, too_many_bytes, unreachable};

/// Opens files below a root.
#[derive(Debug)]
pub(super) struct Local {
    root: Option<Root>,
}

/// The directory, and which one it was when something was read below it last, or when it was opened: where it is
/// mounted no more, another one lies at its place.
#[derive(Debug, Clone)]
struct Root {
    place: PathBuf,
    known: Arc<Mutex<Identity>>,
}

/// Device and inode.
type Identity = (u64, u64);

fn identity(found: &Metadata) -> Identity {
    (found.dev(), found.ino())
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
        let found = root.metadata().with_context(wrong)?;
        anyhow::ensure!(found.is_dir(), wrong());
        Ok(Self {
            root: Some(Root {
                known: Arc::new(Mutex::new(identity(&found))),
                place: root,
            }),
        })
    }

    /// Where the root is, if there is one.
    pub(super) fn root(&self) -> Option<&Path> {
        self.root.as_ref().map(|root| root.place.as_path())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, not below the root, no regular file, or too large; or it cannot be read for now.
    pub(super) async fn fetch(&self, path: &Path, budget: &Budget) -> Result<Fetched, Trouble> {
        let shown = shown_text(&path.to_string_lossy());
        let Some(root) = self.root.clone() else {
            return Err(refused(format!(
                "refused {shown}: no local file is opened; set media.root to the directory of the media"
            ))
            .into());
        };
        let path = path.to_owned();
        let asked = path.clone();
        let name = shown.clone();
        let (file, length) = on_disk(move || open(&root, &path, &name), &shown).await?;
        let what = format!("the file {shown}");
        let share = budget.take(&what, Some(length)).await?;
        let max_bytes = budget.max_bytes();
        let bytes = on_disk(
            move || read(file, length, max_bytes, (asked.as_path(), what.as_str())),
            &shown,
        )
        .await?;
        Ok(Fetched::new(bytes, share))
    }

    /// Whether a file that was read before can still be read; of the root itself, whether it is still there.
    pub(super) async fn answers(&self, witness: &Path) -> bool {
        let Some(root) = self.root.clone() else { return false };
        let witness = witness.to_owned();
        tokio::task::spawn_blocking(move || root.answers(&witness))
            .await
            .unwrap_or(false)
    }
}

impl Root {
    fn known(&self) -> MutexGuard<'_, Identity> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which directory is at its place just now.
    fn now(&self) -> Option<Identity> {
        fs::metadata(&self.place).ok().map(|found| identity(&found))
    }

    /// Something was read below the directory that was there before and is still: that one is the root.
    fn proven(&self, before: Option<Identity>) {
        let Some(before) = before else { return };
        if before != *self.known() && self.now() == Some(before) {
            *self.known() = before;
        }
    }

    /// Whether it is the directory that it was, and can be looked into.
    fn is_there(&self) -> bool {
        let known = *self.known();
        self.now() == Some(known) && fs::read_dir(&self.place).is_ok()
    }

    fn answers(&self, witness: &Path) -> bool {
        let place = self.place.join(witness);
        if place == self.place {
            return self.is_there();
        }
        let before = self.now();
        match first_byte(&place) {
            Ok(_) => {
                self.proven(before);
                true
            }
            // Somebody took it away: that says nothing of the others.
            Err(error) => is_of_path(&error) && self.is_there(),
        }
    }

    /// Whose fault it is that a file cannot be opened.
    fn judge(&self, path: &Path, shown: &str, error: &io::Error) -> Trouble {
        let error_said = said(&error.to_string());
        if is_of_path(error) && self.is_there() {
            return unreachable(format!("cannot open {shown}: {error_said}")).into();
        }
        moment(path, error_said)
    }
}

fn first_byte(place: &Path) -> io::Result<usize> {
    // What was put in its place meanwhile may be something that never gives one.
    if !fs::metadata(place)?.is_file() {
        return Err(io::ErrorKind::NotFound.into());
    }
    File::open(place)?.read(&mut [0; 1])
}

/// Whether an error speaks of a path, not of the disk, the system or the moment.
fn is_of_path(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | NotADirectory | InvalidInput | InvalidFilename)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn moment(path: &Path, message: String) -> Trouble {
    Trouble::Moment {
        at: Box::new(Remote::File(path.to_owned())),
        message,
        pause: None,
    }
}

/// Does what may wait for a disk where that keeps nobody else waiting.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
    shown: &str,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(unreachable(format!("cannot read {shown}: reading was broken off")).into()))
}

/// Opens a regular file below the root, and tells its length.
fn open(root: &Root, path: &Path, shown: &str) -> Result<(File, u64), Trouble> {
    let missing = |error: &io::Error| root.judge(path, shown, error);
    let outside = || Trouble::from(refused(format!("refused {shown}: it lies outside of media.root")));
    let before = root.now();
    let place = match root.place.join(path).canonicalize() {
        Ok(place) => place,
        // Whether something is there is nobody's business who looks outside of the root.
        Err(_) if leads_out(&root.place, path) => return Err(outside()),
        Err(error) => return Err(missing(&error)),
    };
    if !place.starts_with(&root.place) {
        return Err(outside());
    }
    let irregular = || Trouble::from(refused(format!("refused {shown}: it is no regular file")));
    let seen = fs::symlink_metadata(&place).map_err(|error| missing(&error))?;
    if !seen.is_file() {
        return Err(irregular());
    }
    let file = File::open(&place).map_err(|error| missing(&error))?;
    let opened = file.metadata().map_err(|error| missing(&error))?;
    // Something else was put in its place meanwhile.
    if !opened.is_file() || identity(&seen) != identity(&opened) {
        return Err(irregular());
    }
    root.proven(before);
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
fn read(file: File, length: u64, max_bytes: u64, (path, what): (&Path, &str)) -> Result<Vec<u8>, Trouble> {
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(length + 1)
        .read_to_end(&mut bytes)
        // What was opened is there: it is the disk that does not give it.
        .map_err(|error| moment(path, said(&error.to_string())))?;
    match bytes.len() as u64 {
        read if read == length => Ok(bytes),
        read if read > max_bytes => Err(too_many_bytes(what, None, max_bytes).into()),
        _ => Err(unreachable(format!("{what} changed while it was read")).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Cause, Failure};
    use std::os::unix::fs::symlink;
    use tempfile::TempDir;

    /// The failure that a path is to blame for.
    #[track_caller]
    fn blamed(outcome: Result<Fetched, Trouble>) -> Failure {
        match outcome {
            Err(Trouble::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }

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
            let failure = blamed(local.fetch(Path::new(path), &budget).await);
            assert_eq!(failure.cause, cause, "{path}: {}", failure.message);
        }
        let absolute = house.path().join("secret");
        let failure = blamed(local.fetch(&absolute, &budget).await);
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
        let failure = blamed(outcome.expect("at once"));
        assert_eq!(failure.cause, Cause::MediaRefused);
    }

    #[tokio::test]
    async fn a_path_is_to_blame_only_while_the_root_is_what_it_was() {
        let (house, local, budget) = house();
        let root = local.root().expect("a root").to_owned();
        assert!(local.answers(&root).await && local.answers(Path::new("a b.png")).await);
        assert!(local.answers(Path::new("no-such-file")).await, "others are there");
        // As where it is mounted no more: first nothing, then an empty directory lies at its place.
        fs::rename(&root, house.path().join("away")).expect("moved");
        for path in ["a b.png", "no-such-file"] {
            for empty in [false, true] {
                if empty {
                    fs::create_dir(&root).expect("a directory");
                }
                let outcome = local.fetch(Path::new(path), &budget).await;
                assert!(matches!(outcome, Err(Trouble::Moment { .. })), "{path}: {outcome:?}");
                assert!(!local.answers(&root).await && !local.answers(Path::new("a b.png")).await);
                let _ = fs::remove_dir(&root);
            }
        }
        // Who looks outside of it is refused all the same.
        let failure = blamed(local.fetch(Path::new("../secret"), &budget).await);
        assert_eq!(failure.cause, Cause::MediaRefused);
        fs::rename(house.path().join("away"), &root).expect("moved back");
        let failure = blamed(local.fetch(Path::new("no-such-file"), &budget).await);
        assert_eq!(failure.cause, Cause::MediaUnreachable);
    }

    #[tokio::test]
    async fn a_root_that_comes_back_as_another_directory_is_the_root_once_something_is_read_below_it() {
        let (house, local, budget) = house();
        let root = local.root().expect("a root").to_owned();
        let comes_back = |away: &str| {
            fs::rename(&root, house.path().join(away)).expect("moved");
            fs::create_dir(&root).expect("a directory");
            fs::write(root.join("b.png"), b"picture").expect("written");
        };
        comes_back("away");
        // So far it may be what lies there while nothing is mounted.
        let outcome = local.fetch(Path::new("no-such-file"), &budget).await;
        assert!(matches!(outcome, Err(Trouble::Moment { .. })), "{outcome:?}");
        assert!(!local.answers(&root).await);
        let fetched = local.fetch(Path::new("b.png"), &budget).await.expect("a file");
        assert_eq!(*fetched.bytes, *b"picture");
        assert!(local.answers(&root).await);
        let failure = blamed(local.fetch(Path::new("no-such-file"), &budget).await);
        assert_eq!(failure.cause, Cause::MediaUnreachable);
        // A file that was read before proves it as well.
        comes_back("away again");
        assert!(!local.answers(&root).await);
        assert!(local.answers(Path::new("b.png")).await && local.answers(&root).await);
    }

    #[test]
    fn errors_of_paths_are_told_from_those_of_disks() {
        use rustix::io::Errno;
        for (error, of_path) in [
            (Errno::NOENT, true),
            (Errno::NOTDIR, true),
            (Errno::NAMETOOLONG, true),
            (Errno::LOOP, true),
            (Errno::IO, false),
            (Errno::STALE, false),
            (Errno::MFILE, false),
            (Errno::ACCESS, false),
        ] {
            let error = io::Error::from_raw_os_error(error.raw_os_error());
            assert_eq!(is_of_path(&error), of_path, "{error}");
        }
    }

    #[tokio::test]
    async fn without_a_root_no_file_is_opened_and_a_root_must_be_there() {
        let none = Local::new(None, Path::new("/")).expect("none");
        let failure = blamed(none.fetch(Path::new("a.png"), &Budget::new(1, 1)).await);
        assert_eq!(failure.cause, Cause::MediaRefused);
        assert!(failure.message.contains("media.root"), "{}", failure.message);
        let error = Local::new(Some(Path::new("no-such")), Path::new("/")).expect_err("none");
        assert!(error.to_string().contains("media.root"), "{error}");
        let (house, _, _) = house();
        assert!(Local::new(Some(Path::new("secret")), house.path()).is_err(), "a file");
    }
}
