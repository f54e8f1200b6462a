//! The outside reader: table and journal against what the collection holds and what the provider was asked. Reads the
//! table through LanceDB and the failures through the command line; believes no report that it can look up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use qlance::lance::Row;
use qlance::point::{Point, PointId};
use serde_json::Value;

use super::collection::text_of;
use super::plan::{Mode, Plan};
use crate::support::embeddings_server::embedding_of;
use crate::support::world::SIZE;

/// What is wrong in detail, at most; the rest is counted.
const TOLD: usize = 5;

/// What a process left behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct End {
    /// Its exit code; `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    /// What it printed as JSON; null where it printed none.
    pub(crate) report: Value,
    /// What it said on stderr.
    pub(crate) said: String,
}

impl End {
    /// Whether every point was read.
    pub(crate) fn is_complete(&self) -> bool {
        matches!(self.code, Some(0 | 3)) && self.report["status"] == "complete"
    }

    /// In one line.
    pub(crate) fn line(&self) -> String {
        let last = self.said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("");
        format!("exit {:?}, {}, last words {last:?}", self.code, self.report)
    }

    /// What no process may end with, whatever was done to it: a signal that we did not send, a usage error, an invariant
    /// of its own that broke, a panic.
    pub(crate) fn own_fault(&self) -> Option<String> {
        let text = format!("{}\n{}", self.report["error"], self.said);
        let signs = ["conservation broken", "itself is at fault", "panicked"];
        let found = signs.iter().any(|sign| text.contains(sign));
        (found || !matches!(self.code, Some(0 | 1 | 3 | 5))).then(|| self.line())
    }
}

/// All that was found after a round.
pub(crate) struct Books<'a> {
    /// The collection.
    pub(crate) points: &'a [Point],
    /// The rows of the table.
    pub(crate) rows: &'a [Row],
    /// The ids of the failures in the journal.
    pub(crate) failed: &'a [PointId],
    /// The run that went through to the end.
    pub(crate) last: &'a End,
    /// The one after it.
    pub(crate) again: &'a End,
    /// Requests for embeddings that the one after it made.
    pub(crate) again_asked: usize,
}

/// What came out of a round.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// What repeats it.
    pub(crate) seed: u64,
    /// What it was about.
    pub(crate) mode: Mode,
    /// Points of the collection.
    pub(crate) points: usize,
    /// Processes that were killed.
    pub(crate) kills: u32,
    /// Ids that are neither in the table nor among the failures.
    pub(crate) missing: Vec<PointId>,
    /// Ids that are there more than once, in the table or in table and failures.
    pub(crate) twice: Vec<PointId>,
    /// What else does not hold.
    pub(crate) broken: Vec<String>,
    /// Inputs paid for again.
    pub(crate) paid_again: u64,
    /// Inputs that may have been paid for again; `None` where nothing is promised (a disk without room keeps no spool).
    pub(crate) allowed: Option<u64>,
    /// Inputs in requests that were in flight at the SIGKILLs, as the provider saw it just before.
    pub(crate) in_flight: u64,
    /// How the neighbours misbehaved, and what it took.
    pub(crate) notes: Vec<String>,
    /// How long it took.
    pub(crate) took: Duration,
}

impl Verdict {
    /// Nothing found yet.
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            seed: plan.seed,
            mode: plan.mode,
            points: plan.points,
            kills: 0,
            missing: Vec::new(),
            twice: Vec::new(),
            broken: Vec::new(),
            paid_again: 0,
            allowed: None,
            in_flight: 0,
            notes: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Whether more was paid for again than was in flight.
    pub(crate) fn overpaid(&self) -> bool {
        self.allowed.is_some_and(|allowed| self.paid_again > allowed)
    }

    /// Whether everything is as promised.
    pub(crate) fn is_sound(&self) -> bool {
        self.missing.is_empty() && self.twice.is_empty() && self.broken.is_empty() && !self.overpaid()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "--seed {} --only {}: {}; {} points, {} kills ({} inputs in flight); missing {}, twice {}, broken {}, paid \
             again {} of ",
            self.seed,
            self.mode.as_str(),
            if self.is_sound() { "sound" } else { "BROKEN" },
            self.points,
            self.kills,
            self.in_flight,
            self.missing.len(),
            self.twice.len(),
            self.broken.len(),
            self.paid_again
        )?;
        match self.allowed {
            Some(allowed) => write!(f, "{allowed} allowed")?,
            None => write!(f, "any")?,
        }
        write!(f, "; {:.1} s", self.took.as_secs_f64())?;
        for note in &self.notes {
            write!(f, "; {note}")?;
        }
        for (what, ids) in [("missing", &self.missing), ("twice", &self.twice)] {
            if !ids.is_empty() {
                let ids: Vec<String> = ids.iter().take(TOLD).map(ToString::to_string).collect();
                write!(f, "\n  {what}: {}", ids.join(", "))?;
            }
        }
        for problem in self.broken.iter().take(TOLD) {
            write!(f, "\n  broken: {problem}")?;
        }
        Ok(())
    }
}

