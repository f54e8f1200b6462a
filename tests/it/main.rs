//! Integration tests: one binary, since each further one would link all of LanceDB and Qdrant again. The modules
//! mirror `src/`.

mod support;

mod catching_up;
mod chaos;
mod compare;
mod demo;
mod demo_evaluation;
mod docs;
mod embed;
mod faults;
mod filter;
mod handover;
mod headless;
mod init;
mod kept_vectors;
mod live;
mod looking;
mod metrics;
mod migrate;
mod multimodal;
mod operate;
mod pages;
mod pty;
mod refused;
mod report;
mod samples;
pub(crate) mod screens;
mod search;
mod supervised;
mod sync;
mod undo;
mod verify;
mod writer;
