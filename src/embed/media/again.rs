//! What may be there later: which neighbours have answered before, so that an outage of one of them is told from a bad
//! address, and how long each is waited for.
//!
//! An address is to blame only while its neighbour answers for others: of each neighbour one address that was answered
//! is remembered, the witness, and asked again before a picture or sound is given up.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use url::{Position, Url};

use super::message::{shown, shown_text};
use crate::patience::{Outage, Patience};
use crate::point::Failure;

/// What the root of local files is called.
const ROOT: &str = "media.root";
/// Neighbours remembered.
const MAX_KNOWN: usize = 256;
/// The first pause of an outage.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause of an outage.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Where something is that somebody else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Remote {
    /// At a web server.
    Web(Url),
    /// In an object store.
    Store(Url),
    /// Below the root of local files, or the root itself.
    File(PathBuf),
}

impl Remote {
    /// Whose it is: scheme, host and port, or store and container; of files the root, of which there is one.
    fn neighbour(&self) -> &str {
        match self {
            Self::Web(url) | Self::Store(url) => &url[..Position::BeforePath],
            Self::File(_) => ROOT,
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&match self {
            Self::Web(url) | Self::Store(url) => shown(url),
            Self::File(path) => shown_text(&path.to_string_lossy()),
        })
    }
}

/// Why one try did not bring the bytes.
#[derive(Debug)]
pub(super) enum Trouble {
    /// This picture or sound is to blame.
    Failed(Failure),
    /// It may be there later.
    Moment {
        /// What did not answer as it should, after all redirects.
        at: Box<Remote>,
        /// What happened.
        message: String,
        /// How long it asks to wait.
        pause: Option<Duration>,
    },
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Those who have answered in this process, at most 256, the root of local files among them.
#[derive(Debug)]
pub(super) struct Neighbours {
    known: Mutex<HashMap<String, Arc<Neighbour>>>,
    limit: Duration,
}

/// Somebody who has answered.
#[derive(Debug)]
pub(super) struct Neighbour {
    name: String,
    pub(super) patience: Patience,
    answered: Mutex<(Remote, Instant)>,
}

impl Neighbours {
    /// Knows nobody yet; outages are waited out for `limit`.
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            known: Mutex::default(),
            limit,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Neighbour>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody answered for an address: an outage of theirs is over.
    pub(super) fn answered(&self, remote: &Remote) {
        let now = Instant::now();
        let mut known = self.lock();
        if let Some(neighbour) = known.get(remote.neighbour()) {
            *neighbour.lock() = (remote.clone(), now);
            neighbour.patience.answered(now);
            return;
        }
        if known.len() >= MAX_KNOWN {
            // The root is known from the beginning, and for good.
            let others = known.values().filter(|neighbour| neighbour.name != ROOT);
            let oldest = others.min_by_key(|neighbour| neighbour.lock().1);
            let oldest = oldest.map(|neighbour| neighbour.name.clone());
            if let Some(name) = oldest {
                known.remove(&name);
            }
        }
        let name = remote.neighbour().to_owned();
        let neighbour = Neighbour {
            name: name.clone(),
            patience: Patience::new(LEAST_PAUSE, LONGEST_PAUSE, self.limit),
            answered: Mutex::new((remote.clone(), now)),
        };
        known.insert(name, Arc::new(neighbour));
    }

    /// Whose something is, if they have answered before.
    pub(super) fn of(&self, remote: &Remote) -> Option<Arc<Neighbour>> {
        self.lock().get(remote.neighbour()).map(Arc::clone)
    }

    /// The neighbour that has not answered for longest, if any does not.
    pub(super) fn outage(&self) -> Option<(String, Outage)> {
        self.lock()
            .values()
            .filter_map(|neighbour| Some((neighbour.name.clone(), neighbour.patience.outage()?)))
            .min_by_key(|(_, outage)| outage.since)
    }

    /// Makes the next try with each of them now.
    pub(super) fn try_now(&self) {
        self.lock().values().for_each(|neighbour| neighbour.patience.try_now());
    }

    /// Begins anew with fresh patience.
    pub(super) fn begin_anew(&self) {
        self.lock().values().for_each(|neighbour| neighbour.patience.forget());
    }
}

impl Neighbour {
    fn lock(&self) -> MutexGuard<'_, (Remote, Instant)> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Scheme, host and port; or what the root of local files is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The address that was answered last.
    pub(super) fn witness(&self) -> Remote {
        self.lock().0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web(text: &str) -> Remote {
        Remote::Web(Url::parse(text).expect("a URL"))
    }

    #[test]
    fn neighbours_are_known_by_scheme_host_and_port() {
        let neighbours = Neighbours::new(Duration::from_secs(60));
        assert!(neighbours.of(&web("https://h.example/a")).is_none());
        neighbours.answered(&web("https://h.example/a"));
        neighbours.answered(&web("https://h.example:443/b?key=1"));
        for (other, known) in [
            ("https://h.example/c", true),
            ("http://h.example/a", false),
            ("https://h.example:8443/a", false),
            ("https://other.example/a", false),
        ] {
            assert_eq!(neighbours.of(&web(other)).is_some(), known, "{other}");
        }
        let known = neighbours.of(&web("https://h.example/c")).expect("known");
        assert_eq!(
            (known.name(), known.witness()),
            ("https://h.example", web("https://h.example/b?key=1"))
        );
        assert_eq!(known.witness().to_string(), "https://h.example/b");
    }

    #[test]
    fn an_outage_is_told_and_ends_when_somebody_is_answered() {
        let neighbours = Neighbours::new(Duration::from_secs(60));
        let remote = web("https://h.example/a");
        neighbours.answered(&remote);
        assert_eq!(neighbours.outage(), None);
        let neighbour = neighbours.of(&remote).expect("known");
        neighbour.patience.failed("refused", Instant::now());
        let (name, outage) = neighbours.outage().expect("an outage");
        assert_eq!((name.as_str(), &*outage.message), ("https://h.example", "refused"));
        neighbours.try_now();
        neighbours.answered(&web("https://h.example/b"));
        assert_eq!(neighbours.outage(), None);
        neighbour.patience.failed("refused", Instant::now());
        neighbours.begin_anew();
        assert_eq!(neighbours.outage(), None);
    }

    #[test]
    fn no_more_than_so_many_are_remembered() {
        let neighbours = Neighbours::new(Duration::ZERO);
        let root = Remote::File("/srv/media".into());
        neighbours.answered(&root);
        for number in 0..MAX_KNOWN + 10 {
            neighbours.answered(&web(&format!("http://h{number}.example/")));
        }
        assert_eq!(neighbours.lock().len(), MAX_KNOWN);
        assert!(neighbours.of(&web("http://h0.example/")).is_none(), "the oldest went");
        assert!(neighbours.of(&root).is_some(), "the root stays");
        assert!(
            neighbours
                .of(&web(&format!("http://h{}.example/", MAX_KNOWN + 9)))
                .is_some()
        );
    }
}
