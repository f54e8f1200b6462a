//! Media of web servers: one try at an address, through all of its redirects, each of them checked like the first.
//!
//! Nothing but the address is sent: no cookie, no referrer, no credential, and no proxy of the environment is used,
//! which would resolve names behind the guard's back. Trying again is not decided here.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, redirect};
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::address::check_http;
use super::again::{Remote, Trouble};
use super::budget::{Budget, Fetched};
use super::guard::{Guard, Refusal, Resolver};
use super::message::{chain, refused, said, shown, too_many_bytes, unreachable, unreadable};
use crate::embed::limits;
use crate::point::Failure;

/// The longest pause that a server may ask for between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Asks web servers.
#[derive(Debug)]
pub(super) struct Web {
    client: reqwest::Client,
    guard: Arc<Guard>,
    max_redirects: usize,
    timeout: Duration,
}

/// What one try brought, and who answered on the way.
pub(super) struct Brought {
    /// The bytes.
    pub(super) fetched: Fetched,
    /// Every address that was answered, the last one that of the bytes.
    pub(super) answered: Vec<Remote>,
}

impl Web {
    /// Makes the client.
    ///
    /// # Errors
    /// It cannot be made: no certificates.
    pub(super) fn new(guard: Guard, max_redirects: usize, timeout: Duration) -> anyhow::Result<Self> {
        let guard = Arc::new(guard);
        let client = reqwest::Client::builder()
            .user_agent(concat!("qlance/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(CONNECT.min(timeout))
            .dns_resolver(Arc::new(Resolver(Arc::clone(&guard))))
            .build()
            .context("cannot make an HTTP client for media")?;
        Ok(Self {
            client,
            guard,
            max_redirects,
            timeout,
        })
    }

    /// Fetches what is at an address. Waiting for memory is not counted as time.
    pub(super) async fn fetch(&self, url: &Url, budget: &Budget) -> Result<Brought, Trouble> {
        let deadline = Instant::now() + self.timeout;
        let mut answered = Vec::new();
        let mut url = url.clone();
        loop {
            let response = self.ask(&url, deadline).await?;
            if response.status().is_redirection() && response.headers().contains_key(LOCATION) {
                if answered.len() >= self.max_redirects {
                    return Err(unreachable(format!(
                        "cannot fetch {}: more than {} redirects (media.max_redirects)",
                        shown(&url),
                        self.max_redirects
                    ))
                    .into());
                }
                let next = target(&url, &response)?;
                answered.push(Remote::Web(std::mem::replace(&mut url, next)));
                continue;
            }
            let fetched = self.read(&url, response, deadline, budget).await?;
            answered.push(Remote::Web(url));
            return Ok(Brought { fetched, answered });
        }
    }

    /// Whether a server answers at all, whatever it says of this address.
    pub(super) async fn answers(&self, url: &Url) -> bool {
        let answer = self.ask(url, Instant::now() + self.timeout).await;
        answer.is_ok_and(|response| !is_of_the_moment(response.status()))
    }

    /// Sends one request and waits for the head of its answer.
    async fn ask(&self, url: &Url, deadline: Instant) -> Result<Response, Trouble> {
        self.guard.check(url).map_err(|refusal| refuse(url, &refusal))?;
        let request = self
            .client
            .get(url.clone())
            .header(ACCEPT, "image/*, audio/*, */*;q=0.1")
            // What is small on its way and large when unpacked is nobody's gain: pictures and sounds come packed.
            .header(ACCEPT_ENCODING, "identity");
        match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(judge(url, error)),
            Err(_) => Err(self.late(url)),
        }
    }

    /// Reads the body of an answer, after its share of memory has been taken.
    async fn read(
        &self,
        url: &Url,
        mut response: Response,
        deadline: Instant,
        budget: &Budget,
    ) -> Result<Fetched, Trouble> {
        judge_head(url, &response)?;
        let what = shown(url);
        let length = response.content_length();
        let left = deadline.saturating_duration_since(Instant::now());
        let share = budget.take(&what, length).await?;
        let deadline = Instant::now() + left;
        let mut bytes = Vec::with_capacity(length.unwrap_or(0) as usize);
        loop {
            let chunk = match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(judge(url, error)),
                Err(_) => return Err(self.late(url)),
            };
            if (bytes.len() + chunk.len()) as u64 > budget.max_bytes() {
                return Err(too_many_bytes(&what, None, budget.max_bytes()).into());
            }
            bytes.extend_from_slice(&chunk);
        }
        if length.is_some_and(|length| length != bytes.len() as u64) {
            return Err(moment(url, "the answer has another length than it said".into(), None));
        }
        Ok(Fetched::new(bytes, share))
    }

