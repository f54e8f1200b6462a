//! `failed_migrations.json`: the open failures as a list of objects, written page by page.

use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::journal::{Filter, Journal, Sort, State};
use crate::point::{Cause, PointId};

/// The file's name where none is given.
pub const FILE: &str = "failed_migrations.json";

#[derive(Serialize)]
struct Entry<'a> {
    id: PointId,
    error: &'a str,
    class: Cause,
    attempts: u32,
    state: State,
}

/// Writes all open failures; the file appears whole or not at all. Returns how many there are.
///
/// # Errors
/// The journal cannot be read or the file cannot be written.
pub fn export(journal: &Journal, path: &Path) -> anyhow::Result<u64> {
    let partial = path.with_extension("json.partial");
    let write = || -> anyhow::Result<u64> {
        let mut file = BufWriter::new(std::fs::File::create(&partial)?);
        let mut count = 0;
        write!(file, "[")?;
        loop {
            let page = journal.page(&Filter::default(), Sort::default(), count, 500)?;
            if page.is_empty() {
                break;
            }
            for row in page {
                write!(file, "{}\n  ", if count == 0 { "" } else { "," })?;
                let entry = Entry {
                    id: row.id,
                    error: &row.error,
                    class: row.cause,
                    attempts: row.attempts,
                    state: row.state,
                };
                serde_json::to_writer(&mut file, &entry)?;
                count += 1;
            }
        }
        writeln!(file, "{}]", if count == 0 { "" } else { "\n" })?;
        file.into_inner()
            .map_err(std::io::IntoInnerError::into_error)?
            .sync_all()?;
        std::fs::rename(&partial, path)?;
        Ok(count)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Failure;

    #[test]
    fn the_file_is_a_list_of_every_open_failure() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        let mut journal = Journal::in_memory().expect("a journal");
        assert_eq!(export(&journal, &path).expect("written"), 0);
        let empty: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("read")).expect("JSON");
        assert!(empty.is_empty());
        let failures: Vec<_> = (0..1_203)
            .map(|n| (PointId::Num(n), Failure::new(Cause::Rejected, "a \"quoted\"\nline")))
            .collect();
        journal.record(&failures, 1).expect("recorded");
        assert_eq!(export(&journal, &path).expect("written"), 1_203);
        let list: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("read")).expect("JSON");
        assert_eq!(list.len(), 1_203);
        assert_eq!(list[7]["id"], 7);
        assert_eq!(list[7]["class"], "rejected");
        assert_eq!(list[7]["attempts"], 1);
        assert_eq!(list[7]["error"], "a \"quoted\"\nline");
    }
}
