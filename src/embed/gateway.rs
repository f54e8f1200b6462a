//! In front of any embedder: packs inputs into requests, keeps to the limits, tries again, finds the bad inputs of a
//! rejected batch, checks every answer, remembers equal texts, and keeps what was paid for on the disk.
//!
//! This is the one place where an error of an embedder is judged: [`Failure`] speaks of one input, [`GatewayError`]
//! of the system. Nothing else in qlance turns an embedding error into a failed point.

mod asking;
mod sending;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use hdrhistogram::Histogram;
use tokio::sync::watch;

use super::budget::{Budget, UsedUp};
use super::flights::{Boarding, Flights, Key, Outcome, Ticket};
use super::gate::{Caller, Gate};
use super::lengths::{self, Fit};
use super::spool::Spool;
use super::tokens::Count;
use super::{Answer, Embedder, Input, Role};
use crate::config::{EmbedConfig, TooLong};
use crate::patience::{Outage, Patience};
use crate::point::{Cause, Failure};

/// What cannot be blamed on an input. The points stay unread.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    /// The embedder did not answer as it should, however often it was asked.
    #[error("the embedder failed {attempts} times{}, the last time with: {message}", within(*.lasted))]
    Outage {
        /// Tries made.
        attempts: u32,
        /// How long nobody was answered.
        lasted: Duration,
        /// What the last one said.
        message: String,
    },
    /// The budget is used up.
    #[error(transparent)]
    Budget(#[from] UsedUp),
    /// Trying again cannot help before the operator has mended something.
    #[error("{0}")]
    Fatal(String),
}

/// How long an outage was, where that says something.
fn within(lasted: Duration) -> String {
    match lasted.as_secs() {
        0..10 => String::new(),
        seconds @ 10..120 => format!(" in {seconds} s"),
        seconds => format!(" in {} min", seconds / 60),
    }
}

/// What was asked of one embedder, or of all of a job's, so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests that were sent, those that failed too.
    pub requests: u64,
    /// Inputs in requests that were answered.
    pub inputs: u64,
    /// Tokens as the server counted them.
    pub tokens: u64,
    /// Inputs that needed no request because an equal text had been embedded.
    pub remembered: u64,
    /// Inputs that an earlier run had paid for and not committed.
    pub spooled: u64,
}

impl std::ops::Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            inputs: self.inputs + other.inputs,
            tokens: self.tokens + other.tokens,
            remembered: self.remembered + other.remembered,
            spooled: self.spooled + other.spooled,
        }
    }
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    inputs: AtomicU64,
    tokens: AtomicU64,
    remembered: AtomicU64,
    spooled: AtomicU64,
}

/// Embeds any number of inputs for any number of callers.
pub struct Gateway {
    embedder: Arc<dyn Embedder>,
    gate: Gate,
    patience: Patience,
    spool: OnceLock<Arc<Spool>>,
    flights: Flights,
    max_attempts: u32,
    backoff: (Duration, Duration),
    counters: Counters,
    latency: Mutex<Histogram<u64>>,
    /// When the newest of the accepted requests had begun, of which an embedding can be used.
    accepted: Mutex<Option<Instant>>,
    /// Held by the one that asks for a plain word on the migration's behalf.
    doubting: tokio::sync::Mutex<()>,
    batch_inputs: AtomicUsize,
    budget: Budget,
    too_long: TooLong,
    /// What no further request of the migration would survive either.
    halted: Mutex<Option<String>>,
}

/// One input of a request, with the duty to answer for it.
struct Passenger<'a> {
    index: usize,
    input: &'a Input,
    ticket: Option<Ticket>,
}

/// What a server says of a request's inputs.
enum Verdict {
    /// At least one embedding can be used.
    Answered(Answer),
    /// Every embedding that was asked for came and none can be used: the inputs are to blame, or a server that has gone
    /// bad.
    Unusable(String),
    /// It will not have them.
    Rejected(String),
}

impl Gateway {
    /// Puts a gateway before an embedder.
    pub fn new(embedder: Arc<dyn Embedder>, config: &EmbedConfig) -> Self {
        let dimensions = embedder.capabilities().space.dimensions;
        let gate = Gate::new(config.max_in_flight);
        gate.set_requests_per_minute(config.requests_per_minute);
        gate.set_tokens_per_minute(config.tokens_per_minute);
        let backoff = (
            Duration::from_millis(config.backoff_min_ms),
            Duration::from_millis(config.backoff_max_ms),
        );
        Self {
            gate,
            patience: Patience::new(backoff.0, backoff.1, Duration::ZERO),
            spool: OnceLock::new(),
            flights: Flights::new(config.remember_mib << 20, dimensions),
            max_attempts: config.max_attempts,
            backoff,
            counters: Counters::default(),
            // Microseconds up to an hour, three digits: some 50 KB.
            latency: Mutex::new(
                Histogram::new_with_max(3_600_000_000, 2).unwrap_or_else(|_| unreachable!("constant bounds are valid")),
            ),
            accepted: Mutex::new(None),
            doubting: tokio::sync::Mutex::new(()),
            batch_inputs: AtomicUsize::new(embedder.capabilities().max_inputs),
            budget: Budget::new(config.budget_usd, config.usd_per_million_tokens),
            too_long: config.too_long,
            halted: Mutex::default(),
            embedder,
        }
    }

