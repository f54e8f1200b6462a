//! Fetches pictures and sounds from wherever they are, and decides what a failed try means: the fault of one address,
//! or an outage of whoever should have it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use super::Where;
use super::address::{self, Address};
use super::again::{Neighbour, Neighbours, Remote, Trouble};
use super::budget::{Budget, Fetched};
use super::fetch::Web;
use super::guard::Guard;
use super::inline;
use super::local::Local;
use super::message::unreachable;
use super::store::Stores;
use crate::config::MediaConfig;
use crate::patience::{self, Outage, Then};
use crate::point::Failure;

/// Tries at one address before it is asked whose fault it is.
const TRIES: u32 = 3;
/// The pause after the first of them; the next is twice as long.
const PAUSE: Duration = Duration::from_millis(500);
/// The longest of these pauses, where nobody asks for another.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Fetches pictures and sounds, within the bounds of `[media]`. Cloning is cheap.
#[derive(Clone)]
pub struct Loader(Arc<Room>);

struct Room {
    web: Web,
    local: Local,
    stores: Stores,
    budget: Budget,
    /// How many are fetched at once.
    slots: Semaphore,
    neighbours: Neighbours,
    pause: Duration,
}

/// Why nothing was fetched.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// This picture or sound is to blame, and so its point.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// Whoever should have it no longer answers, however often they are asked. No point is to blame.
    #[error("media: no answer in {attempts} tries: {message}")]
    Outage {
        /// Tries made for this picture or sound.
        attempts: u32,
        /// How long nobody was answered.
        lasted: Duration,
        /// Who does not answer, and what the last try ended with.
        message: String,
    },
}

impl Loader {
    /// Makes a loader. Paths are relative to `media.root`, and that to `base_dir`. Outages of servers that have
    /// answered before are waited out for `patience`. At most `budget_mib` of fetched bytes are in memory at once, and
    /// never less than one item may have.
    ///
    /// # Errors
    /// The root is not there, or an entry of an allow-list cannot be read.
    pub fn new(config: &MediaConfig, base_dir: &Path, patience: Duration, budget_mib: u64) -> anyhow::Result<Self> {
        Self::with_pause(config, base_dir, patience, budget_mib, PAUSE)
    }

    fn with_pause(
        config: &MediaConfig,
        base_dir: &Path,
        patience: Duration,
        budget_mib: u64,
        pause: Duration,
    ) -> anyhow::Result<Self> {
        let timeout = Duration::from_secs(config.timeout_seconds);
        let guard = Guard::new(&config.allow_private)?;
        let local = Local::new(config.root.as_deref(), base_dir)?;
        let neighbours = Neighbours::new(patience);
        if let Some(root) = local.root() {
            // It was looked into: whatever it does not answer from now on is an outage.
            neighbours.answered(&Remote::File(root.to_owned()));
        }
        Ok(Self(Arc::new(Room {
            web: Web::new(guard, config.max_redirects, timeout)?,
            local,
            stores: Stores::new(&config.allow_stores, timeout)?,
            budget: Budget::new(budget_mib, config.max_mib),
            slots: Semaphore::new(config.max_in_flight.max(1)),
            neighbours,
            pause,
        })))
    }

    /// Fetches what is at a place. What was fetched counts as being in memory until it is dropped, and others wait for
    /// that: do not wait for a second one before the first is on its way out.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn fetch(&self, place: Where<'_>) -> Result<Fetched, LoadError> {
        let room = &*self.0;
        match place {
            Where::Inline(text) => Ok(inline::inline(text, &room.budget).await?),
            Where::Address(text) => match address::parse(text)? {
                Address::Data(data) => Ok(inline::data(data, &room.budget).await?),
                Address::File(path) => room.persevere(&Remote::File(path)).await,
                Address::Http(url) => room.persevere(&Remote::Web(url)).await,
                Address::Store(url) => {
                    room.stores.check(&url)?;
                    room.persevere(&Remote::Store(url)).await
                }
            },
        }
    }

    /// The server that has not answered for longest, if any does not, and since when.
    pub fn outage(&self) -> Option<(String, Outage)> {
        self.0.neighbours.outage()
    }

    /// Makes the next try now, whoever is waited for.
    pub fn try_now(&self) {
        self.0.neighbours.try_now();
    }

    /// Begins anew after a stop, with fresh patience.
    pub fn begin_anew(&self) {
        self.0.neighbours.begin_anew();
    }
}

impl Room {
    /// Tries until the bytes are there, or it is clear why they are not.
    async fn persevere(&self, remote: &Remote) -> Result<Fetched, LoadError> {
        let mut attempts = 0;
        let mut round = 0;
        loop {
            attempts += 1;
            round += 1;
            let (at, message, pause) = match self.attempt(remote).await {
                Ok(fetched) => return Ok(fetched),
                Err(Trouble::Failed(failure)) => return Err(failure.into()),
                Err(Trouble::Moment { at, message, pause }) => (at, message, pause),
            };
            if round < TRIES {
                let pause = pause.unwrap_or_else(|| patience::pause(self.pause, LONGEST_PAUSE, round));
                tokio::time::sleep(pause).await;
                continue;
            }
            let through = if *at == *remote {
                String::new()
            } else {
                format!(" at {at}")
            };
            let gone = |why: &str| unreachable(format!("cannot fetch {remote}: {message}{through} ({why})"));
            let Some(neighbour) = self.neighbours.of(&at) else {
                return Err(gone(&format!("{attempts} tries")).into());
            };
            if self.answers(&neighbour).await {
                return Err(gone(&format!(
                    "{attempts} tries, while {} answers for others",
                    neighbour.name()
                ))
                .into());
            }
            let message = format!("{} does not answer: {message}", neighbour.name());
            match neighbour.patience.failed(&message, Instant::now()) {
                Then::TryAt(_) => neighbour.patience.wait().await,
                Then::GiveUp => {
                    let since = neighbour.patience.outage().map(|outage| outage.since);
                    return Err(LoadError::Outage {
                        attempts,
                        lasted: since.map_or(Duration::ZERO, |since| since.elapsed()),
                        message,
                    });
                }
            }
            if neighbour.patience.outage().is_none() {
                // They are back: what fails from here on has its tries anew.
                round = 0;
            }
        }
    }

    async fn attempt(&self, remote: &Remote) -> Result<Fetched, Trouble> {
        // Nobody closes the slots.
        let _slot = self.slots.acquire().await;
        match remote {
            Remote::Web(url) => {
                let brought = self.web.fetch(url, &self.budget).await?;
                for remote in &brought.answered {
                    self.neighbours.answered(remote);
                }
                Ok(brought.fetched)
            }
            Remote::Store(url) => {
                let fetched = self.stores.fetch(url, &self.budget).await?;
                self.neighbours.answered(remote);
                Ok(fetched)
            }
            Remote::File(path) => {
                let fetched = self.local.fetch(path, &self.budget).await?;
                self.neighbours.answered(remote);
                Ok(fetched)
            }
        }
    }

    /// Whether a neighbour still answers for the address that it answered last.
    async fn answers(&self, neighbour: &Neighbour) -> bool {
        let witness = neighbour.witness();
        let _slot = self.slots.acquire().await;
        let answers = match &witness {
            Remote::Web(url) => self.web.answers(url).await,
            Remote::Store(url) => self.stores.answers(url).await,
            Remote::File(path) => self.local.answers(path).await,
        };
        if answers {
            self.neighbours.answered(&witness);
        }
        answers
    }
}

#[cfg(test)]
mod tests;
