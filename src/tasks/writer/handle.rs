//! The handle of the writer: what the rest of qlance holds of it. Knows messages, nothing of what becomes of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use lancedb::Table;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use super::{EmbeddedPage, Message, Parts, Task};
use crate::lance::Target;
use crate::tasks::invariant::{Fault, Invariant};

/// The handle of the writer task.
#[derive(Clone)]
pub struct Writer {
    messages: mpsc::Sender<Message>,
    broken: watch::Receiver<Option<Fault>>,
    table: watch::Receiver<Option<Table>>,
    run: Arc<AtomicU64>,
}

/// A writer that is gone cannot be asked anything: its task panicked.
const GONE: &str = "the writer task has ended";
/// Why a table that was let in for a repair is not written to.
const UNMENDED: &str = "the table was opened to be mended; nothing else is written before that";

impl Writer {
    /// Starts the task.
    pub fn spawn(parts: Parts) -> (Self, JoinHandle<Target>) {
        // Pages are bounded by the memory budget; the room only saves wake-ups.
        let (messages, inbox) = mpsc::channel(16);
        // Whatever rows are there would be taken for the job's own.
        let unmended = parts.unmended.then(|| Fault::trouble(UNMENDED));
        let (trouble, broken) = watch::channel(unmended.clone());
        let (published, table) = watch::channel(parts.target.table().cloned());
        let run = Arc::new(AtomicU64::new(0));
        let task = Task::new(parts, Arc::clone(&run), (trouble, unmended), published);
        (
            Self {
                messages,
                broken,
                table,
                run,
            },
            tokio::spawn(task.run(inbox)),
        )
    }

    /// The table for readers, once there is one. It sees every commit; nobody but this task may write to it.
    pub fn table(&self) -> watch::Receiver<Option<Table>> {
        self.table.clone()
    }

    /// The number of the run that pages belong to just now. A reset begins the next.
    pub fn run(&self) -> u64 {
        self.run.load(Ordering::Acquire)
    }

    /// Waits until a commit fails, and tells why.
    pub async fn broken(&self) -> Fault {
        let mut broken = self.broken.clone();
        let gone = || Fault::broken(Invariant::NoPanic, GONE);
        match broken.wait_for(Option::is_some).await {
            Ok(fault) => fault.clone().unwrap_or_else(gone),
            Err(_) => gone(),
        }
    }

    /// Hands a page over.
    ///
    /// # Errors
    /// The writer has ended.
    pub async fn page(&self, page: EmbeddedPage) -> anyhow::Result<()> {
        self.messages
            .send(Message::Page(Box::new(page)))
            .await
            .ok()
            .context(GONE)
    }

    /// Says that nothing more is read in this run. A writer that has ended says so itself when it is asked.
    pub async fn last_pages(&self) {
        let _ = self.messages.send(Message::LastPages).await;
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The writer has ended, or says so.
    pub async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<anyhow::Result<T>>) -> Message,
    ) -> anyhow::Result<T> {
        let (answer, answered) = oneshot::channel();
        self.messages.send(message(answer)).await.ok().context(GONE)?;
        answered.await.context(GONE)?
    }
}
