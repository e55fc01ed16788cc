//! `/v1/cart`: the cart of a client's guest.

use crate::http_support::{Call, Instance, Shop, faults, usd};
use api::auth::Scope;
use futures::future::join_all;
use serde_json::{Value, json};
use std::collections::HashSet;

fn item(sku: &str, quantity: u32) -> Value {
    json!({ "sku": sku, "quantity": quantity })
}

trait OfCart: Sized {
    fn cart(self, id: &str) -> Self;
}

impl OfCart for Call<'_> {
    fn cart(self, id: &str) -> Self {
        self.header("orders-cart", id)
    }
}

async fn begun(api: &Instance) -> String {
    let made = api.post("/v1/cart/items", &item("TEA", 2)).await.is(201);
    assert_eq!(made.header("location"), "/v1/cart");
    assert_eq!(made.header("orders-cart"), made.id());
    made.id()
}

#[tokio::test]
async fn a_guest_s_cart_is_made_changed_and_read_at_today_s_prices() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let cart = begun(&api).await;
    let added = api.post("/v1/cart/items", &item("CUP", 1)).cart(&cart).await.is(200);
    let expected = json!({
        "id": cart,
        "items": [
            { "sku": "TEA", "name": "The TEA", "quantity": 2, "available": true,
              "unit_price": usd("12.50"), "total": usd("25.00") },
            { "sku": "CUP", "name": "The CUP", "quantity": 1, "available": true,
              "unit_price": usd("8.00"), "total": usd("8.00") },
        ],
        "total": usd("33.00"),
        "requires_shipping": true,
    });
    assert_eq!(added.json(), expected);
    assert_eq!(api.get("/v1/cart").cart(&cart).await.is(200).json(), expected);
    let set = || api.patch("/v1/cart/items/TEA", &json!({ "quantity": 1 })).cart(&cart);
    assert_eq!(set().await.is(200).json(), set().await.is(200).json(), "twice is once");
    let tea = api.patch("/v1/products/TEA", &json!({ "price": usd("20") })).header("if-match", "*");
    tea.await.is(200);
    assert_eq!(api.get("/v1/cart").cart(&cart).await.json()["total"], usd("28.00"));
    api.post("/v1/products/CUP/withdraw", &json!({})).await.is(200);
    let marked = api.get("/v1/cart").cart(&cart).await.is(200).json();
    assert_eq!(
        (&marked["items"][1]["available"], &marked["items"][1]["unavailable"]),
        (&json!(false), &json!("withdrawn"))
    );
    assert_eq!(marked["total"], usd("20.00"));
    let remove = |sku: &str| api.call(http::Method::DELETE, &format!("/v1/cart/items/{sku}")).cart(&cart);
    remove("CUP").await.is(200);
    remove("CUP").await.problem(404, "not_in_cart");
    let empty = remove("TEA").await.is(200).json();
    assert_eq!((&empty["items"], &empty["total"]), (&json!([]), &Value::Null));
}

#[tokio::test]
async fn under_one_key_it_is_added_once_and_told_again() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let add = |key: &str, body: &Value| api.post("/v1/cart/items", body).header("idempotency-key", key);
    let made = add("first", &item("TEA", 2)).await.is(201);
    assert_eq!((made.header("location"), made.header("idempotent-replayed")), ("/v1/cart", ""));
    let cart = made.id();
    let again = add("first", &item("TEA", 2)).await.is(201);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (made.json(), "true"));
    assert_eq!((again.header("orders-cart"), again.header("location")), (&*cart, "/v1/cart"));

    let more = add("second", &item("CUP", 1)).cart(&cart).await.is(200);
    assert_eq!(more.header("orders-cart"), cart);
    // What happened since does not change what was told, also when it would be refused by now.
    api.post("/v1/cart/items", &item("TEA", 1)).cart(&cart).await.is(200);
    api.post("/v1/products/CUP/withdraw", &json!({})).await.is(200);
    let again = add("second", &item("CUP", 1)).cart(&cart).await.is(200);
    assert_eq!((again.json(), again.header("idempotent-replayed")), (more.json(), "true"));
    let now = api.get("/v1/cart").cart(&cart).await.is(200).json();
    assert_eq!((&now["items"][0]["quantity"], &now["items"][1]["quantity"]), (&json!(3), &json!(1)));

    add("first", &item("TEA", 3)).await.problem(422, "idempotency_key_reused");
    add("second", &item("CUP", 1)).cart(&begun(&api).await).await.problem(422, "idempotency_key_reused");
    add("", &item("TEA", 1)).cart(&cart).await.problem(400, "invalid_header");
    // A refusal is decided anew.
    add("third", &item("POT", 1)).cart(&cart).await.problem(422, "items_rejected");
    api.add_product("POT", "30.00").await;
    add("third", &item("POT", 1)).cart(&cart).await.is(200);
    // Another client's key of the same text is another key.
    let other = shop.key(&[Scope::OrdersWrite]).await;
    assert_ne!(add("first", &item("TEA", 2)).key(&other).await.is(201).id(), cart);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_at_once_and_in_two_processes_is_added_once() {
    let shop = Shop::new().await;
    let (here, there) = (shop.open().await, shop.instance().await);
    let cart = begun(&here).await;
    let add = |number: usize, key: &str| {
        let api = if number.is_multiple_of(2) { &here } else { &there };
        api.post("/v1/cart/items", &item("TEA", 1)).header("idempotency-key", key)
    };
    let answers = join_all((0..12).map(|number| add(number, "known").cart(&cart).into_future())).await;
    let answers: Vec<_> = answers.into_iter().map(|answer| answer.is(200)).collect();
    assert!(answers.iter().all(|answer| answer.json() == answers[0].json()));
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count(), 1);
    let now = here.get("/v1/cart").cart(&cart).await.is(200).json();
    assert_eq!(now["items"][0]["quantity"], json!(3));
    // The same where no cart is named: one is made.
    let made = join_all((0..12).map(|number| add(number, "new").into_future())).await;
    let ids: HashSet<String> = made.into_iter().map(|answer| answer.is(201).id()).collect();
    let carts: i64 = sqlx::query_scalar("SELECT count(*) FROM carts").fetch_one(&shop.db.pool().await).await.unwrap();
    assert_eq!((ids.len(), carts), (1, 2));
}

