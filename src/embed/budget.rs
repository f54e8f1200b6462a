//! What embedding may cost. Checked before each request with an estimate, settled with what the server counted.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::point::{exact_sum, sum_of_money};

/// The budget is used up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UsedUp {
    /// US dollars allowed.
    pub limit: f64,
    /// US dollars spent, by earlier runs too.
    pub spent: f64,
    /// What the next request would cost.
    pub next: f64,
}

impl std::fmt::Display for UsedUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the budget of ${} is used up: ${} spent, and the next request would cost about ${}",
            exact_sum(self.limit),
            sum_of_money(self.spent, 4),
            sum_of_money(self.next, 4)
        )
    }
}

impl std::error::Error for UsedUp {}

#[derive(Debug)]
struct State {
    limit: Option<f64>,
    spent: f64,
    reserved: f64,
}

/// A budget in US dollars, at one embedder's price. Several embedders may draw on the same sum.
#[derive(Debug)]
pub struct Budget {
    usd_per_token: f64,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

/// Money set aside for one request. Dropped unsettled, it is free again: the request was not paid for.
#[derive(Debug)]
pub struct Reservation<'a> {
    budget: &'a Budget,
    usd: f64,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        self.budget.lock().reserved -= self.usd;
        self.budget.changed.notify_waiters();
    }
}

impl Reservation<'_> {
    /// The request was answered, and the server counted so many tokens.
    pub fn settle(self, tokens: u64) {
        self.budget.lock().spent += tokens as f64 * self.budget.usd_per_token;
    }
}

impl Budget {
    /// A budget for embeddings at this price.
    pub fn new(limit_usd: Option<f64>, usd_per_million_tokens: f64) -> Self {
        Self {
            usd_per_token: usd_per_million_tokens / 1e6,
            state: Arc::new(Mutex::new(State {
                limit: limit_usd,
                spent: 0.0,
                reserved: 0.0,
            })),
            changed: Arc::new(Notify::new()),
        }
    }

    /// Another embedder's share in the same sum, at its own price.
    #[must_use]
    pub fn shared_at(&self, usd_per_million_tokens: f64) -> Self {
        Self {
            usd_per_token: usd_per_million_tokens / 1e6,
            state: Arc::clone(&self.state),
            changed: Arc::clone(&self.changed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What so many tokens cost, in US dollars.
    pub fn price_of(&self, tokens: u64) -> f64 {
        tokens as f64 * self.usd_per_token
    }

    /// Whether tokens cost anything.
    pub fn has_price(&self) -> bool {
        self.usd_per_token > 0.0
    }

    /// Earlier runs spent so much.
    pub fn spent_before(&self, usd: f64) {
        self.lock().spent += usd;
    }

    /// US dollars spent, by earlier runs too.
    pub fn spent(&self) -> f64 {
        self.lock().spent
    }

    /// US dollars allowed.
    pub fn limit(&self) -> Option<f64> {
        self.lock().limit
    }

    /// Allows another sum.
    pub fn set_limit(&self, usd: Option<f64>) {
        self.lock().limit = usd;
        self.changed.notify_waiters();
    }

    /// Sets money aside for a request of about so many tokens. Where only what is in flight stands in the way, waits
    /// for it: it may cost less than was set aside.
    ///
    /// # Errors
    /// It would cost more than is left.
    pub async fn reserve(&self, tokens: u64) -> Result<Reservation<'_>, UsedUp> {
        let usd = tokens as f64 * self.usd_per_token;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.lock();
                let (spent, limit) = (state.spent, state.limit.unwrap_or(f64::INFINITY));
                if usd > 0.0 && spent + usd > limit {
                    return Err(UsedUp {
                        limit,
                        spent,
                        next: usd,
                    });
                }
                if usd <= 0.0 || spent + state.reserved + usd <= limit {
                    state.reserved += usd;
                    return Ok(Reservation { budget: self, usd });
                }
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn money_in_flight_is_waited_for_and_comes_back_when_unused() {
        let budget = Budget::new(Some(1.0), 1e6);
        let _ = budget.reserve(0).await.expect("nothing costs nothing");
        let budget = Budget::new(Some(10.0), 1e6);
        let first = budget.reserve(6).await.expect("6 of 10");
        let wait = tokio::time::timeout(Duration::from_millis(20), budget.reserve(6)).await;
        assert!(wait.is_err(), "6 are set aside; they may come back");
        drop(first);
        budget.reserve(6).await.expect("free again").settle(9);
        assert!((budget.spent() - 9.0).abs() < 1e-9, "the server counted 9");
        let used_up = budget.reserve(2).await.expect_err("1 is left");
        assert!(used_up.to_string().contains("budget of $10.00"), "{used_up}");
        budget.set_limit(Some(20.0));
        assert!(budget.reserve(2).await.is_ok(), "raised");
        budget.set_limit(None);
        assert!(budget.reserve(1_000).await.is_ok(), "no cap");
    }

    #[tokio::test]
    async fn two_embedders_draw_on_one_sum_each_at_its_price() {
        let texts = Budget::new(Some(10.0), 1e6);
        let pictures = texts.shared_at(2e6);
        texts.reserve(6).await.expect("6 of 10").settle(6);
        assert!(pictures.reserve(3).await.is_err(), "6 more would be 12");
        pictures.reserve(2).await.expect("4 more").settle(2);
        assert!((texts.spent() - 10.0).abs() < 1e-9);
        assert!(texts.reserve(1).await.is_err());
    }

    #[tokio::test]
    async fn what_earlier_runs_spent_counts() {
        let budget = Budget::new(Some(10.0), 1e6);
        budget.spent_before(9.5);
        assert!(budget.reserve(1).await.is_err());
    }
}