    fn late(&self, url: &Url) -> Trouble {
        moment(url, format!("nothing came in {} s", self.timeout.as_secs()), None)
    }
}

fn moment(url: &Url, message: String, pause: Option<Duration>) -> Trouble {
    Trouble::Moment {
        at: Box::new(Remote::Web(url.clone())),
        message,
        pause,
    }
}

fn refuse(url: &Url, refusal: &Refusal) -> Failure {
    refused(format!("refused {}: {refusal}", shown(url)))
}

/// Where an answer redirects to.
///
/// # Errors
/// Nowhere that may be followed.
fn target(from: &Url, response: &Response) -> Result<Url, Failure> {
    let location = response.headers().get(LOCATION).map(|value| value.as_bytes().to_vec());
    hop(from, &String::from_utf8_lossy(&location.unwrap_or_default()))
}

fn hop(from: &Url, location: &str) -> Result<Url, Failure> {
    let mut next = from.join(location).map_err(|error| {
        let name = shown(from);
        unreachable(format!("cannot fetch {name}: it redirects to no address: {error}"))
    })?;
    check_http(&next).map_err(|failure| refused(format!("{}, where {} redirects to", failure.message, shown(from))))?;
    if from.scheme() == "https" && next.scheme() == "http" {
        return Err(refused(format!(
            "refused {}: {} redirects from https to http",
            shown(&next),
            shown(from)
        )));
    }
    next.set_fragment(None);
    Ok(next)
}

/// Whether a status speaks of the server as it is just now, and not of the address.
fn is_of_the_moment(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429)
}

/// What the head of an answer says, before its body is read.
fn judge_head(url: &Url, response: &Response) -> Result<(), Trouble> {
    let status = response.status();
    let headers = response.headers();
    if is_of_the_moment(status) {
        let asked = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let pause = asked.and_then(|value| limits::retry_after(value, SystemTime::now()));
        let pause = pause.map(|pause| pause.min(LONGEST_PAUSE));
        return Err(moment(url, format!("HTTP {status}"), pause));
    }
    let name = shown(url);
    if !status.is_success() {
        return Err(unreachable(format!("cannot fetch {name}: HTTP {status}")).into());
    }
    match headers.get(CONTENT_ENCODING) {
        Some(encoding) if !encoding.as_bytes().eq_ignore_ascii_case(b"identity") => {
            let encoding = said(&String::from_utf8_lossy(encoding.as_bytes()));
            Err(unreadable(format!("{name} came as {encoding}, which was not asked for")).into())
        }
        _ => Ok(()),
    }
}

/// What a failed request says: that it may not be sent, or something about the moment.
fn judge(url: &Url, error: reqwest::Error) -> Trouble {
    // It would show what a query holds.
    let error = error.without_url();
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(cause) = source {
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return refuse(url, refusal).into();
        }
        source = cause.source();
    }
    if error.is_builder() {
        return unreachable(format!("cannot fetch {}: {}", shown(url), chain(&error))).into();
    }
    moment(url, chain(&error), None)
}

#[cfg(test)]
mod tests;
