//! The embedded Qdrant: the real storage engine (crate `qdrant-edge`) in process, served over gRPC on a loopback port
//! with the server traits that `qdrant-client` ships, so that the ordinary client code reads it.
//!
//! Owns its directory (one sub-directory a collection). Serves what the demo, the tests and the benchmark need and
//! says `Unimplemented` to the rest, as a server does. No clustering, no aliases, no snapshots.

mod collections;
mod convert;
mod filter;
mod points;
mod store;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use qdrant_client::qdrant::collections_server::CollectionsServer;
use qdrant_client::qdrant::points_server::PointsServer;
use qdrant_client::qdrant::qdrant_server::QdrantServer;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::service::interceptor::InterceptedService;
use tonic::{Request, Status};

use store::Store;

/// How long requests in flight may take when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// A running embedded Qdrant. [`EmbeddedQdrant::stop`] flushes it; dropping it stops without waiting, and what was
/// acknowledged is in its write-ahead log.
pub struct EmbeddedQdrant {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    store: Arc<Store>,
}

impl EmbeddedQdrant {
    /// Opens `dir` (made if missing) and serves it on a free loopback port.
    ///
    /// # Errors
    /// The directory cannot be used, or another process holds it.
    pub async fn start(dir: &Path) -> anyhow::Result<Self> {
        Self::start_with_key(dir, None).await
    }

    /// The same, asking every client for `api-key`.
    ///
    /// # Errors
    /// The directory cannot be used, or another process holds it.
    pub async fn start_with_key(dir: &Path, key: Option<String>) -> anyhow::Result<Self> {
        Self::serve(dir, SocketAddr::from(([127, 0, 0, 1], 0)), key).await
    }

    /// The same on a given address: a server that comes back where it was.
    ///
    /// # Errors
    /// The directory or the address cannot be used.
    pub async fn serve(dir: &Path, address: SocketAddr, key: Option<String>) -> anyhow::Result<Self> {
        Self::serve_within(dir, address, key, usize::MAX).await
    }

    /// The same, refusing to give answers of more bytes, as a server or a proxy with such a limit does.
    ///
    /// # Errors
    /// The directory or the address cannot be used.
    pub async fn serve_within(
        dir: &Path,
        address: SocketAddr,
        key: Option<String>,
        answer_bytes: usize,
    ) -> anyhow::Result<Self> {
        let dir = dir.to_owned();
        let store = tokio::task::spawn_blocking(move || {
            Store::open(&dir).with_context(|| format!("cannot open the embedded Qdrant in {}", dir.display()))
        })
        .await??;
        let store = Arc::new(store);
        let listener = TcpListener::bind(address).await.context("no loopback port is free")?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let check = move |request: Request<()>| match &key {
            Some(key)
                if request
                    .metadata()
                    .get("api-key")
                    .is_none_or(|given| given != key.as_str()) =>
            {
                Err(Status::unauthenticated(
                    "Must provide an API key or an Authorization bearer token",
                ))
            }
            _ => Ok(request),
        };
        let points = PointsServer::from_arc(Arc::clone(&store))
            .max_decoding_message_size(usize::MAX)
            .max_encoding_message_size(answer_bytes);
        let router = tonic::transport::Server::builder()
            // Pages are megabytes: the default 64 KB window would cost a round trip for every 64 KB.
            .initial_stream_window_size(4 << 20)
            .initial_connection_window_size(16 << 20)
            .add_service(InterceptedService::new(points, check.clone()))
            .add_service(InterceptedService::new(
                CollectionsServer::from_arc(Arc::clone(&store)),
                check.clone(),
            ))
            .add_service(InterceptedService::new(
                QdrantServer::from_arc(Arc::clone(&store)),
                check,
            ));
        let server = tokio::spawn(async move {
            let serving = router.serve_with_incoming_shutdown(TcpListenerStream::new(listener), async move {
                let _ = stopped.await;
            });
            if let Err(error) = serving.await {
                tracing::error!(%error, "the embedded Qdrant stopped");
            }
        });
        Ok(Self {
            address,
            stop: Some(stop),
            server,
            store,
        })
    }

    /// The address for the client.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The socket address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops serving, flushes and closes the directory.
    ///
    /// # Errors
    /// The last flush failed.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if tokio::time::timeout(GRACE, &mut self.server).await.is_err() {
            self.server.abort();
            let _ = (&mut self.server).await;
        }
        let store = Arc::clone(&self.store);
        drop(self);
        tokio::task::spawn_blocking(move || store.flush()).await?
    }
}

impl Drop for EmbeddedQdrant {
    fn drop(&mut self) {
        self.server.abort();
    }
}
