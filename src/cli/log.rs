//! `qlance log`.

use clap::{Args, ValueEnum};

/// Which lines of the log.
#[derive(Debug, Clone, Args)]
pub struct LogArgs {
    /// Only what matters so much or more.
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub level: LogLevel,
    /// Only lines that hold this text, in capitals or not.
    #[arg(long)]
    pub text: Option<String>,
    /// The newest lines, so many at most.
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: u64,
    /// Print JSON lines.
    #[arg(long)]
    pub json: bool,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Good to know.
    Info,
    /// Look at it.
    Warn,
    /// Something did not work.
    Error,
}
