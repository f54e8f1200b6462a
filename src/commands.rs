//! What each command does: from parsed arguments to an exit code. Wiring and printing; the work is in `tasks`.

/// A line on stderr. `eprintln!` panics where stderr is gone, as a terminal can be at any moment: what nobody hears is no
/// reason to stop.
macro_rules! tell {
    ($($text:tt)*) => {{
        let line = format!("{}\n", format_args!($($text)*));
        let _ = std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes());
    }};
}

pub(crate) use tell;

mod acting;
mod compare;
#[cfg(all(feature = "embedded", feature = "minilm"))]
mod demo;
mod diff;
mod divergence;
mod evaluate;
mod failures;
mod handover;
mod headless;
mod init;
mod live;
mod log;
mod logging;
mod plan;
mod report;
mod search;
mod shortened;
mod signals;
mod sync;
mod undo;
mod verify;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory as _;

use crate::cli::{Cli, Command, RunArgs};
use crate::config::{Config, ConfigError};
use crate::console;
use crate::metrics::Endpoint;
use crate::tasks::job::Options;
use crate::tasks::supervisor::{Orders, Start};

pub use headless::Headless;

/// What a build answers that has nothing to show: the demo needs a Qdrant and a model in process.
#[cfg(not(all(feature = "embedded", feature = "minilm")))]
const NO_DEMO: &str = "this qlance was built without the demo; build it with the features `embedded` and `minilm`, which \
                       are on by default";

/// Runs a command.
pub async fn run(cli: Cli) -> ExitCode {
    // Before anything listens to signals.
    signals::outlives_terminal();
    let done = dispatch(&cli).await;
    logging::finish().await;
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) if is_unread(&error) => ExitCode::SUCCESS,
        Err(error) => {
            tell!("qlance: {}", printable(&format!("{error:#}")));
            // Configuration and usage are 2; everything else is 1.
            ExitCode::from(if error.is::<ConfigError>() { 2 } else { 1 })
        }
    }
}

/// Text for a terminal: control characters (line breaks aside) never reach it.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c })
        .collect()
}

/// Prints a value as one line of JSON on stdout. JSON itself leaves DEL and C1 as they are, and some terminals obey those:
/// they are escaped.
///
/// # Errors
/// Stdout cannot be written.
pub(crate) fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let text = serde_json::to_string(value)?;
    let mut line = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        match c {
            '\u{7f}'..='\u{9f}' => line.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => line.push(c),
        }
    }
    line.push('\n');
    std::io::stdout().write_all(line.as_bytes())?;
    Ok(())
}

