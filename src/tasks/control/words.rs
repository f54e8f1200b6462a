//! What goes through the control door: one line of JSON in, one out. Owns the types, their bounds and their sense.

use serde::{Deserialize, Deserializer, Serialize};

use crate::tasks::{Phase, Setting, Settings, Snapshot, StopReason, TaskCommand};

/// Requests in flight that can be asked for.
pub const MOST_IN_FLIGHT: u64 = 1_000;
/// Inputs a request that can be asked for.
pub const MOST_BATCH_INPUTS: u64 = 2_048;
/// The highest cap on requests or tokens a minute.
pub const MOST_A_MINUTE: u64 = 1_000_000_000;

/// What may be asked of a running job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// How it stands.
    Status,
    /// Start no more scrolls and requests.
    Pause,
    /// Go on after a pause, or after a stop.
    Resume,
    /// Make the next try now, whatever is waited for.
    TryNow,
    /// Stop cleanly.
    Stop,
    /// Change settings.
    Set,
}

/// A cap, or none: null in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Cap<T>(pub Option<T>);

/// One question. The settings belong to [`Verb::Set`]: those that are left out stay as they are, null takes a cap away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What is asked.
    pub ask: Verb,
    /// Requests in flight at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_in_flight: Option<u64>,
    /// Inputs a request at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_batch_inputs: Option<u64>,
    /// Requests a minute at most.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub requests_per_minute: Option<Cap<u64>>,
    /// Tokens a minute at most.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub tokens_per_minute: Option<Cap<u64>>,
    /// US dollars for the whole job at most.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub budget_usd: Option<Cap<f64>>,
}

/// A cap that is named: null is one that is taken away, not one that is left out.
fn given<'de, D, T>(deserializer: D) -> Result<Option<Cap<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(|cap| Some(Cap(cap)))
}

impl From<Verb> for Request {
    fn from(ask: Verb) -> Self {
        Self {
            ask,
            max_in_flight: None,
            max_batch_inputs: None,
            requests_per_minute: None,
            tokens_per_minute: None,
            budget_usd: None,
        }
    }
}

impl Request {
    /// Reads a line.
    ///
    /// # Errors
    /// Why it is no request.
    pub fn read(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| format!("this is no request: {error}"))
    }

    /// What it asks of the work; nothing where it only asks how that stands.
    ///
    /// # Errors
    /// A setting is out of its bounds, is missing, or does not belong to what is asked.
    pub fn commands(&self) -> Result<Vec<TaskCommand>, String> {
        let settings = self.settings()?;
        match (self.ask, settings.is_empty()) {
            (Verb::Set, true) => Err("set: name a setting, such as max_in_flight".to_owned()),
            (Verb::Set, false) => Ok(settings.into_iter().map(TaskCommand::Set).collect()),
            (_, false) => Err("settings belong to \"set\"".to_owned()),
            (Verb::Status, true) => Ok(Vec::new()),
            (Verb::Pause, true) => Ok(vec![TaskCommand::Pause]),
            (Verb::Resume, true) => Ok(vec![TaskCommand::Resume]),
            (Verb::TryNow, true) => Ok(vec![TaskCommand::TryNow]),
            (Verb::Stop, true) => Ok(vec![TaskCommand::Stop]),
        }
    }

    /// The settings that it names, within the same bounds as on the command line and in the console.
    fn settings(&self) -> Result<Vec<Setting>, String> {
        let within = |name: &str, number: u64, most: u64| {
            if (1..=most).contains(&number) {
                Ok(number)
            } else {
                Err(format!("{name}: use 1 to {most}"))
            }
        };
        let mut settings = Vec::new();
        if let Some(limit) = self.max_in_flight {
            let limit = within("max_in_flight", limit, MOST_IN_FLIGHT)?;
            settings.push(Setting::InFlight(limit as usize));
        }
        if let Some(inputs) = self.max_batch_inputs {
            let inputs = within("max_batch_inputs", inputs, MOST_BATCH_INPUTS)?;
            settings.push(Setting::BatchInputs(inputs as usize));
        }
        if let Some(Cap(cap)) = self.requests_per_minute {
            let cap = cap.map(|cap| within("requests_per_minute", cap, MOST_A_MINUTE));
            settings.push(Setting::RequestsPerMinute(cap.transpose()?));
        }
        if let Some(Cap(cap)) = self.tokens_per_minute {
            let cap = cap.map(|cap| within("tokens_per_minute", cap, MOST_A_MINUTE));
            settings.push(Setting::TokensPerMinute(cap.transpose()?));
        }
        if let Some(Cap(usd)) = self.budget_usd {
            if usd.is_some_and(|usd| !usd.is_finite() || usd <= 0.0) {
                return Err("budget_usd: this is no sum of money".to_owned());
            }
            settings.push(Setting::BudgetUsd(usd));
        }
        Ok(settings)
    }
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The work has confirmed it: it is so.
    Confirmed,
    /// It was asked, and the work has not confirmed it yet.
    Unconfirmed,
    /// It does not apply just now.
    Refused,
    /// The question itself was wrong.
    Error,
}

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// What came of it.
    pub outcome: Outcome,
    /// Why it is not confirmed, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How the work stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<Standing>,
}

