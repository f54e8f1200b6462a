//! `qlance failures`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with failed points.
#[derive(Debug, Subcommand)]
pub enum FailuresCommand {
    /// List them.
    List {
        /// Which.
        #[command(flatten)]
        which: WhichArgs,
        /// By what: the latest and those with the most attempts come first.
        #[arg(long, value_name = "ORDER", default_value = "id")]
        sort: SortBy,
        /// Failures at most; all if nothing is said.
        #[arg(long, value_name = "N")]
        limit: Option<u64>,
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Show one with every attempt and its payload in Qdrant.
    Show {
        /// The point's id.
        id: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Try them again; all if no id is given.
    Retry {
        /// Point ids.
        ids: Vec<String>,
        /// Which, where no id is given.
        #[command(flatten)]
        which: WhichArgs,
        /// Print one JSON object on stdout at the end.
        #[arg(long)]
        json: bool,
    },
    /// Try one again with another text in the place of its content; the point in Qdrant stays as it is.
    Edit {
        /// The point's id.
        id: String,
        /// The text.
        #[arg(long, required_unless_present = "file")]
        content: Option<String>,
        /// A file with the text.
        #[arg(long, conflicts_with = "content")]
        file: Option<PathBuf>,
        /// Print one JSON object on stdout at the end.
        #[arg(long)]
        json: bool,
    },
    /// Give them up, with a reason.
    Skip {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Take a skip back.
    Unskip {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write them to a file.
    Export {
        /// The file.
        #[arg(default_value = "failed_migrations.json")]
        file: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// In which order failures are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SortBy {
    /// Integers first, then UUIDs, as Qdrant orders them.
    Id,
    /// The latest first.
    Age,
    /// By cause.
    Cause,
    /// The most attempts first.
    Attempts,
}

/// Which failed points.
#[derive(Debug, Clone, Default, Args)]
pub struct WhichArgs {
    /// Only this cause as `failures list` shows it: `no_content`, `too_long`, `rejected`, ....
    #[arg(long, value_name = "CAUSE")]
    pub cause: Option<String>,
    /// Only where id, cause or message holds this text.
    #[arg(long)]
    pub text: Option<String>,
}
