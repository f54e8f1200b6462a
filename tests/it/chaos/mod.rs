//! Chaos, repeatable: a migration by the real binary among neighbours that misbehave, all of it drawn from one seed, and
//! an outside reader that says afterwards what is missing, there twice, broken, or paid for again.
//!
//! ```text
//!           proxy (cuts, stalls, is gone)          provider (429, 500, hangs, nonsense)
//!               |                                      |
//! Qdrant ----->-+-----> qlance run, killed and started again -----> table and journal, on a disk that may fill
//!                                                                        |
//! what the collection holds ------------------------------------> check -+-> verdict
//! ```
//!
//! Used by the short run in `short` and, with more rounds, by `cargo bench --bench chaos`. Asserts nothing itself: a round
//! ends in a [`check::Verdict`].

pub(crate) mod check;
mod collection;
mod disk;
mod plan;
mod process;
mod provider;
mod proxy;
mod round;
#[cfg(test)]
mod short;

pub(crate) use plan::{Mode, Plan};
pub(crate) use round::play;
