//! The documented nginx in front of two processes of the program.

use super::wire::{Answer, Wire};
use crate::http_support::{BOUND, Shop, ada_buys};
use crate::shop_live::client::{Socket, path};
use crate::shop_pages::stocked;
use crate::walk::served_address;
use api::auth::Scope;
use http::Method;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::nginx::Nginx;
use testkit::{Launch, Program, eventually};

/// Requests at once, and how many are answered before and after a process is killed.
const CLIENTS: u64 = 8;
const REQUESTS: u64 = 200;

/// A shop, served by two processes behind nginx, and what writes its views.
struct Front {
    shop: Shop,
    _writer: crate::http_support::Instance,
    programs: Vec<Program>,
    nginx: Nginx,
    key: String,
    _statics: tempfile::TempDir,
}

impl Front {
    async fn new() -> Self {
        let (shop, writer) = stocked().await;
        let key = format!("Bearer {}", shop.key(&Scope::ALL).await);
        let api = Launch::orders().args(["api", "--listen", "127.0.0.1:0"]).env("DATABASE_URL", shop.db.app_url());
        let (mut programs, mut addresses) = (vec![api.spawn(), api.spawn()], Vec::<SocketAddr>::new());
        for program in &mut programs {
            addresses.push(served_address(program).await.parse().unwrap());
        }
        let statics = tempfile::tempdir().unwrap();
        export(&statics.path().join("static")).await;
        let nginx = Nginx::start([addresses[0], addresses[1]], statics.path());
        Self { shop, _writer: writer, programs, nginx, key, _statics: statics }
    }

    fn wire(&self) -> Wire {
        Wire::to(self.nginx.address())
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let headers = [("authorization", self.key.as_str()), ("content-type", "application/json")];
        self.wire().send(Method::POST, path, &headers, &body.to_string()).await
    }
}

async fn export(directory: &Path) {
    Launch::orders().args(["static", "export"]).arg(directory).run().await.succeeded();
}

