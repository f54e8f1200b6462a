//! The questions, what must be tried for the answer to one, and what came of it. Words only: nothing is asked here.

use crate::tasks::setup::{CollectionChoice, Refusal, Sampled, SourceAnswer};

/// The questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Where Qdrant is.
    Url,
    /// Which variable holds its key.
    SourceKey,
    /// Which collection.
    Collection,
    /// Which of its dense vectors, where there are several.
    Vector,
    /// Which field is embedded.
    Content,
    /// Where the table lies.
    Uri,
    /// What it is called.
    Table,
    /// Who embeds.
    Embedder,
    /// Where the embedder is.
    BaseUrl,
    /// Which model.
    Model,
    /// How many numbers.
    Dimensions,
    /// Which variable holds its key.
    EmbedKey,
    /// Everything once more.
    Review,
}

impl Step {
    /// The question.
    pub fn question(self) -> &'static str {
        match self {
            Self::Url => "Where is Qdrant? (gRPC address, or embedded:DIR)",
            Self::SourceKey => "Qdrant wants a key. Which environment variable holds it?",
            Self::Collection => "Which collection is moved?",
            Self::Vector => "Which dense vector may be embedded anew? (others go over as they are)",
            Self::Content => "Which payload field holds the text to embed?",
            Self::Uri => "Where does the LanceDB database lie? (a directory)",
            Self::Table => "What is the table called?",
            Self::Embedder => "Who makes the embeddings?",
            Self::BaseUrl => "Where is the embedder? (up to and with /v1)",
            Self::Model => "Which model?",
            Self::Dimensions => "How many numbers does an embedding have?",
            Self::EmbedKey => "Which environment variable holds its key? (empty: none is needed)",
            // The file stands behind it.
            Self::Review => "This will be written to",
        }
    }
}

/// What must be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Try {
    /// The collections of a server.
    Collections(SourceAnswer),
    /// The fields of a collection.
    Fields(SourceAnswer),
    /// A table at a place.
    Target(String, String),
    /// Whether anybody answers at the embedder's address.
    Server(String),
    /// The embedder of this configuration text.
    Embedder(String),
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Tried {
    /// The collections.
    Collections(Result<Vec<CollectionChoice>, Refusal>),
    /// The fields.
    Fields(Result<Sampled, Refusal>),
    /// The table can be made.
    Target(Result<(), Refusal>),
    /// Somebody answers at the embedder's address.
    Server(Result<(), Refusal>),
    /// The embedder gives so many numbers.
    Embedder(Result<usize, Refusal>),
}

/// What a key did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Nothing outside.
    Stay,
    /// This must be tried.
    Try(Try),
    /// Write this, and go on.
    Write(String),
    /// Leave; nothing was written.
    Leave,
}
