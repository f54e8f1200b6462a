//! The HTTP server of `--metrics`: `GET /metrics` and `GET /healthz`, nothing else. No authentication: it is on
//! loopback unless the operator names another address, and then says so.
//!
//! Nobody outside can hold it up or fill it: so many connections at once, each so long and with so many bytes, one
//! answer a connection. The run never waits for a scrape.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::AbortHandle;
use tokio::time::Sleep;

use super::exposition::{self, CONTENT_TYPE};
use super::seen::Seen;
use crate::config::ConfigError;
use crate::tasks::Snapshot;

/// Connections at once; a further one waits in the kernel's queue. One Prometheus needs one.
const MOST_CONNECTIONS: usize = 16;
/// How long a connection may last: a scrape takes milliseconds, and whoever dawdles makes room for the next.
const LONGEST: Duration = Duration::from_secs(10);
/// Bytes that a client may send: a scrape has a few hundred.
const MOST_BYTES: usize = 16 << 10;

/// An address that is listened at and not served yet.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    address: SocketAddr,
}

/// The server as long as this lives.
#[derive(Debug)]
pub struct Serving(AbortHandle);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What an address names: `PORT` and `:PORT` are on loopback, `HOST:PORT` is what it says, IPv6 in brackets.
fn split(wanted: &str) -> Option<(&str, u16)> {
    let (host, port) = match wanted.rsplit_once(':') {
        None | Some(("", _)) => ("127.0.0.1", wanted.trim_start_matches(':')),
        Some((host, port)) => match host.strip_prefix('[') {
            Some(rest) => (rest.strip_suffix(']')?, port),
            // Without brackets nobody can tell where the address ends.
            None if host.contains(':') => return None,
            None => (host, port),
        },
    };
    // `u16::from_str` takes a leading plus.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let speakable = !host.is_empty() && host.chars().all(|c| c.is_ascii_graphic());
    Some((host, port.parse().ok()?)).filter(|_| digits && speakable)
}

impl Endpoint {
    /// Listens at an address as it stands behind `--metrics`; port 0 is any that is free.
    ///
    /// # Errors
    /// It is no address, or nobody can listen there; it names `--metrics`.
    pub async fn bind(wanted: &str) -> Result<Self, ConfigError> {
        let place = split(wanted).ok_or_else(|| {
            ConfigError::Usage(format!(
                "--metrics {wanted}: this is no address; name a port, such as 9464, or a host and a port, such as \
                 127.0.0.1:9464 or [::1]:9464"
            ))
        })?;
        let refused = |error: io::Error| {
            ConfigError::Usage(format!(
                "--metrics {wanted}: nobody can listen there ({error}); name another port, or 0 for any that is free"
            ))
        };
        let listener = TcpListener::bind(place).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        tracing::info!(%address, "metrics are served");
        let endpoint = Self { listener, address };
        if let Some(warning) = endpoint.warning() {
            tracing::warn!("{warning}");
        }
        Ok(endpoint)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the operator should know of the address, where it can be reached from elsewhere.
    pub fn warning(&self) -> Option<String> {
        let address = self.address;
        let warning = format!(
            "metrics are served at {address}, which others can reach, without a password; --metrics {} keeps them on \
             this machine",
            address.port()
        );
        (!address.ip().to_canonical().is_loopback()).then_some(warning)
    }

    /// What to print before the work begins.
    pub fn told(&self) -> Vec<String> {
        let url = format!("metrics: http://{}/metrics", self.address);
        [Some(url), self.warning()].into_iter().flatten().collect()
    }

    /// Serves until the answer is dropped.
    pub fn serve(self, snapshot: watch::Receiver<Snapshot>, seen: Arc<Seen>) -> Serving {
        let router = Router::new()
            .route("/metrics", get(metrics))
            .route("/healthz", get(healthz))
            .layer(map_response(close))
            .with_state(Sources { snapshot, seen });
        let bounded = Bounded {
            listener: self.listener,
            places: Arc::new(Semaphore::new(MOST_CONNECTIONS)),
        };
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(bounded, router).await {
                tracing::warn!(%error, "metrics are served no more");
            }
        });
        Serving(task.abort_handle())
    }
}

/// Where the values come from.
#[derive(Clone)]
struct Sources {
    snapshot: watch::Receiver<Snapshot>,
    seen: Arc<Seen>,
}