impl Answer {
    /// The question was wrong.
    pub fn error(message: String) -> Self {
        Self {
            outcome: Outcome::Error,
            message: Some(message),
            job: None,
        }
    }
}

/// How the work stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The job's id.
    pub id: String,
    /// The process that works on it.
    pub pid: u32,
    /// The phase: `running`, `paused`, `catching_up`, ....
    pub phase: String,
    /// The step of finishing the table that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Points in the collection.
    pub total: u64,
    /// Points read: settled and in hand.
    pub read: u64,
    /// Points in the table.
    pub written: u64,
    /// Points that failed.
    pub failed: u64,
    /// Points given up.
    pub skipped: u64,
    /// Points read and not settled yet.
    pub in_hand: u64,
    /// Points settled a second, over the last five seconds.
    pub points_per_second: f64,
    /// Seconds that the run has been working.
    pub seconds: f64,
    /// Seconds until the rest is done at the smoothed rate; none where nobody knows.
    pub eta_seconds: Option<f64>,
    /// Why it is not faster just now.
    pub waiting: Option<Why>,
    /// What the job cost so far, in all its runs.
    pub cost_usd: f64,
    /// The settings as they hold; none where vectors are carried over.
    pub settings: Option<Settings>,
}

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// It, in words.
    pub reason: String,
    /// Seconds until the next try, where that is known.
    pub seconds_left: Option<u64>,
}

impl Standing {
    /// How the work of this process stands.
    pub fn of(job: &str, snapshot: &Snapshot) -> Self {
        let waiting = snapshot.waiting.as_ref().map(|waiting| Why {
            reason: waiting.reason.clone(),
            seconds_left: waiting.left.map(|left| left.as_secs()),
        });
        let bound = snapshot.bound.map(|bound| Why {
            reason: bound.describe(),
            seconds_left: None,
        });
        Self {
            id: job.to_owned(),
            pid: std::process::id(),
            phase: snapshot.phase.label().to_ascii_lowercase().replace(' ', "_"),
            step: match &snapshot.phase {
                Phase::Finishing(step) => Some(step.as_str().to_owned()),
                _ => None,
            },
            reason: match &snapshot.phase {
                Phase::Stopped(reason) => Some(reason.to_string()),
                Phase::Failed(reason) => Some(reason.clone()),
                _ => None,
            },
            total: snapshot.total,
            read: snapshot.read,
            written: snapshot.written,
            failed: snapshot.failed,
            skipped: snapshot.skipped,
            in_hand: snapshot.in_hand,
            points_per_second: snapshot.rate,
            seconds: snapshot.elapsed.as_secs_f64(),
            eta_seconds: snapshot.eta.map(|eta| eta.as_secs_f64()),
            waiting: waiting.or(bound),
            cost_usd: snapshot.cost_usd,
            settings: snapshot.embeds().then_some(snapshot.settings),
        }
    }
}

