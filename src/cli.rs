//! The command line's types. Meaning is given to them in `commands`.

mod init;
mod live;
mod log;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use init::{InitArgs, InitProfile, InitProvider};
pub use live::{LiveCommand, LiveSettings};
pub use log::{LogArgs, LogLevel};

/// Moves a vector collection from Qdrant to LanceDB and re-embeds it on the way.
#[derive(Debug, Parser)]
#[command(version, about, long_about = None, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// The configuration.
    #[arg(long, global = true, value_name = "FILE", default_value = "qlance.toml")]
    pub config: PathBuf,
    /// Where journal, log and lock lie; `.qlance` beside the configuration if not given.
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// No screen: plain progress on stderr. Taken for granted where stdout is no terminal.
    #[arg(long, global = true)]
    pub no_tui: bool,
    /// Colours on the screen.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorWhen,
    /// Only ASCII characters on the screen.
    #[arg(long, global = true)]
    pub ascii: bool,
    /// Leave the mouse to the terminal: it selects text, and no click reaches the screen.
    #[arg(long, global = true)]
    pub no_mouse: bool,
    /// What to do; the console if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "\
Exit codes: 0 complete; 1 error; 2 usage or configuration; 3 complete with failed points; 4 verification says no;
5 stopped early, resumable; 130 second Ctrl-C";

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// Unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a configuration: the questions of the set-up, each answer tried at once.
    Init(InitArgs),
    /// Migrate (or go on with it) under your eyes: the default.
    Console(RunArgs),
    /// Migrate (or go on with it) without a screen.
    Run(RunArgs),
    /// Say what a run would do, without reading all points, embedding or writing.
    Plan(PlanArgs),
    /// Steer the qlance that is at work on this job: how it stands, pause, resume, try now, stop, settings.
    #[command(subcommand)]
    Live(LiveCommand),
    /// Failed points: list, show, retry, edit, skip, export.
    #[command(subcommand)]
    Failures(FailuresCommand),
    /// Rows by how far their embedding lies from Qdrant's vector: list, show, embed again, keep, accept.
    #[command(subcommand)]
    Divergence(DivergenceCommand),
    /// Compare points of both stores: those named, or a random sample.
    Diff(DiffArgs),
    /// Ask both stores one query, by text, picture or sound.
    Search(SearchArgs),
    /// Measure how well and how fast the new store finds things, for every pair of modalities.
    Evaluate(EvaluateArgs),
    /// May the new store take over? Checks both stores against each other and says GO, NO-GO or INCONCLUSIVE.
    Verify(VerifyArgs),
    /// Measure both stores with the same queries: latency, queries a second, recall, disk, index time.
    Compare(CompareArgs),
    /// Write one page about the migration, for those who decide: HTML, JSON or Markdown.
    Report(ReportArgs),
    /// What is still open before the new store takes over, and code for opening and asking it.
    Handover(HandoverArgs),
    /// Go over both stores once more and bring over what was written to Qdrant since; asks before it does.
    Sync(SyncArgs),
    /// Take the table back to what it was before this job; asks before it does.
    Undo(UndoArgs),
    /// List the points whose text was longer than the model takes, and what was embedded of it.
    Shortened {
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Say what happened, in every run of the job: the lines of the console's log.
    Log(LogArgs),
    /// Show the whole configuration, every default visible.
    Config {
        /// Print one JSON object: what was checked, without the settings that have no value.
        #[arg(long)]
        json: bool,
    },
    /// Make a small chat collection and migrate it, with everything in process.
    Demo(DemoArgs),
    /// Shell completions.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

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

/// A modality on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModalityArg {
    /// Written words.
    Text,
    /// Still pictures.
    Image,
    /// Sounds.
    Audio,
}

impl From<ModalityArg> for crate::point::Modality {
    fn from(modality: ModalityArg) -> Self {
        match modality {
            ModalityArg::Text => Self::Text,
            ModalityArg::Image => Self::Image,
            ModalityArg::Audio => Self::Audio,
        }
    }
}

/// What to search for.
#[derive(Debug, Clone, Args)]
pub struct SearchArgs {
    /// The text.
    #[arg(value_name = "QUERY", conflicts_with_all = ["image", "audio"])]
    pub query: Option<String>,
    /// A picture in the place of a text.
    #[arg(long, value_name = "FILE", conflicts_with = "audio")]
    pub image: Option<PathBuf>,
    /// A sound in the place of a text.
    #[arg(long, value_name = "FILE")]
    pub audio: Option<PathBuf>,
    /// Results at most.
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 10, value_parser = count_of_results)]
    pub count: usize,
    /// Only what is made of this.
    #[arg(long, value_name = "KIND")]
    pub modality: Option<ModalityArg>,
    /// Only points whose payload meets this, such as `thread_id = 'x' AND n > 5`.
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// By keywords in the content, not by vector.
    #[arg(long, conflicts_with = "hybrid")]
    pub keyword: bool,
    /// By keywords and by vector, fused by their ranks.
    #[arg(long)]
    pub hybrid: bool,
    /// Compare with every vector instead of asking the indexes.
    #[arg(long)]
    pub exact: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

