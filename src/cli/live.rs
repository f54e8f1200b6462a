//! `qlance live`: what can be asked of the process that works on a job.

use clap::{Args, Subcommand};

use crate::tasks::control::{Cap, MOST_A_MINUTE, MOST_BATCH_INPUTS, MOST_IN_FLIGHT};

/// What to ask of the qlance that is at work on the job, at a console or without.
#[derive(Debug, Clone, Subcommand)]
pub enum LiveCommand {
    /// Say how it stands: phase, points, rate, settings, and what it waits for.
    Status {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Start nothing new; what is in flight is finished and committed.
    Pause {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Go on after a pause; at a console also after a stop.
    Resume {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Wait no longer for an outage or a limit: make the next try now.
    TryNow {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Stop cleanly: commit what is embedded, leave the rest unread. `qlance run` goes on with it.
    Stop {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Change settings while it runs; a later run has those of the configuration again.
    Set {
        /// Which.
        #[command(flatten)]
        settings: LiveSettings,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

/// Settings that can be changed while points are moved; those that are left out stay as they are.
#[derive(Debug, Clone, Default, Args)]
#[group(required = true, multiple = true)]
pub struct LiveSettings {
    /// Requests in flight at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_IN_FLIGHT))]
    pub max_in_flight: Option<u64>,
    /// Inputs a request at most.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_BATCH_INPUTS))]
    pub max_batch_inputs: Option<u64>,
    /// Requests a minute at most; `none` takes the cap away.
    #[arg(long, value_name = "N", value_parser = cap)]
    pub requests_per_minute: Option<Cap<u64>>,
    /// Tokens a minute at most; `none` takes the cap away.
    #[arg(long, value_name = "N", value_parser = cap)]
    pub tokens_per_minute: Option<Cap<u64>>,
    /// US dollars that the whole job may spend; `none` takes the cap away.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub budget_usd: Option<Cap<f64>>,
}

fn cap(text: &str) -> Result<Cap<u64>, String> {
    if text == "none" {
        return Ok(Cap(None));
    }
    match text.parse() {
        Ok(number @ 1..=MOST_A_MINUTE) => Ok(Cap(Some(number))),
        _ => Err(format!("use 1 to {MOST_A_MINUTE}, or none for no cap")),
    }
}

/// 0 is none of both: whoever means that nothing may be spent must not get what has no bound.
fn dollars(text: &str) -> Result<Cap<f64>, String> {
    if text == "none" {
        return Ok(Cap(None));
    }
    match text.parse::<f64>() {
        Ok(usd) if usd.is_finite() && usd > 0.0 => Ok(Cap(Some(usd))),
        _ => Err("use a sum of more than 0, or none for no cap".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn parsed(args: &[&str]) -> Result<LiveCommand, String> {
        let args = ["qlance", "live"].iter().chain(args);
        match Cli::try_parse_from(args) {
            Ok(Cli {
                command: Some(Command::Live(command)),
                ..
            }) => Ok(command),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn settings_are_numbers_or_none() {
        let command = parsed(&[
            "set",
            "--max-in-flight",
            "8",
            "--tokens-per-minute",
            "none",
            "--budget-usd",
            "2.5",
            "--json",
        ]);
        let Ok(LiveCommand::Set { settings, json: true }) = command else {
            panic!("{command:?}")
        };
        assert_eq!(
            (settings.max_in_flight, settings.max_batch_inputs),
            (Some(8), None),
            "{settings:?}"
        );
        assert_eq!(
            (settings.requests_per_minute, settings.tokens_per_minute),
            (None, Some(Cap(None)))
        );
        assert_eq!(settings.budget_usd, Some(Cap(Some(2.5))));
    }

    #[test]
    fn what_is_out_of_bounds_is_refused_before_anybody_is_asked() {
        for args in [
            &["set"][..],
            &["set", "--json"],
            &["set", "--max-in-flight", "0"],
            &["set", "--max-in-flight", "1001"],
            &["set", "--max-in-flight", "none"],
            &["set", "--max-batch-inputs", "2049"],
            &["set", "--requests-per-minute", "0"],
            &["set", "--tokens-per-minute", "1000000001"],
            &["set", "--budget-usd", "0"],
            &["set", "--budget-usd", "inf"],
            &["set", "--budget-usd", "NaN"],
            &["pause", "now"],
        ] {
            assert!(parsed(args).is_err(), "{args:?}");
        }
    }
}