/// Why something does not apply in a phase, in words that a console uses too.
pub(in crate::tasks) fn is_no_time(phase: &Phase) -> &'static str {
    match phase {
        Phase::Connecting => "it is not connected yet",
        Phase::Ready => "it has not begun; the plan waits at the console",
        Phase::Running => "it is running",
        Phase::Pausing | Phase::Paused => "it is paused",
        Phase::Stopping => "it is stopping",
        Phase::Finishing(_) => "all points are over; the table is being finished",
        Phase::Comparing | Phase::CatchingUp => "it is complete; both stores are being compared",
        Phase::Complete => "it is complete",
        Phase::Stopped(StopReason::ByOperator) => "it is stopped",
        Phase::Stopped(_) => "it has stopped; `qlance live status` says why",
        Phase::Failed(_) => "it could not begin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Vec<TaskCommand>, String> {
        Request::read(line.as_bytes())?.commands()
    }

    #[test]
    fn what_can_be_meant_is_taken() {
        for (line, expected) in [
            (r#"{"ask":"status"}"#, Vec::new()),
            (r#"{"ask":"pause"}"#, vec![TaskCommand::Pause]),
            (r#"{"ask":"try-now"}"#, vec![TaskCommand::TryNow]),
            (
                r#"{"ask":"set","max_in_flight":8,"requests_per_minute":null,"budget_usd":2}"#,
                vec![
                    TaskCommand::Set(Setting::InFlight(8)),
                    TaskCommand::Set(Setting::RequestsPerMinute(None)),
                    TaskCommand::Set(Setting::BudgetUsd(Some(2.0))),
                ],
            ),
            (
                r#"{"ask":"set","max_batch_inputs":2048,"tokens_per_minute":1000000000,"budget_usd":null}"#,
                vec![
                    TaskCommand::Set(Setting::BatchInputs(2_048)),
                    TaskCommand::Set(Setting::TokensPerMinute(Some(1_000_000_000))),
                    TaskCommand::Set(Setting::BudgetUsd(None)),
                ],
            ),
        ] {
            assert_eq!(asked(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_meant_says_why() {
        for (line, wanted) in [
            ("", "no request"),
            ("pause", "no request"),
            (r#"{"ask":"sing"}"#, "unknown variant"),
            (r#"{"ask":"pause","loudly":true}"#, "unknown field"),
            (r#"{"ask":"pause","max_in_flight":8}"#, "belong to"),
            (r#"{"ask":"set"}"#, "name a setting"),
            (r#"{"ask":"set","max_in_flight":0}"#, "1 to 1000"),
            (r#"{"ask":"set","max_batch_inputs":2049}"#, "1 to 2048"),
            (r#"{"ask":"set","requests_per_minute":0}"#, "1 to 1000000000"),
            (r#"{"ask":"set","tokens_per_minute":-1}"#, "no request"),
            (r#"{"ask":"set","budget_usd":0}"#, "no sum"),
        ] {
            let error = asked(line).expect_err(line);
            assert!(error.contains(wanted), "{line}: {error}");
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_written() {
        let request = Request {
            max_in_flight: Some(3),
            tokens_per_minute: Some(Cap(None)),
            budget_usd: Some(Cap(Some(0.5))),
            ..Verb::Set.into()
        };
        let line = serde_json::to_string(&request).expect("JSON");
        assert_eq!(
            line,
            r#"{"ask":"set","max_in_flight":3,"tokens_per_minute":null,"budget_usd":0.5}"#
        );
        assert_eq!(Request::read(line.as_bytes()), Ok(request));
    }

    #[test]
    fn the_phase_and_the_reason_are_words() {
        let stopped = Snapshot {
            phase: Phase::Stopped(StopReason::Budget("$5.00 are used up".into())),
            ..Snapshot::default()
        };
        let standing = Standing::of("a-to-b", &stopped);
        assert_eq!(
            (standing.phase.as_str(), standing.reason.as_deref(), standing.settings),
            ("stopped", Some("$5.00 are used up"), None)
        );
        let catching_up = Snapshot {
            phase: Phase::CatchingUp,
            ..Snapshot::default()
        };
        assert_eq!(Standing::of("a-to-b", &catching_up).phase, "catching_up");
    }
}
