//! `qlance log`: what the Log screen shows, of every run of the job.

use std::io::Write as _;

use anyhow::Context as _;

use super::failures::known;
use super::{print_json, printable};
use crate::cli::{Cli, LogArgs, LogLevel};
use crate::config::Config;
use crate::metrics::log::{self, LogLine, Wanted};
use crate::tasks::Level;

pub(super) fn run(cli: &Cli, args: &LogArgs) -> anyhow::Result<u8> {
    let config = Config::load(&cli.config)?;
    let job = config.job(cli.state.as_deref());
    if !log::exists(&job.dir) {
        known(cli, &job)?;
    }
    let least = match args.level {
        LogLevel::Info => Level::Info,
        LogLevel::Warn => Level::Warn,
        LogLevel::Error => Level::Error,
    };
    let wanted = Wanted::new(least, args.text.as_deref(), args.limit);
    let mut stdout = std::io::stdout();
    let told = log::newest(&job.dir, &wanted, |line| {
        if args.json {
            print_json(line)
        } else {
            writeln!(stdout, "{}", plain(line))?;
            Ok(())
        }
    });
    let told = told.with_context(|| format!("the log in {} cannot be read", job.dir.display()))?;
    if told == 0 && !args.json {
        tell!("qlance: no such line is in the log");
    }
    Ok(0)
}

/// A line for a terminal: one line whatever its text holds.
fn plain(line: &LogLine) -> String {
    let level = match line.level {
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    };
    let text = format!("{}  {level:<5}  {}", line.time, line.text);
    printable(&text).replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_and_obeys_no_control_character() {
        let line = LogLine {
            time: "2026-01-01T00:00:00.000Z".to_owned(),
            run: "run".to_owned(),
            level: Level::Warn,
            text: "a\u{1b}[2J\nb".to_owned(),
        };
        assert_eq!(plain(&line), "2026-01-01T00:00:00.000Z  warn   a\u{fffd}[2J b");
    }
}