async fn metrics(State(sources): State<Sources>) -> Response {
    // A clone: the work must be able to publish while this is written down.
    let snapshot = sources.snapshot.borrow().clone();
    match exposition::text(snapshot, sources.seen) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            tracing::warn!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Whether there is work that could say something new.
async fn healthz(State(sources): State<Sources>) -> Response {
    match sources.snapshot.has_changed() {
        Ok(_) => (StatusCode::OK, "ok\n").into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the work has ended\n").into_response(),
    }
}

/// One answer a connection: a client that is done leaves its place.
async fn close(mut response: Response) -> Response {
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Accepts so many at once.
struct Bounded {
    listener: TcpListener,
    places: Arc<Semaphore>,
}

impl Listener for Bounded {
    type Io = Held;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Held, SocketAddr) {
        // The place first: what has none is not accepted.
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .unwrap_or_else(|_| unreachable!("the semaphore is never closed"));
        let (stream, address) = Listener::accept(&mut self.listener).await;
        let held = Held {
            stream,
            ends: Box::pin(tokio::time::sleep(LONGEST)),
            read: 0,
            _place: place,
        };
        (held, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends in time.
struct Held {
    stream: TcpStream,
    ends: Pin<Box<Sleep>>,
    read: usize,
    _place: OwnedSemaphorePermit,
}

impl Held {
    /// An error once its time is over; wakes the task then.
    fn in_time(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        match self.ends.as_mut().poll(context) {
            Poll::Pending => Ok(()),
            Poll::Ready(()) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl AsyncRead for Held {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let held = self.get_mut();
        held.in_time(context)?;
        let before = buffer.filled().len();
        ready!(Pin::new(&mut held.stream).poll_read(context, buffer))?;
        held.read += buffer.filled().len() - before;
        if held.read > MOST_BYTES {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Held {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let held = self.get_mut();
        held.in_time(context)?;
        Pin::new(&mut held.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let held = self.get_mut();
        held.in_time(context)?;
        Pin::new(&mut held.stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let held = self.get_mut();
        held.in_time(context)?;
        Pin::new(&mut held.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_meant() {
        for (wanted, expected) in [
            ("9464", Some(("127.0.0.1", 9_464))),
            (":9464", Some(("127.0.0.1", 9_464))),
            ("0", Some(("127.0.0.1", 0))),
            ("127.0.0.1:9464", Some(("127.0.0.1", 9_464))),
            ("0.0.0.0:80", Some(("0.0.0.0", 80))),
            ("localhost:80", Some(("localhost", 80))),
            ("[::1]:80", Some(("::1", 80))),
            ("", None),
            (":", None),
            ("::", None),
            ("::1:80", None),
            ("[::1:80", None),
            ("[]:80", None),
            ("host", None),
            ("host:", None),
            ("host:+80", None),
            ("+80", None),
            ("65536", None),
            ("ho st:80", None),
            ("\u{1b}[2J:80", None),
            ("http://127.0.0.1:80", None),
        ] {
            assert_eq!(split(wanted), expected, "{wanted:?}");
        }
    }

    async fn served() -> (SocketAddr, watch::Sender<Snapshot>, Serving) {
        let endpoint = Endpoint::bind("0").await.expect("a free port");
        let address = endpoint.address();
        assert!(address.ip().is_loopback() && address.port() > 0);
        assert_eq!(endpoint.told(), [format!("metrics: http://{address}/metrics")]);
        let (snapshot, watched) = watch::channel(Snapshot::default());
        let serving = endpoint.serve(watched, Arc::new(Seen::new(0.98)));
        (address, snapshot, serving)
    }

    async fn asked(address: SocketAddr, head: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        // A server that has had enough no longer reads; what it said is looked at.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    #[tokio::test]
    async fn what_is_served_and_what_is_not() {
        let (address, snapshot, serving) = served().await;
        let metrics = asked(address, "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(metrics.starts_with("HTTP/1.1 200 OK\r\n"), "{metrics}");
        assert!(
            metrics.contains(&format!("content-type: {CONTENT_TYPE}\r\n")),
            "{metrics}"
        );
        assert!(metrics.ends_with("# EOF\n"), "{metrics}");
        let health = asked(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(
            health.starts_with("HTTP/1.1 200 ") && health.ends_with("\r\nok\n"),
            "{health}"
        );
        for (head, status) in [
            ("GET / HTTP/1.1\r\nhost: x\r\n\r\n", "404"),
            ("GET /metrics/ HTTP/1.1\r\nhost: x\r\n\r\n", "404"),
            ("POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n", "405"),
        ] {
            let answer = asked(address, head).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{head}{answer}");
        }
        drop(snapshot);
        let health = asked(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(health.starts_with("HTTP/1.1 503 "), "{health}");
        drop(serving);
        let begun = std::time::Instant::now();
        while TcpStream::connect(address).await.is_ok() {
            assert!(begun.elapsed() < LONGEST, "it is served on");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_request_without_end_is_cut_off_and_those_who_dawdle_hold_nobody_up() {
        let (address, _snapshot, _serving) = served().await;
        let endless = format!("GET /metrics HTTP/1.1\r\nx: {}", "y".repeat(10 * MOST_BYTES));
        let answer = asked(address, &endless).await;
        assert!(!answer.contains("200 OK"), "{answer}");
        // All places but one are taken by clients that say nothing.
        let mut silent = Vec::new();
        for _ in 1..MOST_CONNECTIONS {
            silent.push(TcpStream::connect(address).await.expect("a connection"));
        }
        let answer = asked(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
        assert!(answer.ends_with("ok\n"), "{answer}");
        drop(silent);
    }

    #[tokio::test]
    async fn what_cannot_be_bound_is_said_with_the_address() {
        let taken = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = taken.local_addr().expect("the port").to_string();
        for wanted in [address.as_str(), "nonsense"] {
            let error = Endpoint::bind(wanted).await.expect_err("not to be had").to_string();
            assert!(error.contains("--metrics") && error.contains(wanted), "{error}");
        }
    }

    #[tokio::test]
    async fn an_address_that_others_reach_is_warned_about() {
        let endpoint = Endpoint::bind("0.0.0.0:0").await.expect("a free port");
        let told = endpoint.told();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[1].contains("without a password"), "{told:?}");
    }
}
