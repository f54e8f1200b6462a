//! The commands for those who decide and for those who take over: `report`, `handover`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// What to write.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// The file; its ending says what it is: .html, .json or .md. `-` is stdout.
    #[arg(value_name = "FILE", default_value = "qlance-report.html")]
    pub file: PathBuf,
    /// What it is, where the file's ending does not say so.
    #[arg(long, value_name = "KIND")]
    pub format: Option<ReportFormat>,
    /// Name points and show a few of their contents; else there are only statistics.
    #[arg(long)]
    pub with_samples: bool,
    /// Print one JSON object about the file that was written.
    #[arg(long)]
    pub json: bool,
}

/// What a report is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One self-contained page.
    Html,
    /// All figures, of the schema in docs.
    Json,
    /// For a ticket.
    Markdown,
}

/// How to hand over.
#[derive(Debug, Clone, Args)]
pub struct HandoverArgs {
    /// Only the code for this language.
    #[arg(long, value_name = "LANGUAGE")]
    pub code: Option<CodeFor>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// A language that code is printed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CodeFor {
    /// Python with lancedb.
    Python,
    /// Rust with lancedb.
    Rust,
    /// TypeScript with @lancedb/lancedb.
    Typescript,
}
