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

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::migrate::Parts;
use crate::journal;

/// Why it did not come to its end.
pub const STOPPED: &str = "stopped by the operator";

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
}