fn count_of_results(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000) => Ok(count),
        _ => Err("use 1 to 1000".into()),
    }
}

fn count_of_asked(text: &str) -> Result<usize, String> {
    const MOST: usize = crate::tasks::verify::MOST_ASKED;
    match text.parse() {
        Ok(count @ 0..=MOST) => Ok(count),
        _ => Err(format!("use 0 to {MOST}")),
    }
}

/// How to evaluate.
#[derive(Debug, Clone, Args)]
pub struct EvaluateArgs {
    /// A query set: JSON lines of query (or image, or audio) and relevant ids. Left out, queries are made from pairs that
    /// the collection holds: captions with their pictures and sounds, messages with their threads.
    #[arg(long, value_name = "FILE")]
    pub queries: Option<PathBuf>,
    /// Queries for each pair of modalities at most, where they are made from the collection.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub sample: usize,
    /// The payload field that says which points belong together.
    #[arg(long, value_name = "FIELD", default_value = "thread_id")]
    pub thread: String,
    /// What is drawn at random is drawn by this seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

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
    /// Repair removes rows whose points are gone from Qdrant, without asking; without --yes only that.
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

/// How to measure both stores.
#[derive(Debug, Clone, Args)]
pub struct CompareArgs {
    /// Queries, drawn from the rows' own vectors.
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub queries: u64,
    /// Results of each.
    #[arg(short = 'k', long = "count", value_name = "N", default_value_t = 10, value_parser = count_of_results)]
    pub count: usize,
    /// Queries in flight at once, for queries a second.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [1, 4, 16])]
    pub concurrency: Vec<usize>,
    /// Try LanceDB's index settings, and print the cheapest that reaches --recall as code.
    #[arg(long)]
    pub sweep: bool,
    /// The recall@k that the sweep looks for.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95)]
    pub recall: f64,
    /// What is drawn at random is drawn by this seed.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

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

/// How to catch up.
#[derive(Debug, Clone, Default, Args)]
pub struct SyncArgs {
    /// Bring over what is new or changed, without asking.
    #[arg(long, short)]
    pub yes: bool,
    /// Remove rows whose points are gone from Qdrant, without asking; without --yes only that.
    #[arg(long)]
    pub remove_gone: bool,
    /// Only say what differs and what it would cost.
    #[arg(long, conflicts_with_all = ["yes", "remove_gone"])]
    pub dry_run: bool,
    /// Print one JSON object on stdout at the end; asks nothing.
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

/// How to plan.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanArgs {
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

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

/// What to do with rows that diverge.
#[derive(Debug, Subcommand)]
pub enum DivergenceCommand {
    /// The histogram: counts by similarity, finer near 1, and how many lie below the threshold.
    Histogram {
        /// Count those below this similarity; the configured threshold if nothing is said.
        #[arg(long, value_name = "COSINE", allow_hyphen_values = true)]
        threshold: Option<f64>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List rows, worst first. Where the two spaces cannot be compared, all rows by id, unless a similarity is named.
    List {
        /// Only from this similarity on, to 0.0005.
        #[arg(long, value_name = "COSINE", allow_hyphen_values = true)]
        from: Option<f32>,
        /// Only below this similarity, to 0.0005; the configured threshold if nothing is said. 2 takes in 1.
        #[arg(long, value_name = "COSINE", allow_hyphen_values = true)]
        below: Option<f32>,
        /// Rows at most.
        #[arg(long, default_value_t = 100)]
        limit: u64,
        /// Print JSON lines.
        #[arg(long)]
        json: bool,
    },
    /// Show one point with both vectors and its nearest neighbours in both stores.
    Show {
        /// The point's id.
        id: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Embed points again.
    EmbedAgain {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Put Qdrant's vector in the place of the new embedding.
    Keep {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// The new embedding is right as it is.
    Accept {
        /// Point ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Why.
        #[arg(long)]
        note: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Compare the ten nearest neighbours of a random sample in both stores.
    Neighbours {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_has_to_say_as_json_too() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                command.get_subcommands().for_each(|command| check(command, &path));
            } else {
                let has = command.get_arguments().any(|argument| argument.get_id() == "json");
                // A shell's script is no JSON, and a screen neither; where there is none, `console` is `run`.
                let needs = !["completions", "console"].contains(&command.get_name());
                assert!(has || !needs, "{path} has no --json");
            }
        }
        for command in Cli::command().get_subcommands() {
            check(command, "qlance");
        }
    }
}
