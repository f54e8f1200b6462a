//! In front of any embedder: packs inputs into requests, keeps to the limits, tries again, finds the bad inputs of a
//! rejected batch, checks every answer, and remembers equal texts.
//!
//! This is the one place where an error of an embedder is judged: [`Failure`] speaks of one input, [`GatewayError`]
//! of the system. Nothing else in qlance turns an embedding error into a failed point.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::join_all;
use hdrhistogram::Histogram;
use rand::Rng as _;
use tokio::sync::watch;

use super::budget::{Budget, UsedUp};
use super::flights::{Boarding, Flights, Key, Outcome, Ticket};
use super::gate::{Caller, Gate};
use super::tokens::Count;
use super::{Answer, Embedder, Input, RequestError, Role};
use crate::config::EmbedConfig;
use crate::point::{Cause, Failure};

/// The least pause where a server that throttles asks for none, again and again.
const LEAST_THROTTLE: Duration = Duration::from_millis(100);

/// What cannot be blamed on an input. The points stay unread.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GatewayError {
    /// The embedder did not answer as it should, however often it was asked.
    #[error("the embedder failed {attempts} times, the last time with: {message}")]
    Outage {
        /// Tries made.
        attempts: u32,
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

/// What was asked of the embedder so far.
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
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    inputs: AtomicU64,
    tokens: AtomicU64,
    remembered: AtomicU64,
}

/// Embeds any number of inputs for any number of callers.
pub struct Gateway {
    embedder: std::sync::Arc<dyn Embedder>,
    gate: Gate,
    flights: Flights,
    max_attempts: u32,
    backoff: (Duration, Duration),
    counters: Counters,
    latency: Mutex<Histogram<u64>>,
    accepted: Mutex<Option<Instant>>,
    batch_inputs: AtomicUsize,
    budget: Budget,
}

/// One input of a request, with the duty to answer for it.
struct Passenger<'a> {
    index: usize,
    input: &'a Input,
    ticket: Option<Ticket>,
}

enum Verdict {
    Answered(Answer),
    Rejected(String),
}

