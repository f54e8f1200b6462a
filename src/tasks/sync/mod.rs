//! Catching up: the source may be written to while the migration runs. Both stores are gone through once more, in bounded
//! memory; what differs is listed in the journal ([`compare`]), shown to the operator, and brought over ([`apply`]).
//!
//! ```text
//! Qdrant, scrolled in id order -> rows of those ids -> same | new | changed     } counts and the journal's drift
//! more rows than were met?     -> ids of the table  -> gone from Qdrant         }
//! ```
//!
//! Begins only after the scroll of the migration has ended; all commits go through the one writer.

mod apply;
mod compare;

pub use apply::{CaughtUp, Wanted, apply};
pub(super) use compare::estimate;
pub use compare::{Difference, compare};

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::migrate::{PageSize, Parts};
use crate::journal;

/// Why it did not come to its end.
pub const STOPPED: &str = "stopped by the operator";
/// Points of one round at most: one read, one commit.
const ROUND: usize = 500;
/// Of what may be in hand, a page has this part: the next one comes meanwhile, the rows of the page are as large, and what
/// is made of both is as large again.
const SHARES: usize = 4;

/// What catching up needs.
#[derive(Clone)]
pub struct Sync {
    /// The parts of a migration.
    pub parts: Parts,
    /// The journal.
    pub journal: journal::Shared,
    /// The table.
    pub tables: watch::Receiver<Option<lancedb::Table>>,
    /// Points gone through, for the screen.
    pub seen: Arc<AtomicU64>,
    /// Cuts it off.
    pub stop: CancellationToken,
    /// How many points the next round may have; set with the first.
    pub(super) rounds: Arc<Mutex<Option<PageSize>>>,
}

impl Sync {
    pub(super) fn table(&self) -> anyhow::Result<lancedb::Table> {
        use anyhow::Context as _;
        self.tables.borrow().clone().context("there is no table yet")
    }

    pub(super) fn check_stop(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.stop.is_cancelled(), STOPPED);
        Ok(())
    }

    /// Waits for an answer of Qdrant's, whose outages are waited out, unless the operator stops it meanwhile.
    pub(super) async fn unless_stopped<T, E>(&self, ask: impl Future<Output = Result<T, E>>) -> anyhow::Result<T>
    where
        anyhow::Error: From<E>,
    {
        tokio::select! {
            answer = ask => Ok(answer?),
            () = self.stop.cancelled() => anyhow::bail!(STOPPED),
        }
    }

    /// Pages of at most so many points, each with its share of what may be in hand.
    fn pages(&self, most: u32) -> PageSize {
        PageSize::new(
            most,
            self.parts.in_hand_bytes / SHARES,
            self.parts.source.bytes_a_point(),
        )
    }

    /// Points of the next round.
    pub(super) fn round(&self) -> usize {
        self.sized(|size| size.next() as usize)
    }

    /// A round had so many points, and so many bytes of them were in memory.
    fn weigh(&self, points: usize, bytes: usize) {
        tracing::debug!(points, bytes, "a round came");
        self.sized(|size| size.came(points, bytes, false));
    }

    fn sized<T>(&self, act: impl FnOnce(&mut PageSize) -> T) -> T {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        act(rounds.get_or_insert_with(|| self.pages(self.parts.round(ROUND) as u32)))
    }
}
