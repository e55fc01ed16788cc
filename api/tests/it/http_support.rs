//! The API as a client meets it: over TCP, on a database of the test's own.

use api::app::{App, HttpSettings};
use api::auth::{Scope, keys};
use api::health::Readiness;
use api::http::{Server, ServerSettings};
use api::shared::Shared;
use api::shop::Live;
use bytes::Bytes;
use commands::{Catalogue, Gateway, GatewaySettings, Log, db};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use projections::{ReadError, Settings, Views};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use testkit::{Db, eventually};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// Longer than anything here takes, also on a busy machine.
pub const BOUND: Duration = Duration::from_secs(60);
/// Less than a server keeps an idle connection.
const KEPT_IDLE: Duration = Duration::from_secs(5);

/// A database with an API key of each kind.
pub struct Shop {
    pub db: Db,
    all: String,
}

/// What one process of the program serves.
pub struct Instance {
    pub address: SocketAddr,
    pub views: Views,
    pub readiness: Readiness,
    pub live: Live,
    pub shared: Shared,
    pub stop: CancellationToken,
    pub served: JoinHandle<()>,
    http: Http<HttpConnector, Full<Bytes>>,
    token: String,
    projecting: TaskTracker,
    _stop_on_drop: DropGuard,
}

impl Shop {
    pub async fn new() -> Self {
        Self::on(Db::new().await).await
    }

    pub async fn on(db: Db) -> Self {
        let pool = db::connect(&db.app_url(), 1).await.unwrap();
        let (_, all) = keys::create(&pool, "tests", Scope::ALL).await.unwrap();
        pool.close().await;
        Self { db, all: all.to_string() }
    }

    /// A key with these scopes.
    pub async fn key(&self, scopes: &[Scope]) -> String {
        let pool = db::connect(&self.db.app_url(), 1).await.unwrap();
        let (_, token) = keys::create(&pool, "tests", scopes.iter().copied()).await.unwrap();
        pool.close().await;
        token.to_string()
    }

    /// A process that commands and reads, but writes no view.
    pub async fn instance(&self) -> Instance {
        self.instance_with(HttpSettings::default(), ServerSettings::default()).await
    }

    pub async fn instance_with(&self, http: HttpSettings, server: ServerSettings) -> Instance {
        self.instance_of(GatewaySettings::default(), http, server).await
    }

    pub async fn instance_of(&self, gateway: GatewaySettings, http: HttpSettings, server: ServerSettings) -> Instance {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let pool = db::connect(&self.db.app_url(), 8).await.unwrap();
        let log = Log::open(pool, stop.clone(), &tasks).await.unwrap();
        let catalogue = Catalogue::open(log.clone(), stop.clone(), &tasks).await.unwrap();
        let gateway = Gateway::open(log.clone(), catalogue, gateway, stop.clone(), &tasks);
        let views = Views::new(log.clone(), Settings { time_zone: chrono_tz::UTC });
        let readiness = Readiness::default();
        let app = App::new(gateway, log, views.clone(), readiness.clone(), http);
        let (live, following) = (app.live.clone(), stop.clone());
        let follows = live.clone();
        tokio::spawn(async move { follows.follow(following).await });
        let (shared, keeping) = (app.shared.clone(), stop.clone());
        let keeps = shared.clone();
        tokio::spawn(async move { keeps.keep_connected(keeping).await });
        let server = Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), server).await.unwrap();
        let address = server.address();
        let served = tokio::spawn(server.run(app.router(), stop.clone()));
        // A request on a connection that the server is just closing, as it was idle for its time, would be lost.
        let http = Http::builder(TokioExecutor::new()).pool_idle_timeout(KEPT_IDLE).build_http();
        let (token, _stop_on_drop) = (self.all.clone(), stop.clone().drop_guard());
        Instance {
            address,
            views,
            readiness,
            live,
            shared,
            stop,
            served,
            http,
            token,
            projecting: TaskTracker::new(),
            _stop_on_drop,
        }
    }

    /// A process that writes the views as well, with tea and a cup in the catalogue.
    pub async fn open(&self) -> Instance {
        self.open_with(HttpSettings::default()).await
    }

    pub async fn open_with(&self, http: HttpSettings) -> Instance {
        let instance = self.instance_with(http, ServerSettings::default()).await;
        instance.project();
        eventually("all views are built", BOUND, async || {
            for name in Views::names() {
                instance.views.position(name).await?;
            }
            Ok::<_, ReadError>(())
        })
        .await;
        instance.add_product("TEA", "12.50").await;
        instance.add_product("CUP", "8.00").await;
        instance
    }
}

