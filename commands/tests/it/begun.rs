//! Purchases that were begun are counted once each, whatever becomes of their carts and payments.

use chrono::{DateTime, TimeDelta, Utc};
use commands::payments::intents::{self, Asked};
use commands::shop::begun::{Begun, KEPT_FOR, begun};
use commands::shop::carts::{self, CartRef};
use commands::shop::sessions::{self, Lifetime, SessionSecret};
use commands::{db, shop};
use domain::ids::OrderId;
use domain::{Money, Quantity, Sku};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;
use testkit::postgres::Db;
use uuid::Uuid;

const DAY: TimeDelta = TimeDelta::days(1);

fn noon() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

async fn pool(db: &Db) -> PgPool {
    db::connect(&db.app_url(), 8).await.unwrap()
}

/// The cart of a new session.
async fn visitor(pool: &PgPool) -> Uuid {
    let lifetime = Lifetime { lasts: Duration::from_secs(60), ends_with_browser: false };
    sessions::begin(pool, &SessionSecret::random(), lifetime, noon()).await.unwrap().cart_id
}

async fn add(pool: &PgPool, cart: Uuid, sku: &str) {
    let (sku, one) = (Sku::parse(sku).unwrap(), Quantity::try_from(1).unwrap());
    carts::add(pool, CartRef::Visitor(cart), &sku, one, noon()).await.unwrap();
}

/// An order of these lines, and what the cart does about it.
async fn order(pool: &PgPool, cart: Uuid, lines: &Value) {
    let keep = sqlx::query(
        "INSERT INTO idempotency_keys
             (key_digest, request_digest, status, body, position, created_at, cart_id, cart_lines)
         VALUES (sha256($1::text::bytea), sha256($1::text::bytea), 303, $1, 1, now(), $2, $3)",
    );
    keep.bind(Uuid::new_v4().to_string()).bind(cart).bind(lines).execute(pool).await.unwrap();
    assert_eq!(carts::settle(pool, cart, noon()).await.unwrap().len(), 1);
}

/// Of the day whose noon it is.
async fn counted(pool: &PgPool) -> Begun {
    begun(pool, noon() - DAY / 2, noon() + DAY / 2, noon()).await
}

fn carts_and_payments(carts: u64, payments: u64) -> Begun {
    Begun { carts: Some(carts), payments: Some(payments) }
}

#[tokio::test]
async fn a_cart_is_begun_by_its_first_line_and_anew_after_each_order() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (cart, _empty) = (visitor(&pool).await, visitor(&pool).await);
    assert_eq!(counted(&pool).await, carts_and_payments(0, 0), "a session is no purchase");
    add(&pool, cart, "TEA").await;
    add(&pool, cart, "CUP").await;
    assert_eq!(counted(&pool).await, carts_and_payments(1, 0));
    // Who takes everything out and goes on is at the same purchase.
    for sku in ["TEA", "CUP"] {
        carts::remove(&pool, CartRef::Visitor(cart), &Sku::parse(sku).unwrap(), noon()).await.unwrap();
    }
    add(&pool, cart, "TEA").await;
    assert_eq!(counted(&pool).await, carts_and_payments(1, 0));
    // A member has one cart for life, and many purchases.
    order(&pool, cart, &json!({ "TEA": 1 })).await;
    assert_eq!(counted(&pool).await, carts_and_payments(1, 0));
    add(&pool, cart, "TEA").await;
    assert_eq!(counted(&pool).await, carts_and_payments(2, 0));
    // What was put in after the order stays, and is the next.
    add(&pool, cart, "CUP").await;
    order(&pool, cart, &json!({ "TEA": 1 })).await;
    add(&pool, cart, "CUP").await;
    assert_eq!(counted(&pool).await, carts_and_payments(3, 0));
    let client = CartRef::Client(carts::create(&pool, noon()).await.unwrap());
    let (tea, one) = (Sku::parse("TEA").unwrap(), Quantity::try_from(1).unwrap());
    carts::add(&pool, client, &tea, one, noon()).await.unwrap();
    assert_eq!(counted(&pool).await, carts_and_payments(4, 0), "an API client's too");
}

