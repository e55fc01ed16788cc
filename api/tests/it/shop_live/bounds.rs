//! What sockets may not do, and how each is told.

use super::client::Socket;
use super::ordered;
use crate::http_support::{BOUND, Shop};
use api::app::HttpSettings;
use api::http::ServerSettings;
use api::shop::{Close, Group, LiveSettings};
use std::time::Duration;
use testkit::eventually;
use tokio_tungstenite::tungstenite::Message;

fn with(live: LiveSettings) -> (HttpSettings, ServerSettings) {
    (HttpSettings { live, ..HttpSettings::default() }, ServerSettings::default())
}

#[tokio::test]
async fn each_order_and_each_process_has_so_many_sockets() {
    let (shop, one, _, path) = ordered().await;
    let live = LiveSettings { max_sockets_per_order: 2, max_sockets: 3, ..LiveSettings::default() };
    let (http, server) = with(live);
    let small = shop.instance_with(http, server).await;
    let origin = format!("http://{}", small.address);
    let from_here = [("origin", origin.as_str())];
    let (first, _second) = (Socket::open(&small, &path).await, Socket::open(&small, &path).await);
    assert_eq!(Socket::try_open(small.address, &path, &from_here).await.err(), Some(429));
    let mut others = vec![];
    for _ in 0..2 {
        let order = one.place(&[("TEA", 1)]).await.id();
        others.push(super::path(&shop, &order).await);
    }
    let _third = Socket::open(&small, &others[0]).await;
    assert_eq!(Socket::try_open(small.address, &others[1], &from_here).await.err(), Some(503));
    drop(first);
    eventually("who leaves makes room", BOUND, async || {
        Socket::try_open(small.address, &path, &from_here).await.map_err(|status| status.to_string())
    })
    .await;
}

#[tokio::test]
async fn a_connection_counts_for_as_long_as_it_is_a_socket() {
    let (shop, _one, _, path) = ordered().await;
    let server = ServerSettings { max_connections: 1, ..ServerSettings::default() };
    let narrow = shop.instance_with(HttpSettings::default(), server).await;
    let mut socket = Socket::open(&narrow, &path).await;
    socket.told("state").await;
    let mut second = tokio::spawn({
        let (address, path) = (narrow.address, path.clone());
        async move { Socket::at(address, &path).await.told("state").await }
    });
    let waits = tokio::time::timeout(Duration::from_millis(300), &mut second).await;
    assert!(waits.is_err(), "there is no place for a second connection");
    drop(socket);
    tokio::time::timeout(BOUND, second).await.unwrap().unwrap();
}

#[tokio::test]
async fn what_no_page_of_ours_sends_ends_the_socket() {
    let (_shop, one, _, path) = ordered().await;
    let bad = [
        (Message::binary(vec![1, 2, 3]), 1008),
        (Message::text("hello"), 1008),
        (Message::text("{\"type\":\"close\"}"), 1008),
        (Message::text("x".repeat(20_000)), 1009),
    ];
    for (message, code) in bad {
        let mut socket = Socket::open(&one, &path).await;
        socket.told("state").await;
        socket.send(message.clone()).await;
        assert_eq!(socket.closed().await, code, "{message:?}");
    }
    let mut flood = Socket::open(&one, &path).await;
    for _ in 0..100 {
        flood.send(Message::Ping(vec![1].into())).await;
    }
    assert_eq!(flood.closed().await, 1008);
}

#[tokio::test]
async fn who_says_nothing_any_more_is_closed() {
    let (shop, _one, _, path) = ordered().await;
    let live = LiveSettings {
        max_sockets_per_order: 1,
        // The first is sent at once.
        ping_every: Duration::from_secs(60),
        silence_at_most: Duration::from_secs(1),
        ..LiveSettings::default()
    };
    let (http, server) = with(live);
    let strict = shop.instance_with(http, server).await;
    // It answers pings only while it is read.
    let mut silent = Socket::open(&strict, &path).await;
    let origin = format!("http://{}", strict.address);
    let mut second = eventually("its place is free", BOUND, async || {
        let opened = Socket::try_open(strict.address, &path, &[("origin", origin.as_str())]).await;
        opened.map_err(|status| status.to_string())
    })
    .await;
    assert_eq!(silent.closed().await, 4000);
    second.told("state").await;
}

#[tokio::test]
async fn a_group_is_closed_and_the_others_stay() {
    let (shop, one, order, path) = ordered().await;
    let other = one.place(&[("TEA", 1)]).await.id();
    let (mut mine, mut theirs) =
        (Socket::open(&one, &path).await, Socket::open(&one, &super::path(&shop, &other).await).await);
    mine.told("state").await;
    theirs.told("state").await;
    assert_eq!(one.live.hub().close(Group::Order(order.parse().unwrap()), Close::Ended), 1);
    assert_eq!(mine.closed().await, 4001);
    one.pay(&other, "12.50", "wire-2").await.is(200);
    assert_eq!(theirs.told("step").await["step"], "paid");
}

#[tokio::test]
async fn whoever_is_connected_is_told_that_the_process_ends() {
    let shop = Shop::new().await;
    let one = shop.instance().await;
    one.add_product("TEA", "12.50").await;
    let order = one.place(&[("TEA", 1)]).await.id();
    let path = super::path(&shop, &order).await;
    let mut socket = Socket::open(&one, &path).await;
    socket.told("state").await;
    one.stop.cancel();
    assert_eq!(socket.closed().await, 1001);
}