    /// Waits out outages of the migration's requests for so long, once the embedder has answered at all. Without it only
    /// the configured tries are made.
    #[must_use]
    pub fn with_patience(mut self, limit: Duration) -> Self {
        self.patience = Patience::new(self.backoff.0, self.backoff.1, limit);
        self
    }

    /// Draws on another gateway's budget, at its own price.
    #[must_use]
    pub fn with_budget_of(mut self, other: &Self, usd_per_million_tokens: f64) -> Self {
        self.budget = other.budget.shared_at(usd_per_million_tokens);
        self
    }

    /// Keeps what is paid for in a spool, and takes from there what an earlier run paid for.
    pub fn keep_in(&self, spool: Spool) {
        let _ = self.spool.set(Arc::new(spool));
    }

    /// The spool, where there is one.
    pub fn spool(&self) -> Option<&Spool> {
        self.spool.get().map(AsRef::as_ref)
    }

    /// The outage of the embedder, if there is one.
    pub fn outage(&self) -> Option<Outage> {
        self.patience.outage()
    }

    /// Makes the next try now, whatever is waited for: an outage, or a limit of the server's.
    pub fn try_now(&self) {
        self.patience.try_now();
        self.gate.skip_hold();
    }

    /// Begins anew after a stop, with fresh patience.
    pub fn begin_anew(&self) {
        *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.patience.forget();
        self.gate.skip_hold();
        self.gate.set_probing(false);
    }

    /// The embedder behind the gateway.
    pub fn embedder(&self) -> &dyn Embedder {
        self.embedder.as_ref()
    }

    /// The gate: how many requests may be in flight, and why none may start.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// What embedding may cost.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Inputs a request at most.
    pub fn batch_inputs(&self) -> usize {
        self.batch_inputs.load(Ordering::Relaxed)
    }

    /// Sets the inputs a request at most (at least one, at most what the embedder takes); returns what it is now.
    pub fn set_batch_inputs(&self, inputs: usize) -> usize {
        let inputs = inputs.clamp(1, self.embedder.capabilities().most_inputs);
        self.batch_inputs.store(inputs, Ordering::Relaxed);
        inputs
    }

    /// What was asked of the embedder so far.
    pub fn usage(&self) -> Usage {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Usage {
            requests: get(&self.counters.requests),
            inputs: get(&self.counters.inputs),
            tokens: get(&self.counters.tokens),
            remembered: get(&self.counters.remembered),
            spooled: get(&self.counters.spooled),
        }
    }

    /// The latency at two quantiles of the requests answered so far (median and 95th percentile).
    pub fn latency(&self) -> Option<(Duration, Duration)> {
        let latency = self.latency.lock().unwrap_or_else(PoisonError::into_inner);
        (!latency.is_empty()).then(|| {
            let at = |quantile| Duration::from_micros(latency.value_at_quantile(quantile));
            (at(0.5), at(0.95))
        })
    }

    /// Forgets remembered embeddings of these inputs, so that they are asked for again.
    pub fn forget(&self, inputs: &[Input], role: Role) {
        for key in inputs.iter().map(|input| Key::of(input, role)) {
            self.flights.forget(key);
            if let Some(spool) = self.spool() {
                spool.forget(&key);
            }
        }
    }

    /// How an input goes to the embedder: as it is, or shortened as the configuration says.
    ///
    /// # Errors
    /// It is too long, and such points fail.
    pub fn fit(&self, input: &Input) -> Result<Fit, Failure> {
        match input {
            Input::Text(text) => lengths::fit(self.embedder(), text, self.too_long),
            Input::Image(_) | Input::Audio(_) => Ok(Fit::Whole),
        }
    }

