//! The memory budget of a run: how many bytes may be between scroll and commit. Knows bytes and permits, nothing of
//! points.
//!
//! What points take is counted. What the allocator keeps of memory that they let go is not, and it creeps: in pieces too
//! small or too scattered to be given back, some tens of megabytes over a hundred thousand points. So once a run has
//! settled, what the process takes beyond the most that it took until then is held against the budget: fewer points are
//! in hand, what was kept is used again, and a long migration ends with the memory that it began with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// How often the process's memory is looked at: a page takes about as long.
const LOOK: Duration = Duration::from_millis(50);
/// How often the whole budget was taken when a run has settled: by then each kind of work was done several times.
const SETTLED: u64 = 2;

/// The budget. Counted in KiB, for a semaphore has no room for more bytes than fit an `u32`.
pub(super) struct Budget {
    room: Arc<Semaphore>,
    whole: u32,
    /// Taken since the run began.
    taken: AtomicU64,
    /// How many wait that need more than ballast would leave them.
    large: AtomicUsize,
}

/// One who needs more than ballast leaves, for as long as it waits.
struct Large<'a>(&'a AtomicUsize);

impl<'a> Large<'a> {
    fn of(budget: &'a Budget) -> Self {
        budget.large.fetch_add(1, Ordering::Relaxed);
        Self(&budget.large)
    }
}

impl Drop for Large<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Budget {
    /// A budget of so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        let whole = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).max(1);
        Self {
            room: Arc::new(Semaphore::new(whole as usize)),
            whole,
            taken: AtomicU64::new(0),
            large: AtomicUsize::new(0),
        }
    }

    /// Waits for room for so many bytes. What is larger than the whole budget takes all of it, and travels alone.
    pub(super) async fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, AcquireError> {
        let share = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).clamp(1, self.whole);
        let large = (share > beside_ballast(self.whole)).then(|| Large::of(self));
        let permit = Arc::clone(&self.room).acquire_many_owned(share).await?;
        drop(large);
        self.taken.fetch_add(u64::from(share), Ordering::Relaxed);
        Ok(permit)
    }

    /// Holds what the process takes too much against the budget, for as long as it is polled. `memory` tells its KiB; where
    /// nobody can tell them, there is nothing to be held.
    pub(super) async fn hold(&self, memory: impl Fn() -> Option<u64>) {
        let mut most = 0;
        let mut held: Option<OwnedSemaphorePermit> = None;
        loop {
            tokio::time::sleep(LOOK).await;
            let Some(now) = memory() else { return };
            if self.taken.load(Ordering::Relaxed) < SETTLED * u64::from(self.whole) {
                most = most.max(now);
                continue;
            }
            let wanted = match self.large.load(Ordering::Relaxed) {
                0 => ballast(now, most, self.whole),
                _ => 0,
            };
            let have = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            if let Some(more) = wanted.checked_sub(have as u32).filter(|more| *more > 0) {
                let mut more = std::pin::pin!(Arc::clone(&self.room).acquire_many_owned(more));
                loop {
                    match tokio::time::timeout(LOOK, &mut more).await {
                        Ok(Ok(more)) => match &mut held {
                            Some(held) => held.merge(more),
                            None => held = Some(more),
                        },
                        Ok(Err(_)) => return,
                        // Whoever came before and needs what is held here would else wait for ever, and this behind it.
                        Err(_) if self.large.load(Ordering::Relaxed) > 0 => held = None,
                        Err(_) => continue,
                    }
                    break;
                }
            } else if let Some(held) = &mut held {
                drop(held.split(have - wanted as usize));
            }
        }
    }
}

/// At most this much is ballast: the work goes on with what is left, however much memory something else takes.
fn most_ballast(whole: u32) -> u32 {
    whole / 2
}

/// What a page may take while there is ballast: a quarter of the budget may be with the group that waits to be committed,
/// and a page that had to wait for it would wait until the group is old enough.
fn beside_ballast(whole: u32) -> u32 {
    whole / 4
}

/// What is held against a budget of `whole` when the process takes `now`, and took `most` at most until the run had
/// settled: all that may be by the time it takes that much again, for then it has to stop.
fn ballast(now: u64, most: u64, whole: u32) -> u32 {
    let over = (now + u64::from(most_ballast(whole))).saturating_sub(most);
    u32::try_from(over).unwrap_or(u32::MAX).min(most_ballast(whole))
}

/// The memory of this process in KiB without that of its files, where the system tells it.
pub(super) fn own_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn ballast_grows_until_the_most_is_taken_again_to_half_of_the_budget() {
        for (now, expected) in [(0, 0), (980, 0), (984, 4), (1_000, 20), (1_010, 20), (u64::MAX / 2, 20)] {
            assert_eq!(ballast(now, 1_000, 40), expected, "{now}");
        }
        assert_eq!(ballast(1_000, 1_000, 1), 0, "the least budget is never held");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_memory() {
        let own = own_memory().expect("linux tells it");
        assert!((1_000..64 << 20).contains(&own), "{own}");
    }

    /// Polls `hold` beside `work`.
    async fn beside<T>(budget: &Budget, memory: &AtomicU64, work: impl Future<Output = T>) -> T {
        let holding = budget.hold(|| Some(memory.load(Ordering::Relaxed)));
        tokio::select! {
            () = holding => panic!("the memory is told"),
            done = work => done,
        }
    }

    /// Waits until so much room is left.
    async fn until_left(budget: &Budget, left: usize) {
        while budget.room.available_permits() != left {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test]
    async fn what_is_above_the_most_is_held_and_let_go_again_and_a_large_page_gets_all() {
        let budget = Budget::new(400 << 10);
        let memory = AtomicU64::new(5_000);
        beside(&budget, &memory, async {
            // Not settled: the most is still being found.
            tokio::time::sleep(3 * LOOK).await;
            assert_eq!(budget.room.available_permits(), 400);
            for _ in 0..SETTLED {
                drop(budget.take(400 << 10).await.expect("room"));
            }
            memory.store(4_000, Ordering::Relaxed);
            tokio::time::sleep(3 * LOOK).await;
            assert_eq!(budget.room.available_permits(), 400);
            for (now, left) in [(4_950, 250), (9_000, 200), (4_990, 210), (4_810, 390), (1, 400)] {
                memory.store(now, Ordering::Relaxed);
                until_left(&budget, left).await;
            }
            memory.store(9_000, Ordering::Relaxed);
            until_left(&budget, 200).await;
            // A usual page is let in beside it.
            assert_eq!(budget.take(100 << 10).await.expect("room").num_permits(), 100);
            until_left(&budget, 200).await;
            // All of it, although the process takes more than it should.
            let page = budget.take(1 << 30).await.expect("room");
            assert_eq!(page.num_permits(), 400);
            drop(page);
            until_left(&budget, 200).await;
        })
        .await;
    }

    #[tokio::test]
    async fn where_nobody_tells_the_memory_nothing_is_held() {
        let budget = Budget::new(400 << 10);
        budget.hold(|| None).await;
        assert_eq!(budget.room.available_permits(), 400);
    }
}
