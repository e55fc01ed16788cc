//! API keys that are bound to a member: they see and change that member's orders and cart, and nobody else's.

use crate::http_support::{BOUND, Call, Instance, Reply, Shop, buys, usd};
use crate::shop_live::client::Socket;
use api::app::HttpSettings;
use api::auth::{Scope, keys};
use api::http::ServerSettings;
use api::shop::LiveSettings;
use chrono::Utc;
use commands::members::staff;
use domain::ids::SubjectId;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::eventually;
use uuid::Uuid;

const BOTH: [Scope; 2] = [Scope::OrdersRead, Scope::OrdersWrite];

/// What a member's key gets where the request is about what is somebody else's.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// It is nothing for such a key, whatever it is about: 403.
    Refused,
    /// There is no such thing: 404 with this code.
    Nothing(&'static str),
    /// What is asked for, with the member's own alone in it.
    Own,
    /// What is nobody's: the catalogue.
    Open,
}
use Answer::{Nothing, Open, Own, Refused};

/// Every route of `/v1`. A route that is added is added here too, with what such a key gets: the test below says so.
const ROUTES: &[(&str, &str, Answer)] = &[
    ("GET", "/v1/orders", Own),
    ("POST", "/v1/orders", Own),
    ("POST", "/v1/orders/search", Own),
    ("GET", "/v1/orders/{id}", Nothing("order_not_found")),
    ("PATCH", "/v1/orders/{id}", Refused),
    ("GET", "/v1/orders/{id}/history", Nothing("order_not_found")),
    ("POST", "/v1/orders/{id}/items", Nothing("order_not_found")),
    ("POST", "/v1/orders/{id}/payments", Refused),
    ("GET", "/v1/orders/{id}/messages", Nothing("order_not_found")),
    ("POST", "/v1/orders/{id}/messages", Nothing("order_not_found")),
    ("GET", "/v1/products", Open),
    ("POST", "/v1/products", Refused),
    ("GET", "/v1/products/{sku}", Open),
    ("PATCH", "/v1/products/{sku}", Refused),
    ("GET", "/v1/products/{sku}/history", Refused),
    ("PUT", "/v1/products/{sku}/picture", Refused),
    ("POST", "/v1/products/{sku}/withdraw", Refused),
    ("POST", "/v1/products/{sku}/restore", Refused),
    ("GET", "/v1/categories", Open),
    ("POST", "/v1/categories", Refused),
    ("GET", "/v1/categories/{slug}", Open),
    ("PATCH", "/v1/categories/{slug}", Refused),
    ("POST", "/v1/categories/{slug}/remove", Refused),
    ("POST", "/v1/categories/{slug}/restore", Refused),
    ("GET", "/v1/cart", Nothing("cart_not_found")),
    ("POST", "/v1/cart/items", Nothing("cart_not_found")),
    ("PATCH", "/v1/cart/items/{sku}", Nothing("cart_not_found")),
    ("DELETE", "/v1/cart/items/{sku}", Nothing("cart_not_found")),
    ("GET", "/v1/totals", Refused),
    ("GET", "/v1/analytics/days", Refused),
    ("GET", "/v1/analytics/products", Refused),
    ("GET", "/v1/analytics/cities", Refused),
    ("GET", "/v1/analytics/payment-times", Refused),
    ("GET", "/v1/analytics/conversion", Refused),
    ("POST", "/v1/newsletters", Refused),
    ("GET", "/v1/newsletters/{id}", Refused),
    ("PUT", "/v1/newsletters/{id}", Refused),
    ("GET", "/v1/newsletters/{id}/outcomes", Refused),
    ("POST", "/v1/newsletters/{id}/release", Refused),
    ("GET", "/v1/ops/instances", Refused),
    ("GET", "/v1/ops/projections", Refused),
    ("GET", "/v1/ops/projections/{name}", Refused),
    ("GET", "/v1/ops/projections/{name}/diff", Refused),
    ("POST", "/v1/ops/projections/{name}/promote", Refused),
    ("POST", "/v1/ops/projections/{name}/rebuild", Refused),
    ("POST", "/v1/ops/projections/{name}/rollback", Refused),
    ("GET", "/v1/ops/schedule", Refused),
    ("POST", "/v1/ops/schedule/{id}/run", Refused),
    ("POST", "/v1/ops/schedule/{id}/cancel", Refused),
    ("GET", "/v1/ops/parked", Refused),
    ("POST", "/v1/ops/parked/retry", Refused),
    ("POST", "/v1/ops/parked/discard", Refused),
    ("GET", "/v1/ops/parked/{id}", Refused),
    ("POST", "/v1/ops/parked/{id}/retry", Refused),
    ("POST", "/v1/ops/parked/{id}/discard", Refused),
    ("GET", "/v1/ops/dead-letters", Refused),
    ("GET", "/v1/ops/consumers", Refused),
    ("GET", "/v1/ops/consumers/{name}", Refused),
    ("POST", "/v1/ops/consumers/{name}/pause", Refused),
    ("POST", "/v1/ops/consumers/{name}/resume", Refused),
    ("GET", "/v1/ops/consumers/{name}/rewind", Refused),
    ("POST", "/v1/ops/consumers/{name}/rewind", Refused),
    ("DELETE", "/v1/ops/consumers/{name}/rewind", Refused),
    ("GET", "/v1/ops/mails", Refused),
    ("POST", "/v1/ops/mails/search", Refused),
    ("GET", "/v1/ops/audit", Refused),
    ("GET", "/v1/ops/status", Refused),
    ("GET", "/v1/ops/status/history", Refused),
    ("GET", "/v1/events", Refused),
];