#[tokio::test]
async fn carts_are_found_by_their_id_alone() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let (cart, other) = (begun(&api).await, begun(&api).await);
    assert_ne!(cart, other);
    api.get("/v1/cart").await.problem(400, "invalid_header");
    let nowhere = uuid::Uuid::new_v4().to_string();
    for id in [nowhere.as_str(), "x", "", "../cart"] {
        api.get("/v1/cart").cart(id).await.problem(404, "cart_not_found");
        api.post("/v1/cart/items", &item("TEA", 1)).cart(id).await.problem(404, "cart_not_found");
        api.patch("/v1/cart/items/TEA", &json!({ "quantity": 1 })).cart(id).await.problem(404, "cart_not_found");
    }
    // A visitor's cart is that of the session alone, though somebody learned its id.
    let browser = crate::browser::Browser::new(&api);
    browser.add("TEA", 1).await;
    let theirs: String = sqlx::query_scalar("SELECT id::text FROM carts WHERE session_id IS NOT NULL")
        .fetch_one(&shop.db.pool().await)
        .await
        .unwrap();
    api.get("/v1/cart").cart(&theirs).await.problem(404, "cart_not_found");
}

#[tokio::test]
async fn a_key_must_allow_it() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    for scope in [Scope::OrdersRead, Scope::Analyst, Scope::Operator] {
        let key = shop.key(&[scope]).await;
        api.post("/v1/cart/items", &item("TEA", 1)).key(&key).await.problem(403, "forbidden");
        api.get("/v1/cart").key(&key).cart("x").await.problem(403, "forbidden");
    }
    let front = shop.key(&[Scope::OrdersWrite]).await;
    api.post("/v1/cart/items", &item("TEA", 1)).key(&front).await.is(201);
    api.get("/v1/cart").without("authorization").await.problem(401, "unauthenticated");
}

#[tokio::test]
async fn what_can_not_be_put_in_is_told_where_it_stands() {
    let shop = Shop::new().await;
    let api = shop.open().await;
    let cart = begun(&api).await;
    let add = |body: Value| api.post("/v1/cart/items", &body).cart(&cart);
    let unknown = add(item("NONE", 1)).await.problem(422, "items_rejected");
    assert_eq!(unknown.faults(), faults(&[("/sku", "unknown_sku")]));
    api.post("/v1/products/CUP/withdraw", &json!({})).await.is(200);
    let withdrawn = add(item("CUP", 1)).await.problem(422, "items_rejected");
    assert_eq!(withdrawn.faults(), faults(&[("/sku", "withdrawn")]));
    let much = add(item("TEA", 9_998)).await.problem(422, "items_rejected");
    assert_eq!(much.faults(), faults(&[("/quantity", "out_of_range")]));
    for quantity in ["0", "-1", "10000", "1.5"] {
        let body = format!("{{\"sku\":\"TEA\",\"quantity\":{quantity}}}");
        add(Value::Null).body(body).await.problem(422, "invalid_body");
    }
    let priced = add(json!({ "sku": "TEA", "quantity": 1, "price": usd("1") })).await.problem(422, "invalid_body");
    assert_eq!(priced.faults(), faults(&[("/price", "price_not_accepted")]));
    api.patch("/v1/cart/items/POT", &json!({ "quantity": 1 })).cart(&cart).await.problem(404, "not_in_cart");
    api.patch("/v1/cart/items/no%20sku", &json!({ "quantity": 1 })).cart(&cart).await.problem(404, "product_not_found");
    api.patch("/v1/cart/items/TEA", &json!({ "quantity": 0 })).cart(&cart).await.problem(422, "invalid_body");
    sqlx::query(
        "INSERT INTO cart_lines (cart_id, sku, quantity, added_at)
         SELECT $1::uuid, 'P-' || n, 1, now() FROM generate_series(1, 499) AS n",
    )
    .bind(&cart)
    .execute(&shop.db.pool().await)
    .await
    .unwrap();
    api.add_product("POT", "30.00").await;
    let full = add(item("POT", 1)).await.problem(422, "items_rejected");
    assert_eq!(full.faults(), faults(&[("/sku", "too_many_lines")]));
    assert_eq!(api.get("/v1/cart").cart(&cart).await.is(200).json()["items"].as_array().unwrap().len(), 500);
}
