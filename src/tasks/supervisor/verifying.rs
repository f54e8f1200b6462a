//! Verification and repair: begun when nothing else is under way, told as they go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::state::{Done, Work, guarded};
use crate::lance::target::own_handle;
use crate::tasks::sync::{self, Sync};
use crate::tasks::verify::repair::{self, Mending};
use crate::tasks::verify::{self, Told, Verification, Verifier, Wish, export, kept};
use crate::tasks::{Level, Phase, TaskEvent};

/// Between two words on how far a check is.
const PROGRESS: Duration = Duration::from_millis(100);

impl Work {
    /// Verifies, unless something is under way.
    pub(super) async fn verify(&mut self, wish: Wish) {
        if !self.is_idle() {
            let why = "something else is under way; verify when it has ended";
            self.say(TaskEvent::Verified(Err(why.into()))).await;
            return;
        }
        self.verifying = true;
        self.stop_verify = CancellationToken::new();
        self.say(TaskEvent::VerifyBegun(wish.checks.clone())).await;
        let verifier = Verifier::of(&self.opening, self.inspector.clone());
        let (events, stop, finished) = (self.events.clone(), self.stop_verify.clone(), self.finished.clone());
        tokio::spawn(async move {
            let result = match guarded(told(&verifier, wish, events, stop)).await {
                Ok(result) => result,
                Err(panic) => Err(panic.into()),
            };
            let _ = finished.send(Done::Verified(result)).await;
        });
    }

    /// Takes over what a verification found, and keeps it.
    pub(super) async fn verified(&mut self, result: anyhow::Result<Verification>) {
        self.verifying = false;
        let result = match result {
            Ok(found) => {
                let found = Arc::new(found);
                self.verification = Some(Arc::clone(&found));
                let (directory, keep) = (self.opening.state_dir.clone(), Arc::clone(&found));
                let kept = tokio::task::spawn_blocking(move || kept::keep(&directory, &keep)).await;
                if let Err(error) = kept.map_err(anyhow::Error::from).and_then(|kept| kept) {
                    self.note(Level::Warn, format!("{error:#}")).await;
                }
                Ok(Box::new(Arc::unwrap_or_clone(found)))
            }
            Err(error) => Err(format!("{error:#}")),
        };
        self.say(TaskEvent::Verified(result)).await;
    }

    /// Shows the verification of an earlier session, where there was one.
    pub(super) async fn recall_verification(&mut self) {
        let directory = self.opening.state_dir.clone();
        let found = tokio::task::spawn_blocking(move || kept::kept(&directory)).await;
        match found.map_err(anyhow::Error::from).and_then(|found| found) {
            Ok(Some(found)) => self.say(TaskEvent::Verified(Ok(Box::new(found)))).await,
            Ok(None) => {}
            Err(error) => self.note(Level::Warn, format!("{error:#}")).await,
        }
    }

    /// Goes over both stores and adds what only the last verification knows.
    pub(super) async fn plan_repair(&mut self) {
        let Some(found) = self.verification.clone() else {
            let why = "nothing was verified in this session; verify first, then repair what that finds";
            self.say(TaskEvent::Compared(Err(why.into()))).await;
            return;
        };
        let mending = Mending::of(&found);
        if self.checkpoint.complete() {
            self.compare_with(Some(mending)).await;
        } else {
            self.plan_unfinished(mending).await;
        }
    }

    /// Writes the offenders of the last verification to a file.
    pub(super) fn export_offenders(&mut self, path: PathBuf) {
        let found = self.verification.clone();
        let directory = self.opening.state_dir.clone();
        self.errand(async move {
            let to = path.clone();
            let written = tokio::task::spawn_blocking(move || {
                let found = match found {
                    Some(found) => found,
                    None => Arc::new(kept::kept(&directory)?.context("nothing was verified yet")?),
                };
                export::export(&found, &directory, &to)
            });
            match written.await.map_err(anyhow::Error::from).and_then(|written| written) {
                Ok(count) => TaskEvent::OffendersExported(count, path),
                Err(error) => TaskEvent::Noted(Level::Error, format!("{error:#}")),
            }
        });
    }

    /// Goes over both stores; with `mending`, what a verification knows joins what is found.
    pub(super) async fn compare_with(&mut self, mending: Option<Mending>) {
        if let Some(why) = self.too_early() {
            self.say(TaskEvent::Compared(Err(why.into()))).await;
            return;
        }
        let sync = self.sync();
        self.mending.clone_from(&mending);
        self.set_phase(Phase::Comparing).await;
        let finished = self.finished.clone();
        tokio::spawn(async move {
            let work = async {
                // The writer's handle shows what it wrote last; something else may have written since.
                let own = own_handle(&sync.table()?).await?;
                let tables = watch::channel(Some(own)).1;
                let sync = Sync { tables, ..sync };
                let mut found = sync::compare(&sync).await?;
                if let Some(mending) = &mending {
                    repair::plan(&sync, mending, &mut found).await?;
                }
                anyhow::Ok(found)
            };
            let result = match guarded(work).await {
                Ok(result) => result,
                Err(panic) => Err(panic.into()),
            };
            let _ = finished.send(Done::Compared(result)).await;
        });
    }
}

/// Verifies, and tells how far it is. What comes too often is left out; a check's end never is.
async fn told(
    verifier: &Verifier,
    wish: Wish,
    events: mpsc::Sender<TaskEvent>,
    stop: CancellationToken,
) -> anyhow::Result<Verification> {
    let (tell, mut heard) = mpsc::unbounded_channel();
    let forward = async {
        while let Some(event) = heard.recv().await {
            // Whoever watched may be gone; the verification still ends cleanly.
            let _ = events.send(event).await;
        }
    };
    let work = async move {
        let last = std::sync::Mutex::new(None::<Instant>);
        let telling = move |told: Told<'_>| {
            let event = match told {
                Told::Checked(check) => TaskEvent::Checked(Box::new(check.clone())),
                Told::Progress(check, done, all) => {
                    let mut last = last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let soon = last.is_some_and(|last| last.elapsed() < PROGRESS);
                    if soon && done < all {
                        return;
                    }
                    *last = Some(Instant::now());
                    TaskEvent::VerifyProgressed(check, done, all)
                }
            };
            let _ = tell.send(event);
        };
        verify::verify(verifier, wish, telling, stop).await
    };
    let (result, ()) = tokio::join!(work, forward);
    result
}
