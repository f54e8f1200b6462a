//! A TCP proxy that misbehaves by a seed. Knows bytes only: what is cut is cut wherever it happens to be, in the middle of
//! a frame or of a number.
//!
//! Each connection draws after how many bytes its next fault comes, and which; all connections together commit so many
//! faults as were ordered, then the proxy forwards everything as it is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Bytes read at once.
const ROOM: usize = 16 << 10;

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// This connection is held up.
    Delay(Duration),
    /// Connections are accepted, and nothing is forwarded.
    Stall(Duration),
    /// This connection is closed.
    Cut,
    /// This connection is reset.
    Reset,
    /// Nobody listens for so long, and all connections are lost.
    Gone(Duration),
}

/// The proxy; stops when dropped.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    seed: u64,
    state: Mutex<State>,
    listening: watch::Sender<bool>,
}

struct State {
    /// Faults still to come.
    left: u32,
    /// Faults that came, by kind.
    committed: BTreeMap<&'static str, u32>,
    /// The end of a stall.
    stalled_until: Option<Instant>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Proxy {
    /// Starts in front of `upstream` with so many faults to come.
    pub(crate) async fn start(upstream: SocketAddr, seed: u64, faults: u32) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let shared = Arc::new(Shared {
            upstream,
            seed,
            state: Mutex::new(State {
                left: faults,
                committed: BTreeMap::new(),
                stalled_until: None,
            }),
            listening: watch::Sender::new(true),
        });
        let serving = tokio::spawn(serve(listener, address, Arc::clone(&shared)));
        Self {
            address,
            shared,
            serving,
        }
    }

    /// The address as configurations want it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Commits no more faults; returns when it listens and forwards.
    pub(crate) async fn calm(&self) {
        self.shared.lock().left = 0;
        let mut listening = self.shared.listening.subscribe();
        listening
            .wait_for(|listening| *listening)
            .await
            .expect("the proxy comes back");
        self.shared.until_moving().await;
    }

    /// The faults it committed, in words.
    pub(crate) fn committed(&self) -> String {
        let state = self.shared.lock();
        let words: Vec<String> = state
            .committed
            .iter()
            .map(|(kind, times)| format!("{times} {kind}"))
            .collect();
        words.join(", ")
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws a fault, where any are left.
    fn next_fault(&self, rng: &mut StdRng) -> Option<Fault> {
        let mut state = self.lock();
        state.left = state.left.checked_sub(1)?;
        let mut millis = |least: u64, most: u64| Duration::from_millis(rng.random_range(least..=most));
        let (delay, stall, gone) = (millis(5, 80), millis(200, 2_500), millis(100, 900));
        let (word, fault) = match rng.random_range(0..10) {
            0..3 => ("delays", Fault::Delay(delay)),
            3..5 => ("cuts", Fault::Cut),
            5..8 => ("resets", Fault::Reset),
            8 => ("stalls", Fault::Stall(stall)),
            _ => ("times gone", Fault::Gone(gone)),
        };
        *state.committed.entry(word).or_default() += 1;
        Some(fault)
    }

    /// Lets nothing through for so long.
    fn stall(&self, time: Duration) {
        self.lock().stalled_until = Some(Instant::now() + time);
    }

    fn stalled_until(&self) -> Option<Instant> {
        self.lock().stalled_until.filter(|until| *until > Instant::now())
    }

    /// Waits for the end of a stall.
    async fn until_moving(&self) {
        while let Some(until) = self.stalled_until() {
            tokio::time::sleep_until(until.into()).await;
        }
    }
}

async fn serve(mut listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let (leave, mut leaves) = mpsc::channel::<Duration>(1);
    let mut connections = JoinSet::new();
    let mut accepted = 0_u64;
    loop {
        let away = tokio::select! {
            connection = listener.accept() => {
                let Ok((client, _)) = connection else { continue };
                accepted += 1;
                let rng = StdRng::seed_from_u64(shared.seed.wrapping_add(accepted << 32));
                connections.spawn(forward(client, rng, Arc::clone(&shared), leave.clone()));
                continue;
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            Some(away) = leaves.recv() => away,
        };
        drop(listener);
        connections.shutdown().await;
        tokio::time::sleep(away).await;
        listener = listen_again(address).await;
        shared.listening.send_replace(true);
    }
}

/// The same port once more: somebody else may have it for a moment.
async fn listen_again(address: SocketAddr) -> TcpListener {
    for _ in 0..500 {
        if let Ok(listener) = TcpListener::bind(address).await {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{address} was taken by somebody else while nobody listened there");
}

/// Bytes until the first fault of a connection: it comes while the job is opened, or while it runs.
const FIRST_GAP: Range<usize> = 5_000..250_000;

/// Bytes from one fault to the next.
const GAP: Range<usize> = 5_000..60_000;

/// One connection, both ways, until either side or a fault ends it.
async fn forward(mut client: TcpStream, mut rng: StdRng, shared: Arc<Shared>, leave: mpsc::Sender<Duration>) {
    let Ok(mut server) = TcpStream::connect(shared.upstream).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut up, mut down) = (vec![0; ROOM], vec![0; ROOM]);
    let mut left = rng.random_range(FIRST_GAP);
    loop {
        let (read, upwards) = tokio::select! {
            read = client.read(&mut up) => (read, true),
            read = server.read(&mut down) => (read, false),
        };
        let Ok(count @ 1..) = read else { return };
        shared.until_moving().await;
        let bytes = if upwards { &up[..count] } else { &down[..count] };
        let (before, after) = bytes.split_at(count.min(left));
        let to = if upwards { &mut server } else { &mut client };
        if to.write_all(before).await.is_err() {
            return;
        }
        left -= before.len();
        if left == 0 {
            left = rng.random_range(GAP);
            match shared.next_fault(&mut rng) {
                None => {}
                Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
                Some(Fault::Stall(time)) => {
                    shared.stall(time);
                    shared.until_moving().await;
                }
                Some(Fault::Cut) => return,
                Some(Fault::Reset) => {
                    // Closing sends RST, not FIN, and throws away what is not sent.
                    let _ = (client.set_zero_linger(), server.set_zero_linger());
                    return;
                }
                Some(Fault::Gone(time)) => {
                    // Only one can send it away; to the others it is gone already.
                    if shared.listening.send_if_modified(std::mem::take) {
                        let _ = leave.send(time).await;
                    }
                    return;
                }
            }
        }
        let to = if upwards { &mut server } else { &mut client };
        if to.write_all(after).await.is_err() {
            return;
        }
    }
}