/// A member with a key.
struct Customer {
    id: Uuid,
    email: String,
    key: String,
}

async fn member(shop: &Shop, email: &str) -> Uuid {
    let join =
        "INSERT INTO members (id, email, email_key, first_name, last_name, password_hash, lang, created_at, changed_at)
                VALUES ($1, $2, $2, 'Ada', 'Lovelace', '$argon2id$none', 'en', now(), now())";
    let id = Uuid::now_v7();
    sqlx::query(join).bind(id).bind(email).execute(&shop.db.pool().await).await.unwrap();
    id
}

async fn key_of(shop: &Shop, member: Uuid, scopes: &[Scope]) -> String {
    let (pool, scopes) = (shop.db.pool().await, scopes.iter().copied());
    let (made, token) = keys::create_for_member(&pool, "app", scopes, &member.to_string()).await.unwrap();
    assert_eq!(made.member.map(|member| member.0), Some(member));
    token.to_string()
}

async fn customer(shop: &Shop, email: &str) -> Customer {
    let id = member(shop, email).await;
    Customer { id, email: email.to_owned(), key: key_of(shop, id, &BOTH).await }
}

impl Customer {
    async fn orders(&self, api: &Instance) -> Reply {
        api.post("/v1/orders", &buys(&self.email, &[("TEA", 2)])).key(&self.key).await.is(201)
    }
}

/// What the member's list holds, once it holds what `after` answered.
async fn listed(api: &Instance, key: &str, after: &Reply) -> Vec<String> {
    let list = api.get("/v1/orders").key(key).header("orders-min-position", after.header("orders-position")).await;
    ids(&list.is(200))
}

