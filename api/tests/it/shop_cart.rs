//! The cart on the pages, as a browser without a script meets it.

use crate::browser::{Browser, value};
use crate::http_support::{Reply, Shop, usd};
use api::app::HttpSettings;
use api::http::ServerSettings;
use api::shop::{Clock, SessionSettings};
use chrono::{DateTime, TimeDelta, Utc};
use commands::shop::sessions::Lifetime;
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const COOKIE: &str = "__Host-orders";

/// The lines of a cart's page: each product's sku and how many, in order.
fn lines(reply: &Reply) -> Vec<(String, u32)> {
    let forms = reply.text.split("action=\"/cart/change/\"").skip(1);
    forms
        .map(|form| {
            let after = |name: &str| {
                let rest = form.split_once(&format!("name=\"{name}\"")).unwrap().1.split_once("value=\"").unwrap().1;
                rest.split_once('"').unwrap().0.to_owned()
            };
            (after("sku"), after("quantity").parse().unwrap())
        })
        .collect()
}

fn is(expected: &[(&str, u32)]) -> Vec<(String, u32)> {
    expected.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect()
}

#[tokio::test]
async fn a_visitor_fills_changes_and_empties_the_cart() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let ada = Browser::new(&instance);
    let added = ada.post("/cart/add/", &[("sku", "TEA"), ("quantity", "2")]).await.is(303);
    assert_eq!((added.header("location"), added.header("cache-control")), ("/cart/", "no-store"));
    let cookie = added.header("set-cookie");
    for part in ["__Host-orders=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=1209600"] {
        assert!(cookie.contains(part), "{part} in {cookie}");
    }
    assert!(!cookie.contains("Domain"));
    ada.add("CUP", 1).await;
    ada.add("TEA", 1).await;
    let cart = ada.get("/cart/").await.is(200);
    assert_eq!(lines(&cart), is(&[("TEA", 3), ("CUP", 1)]));
    for part in ["The TEA", "$12.50", "$37.50", "$45.50", "Cart, 4 items", "/orders/create/"] {
        assert!(cart.text.contains(part), "{part} in {}", cart.text);
    }
    assert!(cart.header("cache-control").contains("no-store"));
    let csrf = value(&cart, "csrf").unwrap();
    let change = async |sku: &str, quantity: &str| {
        ada.post("/cart/change/", &[("csrf", &csrf), ("sku", sku), ("quantity", quantity)]).await.is(303)
    };
    change("TEA", "1").await;
    change("CUP", "0").await;
    assert_eq!(lines(&ada.get("/cart/").await), is(&[("TEA", 1)]));
    ada.post("/cart/remove/", &[("csrf", &csrf), ("sku", "TEA")]).await.is(303);
    ada.post("/cart/remove/", &[("csrf", &csrf), ("sku", "TEA")]).await.is(303);
    let empty = ada.get("/cart/").await.is(200);
    assert!(empty.text.contains("Your cart is empty") && !empty.text.contains("/orders/create/"));
}

#[tokio::test]
async fn who_only_looks_gets_no_cookie_and_no_token() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let visitor = Browser::new(&instance);
    for path in ["/", "/products/", "/cart/"] {
        let page = visitor.get(path).await.is(200);
        assert_eq!((page.header("set-cookie"), value(&page, "csrf")), ("", None), "{path}");
    }
    let sessions: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sessions").fetch_one(&shop.db.pool().await).await.unwrap();
    assert_eq!(sessions, 0);
    assert_eq!(visitor.get("/orders/create/").await.is(303).header("location"), "/cart/");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let (ada, eve) = (Browser::new(&instance), Browser::new(&instance));
    ada.add("TEA", 1).await;
    eve.add("CUP", 1).await;
    let add = || ada.form("/cart/add/", &[("sku", "CUP")]);
    add().header("origin", "https://evil.test").await.is(403);
    add().header("origin", "null").await.is(403);
    add().without("origin").await.is(403);
    add().header("sec-fetch-site", "cross-site").await.is(403);
    add().header("sec-fetch-site", "same-site").await.is(403);
    add().without("origin").header("sec-fetch-site", "same-origin").await.is(303);
    let (token, theirs) = (ada.token().await, eve.token().await);
    for path in ["/cart/change/", "/cart/remove/"] {
        let form = |csrf: &str| ada.form(path, &[("csrf", csrf), ("sku", "TEA"), ("quantity", "5")]);
        for wrong in ["", &theirs, &token[1..], "%00"] {
            let refused = form(wrong).await.is(403);
            assert!(refused.text.contains("That did not come from here"), "{path} {wrong}");
        }
        ada.form(path, &[("sku", "TEA"), ("quantity", "5")]).await.is(403);
    }
    assert_eq!(lines(&ada.get("/cart/").await), is(&[("TEA", 1), ("CUP", 1)]));
}