/// Whether whoever read stdout has seen enough (`| head`): the end of a list, and nothing that went wrong.
fn is_unread(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<std::io::Error>();
    error.is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// What became of printing where the exit code says more than that: a reader that has seen enough is no error.
///
/// # Errors
/// Stdout cannot be written for another reason.
pub(crate) fn read_or_not(printed: anyhow::Result<()>) -> anyhow::Result<()> {
    match printed {
        Err(error) if is_unread(&error) => Ok(()),
        printed => printed,
    }
}

async fn dispatch(cli: &Cli) -> anyhow::Result<u8> {
    match cli.command.as_ref().unwrap_or(&Command::Console(RunArgs::default())) {
        Command::Console(args) => {
            let none_yet = !cli.config.exists();
            if none_yet && !args.json && has_screen(cli) {
                let looks = console::Looks::choose(cli.color, cli.ascii, !cli.no_mouse);
                if !console::setup::run(&cli.config, looks).await? {
                    tell!("qlance: left; nothing was written");
                    return Ok(0);
                }
            }
            migrate(cli, args, false).await
        }
        Command::Run(args) => migrate(cli, args, true).await,
        Command::Plan(args) => plan::run(cli, args).await,
        Command::Live(command) => live::run(cli, command).await,
        Command::Failures(command) => failures::run(cli, command).await,
        Command::Divergence(command) => divergence::run(cli, command).await,
        Command::Diff(args) => diff::run(cli, args).await,
        Command::Search(args) => search::run(cli, args).await,
        Command::Evaluate(args) => evaluate::run(cli, args).await,
        Command::Verify(args) => verify::run(cli, args).await,
        Command::Compare(args) => compare::run(cli, args).await,
        Command::Handover(args) => handover::run(cli, args).await,
        Command::Report(args) => report::run(cli, args).await,
        Command::Sync(args) => sync::run(cli, args).await,
        Command::Undo(args) => undo::run(cli, args).await,
        Command::Shortened { json } => shortened::run(cli, *json),
        Command::Init(args) => init::run(cli, args).await,
        Command::Log(args) => log::run(cli, args),
        Command::Config { json } => {
            let config = Config::load(&cli.config)?;
            if *json {
                print_json(&config)?;
                return Ok(0);
            }
            write!(std::io::stdout(), "{}", config.to_toml())?;
            Ok(0)
        }
        #[cfg(all(feature = "embedded", feature = "minilm"))]
        Command::Demo(args) => demo::run(cli, args).await,
        #[cfg(not(all(feature = "embedded", feature = "minilm")))]
        Command::Demo(_) => Err(ConfigError::Usage(NO_DEMO.into()).into()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "qlance", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(0)
        }
    }
}

/// Whether there is a screen to draw on.
fn has_screen(cli: &Cli) -> bool {
    !cli.no_tui && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// What the command line says of this run goes before the file.
fn settings_of(config: &mut Config, args: &RunArgs) -> Result<(), ConfigError> {
    let text = &mut config.embed.text;
    let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    text.max_in_flight = args.max_in_flight.map_or(text.max_in_flight, whole);
    text.max_batch_inputs = args.max_batch_inputs.map_or(text.max_batch_inputs, whole);
    text.requests_per_minute = args.requests_per_minute.or(text.requests_per_minute);
    text.tokens_per_minute = args.tokens_per_minute.or(text.tokens_per_minute);
    text.budget_usd = args.budget_usd.or(text.budget_usd);
    config.check()
}

async fn migrate(cli: &Cli, args: &RunArgs, headless: bool) -> anyhow::Result<u8> {
    let mut config = Config::load(&cli.config)?;
    settings_of(&mut config, args)?;
    let config = Arc::new(config);
    let options = Options {
        state: cli.state.clone(),
        adopt: args.adopt,
        ..Options::default()
    };
    start(cli, config, options, args.clone(), headless).await
}

/// Runs a job on the screen where there is one, else without.
async fn start(
    cli: &Cli,
    config: Arc<Config>,
    options: Options,
    RunArgs {
        json,
        yes: at_once,
        metrics,
        ..
    }: RunArgs,
    headless: bool,
) -> anyhow::Result<u8> {
    // Secrets that are missing are a matter of configuration: say so before anything starts.
    config.source_key()?;
    for (modality, _) in config.embed.all() {
        config.embed_key(modality)?;
    }
    let job = config.job(options.state.as_deref());
    let screen = !headless && !json && has_screen(cli);
    logging::start(&job.dir);
    let endpoint = match &metrics {
        Some(wanted) => Some(Endpoint::bind(wanted).await?),
        None => None,
    };
    for line in endpoint.iter().flat_map(Endpoint::told) {
        tell!("qlance: {}", printable(&line));
    }
    let orders = Orders {
        options,
        start: if screen && !at_once {
            Start::WhenAsked
        } else {
            Start::AtOnce
        },
        end_when_done: !screen,
        first: Vec::new(),
    };
    if screen {
        let looks = console::Looks::choose(cli.color, cli.ascii, !cli.no_mouse);
        return console::run(config, orders, looks, endpoint).await;
    }
    let report = Headless { json }.run_watched(config, orders, endpoint).await?;
    Ok(report.exit_code())
}
