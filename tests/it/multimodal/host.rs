//! A web server of pictures and sounds on loopback, which may go away for a while: its port is closed then, and nobody
//! listens there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The server; stops accepting when dropped.
pub(super) struct MediaHost {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    files: HashMap<String, Vec<u8>>,
    /// After so many files it goes away.
    leaves_after: Option<usize>,
    answered: AtomicUsize,
    leave: Notify,
    back: AtomicBool,
    /// Names that were asked for, and whether that was after it had come back.
    asked: Mutex<Vec<(String, bool)>>,
}

impl Drop for MediaHost {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl MediaHost {
    /// Serves these files by name. `leaves` says after how many answers it goes away, once, and for how long. A file
    /// whose name begins with "broken" is answered with 503.
    pub(super) async fn start(files: HashMap<String, Vec<u8>>, leaves: Option<(usize, Duration)>) -> Self {
        let mut listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let shared = Arc::new(Shared {
            files,
            leaves_after: leaves.map(|(after, _)| after),
            answered: AtomicUsize::new(0),
            leave: Notify::new(),
            back: AtomicBool::new(false),
            asked: Mutex::default(),
        });
        let serving = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                let away = leaves.map_or(Duration::ZERO, |(_, away)| away);
                loop {
                    let answer = |State(shared): State<Arc<Shared>>, Path(name): Path<String>| async move {
                        serve(&shared, name)
                    };
                    let router = Router::new()
                        .route("/{name}", get(answer))
                        .with_state(Arc::clone(&shared));
                    let serving = async {
                        axum::serve(listener, router).await.expect("the host serves");
                    };
                    tokio::select! {
                        () = serving => {}
                        () = shared.leave.notified() => {}
                    }
                    // The listener is gone, and with it the port.
                    tokio::time::sleep(away).await;
                    listener = TcpListener::bind(address).await.expect("the same port");
                    shared.back.store(true, Ordering::SeqCst);
                }
            }
        });
        Self {
            address,
            shared,
            serving,
        }
    }

    /// Its address, without a slash at the end.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Whether it has gone and come back.
    pub(super) fn is_back(&self) -> bool {
        self.shared.back.load(Ordering::SeqCst)
    }

    /// Names that were asked for, and whether that was after it had gone and come back.
    pub(super) fn asked(&self) -> Vec<(String, bool)> {
        self.shared.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(shared: &Shared, name: String) -> Response {
    let back = shared.back.load(Ordering::SeqCst);
    let file = shared.files.get(&name).cloned();
    let broken = name.starts_with("broken");
    shared
        .asked
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((name, back));
    let mut response = match file {
        _ if broken => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Some(bytes) => bytes.into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    };
    // A connection that stays open would outlive the listener.
    let close = header::HeaderValue::from_static("close");
    response.headers_mut().insert(header::CONNECTION, close);
    let answered = shared.answered.fetch_add(1, Ordering::SeqCst) + 1;
    if shared.leaves_after == Some(answered) {
        shared.leave.notify_one();
    }
    response
}
