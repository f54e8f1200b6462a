//! One request to the embedder and everything that may come back: tried again, waited for, doubted, checked. Decides
//! whose fault an error is; nothing else in qlance does.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Gateway, GatewayError, Verdict};
use crate::embed::gate::Caller;
use crate::embed::{Answer, Input, RequestError, Role};
use crate::patience::{Then, pause};

/// The least pause where a server that throttles asks for none, again and again.
const LEAST_THROTTLE: Duration = Duration::from_millis(100);

impl Gateway {
    /// Inputs are about to be blamed. Unless the server gave a usable embedding for a request that had begun after
    /// `rejected`, a plain word must pass first: if even that is rejected, or its embedding cannot be used however often it
    /// is asked for, the server or the configuration is at fault, and no point may be blamed. Answers whether the word
    /// came out at the first try: where it did not, the server was bad just now, and what it said before says nothing.
    pub(super) async fn doubt(
        &self,
        first: &str,
        rejected: Instant,
        role: Role,
        caller: Caller,
    ) -> Result<bool, GatewayError> {
        let proven = || self.last_answer().is_some_and(|begun| begun >= rejected);
        if proven() {
            return Ok(true);
        }
        // One asks for all of the migration; the operator waits for nobody who may be waiting at a paused gate.
        let _asks = match caller {
            Caller::Migration => Some(self.doubting.lock().await),
            Caller::Operator | Caller::Afresh => None,
        };
        if proven() {
            return Ok(true);
        }
        let mut attempts = 0;
        loop {
            match self.request(&[Input::Text("hello".into())], role, caller).await? {
                Verdict::Answered(_) => return Ok(attempts == 0),
                Verdict::Unusable(problem) => {
                    attempts += 1;
                    if attempts >= self.max_attempts {
                        return Err(GatewayError::Outage {
                            attempts,
                            lasted: Duration::ZERO,
                            message: format!(
                                "no embedding can be used, not even that of a plain word: {problem}; the first of them: \
                                 {first}"
                            ),
                        });
                    }
                    tokio::time::sleep(pause(self.backoff.0, self.backoff.1, attempts)).await;
                }
                Verdict::Rejected(plain) => {
                    return Err(GatewayError::Fatal(format!(
                        "the embedder rejects everything, even a plain word ({plain}); the first rejection said: {first}"
                    )));
                }
            }
        }
    }

    /// One request, tried again until it is answered, until it is not about this moment, or until patience ends.
    #[tracing::instrument(level = "debug", name = "embedding request", skip_all, fields(inputs = inputs.len()))]
    pub(super) async fn request(&self, inputs: &[Input], role: Role, caller: Caller) -> Result<Verdict, GatewayError> {
        let mut attempts = 0;
        let mut throttled = 0;
        let tokens = self.tokens_of(inputs);
        loop {
            let permit = self.gate.enter(caller, tokens).await;
            // What is asked after a fatal answer is paid for and thrown away; the operator may find out whether it is
            // mended.
            let halted = self.halted.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(message) = halted.filter(|_| caller == Caller::Migration) {
                return Err(GatewayError::Fatal(message));
            }
            let money = self.budget.reserve(tokens).await?;
            let begun = Instant::now();
            self.counters.requests.fetch_add(1, Ordering::Relaxed);
            let result = self
                .embedder
                .embed(inputs, role)
                .await
                .and_then(|answer| self.check(answer, inputs.len()));
            let full = self.gate.is_full();
            drop(permit);
            if let Some(used_up) = self.embedder.used_up() {
                self.gate.hold_until(Instant::now() + used_up.wait, used_up.what);
            }
            if !matches!(result, Err(RequestError::Outage(_))) {
                self.outage_is_over();
            }
            match result {
                Ok(answer) => {
                    // A server that counts no tokens is taken at our own count.
                    money.settle(if answer.tokens > 0 { answer.tokens } else { tokens });
                    self.gate.answered(full);
                    let problem = match &answer.embeddings[..] {
                        [Err(problem), others @ ..] if others.iter().all(Result::is_err) => Some(problem.clone()),
                        _ => None,
                    };
                    self.note_answer(begun, inputs.len(), answer.tokens, problem.is_none());
                    return Ok(problem.map_or_else(|| Verdict::Answered(answer), Verdict::Unusable));
                }
                Err(RequestError::Rejected(message)) => return Ok(Verdict::Rejected(message)),
                Err(RequestError::Fatal(message)) => {
                    *self.halted.lock().unwrap_or_else(PoisonError::into_inner) = Some(message.clone());
                    return Err(GatewayError::Fatal(message));
                }
                Err(RequestError::Throttled { retry_after, message }) => {
                    drop(money);
                    throttled += 1;
                    self.hold_back(throttled, retry_after, &message);
                }
                Err(RequestError::Protocol(message)) => {
                    drop(money);
                    attempts += 1;
                    if attempts >= self.max_attempts {
                        return Err(GatewayError::Outage {
                            attempts,
                            lasted: Duration::ZERO,
                            message,
                        });
                    }
                    tracing::warn!(attempts, %message, "an answer of the embedder cannot be used");
                    tokio::time::sleep(pause(self.backoff.0, self.backoff.1, attempts)).await;
                }
                Err(RequestError::Outage(message)) => {
                    drop(money);
                    attempts += 1;
                    self.wait_out(attempts, message, caller)?;
                }
            }
        }
    }