fn ids(list: &Reply) -> Vec<String> {
    let rows = list.json()["data"].as_array().unwrap().clone();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// A request to that route, as it would be right about what is one's own.
fn call<'i>(api: &'i Instance, method: &str, path: &str, order: &str, foreign: &Customer) -> Call<'i> {
    let id = if path.contains("newsletters") { Uuid::nil().to_string() } else { order.to_owned() };
    let to =
        path.replace("{id}", &id).replace("{sku}", "TEA").replace("{slug}", "teas").replace("{name}", "order_list");
    let to = if path == "/v1/totals" { format!("{to}?by=day") } else { to };
    let body = match (method, path) {
        ("POST", "/v1/orders") => buys("ada@example.com", &[("TEA", 1)]),
        ("POST", "/v1/orders/search") => json!({ "email": foreign.email }),
        (_, "/v1/orders/{id}/payments") => json!({ "amount": usd("1.00"), "reference": "r-1" }),
        ("POST", "/v1/orders/{id}/messages") => json!({ "text": "Hello" }),
        (_, "/v1/orders/{id}/items" | "/v1/cart/items") => json!({ "sku": "TEA", "quantity": 1 }),
        ("PATCH", "/v1/cart/items/{sku}") => json!({ "quantity": 1 }),
        ("POST", "/v1/products") => json!({ "sku": "NEW", "name": "New", "price": usd("1.00") }),
        ("POST", "/v1/categories") => json!({ "slug": "new", "name": "New" }),
        ("POST" | "PUT", "/v1/newsletters" | "/v1/newsletters/{id}") => json!({ "subject": "x", "text": "x" }),
        ("PATCH", _) => json!({ "name": "Other" }),
        _ => Value::Null,
    };
    let call = api.call(method.parse().unwrap(), &to);
    let call = if body.is_null() { call } else { call.json(&body) };
    call.header("idempotency-key", &format!("{method}-{path}"))
}

#[tokio::test]
async fn no_route_shows_or_changes_what_is_somebody_elses() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    api.post("/v1/categories", &json!({ "slug": "teas", "name": "Teas" })).await.is(201);
    let (ada, zoe) = (customer(&shop, "ada@example.com").await, customer(&shop, "zoe@example.com").await);
    let (own, foreign) = (ada.orders(&api).await, zoe.orders(&api).await);
    let (order, guest) = (foreign.id(), api.post("/v1/orders", &buys(&zoe.email, &[("CUP", 1)])).await.is(201));
    let cart = api.post("/v1/cart/items", &json!({ "sku": "CUP", "quantity": 3 })).key(&zoe.key).await.is(200);
    listed(&api, &ada.key, &guest).await;
    let marks = [order.clone(), guest.id(), cart.id(), zoe.email.clone(), zoe.id.to_string()];

    for (method, path, expected) in ROUTES {
        let answer = call(&api, method, path, &order, &zoe).key(&ada.key).header("orders-cart", &cart.id()).await;
        let answer = match expected {
            Refused => answer.problem(403, "forbidden"),
            Nothing(code) => answer.problem(404, code),
            Own | Open => answer,
        };
        let is_well = answer.status.is_success() || !matches!(expected, Own | Open);
        assert!(is_well, "{method} {path} answered {}", answer.text);
        for mark in &marks {
            assert!(!answer.text.contains(mark), "{method} {path} shows what is somebody else's: {}", answer.text);
        }
    }

    let still = api.get(&format!("/v1/orders/{order}")).await.is(200);
    assert_eq!(still.json(), foreign.json(), "it is as it was");
    assert_eq!(api.get(&format!("/v1/orders/{order}/messages")).await.is(200).json(), json!({ "data": [] }));
    assert_eq!(api.get("/v1/cart").key(&zoe.key).await.is(200).json(), cart.json());
    assert!(ids(&api.get("/v1/orders").key(&ada.key).await).contains(&own.id()));
}

/// What is asked of a path that takes no such method names those that it takes.
#[tokio::test]
async fn every_route_is_in_the_table() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let mut routes = BTreeSet::new();
    for (path, _) in api::app::paths().into_iter().filter(|(path, _)| path.starts_with("/v1/")) {
        let refused = api.call(Method::TRACE, &path.replace(['{', '}'], "")).await.is(405);
        let methods = refused.header("allow").split(',').map(|method| method.trim().to_owned());
        routes.extend(methods.filter(|method| method != "HEAD").map(|method| (method, path.to_owned())));
    }
    let known: BTreeSet<_> =
        ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    let new: Vec<_> = routes.difference(&known).collect();
    assert!(new.is_empty(), "say in ROUTES what a member's key gets from {new:?}");
    assert_eq!(
        known.difference(&routes).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new(),
        "there is no such route"
    );
}

