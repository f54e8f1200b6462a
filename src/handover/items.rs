//! The checklist, as a pure function of the facts: each item done, open or unknown, with the command that closes it.
//!
//! Nothing is done that was not seen to be: what qlance cannot know (whether somebody still writes to Qdrant, how long
//! it is kept) stays unknown however often it is asked.

use serde::Serialize;

use super::address::for_shell;
use super::code::python_literal;
use super::facts::{Compared, Facts, Indexed, Kept, Verified};
use crate::point::counted;
use crate::point::verdict::Decision;

/// How an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Seen to be done.
    Done,
    /// Seen not to be.
    Open,
    /// Cannot be seen from here.
    Unknown,
}

impl State {
    /// The mark in a list.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Done => "[x]",
            Self::Open => "[ ]",
            Self::Unknown => "[?]",
        }
    }
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its word.
    pub id: &'static str,
    /// How it stands.
    pub state: State,
    /// What was seen, or why nothing could be.
    pub text: String,
    /// What closes it; none where it is done, or where no command can.
    pub command: Option<String>,
}

/// Reasons of a verification that are named; the rest is counted.
const MOST_REASONS: usize = 3;
/// Days that a version has to be old before it is cleaned up: until then a reader may still have it open.
const OLD_DAYS: i64 = 7;

/// All items in the order in which they are worked off.
pub fn items(facts: &Facts) -> Vec<Item> {
    vec![
        complete(facts),
        failures(facts),
        indexed(facts),
        writers(facts),
        caught_up(facts),
        verified(facts),
        compared(facts),
        old_store(facts),
        versions(facts),
    ]
}

fn done(id: &'static str, text: impl Into<String>) -> Item {
    Item {
        id,
        state: State::Done,
        text: text.into(),
        command: None,
    }
}

fn open(id: &'static str, text: impl Into<String>, command: String) -> Item {
    Item {
        id,
        state: State::Open,
        text: text.into(),
        command: Some(command),
    }
}

fn unknown(id: &'static str, text: impl Into<String>, command: Option<String>) -> Item {
    Item {
        id,
        state: State::Unknown,
        text: text.into(),
        command,
    }
}

impl Facts {
    fn command(&self, rest: &str) -> String {
        format!("{} {rest}", self.qlance)
    }

    /// How long ago a moment was, in words.
    fn ago(&self, at: i64) -> String {
        let minutes = self.now.saturating_sub(at).max(0) / 60_000;
        match minutes {
            0 => "just now".to_owned(),
            1..120 => format!("{minutes} min ago"),
            120..2_880 => format!("{} h ago", minutes / 60),
            _ => format!("{} days ago", minutes / 1_440),
        }
    }
}

fn complete(facts: &Facts) -> Item {
    const ID: &str = "complete";
    let Facts {
        ranges_done, ranges, ..
    } = *facts;
    if facts.version.is_none() {
        return open(ID, "nothing was moved yet: there is no table", facts.command("run"));
    }
    if ranges_done < ranges {
        let text = format!("the migration has not come to its end: {ranges_done} of {ranges} id ranges are read");
        return open(ID, text, facts.command("run"));
    }
    done(
        ID,
        format!("every point was read; {} rows are in the table", facts.rows),
    )
}

fn failures(facts: &Facts) -> Item {
    const ID: &str = "failures";
    let failed = facts.failed.saturating_sub(facts.failed_gone);
    match (failed, facts.skipped) {
        (0, 0) if facts.version.is_none() => unknown(ID, "no point was read yet", Some(facts.command("run"))),
        (0, 0) if facts.failed > 0 => done(ID, "every point that failed is gone from Qdrant"),
        (0, 0) => done(ID, "no point failed"),
        (0, skipped) => done(
            ID,
            format!(
                "every failure is decided; {} given up, with a reason",
                counted(skipped, "point was", "points were")
            ),
        ),
        (failed, _) => open(
            ID,
            format!(
                "{} failed and nobody has decided about {1}: retry, edit or skip {1}",
                counted(failed, "point", "points"),
                if failed == 1 { "it" } else { "them" }
            ),
            facts.command("failures list"),
        ),
    }
}

