//! Contents that the operator mended by hand: what stood there, what stands there now. A row that was edited differs
//! from its point in Qdrant on purpose, and this is the proof.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;

use super::Journal;
use crate::point::{Payload, PointId};

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

impl Edit {
    /// Whether a payload still says under this key what was mended. What Qdrant was mended to itself is newer than the
    /// edit.
    pub fn holds(&self, payload: &Payload, content: &str) -> bool {
        payload.get(content).and_then(|value| value.as_str()) == self.before.as_deref()
    }
}

impl Journal {
    /// Takes a failed point for a retry with a text written by hand: claimed and kept in one transaction, so that a row
    /// which differs from its point on purpose never lacks its proof. Answers whether it was failed.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn claim_edited(&mut self, id: PointId, edit: &Edit) -> anyhow::Result<bool> {
        let transaction = self.db.transaction()?;
        let claimed = claim(&transaction, id)?;
        if claimed {
            transaction.execute(
                "INSERT INTO edits (key, at, before, after, state) VALUES (?1, ?2, ?3, ?4, 'open')",
                params![&id.sort_key()[..], edit.at, edit.before, edit.after],
            )?;
        }
        transaction.commit()?;
        Ok(claimed)
    }

    /// The texts that were written by hand for these points before and are in no row yet. Of each point, which a retry
    /// must hold, it is told what text Qdrant has in the place of its content now: an edit is taken up as long as that is
    /// what was mended. It is open then: the row that is written next is said to have it.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn take_up_edits(&mut self, points: &[(PointId, Option<String>)]) -> anyhow::Result<BTreeMap<PointId, String>> {
        let mut taken = BTreeMap::new();
        let transaction = self.db.transaction()?;
        for (id, now) in points {
            let sql =
                "SELECT rowid, before, after, state FROM edits WHERE key = ?1 ORDER BY at DESC, rowid DESC LIMIT 1";
            let latest = transaction.query_row(sql, params![&id.sort_key()[..]], |row| {
                let (rowid, before): (i64, Option<String>) = (row.get(0)?, row.get(1)?);
                let (after, state): (String, String) = (row.get(2)?, row.get(3)?);
                Ok((rowid, before, after, state))
            });
            let Some((rowid, before, after, state)) = latest.optional()? else {
                continue;
            };
            if state != "applied" && before == *now {
                transaction.execute("UPDATE edits SET state = 'open' WHERE rowid = ?1", params![rowid])?;
                taken.insert(*id, after);
            }
        }
        transaction.commit()?;
        Ok(taken)
    }

    /// The latest edit of a point, whatever became of it.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn edit(&self, id: PointId) -> anyhow::Result<Option<Edit>> {
        self.latest(id, "")
    }

    /// The edit that a point's row in the table says, where it was brought over with one.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn applied_edit(&self, id: PointId) -> anyhow::Result<Option<Edit>> {
        self.latest(id, "AND state = 'applied'")
    }

    /// The latest edit of a point, where no row of the table has it: what was written by hand and did not come over.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn unapplied_edit(&self, id: PointId) -> anyhow::Result<Option<Edit>> {
        let applied = self.applied_edit(id)?;
        Ok(self.edit(id)?.filter(|edit| applied.as_ref() != Some(edit)))
    }

    fn latest(&self, id: PointId, which: &str) -> anyhow::Result<Option<Edit>> {
        let sql =
            format!("SELECT before, after, at FROM edits WHERE key = ?1 {which} ORDER BY at DESC, rowid DESC LIMIT 1");
        let edit = self.db.query_row(&sql, params![&id.sort_key()[..]], |row| {
            Ok(Edit {
                before: row.get(0)?,
                after: row.get(1)?,
                at: row.get(2)?,
            })
        });
        Ok(edit.optional()?)
    }
}

/// Marks a failed point as being retried. An edit that an earlier retry left open was not written: it is dropped, until
/// this one takes it up.
pub(super) fn claim(transaction: &Transaction<'_>, id: PointId) -> rusqlite::Result<bool> {
    let key = id.sort_key();
    let sql = "UPDATE failures SET state = 'retrying', reason = NULL WHERE key = ?1 AND state = 'failed'";
    let claimed = transaction.execute(sql, params![&key[..]])? == 1;
    if claimed {
        close(transaction, id, "dropped")?;
    }
    Ok(claimed)
}

