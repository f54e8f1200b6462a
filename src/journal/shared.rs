//! The journal for async code: one connection, used off the async threads.

use std::sync::{Arc, Mutex, PoisonError};

use super::Journal;

/// A journal that tasks share. Calls wait for one another.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Journal>>);

impl Shared {
    /// Shares a journal.
    pub fn new(journal: Journal) -> Self {
        Self(Arc::new(Mutex::new(journal)))
    }

    /// Runs `work` on the journal on a thread that may block.
    ///
    /// # Errors
    /// Those of `work`.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Journal) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<T> {
        let journal = self.clone();
        tokio::task::spawn_blocking(move || journal.run_here(work)).await?
    }

    /// Runs `work` on the journal on this thread, which must be one that may block.
    pub fn run_here<T>(&self, work: impl FnOnce(&mut Journal) -> T) -> T {
        // SQLite rolls an unfinished transaction back: a panic elsewhere leaves nothing half done.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
