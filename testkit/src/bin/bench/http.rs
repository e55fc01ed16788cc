//! One keep-alive connection to a server: HTTP/1.1, nothing between us and the socket but hyper.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than any answer takes.
const ANSWER_AT_MOST: Duration = Duration::from_secs(60);

/// An open connection.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    authorization: Option<String>,
    host: String,
}

/// An answer, received whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Connection {
    /// Connects. The key is sent with each request, if it is not empty; a peer that knows no keys does not mind.
    pub async fn open(address: SocketAddr, key: &str) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server accepts connections");
        stream.set_nodelay(true).expect("a socket can be told so");
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("an HTTP connection");
        // Its end shows in the request that it cuts off.
        tokio::spawn(connection);
        let authorization = (!key.is_empty()).then(|| format!("Bearer {key}"));
        Self { sender, authorization, host: address.to_string() }
    }

    /// A request with what each needs.
    fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Bytes,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::builder().method(method).uri(path).header("host", &self.host);
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Full::new(body)).expect("a request of our own making")
    }

    /// Sends a request and receives the whole answer.
    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Answer, String> {
        let exchange = async {
            self.sender.ready().await?;
            let (head, body) = self.sender.send_request(request).await?.into_parts();
            let body = body.collect().await?.to_bytes();
            Ok::<_, hyper::Error>(Answer { status: head.status, headers: head.headers, body })
        };
        match timeout(ANSWER_AT_MOST, exchange).await {
            Ok(answer) => answer.map_err(|error| error.to_string()),
            Err(_) => Err(format!("no answer within {ANSWER_AT_MOST:?}")),
        }
    }

    /// `GET`.
    pub async fn get(&mut self, path: &str, headers: &[(&'static str, &str)]) -> Result<Answer, String> {
        self.send(self.request(Method::GET, path, headers, Bytes::new())).await
    }

    /// `POST` of JSON.
    pub async fn post(&mut self, path: &str, headers: &[(&'static str, &str)], body: Bytes) -> Result<Answer, String> {
        let json = [&[("content-type", "application/json")], headers].concat();
        self.send(self.request(Method::POST, path, &json, body)).await
    }

    /// `POST` of a form's fields.
    pub async fn post_form(
        &mut self,
        path: &str,
        headers: &[(&'static str, &str)],
        fields: &[(&str, &str)],
    ) -> Result<Answer, String> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = [&[("content-type", "application/x-www-form-urlencoded")], headers].concat();
        self.send(self.request(Method::POST, path, &form, body.into())).await
    }

    /// `GET` of which only the length of the body counts, by a function that sees each piece.
    pub async fn get_streamed(&mut self, path: &str, mut see: impl FnMut(&[u8])) -> Result<HeaderMap, String> {
        let request = self.request(Method::GET, path, &[], Bytes::new());
        let failed = |error: hyper::Error| error.to_string();
        self.sender.ready().await.map_err(failed)?;
        let (head, mut body) = self.sender.send_request(request).await.map_err(failed)?.into_parts();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame.map_err(failed)?.into_data() {
                see(&data);
            }
        }
        if head.status == StatusCode::OK { Ok(head.headers) } else { Err(format!("{path} answered {}", head.status)) }
    }
}

impl Answer {
    /// The same, if it has this status.
    pub fn is(self, status: StatusCode) -> Result<Self, String> {
        if self.status == status {
            return Ok(self);
        }
        Err(format!("{} {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// A header's text; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The text of the first member of that name, which must need no unescaping.
    pub fn text_member(&self, name: &str) -> Result<&str, String> {
        let body = std::str::from_utf8(&self.body).map_err(|error| error.to_string())?;
        let member = format!("\"{name}\":\"");
        let text = body.split_once(&member).and_then(|(_, rest)| rest.split_once('"'));
        text.map(|(text, _)| text).ok_or_else(|| format!("no {name} in {body}"))
    }
}
