//! From the cart to the order, by the form alone.

use crate::browser::{Browser, value};
use crate::http_support::{Instance, Reply, Shop, usd};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::collections::HashSet;
use uuid::Uuid;

pub const ADA: [(&str, &str); 6] = [
    ("first_name", "Ada"),
    ("last_name", "Lovelace"),
    ("email", "ada@example.com"),
    ("address", "12 St James's Square"),
    ("postal_code", "SW1Y 4JH"),
    ("city", "London"),
];

/// The form of this page, filled in as `typed`.
fn filled(page: &Reply, typed: &[(&str, &str)]) -> Vec<(String, String)> {
    let hidden = ["csrf", "key", "total", "currency"].map(|name| (name, value(page, name).expect(name)));
    let hidden = hidden.into_iter().map(|(name, value)| (name.to_owned(), value));
    hidden.chain(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn send(browser: &Browser<'_>, fields: &[(String, String)]) -> Reply {
    browser.post("/orders/create/", &borrowed(fields)).await
}

/// Opens the form and fills it in as Ada.
async fn opened(browser: &Browser<'_>) -> Vec<(String, String)> {
    filled(&browser.get("/orders/create/").await.is(200), &ADA)
}

pub async fn orders(shop: &Shop) -> i64 {
    let sql = "SELECT count(*) FROM events WHERE event_type = 'OrderPlaced'";
    sqlx::query_scalar(sql).fetch_one(&shop.db.pool().await).await.unwrap()
}

fn order_of(location: &str) -> &str {
    location.strip_prefix("/orders/").and_then(|rest| rest.split('/').next()).expect("an order's address")
}

async fn stocked() -> (Shop, Instance) {
    let shop = Shop::new().await;
    let instance = shop.open().await;
    let guide = json!({ "sku": "GUIDE", "name": "A guide", "price": usd("6"), "requires_shipping": false });
    instance.post("/v1/products", &guide).await.is(201);
    (shop, instance)
}

pub async fn reprice(instance: &Instance, sku: &str, price: &str) {
    let path = format!("/v1/products/{sku}");
    instance.patch(&path, &json!({ "price": usd(price) })).header("if-match", "*").await.is(200);
}

#[tokio::test]
async fn an_order_is_placed_and_thanked_for() {
    let (shop, instance) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 2).await;
    let page = ada.get("/orders/create/").await.is(200);
    for part in ["The TEA", "× 2", "$25.00", "Place order · $25.00", "autocomplete=\"given-name\"", "type=\"email\""]
    {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    assert!(page.header("cache-control").contains("no-store"), "going back shows a fresh form");
    let mut form = ada.form("/orders/create/", &borrowed(&filled(&page, &ADA)));
    form = form.header("cookie", &format!("lang=ko; __Host-orders={}", ada.cookie("__Host-orders").unwrap()));
    let placed = ada.keep(form.await).is(303);
    let thanks = placed.header("location").to_owned();
    let page = ada.get(&thanks).await.is(200);
    for part in ["Thank you, Ada!", "The TEA", "$25.00", "12 St James&#39;s Square", "SW1Y 4JH London"] {
        assert!(page.text.contains(part), "{part} in {}", page.text);
    }
    assert!(page.header("cache-control").contains("no-store"));
    assert!(ada.get("/cart/").await.text.contains("Your cart is empty"));
    let order = instance.get(&format!("/v1/orders/{}", order_of(&thanks))).await.is(200).json();
    assert_eq!((&order["total"], &order["customer"]["email"]), (&usd("25.00"), &json!("ada@example.com")));
    let number = order["number"].to_string();
    assert!(page.text.contains(&number), "{number}");
    let metadata: Value = sqlx::query_scalar("SELECT metadata FROM events WHERE event_type = 'OrderPlaced'")
        .fetch_one(&shop.db.pool().await)
        .await
        .unwrap();
    assert_eq!((&metadata["actor"], &metadata["locale"]), (&json!("shop"), &json!("ko")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_double_click_and_a_reload_are_the_same_order() {
    let (shop, instance) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    let (first_tab, second_tab) = (opened(&ada).await, opened(&ada).await);
    let other = shop.instance().await;
    let there = ada.at(&other);
    let clicks = join_all((0..6).map(|click| {
        let browser = if click % 2 == 0 { &ada } else { &there };
        send(browser, if click % 3 == 0 { &second_tab } else { &first_tab })
    }))
    .await;
    let led_to: HashSet<String> = clicks.into_iter().map(|reply| reply.is(303).header("location").to_owned()).collect();
    assert_eq!((led_to.len(), orders(&shop).await), (1, 1), "{led_to:?}");
    let again = send(&ada, &first_tab).await.is(303);
    assert!(led_to.contains(again.header("location")), "loaded again, with an empty cart");
    // What else was typed does not matter: this content was ordered.
    let changed = filled_as(&first_tab, "email", "grace@example.com");
    assert!(led_to.contains(send(&ada, &changed).await.is(303).header("location")));
    assert_eq!(orders(&shop).await, 1);
    // The same again is another order.
    ada.add("TEA", 1).await;
    let second = send(&ada, &opened(&ada).await).await.is(303);
    assert!(!led_to.contains(second.header("location")));
    assert_eq!(orders(&shop).await, 2);
}

fn filled_as(fields: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let with =
        |(field, old): &(String, String)| (field.clone(), if field == name { value.to_owned() } else { old.clone() });
    fields.iter().map(with).collect()
}

#[tokio::test]
async fn a_changed_price_asks_again() {
    let (shop, instance) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 2).await;
    let old = opened(&ada).await;
    reprice(&instance, "TEA", "13.00").await;
    let asked = send(&ada, &old).await.is(409);
    for part in ["A price has changed", "Place order · $26.00", "role=\"alert\""] {
        assert!(asked.text.contains(part), "{part} in {}", asked.text);
    }
    assert_eq!(orders(&shop).await, 0);
    assert_eq!(value(&asked, "first_name").as_deref(), Some("Ada"), "what was typed is kept");
    send(&ada, &old).await.is(409);
    send(&ada, &filled(&asked, &ADA)).await.is(303);
    assert_eq!(orders(&shop).await, 1);
}

#[tokio::test]
async fn a_changed_cart_asks_again() {
    let (shop, instance) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    let old = opened(&ada).await;
    ada.add("CUP", 1).await;
    let asked = send(&ada, &old).await.is(409);
    assert!(asked.text.contains("Your cart has changed") && asked.text.contains("The CUP"));
    assert_eq!(orders(&shop).await, 0);
    send(&ada, &filled(&asked, &ADA)).await.is(303);
    assert_eq!(orders(&shop).await, 1);
}

#[tokio::test]
async fn faults_are_told_beside_their_fields_and_what_was_typed_is_kept() {
    let (shop, instance) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    let page = ada.get("/orders/create/").await.is(200);
    assert!(!page.text.contains("aria-invalid") && !page.text.contains("autofocus"));
    let long = "x".repeat(10_000);
    let typed = [
        ("first_name", "A<d>a"),
        ("last_name", " "),
        ("email", "ada at example"),
        ("address", "12\u{0}"),
        ("postal_code", ""),
        ("city", &long),
    ];
    let asked = send(&ada, &filled(&page, &typed)).await.is(422);
    for part in [
        "Please fill this in.",
        "Please shorten this to 100 characters.",
        "can&#39;t be printed",
        "such as ada@example.com",
        "Something is missing or not right.",
    ] {
        assert!(asked.text.contains(part), "{part} in {}", asked.text);
    }
    assert_eq!(value(&asked, "first_name").as_deref(), Some("A<d>a"));
    assert_eq!(value(&asked, "email").as_deref(), Some("ada at example"));
    assert_eq!(asked.text.matches("aria-invalid=\"true\"").count(), 5);
    assert_eq!(asked.text.matches(" autofocus").count(), 1);
    let (before, _) = asked.text.split_once(" autofocus").unwrap();
    assert!(before.rsplit_once("<input").unwrap().1.contains("id=\"last_name\""), "the first wrong one");
    assert!(asked.text.len() < 50_000);
    for field in ["last_name", "email", "address", "postal_code", "city"] {
        assert!(asked.text.contains(&format!("aria-describedby=\"{field}-error\"")), "{field}");
    }
    let nothing: Vec<(&str, &str)> = ADA.iter().map(|(name, _)| (*name, "")).collect();
    let empty = send(&ada, &filled(&page, &nothing)).await.is(422);
    assert_eq!(empty.text.matches("Please fill this in.").count(), 6);
    assert_eq!(orders(&shop).await, 0);
    send(&ada, &filled(&asked, &ADA)).await.is(303);
}

#[tokio::test]
async fn what_is_not_sent_needs_no_address() {
    let (shop, instance) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("GUIDE", 1).await;
    let page = ada.get("/orders/create/").await.is(200);
    assert!(value(&page, "address").is_none() && page.text.contains("Nothing has to be sent"));
    let old = filled(&page, &ADA[..3]);
    // Meanwhile it is not digital any more: the address is asked for.
    let path = "/v1/products/GUIDE";
    instance.patch(path, &json!({ "requires_shipping": true })).header("if-match", "*").await.is(200);
    let asked = send(&ada, &old).await.is(422);
    assert_eq!(asked.text.matches("Please fill this in.").count(), 3);
    instance.patch(path, &json!({ "requires_shipping": false })).header("if-match", "*").await.is(200);
    let thanks = send(&ada, &old).await.is(303).header("location").to_owned();
    assert!(ada.get(&thanks).await.is(200).text.contains("Nothing has to be sent"));
    assert_eq!(orders(&shop).await, 1);
}

/// What a crash between placing the order and emptying the cart leaves: the cart as it was.
#[tokio::test]
async fn a_crash_before_the_cart_is_emptied_orders_nothing_twice() {
    let (shop, instance) = stocked().await;
    let pool = shop.db.pool().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 2).await;
    let form = opened(&ada).await;
    let key = form.iter().find(|(name, _)| name == "key").unwrap().1.clone();
    let thanks = send(&ada, &form).await.is(303).header("location").to_owned();
    let cart: Uuid = sqlx::query_scalar("SELECT id FROM carts").fetch_one(&pool).await.unwrap();
    let crash = async || crashed(&pool, cart, &thanks, &key).await;
    crash().await;
    assert_eq!(send(&ada, &form).await.is(303).header("location"), thanks, "loaded again");
    assert!(ada.get("/cart/").await.text.contains("Your cart is empty"));
    crash().await;
    assert_eq!(ada.get("/orders/create/").await.is(303).header("location"), thanks, "begun anew");
    assert!(ada.get("/cart/").await.text.contains("Your cart is empty"));
    crash().await;
    assert_eq!(ada.get("/cart/").await.is(303).header("location"), thanks, "looked at first");
    assert!(ada.get("/cart/").await.text.contains("Your cart is empty"));
    crash().await;
    ada.add("CUP", 1).await;
    assert_eq!(send(&ada, &form).await.is(303).header("location"), thanks);
    let cart = ada.get("/cart/").await;
    assert!(cart.text.contains("The CUP") && !cart.text.contains("The TEA"), "{}", cart.text);
    assert_eq!(orders(&shop).await, 1);
    // What was put in after the order is ordered alone.
    let page = ada.get("/orders/create/").await.is(200);
    assert!(page.text.contains("The CUP") && !page.text.contains("The TEA"), "{}", page.text);
    let second = send(&ada, &filled(&page, &ADA)).await.is(303).header("location").to_owned();
    let order = instance.get(&format!("/v1/orders/{}", order_of(&second))).await.is(200).json();
    assert_eq!(order["items"].as_array().map(Vec::len), Some(1), "{order}");
}

/// The cart is again as it was when this order was placed of it.
async fn crashed(pool: &PgPool, cart: Uuid, thanks: &str, content: &str) {
    for sql in [
        "UPDATE idempotency_keys SET cart_id = $1 WHERE body = $2 AND $3 <> ''",
        "UPDATE carts SET content_id = $3::uuid WHERE id = $1 AND $2 <> ''",
        "INSERT INTO cart_lines (cart_id, sku, quantity, added_at)
         SELECT $1, line.key, line.value::integer, now()
           FROM idempotency_keys, jsonb_each_text(cart_lines) AS line WHERE body = $2 AND $3 <> ''",
    ] {
        sqlx::query(sql).bind(cart).bind(order_of(thanks)).bind(content).execute(pool).await.unwrap();
    }
}

/// An order whose outcome was not known, or that another tab placed meanwhile, may be in the cart still when it
/// changes.
#[tokio::test]
async fn what_is_added_while_an_order_is_placed_stays_and_the_rest_is_taken_out() {
    let (shop, instance) = stocked().await;
    let pool = shop.db.pool().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 2).await;
    let form = opened(&ada).await;
    let key = form.iter().find(|(name, _)| name == "key").unwrap().1.clone();
    let thanks = send(&ada, &form).await.is(303).header("location").to_owned();
    let cart: Uuid = sqlx::query_scalar("SELECT id FROM carts").fetch_one(&pool).await.unwrap();
    crashed(&pool, cart, &thanks, &key).await;
    // Another tab adds before anybody has taken it out.
    let add = "WITH line AS (INSERT INTO cart_lines (cart_id, sku, quantity, added_at) VALUES ($1, 'CUP', 1, now()))
               UPDATE carts SET content_id = gen_random_uuid() WHERE id = $1";
    sqlx::query(add).bind(cart).execute(&pool).await.unwrap();
    let page = ada.get("/orders/create/").await.is(200);
    assert!(page.text.contains("The CUP") && !page.text.contains("The TEA"), "{}", page.text);
    // The same at the next change.
    let token = value(&page, "csrf").unwrap();
    crashed(&pool, cart, &thanks, &key).await;
    ada.post("/cart/remove/", &[("csrf", token.as_str()), ("sku", "CUP")]).await.is(303);
    assert!(ada.get("/cart/").await.is(200).text.contains("Your cart is empty"));
    assert_eq!(orders(&shop).await, 1);
}

/// However long a cart stays as a crash left it: keys are kept for a day, carts for as long as a member does not come
/// back.
#[tokio::test]
async fn what_a_crash_left_in_a_cart_is_not_ordered_again_after_days() {
    let (shop, instance) = stocked().await;
    let pool = shop.db.pool().await;
    let (ada, grace) = (Browser::new(&instance), Browser::new(&instance));
    let mut forms = Vec::new();
    for browser in [&ada, &grace] {
        browser.add("TEA", 2).await;
        let form = opened(browser).await;
        let thanks = send(browser, &form).await.is(303).header("location").to_owned();
        forms.push((form, thanks));
    }
    let (form, thanks) = &forms[0];
    let key = &form.iter().find(|(name, _)| name == "key").unwrap().1;
    // Hers is as before the crash; the other's was emptied.
    let first = "SELECT id FROM carts ORDER BY created_at LIMIT 1";
    let cart: Uuid = sqlx::query_scalar(first).fetch_one(&pool).await.unwrap();
    crashed(&pool, cart, thanks, key).await;
    let days_pass = "UPDATE idempotency_keys SET created_at = created_at - interval '3 days'";
    let keys = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM idempotency_keys WHERE status = 303").fetch_one(&pool).await.unwrap()
    };
    sqlx::query(days_pass).execute(&shop.db.owner_pool().await).await.unwrap();
    commands::idempotency::sweep(&pool).await.unwrap();
    assert_eq!(ada.get("/orders/create/").await.is(303).header("location"), thanks, "the order that there is");
    assert!(ada.get("/cart/").await.text.contains("Your cart is empty"));
    assert_eq!((orders(&shop).await, keys().await), (2, 1), "the key of the cart that was emptied is gone");
    commands::idempotency::sweep(&pool).await.unwrap();
    assert_eq!(keys().await, 0, "and hers, now that nothing of it is left");
}

#[tokio::test]
async fn nobody_else_sees_an_order_or_sends_a_form() {
    let (shop, instance) = stocked().await;
    let (ada, eve) = (Browser::new(&instance), Browser::new(&instance));
    ada.add("TEA", 1).await;
    eve.add("CUP", 1).await;
    let form = opened(&ada).await;
    // Her form with his cookie: another token, and another cart.
    send(&eve, &form).await.is(409);
    let theirs = value(&eve.get("/orders/create/").await, "csrf").unwrap();
    send(&eve, &filled_as(&form, "csrf", &theirs)).await.is(409);
    for csrf in ["", "x"] {
        send(&ada, &filled_as(&form, "csrf", csrf)).await.is(409);
    }
    let foreign = ada.form("/orders/create/", &borrowed(&form)).header("origin", "https://evil.test");
    foreign.await.is(403);
    for (field, nonsense) in [("key", "x"), ("key", ""), ("total", "much"), ("currency", "XXX"), ("total", "-1")] {
        send(&ada, &filled_as(&form, field, nonsense)).await.is(400);
    }
    assert_eq!(orders(&shop).await, 0);
    let thanks = send(&ada, &form).await.is(303).header("location").to_owned();
    let id = order_of(&thanks);
    eve.get(&thanks).await.is(200);
    for path in [
        format!("/orders/{id}/thanks/"),
        format!("/orders/{id}/thanks/?key="),
        format!("/orders/{id}/thanks/?key={}", "A".repeat(43)),
        thanks.replace(id, "01980000-0000-7000-8000-000000000000"),
        "/orders/nonsense/thanks/?key=x".to_owned(),
    ] {
        eve.get(&path).await.is(404);
    }
}

#[tokio::test]
async fn what_was_withdrawn_at_the_last_moment_leads_back_to_the_cart() {
    let (shop, instance) = stocked().await;
    let ada = Browser::new(&instance);
    ada.add("TEA", 1).await;
    ada.add("CUP", 1).await;
    let form = opened(&ada).await;
    instance.post("/v1/products/TEA/withdraw", &json!({})).await.is(200);
    assert_eq!(send(&ada, &form).await.is(303).header("location"), "/cart/");
    assert_eq!(orders(&shop).await, 0);
}

#[tokio::test]
async fn trying_too_often_is_slowed_down() {
    let (_shop, instance) = stocked().await;
    let (ada, grace) = (Browser::new(&instance), Browser::new(&instance));
    ada.add("TEA", 1).await;
    grace.add("TEA", 1).await;
    let wrong = filled(&ada.get("/orders/create/").await.is(200), &[]);
    let answers = join_all((0..40).map(|_| send(&ada, &wrong))).await;
    let slowed: Vec<&Reply> = answers.iter().filter(|reply| reply.status.as_u16() == 429).collect();
    assert!(!slowed.is_empty() && answers.iter().any(|reply| reply.status.as_u16() == 422));
    assert!(slowed.iter().all(|reply| reply.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0)));
    send(&grace, &opened(&grace).await).await.is(303);
}
