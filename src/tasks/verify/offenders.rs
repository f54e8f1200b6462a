//! The points that checks find fault with: all are counted, the first are shown, and every one of them goes to a file in
//! the state directory as it is found, so that nothing grows with their number.
//!
//! The file takes the place of the last verification's when this one has come to its end. Until then it has a name of its
//! own process: whoever only looks holds no lock.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::CheckId;
use crate::point::PointId;

/// The file in the job's state directory: one point and one check a line.
pub const FILE: &str = "offenders.jsonl";
/// Offenders of a check that are shown; all are counted, and all are in the file.
pub(super) const MOST_SHOWN: usize = 100;

/// One point that a check finds fault with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offender {
    /// The point.
    pub id: PointId,
    /// What is wrong with it, without its contents.
    pub what: String,
}

/// The points that a check finds fault with: all counted, the first shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offenders {
    /// How many there are.
    pub total: u64,
    /// The first 100.
    pub shown: Vec<Offender>,
    /// Where all of them go while the check goes on.
    #[serde(skip)]
    written: Written,
}

impl Offenders {
    /// Takes one in.
    pub fn add(&mut self, id: PointId, what: impl FnOnce() -> String) {
        self.total += 1;
        let shows = self.shown.len() < MOST_SHOWN;
        if !shows && self.written.0.is_none() {
            return;
        }
        let what = what();
        if let Some((check, lines)) = &self.written.0 {
            locked(lines).write(*check, id, &what);
        }
        if shows {
            self.shown.push(Offender { id, what });
        }
    }

    /// The check has come to its end: no more is written.
    pub(super) fn close(&mut self) {
        self.written = Written::default();
    }
}

/// The file and whose offenders are written to it. Says nothing about what was found.
#[derive(Clone, Default)]
struct Written(Option<(CheckId, Arc<Mutex<Lines>>)>);

impl PartialEq for Written {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Written {}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "written" } else { "not written" })
    }
}

/// One line of the file.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub(super) check: CheckId,
    pub(super) id: PointId,
    pub(super) what: &'a str,
}

impl Line<'_> {
    /// Writes it with its end.
    pub(super) fn write_to(&self, file: &mut impl std::io::Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut *file, self)?;
        file.write_all(b"\n")
    }
}

/// The lines so far.
struct Lines {
    file: BufWriter<File>,
    /// Why there will be no file.
    failed: Option<std::io::Error>,
}

impl Lines {
    fn write(&mut self, check: CheckId, id: PointId, what: &str) {
        if self.failed.is_none() {
            self.failed = Line { check, id, what }.write_to(&mut self.file).err();
        }
    }

    fn end(&mut self) -> std::io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.file.flush()?;
        self.file.get_ref().sync_all()
    }
}

fn locked(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    // Half a line at most: whoever reads them counts them.
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file of one verification. Dropped before it is kept, it is gone: that verification was not.
pub(super) struct Book {
    open: Option<Open>,
}

struct Open {
    lines: Arc<Mutex<Lines>>,
    partial: PathBuf,
    path: PathBuf,
}

impl Drop for Open {
    fn drop(&mut self) {
        // Where it was kept, it has another name by now.
        let _ = std::fs::remove_file(&self.partial);
    }
}

impl Book {
    /// Begins a file in the state directory. Where that cannot be written, the first offenders are all there will be.
    pub(super) fn begin(directory: &Path) -> Self {
        let partial = directory.join(format!("{FILE}.{}", std::process::id()));
        let open = match File::create(&partial) {
            Ok(file) => Some(Open {
                lines: Arc::new(Mutex::new(Lines {
                    file: BufWriter::new(file),
                    failed: None,
                })),
                partial,
                path: directory.join(FILE),
            }),
            Err(error) => {
                tracing::warn!("offenders cannot be written to {}: {error}", partial.display());
                None
            }
        };
        Self { open }
    }

    /// The offenders of a check that begins.
    pub(super) fn of(&self, check: CheckId) -> Offenders {
        let written = self.open.as_ref().map(|open| (check, Arc::clone(&open.lines)));
        Offenders {
            written: Written(written),
            ..Offenders::default()
        }
    }

    /// Puts the file in the place of the last verification's; a reader sees the one or the other, never half.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn keep(&self) -> anyhow::Result<()> {
        let Some(open) = &self.open else { return Ok(()) };
        let said = || format!("the offenders cannot be kept in {}", open.path.display());
        locked(&open.lines).end().with_context(said)?;
        std::fs::rename(&open.partial, &open.path).with_context(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).expect("a directory");
        entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn all_are_written_and_few_are_kept_in_memory() {
        let directory = tempfile::tempdir().expect("a directory");
        let book = Book::begin(directory.path());
        let mut offenders = book.of(CheckId::Ids);
        for n in 0..1_000 {
            offenders.add(PointId::Num(n), || "no row in LanceDB".to_owned());
        }
        assert_eq!((offenders.total, offenders.shown.len()), (1_000, MOST_SHOWN));
        assert!(!directory.path().join(FILE).exists(), "it is not at its end");
        offenders.close();
        book.keep().expect("kept");
        drop(book);
        assert_eq!(names(directory.path()), [FILE]);
        let text = std::fs::read_to_string(directory.path().join(FILE)).expect("the file");
        assert_eq!(text.lines().count(), 1_000);
        let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        assert_eq!(
            last,
            serde_json::json!({"check": "ids", "id": 999, "what": "no row in LanceDB"})
        );
    }

    #[test]
    fn a_verification_that_did_not_come_to_its_end_leaves_nothing_and_takes_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(FILE), "the last one's\n").expect("written");
        let book = Book::begin(directory.path());
        book.of(CheckId::Ids).add(PointId::Num(1), || "missing".to_owned());
        drop(book);
        assert_eq!(names(directory.path()), [FILE]);
        let text = std::fs::read_to_string(directory.path().join(FILE)).expect("the file");
        assert_eq!(text, "the last one's\n");
    }

    #[test]
    fn a_directory_that_cannot_be_written_stops_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let book = Book::begin(&directory.path().join("nowhere"));
        let mut offenders = book.of(CheckId::Ids);
        offenders.add(PointId::Num(1), || "missing".to_owned());
        assert_eq!((offenders.total, offenders.shown.len()), (1, 1));
        book.keep().expect("nothing to keep");
    }
}
