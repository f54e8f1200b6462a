//! Questions before something dangerous. They name the real number and target, and start on Cancel. A letter goes to a
//! choice, and only Enter carries one out: what was typed for the list below answers nothing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::failures::which;
use super::prompt::whom;
use super::words::{counted, points, rows};
use crate::journal::Filter;
use crate::point::{PointId, grouped, sum_of_money};
use crate::tasks::Phase;
use crate::tasks::sync::Difference;

/// Bringing together without and with removing what is gone.
const KEEPING: Choice = Choice::CatchUp { remove_gone: false };
const REMOVING: Choice = Choice::CatchUp { remove_gone: true };

/// What the operator may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Go back; nothing happens.
    Cancel,
    /// Stop the work cleanly and leave.
    StopCleanly,
    /// Leave the screen; the work goes on.
    KeepRunning,
    /// Retry these.
    Retry(Vec<PointId>),
    /// Take the skips of these back.
    Unskip(Vec<PointId>),
    /// Retry all that the filter shows.
    RetryAll(Filter),
    /// Bring over what differs, with or without removing what is gone.
    CatchUp {
        /// Remove rows whose points are gone.
        remove_gone: bool,
    },
    /// Put Qdrant's vectors in the place of the new embeddings of these.
    KeepSourceVector(Vec<PointId>),
    /// Embed these again.
    EmbedAgain(Vec<PointId>),
}

impl Choice {
    /// Whether rows are gone after it.
    pub fn deletes(&self) -> bool {
        matches!(self, Self::CatchUp { remove_gone: true })
    }
}

/// What embedding points once more costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Price {
    /// Nothing.
    Free,
    /// It is paid for; nobody knows how much.
    Unknown,
    /// About so much, by what the job has paid a point so far.
    About {
        /// US dollars.
        usd: f64,
    },
}

impl Price {
    /// A sentence behind a question; nothing where it costs nothing.
    fn told(self) -> String {
        match self {
            Self::Free => String::new(),
            Self::Unknown => " The embedder is paid for each once more.".to_owned(),
            Self::About { usd } => format!(" By what was paid so far: about ${}.", sum_of_money(usd, 4)),
        }
    }
}

/// A question with its choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// What it is about, in a word or two.
    pub title: &'static str,
    /// The question.
    pub question: String,
    /// What each choice says, the letter that goes to it, and what it means.
    pub choices: Vec<(String, char, Choice)>,
    /// The one that Enter takes.
    pub selected: usize,
}

impl Confirm {
    fn new(title: &'static str, question: String, mut choices: Vec<(String, char, Choice)>) -> Self {
        choices.insert(0, ("Cancel: go back".to_owned(), 'c', Choice::Cancel));
        Self {
            title,
            question,
            choices,
            selected: 0,
        }
    }

    /// Leaving while points are on their way, or something else is under way, in this phase.
    pub fn quit(in_hand: u64, phase: &Phase) -> Self {
        let are = if in_hand == 1 { "is" } else { "are" };
        let in_hand = points(in_hand);
        let resumes = "Resume the paused run, and keep it running without the screen";
        let (is, keep) = match phase {
            Phase::Paused => ("paused", resumes),
            Phase::Pausing => ("pausing", resumes),
            Phase::Ready => (
                "still running",
                "Finish what is running without the screen; the migration does not begin",
            ),
            Phase::Stopping => ("stopping", "Let it stop without the screen"),
            _ => ("still running", "Keep running without the screen"),
        };
        Self::new(
            "Quit?",
            format!("The work is {is}; {in_hand} {are} in hand. Nothing is lost either way."),
            vec![
                ("Stop cleanly".to_owned(), 's', Choice::StopCleanly),
                (keep.to_owned(), 'r', Choice::KeepRunning),
            ],
        )
    }

    /// Retrying marked points, of which so many are not shown.
    pub fn retry(ids: Vec<PointId>, hidden: usize) -> Self {
        Self::new(
            "Retry?",
            format!("Retry {}?", whom(&ids, hidden)),
            vec![(format!("Retry {}", points(ids.len() as u64)), 'r', Choice::Retry(ids))],
        )
    }