    /// The server throttles: nobody asks before it wants to be asked again. No try is counted.
    fn hold_back(&self, throttled: u32, retry_after: Option<Duration>, message: &str) {
        let wait = match retry_after {
            // The first is taken at its word; after that zero would be a loop without a pause.
            Some(asked) if throttled == 1 => asked,
            Some(asked) => asked.max(LEAST_THROTTLE),
            None => pause(self.backoff.0, self.backoff.1, throttled),
        };
        tracing::info!(seconds = wait.as_secs_f32(), %message, "throttled");
        let now = Instant::now();
        self.gate.throttled(now);
        self.gate
            .hold_until(now + wait, &format!("throttled by the embedder: {message}"));
    }

    /// Nobody answers. The whole gate waits, then one request at a time finds out whether it is over: fifty that each
    /// find out for themselves are no help to a sick server.
    ///
    /// An outage is waited out for the migration alone, and only where the embedder has answered before: at the very
    /// beginning it is rather the address that is wrong, and the operator, who is there, shall hear of it at once.
    fn wait_out(&self, attempts: u32, message: String, caller: Caller) -> Result<(), GatewayError> {
        let now = Instant::now();
        let then = self.patience.failed(&message, now);
        let outage = self.patience.outage();
        let (lasted, tries) = outage.map_or((Duration::ZERO, attempts), |outage| {
            (now.duration_since(outage.since), outage.tries)
        });
        let waits = caller == Caller::Migration && self.last_answer().is_some() && then != Then::GiveUp;
        if attempts >= self.max_attempts && !waits {
            return Err(GatewayError::Outage {
                attempts: attempts.max(tries),
                lasted,
                message,
            });
        }
        let next = match then {
            Then::TryAt(next) => next,
            Then::GiveUp => now + pause(self.backoff.0, self.backoff.1, attempts),
        };
        let seconds = next.duration_since(now).as_secs_f32();
        tracing::warn!(tries, seconds, %message, "the embedder does not answer");
        self.gate.set_probing(true);
        self.gate.hold_until(next, &format!("embedder outage: {message}"));
        Ok(())
    }

    fn outage_is_over(&self) {
        if let Some((lasted, tries)) = self.patience.answered(Instant::now()) {
            tracing::info!(seconds = lasted.as_secs_f32(), tries, "the embedder answers again");
        }
        self.gate.set_probing(false);
    }

    /// When the newest of the accepted requests had begun, of which an embedding can be used.
    fn last_answer(&self) -> Option<Instant> {
        *self.accepted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tokens of a request, where a cap, a budget or a price wants to know; at most, where the tokenizer is not at hand.
    fn tokens_of(&self, inputs: &[Input]) -> u64 {
        let (_, capped) = self.gate.caps();
        if capped.is_none() && self.budget.limit().is_none() && !self.budget.has_price() {
            return 0;
        }
        inputs.iter().map(|input| self.tokens(input) as u64).sum()
    }

    fn check(&self, mut answer: Answer, wanted: usize) -> Result<Answer, RequestError> {
        if answer.embeddings.len() != wanted {
            return Err(RequestError::Protocol(format!(
                "{} embeddings for {wanted} inputs",
                answer.embeddings.len()
            )));
        }
        let capabilities = self.embedder.capabilities();
        let (space, section) = (&capabilities.space, capabilities.section);
        for embedding in &mut answer.embeddings {
            let Ok(numbers) = embedding else { continue };
            if numbers.len() != space.dimensions {
                return Err(RequestError::Fatal(format!(
                    "{} answered with {} numbers an embedding, but {section}.dimensions says {}; set dimensions = {} \
                     (and another table, if this one already holds rows)",
                    capabilities.model,
                    numbers.len(),
                    space.dimensions,
                    numbers.len()
                )));
            }
            if let Some(place) = qlance_numbers::not_finite(numbers) {
                *embedding = Err(format!("number {place} of the embedding is {}", numbers[place]));
            } else if qlance_numbers::all_zero(numbers) {
                *embedding = Err("the embedding is zeros only".into());
            }
        }
        Ok(answer)
    }

    /// Counts an answer. `proves` where it shows that the server embeds what it is given.
    fn note_answer(&self, begun: Instant, inputs: usize, tokens: u64, proves: bool) {
        self.counters.inputs.fetch_add(inputs as u64, Ordering::Relaxed);
        self.counters.tokens.fetch_add(tokens, Ordering::Relaxed);
        if proves {
            let mut accepted = self.accepted.lock().unwrap_or_else(PoisonError::into_inner);
            *accepted = accepted.max(Some(begun));
        }
        self.latency
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .saturating_record(begun.elapsed().as_micros() as u64);
    }
}
