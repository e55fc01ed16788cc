//! The server itself: slow clients, and stopping.

use crate::http_support::{BOUND, Shop, ada_buys};
use api::app::HttpSettings;
use api::http::ServerSettings;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    timeout(BOUND, stream.read_to_string(&mut text)).await.expect("the connection ends").unwrap();
    text
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_cut() {
    let shop = Shop::new().await;
    let server = ServerSettings { header_read_at_most: Duration::from_millis(200), ..ServerSettings::default() };
    let api = shop.instance_with(HttpSettings::default(), server).await;
    let mut slow = TcpStream::connect(api.address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-slow: ").await.unwrap();
    let answer = read_to_end(&mut slow).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    api.get("/healthz").await.is(200);
}

#[tokio::test]
async fn a_stop_lets_a_request_in_flight_end() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let body = ada_buys(&[("TEA", 1)]).to_string();
    let key = shop.key(&[api::auth::Scope::OrdersWrite]).await;
    let mut client = TcpStream::connect(api.address).await.unwrap();
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         expect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    timeout(BOUND, client.read_exact(&mut interim)).await.unwrap().unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n", "its handler waits for the body");
    api.stop.cancel();
    client.write_all(body.as_bytes()).await.unwrap();
    let answer = read_to_end(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 201") || answer.starts_with("HTTP/1.1 503"), "{answer}");
    timeout(BOUND, api.served).await.expect("the server ends").unwrap();
    assert!(TcpStream::connect(api.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut() {
    let shop = Shop::new().await;
    let server = ServerSettings { drain_at_most: Duration::from_millis(200), ..ServerSettings::default() };
    let api = shop.instance_with(HttpSettings::default(), server).await;
    let key = shop.key(&[api::auth::Scope::OrdersWrite]).await;
    let mut client = TcpStream::connect(api.address).await.unwrap();
    let head = format!(
        "POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: 1000\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    api.get("/healthz").await.is(200);
    api.stop.cancel();
    timeout(BOUND, api.served).await.expect("the server ends all the same").unwrap();
}
