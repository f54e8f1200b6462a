//! Commands that wait until the work can take them. They keep their order, and are few however long they wait: what a
//! later one makes needless goes.

use std::collections::VecDeque;
use std::mem::discriminant;

use super::TaskCommand;

/// From this many on nothing more should be asked for.
const MOST: usize = 1_000;

/// The commands that wait, in the order in which they were given.
#[derive(Debug, Default)]
pub struct Backlog {
    waiting: VecDeque<TaskCommand>,
}

impl Backlog {
    /// Puts a command behind the others. It is taken in any case: whoever asks says so first.
    pub fn push(&mut self, command: TaskCommand) {
        self.waiting.retain(|earlier| !is_needless(earlier, &command));
        self.waiting.push_back(command);
    }

    /// Takes the one that has waited longest.
    pub fn pop(&mut self) -> Option<TaskCommand> {
        self.waiting.pop_front()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether so many wait that nothing more should be asked for.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= MOST
    }

    /// All of them, in their order.
    pub fn into_commands(self) -> impl Iterator<Item = TaskCommand> {
        self.waiting.into_iter()
    }
}

/// Whether a command that has not been taken yet need not be, now that another one follows.
fn is_needless(earlier: &TaskCommand, later: &TaskCommand) -> bool {
    match (earlier, later) {
        // Of these only the last answer is waited for.
        (TaskCommand::ListFailures { .. }, TaskCommand::ListFailures { .. })
        | (TaskCommand::ListDivergent { .. }, TaskCommand::ListDivergent { .. })
        | (TaskCommand::SamplePairs(_), TaskCommand::SamplePairs(_))
        | (TaskCommand::Search(_), TaskCommand::Search(_)) => true,
        (TaskCommand::Set(earlier), TaskCommand::Set(later)) => discriminant(earlier) == discriminant(later),
        // The same question once more, or the same wish about the run as a whole.
        (
            TaskCommand::ReadFailure(_)
            | TaskCommand::Inspect(_)
            | TaskCommand::ReadPair(_)
            | TaskCommand::MeasureAgreement
            | TaskCommand::Start
            | TaskCommand::Pause
            | TaskCommand::Resume
            | TaskCommand::TryNow
            | TaskCommand::StopVerifying
            | TaskCommand::Stop
            | TaskCommand::Quit,
            later,
        ) => earlier == later,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Filter, Sort};
    use crate::point::PointId;
    use crate::tasks::{Selection, Setting};

    fn list(offset: u64) -> TaskCommand {
        TaskCommand::ListFailures {
            filter: Filter::default(),
            sort: Sort::default(),
            offset,
            limit: 200,
        }
    }

    fn kept(commands: impl IntoIterator<Item = TaskCommand>) -> Vec<TaskCommand> {
        let mut backlog = Backlog::default();
        for command in commands {
            backlog.push(command);
        }
        backlog.into_commands().collect()
    }

    #[test]
    fn they_keep_their_order_and_what_is_repeated_goes() {
        use TaskCommand::{Inspect, Pause, Quit, ReadFailure, Resume, Retry, Set, Skip};
        let [one, two] = [1, 2].map(PointId::Num);
        let retry = || Retry(Selection::Ids(vec![one]));
        let in_flight = |limit| Set(Setting::InFlight(limit));
        let batch = Set(Setting::BatchInputs(9));
        for (given, left) in [
            (vec![list(0), list(100), list(300)], vec![list(300)]),
            (
                vec![in_flight(1), batch.clone(), in_flight(2), in_flight(3)],
                vec![batch, in_flight(3)],
            ),
            (
                vec![Inspect(one), Inspect(two), Inspect(one), ReadFailure(one)],
                vec![Inspect(two), Inspect(one), ReadFailure(one)],
            ),
            (vec![Pause, Resume, Pause, Quit, Quit], vec![Resume, Pause, Quit]),
            // What changes points is carried out as often as it was asked for.
            (
                vec![retry(), Skip(vec![two], "spam".into()), retry()],
                vec![retry(), Skip(vec![two], "spam".into()), retry()],
            ),
        ] {
            assert_eq!(kept(given.clone()), left, "{given:?}");
        }
    }

    #[test]
    fn it_is_full_at_its_most_and_takes_what_still_comes() {
        let mut backlog = Backlog::default();
        for number in 0..MOST as u64 {
            assert!(!backlog.is_full());
            backlog.push(TaskCommand::Unskip(vec![PointId::Num(number)]));
        }
        assert!(backlog.is_full());
        backlog.push(TaskCommand::Quit);
        assert_eq!(backlog.into_commands().last(), Some(TaskCommand::Quit));
    }
}
