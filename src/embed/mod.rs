//! Who makes embeddings: the [`Embedder`] trait, its implementations, and the [`Gateway`] that packs, limits, retries
//! and remembers in front of any of them.
//!
//! Knows `point` and `config` only. An embedder makes one request and reports what happened; deciding what a refusal
//! means for a point, and waiting, is the gateway's. Nothing here touches a store.
//!
//! ```text
//! inputs -> Gateway: remembered? in flight? -> pack -> gate (in flight, paused) -> Embedder -> check
//!                         ^                                                  |  rejected: bisect
//!                         +---------------- one result an input <------------+  outage: back off, try again
//! ```

pub mod answer;
pub mod budget;
pub mod dialect;
pub mod flights;
pub mod gate;
pub mod gateway;
pub mod gateways;
pub mod lengths;
pub mod limits;
mod make;
pub mod media;
#[cfg(feature = "minilm")]
pub mod minilm;
mod numbers;
pub mod openai;
pub mod rates;
pub mod refuse_once;
pub mod spool;
pub mod teaching;
pub mod tokens;
pub mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::config::Secret;
use crate::point::Modality;

pub use gate::Caller;
pub use gateway::{Gateway, GatewayError, Usage};
pub use gateways::Gateways;
pub use limits::UsedUp;
pub use make::{Made, embedders};

/// One embedding: `dimension` numbers, all finite, not all zero. Shared, because equal inputs share it.
pub type Embedding = Arc<[f32]>;

/// What is to be embedded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text(Arc<str>),
    /// A still picture.
    Image(Media),
    /// A sound.
    Audio(Media),
}

impl Input {
    /// Its modality.
    pub fn modality(&self) -> Modality {
        match self {
            Self::Text(_) => Modality::Text,
            Self::Image(_) => Modality::Image,
            Self::Audio(_) => Modality::Audio,
        }
    }
}

/// Bytes of a picture or a sound with their type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// The bytes as they were found.
    pub bytes: Arc<[u8]>,
    /// The MIME type, told from the content.
    pub mime: String,
}

/// What the embedding is for; some models want another prefix for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// What is searched.
    Document,
    /// What is searched for.
    Query,
}

/// The space that a vector lives in. Vectors of different spaces are never compared and never share a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// Who makes the vectors.
    pub provider: String,
    /// The model's name.
    pub model: String,
    /// Numbers a vector has.
    pub dimensions: usize,
    /// The prefix of documents.
    pub prefix: String,
    /// Whether vectors have length one.
    pub normalised: bool,
}

impl Space {
    /// Whether vectors of both can be compared with one another. A prefix goes before texts on their way to the model: it
    /// is part of what a column's vectors were made from, but does not take them to another space.
    pub fn shares(&self, other: &Self) -> bool {
        (&self.provider, &self.model, self.dimensions) == (&other.provider, &other.model, other.dimensions)
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.provider, self.model, self.dimensions)?;
        if !self.prefix.is_empty() {
            write!(f, " prefix {:?}", self.prefix)?;
        }
        Ok(())
    }
}

/// What an embedder can do.
#[derive(Debug, Clone)]
pub struct Capabilities {
    /// Modalities it takes.
    pub modalities: Vec<Modality>,
    /// The space of its vectors.
    pub space: Space,
    /// The model's name as the server knows it.
    pub model: String,
    /// Its section of the configuration, for messages.
    pub section: &'static str,
    /// Whether inputs of several modalities may share a request.
    pub mixes: bool,
    /// Inputs a request at most, as configured.
    pub max_inputs: usize,
    /// Inputs a request at most, whatever is configured: the provider's own limit.
    pub most_inputs: usize,
    /// Tokens a request at most.
    pub max_tokens: usize,
    /// Tokens an input at most.
    pub max_input_tokens: usize,
}

/// The answer to one request.
#[derive(Debug, Clone)]
pub struct Answer {
    /// One entry an input, in the order of the inputs: the numbers, or why they cannot be used.
    pub embeddings: Vec<Result<Embedding, String>>,
    /// Tokens as the server counted them; 0 where it does not say.
    pub tokens: u64,
}

/// Why one request failed. Only [`RequestError::Rejected`] speaks about the inputs.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RequestError {
    /// The server read the request and will not have its inputs.
    #[error("rejected: {0}")]
    Rejected(String),
    /// Too many requests for now.
    #[error("throttled: {message}")]
    Throttled {
        /// How long the server asks to wait.
        retry_after: Option<Duration>,
        /// What it said.
        message: String,
    },
    /// No answer, or one that says that the server is in trouble.
    #[error("{0}")]
    Outage(String),
    /// The answer cannot be what was asked for: wrong count, garbage.
    #[error("the answer makes no sense: {0}")]
    Protocol(String),
    /// Trying again cannot help: key refused, quota exhausted, model unknown, wrong dimension.
    #[error("{0}")]
    Fatal(String),
}

/// Makes embeddings, one request a call, without retrying.
pub trait Embedder: Send + Sync + 'static {
    /// What it can do; does not change while it lives.
    fn capabilities(&self) -> &Capabilities;

    /// A limit of the server's that is used up, as its newest answer said; asked after every request.
    fn used_up(&self) -> Option<UsedUp> {
        None
    }

    /// Takes a key that the operator has mended. Those without keys have nothing to take.
    fn set_key(&self, _key: Option<Secret>) {}

    /// How many tokens a text has, or an upper bound of it where the model's tokenizer is not at hand.
    fn count_tokens(&self, text: &str) -> tokens::Count;

    /// The same, exactly where the model's tokenizer is at hand; slower, for estimates and for cutting.
    fn count_exactly(&self, text: &str) -> tokens::Count;

    /// Embeds `inputs` (never empty, within the limits) for a role.
    fn embed<'a>(&'a self, inputs: &'a [Input], role: Role) -> BoxFuture<'a, Result<Answer, RequestError>>;
}
