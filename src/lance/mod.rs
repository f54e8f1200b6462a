//! Where rows go: the table's schema, payload <-> row, commits that carry the scroll cursor, and reading back.
//!
//! Knows `point` and `config` only. Nothing here waits for Qdrant or for an embedder. All commits of a job go through
//! one [`Target`] that one task owns.

pub mod audit;
pub mod browse;
pub mod checkpoint;
pub mod decode;
pub mod encode;
pub mod exact;
pub mod filter;
pub mod index;
pub mod read;
pub mod repeats;
pub mod schema;
pub mod search;
pub mod target;

pub use checkpoint::{CaughtUp, Checkpoint};
pub use decode::{DecodeError, Row, RowDecoder};
pub use encode::{NewRow, encode};
pub use schema::{Column, Role, TableSchema, VectorColumn};
pub use target::{Opened, Target, TargetError};
