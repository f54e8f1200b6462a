//! The commands that hold both stores against each other, point by point: `verify`, `diff`, `sync`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// How to verify.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// Only these checks; what is left out keeps the decision open.
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Look at the payloads and vectors of so many rows instead of all; the bound that this gives is told.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub sample: Option<u64>,
    /// What is drawn at random is drawn by this seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Queries for neighbours and for the index, each.
    #[arg(long, value_name = "N", default_value_t = crate::tasks::verify::QUERIES, value_parser = count_of_asked)]
    pub queries: usize,
    /// Contents that are embedded again, where that costs nothing or --pay allows it.
    #[arg(long, value_name = "N", default_value_t = crate::tasks::verify::AGAIN, value_parser = count_of_asked)]
    pub again: usize,
    /// Embedding contents again may cost something.
    #[arg(long)]
    pub pay: bool,
    /// What ends with exit code 4.
    #[arg(long, value_name = "DECISION", default_value = "no-go")]
    pub fail_on: FailOn,
    /// Bring both stores together after showing what that would do.
    #[arg(long)]
    pub repair: bool,
    /// Repair without asking: bring over, embed again, remove repeated rows.
    #[arg(long, short, requires = "repair")]
    pub yes: bool,
    /// Repair removes rows whose points are gone from Qdrant, without asking; without --yes the rest is asked for, or
    /// left.
    #[arg(long, requires = "repair")]
    pub remove_gone: bool,
    /// List this many offenders of each check.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub show: usize,
    /// Write all offenders to this file, as JSON lines.
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,
    /// Print one JSON object on stdout at the end; asks nothing.
    #[arg(long)]
    pub json: bool,
}

/// Which decisions end with exit code 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// NO-GO only.
    NoGo,
    /// NO-GO, and where nothing could be decided.
    Inconclusive,
}

fn count_of_asked(text: &str) -> Result<usize, String> {
    const MOST: usize = crate::tasks::verify::MOST_ASKED;
    match text.parse() {
        Ok(count @ 0..=MOST) => Ok(count),
        _ => Err(format!("use 0 to {MOST}")),
    }
}

/// What to compare.
#[derive(Debug, Clone, Default, Args)]
pub struct DiffArgs {
    /// Point ids; a random sample of both stores if none is given. Of a point that is named, what is missing on one side
    /// is told field by field as well.
    pub ids: Vec<String>,
    /// Tell the fields and vectors that are equal too.
    #[arg(long)]
    pub all_fields: bool,
    /// Print JSON lines, every differing field with it.
    #[arg(long)]
    pub json: bool,
}

/// How to catch up.
#[derive(Debug, Clone, Default, Args)]
pub struct SyncArgs {
    /// Bring over what is new or changed, without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// Remove rows whose points are gone from Qdrant, without asking; without --yes the rest is asked for, or left.
    #[arg(long)]
    pub remove_gone: bool,
    /// Only say what differs and what it would cost.
    #[arg(long, conflicts_with_all = ["yes", "remove_gone"])]
    pub dry_run: bool,
    /// Print one JSON object on stdout at the end; asks nothing.
    #[arg(long)]
    pub json: bool,
}
