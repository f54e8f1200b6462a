//! One line asked of the operator: a number, a reason, an id. What is typed is checked before it is taken.

use std::path::PathBuf;

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::search::query_of;
use super::words::{counted, points};
use crate::point::filter::Filter;
use crate::point::verdict::least_sample;
use crate::point::{PointId, grouped};
use crate::tasks::search::Asked;
use crate::tasks::verify::Wish;
use crate::tasks::{SampleOf, Setting, Settings, TaskCommand};

/// Characters that a line takes at most.
const MAX_CHARS: usize = 1_000;
/// Inputs of a request at most.
const MOST_INPUTS: u64 = 2_048;
/// Rows of a sample at most; where there are fewer, all are looked at.
const MOST_SAMPLED: u64 = 1_000_000_000;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Inputs a request.
    BatchInputs,
    /// Requests a minute.
    RequestsPerMinute,
    /// Tokens a minute.
    TokensPerMinute,
    /// US dollars for the job.
    Budget,
    /// Why these are given up, of whom so many are not shown.
    SkipReason(Vec<PointId>, usize),
    /// Why these are right as they are, of whom so many are not shown.
    AcceptNote(Vec<PointId>, usize),
    /// Which point is compared.
    PairId,
    /// Where so many failed or skipped points are written.
    ExportTo(u64),
    /// Rows of so many whose payloads and vectors are verified.
    VerifySample(u64),
    /// Where so many offenders of a verification are written.
    OffendersTo(u64),
    /// What is searched for; so far this.
    Query(String),
    /// Which points are searched; so far these.
    Condition(String),
}

impl Ask {
    /// What it is about, in a word or two.
    fn title(&self) -> String {
        let title = match self {
            Self::BatchInputs => "Batch",
            Self::RequestsPerMinute => "Requests a minute",
            Self::TokensPerMinute => "Tokens a minute",
            Self::Budget => "Budget",
            Self::SkipReason(ids, _) => return format!("Skip {}", whom(ids, 0)),
            Self::AcceptNote(ids, _) => return format!("Accept {}", whom(ids, 0)),
            Self::PairId => "Compare a point",
            Self::ExportTo(_) => "Export failures",
            Self::VerifySample(_) => "Verify a sample",
            Self::OffendersTo(_) => "Export offenders",
            Self::Query(_) => "Search",
            Self::Condition(_) => "Where",
        };
        title.to_owned()
    }
}

/// A question with the answer so far.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What is asked for.
    pub ask: Ask,
    /// What it is about.
    pub title: String,
    /// The question.
    pub question: String,
    /// What has been typed.
    pub input: Input,
    /// Why the last answer was not taken.
    pub error: Option<String>,
}

/// What a key did to a prompt.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// It is still open.
    NotYet,
    /// It was given up.
    Cancelled,
    /// It was answered.
    With(TaskCommand),
    /// This is searched for.
    Query(Asked),
    /// Only what meets this is searched; none is all points.
    Condition(Option<Filter>),
}

impl Prompt {
    /// Asks, with the present value where there is one.
    pub fn new(ask: Ask, settings: &Settings) -> Self {
        let cap = |cap: Option<u64>| cap.map_or_else(String::new, |cap| cap.to_string());
        let (question, value) = match &ask {
            Ask::BatchInputs => (
                format!("Inputs a request at most (1 to {})", grouped(MOST_INPUTS)),
                settings.batch_inputs.to_string(),
            ),
            Ask::RequestsPerMinute => (
                "Requests a minute at most (empty: no cap)".to_owned(),
                cap(settings.requests_per_minute),
            ),
            Ask::TokensPerMinute => (
                "Tokens a minute at most (empty: no cap)".to_owned(),
                cap(settings.tokens_per_minute),
            ),
            Ask::Budget => (
                "US dollars for the whole job at most (empty: no cap)".to_owned(),
                settings.budget_usd.map_or_else(String::new, crate::point::exact_sum),
            ),
            Ask::SkipReason(ids, hidden) => (
                format!(
                    "Give up {}: {} will not be in the table. Why?",
                    whom(ids, *hidden),
                    if ids.len() == 1 { "it" } else { "they" }
                ),
                String::new(),
            ),
            Ask::AcceptNote(ids, hidden) => (
                format!("Accept {} as embedded. Why?", whom(ids, *hidden)),
                String::new(),
            ),
            Ask::PairId => ("Id of the point to compare".to_owned(), String::new()),
            Ask::ExportTo(count) => {
                let points = all(*count, "failed or skipped point", "failed or skipped points");
                (
                    format!("Write {points} (whatever the filter shows) to this file; one that is there is replaced"),
                    "failed_migrations.json".to_owned(),
                )
            }
            Ask::VerifySample(of) => {
                let least = least_sample(*of).max(1);
                let few = grouped(least);
                (
                    format!("Verify the payloads and vectors of how many rows? Fewer than {few} say too little"),
                    least.to_string(),
                )
            }
            Ask::OffendersTo(count) => {
                let offenders = counted(*count, "offender", "offenders");
                (
                    format!("Write the {offenders} of all checks to this file; one that is there is replaced"),
                    "verify_offenders.jsonl".to_owned(),
                )
            }
            // A picture or a sound is searched by its vector.
            Ask::Query(query) if settings.in_flight > 0 => (
                "Search for (words, or @path for a picture or a sound)".to_owned(),
                query.clone(),
            ),
            Ask::Query(query) => ("Search for (words)".to_owned(), query.clone()),
            Ask::Condition(condition) => (
                "Only points whose payload meets this condition (such as `thread_id = 'x' AND n > 5`; empty: all points)"
                    .to_owned(),
                condition.clone(),
            ),
        };
        Self {
            title: ask.title(),
            ask,
            question,
            input: Input::new(value),
            error: None,
        }
    }