#[tokio::test]
async fn a_cart_is_its_session_s_own() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let (ada, eve) = (Browser::new(&instance), Browser::new(&instance));
    ada.add("TEA", 1).await;
    assert!(eve.get("/cart/").await.is(200).text.contains("Your cart is empty"));
    // A secret that somebody planted is not taken over: the visitor gets a new one.
    let planted = "A".repeat(43);
    eve.set_cookie(COOKIE, &planted);
    assert!(eve.get("/cart/").await.is(200).text.contains("Your cart is empty"));
    eve.add("CUP", 1).await;
    assert_ne!(eve.cookie(COOKIE), Some(planted));
    assert_eq!(lines(&eve.get("/cart/").await), is(&[("CUP", 1)]));
    for nonsense in ["", "x", "../..", "%00", &"x".repeat(4_000)] {
        eve.set_cookie(COOKIE, nonsense);
        assert!(eve.get("/cart/").await.is(200).text.contains("Your cart is empty"), "{nonsense}");
    }
    assert_eq!(lines(&ada.get("/cart/").await), is(&[("TEA", 1)]));
}

#[tokio::test]
async fn what_can_not_be_put_in_changes_nothing() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 9_998).await;
    let csrf = ada.token().await;
    for quantity in ["0", "-1", "10000", "99999999999999999999", "1.5", "two", "", "2"] {
        let refused = ada.post("/cart/add/", &[("sku", "TEA"), ("quantity", quantity)]).await.is(422);
        assert!(refused.text.contains("role=\"alert\"") && refused.text.contains("9999"), "{quantity}");
    }
    for quantity in ["-1", "10000", "two", ""] {
        ada.post("/cart/change/", &[("csrf", &csrf), ("sku", "TEA"), ("quantity", quantity)]).await.is(422);
    }
    for sku in ["NONE", "", "no sku", "../TEA", &"x".repeat(10_000), "\0"] {
        ada.post("/cart/add/", &[("sku", sku), ("quantity", "1")]).await.is(404);
    }
    let raw = |body: &'static [u8]| ada.form("/cart/add/", &[]).body(body);
    raw(b"sku=%ff").await.is(400);
    raw(b"sku=\xff\xfe").await.is(400);
    raw(b"").await.is(404);
    ada.form("/cart/add/", &[("sku", "TEA")]).header("content-type", "application/json").await.is(400);
    ada.form("/cart/add/", &[("sku", &"x".repeat(2 << 20))]).await.is(413);
    ada.get("/cart/add/").await.is(405);
    assert_eq!(lines(&ada.get("/cart/").await), is(&[("TEA", 9_998)]));
}

#[tokio::test]
async fn a_full_cart_says_so() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    sqlx::query(
        "INSERT INTO cart_lines (cart_id, sku, quantity, added_at)
         SELECT id, 'P-' || n, 1, now() FROM carts, generate_series(1, 499) AS n",
    )
    .execute(&shop.db.pool().await)
    .await
    .unwrap();
    let refused = ada.post("/cart/add/", &[("sku", "CUP")]).await.is(422);
    assert!(refused.text.contains("as many different products as it can hold"));
    ada.add("TEA", 1).await;
}

#[tokio::test]
async fn what_is_not_sold_any_more_is_marked_and_holds_the_checkout_up() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    ada.add("CUP", 2).await;
    let withdrawn = instance.post("/v1/products/TEA/withdraw", &json!({})).await.is(200);
    let cart = ada.get("/cart/").await.is(200);
    assert_eq!(lines(&cart), is(&[("CUP", 2)]), "the other can only be removed");
    assert!(cart.text.contains("Not for sale any more") && cart.text.contains("$16.00"));
    assert!(!cart.text.contains("href=\"/orders/create/\""));
    assert_eq!(ada.get("/orders/create/").await.is(303).header("location"), "/cart/");
    instance.caught_up(withdrawn.position()).await;
    let gone = ada.post("/cart/add/", &[("sku", "TEA")]).await.is(303);
    assert_eq!(gone.header("location"), "/products/TEA/", "which says why");
    let csrf = value(&cart, "csrf").unwrap();
    ada.post("/cart/remove/", &[("csrf", &csrf), ("sku", "TEA")]).await.is(303);
    assert!(ada.get("/cart/").await.text.contains("href=\"/orders/create/\""));
}

