//! The faults of the embeddings server as a seeded script, and the bill: what was paid for again, and what may have been.

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use qlance::point::Point;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::collection::text_of;
use crate::support::embeddings_server::{Behaviour, Chooser, EmbeddingsServer, Fate};
use crate::support::world::wait_for;

/// How long an answer may take from the server through the client into its spool. What left the server so shortly before
/// the process ended is counted as in flight.
const DELIVERY: Duration = Duration::from_millis(100);

/// How a provider misbehaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Faults {
    /// Of a hundred answers, so many are faults.
    pub(crate) percent: u32,
    /// Of those that ask for a pause, so many ask for a whole second; the others for none.
    pub(crate) pauses: u32,
    /// So many requests are never answered.
    pub(crate) hangs: u32,
}

/// The script of a seed.
pub(crate) fn script(seed: u64, mut faults: Faults) -> Chooser {
    let mut rng = StdRng::seed_from_u64(seed);
    Box::new(move || {
        if rng.random_range(0..100) < faults.percent {
            draw(&mut rng, &mut faults)
        } else {
            Behaviour::Good
        }
    })
}

fn draw(rng: &mut StdRng, faults: &mut Faults) -> Behaviour {
    match rng.random_range(0..100) {
        0..25 => status(429, error("slow down"), Some(seconds(faults))),
        25..35 => status(429, error("slow down"), Some(date(faults))),
        35..45 => status(429, error("slow down"), None),
        45..53 => status(503, "busy".into(), Some(seconds(faults))),
        53..67 => status(500, error("sorry"), None),
        67..72 if faults.hangs > 0 => {
            faults.hangs -= 1;
            Behaviour::Hang
        }
        67..80 => Behaviour::CutConnection,
        80..85 => status(200, "embeddings: none today".into(), None),
        85..90 => Behaviour::Garbage,
        90..95 => status(200, inside(json!(429)), None),
        95..98 => status(200, inside(json!("503")), None),
        _ => status(200, inside(json!("overloaded")), None),
    }
}

fn status(code: u16, body: String, retry_after: Option<String>) -> Behaviour {
    Behaviour::Status {
        code,
        body,
        retry_after,
    }
}

fn error(message: &str) -> String {
    json!({"error": {"message": message, "type": "server_error", "code": null}}).to_string()
}

/// An error in an answer of success.
fn inside(code: serde_json::Value) -> String {
    json!({"error": {"message": "not now", "code": code}}).to_string()
}

/// `Retry-After` in seconds.
fn seconds(faults: &mut Faults) -> String {
    pause(faults).as_secs().to_string()
}

/// `Retry-After` as a date.
fn date(faults: &mut Faults) -> String {
    httpdate::fmt_http_date(SystemTime::now() + pause(faults))
}

fn pause(faults: &mut Faults) -> Duration {
    let whole = faults.pauses.min(1);
    faults.pauses -= whole;
    Duration::from_secs(u64::from(whole))
}

/// What a round's processes left in flight when they ended: so much may be paid for again.
#[derive(Debug, Default)]
pub(crate) struct Bill {
    /// Requests looked at already.
    seen: usize,
    /// Inputs of requests that were not answered yet, or had just been.
    allowed: u64,
}

impl Bill {
    /// Closes the account of a process that is gone; `cut_off` is when, where it had not come to its end.
    pub(crate) async fn close(&mut self, server: &EmbeddingsServer, cut_off: Option<Instant>) {
        // The server notices by itself that its client is gone.
        wait_for("the end of the requests of a process that is gone", || {
            server.in_flight_inputs() == 0
        })
        .await;
        let requests = server.recorded();
        for request in &requests[self.seen..] {
            let lost = match (request.fate, request.ended, cut_off) {
                (Fate::Abandoned, ..) => true,
                (Fate::Paid, Some(answered), Some(cut_off)) => answered + DELIVERY >= cut_off,
                _ => false,
            };
            if lost {
                self.allowed += request.inputs.len() as u64;
            }
        }
        self.seen = requests.len();
    }

    /// How many inputs may have been paid for again.
    pub(crate) fn allowed(&self) -> u64 {
        self.allowed
    }
}

/// How many inputs were paid for again: of each text of the collection, every time but the first.
pub(crate) fn paid_again(server: &EmbeddingsServer, points: &[Point]) -> u64 {
    let paid = server.paid();
    let texts: BTreeSet<&str> = points.iter().filter_map(text_of).collect();
    texts
        .into_iter()
        .filter_map(|text| paid.get(text))
        .map(|times| times.saturating_sub(1))
        .sum()
}
