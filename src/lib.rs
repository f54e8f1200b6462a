//! qlance moves a vector collection from Qdrant to LanceDB and re-embeds it on the way, under an operator's eyes.
//!
//! The house, from the top; imports point one way, down:
//!
//! ```text
//! main      arguments, terminal, exit code: wiring only
//! cli       the command line's types
//! commands  one file a command: what `run`, `plan`, `failures`, `verify`, `compare`, `report`, `demo` do
//! console   the event loop between terminal, App and tasks
//! ui        one file a screen or pane; draws &App, decides nothing
//! app       App: update(Message) -> effects; the only place where screen state changes
//! report    what a migration's report says, in HTML, JSON and Markdown; only commands knows it
//! handover  what is open before the new store takes over, and code for asking it; only commands knows it
//! metrics   what is watched from outside: Prometheus, event log, spans; draws nothing
//! tasks     the background tokio tasks: supervisor, migrate (read, embed, write), retry, decide, inspect, plan, demo
//! journal   SQLite: ranges, failures and their attempts, decisions, edits, what was spent
//! qdrant    where points come from        embed  who makes embeddings        lance  where rows go
//! config    qlance.toml and the environment -> a checked Config; secrets never print
//! point     what a point is; knows nobody, does no I/O
//! ```
//!
//! Beside the house: `patience` says how long a neighbour that does not answer is asked again; `fault` panics on request,
//! in test builds only.

pub mod app;
pub mod cli;
pub mod commands;
pub mod config;
pub mod console;
pub mod embed;
mod fault;
pub mod handover;
pub mod journal;
pub mod lance;
pub mod metrics;
pub mod patience;
pub mod point;
pub mod qdrant;
pub mod report;
pub mod tasks;
pub mod ui;