impl Gateway {
    /// Puts a gateway before an embedder.
    pub fn new(embedder: std::sync::Arc<dyn Embedder>, config: &EmbedConfig) -> Self {
        let dimensions = embedder.capabilities().space.dimensions;
        let gate = Gate::new(config.max_in_flight);
        gate.set_requests_per_minute(config.requests_per_minute);
        gate.set_tokens_per_minute(config.tokens_per_minute);
        Self {
            gate,
            flights: Flights::new(config.remember_mib << 20, dimensions),
            max_attempts: config.max_attempts,
            backoff: (
                Duration::from_millis(config.backoff_min_ms),
                Duration::from_millis(config.backoff_max_ms),
            ),
            counters: Counters::default(),
            // Microseconds up to an hour, three digits: some 50 KB.
            latency: Mutex::new(
                Histogram::new_with_max(3_600_000_000, 2).unwrap_or_else(|_| unreachable!("constant bounds are valid")),
            ),
            accepted: Mutex::new(None),
            batch_inputs: AtomicUsize::new(embedder.capabilities().max_inputs),
            budget: Budget::new(config.budget_usd, config.usd_per_million_tokens),
            embedder,
        }
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
        for key in inputs.iter().filter_map(|input| Key::of(input, role)) {
            self.flights.forget(key);
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
                match Key::of(input, role).map(|key| self.flights.board(key)) {
                    Some(Boarding::Done(embedding)) => {
                        self.counters.remembered.fetch_add(1, Ordering::Relaxed);
                        outcomes[index] = Some(Ok(embedding));
                    }
                    // Whoever holds it may be waiting at a paused gate; the operator does not wait with them.
                    Some(Boarding::Wait(_)) if caller == Caller::Operator => own.push(passenger),
                    Some(Boarding::Wait(receiver)) => waiting.push((index, receiver)),
                    Some(Boarding::Own(ticket)) => {
                        passenger.ticket = Some(ticket);
                        own.push(passenger);
                    }
                    None => own.push(passenger),
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
                    capabilities.space.model, capabilities.max_input_tokens
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
            match batches.last_mut() {
                Some(batch) if batch.len() < max_inputs && tokens.saturating_add(more) <= capabilities.max_tokens => {
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

    /// Sends a batch; where it is rejected, halves it until the bad inputs stand alone.
    async fn send(
        &self,
        mut batch: Vec<Passenger<'_>>,
        role: Role,
        caller: Caller,
    ) -> Result<Vec<(usize, Outcome)>, GatewayError> {
        let inputs: Vec<Input> = batch.iter().map(|passenger| passenger.input.clone()).collect();
        let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
        let begun = Instant::now();
        // Depth first, left half on top: at most 2n - 1 requests for n inputs, and about 2 log2(n) for one bad input.
        let mut parts = vec![(0, batch.len())];
        let result = loop {
            let Some((start, end)) = parts.pop() else { break Ok(()) };
            match self.request(&inputs[start..end], role, caller).await {
                Ok(Verdict::Answered(answer)) => {
                    for (offset, embedding) in answer.embeddings.into_iter().enumerate() {
                        outcomes[start + offset] =
                            Some(embedding.map_err(|problem| Failure::new(Cause::BadVector, problem)));
                    }
                }
                Ok(Verdict::Rejected(message)) if end - start == 1 => {
                    if let Err(error) = self.doubt(&message, begun, role, caller).await {
                        break Err(error);
                    }
                    outcomes[start] = Some(Err(Failure::new(Cause::Rejected, message)));
                }
                Ok(Verdict::Rejected(_)) => {
                    let middle = usize::midpoint(start, end);
                    parts.push((middle, end));
                    parts.push((start, middle));
                }
                Err(error) => break Err(error),
            }
        };
        let mut settled = Vec::with_capacity(batch.len());
        let mut abandoned = Vec::new();
        for (passenger, outcome) in batch.iter_mut().zip(outcomes) {
            match (outcome, passenger.ticket.take()) {
                (Some(outcome), Some(ticket)) => {
                    self.flights.land(ticket, outcome.clone());
                    settled.push((passenger.index, outcome));
                }
                (Some(outcome), None) => settled.push((passenger.index, outcome)),
                (None, ticket) => abandoned.extend(ticket),
            }
        }
        self.flights.abandon(abandoned);
        result.map(|()| settled)
    }

    /// An input was rejected alone. Unless the server accepted something since this batch began, a plain word must
    /// pass first: if even that is rejected, the server or the configuration is at fault, and no point may be blamed.
    async fn doubt(&self, message: &str, begun: Instant, role: Role, caller: Caller) -> Result<(), GatewayError> {
        let accepted = *self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
        if accepted.is_some_and(|instant| instant >= begun) {
            return Ok(());
        }
        match self.request(&[Input::Text("hello".into())], role, caller).await? {
            Verdict::Answered(_) => Ok(()),
            Verdict::Rejected(plain) => Err(GatewayError::Fatal(format!(
                "the embedder rejects everything, even a plain word ({plain}); the first rejection said: {message}"
            ))),
        }
    }

    /// One request with its retries.
    async fn request(&self, inputs: &[Input], role: Role, caller: Caller) -> Result<Verdict, GatewayError> {
        let mut attempts = 0;
        let mut throttled = 0;
        let tokens = self.tokens_of(inputs);
        loop {
            let permit = self.gate.enter(caller, tokens).await;
            let money = self.budget.reserve(tokens).await?;
            let begun = Instant::now();
            self.counters.requests.fetch_add(1, Ordering::Relaxed);
            let result = self
                .embedder
                .embed(inputs, role)
                .await
                .and_then(|answer| self.check(answer, inputs.len()));
            drop(permit);
            let message = match result {
                Ok(answer) => {
                    // A server that counts no tokens is taken at our own count.
                    money.settle(if answer.tokens > 0 { answer.tokens } else { tokens });
                    self.note_success(begun.elapsed(), inputs.len(), answer.tokens);
                    return Ok(Verdict::Answered(answer));
                }
                Err(RequestError::Rejected(message)) => return Ok(Verdict::Rejected(message)),
                Err(RequestError::Fatal(message)) => return Err(GatewayError::Fatal(message)),
                Err(RequestError::Throttled { retry_after, message }) => {
                    drop(money);
                    throttled += 1;
                    let pause = match retry_after {
                        // The first is taken at its word; after that zero would be a loop without a pause.
                        Some(asked) if throttled == 1 => asked,
                        Some(asked) => asked.max(LEAST_THROTTLE),
                        None => self.pause(throttled),
                    };
                    tracing::info!(seconds = pause.as_secs_f32(), %message, "throttled");
                    self.gate
                        .hold_until(Instant::now() + pause, "throttled by the embedder");
                    continue;
                }
                Err(RequestError::Outage(message) | RequestError::Protocol(message)) => {
                    drop(money);
                    message
                }
            };
            attempts += 1;
            if attempts >= self.max_attempts {
                return Err(GatewayError::Outage { attempts, message });
            }
            let pause = self.pause(attempts);
            tracing::warn!(attempts, seconds = pause.as_secs_f32(), %message, "embedder outage");
            // The whole gate waits: fifty requests that each find out for themselves are no help to a sick server.
            self.gate
                .hold_until(Instant::now() + pause, &format!("embedder outage: {message}"));
            tokio::time::sleep(pause).await;
        }
    }

    /// Tokens of a request, where a cap or a budget wants to know; at most, where the tokenizer is not at hand.
    fn tokens_of(&self, inputs: &[Input]) -> u64 {
        let (_, capped) = self.gate.caps();
        if capped.is_none() && self.budget.limit().is_none() {
            return 0;
        }
        inputs.iter().map(|input| self.tokens(input) as u64).sum()
    }

    /// The pause before the next try: doubling from the least to the longest, less up to half of it at random, so
    /// that requests which failed together do not come back together.
    fn pause(&self, tries: u32) -> Duration {
        let (least, longest) = self.backoff;
        let full = least
            .saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)))
            .min(longest);
        full.mul_f64(rand::rng().random_range(0.5..=1.0))
            .max(least.min(longest))
    }

    fn check(&self, mut answer: Answer, wanted: usize) -> Result<Answer, RequestError> {
        if answer.embeddings.len() != wanted {
            return Err(RequestError::Protocol(format!(
                "{} embeddings for {wanted} inputs",
                answer.embeddings.len()
            )));
        }
        let space = &self.embedder.capabilities().space;
        for embedding in &mut answer.embeddings {
            let Ok(numbers) = embedding else { continue };
            if numbers.len() != space.dimensions {
                return Err(RequestError::Fatal(format!(
                    "{} answered with {} numbers an embedding, but embed.text.dimensions says {}; set dimensions = {} \
                     (and another table, if this one already holds rows)",
                    space.model,
                    numbers.len(),
                    space.dimensions,
                    numbers.len()
                )));
            }
            if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
                *embedding = Err(format!("number {place} of the embedding is {}", numbers[place]));
            }
        }
        // Where not one of several can be used, the answer is at fault, not the inputs.
        if wanted > 1
            && answer.embeddings.iter().all(Result::is_err)
            && let Some(Err(problem)) = answer.embeddings.first()
        {
            return Err(RequestError::Protocol(format!("no embedding can be used: {problem}")));
        }
        Ok(answer)
    }

    fn note_success(&self, took: Duration, inputs: usize, tokens: u64) {
        self.counters.inputs.fetch_add(inputs as u64, Ordering::Relaxed);
        self.counters.tokens.fetch_add(tokens, Ordering::Relaxed);
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        self.latency
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .saturating_record(took.as_micros() as u64);
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