    /// A key.
    pub fn key(&mut self, key: KeyEvent) -> Answered {
        match key.code {
            KeyCode::Esc => Answered::Cancelled,
            KeyCode::Enter => match self.take() {
                Ok(answered) => answered,
                Err(error) => {
                    self.error = Some(error);
                    Answered::NotYet
                }
            },
            KeyCode::Char(_) if self.input.value().chars().count() >= MAX_CHARS => Answered::NotYet,
            _ => {
                self.error = None;
                self.input.handle_event(&Event::Key(key));
                Answered::NotYet
            }
        }
    }

    /// Pasted text; line breaks and control characters are left out.
    pub fn paste(&mut self, text: &str) {
        let room = MAX_CHARS.saturating_sub(self.input.value().chars().count());
        for letter in text.chars().filter(|c| !c.is_control()).take(room) {
            self.input.handle(tui_input::InputRequest::InsertChar(letter));
        }
    }

    fn take(&self) -> Result<Answered, String> {
        let text = self.input.value().trim();
        let reason = |what: &str| {
            if text.is_empty() {
                return Err(format!("{what} is needed; it is kept with the points"));
            }
            Ok(text.to_owned())
        };
        let command = match &self.ask {
            Ask::BatchInputs => TaskCommand::Set(Setting::BatchInputs(
                usize::try_from(whole(text, MOST_INPUTS)?).unwrap_or(usize::MAX),
            )),
            Ask::RequestsPerMinute => TaskCommand::Set(Setting::RequestsPerMinute(cap(text)?)),
            Ask::TokensPerMinute => TaskCommand::Set(Setting::TokensPerMinute(cap(text)?)),
            Ask::Budget => TaskCommand::Set(Setting::BudgetUsd(dollars(text)?)),
            Ask::SkipReason(ids, _) => TaskCommand::Skip(ids.clone(), reason("a reason")?),
            Ask::AcceptNote(ids, _) => TaskCommand::Accept(ids.clone(), reason("a note")?),
            Ask::PairId => {
                let id: PointId = text
                    .parse()
                    .map_err(|error: crate::point::ParseIdError| error.to_string())?;
                TaskCommand::SamplePairs(SampleOf::Ids(vec![id]))
            }
            Ask::VerifySample(_) => TaskCommand::Verify(Box::new(Wish {
                sample: Some(whole(text, MOST_SAMPLED)?),
                ..Wish::default()
            })),
            Ask::ExportTo(_) | Ask::OffendersTo(_) if text.is_empty() => return Err("a file name is needed".into()),
            Ask::ExportTo(_) => TaskCommand::Export(PathBuf::from(text)),
            Ask::OffendersTo(_) => TaskCommand::ExportOffenders(PathBuf::from(text)),
            Ask::Query(_) => return query_of(text).map(Answered::Query),
            Ask::Condition(_) if text.is_empty() => return Ok(Answered::Condition(None)),
            Ask::Condition(_) => {
                let filter = text.parse::<Filter>().map_err(|error| format!("{error:#}"))?;
                return Ok(Answered::Condition(Some(filter)));
            }
        };
        Ok(Answered::With(command))
    }
}

/// Whom a question is about: by its id where it is one. Of marked points it is said how many are not shown: nothing
/// happens silently to what is not seen.
pub(super) fn whom(ids: &[PointId], hidden: usize) -> String {
    match (ids, hidden as u64) {
        ([id], 0) => format!("point {id}"),
        ([id], _) => format!("the marked point {id} (which is not shown)"),
        (_, 0) => points(ids.len() as u64),
        (_, hidden) => format!(
            "{} marked points ({} of them not shown)",
            grouped(ids.len() as u64),
            grouped(hidden)
        ),
    }
}

/// "all 12 points", but for one or none.
fn all(count: u64, one: &str, many: &str) -> String {
    let all = if count > 1 { "all " } else { "" };
    format!("{all}{}", counted(count, one, many))
}

fn whole(text: &str, most: u64) -> Result<u64, String> {
    text.replace([',', '_'], "")
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number))
        .ok_or_else(|| format!("{text:?} is no number from 1 to {}", grouped(most)))
}

fn cap(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    whole(text, 1_000_000_000).map(Some)
}

fn dollars(text: &str) -> Result<Option<f64>, String> {
    let text = text.trim_start_matches('$').trim();
    if text.is_empty() {
        return Ok(None);
    }
    let usd: Option<f64> = text.replace(',', "").parse().ok();
    let usd = usd.filter(|usd| usd.is_finite() && *usd > 0.0);
    usd.map(Some)
        .ok_or_else(|| format!("{text:?} is no sum of money; US dollars are wanted, such as 5.00"))
}

#[cfg(test)]
mod tests;
