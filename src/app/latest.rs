//! The latest failures on the Migrate screen: a click on one opens it among all failures.

use super::{App, Effect, Screen, sending};
use crate::tasks::TaskCommand;

impl App {
    /// Opens one of the latest failures, by its place from the newest.
    pub(super) fn open_latest(&mut self, place: u64) -> Vec<Effect> {
        let found = usize::try_from(place).ok().and_then(|place| self.latest.get(place));
        let Some(id) = found.map(|(id, _)| *id) else {
            return Vec::new();
        };
        self.screen = Screen::Failures;
        self.failures.seek(id);
        sending(Some(TaskCommand::ReadFailure(id)))
    }
}
