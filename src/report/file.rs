//! The report's file: written whole or not at all, and never over something that is no report of the same kind.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Format;
use super::html;
use super::markdown;

/// Bytes that tell what a file is.
const BEGINNING: u64 = 256;

/// Why a report cannot be written where it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Something else is there.
    #[error(
        "{} is there already and does not begin like a qlance report in {}; name another file, or move this one away",
        path.display(), kind.label()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was to be written.
        kind: Format,
    },
    /// It cannot be looked into.
    #[error("{} cannot be looked into: {error}; name another file", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
}

/// How every report of a kind begins, blanks left out.
fn mark(kind: Format) -> String {
    let begins = match kind {
        Format::Html => html::beginning(),
        Format::Markdown => markdown::beginning(),
        Format::Json => "{\"schema\":\"qlance-report/".to_owned(),
    };
    // Whatever version wrote it.
    let end = begins
        .find("qlance-report/")
        .map_or(begins.len(), |at| at + "qlance-report/".len());
    begins[..end].split_whitespace().collect()
}

/// Whether a report may be written there: nothing is there yet, or a report of the same kind.
///
/// # Errors
/// Something else is there, or it cannot be looked into.
pub fn may_write(path: &Path, kind: Format) -> Result<(), FileError> {
    let unreadable = |error| FileError::Unreadable {
        path: path.to_owned(),
        error,
    };
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(error)),
        // Of a directory or a device nothing is read: some devices never answer.
        Ok(found) if !found.is_file() => {
            return Err(FileError::Foreign {
                path: path.to_owned(),
                kind,
            });
        }
        Ok(_) => {}
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(BEGINNING).read_to_end(&mut bytes).map_err(unreadable)?;
    let begins: String = String::from_utf8_lossy(&bytes).split_whitespace().collect();
    if begins.starts_with(&mark(kind)) {
        Ok(())
    } else {
        Err(FileError::Foreign {
            path: path.to_owned(),
            kind,
        })
    }
}

/// Writes a report whole: into a file beside it first, which then takes its place. A link stays one.
///
/// # Errors
/// Something else is there, or the directory cannot be written.
pub fn write(path: &Path, kind: Format, text: &str) -> anyhow::Result<()> {
    may_write(path, kind)?;
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = place
        .file_name()
        .with_context(|| format!("{} names no file", path.display()))?;
    let partial = place.with_file_name(format!(".{}.{}.partial", name.to_string_lossy(), std::process::id()));
    let written = fill(&partial, text).and_then(|()| fs::rename(&partial, &place));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written.with_context(|| format!("the report cannot be written to {}; name another file", path.display()))
}

fn fill(partial: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .open(partial)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::full;

    #[test]
    fn a_report_takes_the_place_of_a_report_of_its_kind_only() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("report");
        for kind in Format::ALL {
            let text = full(false).render(kind).expect("rendered");
            fs::write(&path, &text).expect("written");
            for wanted in Format::ALL {
                assert_eq!(may_write(&path, wanted).is_ok(), wanted == kind, "{kind:?} {wanted:?}");
            }
            write(&path, kind, &text).expect("replaced");
            assert_eq!(fs::read_to_string(&path).expect("read"), text);
            fs::remove_file(&path).expect("removed");
        }
        let left = fs::read_dir(directory.path()).expect("listed").count();
        assert_eq!(left, 0, "no partial file is left");
    }

    #[test]
    fn what_is_no_report_stays_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("notes.md");
        for foreign in [
            "",
            "my notes",
            "<!DOCTYPE html><title>x</title>",
            "{\"schema\": \"other/1\"}",
            "<!--qlance-->",
        ] {
            fs::write(&path, foreign).expect("written");
            for kind in Format::ALL {
                let error = write(&path, kind, "a report").expect_err("refused").to_string();
                assert!(
                    error.contains("notes.md") && error.contains("name another file"),
                    "{error}"
                );
            }
            assert_eq!(fs::read_to_string(&path).expect("read"), foreign);
        }
        let error = may_write(directory.path(), Format::Html)
            .expect_err("a directory")
            .to_string();
        assert!(error.contains("name another file"), "{error}");
        let nowhere = directory.path().join("none/report.html");
        let error = write(&nowhere, Format::Html, "x")
            .expect_err("no directory")
            .to_string();
        assert!(error.contains("report.html"), "{error}");
    }

    #[test]
    fn a_report_of_another_version_is_one() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("old.json");
        fs::write(&path, "{\n  \"schema\" : \"qlance-report/9\" }").expect("written");
        assert!(may_write(&path, Format::Json).is_ok());
        fs::write(&path, "<!doctype html>").expect("written");
        assert!(may_write(&path, Format::Json).is_err());
    }
}