    /// Taking back the skips of marked points, of which so many are not shown.
    pub fn unskip(ids: Vec<PointId>, hidden: usize) -> Self {
        Self::new(
            "Undo the skip?",
            format!("Take the skip of {} back?", whom(&ids, hidden)),
            vec![("Take it back".to_owned(), 'u', Choice::Unskip(ids))],
        )
    }

    /// Retrying everything a filter shows: so many points. So many are being tried already: of all failures these are
    /// among them, of those that a filter shows nobody knows how many are.
    pub fn retry_all(count: u64, under_way: u64, filter: Filter) -> Self {
        let is_every = filter == Filter::default();
        let all = match (count, is_every) {
            (1, _) => "",
            (_, true) => "all ",
            (_, false) => "all shown: ",
        };
        let failed = counted(count, "failed point", "failed points");
        let whole = format!("Retry {all}{failed}{}?", which(&filter));
        let again = "being retried already, and tried once more only where that fails.";
        let left = count.saturating_sub(under_way);
        let (question, tried) = match (under_way, is_every) {
            (0, _) => (whole, count),
            (_, true) if left > 0 => {
                let others = if under_way == 1 {
                    "one is".to_owned()
                } else {
                    format!("{} are", grouped(under_way))
                };
                let question = format!("Retry {} of {failed}? The other {others} {again}", grouped(left));
                (question, left)
            }
            (_, true) => {
                let they = if count == 1 { "It is" } else { "They are" };
                (format!("{whole} {they} {again}"), count)
            }
            (_, false) => {
                let are = if under_way == 1 { "is" } else { "are" };
                let question = format!(
                    "{whole} {} {are} being retried already: what is shown of that is tried once more only where it \
                     fails.",
                    points(under_way)
                );
                (question, count)
            }
        };
        let tried = counted(tried, "failed point", "failed points");
        Self::new(
            "Retry?",
            question,
            vec![(format!("Retry {tried}"), 'r', Choice::RetryAll(filter))],
        )
    }

    /// Bringing over what differs between the stores into a table.
    pub fn catch_up(found: &Difference, table: &str) -> Self {
        let mut question = format!(
            "In Qdrant since: {} new, {} with another content, {} with another payload, {} gone. {}",
            grouped(found.new),
            grouped(found.content),
            grouped(found.payload),
            grouped(found.gone),
            stays(found.same)
        );
        if found.waiting > 0 {
            let waiting = grouped(found.waiting);
            question.push_str(&format!(
                " Failed and skipped points ({waiting}) are not among the new."
            ));
        }
        question.push_str(&price(found));
        let comes = found.new + found.content + found.payload;
        let bring = format!("Bring over {}", points(comes));
        let choices = match (comes > 0, found.gone > 0) {
            (true, false) => vec![(bring, 'b', KEEPING)],
            (true, true) => vec![
                (format!("{bring}, delete nothing"), 'b', KEEPING),
                (
                    format!("{bring}, and {}", deleting("delete", found, table)),
                    'd',
                    REMOVING,
                ),
            ],
            _ => vec![(deleting("Delete", found, table), 'd', REMOVING)],
        };
        Self::new("Catch up?", question, choices)
    }

