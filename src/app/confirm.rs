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

/// A question with its choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirm {
    /// The question.
    pub question: String,
    /// What each choice says, the letter that goes to it, and what it means.
    pub choices: Vec<(String, char, Choice)>,
    /// The one that Enter takes.
    pub selected: usize,
}

impl Confirm {
    fn new(question: String, mut choices: Vec<(String, char, Choice)>) -> Self {
        choices.insert(0, ("Cancel".to_owned(), 'c', Choice::Cancel));
        Self {
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
            _ => ("still running", "Keep running without the screen"),
        };
        Self::new(
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
            format!("Retry {}?", whom(&ids, hidden)),
            vec![(format!("Retry {}", points(ids.len() as u64)), 'r', Choice::Retry(ids))],
        )
    }

    /// Taking back the skips of marked points, of which so many are not shown.
    pub fn unskip(ids: Vec<PointId>, hidden: usize) -> Self {
        Self::new(
            format!("Take the skip of {} back?", whom(&ids, hidden)),
            vec![("Take it back".to_owned(), 'u', Choice::Unskip(ids))],
        )
    }

    /// Retrying everything a filter shows: so many points, of which so many may be tried already.
    pub fn retry_all(count: u64, under_way: u64, filter: Filter) -> Self {
        let all = match (count, filter == Filter::default()) {
            (1, _) => "",
            (_, true) => "all ",
            (_, false) => "all shown: ",
        };
        let failed = counted(count, "failed point", "failed points");
        let mut question = format!("Retry {all}{failed}{}?", which(&filter));
        if under_way > 0 {
            let are = if under_way == 1 { "is" } else { "are" };
            question.push_str(&format!(
                " {} {are} being retried already, and tried once more only where that fails.",
                points(under_way)
            ));
        }
        Self::new(
            question,
            vec![(format!("Retry {failed}"), 'r', Choice::RetryAll(filter))],
        )
    }

    /// Bringing over what differs between the stores into a table.
    pub fn catch_up(found: &Difference, table: &str) -> Self {
        let mut question = format!(
            "In Qdrant since: {} new, {} with another content, {} with another payload, {} gone. {} stay as they are.",
            grouped(found.new),
            grouped(found.content),
            grouped(found.payload),
            grouped(found.gone),
            grouped(found.same)
        );
        question.push_str(&pointless(found, table));
        question.push_str(&price(found));
        let keep = Choice::CatchUp { remove_gone: false };
        let remove = Choice::CatchUp { remove_gone: true };
        let comes = found.new + found.content + found.payload;
        let bring = format!("Bring over {}", points(comes));
        let choices = match (comes > 0, found.gone > 0) {
            (true, false) => vec![(bring, 'b', keep)],
            (true, true) => vec![
                (format!("{bring}, delete nothing"), 'b', keep),
                (
                    format!("{bring}, and {}", deleting("delete", found, table)),
                    'r',
                    remove,
                ),
            ],
            _ => vec![(deleting("Delete", found, table), 'r', remove)],
        };
        Self::new(question, choices)
    }

