//! The board as server-sent events: at once, again when something changes, bounded, and over when the process stops.

use super::support::System;
use crate::http_support::BOUND;
use commands::staff::Role;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Somebody who watches.
struct Watcher {
    stream: TcpStream,
    seen: String,
}

impl Watcher {
    async fn begin(address: SocketAddr, cookie: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /ops/stream HTTP/1.1\r\nhost: {address}\r\ncookie: {cookie}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        Self { stream, seen: String::new() }
    }

    /// Reads on until this has come.
    async fn sees(&mut self, what: &str) {
        let reading = async {
            while !self.seen.contains(what) {
                assert!(self.read().await, "the stream ended before `{what}`: {}", self.seen);
            }
        };
        timeout(BOUND, reading).await.unwrap_or_else(|_| panic!("nothing has `{what}`"));
    }

    /// Reads what comes next; `false` at the end.
    async fn read(&mut self) -> bool {
        let mut bytes = [0; 16 * 1024];
        let count = self.stream.read(&mut bytes).await.unwrap_or(0);
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        count > 0
    }
}

#[tokio::test]
async fn the_board_comes_at_once_and_again_when_something_changes() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let address = system.goods.instance.address;
    let mut watcher = Watcher::begin(address, &staff.cookie).await;
    watcher.sees("content-type: text/event-stream").await;
    watcher.sees("event: board\ndata: \"").await;
    watcher.sees("mailbox unavailable").await;
    assert!(!watcher.seen.contains("csrf") && !watcher.seen.contains(staff.account.email.as_str()));
    system.order().await;
    system.park("greylisted for ever").await;
    watcher.sees("greylisted for ever").await;
    // A process that stops lets nobody wait.
    let stopped = async {
        system.goods.instance.stop.cancel();
        while watcher.read().await {}
    };
    timeout(Duration::from_secs(10), stopped).await.expect("the stream ends");
}

#[tokio::test]
async fn watchers_are_bounded_and_give_their_place_back() {
    let system = System::open().await;
    let staff = system.goods.staff(Role::Manager).await;
    let address = system.goods.instance.address;
    let mut watchers = Vec::new();
    for _ in 0..32 {
        let mut watcher = Watcher::begin(address, &staff.cookie).await;
        watcher.sees("event: board").await;
        watchers.push(watcher);
    }
    staff.get("/ops/stream").await.is(503);
    drop(watchers);
    testkit::eventually("a place is free", BOUND, async || {
        let mut watcher = Watcher::begin(address, &staff.cookie).await;
        watcher.sees("HTTP/1.1 ").await;
        let is_in = watcher.seen.contains("HTTP/1.1 200");
        if is_in { Ok(()) } else { Err(watcher.seen.clone()) }
    })
    .await;
    let mut nobody = Watcher::begin(address, "x=y").await;
    nobody.sees("HTTP/1.1 303").await;
}
