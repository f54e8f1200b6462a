//! `failed_migrations.json`: the open failures as a list of objects, written page by page.

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use crate::journal::{FailureRow, Filter, Journal, Shared, State};
use crate::point::{Cause, PointId};

/// The file's name where none is given.
pub const FILE: &str = "failed_migrations.json";
/// Failures that are read at once.
const PAGE: u64 = 500;

#[derive(Serialize)]
struct Entry<'a> {
    id: PointId,
    error: &'a str,
    // The agreed name in the file; everywhere else it is the cause.
    class: Cause,
    attempts: u32,
    state: State,
}

/// Writes all open failures; the file appears whole or not at all. Returns how many there are.
///
/// # Errors
/// The journal cannot be read or the file cannot be written.
pub fn export(journal: &Journal, path: &Path) -> anyhow::Result<u64> {
    write(path, |after| journal.rows_after(&Filter::default(), after, PAGE))
}

/// The same from a journal that others use meanwhile: they need not wait for more than a page of it. What changes
/// behind a point that is written already is not in the file.
///
/// # Errors
/// The journal cannot be read or the file cannot be written.
pub async fn export_shared(journal: Shared, path: PathBuf) -> anyhow::Result<u64> {
    let page =
        move |after: Option<PointId>| journal.run_here(|journal| journal.rows_after(&Filter::default(), after, PAGE));
    tokio::task::spawn_blocking(move || write(&path, page)).await?
}

/// Writes page by page, each of them the failures after a point.
fn write(path: &Path, mut page: impl FnMut(Option<PointId>) -> anyhow::Result<Vec<FailureRow>>) -> anyhow::Result<u64> {
    let partial = path.with_extension("json.partial");
    let mut write = || -> anyhow::Result<u64> {
        let mut file = BufWriter::new(std::fs::File::create(&partial)?);
        let (mut count, mut after) = (0, None);
        write!(file, "[")?;
        loop {
            let rows = page(after)?;
            let Some(last) = rows.last() else { break };
            after = Some(last.id);
            for row in &rows {
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

    #[test]
    fn what_is_brought_over_meanwhile_moves_no_other_out_of_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        let mut journal = Journal::in_memory().expect("a journal");
        let failures: Vec<_> = (0..1_203)
            .map(|n| (PointId::Num(n), Failure::new(Cause::Rejected, "no")))
            .collect();
        journal.record(&failures, 1).expect("recorded");
        let mut asked = Vec::new();
        let count = write(&path, |after| {
            asked.push(after);
            let rows = journal.rows_after(&Filter::default(), after, PAGE)?;
            // Behind every page, somebody else has the journal.
            let first: Vec<PointId> = rows.iter().take(9).map(|row| row.id).collect();
            journal.set_state(&first, &[State::Failed], State::Recovered, None)?;
            Ok(rows)
        });
        assert_eq!(count.expect("written"), 1_203);
        assert_eq!(
            asked,
            [None, Some(499), Some(999), Some(1_202)].map(|last| last.map(PointId::Num))
        );
        let list: Vec<serde_json::Value> =
            serde_json::from_str(&std::fs::read_to_string(&path).expect("read")).expect("JSON");
        let ids: Vec<u64> = list.iter().filter_map(|entry| entry["id"].as_u64()).collect();
        assert_eq!(ids, (0..1_203).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_journal_that_is_shared_is_written_just_so() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(FILE);
        let mut journal = Journal::in_memory().expect("a journal");
        let failures: Vec<_> = (0..501)
            .map(|n| (PointId::Num(n), Failure::new(Cause::Rejected, "no")))
            .collect();
        journal.record(&failures, 1).expect("recorded");
        let count = export_shared(Shared::new(journal), path.clone()).await;
        assert_eq!(count.expect("written"), 501);
        assert!(path.exists());
    }
}
