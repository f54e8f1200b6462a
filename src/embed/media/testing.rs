//! Servers on loopback for tests: they say what they are told to, true or not, and count who came.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::again::Trouble;
use crate::point::Failure;

/// What a server says to one request.
pub(super) struct Reply {
    head: String,
    body: Vec<u8>,
    endless: bool,
    held: bool,
}

impl Reply {
    /// These bytes.
    pub(super) fn ok(body: &[u8]) -> Self {
        Self::raw(
            &format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()),
            body,
        )
    }

    /// A status, and nothing else.
    pub(super) fn status(status: u16) -> Self {
        Self::raw(&format!("HTTP/1.1 {status} So\r\ncontent-length: 0\r\n\r\n"), b"")
    }

    /// Elsewhere.
    pub(super) fn redirect(location: &str) -> Self {
        Self::status(302).with(&format!("location: {location}\r\n"))
    }

    /// Whatever it is.
    pub(super) fn raw(head: &str, body: &[u8]) -> Self {
        Self {
            head: head.to_owned(),
            body: body.to_vec(),
            endless: false,
            held: false,
        }
    }

    /// The same with one more line in its head.
    pub(super) fn with(mut self, line: &str) -> Self {
        self.head.truncate(self.head.len().saturating_sub(2));
        self.head.push_str(line);
        self.head.push_str("\r\n");
        self
    }

    /// The body, and more of it without end.
    pub(super) fn endless(mut self) -> Self {
        self.endless = true;
        self
    }

    /// The body, and then nothing for as long as the other side waits.
    pub(super) fn held(mut self) -> Self {
        self.held = true;
        self
    }
}

/// A server, for as long as this lives.
pub(super) struct Server {
    port: u16,
    hits: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts one on a free port; it answers by the head of the request.
    pub(super) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let hits = Arc::new(AtomicUsize::new(0));
        let (answer, counted) = (Arc::new(answer), Arc::clone(&hits));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let _ = serve(stream, &*answer).await;
                });
            }
        });
        Self { port, hits, task }
    }

    /// Its port on 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Connections so far.
    pub(super) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// The address of a path.
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers one request and closes the connection.
async fn serve(mut stream: TcpStream, answer: &(impl Fn(&str) -> Reply + Sync)) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).await?;
        head.push(byte[0]);
    }
    let mut reply = answer(&String::from_utf8_lossy(&head));
    if !reply.head.is_empty() && !reply.head.contains("connection:") {
        reply = reply.with("connection: close\r\n");
    }
    stream.write_all(reply.head.as_bytes()).await?;
    stream.write_all(&reply.body).await?;
    if reply.endless {
        loop {
            stream.write_all(&[0; 16_384]).await?;
        }
    }
    if reply.held {
        // Until the other side goes away.
        let _ = stream.read(&mut [0; 1]).await;
    }
    stream.shutdown().await
}

/// The failure that somebody was told of.
pub(super) fn failure<T>(outcome: Result<T, Trouble>) -> Failure {
    match outcome {
        Err(Trouble::Failed(failure)) => failure,
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("no failure"),
    }
}
