//! The proxy between a client and its server.

use std::time::{Duration, Instant};
use testkit::smtp::Scripted;
use testkit::toxiproxy::{Link, Slowness, Toxiproxy};
use testkit::{eventually, free_port};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

const BOUND: Duration = Duration::from_secs(30);

/// Connects through the link, and reads the server's greeting; an empty one when the connection ends before.
async fn greeted(link: &Link) -> Result<(BufReader<TcpStream>, String), std::io::Error> {
    let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", link.port())).await?);
    let mut greeting = String::new();
    stream.read_line(&mut greeting).await?;
    Ok((stream, greeting))
}

#[tokio::test]
async fn a_link_takes_its_server_away_slows_it_and_gives_it_back() {
    let (proxy, server) = (Toxiproxy::start(), Scripted::start());
    let link = proxy.link("smtp", free_port(), server.port()).await;
    let other = proxy.link("other", free_port(), server.port()).await;
    let (mut open, greeting) = greeted(&link).await.unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");

    link.cut().await;
    let mut end = String::new();
    assert_eq!(open.read_line(&mut end).await.unwrap_or_default(), 0, "open connections end");
    assert!(greeted(&link).await.is_err(), "and there are no new ones");
    assert!(greeted(&other).await.unwrap().1.starts_with("220 "), "other links are other links");
    link.mend().await;
    assert!(greeted(&link).await.unwrap().1.starts_with("220 "));

    let latency = Duration::from_millis(300);
    link.slow(Slowness { latency, jitter: Duration::ZERO, kilobytes_per_second: 100 }).await;
    let begun = Instant::now();
    let (mut open, _) = greeted(&link).await.unwrap();
    assert!(begun.elapsed() >= latency, "{:?}", begun.elapsed());
    link.mend().await;

    link.silence().await;
    open.write_all(b"NOOP\r\n").await.unwrap();
    let mut line = String::new();
    let heard = tokio::time::timeout(Duration::from_millis(500), open.read_line(&mut line)).await;
    assert!(heard.is_err(), "nothing is heard, neither an answer nor an end: {heard:?}, {line}");
    link.mend().await;
    eventually("it is as it was", BOUND, async || {
        greeted(&link).await.is_ok_and(|(_, greeting)| greeting.starts_with("220 "))
    })
    .await;
}