fn indexed(facts: &Facts) -> Item {
    const ID: &str = "indexed";
    let indexes = match &facts.indexes {
        Ok(indexes) if facts.version.is_some() => indexes,
        Ok(_) => return open(ID, "there is no table yet", facts.command("run")),
        Err(why) => return unknown(ID, format!("the indexes cannot be looked at: {why}"), None),
    };
    let wrong: Vec<String> = indexes.iter().filter_map(wrong_with).collect();
    if wrong.is_empty() {
        let names: Vec<String> = indexes.iter().map(right_with).collect();
        return done(ID, names.join("; "));
    }
    let text = wrong.join("; ");
    if facts.builds_indexes {
        return open(ID, text, facts.command("run"));
    }
    let text = format!("{text} (pipeline.index = false: set it to true, and `run` builds them)");
    open(ID, text, facts.command("run"))
}

fn wrong_with(index: &Indexed) -> Option<String> {
    match index {
        Indexed {
            there: true,
            uncovered,
            name,
            ..
        } if *uncovered > 0 => Some(format!(
            "the {name} does not cover {}",
            counted(*uncovered, "row", "rows")
        )),
        Indexed {
            there: false,
            needless: false,
            name,
            ..
        } => Some(format!("there is no {name}")),
        _ => None,
    }
}

fn right_with(index: &Indexed) -> String {
    if index.there {
        format!("{} covers all rows", index.name)
    } else {
        format!("no {} is needed for so few rows", index.name)
    }
}

fn writers(facts: &Facts) -> Item {
    unknown(
        "writers",
        format!(
            "qlance cannot see who writes to collection {:?}: stop the writers, or point them at the new table, \
            and then \
             catch up and verify once more",
            facts.collection
        ),
        Some(facts.command("sync")),
    )
}

fn caught_up(facts: &Facts) -> Item {
    const ID: &str = "caught-up";
    let sync = facts.command("sync");
    let (Some(version), true) = (facts.version, facts.ranges_done >= facts.ranges) else {
        return open(ID, "the migration has not come to its end", facts.command("run"));
    };
    let unaccounted = facts.unaccounted();
    if unaccounted > 0 {
        let gone = match facts.failed_gone + facts.skipped_gone {
            0 => String::new(),
            gone => format!(", {gone} of those gone from Qdrant,"),
        };
        let text = format!(
            "Qdrant holds {} points; {} rows, {} failed and {} skipped points{gone} do not add up to that \
            ({unaccounted} off)",
            facts.points, facts.rows, facts.failed, facts.skipped
        );
        return open(ID, text, sync);
    }
    match &facts.verified {
        Kept::There(seen) if seen.all_the_same && seen.version == version && seen.points == facts.points => done(
            ID,
            format!(
                "all ids and payloads were the same in both stores {}, and neither count nor table changed since",
                facts.ago(seen.began_at)
            ),
        ),
        _ => unknown(
            ID,
            "the counts add up, but payloads may have changed in Qdrant since they were read, which no count shows",
            Some(sync),
        ),
    }
}

