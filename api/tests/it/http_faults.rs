//! What goes wrong before a command or read begins: every status, and what each answer bears.

use crate::http_support::{Shop, ada_buys};
use api::app::HttpSettings;
use api::auth::{Scope, keys};
use api::http::{RateLimit, ServerSettings};
use http::Method;
use serde_json::json;
use testkit::eventually;

const NOBODY: &str = "/v1/orders/01890000-0000-7000-8000-000000000000";

#[tokio::test]
async fn a_body_that_is_no_json_is_400_and_says_where() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let post = |body: Vec<u8>| api.post("/v1/orders", &json!({})).body(body);
    let problem = post(b"{\"customer\":\n  nothing}".to_vec()).await.problem(400, "malformed_json").json();
    assert_eq!((problem["line"].as_u64(), problem["column"].as_u64()), (Some(2), Some(4)));
    for body in
        [b"".to_vec(), b"\xff\xfe".to_vec(), b"{\"a\":\"\xc3\x28\"}".to_vec(), b"[".repeat(10_000), b"1e999".to_vec()]
    {
        post(body).await.problem(400, "malformed_json");
    }
    assert_eq!(post(b"[]".to_vec()).await.problem(422, "invalid_body").faults().len(), 1);
}

#[tokio::test]
async fn a_query_that_a_command_would_not_heed_is_400() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let order = ada_buys(&[("TEA", 1)]);
    let payments = format!("{NOBODY}/payments");
    for call in [
        api.post("/v1/orders?dry_run=true", &order),
        api.post(&format!("{payments}?dry_run=true"), &json!({})),
        api.patch("/v1/products/TEA?dry_run=true", &json!({})).header("if-match", "*"),
        api.call(Method::POST, "/v1/products/TEA/withdraw?dry_run=true"),
    ] {
        let refused = call.await.problem(400, "invalid_query");
        assert_eq!(refused.faults(), [("dry_run".to_owned(), "unknown_parameter".to_owned())]);
    }
    assert_eq!(api.get("/v1/events").await.position(), 2, "nothing came of them");
}

#[tokio::test]
async fn of_very_many_faults_the_first_are_named_and_the_rest_counted() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let mut body = ada_buys(&[]);
    body["items"] = (0..120).map(|_| json!({ "sku": "no sku", "quantity": 1 })).collect();
    let refused = api.post("/v1/orders", &body).await.problem(422, "invalid_body");
    assert_eq!((refused.faults().len(), refused.json()["errors_omitted"].as_u64()), (100, Some(20)));
    assert!(refused.json()["detail"].as_str().unwrap().contains("20 more"), "{}", refused.text);
}

#[tokio::test]
async fn a_body_over_a_mebibyte_is_413() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let padded = |bytes: usize| {
        let mut body = ada_buys(&[("TEA", 1)]).to_string();
        body.extend(std::iter::repeat_n(' ', bytes - body.len()));
        body
    };
    api.post("/v1/orders", &json!({})).body(padded(1 << 20)).await.is(201);
    api.post("/v1/orders", &json!({})).body(padded((1 << 20) + 1)).await.problem(413, "body_too_large");
    api.post("/v1/orders/search", &json!({})).body(padded(10 << 20)).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn media_types_are_checked_both_ways() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let body = ada_buys(&[("TEA", 1)]);
    for media_type in ["text/plain", "application/xml", "application/json; charset=latin1", ""] {
        let refused = api.post("/v1/orders", &body).header("content-type", media_type).await;
        refused.problem(415, "unsupported_media_type");
    }
    let missing = api.post("/v1/orders", &body).without("content-type").await;
    missing.problem(415, "unsupported_media_type");
    let zipped = api.post("/v1/orders", &body).header("content-encoding", "gzip").await;
    zipped.problem(415, "unsupported_media_type");
    let merge = api.post("/v1/orders", &body).header("content-type", "application/merge-patch+json").await;
    merge.problem(415, "unsupported_media_type");
    api.post("/v1/orders", &body).header("content-type", "Application/JSON; charset=\"UTF-8\"").await.is(201);

    api.get("/v1/products").header("accept", "text/html").await.problem(406, "not_acceptable");
    let get = api.post("/v1/orders", &body).header("accept", "text/html, application/*;q=0.1").await;
    get.is(201);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_said_to_be() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    for path in ["/v1", "/v1/orders/", "/v2/orders", "/v1/orders/x/y/z"] {
        api.get(path).await.problem(404, "not_found");
        api.get(path).without("authorization").await.problem(404, "not_found");
    }
    for (method, path, allow) in [
        (Method::DELETE, "/v1/orders", "GET,HEAD,POST"),
        (Method::PUT, NOBODY, "GET,HEAD,PATCH"),
        (Method::GET, "/v1/orders/search", "POST"),
        (Method::PUT, "/v1/products/TEA", "GET,HEAD,PATCH"),
        (Method::POST, "/healthz", "GET,HEAD"),
    ] {
        let refused = api.call(method, path).await.problem(405, "method_not_allowed");
        let mut allowed: Vec<&str> = refused.header("allow").split(',').collect();
        allowed.sort_unstable();
        assert_eq!(allowed.join(","), allow, "{path}");
    }
}