const HTML: (&str, &str) = ("accept", "text/html");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_pages_are_cached_and_no_other_is() {
    let front = Front::new().await;
    let wire = front.wire();
    wire.get("/", &[HTML]).await.is(200);
    eventually("a page comes from the cache", BOUND, async || wire.get("/", &[HTML]).await.header("x-cache") == "HIT")
        .await;
    let korean = wire.get("/", &[HTML, ("accept-language", "ko")]).await.is(200);
    assert!(korean.text().contains("<html lang=\"ko\""), "each language is kept for itself");
    let page = wire.get("/products/SENCHA/", &[HTML, ("accept-encoding", "br")]).await.is(200);
    assert_eq!(page.header("content-encoding"), "br");
    assert!(page.header("etag").starts_with('"') && page.header("etag").ends_with("-br\""), "{}", page.header("etag"));
    let tag = page.header("etag").to_owned();
    let known = [HTML, ("accept-encoding", "br"), ("if-none-match", tag.as_str())];
    assert_eq!(wire.get("/products/SENCHA/", &known).await.is(304).header("etag"), tag);

    // A visitor with a cart sees the same address with what is in it, and nobody else does.
    let origin = format!("http://{}", front.nginx.address());
    let form = [("origin", origin.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let added = wire.send(Method::POST, "/cart/add/", &form, "sku=TEA&quantity=2").await.is(303);
    let cookie = added.header("set-cookie").split(';').next().unwrap().to_owned();
    for path in ["/", "/products/", "/cart/"] {
        let own = wire.get(path, &[HTML, ("cookie", &cookie)]).await.is(200);
        assert!(own.text().contains("Cart, 2 items"), "{path}");
        assert!(matches!(own.header("x-cache"), "" | "BYPASS"), "{path}: {}", own.header("x-cache"));
        assert!(!wire.get(path, &[HTML]).await.is(200).text().contains("Cart, 2 items"), "{path}");
    }
    assert_eq!(wire.get("/cart/", &[HTML]).await.header("x-cache"), "");
    for hidden in ["/metrics", "/readyz"] {
        wire.get(hidden, &[]).await.is(404);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_files_come_from_the_disk_and_conditions_and_sockets_go_through() {
    let front = Front::new().await;
    let wire = front.wire();
    let page = wire.get("/", &[HTML]).await.is(200).text();
    let mut files = page.split("href=\"/static/").skip(1).filter_map(|rest| rest.split('"').next());
    let style = files.find(|name| name.ends_with(".css")).unwrap();
    let plain = wire.get(&format!("/static/{style}"), &[]).await.is(200);
    let zipped = wire.get(&format!("/static/{style}"), &[("accept-encoding", "gzip")]).await.is(200);
    for answer in [&plain, &zipped] {
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
        assert_eq!(answer.header("request-id"), "", "it is not the program that answers");
    }
    assert_eq!((zipped.header("content-encoding"), plain.header("content-encoding")), ("gzip", ""));
    assert!(zipped.body.len() < plain.body.len());
    wire.get("/static/none.css", &[]).await.is(404);

    let description = "Steamed, rolled and dried, and all of it on the day that it was picked. ".repeat(30);
    let headers = [("authorization", front.key.as_str()), ("content-type", "application/merge-patch+json")];
    let patch = |body: Value, more: Vec<(&'static str, String)>| {
        let wire = wire.clone();
        async move {
            let more = more.iter().map(|(name, value)| (*name, value.as_str()));
            let headers: Vec<(&str, &str)> = headers.into_iter().chain(more).collect();
            wire.send(Method::PATCH, "/v1/products/SENCHA", &headers, &body.to_string()).await
        }
    };
    patch(json!({ "description": description }), vec![("if-match", "*".to_owned())]).await.is(200);
    let read = wire.get("/v1/products/SENCHA", &[headers[0], ("accept-encoding", "gzip")]).await.is(200);
    let tag = read.header("etag").to_owned();
    assert!(tag.ends_with("-gzip\"") && tag.starts_with('"'), "strong and coded: {tag}");
    let known = [headers[0], ("accept-encoding", "gzip"), ("if-none-match", tag.as_str())];
    wire.get("/v1/products/SENCHA", &known).await.is(304);
    let renamed = patch(json!({ "name": "Sencha" }), vec![("if-match", tag.clone())]).await.is(200);
    assert!(renamed.header("etag").starts_with('"'));
    patch(json!({ "name": "Bancha" }), vec![("if-match", tag)]).await.is(412);

    let placed = front.post("/v1/orders", &ada_buys(&[("TEA", 2)])).await.is(201);
    let order: Value = serde_json::from_str(&placed.text()).unwrap();
    let order = order["id"].as_str().unwrap();
    let mut tab = Socket::at(front.nginx.address(), &path(&front.shop, order).await).await;
    tab.told("state").await;
    front.post(&format!("/v1/orders/{order}/messages"), &json!({ "text": "It is packed." })).await.is(201);
    assert_eq!(tab.told("message").await["message"]["text"], "It is packed.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_costs_no_request_that_may_be_repeated() {
    let mut front = Front::new().await;
    let answered = Arc::new(AtomicU64::new(0));
    let (wire, key) = (front.wire(), front.key.clone());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (wire, key, answered) = (wire.clone(), key.clone(), Arc::clone(&answered));
            tokio::spawn(async move {
                let mut placed = 0_u64;
                while answered.load(Ordering::SeqCst) < 2 * REQUESTS {
                    let own = format!("order-{client}-{placed}");
                    let keyed = [
                        ("authorization", key.as_str()),
                        ("content-type", "application/json"),
                        ("idempotency-key", own.as_str()),
                    ];
                    let body = ada_buys(&[("TEA", 1)]).to_string();
                    wire.send(Method::POST, "/v1/orders", &keyed, &body).await.is(201);
                    placed += 1;
                    wire.get("/v1/products", &keyed[..1]).await.is(200);
                    wire.get("/cart/", &[HTML]).await.is(200);
                    answered.fetch_add(3, Ordering::SeqCst);
                }
                placed
            })
        })
        .collect();
    eventually("they are at work", BOUND, async || answered.load(Ordering::SeqCst) > REQUESTS).await;
    front.programs.remove(0).kill9();
    let mut placed = 0;
    for client in clients {
        placed += client.await.expect("every request was answered as it should be");
    }
    let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM events WHERE event_type = 'OrderPlaced'")
        .fetch_one(&front.shop.db.pool().await)
        .await
        .unwrap();
    assert_eq!(orders.unsigned_abs(), placed, "each order is there once");
}
