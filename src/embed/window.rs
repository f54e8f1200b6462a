//! How many requests in flight the server takes, found out by trying: one more for every round of answers, half as many
//! when it throttles (additive increase, multiplicative decrease, as in TCP: Chiu and Jain 1989). Pure: the time comes in.

use std::time::{Duration, Instant};

/// Requests that were in flight together are throttled together: that is one sign, not fifty.
const ONE_SIGN: Duration = Duration::from_millis(500);

/// A window between one and the operator's limit.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    limit: usize,
    size: f64,
    last_cut: Option<Instant>,
}

impl Window {
    /// A window as wide as the limit (at least one): most servers take what the operator thinks they take.
    pub fn new(limit: usize) -> Self {
        let limit = limit.max(1);
        Self {
            limit,
            size: limit as f64,
            last_cut: None,
        }
    }

    /// The operator's limit.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Requests that may be in flight now.
    pub fn allowed(&self) -> usize {
        (self.size as usize).clamp(1, self.limit)
    }

    /// A request was answered. Only a window that was full says something about a wider one.
    pub fn answered(&mut self, full: bool) {
        if full {
            self.size = (self.size + 1.0 / self.size).min(self.limit as f64);
        }
    }

    /// A request was throttled.
    pub fn throttled(&mut self, now: Instant) {
        if self.last_cut.is_none_or(|last| now.duration_since(last) >= ONE_SIGN) {
            self.size = (self.size / 2.0).max(1.0);
            self.last_cut = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_when_throttled_and_one_more_a_round_of_answers() {
        let start = Instant::now();
        let mut window = Window::new(50);
        assert_eq!(window.allowed(), 50);
        for milliseconds in 0..50 {
            window.throttled(start + Duration::from_millis(milliseconds));
        }
        assert_eq!(window.allowed(), 25, "one sign");
        for _ in 0..26 {
            window.answered(true);
        }
        assert_eq!(window.allowed(), 26);
        window.answered(false);
        assert_eq!(window.allowed(), 26, "it was not full");
        for seconds in 1..20 {
            window.throttled(start + Duration::from_secs(seconds));
        }
        assert_eq!(window.allowed(), 1, "never none");
        for _ in 0..10_000 {
            window.answered(true);
        }
        assert_eq!(window.allowed(), 50, "never more than the operator allows");
    }
}