impl Instance {
    /// Writes all views until the instance ends.
    pub fn project(&self) {
        for name in Views::names() {
            let (views, stop) = (self.views.clone(), self.stop.clone());
            self.projecting.spawn(async move { projections::run(&views, name, &stop).await });
        }
    }

    /// Ends, and waits until no view is written any more.
    pub async fn end(self) {
        self.stop.cancel();
        self.projecting.close();
        self.projecting.wait().await;
    }

    /// Waits until every view holds what is at this position.
    pub async fn caught_up(&self, position: u64) {
        eventually("all views have caught up", BOUND, async || {
            for name in Views::names() {
                let at = self.views.position(name).await.map_err(|error| error.to_string())?;
                if at.0 < position {
                    return Err(format!("{name} is at {}", at.0));
                }
            }
            Ok(())
        })
        .await;
    }

    pub fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub fn post(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::POST, path).json(body)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Call<'_> {
        self.call(Method::PATCH, path).json(body)
    }

    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        let request = request.body(Full::default()).unwrap();
        let call = Call { instance: self, request, sent_from: None };
        call.header("authorization", &format!("Bearer {}", self.token))
    }

    pub async fn add_product(&self, sku: &str, price: &str) -> Reply {
        let body = json!({ "sku": sku, "name": format!("The {sku}"), "price": usd(price) });
        self.post("/v1/products", &body).await.is(201)
    }

    /// Places Ada's order of these skus and quantities.
    pub async fn place(&self, items: &[(&str, u32)]) -> Reply {
        self.post("/v1/orders", &ada_buys(items)).await.is(201)
    }

    /// Records a payment, under a key of its own.
    pub async fn pay(&self, order: &str, amount: &str, reference: &str) -> Reply {
        let body = json!({ "amount": usd(amount), "reference": reference });
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let key = format!("pay-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        self.post(&format!("/v1/orders/{order}/payments"), &body).header("idempotency-key", &key).await
    }
}

/// A request that is about to be sent, by `await`.
pub struct Call<'i> {
    instance: &'i Instance,
    request: Request<Full<Bytes>>,
    sent_from: Option<Ipv4Addr>,
}

impl Call<'_> {
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request.headers_mut().insert(name, value.parse().unwrap());
        self
    }

    pub fn without(mut self, name: &'static str) -> Self {
        self.request.headers_mut().remove(name);
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").body(body.to_string())
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.request.body_mut() = Full::new(body.into());
        self
    }

    /// Sent from another address of this machine, on a connection of its own.
    pub fn sent_from(mut self, address: Ipv4Addr) -> Self {
        self.sent_from = Some(address);
        self
    }

    /// Asks for the head of the answer alone.
    pub fn head_only(mut self) -> Self {
        *self.request.method_mut() = Method::HEAD;
        self
    }

    /// Sends it, and reads the answer as it comes.
    pub async fn stream(self) -> Streamed {
        let exchange = tokio::time::timeout(BOUND, self.instance.http.request(self.request));
        let (head, body) = exchange.await.expect("an answer in time").expect("an answer").into_parts();
        Streamed { status: head.status, headers: head.headers, body, rest: Vec::new() }
    }

    async fn send(self) -> Reply {
        let asked = format!("{} {}", self.request.method(), self.request.uri().path());
        let http = self.sent_from.map_or_else(|| self.instance.http.clone(), from);
        let exchange = async {
            let response = http.request(self.request).await.expect("an answer");
            let (head, body) = response.into_parts();
            let body = body.collect().await.expect("a whole body").to_bytes();
            Reply { asked, status: head.status, headers: head.headers, text: String::from_utf8(body.to_vec()).unwrap() }
        };
        tokio::time::timeout(BOUND, exchange).await.expect("an answer in time")
    }
}

