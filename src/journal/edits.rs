//! Contents that the operator mended by hand: what stood there, what stands there now. A row that was edited differs
//! from its point in Qdrant on purpose, and this is the proof.

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::{Journal, State};
use crate::point::PointId;

/// One edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Edit {
    /// The text before; `None` where there was none.
    pub before: Option<String>,
    /// The text that was embedded and written.
    pub after: String,
    /// Milliseconds since 1970.
    pub at: i64,
}

impl Journal {
    /// Keeps an edit.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn record_edit(&mut self, id: PointId, edit: &Edit) -> anyhow::Result<()> {
        self.db.execute(
            "INSERT INTO edits VALUES (?1, ?2, ?3, ?4)",
            params![&id.sort_key()[..], edit.at, edit.before, edit.after],
        )?;
        Ok(())
    }

    /// The latest edit of a point.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn edit(&self, id: PointId) -> anyhow::Result<Option<Edit>> {
        let sql = "SELECT before, after, at FROM edits WHERE key = ?1 ORDER BY at DESC, rowid DESC LIMIT 1";
        let edit = self.db.query_row(sql, params![&id.sort_key()[..]], |row| {
            Ok(Edit {
                before: row.get(0)?,
                after: row.get(1)?,
                at: row.get(2)?,
            })
        });
        Ok(edit.optional()?)
    }

    /// The latest edit of a point that a retry brought over: what its row says.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn applied_edit(&self, id: PointId) -> anyhow::Result<Option<Edit>> {
        let recovered = self.get(id)?.is_some_and(|(row, _)| row.state == State::Recovered);
        if recovered { self.edit(id) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_edit_is_found() {
        let mut journal = Journal::in_memory().expect("a journal");
        let id = PointId::Num(7);
        assert_eq!(journal.edit(id).expect("read"), None);
        for (at, after) in [(1, "one"), (2, "two")] {
            let edit = Edit {
                before: None,
                after: after.into(),
                at,
            };
            journal.record_edit(id, &edit).expect("kept");
        }
        assert_eq!(
            journal.edit(id).expect("read").map(|edit| edit.after).as_deref(),
            Some("two")
        );
    }
}
