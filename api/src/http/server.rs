//! Serving over TCP, by hyper itself: `axum::serve` bounds neither how long headers take nor how long draining does.

use super::open_files;
use super::source::Peer;
use super::stopping::Stopping;
use axum::Router;
use axum::body::Body;
use http::header;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

/// The most bytes of a request's line and headers.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The most connections that wait in the kernel to be accepted (less where the system allows less). When they are more,
/// the kernel drops their first packets, and each client tries again only a second or three later.
const BACKLOG: u32 = 4_096;
/// How long accepting pauses when the process is out of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The bounds of serving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerSettings {
    /// How long a connection may take to send a request's headers; also how long it may stay idle.
    pub header_read_at_most: Duration,
    /// How long requests may go on after a stop was asked for.
    pub drain_at_most: Duration,
    /// How long a client may take to read on when what is sent to it can't be kept any more.
    pub write_at_most: Duration,
    /// The most connections, where the system has files for so many. Beyond them a connection waits to be accepted.
    pub max_connections: usize,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            header_read_at_most: Duration::from_secs(30),
            drain_at_most: Duration::from_secs(20),
            write_at_most: Duration::from_secs(30),
            max_connections: 10_000,
        }
    }
}

/// Why serving can't begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A connection's place among those that may be open. It is given back with the last clone: a request that makes
/// something else of its connection holds one for as long as that lasts.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionPlace {
    _place: Arc<OwnedSemaphorePermit>,
}

/// A socket that listens, and does not accept yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    settings: ServerSettings,
}

impl Server {
    /// Listens. Port 0 takes any free one.
    pub async fn bind(address: SocketAddr, settings: ServerSettings) -> Result<Self, ServeError> {
        let failed = |source| ServeError::Listen { address, source };
        let listener = listen(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, settings })
    }

    /// The address with the port that it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `cancel`; then stops accepting, lets requests in flight end, and cuts what has not ended in time.
    pub async fn run(self, router: Router, cancel: CancellationToken) {
        let Self { listener, settings, .. } = self;
        let (connections, stopping) = (TaskTracker::new(), CancellationToken::new());
        let room = Arc::new(Semaphore::new(open_files::most_connections(settings.max_connections)));
        let builder = builder(&settings);
        while let Some(Accepted { stream, peer, place }) = accept(&listener, &room, &cancel).await {
            let stream = bounded(stream, &settings);
            connections.spawn(serve(&builder, stream, peer, place, router.clone(), stopping.clone()));
        }
        drop(listener);
        let open = connections.len();
        stopping.cancel();
        connections.close();
        if tokio::time::timeout(settings.drain_at_most, connections.wait()).await.is_err() {
            tracing::warn!(open, "requests were still running {:?} after the stop and are cut", settings.drain_at_most);
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // So that the address can be had again while connections of the process before linger.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn builder(settings: &ServerSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.header_read_at_most).max_buf_size(MAX_HEAD_BYTES);
    builder
}

/// A connection, whose it is, and its place among those that may be open.
struct Accepted {
    stream: TcpStream,
    peer: Peer,
    place: ConnectionPlace,
}

/// The next connection; `None` when it is time to stop.
async fn accept(listener: &TcpListener, room: &Arc<Semaphore>, cancel: &CancellationToken) -> Option<Accepted> {
    let accepted = async {
        loop {
            // The semaphore is never closed.
            let Ok(place) = Arc::clone(room).acquire_owned().await else { continue };
            match listener.accept().await {
                Ok((stream, address)) => {
                    let place = ConnectionPlace { _place: Arc::new(place) };
                    return Accepted { stream, peer: Peer(address.ip()), place };
                }
                Err(error) => {
                    // A connection that was gone before it was taken is its own affair; anything else may pass.
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    cancel.run_until_cancelled(accepted).await
}

/// A connection that fails when its client does not read on for too long. hyper bounds how long a head takes to arrive,
/// but not how long an answer waits to be taken.
fn bounded(stream: TcpStream, settings: &ServerSettings) -> Pin<Box<TimeoutStream<TcpStream>>> {
    // Answers are written at once as a whole: waiting for more would only delay them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps Nagle's algorithm");
    }
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(settings.write_at_most));
    Box::pin(stream)
}

/// Serves one connection to its end. After `stopping` it ends with the request in hand.
fn serve(
    builder: &http1::Builder,
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    peer: Peer,
    place: ConnectionPlace,
    router: Router,
    stopping: CancellationToken,
) -> impl Future<Output = ()> + Send + use<> {
    let (upgraded_place, told) = (place.clone(), Stopping::of(stopping.clone()));
    let service = TowerToHyperService::new(router.map_request(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(told.clone());
        // Of all requests only these may outlive their answer.
        if request.headers().contains_key(header::UPGRADE) {
            request.extensions_mut().insert(upgraded_place.clone());
        }
        request.map(Body::new)
    }));
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    async move {
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            biased;
            ended = connection.as_mut() => ended,
            () = stopping.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.as_mut().await
            }
        };
        if let Err(error) = ended {
            // Clients that vanish or talk no HTTP are their own affair.
            tracing::debug!(%error, "a connection ended early");
        }
        drop(place);
    }
}
