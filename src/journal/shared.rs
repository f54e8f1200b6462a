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
        let journal = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            // SQLite rolls an unfinished transaction back: a panic elsewhere leaves nothing half done.
            work(&mut journal.lock().unwrap_or_else(PoisonError::into_inner))
        })
        .await?
    }
}