#[tokio::test]
async fn a_request_without_a_valid_key_is_401() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let missing = api.get("/v1/orders").without("authorization").await.problem(401, "unauthenticated");
    assert_eq!(missing.header("www-authenticate"), "Bearer realm=\"orders\"");
    let key = shop.key(&Scope::ALL).await;
    let wrong_secret = format!("{}{}", &key[..key.len() - 4], if key.ends_with("0000") { "1111" } else { "0000" });
    let unknown = format!("orders_{}_{}", "0".repeat(12), "0".repeat(64));
    for invalid in [wrong_secret.as_str(), &unknown, "secret", "orders_", &key.to_uppercase()] {
        let refused = api.get("/v1/orders").key(invalid).await.problem(401, "unauthenticated");
        assert!(refused.header("www-authenticate").contains("error=\"invalid_token\""));
        assert!(!refused.text.contains(invalid));
    }
    let basic = api.get("/v1/orders").header("authorization", "Basic YTpi").await;
    basic.problem(401, "unauthenticated");
    api.get("/v1/products").header("authorization", &format!("bearer {key}")).await.is(200);
}

#[tokio::test]
async fn each_scope_allows_what_it_is_for() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let placed = api.place(&[("TEA", 1)]).await;
    api.get("/v1/orders").header("orders-min-position", placed.header("orders-position")).await.is(200);
    let (order, empty) = (format!("/v1/orders/{}", placed.id()), json!({}));
    // What is allowed goes on to be refused for its body, or is carried out.
    let calls: [(&str, &str, &[Scope]); 11] = [
        ("POST", "/v1/orders", &[Scope::OrdersWrite, Scope::Staff]),
        ("POST", &format!("{order}/items"), &[Scope::OrdersWrite, Scope::Staff]),
        ("POST", &format!("{order}/payments"), &[Scope::Staff]),
        ("GET", "/v1/orders", &[Scope::OrdersRead, Scope::Staff]),
        ("GET", &order, &[Scope::OrdersRead, Scope::Staff]),
        ("POST", "/v1/orders/search", &[Scope::OrdersRead, Scope::Staff]),
        ("GET", "/v1/totals?by=day", &[Scope::OrdersRead, Scope::Staff, Scope::Analyst]),
        ("GET", "/v1/products", &Scope::ALL),
        ("POST", "/v1/products", &[Scope::Staff]),
        ("POST", "/v1/products/TEA/restore", &[Scope::Staff]),
        ("GET", "/v1/events", &[Scope::Analyst]),
    ];
    for scope in Scope::ALL {
        let key = shop.key(&[scope]).await;
        for (method, path, allowed) in calls {
            let call = if method == "GET" { api.get(path) } else { api.post(path, &empty) };
            let reply = call.key(&key).await;
            if allowed.contains(&scope) {
                assert!(![401, 403].contains(&reply.status.as_u16()), "{scope} on {method} {path}: {}", reply.text);
            } else {
                let refused = reply.problem(403, "forbidden");
                assert!(refused.header("www-authenticate").contains("insufficient_scope"));
            }
        }
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_within_seconds() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let pool = shop.db.pool().await;
    let (made, token) = keys::create(&pool, "  till 1 ", [Scope::OrdersRead]).await.unwrap();
    assert_eq!(made.name, "till 1");
    let get = || api.get("/v1/products").key(&token.to_string());
    get().await.is(200);
    let revoked = keys::revoke(&pool, &made.prefix).await.unwrap();
    assert!(revoked.revoked_at.is_some());
    assert_eq!(keys::revoke(&pool, &made.id.to_string()).await.unwrap(), revoked, "again changes nothing");
    eventually("the key is refused", std::time::Duration::from_secs(10), async || get().await.status == 401).await;
    let listed = keys::list(&pool).await.unwrap();
    assert_eq!(listed.last(), Some(&revoked), "it stays in the list");
    assert!(matches!(keys::revoke(&pool, "none").await, Err(keys::KeyError::NotFound(_))));
    assert!(matches!(keys::create(&pool, "", Scope::ALL).await, Err(keys::KeyError::Name)));
    assert!(matches!(keys::create(&pool, "x", []).await, Err(keys::KeyError::NoScopes)));
    let stored: Vec<u8> = sqlx::query_scalar("SELECT secret_hash FROM api_keys WHERE id = $1")
        .bind(made.id)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(stored, token.hash(), "the hash, and nothing of the secret");
}

