//! The bytes of media that may be in memory at once. Whoever is about to read something takes its share first, and
//! gives it back when the bytes are gone.
//!
//! A share is taken in one go, never piece by piece: two that each wait for the other's half would wait for ever.

use std::fmt;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::message::too_many_bytes;
use crate::point::Failure;

/// What is shared out.
#[derive(Debug)]
pub(super) struct Budget {
    kib: Arc<Semaphore>,
    all_kib: u32,
    /// Bytes that one picture or sound may have.
    max_bytes: u64,
}

impl Budget {
    /// Shares out so many mebibytes, at least one item's worth.
    pub(super) fn new(budget_mib: u64, max_mib: u64) -> Self {
        let mib = budget_mib.max(max_mib).clamp(1, 1 << 20);
        let all_kib = (mib << 10) as u32;
        Self {
            kib: Arc::new(Semaphore::new(all_kib as usize)),
            all_kib,
            max_bytes: max_mib << 20,
        }
    }

    /// Bytes that one picture or sound may have.
    pub(super) fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    /// Waits for a share of so many bytes, or of the largest item's where nobody knows.
    ///
    /// # Errors
    /// No item may be so large; nothing was waited for.
    pub(super) async fn take(&self, what: &str, bytes: Option<u64>) -> Result<Share, Failure> {
        if let Some(bytes) = bytes.filter(|bytes| *bytes > self.max_bytes) {
            return Err(too_many_bytes(what, Some(bytes), self.max_bytes));
        }
        let kib = kib(bytes.unwrap_or(self.max_bytes)).min(self.all_kib);
        // Nobody closes it.
        let permit = Arc::clone(&self.kib).acquire_many_owned(kib).await.ok();
        Ok(Share(permit))
    }

    #[cfg(test)]
    pub(super) fn free_kib(&self) -> usize {
        self.kib.available_permits()
    }
}

fn kib(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1_024).max(1)).unwrap_or(u32::MAX)
}

/// A share of the memory, given back when it is dropped.
pub(super) struct Share(Option<OwnedSemaphorePermit>);

impl Share {
    /// Gives back what is more than so many bytes.
    pub(super) fn keep(&mut self, bytes: usize) {
        if let Some(permit) = &mut self.0 {
            let surplus = permit.num_permits().saturating_sub(kib(bytes as u64) as usize);
            drop(permit.split(surplus));
        }
    }
}

/// Bytes that were fetched. As long as this lives, they count as being in memory.
pub struct Fetched {
    /// The bytes as they were found.
    pub bytes: Arc<[u8]>,
    _share: Share,
}

impl Fetched {
    /// Bytes within their share, of which the rest is given back.
    pub(super) fn new(bytes: Vec<u8>, mut share: Share) -> Self {
        share.keep(bytes.len());
        Self {
            bytes: bytes.into(),
            _share: share,
        }
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fetched({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Cause;

    const MIB: u64 = 1 << 20;

    #[tokio::test]
    async fn shares_are_taken_before_and_given_back_after() {
        let budget = Budget::new(3, 2);
        assert_eq!(budget.free_kib(), 3 * 1_024);
        let unknown = budget.take("it", None).await.expect("a share");
        assert_eq!(budget.free_kib(), 1_024, "the largest, where nobody knows");
        let fetched = Fetched::new(vec![0; 1_025], unknown);
        assert_eq!(budget.free_kib(), 3 * 1_024 - 2, "what is there, in whole KiB");
        assert_eq!(fetched.bytes.len(), 1_025);
        let known = budget.take("it", Some(0)).await.expect("a share");
        assert_eq!(budget.free_kib(), 3 * 1_024 - 3);
        drop((fetched, known));
        assert_eq!(budget.free_kib(), 3 * 1_024);
    }

    #[tokio::test]
    async fn what_never_fits_is_refused_at_once_and_what_fits_waits() {
        let budget = Budget::new(1, 2);
        assert_eq!(budget.free_kib(), 2 * 1_024, "one item always fits");
        let failed = budget.take("it", Some(2 * MIB + 1)).await.err().expect("too large");
        assert_eq!(failed.cause, Cause::MediaTooLarge);
        let held = budget.take("it", Some(2 * MIB)).await.expect("a share");
        let waiting = budget.take("it", Some(1));
        tokio::pin!(waiting);
        assert!(futures::poll!(waiting.as_mut()).is_pending());
        drop(held);
        assert!(waiting.await.is_ok());
    }
}
