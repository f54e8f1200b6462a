//! Equal texts are embedded once: those done recently are remembered within a bound of bytes, those in flight are
//! waited for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::watch;

use super::{Embedding, Input, Role};
use crate::point::Failure;

/// Set in the first byte of what is digested for media, so that no text can spell a picture.
const MEDIA: u8 = 0x80;

/// What became of an input: its embedding, or why this input cannot have one.
pub type Outcome = Result<Embedding, Failure>;

/// A digest of role and content: 32 bytes stand for a text, a picture or a sound of any length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key([u8; 32]);

impl Key {
    /// The bytes of a key, for the disk.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A key from the disk.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key of an input.
    pub fn of(input: &Input, role: Role) -> Self {
        let mut hasher = blake3::Hasher::new();
        match input {
            Input::Text(text) => hasher.update(&[role as u8]).update(text.as_bytes()),
            Input::Image(media) => hasher.update(&[role as u8 | MEDIA, b'i']).update(&media.bytes),
            Input::Audio(media) => hasher.update(&[role as u8 | MEDIA, b'a']).update(&media.bytes),
        };
        Self(*hasher.finalize().as_bytes())
    }
}

#[derive(Clone)]
struct Weigh;

impl Weighter<Key, Embedding> for Weigh {
    fn weight(&self, _: &Key, embedding: &Embedding) -> u64 {
        (embedding.len() * 4 + 96) as u64
    }
}

/// What is remembered and what is in flight.
pub struct Flights {
    done: Option<Cache<Key, Embedding, Weigh>>,
    in_flight: Mutex<HashMap<Key, watch::Receiver<Option<Outcome>>>>,
}

/// How a key stands when asked for.
pub enum Boarding {
    /// Embedded recently.
    Done(Embedding),
    /// Somebody else's request holds it.
    Wait(watch::Receiver<Option<Outcome>>),
    /// Nobody has it: it is the caller's, who must [`Flights::land`] it or drop the ticket.
    Own(Ticket),
}

/// The duty to bring one key home. Dropping it (a request that failed as a whole) frees the key for others.
pub struct Ticket {
    key: Key,
    result: watch::Sender<Option<Outcome>>,
}

impl Ticket {
    /// The key.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

impl Flights {
    /// Remembers at most `bytes` of embeddings, of about `dimensions` numbers each; 0 remembers nothing.
    pub fn new(bytes: u64, dimensions: usize) -> Self {
        let entries = (bytes as usize / (dimensions * 4 + 96)).max(16);
        Self {
            done: (bytes > 0).then(|| Cache::with_weighter(entries, bytes, Weigh)),
            in_flight: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, watch::Receiver<Option<Outcome>>>> {
        self.in_flight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a key.
    pub fn board(&self, key: Key) -> Boarding {
        if let Some(embedding) = self.done.as_ref().and_then(|done| done.get(&key)) {
            return Boarding::Done(embedding);
        }
        let mut in_flight = self.lock();
        // It may have landed between the look and the lock.
        if let Some(embedding) = self.done.as_ref().and_then(|done| done.get(&key)) {
            return Boarding::Done(embedding);
        }
        // A receiver whose sender is gone belongs to a request that failed: the key is free again.
        if let Some(receiver) = in_flight.get(&key)
            && (receiver.borrow().is_some() || receiver.has_changed().is_ok())
        {
            return Boarding::Wait(receiver.clone());
        }
        let (result, receiver) = watch::channel(None);
        in_flight.insert(key, receiver);
        Boarding::Own(Ticket { key, result })
    }

    /// Forgets what is remembered of a key, so that it is embedded again.
    pub fn forget(&self, key: Key) {
        if let Some(done) = &self.done {
            done.remove(&key);
        }
    }

    /// Brings a key home: remembers the embedding and tells those who wait.
    pub fn land(&self, ticket: Ticket, outcome: Outcome) {
        if let (Ok(embedding), Some(done)) = (&outcome, &self.done) {
            done.insert(ticket.key, embedding.clone());
        }
        self.lock().remove(&ticket.key);
        let _ = ticket.result.send(Some(outcome));
    }

    /// Gives keys up whose request failed as a whole.
    pub fn abandon(&self, tickets: impl IntoIterator<Item = Ticket>) {
        for ticket in tickets {
            self.lock().remove(&ticket.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::of(&Input::Text(text.into()), Role::Document)
    }

    #[tokio::test]
    async fn one_owns_others_wait_and_later_ones_find_it_done() {
        let flights = Flights::new(1 << 20, 3);
        let Boarding::Own(ticket) = flights.board(key("a")) else {
            panic!("the first owns it")
        };
        let Boarding::Wait(mut waiting) = flights.board(key("a")) else {
            panic!("the second waits")
        };
        flights.land(ticket, Ok(vec![1.0, 2.0, 3.0].into()));
        let outcome = waiting.wait_for(Option::is_some).await.expect("landed").clone();
        assert_eq!(&*outcome.expect("some").expect("ok"), &[1.0, 2.0, 3.0]);
        assert!(matches!(flights.board(key("a")), Boarding::Done(_)));
        assert!(matches!(flights.board(key("b")), Boarding::Own(_)));
    }

    #[tokio::test]
    async fn an_abandoned_key_wakes_those_who_wait_and_can_be_owned_again() {
        let flights = Flights::new(0, 3);
        let Boarding::Own(ticket) = flights.board(key("a")) else {
            panic!("owned")
        };
        let Boarding::Wait(mut waiting) = flights.board(key("a")) else {
            panic!("waits")
        };
        flights.abandon([ticket]);
        assert!(
            waiting.wait_for(Option::is_some).await.is_err(),
            "told that nobody comes"
        );
        let Boarding::Own(ticket) = flights.board(key("a")) else {
            panic!("free again")
        };
        drop(ticket);
        assert!(
            matches!(flights.board(key("a")), Boarding::Own(_)),
            "a dropped ticket frees the key too"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let flights = Flights::new(10_000, 100);
        for n in 0..1_000 {
            if let Boarding::Own(ticket) = flights.board(key(&n.to_string())) {
                flights.land(ticket, Ok(vec![0.0; 100].into()));
            }
        }
        let kept = (0..1_000)
            .filter(|n| matches!(flights.board(key(&n.to_string())), Boarding::Done(_)))
            .count();
        assert!((1..=20).contains(&kept), "{kept} of 496 bytes each in 10,000");
    }
}