fn verified(facts: &Facts) -> Item {
    const ID: &str = "verified";
    let verify = facts.command("verify");
    let Some(version) = facts.version else {
        return open(ID, "there is no table yet", verify);
    };
    let seen = match &facts.verified {
        Kept::None => return open(ID, "nobody has verified the table", verify),
        Kept::Unreadable(why) => return unknown(ID, why.clone(), Some(verify)),
        Kept::There(seen) => seen,
    };
    let Verified { decision, .. } = *seen;
    let ago = facts.ago(seen.began_at);
    if decision != Decision::Go {
        let mut text = format!("{} at version {} {ago}: ", decision.label(), seen.version);
        let named = seen.reasons.iter().take(MOST_REASONS).cloned().collect::<Vec<_>>();
        text.push_str(&named.join("; "));
        if seen.reasons.len() > MOST_REASONS {
            text.push_str(&format!("; and {} reasons more", seen.reasons.len() - MOST_REASONS));
        }
        let command = if decision == Decision::NoGo {
            facts.command("verify --repair")
        } else {
            verify
        };
        return open(ID, text, command);
    }
    if seen.version != version {
        let text = format!(
            "GO {ago} at version {}, but the table is at version {version} by now",
            seen.version
        );
        return open(ID, text, verify);
    }
    if seen.points != facts.points {
        let text = format!(
            "GO {ago} for {} points, but Qdrant holds {} by now",
            seen.points, facts.points
        );
        return open(ID, text, facts.command("sync"));
    }
    let how = seen.sample.map_or_else(
        || "all rows were looked at".to_owned(),
        |sample| format!("{sample} rows were looked at; `verify` without --sample looks at all"),
    );
    done(ID, format!("GO {ago} at this version ({version}); {how}"))
}

fn compared(facts: &Facts) -> Item {
    const ID: &str = "compared";
    let compare = facts.command("compare");
    let Some(version) = facts.version else {
        return open(ID, "there is no table yet", compare);
    };
    match &facts.compared {
        Kept::None => open(ID, "nobody has measured whether the new store is fast enough", compare),
        Kept::Unreadable(why) => unknown(ID, why.clone(), Some(compare)),
        Kept::There(Compared { began_at }) => {
            let ago = facts.ago(*began_at);
            if facts.version_at <= *began_at {
                return done(
                    ID,
                    format!("both stores were measured {ago}, at this version ({version})"),
                );
            }
            let text = format!("both stores were measured {ago}, but the table is newer (version {version})");
            open(ID, text, compare)
        }
    }
}

fn old_store(facts: &Facts) -> Item {
    unknown(
        "old-store",
        format!(
            "keep collection {:?} until the new table has served all readers for as long as you may want to go \
            back, and \
             until a snapshot of it is put away; qlance never deletes anything in Qdrant, nor knows when that is",
            facts.collection
        ),
        None,
    )
}

fn versions(facts: &Facts) -> Item {
    const ID: &str = "versions";
    if facts.version.is_none() {
        return unknown(ID, "there is no table yet", None);
    }
    if facts.versions <= 1 {
        return done(ID, "one version is kept; there is nothing to clean up");
    }
    // The tag would go and every version stay: nothing but the way back would be lost.
    if facts.now.saturating_sub(facts.version_at) <= OLD_DAYS * 24 * 3_600_000 {
        return Item {
            id: ID,
            state: State::Open,
            text: format!(
                "{} versions of the table are kept; cleaning up comes last, and takes away only what is older than \
                 {OLD_DAYS} days: it is offered when the table has not changed for so long (it did {})",
                facts.versions,
                facts.ago(facts.version_at)
            ),
            command: None,
        };
    }
    let tag = format!("qlance-before-{}", facts.job);
    let (undo, untag) = if facts.tagged {
        let undo = format!(" (the one tagged {tag} is what `undo` needs)");
        (undo, format!("t.tags.delete({}); ", python_literal(&tag)))
    } else {
        (String::new(), String::new())
    };
    let program = format!(
        "import datetime, lancedb; t = lancedb.connect({}).open_table({}); \
         {untag}t.optimize(cleanup_older_than=datetime.timedelta(days={OLD_DAYS}))",
        python_literal(&facts.uri),
        python_literal(&facts.table)
    );
    open(
        ID,
        format!(
            "{} versions of the table are kept{undo}; cleaning up comes last: this job can then neither be resumed nor \
             undone",
            facts.versions
        ),
        format!("python -c {}", for_shell(&program)),
    )
}

#[cfg(test)]
mod tests;