#[tokio::test]
async fn a_member_s_program_orders_reads_and_writes_as_the_member() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (ada, zoe) = (customer(&shop, "ada@example.com").await, customer(&shop, "zoe@example.com").await);
    let (order, other) = (ada.orders(&api).await, zoe.orders(&api).await);
    assert_eq!(listed(&api, &ada.key, &other).await, [order.id()]);
    assert_eq!(listed(&api, &zoe.key, &other).await, [other.id()]);
    let subject: Uuid = sqlx::query_scalar(
        "SELECT (payload -> 'OrderPlaced' -> 'customer' ->> 'subject_id')::uuid FROM events
          WHERE aggregate_id = $1 AND event_type = 'OrderPlaced'",
    )
    .bind(order.id())
    .fetch_one(&shop.db.superuser_pool().await)
    .await
    .unwrap();
    assert_eq!(subject, ada.id, "as when she orders on the page");

    let path = format!("/v1/orders/{}", order.id());
    let added = api.post(&format!("{path}/items"), &json!({ "sku": "CUP", "quantity": 1 })).key(&ada.key);
    let added = added.header("if-match", "*").await.is(200);
    let read = api.get(&path).key(&ada.key).header("orders-min-position", added.header("orders-position"));
    assert_eq!(read.await.is(200).json(), added.json());
    for (search, found) in [
        (json!({ "email": ada.email }), vec![order.id()]),
        (json!({ "number": order.json()["number"] }), vec![order.id()]),
        (json!({ "email": zoe.email }), vec![]),
        (json!({ "number": other.json()["number"] }), vec![]),
    ] {
        assert_eq!(ids(&api.post("/v1/orders/search", &search).key(&ada.key).await.is(200)), found, "{search}");
    }
    assert_eq!(ids(&api.get("/v1/orders?paid=true").key(&ada.key).await.is(200)), Vec::<String>::new());

    let messages = format!("{path}/messages");
    let wrote = api.post(&messages, &json!({ "text": "When?" })).key(&ada.key).await.is(201);
    assert_eq!(wrote.json()["from"], "customer");
    api.post(&messages, &json!({ "text": "Today." })).await.is(201);
    let both = api.get(&messages).key(&ada.key).await.is(200).json();
    assert_eq!((&both["data"][0]["text"], &both["data"][1]["from"]), (&json!("When?"), &json!("staff")));
}

#[tokio::test]
async fn a_list_of_one_member_goes_on_page_by_page() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (ada, zoe) = (customer(&shop, "ada@example.com").await, customer(&shop, "zoe@example.com").await);
    let mut placed = vec![];
    for _ in 0..5 {
        placed.insert(0, ada.orders(&api).await.id());
        zoe.orders(&api).await;
    }
    let last = zoe.orders(&api).await;
    assert_eq!(listed(&api, &ada.key, &last).await, placed);
    let (mut seen, mut path) = (vec![], "/v1/orders?limit=2&placed_from=2000-01-01T00:00:00Z".to_owned());
    loop {
        let page = api.get(&path).key(&ada.key).await.is(200);
        seen.extend(ids(&page));
        let next = page.json()["next_cursor"].as_str().map(str::to_owned);
        let Some(cursor) = next else { break };
        path = format!("/v1/orders?limit=2&placed_from=2000-01-01T00:00:00Z&cursor={cursor}");
    }
    assert_eq!(seen, placed);
}

