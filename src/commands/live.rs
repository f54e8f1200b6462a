//! `qlance live`: asks the process that works on the job, at a console or without, through its control socket.

use std::io::Write as _;
use std::time::Duration;

use anyhow::bail;

use super::{print_json, printable, read_or_not};
use crate::cli::{Cli, LiveCommand, LiveSettings};
use crate::config::{Config, Job};
use crate::point::sum_of_money;
use crate::tasks::control::{self, Answer, Outcome, Request, Standing, Verb};
use crate::tasks::lock;
use crate::tasks::{Setting, Settings};
use crate::ui::text::{clock, count};

pub(super) async fn run(cli: &Cli, command: &LiveCommand) -> anyhow::Result<u8> {
    let config = Config::load(&cli.config)?;
    let job = config.job(cli.state.as_deref());
    let (request, json) = asked(command);
    let answer = match control::ask(&job.dir, &request).await {
        Ok(Some(answer)) => answer,
        Ok(None) => Answer::error(nobody(&job)),
        Err(error) => Answer::error(format!("{error:#}")),
    };
    if json {
        read_or_not(print_json(&answer))?;
    }
    if answer.outcome != Outcome::Confirmed {
        bail!(answer.message.unwrap_or_else(|| "it does not say why not".to_owned()));
    }
    if !json {
        write!(std::io::stdout(), "{}", printable(&told(request.ask, &answer)))?;
    }
    Ok(0)
}

fn asked(command: &LiveCommand) -> (Request, bool) {
    match command {
        LiveCommand::Status { json } => (Verb::Status.into(), *json),
        LiveCommand::Pause { json } => (Verb::Pause.into(), *json),
        LiveCommand::Resume { json } => (Verb::Resume.into(), *json),
        LiveCommand::TryNow { json } => (Verb::TryNow.into(), *json),
        LiveCommand::Stop { json } => (Verb::Stop.into(), *json),
        LiveCommand::Set { settings, json } => {
            let LiveSettings {
                max_in_flight,
                max_batch_inputs,
                requests_per_minute,
                tokens_per_minute,
                budget_usd,
            } = *settings;
            let request = Request {
                ask: Verb::Set,
                max_in_flight,
                max_batch_inputs,
                requests_per_minute,
                tokens_per_minute,
                budget_usd,
            };
            (request, *json)
        }
    }
}

/// Why nobody can be asked.
fn nobody(job: &Job) -> String {
    match lock::holder(&job.dir) {
        None => "no qlance is at work on this job; `qlance run` starts one".to_owned(),
        Some(holder) => format!(
            "the qlance that has this job ({holder}) cannot be asked: it is just beginning or ending, or does \
             what nobody steers (`undo`, `verify --pay`), or there could be no control socket, and then {} says so",
            job.dir.join("qlance.log").display()
        ),
    }
}

/// The answer in words.
fn told(ask: Verb, answer: &Answer) -> String {
    let Some(standing) = &answer.job else {
        return String::new();
    };
    match ask {
        Verb::Status => status(standing),
        Verb::Set => format!("{}\n", settings(standing.settings.as_ref())),
        Verb::TryNow => "the next try is made now\n".to_owned(),
        Verb::Pause | Verb::Resume | Verb::Stop => {
            let mut text = format!("{}\n", heading(standing));
            text.push_str(&sums(standing));
            text
        }
    }
}

fn heading(standing: &Standing) -> String {
    let mut text = standing.phase.replace('_', " ");
    for more in [&standing.step, &standing.reason].into_iter().flatten() {
        text.push_str(&format!(": {}", more.replace('\n', " ")));
    }
    text
}

fn sums(standing: &Standing) -> String {
    format!(
        "read {} = written {} + failed {} + skipped {} + in hand {}\n",
        count(standing.read),
        count(standing.written),
        count(standing.failed),
        count(standing.skipped),
        count(standing.in_hand)
    )
}

fn status(standing: &Standing) -> String {
    let settled = standing.written + standing.failed + standing.skipped;
    let mut text = format!("job       {}, pid {}\n", standing.id, standing.pid);
    text.push_str(&format!("phase     {}\n", heading(standing)));
    text.push_str(&format!(
        "points    {} of {}: {}",
        count(settled),
        count(standing.total),
        sums(standing)
    ));
    let eta = standing
        .eta_seconds
        .and_then(|eta| Duration::try_from_secs_f64(eta).ok());
    let eta = eta.map_or_else(String::new, |eta| format!(", {} left", clock(eta)));
    text.push_str(&format!("rate      {:.0} points/s{eta}\n", standing.points_per_second));
    if let Some(waiting) = &standing.waiting {
        let left = waiting.seconds_left;
        let left = left.map_or_else(String::new, |left| format!(", next try in {left} s"));
        text.push_str(&format!("waiting   {}{left}\n", waiting.reason.replace('\n', " ")));
    }
    text.push_str(&format!("cost      ${}\n", sum_of_money(standing.cost_usd, 4)));
    text.push_str(&format!("settings  {}\n", settings(standing.settings.as_ref())));
    text
}

fn settings(settings: Option<&Settings>) -> String {
    let Some(settings) = settings else {
        return "vectors are carried over: there is no embedder to set".to_owned();
    };
    let budget = match settings.budget_usd {
        None => "no budget".to_owned(),
        usd => Setting::BudgetUsd(usd).describe(),
    };
    [
        Setting::InFlight(settings.in_flight).describe(),
        Setting::BatchInputs(settings.batch_inputs).describe(),
        Setting::RequestsPerMinute(settings.requests_per_minute).describe(),
        Setting::TokensPerMinute(settings.tokens_per_minute).describe(),
        budget,
    ]
    .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::{Phase, Snapshot};

    #[test]
    fn the_status_says_what_the_console_says() {
        let snapshot = Snapshot {
            phase: Phase::Running,
            total: 20_000,
            read: 9_512,
            written: 9_400,
            failed: 12,
            in_hand: 100,
            cost_usd: 0.000_02,
            rate: 1_240.4,
            eta: Some(Duration::from_secs(9)),
            settings: Settings {
                in_flight: 50,
                batch_inputs: 64,
                requests_per_minute: Some(3_000),
                tokens_per_minute: None,
                budget_usd: Some(5.0),
            },
            ..Snapshot::default()
        };
        let standing = Standing {
            pid: 7,
            ..Standing::of("messages-to-messages-1", &snapshot)
        };
        assert_eq!(
            status(&standing),
            "job       messages-to-messages-1, pid 7\n\
             phase     running\n\
             points    9,412 of 20,000: read 9,512 = written 9,400 + failed 12 + skipped 0 + in hand 100\n\
             rate      1240 points/s, 00:09 left\n\
             cost      $0.00002\n\
             settings  50 requests in flight at most; 64 inputs a request at most; 3,000 requests a minute at most; no \
             cap on tokens a minute; the budget is $5.00\n"
        );
    }
}
