//! Integration tests: one binary, since each further one would link all of LanceDB and Qdrant again. The modules
//! mirror `src/`.

mod support;

mod demo;
mod docs;
mod embed;
mod migrate;
mod operate;
mod pty;
pub(crate) mod screens;