#[tokio::test]
async fn the_cart_is_the_one_that_the_pages_show() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let ada = customer(&shop, "ada@example.com").await;
    let item = json!({ "sku": "TEA", "quantity": 2 });
    assert_eq!(
        api.get("/v1/cart").key(&ada.key).await.is(200).json()["items"],
        json!([]),
        "she has one without asking"
    );
    let added = api.post("/v1/cart/items", &item).key(&ada.key).await.is(200);
    let of_member: String = sqlx::query_scalar("SELECT id::text FROM carts WHERE member_id = $1")
        .bind(ada.id)
        .fetch_one(&shop.db.pool().await)
        .await
        .unwrap();
    assert_eq!((added.id(), added.header("orders-cart")), (of_member.clone(), of_member.as_str()));
    let named = api.get("/v1/cart").key(&ada.key).header("orders-cart", &of_member).await.is(200);
    assert_eq!(named.json(), added.json());
    let set = api.patch("/v1/cart/items/TEA", &json!({ "quantity": 7 })).key(&ada.key).await.is(200);
    assert_eq!(set.json()["items"][0]["quantity"], 7);
    let empty = api.call(Method::DELETE, "/v1/cart/items/TEA").key(&ada.key).await.is(200);
    assert_eq!(empty.json()["items"], json!([]));
    // Neither does a key of the shop reach it, nor hers a guest's.
    api.get("/v1/cart").header("orders-cart", &of_member).await.problem(404, "cart_not_found");
    let guest = api.post("/v1/cart/items", &item).await.is(201).id();
    api.get("/v1/cart").key(&ada.key).header("orders-cart", &guest).await.problem(404, "cart_not_found");
}

#[tokio::test]
async fn the_same_idempotency_key_of_another_member_is_another_request() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (ada, zoe) = (customer(&shop, "ada@example.com").await, customer(&shop, "zoe@example.com").await);
    let place = |customer: &Customer| {
        let order = api.post("/v1/orders", &buys("both@example.com", &[("TEA", 1)]));
        order.key(&customer.key).header("idempotency-key", "k-1")
    };
    let (one, other) = (place(&ada).await.is(201), place(&zoe).await.is(201));
    assert_ne!(one.id(), other.id());
    let again = place(&ada).await.is(201);
    assert_eq!((again.id(), again.header("idempotent-replayed")), (one.id(), "true"));
}

#[tokio::test]
async fn a_key_that_reads_does_not_write_and_none_reaches_beyond() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let ada = customer(&shop, "ada@example.com").await;
    let order = ada.orders(&api).await.id();
    let (reads, writes) =
        (key_of(&shop, ada.id, &[Scope::OrdersRead]).await, key_of(&shop, ada.id, &[Scope::OrdersWrite]).await);
    api.get(&format!("/v1/orders/{order}")).key(&reads).await.is(200);
    api.get(&format!("/v1/orders/{order}")).key(&writes).await.problem(403, "forbidden");
    api.get(&format!("/v1/orders/{order}/messages")).key(&writes).await.problem(403, "forbidden");
    let refused = api.post("/v1/orders", &buys(&ada.email, &[("TEA", 1)])).key(&reads).await.problem(403, "forbidden");
    assert!(refused.header("www-authenticate").contains("scope=\"orders:write\""), "{refused:?}");
    api.get("/v1/cart").key(&reads).await.problem(403, "forbidden");

    let pool = shop.db.pool().await;
    let member = ada.id.to_string();
    for scope in [Scope::Staff, Scope::Analyst, Scope::Operator] {
        let refused = keys::create_for_member(&pool, "app", [Scope::OrdersRead, scope], &member).await;
        let error = refused.err().unwrap();
        assert!(error.to_string().contains(scope.as_str()), "{error}");
        let update = sqlx::query("UPDATE api_keys SET scopes = ARRAY[$1] WHERE member_id IS NOT NULL");
        let beyond = update.bind(scope.as_str()).execute(&shop.db.superuser_pool().await).await;
        assert!(beyond.is_err(), "the database refuses it too");
    }
    for nobody in ["zoe@example.com", "00000000-0000-0000-0000-000000000000", "ada"] {
        let refused = keys::create_for_member(&pool, "app", BOTH, nobody).await;
        assert!(matches!(refused, Err(keys::KeyError::NoMember)), "{nobody}");
    }
    let (by_email, _) = keys::create_for_member(&pool, "app", BOTH, "ADA@example.com").await.unwrap();
    assert_eq!(by_email.member.map(|member| member.0), Some(ada.id));
}