impl Books<'_> {
    /// Goes over everything and writes into the verdict what does not hold.
    pub(crate) fn check(&self, verdict: &mut Verdict) {
        self.check_places(verdict);
        self.check_rows(verdict);
        self.check_reports(verdict);
    }

    /// Every point in exactly one place, the right one; nothing else anywhere.
    fn check_places(&self, verdict: &mut Verdict) {
        let mut places: BTreeMap<PointId, (u32, u32)> = BTreeMap::new();
        for row in self.rows {
            places.entry(row.point.id).or_default().0 += 1;
        }
        for id in self.failed {
            places.entry(*id).or_default().1 += 1;
        }
        for point in self.points {
            let (rows, failures) = places.remove(&point.id).unwrap_or_default();
            match (rows + failures, text_of(point)) {
                (0, _) => verdict.missing.push(point.id),
                (1, Some(_)) if failures == 1 => {
                    let problem = format!("{} failed, and nothing is wrong with it", point.id);
                    verdict.broken.push(problem);
                }
                (1, None) if rows == 1 => {
                    let problem = format!("{} is in the table, and it has no text to embed", point.id);
                    verdict.broken.push(problem);
                }
                (1, _) => {}
                _ => verdict.twice.push(point.id),
            }
        }
        let strangers = places.into_keys();
        verdict
            .broken
            .extend(strangers.map(|id| format!("{id} is no point of the collection")));
    }

    /// Every row as its point is, with the embedding of its own text.
    fn check_rows(&self, verdict: &mut Verdict) {
        let points: BTreeMap<PointId, &Point> = self.points.iter().map(|point| (point.id, point)).collect();
        for row in self.rows {
            let Some(point) = points.get(&row.point.id) else {
                continue;
            };
            if row.point.payload != point.payload {
                verdict.broken.push(format!(
                    "the payload of {} is {:?}, it was {:?}",
                    point.id, row.point.payload, point.payload
                ));
            }
            let expected = text_of(point).map(|text| embedding_of(text, SIZE));
            if row.embedding != expected {
                let problem = format!("the embedding of {} is not that of its text", point.id);
                verdict.broken.push(problem);
            }
        }
    }

    /// What the last runs say of themselves.
    fn check_reports(&self, verdict: &mut Verdict) {
        let failing = self.points.iter().filter(|point| text_of(point).is_none()).count() as u64;
        let total = self.points.len() as u64;
        let code = if failing > 0 { 3 } else { 0 };
        for (which, end) in [("last", self.last), ("further", self.again)] {
            let number = |name: &str| end.report[name].as_u64();
            let sum = ["written", "failed", "skipped"]
                .into_iter()
                .try_fold(0, |sum, name| Some(sum + number(name)?));
            let whole = number("read") == Some(total)
                && sum == Some(total)
                && number("failed") == Some(failing)
                && end.report["table"]["rows"].as_u64() == Some(total - failing);
            if end.code != Some(code) || !end.is_complete() || !whole {
                verdict.broken.push(format!(
                    "the {which} run should have read {total}, {failing} of them failed: {}",
                    end.line()
                ));
            }
        }
        let ids: BTreeSet<&PointId> = self.failed.iter().collect();
        if ids.len() as u64 != failing {
            let problem = format!("{} points are among the failures, not {failing}", ids.len());
            verdict.broken.push(problem);
        }
        let asked = &self.again.report["embedding"]["requests"];
        if *asked != 0 || self.again_asked != 0 {
            let problem = format!(
                "a further run asked for embeddings: {asked}, {} arrived",
                self.again_asked
            );
            verdict.broken.push(problem);
        }
        let versions = [self.last, self.again].map(|end| &end.report["table"]["version"]);
        if versions[0] != versions[1] {
            let problem = format!("a further run wrote: version {} became {}", versions[0], versions[1]);
            verdict.broken.push(problem);
        }
    }
}
