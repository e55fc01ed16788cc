//! Links that are cut and slowed: toxiproxy, between a client and its server.
//!
//! The client is given the proxy's address in place of the server's. Kafka's clients follow the address that the broker
//! tells them, so the broker must know of the proxy: see
//! [`KafkaBroker::start_with_detours`](crate::kafka::KafkaBroker).

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::ports::free_port;
use crate::prerequisites::{cache, missing};
use crate::process::{self, Directory, Service};

const START_BOUND: Duration = Duration::from_secs(30);

/// How long one question to it may take.
const ANSWER_AT_MOST: Duration = Duration::from_secs(30);

/// What goes to the server, and what comes from it.
const STREAMS: [&str; 2] = ["upstream", "downstream"];

/// How often other ports are tried when the one chosen was taken meanwhile.
const PORTS_TRIED: usize = 5;

/// A running toxiproxy on 127.0.0.1, without any link yet. Handles are cheap clones; it stops when the last one, and
/// the last of its links, goes.
#[derive(Debug, Clone)]
pub struct Toxiproxy {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // Dropped in this order: the server first, then its directory.
    _service: Service,
    _directory: Directory,
    api: SocketAddr,
}

/// A link through the proxy, sound until it is told otherwise.
#[derive(Debug, Clone)]
pub struct Link {
    proxy: Toxiproxy,
    name: String,
    port: u16,
}

/// How slow a link is, in each direction.
#[derive(Debug, Clone, Copy)]
pub struct Slowness {
    /// How much later what was sent arrives.
    pub latency: Duration,
    /// By how much more or less, at random.
    pub jitter: Duration,
    /// How much passes in a second.
    pub kilobytes_per_second: u32,
}

impl Toxiproxy {
    /// Starts one.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start() -> Self {
        let directory = Directory::new("toxiproxy", None);
        for _ in 0..PORTS_TRIED {
            let port = free_port();
            let api = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let mut command = process::command(&program(), Signal::SIGKILL, None);
            command.env_clear().env("LOG_LEVEL", "warn").args(["-host", "127.0.0.1", "-port", &port.to_string()]);
            let mut service = Service::spawn("toxiproxy", command, directory.join("server.log"));
            if service.wait_until(START_BOUND, || TcpStream::connect(api).is_ok()) {
                return Self { inner: Arc::new(Inner { _service: service, _directory: directory, api }) };
            }
            let log = service.log_tail();
            assert!(log.contains("address already in use"), "toxiproxy ended at its start; its log ends:\n{log}");
        }
        panic!("toxiproxy found one of its ports taken {PORTS_TRIED} times, one after the other")
    }

    /// A link that leads from `port` of 127.0.0.1, where nothing may listen (see [`free_port`]), to `upstream` there.
    ///
    /// # Panics
    /// When it can't be had.
    pub async fn link(&self, name: &str, port: u16, upstream: u16) -> Link {
        let proxy = json!({
            "name": name,
            "listen": format!("127.0.0.1:{port}"),
            "upstream": format!("127.0.0.1:{upstream}"),
            "enabled": true,
        });
        self.ask(Method::POST, "/proxies", &proxy).await;
        Link { proxy: self.clone(), name: name.to_owned(), port }
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) {
        let (status, text) = self.answer(method, path, body).await;
        assert!(status.is_success(), "toxiproxy answered {path} with {status}: {text}");
    }

    /// Removes what may be there.
    async fn remove(&self, path: &str) {
        let (status, text) = self.answer(Method::DELETE, path, &Value::Null).await;
        let gone = status.is_success() || status == StatusCode::NOT_FOUND;
        assert!(gone, "toxiproxy answered {path} with {status}: {text}");
    }

    async fn answer(&self, method: Method, path: &str, body: &Value) -> (StatusCode, String) {
        let asked = tokio::time::timeout(ANSWER_AT_MOST, self.exchange(method, path, body)).await;
        asked.expect("toxiproxy answers").unwrap_or_else(|error| panic!("toxiproxy: {error}"))
    }

    /// One question on a connection of its own: there are few of them.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<(StatusCode, String), Box<dyn std::error::Error>> {
        let api = self.inner.api;
        let stream = tokio::net::TcpStream::connect(api).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Its end shows in the request that it cuts off.
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header("host", api.to_string());
        let (head, body) =
            sender.send_request(request.body(Full::new(Bytes::from(body.to_string())))?).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok((head.status, String::from_utf8_lossy(&body).into_owned()))
    }
}

impl Link {
    /// Where the client connects to, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts it: open connections are closed, new ones refused.
    ///
    /// # Panics
    /// When toxiproxy does not obey.
    pub async fn cut(&self) {
        self.proxy.ask(Method::POST, &format!("/proxies/{}", self.name), &json!({ "enabled": false })).await;
    }

    /// Lets nothing pass any more, in either direction, and closes nothing: who waits hears nothing at all.
    ///
    /// # Panics
    /// When toxiproxy does not obey.
    pub async fn silence(&self) {
        self.both_ways("timeout", &json!({ "timeout": 0 })).await;
    }

    /// Slows it.
    ///
    /// # Panics
    /// When toxiproxy does not obey.
    pub async fn slow(&self, by: Slowness) {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let latency = json!({ "latency": milliseconds(by.latency), "jitter": milliseconds(by.jitter) });
        self.both_ways("latency", &latency).await;
        self.both_ways("bandwidth", &json!({ "rate": by.kilobytes_per_second })).await;
    }

    /// Makes it sound again. Connections on which something was dropped are closed.
    ///
    /// # Panics
    /// When toxiproxy does not obey.
    pub async fn mend(&self) {
        for toxic in ["timeout", "latency", "bandwidth"] {
            for stream in STREAMS {
                self.proxy.remove(&format!("/proxies/{}/toxics/{toxic}_{stream}", self.name)).await;
            }
        }
        self.proxy.ask(Method::POST, &format!("/proxies/{}", self.name), &json!({ "enabled": true })).await;
    }

    async fn both_ways(&self, kind: &str, attributes: &Value) {
        for stream in STREAMS {
            let toxic =
                json!({ "name": format!("{kind}_{stream}"), "type": kind, "stream": stream, "attributes": attributes });
            self.proxy.ask(Method::POST, &format!("/proxies/{}/toxics", self.name), &toxic).await;
        }
    }
}

fn program() -> PathBuf {
    let program = cache().join("toxiproxy/server");
    if !program.is_file() {
        missing("toxiproxy", "golang-go, which builds it from the Go module proxy");
    }
    program
}