#[tokio::test]
async fn what_is_counted_outlives_the_cart_and_its_session() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let cart = visitor(&pool).await;
    add(&pool, cart, "TEA").await;
    let swept = shop::sweep(&pool, noon() + DAY).await.unwrap();
    assert_eq!((swept.sessions, swept.begun), (1, 0));
    assert_eq!(counted(&pool).await, carts_and_payments(1, 0));
    assert_eq!(begun(&pool, noon(), noon() + DAY, noon()).await.carts, Some(1), "the beginning of a range is in it");
    assert_eq!(begun(&pool, noon() - DAY, noon(), noon()).await.carts, Some(0), "its end is not");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_first_lines_at_once_one_begins_the_purchase() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let cart = visitor(&pool).await;
    let skus: Vec<String> = (0..20).map(|n| format!("P-{n}")).collect();
    join_all(skus.iter().map(|sku| add(&pool, cart, sku))).await;
    assert_eq!(counted(&pool).await, carts_and_payments(1, 0));
}

#[tokio::test]
async fn a_purchase_moves_with_its_lines_into_the_members_cart() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (guest, member) = (visitor(&pool).await, visitor(&pool).await);
    add(&pool, guest, "TEA").await;
    carts::merge(&pool, guest, member, noon()).await.unwrap();
    add(&pool, member, "CUP").await;
    assert_eq!(counted(&pool).await, carts_and_payments(1, 0), "the same purchase");
    add(&pool, guest, "POT").await;
    assert_eq!(counted(&pool).await, carts_and_payments(2, 0), "whoever comes after is at another one");
}

#[tokio::test]
async fn a_payment_is_begun_once_for_each_order() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let orders = [OrderId(Uuid::now_v7()), OrderId(Uuid::now_v7())];
    for (order, amount) in [(orders[0], "12.50"), (orders[0], "12.50"), (orders[0], "20.50"), (orders[1], "8.00")] {
        let amount = Money::parse(amount, "USD").unwrap();
        let lasts = Duration::from_secs(60);
        let asked = Asked { order, provider: "sandbox", amount, locale: "en", lasts };
        intents::ask(&pool, asked, noon()).await.unwrap();
    }
    assert_eq!(counted(&pool).await, carts_and_payments(0, 2));
}

#[tokio::test]
async fn what_is_old_is_swept_and_not_told_of() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    for statement in [
        "INSERT INTO carts_begun (at) SELECT $1 FROM generate_series(1, 700)",
        "INSERT INTO payments_begun (order_id, at) SELECT gen_random_uuid(), $1 FROM generate_series(1, 3)",
    ] {
        sqlx::query(statement).bind(noon()).execute(&pool).await.unwrap();
    }
    let later = noon() + TimeDelta::from_std(KEPT_FOR).unwrap();
    assert_eq!(shop::sweep(&pool, later).await.unwrap().begun, 0);
    assert_eq!(begun(&pool, noon(), noon() + DAY, later).await, carts_and_payments(700, 3));
    let too_late = later + TimeDelta::seconds(1);
    assert_eq!(begun(&pool, noon(), noon() + DAY, too_late).await, Begun::default(), "a part of it may be gone");
    assert_eq!(shop::sweep(&pool, too_late).await.unwrap().begun, 703);
    assert_eq!(begun(&pool, noon(), noon() + DAY, noon()).await, carts_and_payments(0, 0));
}

#[tokio::test]
async fn what_can_not_be_counted_is_left_out_and_the_rest_is_told() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    add(&pool, visitor(&pool).await, "TEA").await;
    sqlx::query("ALTER TABLE payments_begun RENAME TO gone").execute(&db.owner_pool().await).await.unwrap();
    assert_eq!(counted(&pool).await, Begun { carts: Some(1), payments: None });
}
