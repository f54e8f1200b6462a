//! Where points come from: the gRPC client, the id ranges to scroll, and the embedded Qdrant.
//!
//! Knows `point` and `config` only. Reads; the one place that writes is the embedded Qdrant's own store. Errors here
//! never speak of a single point, except for what one point's payload holds ([`wire`]).

#[cfg(feature = "embedded")]
pub mod embedded;
pub mod filter;
pub mod source;
pub mod wire;

pub use source::{CollectionFacts, Page, ReadPoint, Source, SourceError, VectorKind, id_of};