/// A client at that address.
fn from(address: Ipv4Addr) -> Http<HttpConnector, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_local_address(Some(address.into()));
    Http::builder(TokioExecutor::new()).build(connector)
}

impl<'i> IntoFuture for Call<'i> {
    type Output = Reply;
    type IntoFuture = std::pin::Pin<Box<dyn Future<Output = Reply> + Send + 'i>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// An answer that goes on.
pub struct Streamed {
    pub status: StatusCode,
    pub headers: HeaderMap,
    body: Incoming,
    rest: Vec<u8>,
}

impl Streamed {
    /// The next line, without its end; `None` at the end of the answer.
    pub async fn line(&mut self) -> Option<String> {
        tokio::time::timeout(BOUND, self.next()).await.expect("a line in time")
    }

    /// The lines up to an empty one, or to the end.
    pub async fn block(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(line) = self.line().await.filter(|line| !line.is_empty()) {
            lines.push(line);
        }
        lines
    }

    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line = self.rest.drain(..=end).collect::<Vec<_>>();
                return Some(String::from_utf8(line[..end].to_vec()).unwrap());
            }
            let frame = self.body.frame().await?.expect("a whole body");
            self.rest.extend_from_slice(&frame.into_data().expect("data alone"));
        }
    }
}

/// An answer, received whole.
#[derive(Debug, Clone)]
pub struct Reply {
    asked: String,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// The same, if it has this status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{} answered {}", self.asked, self.text);
        self.finished()
    }

    /// The same, if it is a problem of this status and code.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let reply = self.is(status);
        let problem = reply.json();
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{}", code.replace('_', "-")));
        assert_eq!(problem["request_id"], reply.header("request-id"));
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {problem}");
        }
        reply
    }

    /// What is on every answer.
    #[track_caller]
    fn finished(self) -> Self {
        assert!(!self.header("request-id").is_empty());
        for part in ["decide;dur=", "append;dur=", "database;dur=", "total;dur="] {
            assert!(self.header("server-timing").contains(part), "{:?}", self.headers);
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    /// A header's value; empty where it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn position(&self) -> u64 {
        self.header("orders-position").parse().unwrap()
    }

    pub fn id(&self) -> String {
        self.json()["id"].as_str().unwrap().to_owned()
    }

    /// The faults, as (place, code).
    pub fn faults(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let place = |fault: &Value| {
            let places = ["pointer", "parameter", "header"].map(|kind| text(&fault[kind]));
            places.into_iter().find(|place| !place.is_empty()).unwrap_or_default()
        };
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|fault| (place(fault), text(&fault["code"]))).collect()
    }
}

pub fn usd(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

pub fn ada_buys(items: &[(&str, u32)]) -> Value {
    buys("ada@example.com", items)
}

pub fn buys(email: &str, items: &[(&str, u32)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(sku, quantity)| json!({ "sku": sku, "quantity": quantity })).collect();
    json!({
        "customer": { "first_name": "Ada", "last_name": "Lovelace", "email": email },
        "shipping_address": {
            "address": "12 St James's Square", "postal_code": "SW1Y 4JH", "city": "London", "country": "gb"
        },
        "items": items,
    })
}

pub fn faults(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(place, code)| ((*place).to_owned(), (*code).to_owned())).collect()
}
