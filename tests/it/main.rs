//! Integration tests: one binary, since each further one would link all of LanceDB and Qdrant again. The modules
//! mirror `src/`.

mod support;

mod chaos;
mod demo;
mod docs;
mod embed;
mod faults;
mod filter;
mod migrate;
mod multimodal;
mod operate;
mod pty;
mod samples;
pub(crate) mod screens;
mod search;
mod sync;
mod undo;
mod writer;
