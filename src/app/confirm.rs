//! Questions before something dangerous. They name the real number, and start on Cancel.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::journal::Filter;
use crate::point::PointId;
use crate::tasks::sync::Difference;

/// What the operator may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// Go back; nothing happens.
    Cancel,
    /// Stop the work cleanly and leave.
    StopCleanly,
    /// Leave the screen; the work goes on.
    KeepRunning,
    /// Retry all that the filter shows.
    RetryAll(Filter),
    /// Bring over what differs, with or without removing what is gone.
    CatchUp {
        /// Remove rows whose points are gone.
        remove_gone: bool,
    },
    /// Put Qdrant's vectors in the place of the new embeddings of these.
    KeepSourceVector(Vec<PointId>),
}

/// A question with its choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// The question.
    pub question: String,
    /// What each choice says, the letter that takes it, and what it means.
    pub choices: Vec<(&'static str, char, Choice)>,
    /// The one that Enter takes.
    pub selected: usize,
}

impl Confirm {
    fn new(question: String, mut choices: Vec<(&'static str, char, Choice)>) -> Self {
        choices.insert(0, ("Cancel", 'c', Choice::Cancel));
        Self {
            question,
            choices,
            selected: 0,
        }
    }

    /// Leaving while points are on their way.
    pub fn quit(in_hand: u64) -> Self {
        Self::new(
            format!("The work is still running; {in_hand} points are in hand. Nothing is lost either way."),
            vec![
                ("Stop cleanly", 's', Choice::StopCleanly),
                ("Keep running without the screen", 'k', Choice::KeepRunning),
            ],
        )
    }

    /// Retrying everything a filter shows.
    pub fn retry_all(count: u64, filter: Filter) -> Self {
        Self::new(
            format!("Retry {count} failed points?"),
            vec![("Retry all", 'r', Choice::RetryAll(filter))],
        )
    }

    /// Bringing over what differs between the stores.
    pub fn catch_up(found: &Difference) -> Self {
        let mut question = format!(
            "In Qdrant since: {} new, {} with another content, {} with another payload, {} gone. {} stay as they are.",
            found.new, found.content, found.payload, found.gone, found.same
        );
        question.push_str(&price(found));
        let keep = Choice::CatchUp { remove_gone: false };
        let remove = Choice::CatchUp { remove_gone: true };
        let comes = found.new + found.content + found.payload > 0;
        let choices = match (comes, found.gone > 0) {
            (true, false) => vec![("Bring over", 'b', keep)],
            (true, true) => vec![("Bring over", 'b', keep), ("Bring over and remove", 'r', remove)],
            _ => vec![("Remove the gone", 'r', remove)],
        };
        Self::new(question, choices)
    }

    /// Bringing together what a verification found apart.
    pub fn repair(found: &Difference) -> Self {
        let parts = [
            (found.new, "to bring over"),
            (found.content, "to embed again"),
            (found.payload, "to write again without embedding"),
            (found.repeats, "repeated to take out"),
            (found.gone, "gone from Qdrant"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let mut parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
        if found.unindexed {
            parts.push("the indexes to bring up to date".to_owned());
        }
        let mut question = format!("Repair: {}. {} stay as they are.", parts.join(", "), found.same);
        question.push_str(&price(found));
        let keep = Choice::CatchUp { remove_gone: false };
        let remove = Choice::CatchUp { remove_gone: true };
        let mends = found.new + found.content + found.payload + found.repeats > 0 || found.unindexed;
        let choices = match (mends, found.gone > 0) {
            (true, false) => vec![("Repair", 'r', keep)],
            (true, true) => vec![
                ("Repair, keep the gone", 'r', keep),
                ("Repair and remove the gone", 'g', remove),
            ],
            (false, _) => vec![("Remove the gone", 'g', remove)],
        };
        Self::new(question, choices)
    }

    /// Throwing new embeddings away.
    pub fn keep_source_vector(ids: Vec<PointId>) -> Self {
        let count = ids.len();
        let points = if count == 1 {
            "1 point".to_owned()
        } else {
            format!("{count} points")
        };
        Self::new(
            format!("Put Qdrant's vector in the place of the new embedding of {points}?"),
            vec![("Keep Qdrant's", 'k', Choice::KeepSourceVector(ids))],
        )
    }

    /// A key; the choice where one was made.
    pub fn key(&mut self, key: KeyEvent) -> Option<Choice> {
        let last = self.choices.len() - 1;
        if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return None;
        }
        match key.code {
            KeyCode::Esc | KeyCode::Char('q') => return Some(Choice::Cancel),
            KeyCode::Enter => return Some(self.choices[self.selected].2.clone()),
            KeyCode::Left | KeyCode::Up | KeyCode::BackTab | KeyCode::Char('h') => {
                self.selected = self.selected.checked_sub(1).unwrap_or(last);
            }
            KeyCode::Right | KeyCode::Down | KeyCode::Tab | KeyCode::Char('l') => {
                self.selected = if self.selected == last { 0 } else { self.selected + 1 };
            }
            KeyCode::Char(letter) => {
                let found = self.choices.iter().find(|(_, key, _)| *key == letter);
                return found.map(|(_, _, choice)| choice.clone());
            }
            _ => {}
        }
        None
    }
}

/// What has to be paid for; nothing, where nothing is embedded.
fn price(found: &Difference) -> String {
    if found.inputs == 0 {
        return String::new();
    }
    format!(
        " To embed: {} inputs, about {} tokens, ${:.4}.",
        found.inputs, found.tokens, found.cost_usd
    )
}