    /// Bringing together what a verification found apart, in a table.
    pub fn repair(found: &Difference, table: &str) -> Self {
        let parts = [
            (found.unfinished.unwrap_or(0), "ahead of the migration to take out"),
            (found.new, "to bring over"),
            (found.content, "to embed again"),
            (found.payload, "to write again without embedding"),
            (found.repeats, "repeated to take out"),
            (found.gone, "gone from Qdrant"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let mut parts: Vec<String> = parts
            .map(|(count, what)| format!("{} {what}", grouped(*count)))
            .collect();
        if found.unindexed {
            parts.push("the indexes to bring up to date".to_owned());
        }
        // Before the migration has come to its end nobody has counted what stays.
        let stays = if found.unfinished.is_some() {
            let others = if parts.is_empty() { "all rows" } else { "all other rows" };
            parts.push(format!("{others} to take over as they are"));
            "The migration can go on then.".to_owned()
        } else {
            format!("{} stay as they are.", grouped(found.same))
        };
        let mut question = format!("Repair: {}. {stays}", parts.join(", "));
        question.push_str(&pointless(found, table));
        question.push_str(&price(found));
        let keep = Choice::CatchUp { remove_gone: false };
        let remove = Choice::CatchUp { remove_gone: true };
        let changes = found.new + found.content + found.payload + found.repeats;
        let mends = changes > 0 || found.unindexed || found.unfinished.is_some();
        let choices = match (mends, found.gone > 0) {
            (true, false) => vec![("Repair".to_owned(), 'r', keep)],
            (true, true) => vec![
                (
                    format!("Repair, and leave the {} as they are", rows(found.gone)),
                    'r',
                    keep,
                ),
                (format!("Repair, and {}", deleting("delete", found, table)), 'm', remove),
            ],
            (false, _) => vec![(deleting("Delete", found, table), 'm', remove)],
        };
        Self::new(question, choices)
    }

    /// Throwing new embeddings away, of points of which so many are not shown.
    pub fn keep_source_vector(ids: Vec<PointId>, hidden: usize) -> Self {
        Self::new(
            format!(
                "Put Qdrant's vector in the place of the new embedding of {}?",
                whom(&ids, hidden)
            ),
            vec![("Keep Qdrant's vector".to_owned(), 'v', Choice::KeepSourceVector(ids))],
        )
    }

    /// Embedding points once more, of which so many are not shown; it may be paid for.
    pub fn embed_again(ids: Vec<PointId>, hidden: usize, paid: bool) -> Self {
        let price = if paid {
            " The embedder is paid for each once more."
        } else {
            ""
        };
        Self::new(
            format!("Embed {} again?{price}", whom(&ids, hidden)),
            vec![("Embed again".to_owned(), 'e', Choice::EmbedAgain(ids))],
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
    format!("{delete} {} from {table} (gone from Qdrant)", rows(found.gone))
}

/// Which rows have lost their points, where some have.
fn pointless(found: &Difference, table: &str) -> String {
    let have = match found.gone {
        0 => return String::new(),
        1 => "has no point",
        _ => "have no points",
    };
    format!(" {} of {table} {have} in Qdrant any more.", rows(found.gone))
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
mod tests {
    use super::*;

    /// Every question there is.
    fn questions() -> Vec<Confirm> {
        let ids = vec![PointId::Num(1), PointId::Num(2)];
        let found = |new, gone| Difference {
            new,
            gone,
            ..Difference::default()
        };
        let mut questions = vec![
            Confirm::quit(7, &Phase::Running),
            Confirm::retry_all(3, 1, Filter::default()),
            Confirm::keep_source_vector(ids.clone(), 0),
            Confirm::retry(ids.clone(), 1),
            Confirm::unskip(ids.clone(), 1),
            Confirm::embed_again(ids, 0, true),
        ];
        for found in [found(1, 0), found(1, 1), found(0, 1)] {
            questions.extend([Confirm::catch_up(&found, "t"), Confirm::repair(&found, "t")]);
        }
        questions
    }

    fn press(question: &mut Confirm, code: KeyCode) -> Option<Choice> {
        question.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn a_letter_goes_to_its_choice_and_only_enter_carries_it_out() {
        for mut question in questions() {
            for (place, (label, letter, choice)) in question.choices.clone().into_iter().enumerate() {
                assert_eq!(press(&mut question, KeyCode::Char(letter)), None, "{label}");
                assert_eq!(question.selected, place, "{label}");
                assert_eq!(press(&mut question, KeyCode::Enter), Some(choice), "{label}");
            }
        }
    }

    #[test]
    fn the_ways_through_a_list_lead_through_the_choices() {
        for mut question in questions() {
            let last = question.choices.len() - 1;
            for (code, place) in [
                (KeyCode::Char('j'), 1),
                (KeyCode::Char('k'), 0),
                (KeyCode::Char('l'), 1),
                (KeyCode::Char('h'), 0),
                (KeyCode::Down, 1),
                (KeyCode::Up, 0),
                (KeyCode::Char('k'), last),
                (KeyCode::Char('j'), 0),
                (KeyCode::Char('x'), 0),
            ] {
                assert_eq!(press(&mut question, code), None);
                assert_eq!(question.selected, place, "{code:?} in {:?}", question.question);
            }
            for taken in ['h', 'j', 'k', 'l', 'q'] {
                assert!(
                    question.choices.iter().all(|(_, letter, _)| *letter != taken),
                    "{taken}"
                );
            }
            assert_eq!(press(&mut question, KeyCode::Esc), Some(Choice::Cancel));
        }
    }

    #[test]
    fn leaving_names_what_goes_on_and_what_does_not_begin() {
        for (phase, question, keep) in [
            (
                Phase::Running,
                "is still running; 7 points",
                "Keep running without the screen",
            ),
            (Phase::Paused, "is paused; 7 points", "Resume the paused run, and"),
            (Phase::Pausing, "is pausing; 7 points", "Resume the paused run, and"),
            (
                Phase::Ready,
                "is still running; 7 points",
                "the migration does not begin",
            ),
        ] {
            let quit = Confirm::quit(7, &phase);
            assert!(quit.question.contains(question), "{phase:?}: {}", quit.question);
            let (label, letter, choice) = &quit.choices[2];
            assert!(label.contains(keep), "{phase:?}: {label}");
            assert_eq!((*letter, choice), ('r', &Choice::KeepRunning));
        }
    }

    #[test]
    fn a_question_names_whom_it_is_about() {
        let one = Confirm::keep_source_vector(vec![PointId::Num(1042)], 0);
        assert!(one.question.contains("of point 1042?"), "{}", one.question);
        let ids = [1, 2].map(PointId::Num).to_vec();
        for (question, wanted) in [
            (
                Confirm::retry(ids.clone(), 2),
                "Retry 2 marked points (2 of them not shown)?",
            ),
            (
                Confirm::retry(ids[..1].to_vec(), 1),
                "Retry the marked point 1 (which is not shown)?",
            ),
            (
                Confirm::unskip(ids.clone(), 1),
                "Take the skip of 2 marked points (1 of them not shown) back?",
            ),
            (
                Confirm::embed_again(ids, 1, false),
                "Embed 2 marked points (1 of them not shown) again?",
            ),
        ] {
            assert_eq!(question.question, wanted);
        }
        let filter = Filter {
            text: Some("timeout".into()),
            ..Filter::default()
        };
        let all = Confirm::retry_all(1, 0, filter.clone());
        assert_eq!(all.question, "Retry 1 failed point with \"timeout\"?");
        let all = Confirm::retry_all(2, 0, filter);
        assert_eq!(all.question, "Retry all shown: 2 failed points with \"timeout\"?");
        let all = Confirm::retry_all(11, 2, Filter::default());
        let wanted = "Retry all 11 failed points? 2 points are being retried already";
        assert!(all.question.starts_with(wanted), "{}", all.question);
        assert_eq!(all.choices[1].0, "Retry 11 failed points");
    }

    #[test]
    fn a_small_price_is_not_told_as_none() {
        let found = Difference {
            new: 1,
            inputs: 1,
            tokens: 12,
            cost_usd: 0.000_02,
            ..Difference::default()
        };
        assert_eq!(price(&found), " To embed: 1 input, about 12 tokens, $0.00002.");
    }

    #[test]
    fn what_is_deleted_is_named_with_its_number_and_its_table() {
        let table = "choir.lance/messages";
        let labels = |question: &Confirm| -> Vec<String> {
            question.choices[1..].iter().map(|(label, ..)| label.clone()).collect()
        };
        let found = |new, gone| Difference {
            new,
            gone,
            ..Difference::default()
        };
        let delete = "elete 4 rows from choir.lance/messages (gone from Qdrant)";
        for (question, wanted) in [
            (
                Confirm::catch_up(&found(12, 0), table),
                vec!["Bring over 12 points".to_owned()],
            ),
            (
                Confirm::catch_up(&found(1, 4), table),
                vec![
                    "Bring over 1 point, delete nothing".to_owned(),
                    format!("Bring over 1 point, and d{delete}"),
                ],
            ),
            (Confirm::catch_up(&found(0, 4), table), vec![format!("D{delete}")]),
            (Confirm::repair(&found(3, 0), table), vec!["Repair".to_owned()]),
            (
                Confirm::repair(&found(3, 4), table),
                vec![
                    "Repair, and leave the 4 rows as they are".to_owned(),
                    format!("Repair, and d{delete}"),
                ],
            ),
            (Confirm::repair(&found(0, 4), table), vec![format!("D{delete}")]),
            (
                Confirm::repair(
                    &Difference {
                        unfinished: Some(0),
                        ..Difference::default()
                    },
                    table,
                ),
                vec!["Repair".to_owned()],
            ),
        ] {
            assert_eq!(labels(&question), wanted, "{}", question.question);
            let gone = question
                .question
                .contains("4 rows of choir.lance/messages have no points");
            assert_eq!(
                gone,
                wanted.iter().any(|label| label.contains(delete)),
                "{}",
                question.question
            );
        }
    }
}
