//! The commands that move a collection, or say what that would do: `console`, `run`, `plan`, `demo`, `undo`.

use std::path::PathBuf;

use clap::Args;

/// How to run.
#[derive(Debug, Clone, Default, Args)]
pub struct RunArgs {
    /// Take over a table that another job made.
    #[arg(long)]
    pub adopt: bool,
    /// Print one JSON object on stdout at the end.
    #[arg(long)]
    pub json: bool,
    /// Begin at once: do not show the plan first. Without a screen this is always so.
    #[arg(long, short)]
    pub yes: bool,
    /// Requests in flight at most, for this run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub max_in_flight: Option<u64>,
    /// Inputs a request at most, for this run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=2_048))]
    pub max_batch_inputs: Option<u64>,
    /// Requests a minute at most, for this run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub requests_per_minute: Option<u64>,
    /// Tokens a minute at most, for this run.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub tokens_per_minute: Option<u64>,
    /// US dollars that the whole job may spend.
    #[arg(long, value_name = "USD")]
    pub budget_usd: Option<f64>,
    /// Serve Prometheus metrics under this address, such as 127.0.0.1:9464 or only a port, which is taken on loopback.
    #[arg(long, value_name = "ADDR")]
    pub metrics: Option<String>,
}

/// How to plan.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// How to demonstrate.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Messages in the collection.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    pub points: u64,
    /// Where everything is put.
    #[arg(long, default_value = "qlance-demo")]
    pub dir: PathBuf,
    /// Show a joint space of texts, pictures and sounds: a teaching aid in the place of MiniLM, which knows texts only.
    #[arg(long)]
    pub joint: bool,
    /// Seed of the generated messages.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Throw an earlier demo in that directory away and start over.
    #[arg(long, conflicts_with = "resume")]
    pub fresh: bool,
    /// Go on with an earlier demo in that directory without asking.
    #[arg(long)]
    pub resume: bool,
    /// Print one JSON object on stdout at the end, the one of `run`; asks nothing.
    #[arg(long)]
    pub json: bool,
}

/// How to undo.
#[derive(Debug, Clone, Default, Args)]
pub struct UndoArgs {
    /// Do not ask.
    #[arg(long, short)]
    pub yes: bool,
    /// Print one JSON object on stdout at the end; asks nothing.
    #[arg(long)]
    pub json: bool,
}