/// Says what became of the edit that a retry was made with.
pub(super) fn close(transaction: &Transaction<'_>, id: PointId, state: &str) -> rusqlite::Result<()> {
    let sql = "UPDATE edits SET state = ?2 WHERE key = ?1 AND state = 'open'";
    transaction.execute(sql, params![&id.sort_key()[..], state])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::State;
    use crate::point::{Cause, Failure};

    const ID: PointId = PointId::Num(7);

    fn failed() -> Journal {
        let mut journal = Journal::in_memory().expect("a journal");
        journal
            .record(&[(ID, Failure::new(Cause::NoContent, "empty"))], 1)
            .expect("recorded");
        journal
    }

    fn edit(after: &str, at: i64) -> Edit {
        Edit {
            before: None,
            after: after.into(),
            at,
        }
    }

    fn applied(journal: &Journal) -> Option<String> {
        journal.applied_edit(ID).expect("read").map(|edit| edit.after)
    }

    #[test]
    fn only_the_edit_that_was_written_is_what_the_row_says() {
        let mut journal = failed();
        assert!(journal.claim_edited(ID, &edit("one", 1)).expect("claimed"));
        journal
            .record_again(&[(ID, Failure::new(Cause::Rejected, "no"))], 2)
            .expect("failed again");
        assert_eq!(
            journal.edit(ID).expect("read").map(|edit| edit.after).as_deref(),
            Some("one")
        );
        assert_eq!(applied(&journal), None);
        let unapplied = |journal: &Journal| journal.unapplied_edit(ID).expect("read").map(|edit| edit.after);
        assert_eq!(unapplied(&journal).as_deref(), Some("one"), "it can be taken up again");
        assert_eq!(journal.claim(&[ID]).expect("claimed"), [ID]);
        journal.recover(&[ID]).expect("recovered");
        assert_eq!(applied(&journal), None, "the plain retry wrote the point's own content");

        let mut journal = failed();
        assert!(journal.claim_edited(ID, &edit("two", 3)).expect("claimed"));
        assert!(!journal.claim_edited(ID, &edit("three", 4)).expect("held already"));
        journal.recover(&[ID]).expect("recovered");
        assert_eq!(applied(&journal).as_deref(), Some("two"));
        assert_eq!(unapplied(&journal), None);
    }

    #[test]
    fn an_edit_is_taken_up_by_every_retry_until_a_row_has_it() {
        let mut journal = failed();
        let take_up = |journal: &mut Journal, now: Option<&str>| {
            let mut taken = journal
                .take_up_edits(&[(ID, now.map(str::to_owned))])
                .expect("taken up");
            taken.remove(&ID)
        };
        let fail_again = |journal: &mut Journal, at| {
            let failure = Failure::new(Cause::Rejected, "no");
            assert_eq!(journal.record_again(&[(ID, failure)], at).expect("recorded"), 1);
        };
        assert!(journal.claim_edited(ID, &edit("one", 1)).expect("claimed"));
        fail_again(&mut journal, 2);
        for at in 3..6 {
            assert_eq!(journal.claim(&[ID]).expect("claimed"), [ID]);
            assert_eq!(take_up(&mut journal, None).as_deref(), Some("one"));
            assert_eq!(applied(&journal), None);
            fail_again(&mut journal, at);
        }
        // Qdrant itself says another text now: that one is tried, and the row does not say the edit.
        let mut changed = failed();
        changed.claim_edited(ID, &edit("one", 1)).expect("claimed");
        fail_again(&mut changed, 2);
        changed.claim(&[ID]).expect("claimed");
        assert_eq!(take_up(&mut changed, Some("Qdrant says so")), None);
        changed.recover(&[ID]).expect("recovered");
        assert_eq!(applied(&changed), None);

        journal.claim(&[ID]).expect("claimed");
        take_up(&mut journal, None);
        journal.recover(&[ID]).expect("recovered");
        assert_eq!(applied(&journal).as_deref(), Some("one"));
        assert_eq!(take_up(&mut journal, None), None, "its row has it");
        let nobody = journal.take_up_edits(&[(PointId::Num(8), None)]).expect("taken up");
        assert!(nobody.is_empty(), "{nobody:?}");
    }

    #[test]
    fn an_edit_holds_as_long_as_qdrant_says_what_was_mended() {
        let of = |before: Option<&str>| Edit {
            before: before.map(str::to_owned),
            ..edit("mended", 1)
        };
        let payload = |content: serde_json::Value| Payload::from_iter([("content".to_owned(), content)]);
        for (before, payload, holds) in [
            (None, Payload::new(), true),
            (None, payload(7.into()), true),
            (None, payload("new".into()), false),
            (Some("old"), payload("old".into()), true),
            (Some("old"), payload("new".into()), false),
            (Some("old"), Payload::new(), false),
        ] {
            assert_eq!(of(before).holds(&payload, "content"), holds, "{before:?} {payload:?}");
        }
    }

    #[test]
    fn an_edit_whose_retry_was_cut_off_is_dropped_by_the_next_one() {
        let mut journal = failed();
        journal.claim_edited(ID, &edit("one", 1)).expect("claimed");
        journal
            .set_state(&[ID], &[State::Retrying], State::Failed, None)
            .expect("settled");
        journal.claim(&[ID]).expect("claimed");
        journal.recover(&[ID]).expect("recovered");
        assert_eq!(applied(&journal), None);
    }
}