#[tokio::test]
async fn a_key_ends_with_its_member_and_rests_while_the_member_is_kept_out() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (ada, zoe) = (customer(&shop, "ada@example.com").await, customer(&shop, "zoe@example.com").await);
    for member in [&ada, &zoe] {
        api.get("/v1/orders").key(&member.key).await.is(200);
    }
    let pool = shop.db.pool().await;
    sqlx::query("DELETE FROM members WHERE id = $1").bind(ada.id).execute(&pool).await.unwrap();
    assert!(staff::disable(&pool, SubjectId(zoe.id), "staff", Utc::now()).await.unwrap());
    let answers = async |member: &Customer, status: u16| {
        eventually("the key counts for that", BOUND, async || {
            api.get("/v1/orders").key(&member.key).await.status == status
        })
        .await;
    };
    answers(&ada, 401).await;
    answers(&zoe, 401).await;
    assert!(staff::enable(&pool, SubjectId(zoe.id), Utc::now()).await.unwrap());
    answers(&zoe, 200).await;
    let listed = keys::list(&pool).await.unwrap();
    assert!(
        listed.iter().any(|key| key.member.is_some_and(|member| member.0 == ada.id)),
        "what it did can be looked up"
    );
}

#[tokio::test]
async fn a_socket_follows_the_member_s_own_order_until_the_key_is_revoked() {
    let shop = Shop::new().await;
    shop.open().await;
    let live = LiveSettings { ping_every: Duration::from_secs(1), ..LiveSettings::default() };
    let api = shop.instance_with(HttpSettings { live, ..HttpSettings::default() }, ServerSettings::default()).await;
    let (ada, zoe) = (customer(&shop, "ada@example.com").await, customer(&shop, "zoe@example.com").await);
    let (own, foreign) = (ada.orders(&api).await.id(), zoe.orders(&api).await.id());
    let bearer = |key: &str| format!("Bearer {key}");
    let open = async |order: &str, key: &str| {
        Socket::try_open(api.address, &format!("/orders/{order}/live"), &[("authorization", &bearer(key))]).await
    };
    let reads = key_of(&shop, ada.id, &[Scope::OrdersRead]).await;
    let writes = key_of(&shop, ada.id, &[Scope::OrdersWrite]).await;
    let shops = shop.key(&Scope::ALL).await;
    for (order, key, status) in [
        (&foreign, &ada.key, 404),
        (&Uuid::nil().to_string(), &ada.key, 404),
        (&own, &writes, 403),
        (&own, &shops, 404),
        (&own, &"orders_none".to_owned(), 403),
    ] {
        assert_eq!(open(order, key).await.err(), Some(status), "{order}");
    }

    let mut socket = open(&own, &ada.key).await.unwrap();
    assert_eq!(socket.told("state").await["paid"], false);
    socket.write(Uuid::from_u128(1), "When?").await;
    let told = [socket.next().await, socket.next().await].map(|told| told["type"].as_str().unwrap().to_owned());
    assert!(told.contains(&"accepted".to_owned()) && told.contains(&"message".to_owned()), "{told:?}");
    let mut reader = open(&own, &reads).await.unwrap();
    reader.told("state").await;
    reader.write(Uuid::from_u128(2), "When?").await;
    assert_eq!(reader.told("refused").await["why"], "forbidden");

    let prefix = ada.key.split('_').nth(1).unwrap();
    keys::revoke(&shop.db.pool().await, prefix).await.unwrap();
    assert_eq!(socket.closed().await, 4001, "who was let in is not any more");
}
