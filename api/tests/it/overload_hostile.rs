//! What no client of good will sends, in bodies and cursors: each is refused by name, and the program lives on.

use crate::http_support::{Shop, ada_buys, buys, usd};
use crate::overload::start;
use api::auth::Scope;
use api::v1::requests::{CursorKey, List};
use bytes::Bytes;
use futures::stream;
use http::{Method, Request};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::Frame;
use hyper_util::client::legacy::{Client as Http, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;

type AnyBody = BoxBody<Bytes, Infallible>;

/// Sends bytes as they are.
struct Sender {
    http: Http<HttpConnector, AnyBody>,
    address: SocketAddr,
    key: String,
}

#[tokio::test]
async fn a_hostile_body_is_refused_by_every_path_and_the_program_lives() {
    let shop = Shop::new().await;
    let (mut program, client, address) = start(&shop).await;
    let order = client.post("/v1/orders", &[], &ada_buys(&[("TEA", 1)])).await.is(201).json();
    let order = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    let http = Http::builder(TokioExecutor::new()).build_http();
    let sender = Sender { http, address, key: shop.key(&Scope::ALL).await };
    let paths: [(Method, &str, Value); 6] = [
        (Method::POST, "/v1/orders", ada_buys(&[("TEA", 1)])),
        (Method::POST, &format!("{order}/items"), json!({ "sku": "TEA", "quantity": 1 })),
        (Method::POST, &format!("{order}/payments"), json!({ "amount": usd("1.00"), "reference": "r" })),
        (Method::POST, "/v1/orders/search", json!({ "email": "ada@example.com" })),
        (Method::POST, "/v1/products", json!({ "sku": "CUP", "name": "Cup", "price": usd("8.00") })),
        (Method::PATCH, "/v1/products/TEA", json!({ "name": "Tea", "price": usd("9.00") })),
    ];
    for (method, path, body) in &paths {
        for hostile in hostile(body) {
            sender.refused(method, path, full(hostile)).await;
        }
        // Of 10 MB without a length, no more is taken than is allowed.
        let endless = stream::iter((0..160).map(|_| Ok(Frame::data(Bytes::from(vec![b' '; 64 << 10])))));
        sender.refused(method, path, StreamBody::new(endless).boxed()).await;
    }
    client.post("/v1/orders", &[], &buys("after@example.com", &[("TEA", 1)])).await.is(201);
    let events = client.get("/v1/events", &[]).await.is(200).body;
    assert_eq!(events.lines().count(), 5, "nothing came of them: {events}");
    assert!(!program.has_ended() && !program.output().contains("panicked"), "{}", program.output());
}

/// A key as a client might forge it: what binds a cursor to its list is a digest, no secret.
struct Forged(Vec<u8>);

impl CursorKey for Forged {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.to_vec()))
    }
}

#[tokio::test]
async fn a_forged_cursor_never_reaches_the_database() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let days = "Days { from: None, to: None }";
    let orders =
        "Filter { paid: None, status: None, placed_from: None, placed_to: None, updated_from: None, updated_to: None }";
    let (by_day, by_product) = (format!("Day {days}"), format!("Product {days}"));
    let ages_ago = [(-8_000_000_000_000_000_000_i64).to_be_bytes(), 1_u64.to_be_bytes()].concat();
    let far_ahead = [8_000_000_000_000_000_000_i64.to_be_bytes(), 1_u64.to_be_bytes()].concat();
    for (path, name, filters, key) in [
        ("/v1/totals?by=day", "totals", by_day.as_str(), b"2026-01-31 U\0D".to_vec()),
        ("/v1/totals?by=day", "totals", &by_day, b"-262143-01-01 USD".to_vec()),
        ("/v1/totals?by=day", "totals", &by_day, b"2026-1-31 USD".to_vec()),
        ("/v1/totals?by=product", "totals", &by_product, b"T\0A USD".to_vec()),
        ("/v1/totals?by=product", "totals", &by_product, b"TEA \0".to_vec()),
        ("/v1/orders?limit=1", "orders", orders, ages_ago),
        ("/v1/orders?limit=1", "orders", orders, far_ahead),
        ("/v1/orders?limit=1", "orders", orders, vec![0; 17]),
    ] {
        let cursor = List::new(name, filters).seal(&Forged(key));
        api.get(&format!("{path}&cursor={cursor}")).await.problem(400, "invalid_cursor");
    }
}

