//! `qlance compare`: both stores under the same queries, as a table with its units, and what is not known said.

mod text;

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::acting::Asking;
use super::signals::OnCtrlC;
use super::{print_json, printable};
use crate::cli::{Cli, CompareArgs};
use crate::config::{Config, ConfigError};
use crate::tasks::comparison::{self, Comparer, Stage, Wish, kept};
use text::text_of;

/// Queries in flight at most: more measure the machine's threads.
const MOST_AT_ONCE: usize = 256;
/// Concurrencies at most: each takes a few seconds a store.
const MOST_CONCURRENCIES: usize = 8;

pub(super) async fn run(cli: &Cli, args: &CompareArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let wish = wanted(args)?;
    super::logging::start(&config.job(cli.state.as_deref()).dir);
    let Asking { opening, inspector } = Asking::of(cli, config).await?;
    let comparer = Comparer::of(&opening, inspector);
    let on_ctrl_c = OnCtrlC::new();
    let progress = Progress::new(args.json);
    let tell = |stage, done, all| progress.tell(stage, done, all);
    let found = comparison::compare(&comparer, &wish, tell, on_ctrl_c.stop.clone()).await;
    progress.end();
    let found = match found {
        Err(error) if on_ctrl_c.stop.is_cancelled() => {
            tell!("qlance: {}", printable(&format!("{error:#}")));
            return Ok(5);
        }
        found => found?,
    };
    kept::keep(&opening.state_dir, &found)?;
    if args.json {
        print_json(&found)?;
    } else {
        write!(std::io::stdout(), "{}", printable(&text_of(&found)))?;
    }
    Ok(0)
}

/// What the command line asks for.
fn wanted(args: &CompareArgs) -> Result<Wish, ConfigError> {
    let usage = |message: String| Err(ConfigError::Usage(message));
    let mut concurrency = Vec::new();
    for &at_once in &args.concurrency {
        if !(1..=MOST_AT_ONCE).contains(&at_once) {
            return usage(format!(
                "--concurrency: use numbers of 1 to {MOST_AT_ONCE}, not {at_once}"
            ));
        }
        if !concurrency.contains(&at_once) {
            concurrency.push(at_once);
        }
    }
    if concurrency.len() > MOST_CONCURRENCIES {
        return usage(format!("--concurrency: use at most {MOST_CONCURRENCIES} numbers"));
    }
    if args.recall.is_nan() || args.recall <= 0.0 || args.recall > 1.0 {
        return usage(format!(
            "--recall: use a share above 0 and up to 1, not {}",
            args.recall
        ));
    }
    Ok(Wish {
        queries: usize::try_from(args.queries).unwrap_or(usize::MAX),
        count: args.count,
        concurrency,
        sweep: args.sweep,
        recall: args.recall,
        seed: args.seed,
    })
}

/// Says how far it is on stderr: a line a stage, and on a terminal how far each is.
struct Progress {
    quiet: bool,
    live: bool,
    /// The stage that was told last, by its place; none yet is 0.
    stage: AtomicUsize,
    width: AtomicUsize,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        Self {
            quiet,
            live: std::io::stderr().is_terminal(),
            stage: AtomicUsize::new(0),
            width: AtomicUsize::new(0),
        }
    }

    fn tell(&self, stage: Stage, done: usize, all: usize) {
        if self.quiet {
            return;
        }
        let place = stage as usize + 1;
        let is_new = self.stage.swap(place, Ordering::Relaxed) != place;
        let label = stage.label();
        let mut err = std::io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        if self.live {
            // A line a query would take longer than the query.
            if is_new || done.is_multiple_of((all / 100).max(1)) {
                let text = format!("{label}: {done} of {all}");
                let before = self.width.swap(text.len(), Ordering::Relaxed);
                let _ = write!(err, "\r{text:<before$}");
            }
        } else if is_new {
            let _ = writeln!(err, "{label}");
        }
        let _ = err.flush();
    }

    /// Takes the line away that was written over.
    fn end(&self) {
        let width = self.width.load(Ordering::Relaxed);
        if self.live && !self.quiet && width > 0 {
            let blank = " ".repeat(width);
            let _ = write!(std::io::stderr().lock(), "\r{blank}\r");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> CompareArgs {
        CompareArgs {
            queries: 200,
            count: 10,
            concurrency: vec![1, 4, 16],
            sweep: false,
            recall: 0.95,
            seed: 1,
            json: false,
        }
    }

    #[test]
    fn what_cannot_be_measured_is_refused() {
        let wish = wanted(&args()).expect("a wish");
        assert_eq!((wish.queries, wish.concurrency), (200, vec![1, 4, 16]));
        let twice = CompareArgs {
            concurrency: vec![4, 1, 4],
            ..args()
        };
        assert_eq!(wanted(&twice).expect("a wish").concurrency, [4, 1]);
        for concurrency in [vec![0], vec![257], (1..=9).collect()] {
            let error = wanted(&CompareArgs { concurrency, ..args() }).expect_err("refused");
            assert!(error.to_string().contains("--concurrency"), "{error}");
        }
        for recall in [0.0, -1.0, 1.01, f64::NAN] {
            let error = wanted(&CompareArgs { recall, ..args() }).expect_err("refused");
            assert!(error.to_string().contains("--recall"), "{error}");
        }
    }
}
