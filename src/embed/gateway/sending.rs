//! One batch on its way: sent, halved where it is rejected until the bad inputs stand alone, and kept once it is paid for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Gateway, GatewayError, Passenger, Verdict};
use crate::embed::flights::Outcome;
use crate::embed::gate::Caller;
use crate::embed::{Input, Role};
use crate::point::{Cause, Failure};

impl Gateway {
    /// Sends a batch; where it is rejected, or nothing that comes for it can be used, halves it until the bad inputs
    /// stand alone.
    ///
    /// Inputs are blamed between two proofs that the server embeds anything at all: one before the first is blamed, and
    /// one after the last. A server that turns bad in between blames nobody, and one that was bad for a while is asked
    /// again for what it said meanwhile. An embedding that cannot be used is no better than a rejection; one that came
    /// with others that can has its proof in them.
    pub(super) async fn send(
        &self,
        mut batch: Vec<Passenger<'_>>,
        role: Role,
        caller: Caller,
    ) -> Result<Vec<(usize, Outcome)>, GatewayError> {
        let inputs: Vec<Input> = batch.iter().map(|passenger| passenger.input.clone()).collect();
        let mut outcomes: Vec<Option<Outcome>> = vec![None; batch.len()];
        let mut first: Option<(Instant, String)> = None;
        let mut blamed: Vec<usize> = Vec::new();
        let mut last = None;
        let (mut proven, mut shaken) = (false, 0);
        // Depth first, left half on top: at most 2n - 1 requests for n inputs, and about 2 log2(n) for one bad input;
        // two plain words at most besides, as long as the server is not bad for a while.
        let mut parts = vec![(0, batch.len())];
        let result = loop {
            let Some((start, end)) = parts.pop() else {
                let (Some(at), Some((_, said))) = (last, &first) else {
                    break Ok(());
                };
                match self.is_steady(said, at, (role, caller), &mut shaken).await {
                    Ok(true) => break Ok(()),
                    Ok(false) => {}
                    Err(error) => break Err(error),
                }
                (first, last, proven) = (None, None, false);
                for place in blamed.drain(..) {
                    outcomes[place] = None;
                    parts.push((place, place + 1));
                }
                continue;
            };
            let (cause, message) = match self.request(&inputs[start..end], role, caller).await {
                Ok(Verdict::Answered(answer)) => {
                    for (offset, embedding) in answer.embeddings.into_iter().enumerate() {
                        outcomes[start + offset] =
                            Some(embedding.map_err(|problem| Failure::new(Cause::BadVector, problem)));
                    }
                    // Before the next part is asked for: paid is paid.
                    self.keep(&batch[start..end], &outcomes[start..end]).await;
                    continue;
                }
                Ok(Verdict::Unusable(problem)) => (Cause::BadVector, problem),
                Ok(Verdict::Rejected(message)) => (Cause::Rejected, message),
                Err(error) => break Err(error),
            };
            let now = Instant::now();
            let (since, said) = first.get_or_insert_with(|| (now, message.clone()));
            let alone = end - start == 1;
            // Of what is rejected the half may be welcome; where nothing can be used it is rather the server.
            if !proven && (alone || cause == Cause::BadVector) {
                match self.is_steady(said, *since, (role, caller), &mut shaken).await {
                    Ok(true) => proven = true,
                    Ok(false) => {
                        first = None;
                        parts.push((start, end));
                        continue;
                    }
                    Err(error) => break Err(error),
                }
            }
            if !alone {
                let middle = usize::midpoint(start, end);
                parts.push((middle, end));
                parts.push((start, middle));
                continue;
            }
            last = Some(now);
            blamed.push(start);
            outcomes[start] = Some(Err(Failure::new(cause, message)));
        };
        if result.is_err() {
            // Nothing proves that it was these inputs.
            for place in blamed {
                outcomes[place] = None;
            }
        }
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

    /// Whether a plain word comes out at once. Where it does later, what the server said before says nothing; that
    /// happens as often as a request is tried, and no more.
    async fn is_steady(
        &self,
        said: &str,
        since: Instant,
        (role, caller): (Role, Caller),
        shaken: &mut u32,
    ) -> Result<bool, GatewayError> {
        if self.doubt(said, since, role, caller).await? {
            return Ok(true);
        }
        *shaken += 1;
        if *shaken < self.max_attempts {
            return Ok(false);
        }
        Err(GatewayError::Outage {
            attempts: *shaken,
            lasted: Duration::ZERO,
            message: format!(
                "even the embedding of a plain word can be used one time and not another; the last said: {said}"
            ),
        })
    }

    /// Puts what was just paid for into the spool, before anybody hears of it.
    async fn keep(&self, batch: &[Passenger<'_>], outcomes: &[Option<Outcome>]) {
        let Some(spool) = self.spool.get().map(Arc::clone) else {
            return;
        };
        let paid: Vec<_> = batch
            .iter()
            .zip(outcomes)
            .filter_map(|(passenger, outcome)| match (passenger.ticket.as_ref(), outcome) {
                (Some(ticket), Some(Ok(embedding))) => Some((*ticket.key(), embedding.clone())),
                _ => None,
            })
            .collect();
        if !paid.is_empty() {
            let _ = tokio::task::spawn_blocking(move || spool.put(&paid)).await;
        }
    }
}
