//! A door that notices who knocks: a web server at one port of several addresses of this machine. It counts connections
//! and bytes before it understands anything, so that nobody can have been there unseen.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is at a path.
#[derive(Debug, Clone)]
pub(super) enum Behind {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Nothing but the way elsewhere, with this status.
    Elsewhere(u16, String),
}

/// The server; stops accepting when dropped.
pub(super) struct Door {
    port: u16,
    at: Vec<IpAddr>,
    seen: Arc<Seen>,
    serving: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    bytes: AtomicUsize,
    asked: Mutex<Vec<String>>,
    behind: Mutex<HashMap<String, Behind>>,
}

impl Drop for Door {
    fn drop(&mut self) {
        for serving in &self.serving {
            serving.abort();
        }
    }
}

impl Door {
    /// Opens at a free port of 127.0.0.1, and at the same port of those of the other addresses that can be had.
    pub(super) async fn open(others: &[IpAddr]) -> Self {
        let first = IpAddr::from(Ipv4Addr::LOCALHOST);
        let listener = TcpListener::bind((first, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("the port").port();
        let mut listeners = vec![(first, listener)];
        for address in others {
            if listeners.iter().any(|(there, _)| there == address) {
                continue;
            }
            if let Ok(listener) = TcpListener::bind(SocketAddr::new(*address, port)).await {
                listeners.push((*address, listener));
            }
        }
        let seen = Arc::new(Seen::default());
        let at = listeners.iter().map(|(address, _)| *address).collect();
        let serving = listeners
            .into_iter()
            .map(|(_, listener)| tokio::spawn(accept(listener, Arc::clone(&seen))))
            .collect();
        Self {
            port,
            at,
            seen,
            serving,
        }
    }

    /// Puts something behind it.
    pub(super) fn put(&self, path: &str, behind: Behind) {
        let mut all = self.seen.behind.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(path.to_owned(), behind);
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The addresses at which it is open.
    pub(super) fn at(&self) -> &[IpAddr] {
        &self.at
    }

    /// Whether it is open at this address.
    pub(super) fn is_at(&self, address: IpAddr) -> bool {
        self.at.contains(&address)
    }

    /// Connections so far, and bytes that came over them.
    pub(super) fn noticed(&self) -> (usize, usize) {
        (
            self.seen.connections.load(Ordering::SeqCst),
            self.seen.bytes.load(Ordering::SeqCst),
        )
    }

    /// Paths that were asked for, in the order of arrival.
    pub(super) fn asked(&self) -> Vec<String> {
        self.seen.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn accept(listener: TcpListener, seen: Arc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        seen.connections.fetch_add(1, Ordering::SeqCst);
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            // Whoever goes away early was counted.
            let _ = answer(stream, &seen).await;
        });
    }
}

/// Answers one request and closes the connection.
async fn answer(mut stream: TcpStream, seen: &Seen) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut chunk = [0; 1_024];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        seen.bytes.fetch_add(read, Ordering::SeqCst);
        head.extend_from_slice(&chunk[..read]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let behind = seen
        .behind
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&path)
        .cloned();
    seen.asked.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    let (line, body) = match behind {
        Some(Behind::Bytes(bytes)) => ("200 OK".to_owned(), bytes),
        Some(Behind::Elsewhere(status, location)) => {
            (format!("{status} Elsewhere\r\nlocation: {location}"), Vec::new())
        }
        None => ("404 Not Found".to_owned(), Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {line}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}