    /// Bringing together what a verification found apart, in a table.
    pub fn repair(found: &Difference, table: &str) -> Self {
        let ahead = found.unfinished.unwrap_or(0);
        let repeated = counted(found.repeats, "repeated row", "repeated rows");
        let parts = [
            (ahead, rows(ahead), "ahead of the migration to take out"),
            (found.new, points(found.new), "to bring over"),
            (found.content, points(found.content), "to embed again"),
            (found.payload, points(found.payload), "to write again without embedding"),
            (found.repeats, repeated, "to take out"),
            (found.gone, rows(found.gone), "without a point in Qdrant"),
        ];
        let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
        let mut parts: Vec<String> = parts.map(|(_, counted, what)| format!("{counted} {what}")).collect();
        if found.unindexed {
            parts.push("the indexes to bring up to date".to_owned());
        }
        // Before the migration has come to its end nobody has counted what stays.
        let stays = if found.unfinished.is_some() {
            let others = if parts.is_empty() { "all rows" } else { "all other rows" };
            parts.push(format!("{others} to take over as they are"));
            "The migration can go on then.".to_owned()
        } else {
            stays(found.same)
        };
        let question = format!("Repair: {}. {stays}{}", parts.join(", "), price(found));
        let changes = found.new + found.content + found.payload + found.repeats;
        let mends = changes > 0 || found.unindexed || found.unfinished.is_some();
        let choices = match (mends, found.gone > 0) {
            (true, false) => vec![("Repair".to_owned(), 'r', KEEPING)],
            (true, true) => vec![
                ("Repair, and delete nothing".to_owned(), 'r', KEEPING),
                (
                    format!("Repair, and {}", deleting("delete", found, table)),
                    'd',
                    REMOVING,
                ),
            ],
            (false, _) => vec![(deleting("Delete", found, table), 'd', REMOVING)],
        };
        Self::new("Repair?", question, choices)
    }

    /// Throwing new embeddings away, of points of which so many are not shown.
    pub fn keep_source_vector(ids: Vec<PointId>, hidden: usize) -> Self {
        Self::new(
            "Keep Qdrant's vector?",
            format!(
                "Put Qdrant's vector in the place of the new embedding of {}? Nothing is paid for.",
                whom(&ids, hidden)
            ),
            vec![(
                format!("Keep Qdrant's vector of {}", points(ids.len() as u64)),
                'v',
                Choice::KeepSourceVector(ids),
            )],
        )
    }

    /// Embedding points once more, of which so many are not shown, at a price.
    pub fn embed_again(ids: Vec<PointId>, hidden: usize, price: Price) -> Self {
        Self::new(
            "Embed again?",
            format!("Embed {} again?{}", whom(&ids, hidden), price.told()),
            vec![(
                format!("Embed {} again", points(ids.len() as u64)),
                'e',
                Choice::EmbedAgain(ids),
            )],
        )
    }

    /// A key; the choice where Enter or Esc made one.
    pub fn key(&mut self, key: KeyEvent) -> Option<Choice> {
        let last = self.choices.len() - 1;
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return None;
        }
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') => return Some(Choice::Cancel),
            KeyCode::Enter => return Some(self.choices[self.selected].2.clone()),
            KeyCode::Left | KeyCode::Up | KeyCode::BackTab | KeyCode::Char('h' | 'k') => {
                self.selected = self.selected.checked_sub(1).unwrap_or(last);
            }
            KeyCode::Right | KeyCode::Down | KeyCode::Tab | KeyCode::Char('l' | 'j') => {
                self.selected = if self.selected == last { 0 } else { self.selected + 1 };
            }
            KeyCode::Char(letter) => {
                let found = self.choices.iter().position(|(_, key, _)| *key == letter);
                self.selected = found.unwrap_or(self.selected);
            }
            _ => {}
        }
        None
    }
}

/// What would be deleted, and from where.
fn deleting(delete: &str, found: &Difference, table: &str) -> String {
    format!("{delete} {} from {table}", rows(found.gone))
}

/// How many rows nothing is done about.
fn stays(same: u64) -> String {
    let stay = if same == 1 {
        "stays as it is"
    } else {
        "stay as they are"
    };
    format!("{} {stay}.", rows(same))
}

/// What has to be paid for; nothing, where nothing is embedded.
fn price(found: &Difference) -> String {
    if found.inputs == 0 {
        return String::new();
    }
    let inputs = counted(found.inputs, "input", "inputs");
    let tokens = counted(found.tokens, "token", "tokens");
    let usd = sum_of_money(found.cost_usd, 4);
    format!(" To embed: {inputs}, about {tokens}, ${usd}.")
}

#[cfg(test)]
mod tests;
