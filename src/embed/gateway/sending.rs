//! One batch on its way: sent, halved where it is rejected until the bad inputs stand alone, and kept once it is paid for.

use std::sync::Arc;
use std::time::Instant;

use super::{Gateway, GatewayError, Passenger, Verdict};
use crate::embed::flights::Outcome;
use crate::embed::gate::Caller;
use crate::embed::{Input, Role};
use crate::point::{Cause, Failure};

impl Gateway {
    /// Sends a batch; where it is rejected, halves it until the bad inputs stand alone.
    ///
    /// Inputs are blamed between two proofs that the server embeds anything at all: one after the first rejection, before
    /// more is halved, and one after the last. A server that turns bad in between blames nobody. An embedding that came
    /// alone and cannot be used is no better than a rejection; one that came with others has its proof in them.
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
        // Depth first, left half on top: at most 2n - 1 requests for n inputs, and about 2 log2(n) for one bad input;
        // two plain words at most besides.
        let mut parts = vec![(0, batch.len())];
        let mut result = loop {
            let Some((start, end)) = parts.pop() else { break Ok(()) };
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
            if end - start > 1 {
                let middle = usize::midpoint(start, end);
                parts.push((middle, end));
                parts.push((start, middle));
                continue;
            }
            last = Some(now);
            if blamed.is_empty()
                && let Err(error) = self.doubt(said, *since, role, caller).await
            {
                break Err(error);
            }
            blamed.push(start);
            outcomes[start] = Some(Err(Failure::new(cause, message)));
        };
        if result.is_ok()
            && let (Some(last), Some((_, said))) = (last, &first)
        {
            result = self.doubt(said, last, role, caller).await;
        }
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
