//! How clients talk with the shop: patiently, or hanging up.

use super::told::Answer;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a patient client waits. Nothing takes as long, so that it shows as a failure where it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it is sent each time that it is tried.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Where it is noted among what clients asked for.
    pub place: usize,
    /// Its id, in the events' metadata too.
    pub id: String,
    pub path: String,
    pub body: Value,
    pub key: Option<String>,
    pub if_match: Option<u64>,
}

/// What one try came to.
#[derive(Debug)]
pub enum Try {
    Done(Answer, Value),
    /// 4yz: refused for good; the status and the code, such as `409 already_paid`.
    Refused(String),
    /// Nothing was written by this try; another one may have more luck.
    NotNow,
    /// Nobody knows.
    Unknown,
}

/// A connection pool of one client.
pub struct Wire {
    http: Http<HttpConnector, Full<Bytes>>,
    token: String,
}

impl Wire {
    pub fn new(token: &str) -> Self {
        Self { http: Http::builder(TokioExecutor::new()).build_http(), token: token.to_owned() }
    }

    /// Sends a request and waits for its answer.
    pub async fn send(&self, to: SocketAddr, ask: &Ask) -> Try {
        match tokio::time::timeout(PATIENCE, self.exchange(to, ask)).await {
            Ok(outcome) => outcome,
            Err(_) => panic!("no answer to {} within {PATIENCE:?}", ask.id),
        }
    }

    /// Sends a request and hangs up after a moment; `None` when no answer came before.
    pub async fn send_and_hang_up(&self, to: SocketAddr, ask: &Ask, after: Duration) -> Option<Try> {
        tokio::time::timeout(after, self.exchange(to, ask)).await.ok()
    }

    /// Sends a request but for the end of its body, and hangs up.
    pub async fn send_half(&self, to: SocketAddr, ask: &Ask) {
        let text = self.text(to, ask);
        let Ok(mut stream) = TcpStream::connect(to).await else { return };
        // Whether the server still listens does not matter to a client that is about to leave.
        let _ = stream.write_all(&text.as_bytes()[..text.len() - 1]).await;
        let _ = stream.flush().await;
    }

    /// Sends a request on a connection of its own, and waits for nothing.
    pub async fn send_off(&self, to: SocketAddr, ask: &Ask) -> Awaited {
        let mut stream = TcpStream::connect(to).await.unwrap();
        stream.write_all(self.text(to, ask).as_bytes()).await.unwrap();
        Awaited { id: ask.id.clone(), stream }
    }

    /// A request as it goes over the wire, for a connection of its own.
    fn text(&self, to: SocketAddr, ask: &Ask) -> String {
        let body = ask.body.to_string();
        let key = ask.key.as_ref().map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
        format!(
            "POST {} HTTP/1.1\r\nhost: {to}\r\nauthorization: Bearer {}\r\nrequest-id: {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{key}\r\n{body}",
            ask.path,
            self.token,
            ask.id,
            body.len()
        )
    }

    async fn exchange(&self, to: SocketAddr, ask: &Ask) -> Try {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("http://{to}{}", ask.path))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("request-id", &ask.id);
        if let Some(key) = &ask.key {
            request = request.header("idempotency-key", key);
        }
        if let Some(version) = ask.if_match {
            request = request.header("if-match", format!("\"{version}\""));
        }
        let request = request.body(Full::new(Bytes::from(ask.body.to_string()))).unwrap();
        let response = match self.http.request(request).await {
            Ok(response) => response,
            Err(error) if error.is_connect() => return Try::NotNow,
            Err(_) => return Try::Unknown,
        };
        let (head, body) = response.into_parts();
        let Ok(body) = body.collect().await else { return Try::Unknown };
        let body = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        Try::of(&ask.id, head.status.as_u16(), &|name| head.headers[name].to_str().unwrap(), body)
    }
}

impl Try {
    /// What an answer means.
    fn of<'a>(id: &str, status: u16, header: &dyn Fn(&str) -> &'a str, body: String) -> Self {
        let json: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error} in {body}"));
        let code = json["code"].as_str().unwrap_or_default();
        match status {
            200 | 201 => {
                let number = |name: &str| header(name).trim_matches('"').parse().unwrap();
                Self::Done(Answer { version: number("etag"), position: number("orders-position"), body }, json)
            }
            503 if code != "outcome_unknown" => Self::NotNow,
            503 => Self::Unknown,
            409 if code == "request_in_flight" => Self::Unknown,
            400..500 => Self::Refused(format!("{status} {code}")),
            status => panic!("{id} was answered {status}: {body}"),
        }
    }
}

/// An answer that is still to come.
pub struct Awaited {
    id: String,
    stream: TcpStream,
}

impl Awaited {
    /// Whether the server has read the whole request by now: all has left this end, and nothing waits at the other.
    pub fn is_read(&self) -> bool {
        let (client, server) = (self.stream.local_addr().unwrap().port(), self.stream.peer_addr().unwrap().port());
        socket_queues(client, server).is_some_and(|(to_be_sent, _)| to_be_sent == 0)
            && socket_queues(server, client).is_some_and(|(_, to_be_read)| to_be_read == 0)
    }

    /// The answer; unknown where the connection ended before it was there as a whole.
    pub async fn answer(mut self) -> Try {
        let mut text = String::new();
        let read = tokio::time::timeout(PATIENCE, self.stream.read_to_string(&mut text)).await;
        read.unwrap_or_else(|_| panic!("no answer to {} within {PATIENCE:?}", self.id)).unwrap_or_default();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return Try::Unknown };
        let header = |name: &str| {
            let mut fields = head.lines().filter_map(|line| line.split_once(": "));
            fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
        };
        if header("content-length").parse() != Ok(body.len()) {
            return Try::Unknown;
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Try::of(&self.id, status, &header, body.to_owned())
    }
}

/// How many bytes wait in the socket of one port that is connected with another: to be sent, and to be read.
fn socket_queues(own: u16, others: u16) -> Option<(u64, u64)> {
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    // Of each socket: its number, its own address, the other one's, its state, its queues, in hexadecimal digits.
    sockets.lines().skip(1).map(|line| line.split_whitespace().collect::<Vec<_>>()).find_map(|fields| {
        let port = |field: usize| u16::from_str_radix(fields[field].rsplit(':').next()?, 16).ok();
        let (to_be_sent, to_be_read) = fields[4].split_once(':')?;
        let bytes = |digits| u64::from_str_radix(digits, 16).ok();
        (port(1)? == own && port(2)? == others).then_some((bytes(to_be_sent)?, bytes(to_be_read)?))
    })
}