#[tokio::test]
async fn a_day_is_written_in_one_way() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    for day in ["-999-01-01", "%2B2026-1-01", "2026-1-031", "2026-01-31%20"] {
        let refused = api.get(&format!("/v1/totals?by=day&from={day}")).await.problem(400, "invalid_query");
        assert_eq!(refused.faults(), [("from".to_owned(), "not_a_day".to_owned())], "{day}");
    }
}

impl Sender {
    /// Fails unless it is refused as the client's fault, as a problem that says what is wrong.
    async fn refused(&self, method: &Method, path: &str, body: AnyBody) {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        let request = request
            .header("authorization", format!("Bearer {}", self.key))
            .header("content-type", "application/json")
            .header("idempotency-key", "hostile")
            .header("if-match", "*")
            .body(body)
            .unwrap();
        let (head, body) = self.http.request(request).await.expect("an answer").into_parts();
        let body = body.collect().await.expect("a whole answer").to_bytes();
        let shown = String::from_utf8_lossy(&body);
        assert!([400, 413, 422].contains(&head.status.as_u16()), "{method} {path}: {} {shown}", head.status);
        assert_eq!(head.headers["content-type"], "application/problem+json");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["request_id"], head.headers["request-id"].to_str().unwrap());
        assert!(body.len() < 100_000, "a refusal repeats next to nothing of what it refuses: {} bytes", body.len());
        assert!(head.status != 422 || problem["errors"][0]["pointer"].is_string(), "{shown}");
    }
}

fn full(body: Vec<u8>) -> AnyBody {
    Full::new(Bytes::from(body)).boxed()
}

/// What is wrong as a whole, and `body` with each of its values in turn replaced by what must not stand there.
fn hostile(body: &Value) -> Vec<Vec<u8>> {
    let text = body.to_string();
    let mut bodies = vec![
        b"\xef\xbb\xbf{}".to_vec(),
        b"{\"a\"".repeat(10_000),
        b"{\"a\":".repeat(10_000),
        [b"[".repeat(10_000), b"]".repeat(10_000)].concat(),
        b"\0".repeat(1_000),
        [b"{".as_slice(), &b"\"a\":0,".repeat(100_000), b"\"b\":0}"].concat(),
        [b"{\"".as_slice(), &b"x".repeat(1_000_000), b"\":0}"].concat(),
        // A second document behind the first, and each member twice.
        format!("{text}{text}").into_bytes(),
        format!("{}{}", &text[..text.len() - 1], text.replacen('{', ",", 1)).into_bytes(),
    ];
    let nested = [b"[".repeat(10_000), b"]".repeat(10_000)].concat();
    let digits = |count: usize| "9".repeat(count);
    let values: Vec<Vec<u8>> = vec![
        b"1e999999".to_vec(),
        b"-1e999999".to_vec(),
        b"1e-999999".to_vec(),
        digits(400).into_bytes(),
        format!("\"{}\"", digits(400)).into_bytes(),
        format!("\"0.{}\"", digits(400)).into_bytes(),
        b"\"NaN\\u0000\"".to_vec(),
        b"\"a\\u0000b\"".to_vec(),
        b"\"a\0b\"".to_vec(),
        b"\"\\ud800\"".to_vec(),
        b"\"\\udc00\\ud800\"".to_vec(),
        b"\"\xff\xfe\"".to_vec(),
        b"\"\xed\xa0\x80\"".to_vec(),
        b"18446744073709551616".to_vec(),
        b"NaN".to_vec(),
        nested,
    ];
    for pointer in leaves(body) {
        // A mark that stands for the value until the text is made.
        let mut marked = body.clone();
        *marked.pointer_mut(&pointer).unwrap() = json!("MARK");
        let marked = marked.to_string();
        let (before, after) = marked.split_once("\"MARK\"").unwrap();
        bodies.extend(values.iter().map(|value| [before.as_bytes(), value, after.as_bytes()].concat()));
    }
    bodies
}

/// The pointers of all values that are neither objects nor arrays.
fn leaves(value: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| leaves(value).into_iter().map(|rest| format!("/{name}{rest}")).collect();
    match value {
        Value::Object(members) => members.iter().flat_map(|(name, value)| -> Vec<_> { below(name, value) }).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().flat_map(|(at, value)| -> Vec<_> { below(&at.to_string(), value) }).collect()
        }
        _ => vec![String::new()],
    }
}
