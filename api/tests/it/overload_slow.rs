//! Clients that are slow, or do not go on at all: they keep nobody from being served.

use crate::http_support::{BOUND, Instance, Shop, ada_buys, buys, usd};
use crate::overload::{allow_open_files, start, start_as};
use api::app::HttpSettings;
use api::auth::Scope;
use api::http::ServerSettings;
use futures::future::join_all;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use testkit::{Launch, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// More than the program works on at once.
const SLOW_CLIENTS: usize = 1_200;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_sends_slowly_holds_no_place() {
    allow_open_files(4_000);
    let shop = Shop::new().await;
    let (_program, client, address) = start(&shop).await;
    let key = shop.key(&[Scope::OrdersWrite]).await;
    let heads = vec!["GET /v1/products HTTP/1.1\r\nhost: x\r\nx-slow: ".to_owned(); 200];
    let bodies = vec![format!("{}{{\"customer\":", head(&key, 500)); SLOW_CLIENTS];
    let slow: Vec<_> = join_all(heads.iter().chain(&bodies).map(|begun| begin(address, begun))).await;
    // All are taken in: the last to connect is told to go on, as one is whose handler waits for the body.
    let last = begin_body(address, &key, 500).await;
    for number in 0..20 {
        client.post("/v1/orders", &[], &buys(&format!("c{number}@example.com"), &[("TEA", 1)])).await.is(201);
    }
    drop((slow, last));
}

#[tokio::test]
async fn who_is_done_sending_when_all_places_are_taken_is_refused() {
    let shop = Shop::new().await;
    let http = HttpSettings { max_requests: 1, ..HttpSettings::default() };
    let api = shop.instance_with(http, ServerSettings::default()).await;
    let key = shop.key(&Scope::ALL).await;
    let body = ada_buys(&[("TEA", 1)]).to_string();
    let mut late = begin_body(api.address, &key, body.len()).await;
    // Whoever comes in between has the only place until the stall is over.
    let mut stall = shop.db.superuser_pool().await.begin().await.unwrap();
    sqlx::query("LOCK TABLE events").execute(&mut *stall).await.unwrap();
    let in_between = async { api.get("/v1/orders/01890000-0000-7000-8000-000000000000").await };
    let ending = async {
        eventually("the place is taken", BOUND, async || api.get("/v1/orders?limit=0").await.status == 503).await;
        late.write_all(body.as_bytes()).await.unwrap();
        let answer = first_line(&mut late).await;
        stall.rollback().await.unwrap();
        answer
    };
    let (in_between, answer) = tokio::join!(in_between, ending);
    in_between.problem(404, "order_not_found");
    assert_eq!(answer, "HTTP/1.1 503 Service Unavailable");
}

#[tokio::test]
async fn bodies_together_take_no_more_than_their_share() {
    let shop = Shop::new().await;
    let http = HttpSettings { max_body_bytes: 100_000, ..HttpSettings::default() };
    let api = shop.instance_with(http, ServerSettings::default()).await;
    api.add_product("TEA", "12.50").await;
    let key = shop.key(&Scope::ALL).await;
    let begun = format!("{}{}", head(&key, 90_001), " ".repeat(90_000));
    let padded = |bytes: usize| {
        let mut body = ada_buys(&[("TEA", 1)]).to_string();
        body.extend(std::iter::repeat_n(' ', bytes - body.len()));
        body
    };
    let place = |bytes| api.post("/v1/orders", &json!({})).body(padded(bytes));
    let mut slow = eventually("the slow one's bytes are there", BOUND, async || {
        // One whose bytes came while ours were there is itself refused.
        let slow = begin(api.address, &begun).await;
        (place(50_000).await.status == 503).then_some(slow)
    })
    .await;
    let refused = place(50_000).await.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    place(1_000).await.is(201);
    slow.write_all(b" ").await.unwrap();
    assert_eq!(first_line(&mut slow).await, "HTTP/1.1 400 Bad Request");
    place(50_000).await.is(201);
}

#[tokio::test]
async fn who_does_not_read_is_cut_and_the_next_one_let_in() {
    let shop = Shop::new().await;
    // Fewer places, and fewer connections, than there are clients that do not read.
    let http = HttpSettings { max_requests: 4, ..HttpSettings::default() };
    let server = ServerSettings { max_connections: 10, ..ServerSettings::default() };
    let patient = shop.instance_with(http.clone(), server.clone()).await;
    fill(&patient).await;
    let key = shop.key(&Scope::ALL).await;
    let export = format!("GET /v1/events?limit=100000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n");

    // A place is held by none of them.
    let idle = never_reading(8, patient.address, &export).await;
    patient.get("/v1/events?limit=1").await.is(200);
    drop(idle);

    // Nor is a connection, for longer than its time.
    let server = ServerSettings { write_at_most: Duration::from_millis(300), ..server };
    let strict = shop.instance_with(http, server).await;
    let mut idle = never_reading(10, strict.address, &export).await;
    strict.get("/v1/events?limit=1").await.is(200);
    // At least the one that made room; the others have until their own time is over, and read before it they get it
    // all.
    let mut cut = 0;
    for stream in &mut idle {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(BOUND, stream.read_to_end(&mut rest)).await.expect("it ends");
        cut += usize::from(ended.is_err() || !rest.ends_with(b"\r\n0\r\n\r\n"));
    }
    assert!(cut > 0, "no answer was cut off");
}

#[tokio::test]
async fn so_many_exports_are_under_way_and_the_next_is_told_so() {
    let shop = Shop::new().await;
    let http = HttpSettings { max_exports: 2, ..HttpSettings::default() };
    assert_eq!(HttpSettings::default().max_exports, 64);
    let api = shop.instance_with(http, ServerSettings::default()).await;
    fill(&api).await;
    let key = shop.key(&Scope::ALL).await;
    let export = format!("GET /v1/events?limit=100000 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\r\n");
    let idle = never_reading(2, api.address, &export).await;
    let refused = api.get("/v1/events?limit=1").await.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    api.get("/v1/products/P0").await.is(200);
    drop(idle);
    eventually("there is room again", BOUND, async || api.get("/v1/events?limit=1").await.status == 200).await;
}

/// A command goes on without its client, so the work that it is stays counted.
#[tokio::test]
async fn who_hangs_up_keeps_the_place_until_the_command_has_ended() {
    let shop = Shop::new().await;
    let http = HttpSettings { max_requests: 1, ..HttpSettings::default() };
    let api = shop.instance_with(http, ServerSettings::default()).await;
    api.add_product("TEA", "12.50").await;
    let (key, body) = (shop.key(&Scope::ALL).await, ada_buys(&[("TEA", 1)]).to_string());
    let is_full = async || api.get("/v1/orders?limit=0").await.status == 503;

    let admin = shop.db.superuser_pool().await;
    let mut stall = admin.begin().await.unwrap();
    sqlx::query("LOCK TABLE events").execute(&mut *stall).await.unwrap();
    let client = begin(api.address, &format!("{}{body}", head(&key, body.len()))).await;
    eventually("the command is being written", BOUND, async || {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
                                     WHERE datname = current_database() AND relation = 'events'::regclass
                                       AND NOT granted AND mode = 'RowExclusiveLock')";
        sqlx::query_scalar::<_, bool>(waits).fetch_one(&admin).await.unwrap()
    })
    .await;
    drop(client);
    // A place that went with the client would be free by one of these.
    for _ in 0..10 {
        assert!(is_full().await, "the command is still under way");
    }
    stall.rollback().await.unwrap();
    eventually("the place is free", BOUND, async || !is_full().await).await;
    let history = api.get("/v1/events").await.is(200);
    assert!(history.text.contains("\"OrderPlaced\""), "the order was placed: {}", history.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_limit_of_open_files_is_raised_and_kept_to() {
    let shop = Shop::new().await;
    let orders = env!("CARGO_BIN_EXE_orders");
    let limited = |files: &str| Launch::of("/usr/bin/prlimit").arg(format!("--nofile={files}")).arg(orders);

    let (raised, client, address) = start_as(&shop, limited("128:2000")).await;
    let crowd = join_all((0..600).map(|_| begin(address, ""))).await;
    client.post("/v1/orders", &[], &buys("raised@example.com", &[("TEA", 1)])).await.is(201);
    // Whoever comes last is served, beside all of the crowd.
    let mut last = begin(address, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await;
    assert_eq!(first_line(&mut last).await, "HTTP/1.1 200 OK");
    assert!(crowd.iter().all(is_open));
    drop((crowd, raised));

    // Where the limit can't be raised, connections wait outside; what is inside has the files that it needs.
    let shop = Shop::new().await;
    let (mut kept_to, _, address) = start_as(&shop, limited("200:200")).await;
    let said = kept_to.wait_for_line("open files").await;
    assert!(said.contains("200") && said.contains("100"), "{said}");
    let (key, body) = (shop.key(&[Scope::OrdersWrite]).await, ada_buys(&[("TEA", 1)]).to_string());
    let mut inside = begin_body(address, &key, body.len()).await;
    let crowd = join_all((0..300).map(|_| begin(address, ""))).await;
    inside.write_all(body.as_bytes()).await.unwrap();
    assert_eq!(first_line(&mut inside).await, "HTTP/1.1 201 Created");
    assert!(!kept_to.output().contains("Too many open files"), "{}", kept_to.output());
    drop(crowd);
}

fn is_open(stream: &TcpStream) -> bool {
    stream.try_read(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
}

/// The head of an order whose body has so many bytes.
fn head(key: &str, body_bytes: usize) -> String {
    format!(
        "POST /v1/orders HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n\
         content-length: {body_bytes}\r\n\r\n"
    )
}

/// A connection on which this was sent, and nothing more.
async fn begin(address: SocketAddr, sent: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(sent.as_bytes()).await.unwrap();
    stream
}

/// A connection whose order is let in, and waits for its body.
async fn begin_body(address: SocketAddr, key: &str, body_bytes: usize) -> TcpStream {
    let head = head(key, body_bytes).replace("\r\n\r\n", "\r\nexpect: 100-continue\r\n\r\n");
    let mut stream = begin(address, &head).await;
    let mut interim = [0; 25];
    tokio::time::timeout(BOUND, stream.read_exact(&mut interim)).await.expect("it is told to go on").unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
}

async fn never_reading(count: usize, address: SocketAddr, request: &str) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(never_read(address, request).await);
    }
    streams
}

/// A connection that sends a request and does not read its answer, of which it has seen the beginning.
async fn never_read(address: SocketAddr, request: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(first_line(&mut stream).await, "HTTP/1.1 200 OK");
    stream
}

async fn first_line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    let read = async {
        while !line.ends_with(b"\r\n") {
            line.push(stream.read_u8().await.expect("an answer"));
        }
    };
    tokio::time::timeout(BOUND, read).await.expect("an answer in time");
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// A history of more bytes than the buffers between server and client hold.
async fn fill(api: &Instance) {
    let description = "🫖".repeat(4_000);
    let add = |number: usize| {
        let (sku, description) = (format!("P{number}"), &description);
        let product = json!({ "sku": sku, "name": "Tea", "description": description, "price": usd("12.50") });
        async move { api.post("/v1/products", &product).await }
    };
    for batch in 0..200 {
        // No more at once than there are places.
        for reply in join_all((0..3).map(|number| add(3 * batch + number))).await {
            reply.is(201);
        }
    }
}
