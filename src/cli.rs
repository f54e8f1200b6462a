//! The command line's types, one file a family of commands. Meaning is given to them in `commands`.

mod divergence;
mod failures;
mod init;
mod live;
mod log;
mod migrate;
mod report;
mod search;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

pub use divergence::DivergenceCommand;
pub use failures::{FailuresCommand, SortBy, WhichArgs};
pub use init::{InitArgs, InitProfile, InitProvider};
pub use live::{LiveCommand, LiveSettings};
pub use log::{LogArgs, LogLevel};
pub use migrate::{DemoArgs, PlanArgs, RunArgs, UndoArgs};
pub use report::{CodeFor, HandoverArgs, ReportArgs, ReportFormat};
pub use search::{CompareArgs, EvaluateArgs, ModalityArg, SearchArgs};
pub use verify::{DiffArgs, FailOn, SyncArgs, VerifyArgs};

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