#[tokio::test]
async fn a_cart_survives_a_restart_and_is_the_same_everywhere() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 2).await;
    let other = shop.instance().await;
    let there = ada.at(&other);
    assert_eq!(lines(&there.get("/cart/").await.is(200)), is(&[("TEA", 2)]));
    there.add("CUP", 1).await;
    assert_eq!(lines(&ada.get("/cart/").await), is(&[("TEA", 2), ("CUP", 1)]));
}

/// A clock that stands still until it is moved.
fn clock() -> (Clock, Arc<Mutex<DateTime<Utc>>>) {
    let time = Arc::new(Mutex::new("2026-06-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap()));
    let shown = Arc::clone(&time);
    (Clock::new(move || *shown.lock().unwrap()), time)
}

#[tokio::test]
async fn a_session_lives_on_while_it_is_used_and_then_ends() {
    let shop = Shop::new().await;
    drop(shop.open().await);
    let (clock, time) = clock();
    let lifetime = Lifetime { lasts: Duration::from_secs(3_600), ends_with_browser: false };
    let sessions = SessionSettings { lifetime, clock, ..SessionSettings::default() };
    let settings = HttpSettings { sessions, ..HttpSettings::default() };
    let instance = shop.instance_with(settings, ServerSettings::default()).await;
    let pass = |minutes| *time.lock().unwrap() += TimeDelta::minutes(minutes);
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    pass(1);
    assert_eq!(ada.get("/cart/").await.is(200).header("set-cookie"), "", "seen a moment ago");
    pass(50);
    let seen = ada.get("/cart/").await.is(200);
    assert!(seen.header("set-cookie").contains("Max-Age=3600"), "it lives on, in the browser too");
    pass(59);
    assert_eq!(lines(&ada.get("/cart/").await), is(&[("TEA", 1)]));
    pass(60);
    assert!(ada.get("/cart/").await.is(200).text.contains("Your cart is empty"));
    let stale = ada.post("/cart/remove/", &[("sku", "TEA")]).await;
    assert_eq!(stale.status.as_u16(), 403, "a form needs the token of the cookie that comes with it");
}

#[tokio::test]
async fn a_session_may_end_with_the_browser_and_go_without_tls() {
    let shop = Shop::new().await;
    drop(shop.open().await);
    let lifetime = Lifetime { ends_with_browser: true, ..SessionSettings::default().lifetime };
    let sessions = SessionSettings { lifetime, secure: false, ..SessionSettings::default() };
    let settings = HttpSettings { sessions, ..HttpSettings::default() };
    let instance = shop.instance_with(settings, ServerSettings::default()).await;
    let ada = Browser::new(&instance);
    let added = ada.post("/cart/add/", &[("sku", "TEA")]).await.is(303);
    let cookie = added.header("set-cookie");
    assert!(cookie.starts_with("orders=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"));
    assert!(!cookie.contains("Max-Age") && !cookie.contains("Expires") && !cookie.contains("Secure"), "{cookie}");
    assert_eq!(lines(&ada.get("/cart/").await), is(&[("TEA", 1)]));
}

#[tokio::test]
async fn the_cart_shows_what_the_visitor_looked_at_most() {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let pot = json!({ "sku": "POT", "name": "The POT", "price": usd("30") });
    let added = instance.post("/v1/products", &pot).await.is(201);
    instance.caught_up(added.position()).await;
    let ada = Browser::new(&instance);
    ada.get("/products/CUP/").await.is(200);
    assert!(!ada.get("/cart/").await.text.contains("Most viewed by you"), "nothing is kept of who only looks");
    ada.add("TEA", 1).await;
    for path in ["/products/CUP/", "/products/POT/", "/products/POT/", "/products/TEA/"] {
        ada.get(path).await.is(200);
    }
    let cart = ada.get("/cart/").await.is(200);
    let (_, viewed) = cart.text.split_once("Most viewed by you").expect("the list");
    let at = |sku: &str| viewed.find(&format!("/products/{sku}/"));
    assert!(at("POT").is_some() && at("POT") < at("CUP"), "{viewed}");
    assert_eq!(at("TEA"), None, "it is in the cart already");
}
