//! The console's way to the work. What the work cannot take yet waits here in its order: the screen has changed already
//! with what was asked for, and waits for the answer.

use crossterm::event::{KeyCode, KeyModifiers};
use tokio::sync::mpsc;

use crate::app::Message;
use crate::tasks::TaskCommand;
use crate::tasks::backlog::Backlog;

/// The channel of commands, and what waits in front of it.
pub(super) struct Outbox {
    commands: mpsc::Sender<TaskCommand>,
    backlog: Backlog,
}

impl Outbox {
    pub(super) fn new(commands: mpsc::Sender<TaskCommand>) -> Self {
        Self {
            commands,
            backlog: Backlog::default(),
        }
    }

    /// Gives the work a command, or keeps it until there is room. The screen never waits for the work. Answers whether
    /// it is the first one that has to wait.
    pub(super) fn send(&mut self, command: TaskCommand) -> bool {
        let is_first = self.backlog.is_empty();
        let command = if is_first {
            match self.commands.try_send(command) {
                Err(mpsc::error::TrySendError::Full(command)) => command,
                // Where the supervisor is gone, so is the loop in a moment.
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return false,
            }
        } else {
            command
        };
        self.backlog.push(command);
        is_first
    }

    /// Whether something waits for room.
    pub(super) fn is_waiting(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Waits for room, and gives the work what has waited longest. Given up, nothing is lost.
    pub(super) async fn pass_on(&mut self) {
        match self.commands.reserve().await {
            Ok(room) => {
                if let Some(command) = self.backlog.pop() {
                    room.send(command);
                }
            }
            Err(_) => self.backlog = Backlog::default(),
        }
    }

    /// Whether this comes from the operator and must not be taken: what it may ask for could not be kept. Ctrl-C and
    /// Ctrl-Z always are.
    pub(super) fn refuses(&self, message: &Message) -> bool {
        let asks = match message {
            Message::Key(key) => {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                !(control && matches!(key.code, KeyCode::Char('c' | 'z')))
            }
            Message::Mouse(_) | Message::Paste(_) => true,
            _ => false,
        };
        asks && self.backlog.is_full()
    }

    /// Another way to the work, for who follows it without the screen.
    pub(super) fn sender(&self) -> mpsc::Sender<TaskCommand> {
        self.commands.clone()
    }

    /// Gives the work all that waits, and then this.
    pub(super) async fn end_with(self, last: TaskCommand) {
        for command in self.backlog.into_commands().chain([last]) {
            if self.commands.send(command).await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyEvent;

    use super::*;
    use crate::point::PointId;

    fn unskip(number: u64) -> TaskCommand {
        TaskCommand::Unskip(vec![PointId::Num(number)])
    }

    #[tokio::test]
    async fn what_finds_no_room_follows_in_its_order() {
        let (commands, mut inbox) = mpsc::channel(2);
        let mut outbox = Outbox::new(commands);
        let first: Vec<bool> = (0..5).map(|number| outbox.send(unskip(number))).collect();
        assert_eq!(first, [false, false, true, false, false], "it is said once");
        for number in 0..5 {
            assert_eq!(inbox.recv().await, Some(unskip(number)));
            if outbox.is_waiting() {
                outbox.pass_on().await;
            }
        }
        assert!(!outbox.is_waiting());
        assert!(!outbox.send(unskip(9)), "there is room again");
        assert_eq!(inbox.recv().await, Some(unskip(9)));
    }

    #[tokio::test]
    async fn the_last_word_comes_behind_all_that_waits() {
        let (commands, mut inbox) = mpsc::channel(1);
        let mut outbox = Outbox::new(commands);
        for number in 0..3 {
            outbox.send(unskip(number));
        }
        let told = tokio::spawn(outbox.end_with(TaskCommand::Quit));
        for number in 0..3 {
            assert_eq!(inbox.recv().await, Some(unskip(number)));
        }
        assert_eq!(inbox.recv().await, Some(TaskCommand::Quit));
        told.await.expect("all was said");
    }

    #[tokio::test]
    async fn without_the_work_nothing_waits() {
        let (commands, inbox) = mpsc::channel(1);
        let mut outbox = Outbox::new(commands);
        outbox.send(unskip(0));
        outbox.send(unskip(1));
        drop(inbox);
        outbox.pass_on().await;
        assert!(!outbox.is_waiting());
        assert!(!outbox.send(unskip(2)));
        assert!(!outbox.is_waiting());
    }

    #[test]
    fn keys_are_refused_once_too_much_waits_but_never_those_that_leave() {
        let (commands, _inbox) = mpsc::channel(1);
        let mut outbox = Outbox::new(commands);
        let key = |code, modifiers| Message::Key(KeyEvent::new(code, modifiers));
        let down = key(KeyCode::Down, KeyModifiers::NONE);
        assert!(!outbox.refuses(&down));
        for number in 0..2_000 {
            outbox.send(unskip(number));
        }
        assert!(outbox.refuses(&down));
        assert!(outbox.refuses(&Message::Paste("text".into())));
        for message in [
            key(KeyCode::Char('c'), KeyModifiers::CONTROL),
            key(KeyCode::Char('z'), KeyModifiers::CONTROL),
            Message::Tick,
            Message::StopAsked,
        ] {
            assert!(!outbox.refuses(&message), "{message:?}");
        }
    }
}