#[tokio::test]
async fn a_key_has_its_rate_where_one_is_set() {
    let shop = Shop::new().await;
    let limit = RateLimit { per_second: 0.01, burst: 3 };
    let http = HttpSettings { rate_limit: Some(limit), ..HttpSettings::default() };
    let api = shop.instance_with(http, ServerSettings::default()).await;
    for _ in 0..3 {
        api.get("/v1/events").await.is(200);
    }
    let refused = api.get("/v1/events").await.problem(429, "rate_limited");
    assert!((90..=100).contains(&refused.header("retry-after").parse().unwrap()));
    let other = shop.key(&[Scope::Analyst]).await;
    api.get("/v1/events").key(&other).await.is(200);
    api.get("/healthz").await.is(200);
}

#[tokio::test]
async fn the_surplus_is_refused_at_once() {
    let shop = Shop::new().await;
    let http = HttpSettings { max_requests: 0, ..HttpSettings::default() };
    let api = shop.instance_with(http, ServerSettings::default()).await;
    let refused = api.post("/v1/orders", &ada_buys(&[("TEA", 1)])).await.problem(503, "overloaded");
    assert_eq!(refused.header("retry-after"), "1");
    api.get("/healthz").await.is(200);
}

#[tokio::test]
async fn a_clients_request_id_comes_back_if_it_is_sane() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    assert_eq!(api.get("/v1/products").header("x-request-id", "abc/1").await.header("request-id"), "abc/1");
    let problem = api.get("/nothing").header("request-id", "abc/2").await.problem(404, "not_found");
    assert_eq!(problem.json()["request_id"], "abc/2");
    assert_ne!(api.get("/v1/products").header("request-id", "a b").await.header("request-id"), "a b");
}

#[tokio::test]
async fn a_problems_type_leads_to_what_is_known_of_it() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let known = api.get("/problems/version-mismatch").without("authorization").await.is(200).json();
    assert_eq!((known["code"].as_str(), known["status"].as_u64()), (Some("version_mismatch"), Some(412)));
    api.get("/problems/none").await.problem(404, "not_found");
}

#[tokio::test]
async fn health_is_open_and_says_why_not() {
    let shop = Shop::new().await;
    let api = shop.instance().await;
    let open = |path: &str| api.get(path).without("authorization");
    open("/healthz").await.is(200);
    assert_eq!(open("/readyz").await.is(200).json()["ready"], true);
    api.readiness.register("log", || async { Err("the log is away".to_owned()) });
    let report = open("/readyz").await.is(503);
    assert_eq!(
        report.json(),
        json!({ "ready": false, "checks": [{ "name": "log", "ready": false, "reason": "the log is away" }] })
    );
    let metrics = open("/metrics").await.is(200);
    assert!(metrics.header("content-type").starts_with("text/plain"));
    assert!(metrics.text.contains("orders_http_request_seconds_bucket"), "{}", metrics.text);
    assert!(metrics.text.contains("path=\"/readyz\""));
}

#[tokio::test]
async fn what_a_newer_program_wrote_is_left_to_one_that_can_read_it() {
    let shop = Shop::new().await;
    // No view is built, which would have the order.
    let newer = shop.instance().await;
    newer.add_product("TEA", "12.50").await;
    let path = format!("/v1/orders/{}", newer.place(&[("TEA", 1)]).await.id());
    let superuser = shop.db.superuser_pool().await;
    let damage = async |change: &str| {
        sqlx::query("ALTER TABLE events DISABLE TRIGGER events_are_never_changed").execute(&superuser).await.unwrap();
        let sql = format!("UPDATE events SET {change} WHERE event_type = 'OrderPlaced'");
        sqlx::query(&sql).execute(&superuser).await.unwrap();
    };
    damage("event_version = '99'").await;
    // The one that wrote it has it in memory.
    let api = shop.instance().await;
    let refused = api.get(&path).await.problem(503, "newer_event");
    assert_eq!(refused.header("retry-after"), "2");
    let item = json!({ "sku": "TEA", "quantity": 1 });
    api.post(&format!("{path}/items"), &item).await.problem(503, "newer_event");

    // What no program can read is a fault, and trying again is of no use.
    damage("event_version = '1', payload = '{\"OrderPlaced\":{}}'").await;
    shop.instance().await.get(&path).await.problem(500, "internal");
}