    /// Embeds inputs: one outcome an input, in their order.
    ///
    /// # Errors
    /// Something that no single input is to blame for. Embeddings that did arrive are remembered.
    pub async fn embed(&self, inputs: &[Input], role: Role, caller: Caller) -> Result<Vec<Outcome>, GatewayError> {
        let mut outcomes: Vec<Option<Outcome>> = inputs.iter().map(|input| self.refuse_early(input)).collect();
        loop {
            let mut own = Vec::new();
            let mut waiting = Vec::new();
            for (index, input) in inputs.iter().enumerate() {
                if outcomes[index].is_some() {
                    continue;
                }
                let mut passenger = Passenger {
                    index,
                    input,
                    ticket: None,
                };
                // Without a ticket it is neither remembered nor kept on the disk.
                if caller == Caller::Afresh {
                    own.push(passenger);
                    continue;
                }
                match self.flights.board(Key::of(input, role)) {
                    Boarding::Done(embedding) => {
                        self.counters.remembered.fetch_add(1, Ordering::Relaxed);
                        outcomes[index] = Some(Ok(embedding));
                    }
                    // Whoever holds it may be waiting at a paused gate; the operator does not wait with them.
                    Boarding::Wait(_) if caller == Caller::Operator => own.push(passenger),
                    Boarding::Wait(receiver) => waiting.push((index, receiver)),
                    Boarding::Own(ticket) => match self.spool().and_then(|spool| spool.get(ticket.key())) {
                        Some(embedding) => {
                            self.counters.spooled.fetch_add(1, Ordering::Relaxed);
                            self.flights.land(ticket, Ok(embedding.clone()));
                            outcomes[index] = Some(Ok(embedding));
                        }
                        None => {
                            passenger.ticket = Some(ticket);
                            own.push(passenger);
                        }
                    },
                }
            }
            if own.is_empty() && waiting.is_empty() {
                break;
            }
            let batches = self.pack(own);
            let results = join_all(batches.into_iter().map(|batch| self.send(batch, role, caller))).await;
            let mut trouble = None;
            for result in results {
                match result {
                    Ok(settled) => {
                        for (index, outcome) in settled {
                            outcomes[index] = Some(outcome);
                        }
                    }
                    Err(error) => trouble = Some(error),
                }
            }
            if let Some(error) = trouble {
                return Err(error);
            }
            self.collect(waiting, &mut outcomes).await;
        }
        Ok(outcomes
            .into_iter()
            .map(|outcome| {
                outcome.unwrap_or_else(|| unreachable!("the loop ends only when every input has its outcome"))
            })
            .collect())
    }

    /// What needs no request to be known as impossible.
    fn refuse_early(&self, input: &Input) -> Option<Outcome> {
        let capabilities = self.embedder.capabilities();
        let modality = input.modality();
        if !capabilities.modalities.contains(&modality) {
            return Some(Err(Failure::new(
                Cause::NoEmbedder,
                format!("{} takes no {}", capabilities.space, modality.as_str()),
            )));
        }
        let Input::Text(text) = input else { return None };
        match self.embedder.count_tokens(text) {
            Count::Known(count) if count > capabilities.max_input_tokens => Some(Err(Failure::new(
                Cause::TooLong,
                format!(
                    "{count} tokens; {} takes {}",
                    capabilities.model, capabilities.max_input_tokens
                ),
            ))),
            _ => None,
        }
    }

    fn tokens(&self, input: &Input) -> usize {
        match input {
            Input::Text(text) => self.embedder.count_tokens(text).get(),
            Input::Image(_) | Input::Audio(_) => 1_024,
        }
    }

    /// Packs by count and by tokens, in order; an input that fills a request alone travels alone.
    fn pack<'a>(&self, passengers: Vec<Passenger<'a>>) -> Vec<Vec<Passenger<'a>>> {
        let (capabilities, max_inputs) = (self.embedder.capabilities(), self.batch_inputs());
        let mut batches: Vec<Vec<Passenger<'a>>> = Vec::new();
        let mut tokens = usize::MAX;
        for passenger in passengers {
            let more = self.tokens(passenger.input);
            let fits = |batch: &[Passenger<'_>]| {
                let alike = |other: &Passenger<'_>| other.input.modality() == passenger.input.modality();
                batch.len() < max_inputs
                    && tokens.saturating_add(more) <= capabilities.max_tokens
                    && (capabilities.mixes || batch.first().is_none_or(alike))
            };
            match batches.last_mut() {
                Some(batch) if fits(batch) => {
                    tokens += more;
                    batch.push(passenger);
                }
                _ => {
                    tokens = more;
                    batches.push(vec![passenger]);
                }
            }
        }
        batches
    }

    /// Takes over what others embedded. Where their request failed as a whole, the input stays open and is asked for
    /// again in the next round.
    async fn collect(&self, waiting: Vec<(usize, watch::Receiver<Option<Outcome>>)>, outcomes: &mut [Option<Outcome>]) {
        for (index, mut receiver) in waiting {
            if let Ok(outcome) = receiver.wait_for(Option::is_some).await {
                self.counters.remembered.fetch_add(1, Ordering::Relaxed);
                outcomes[index].clone_from(&outcome);
            }
        }
    }
}
