//! Carts keep within their bounds, also when several change them at once, and lose nothing that was put in.

use chrono::{DateTime, TimeDelta, Utc};
use commands::shop::carts::{self, Cart, CartError, CartRef};
use commands::shop::sessions::{self, Lifetime, SessionSecret};
use commands::{db, shop};
use domain::order::MAX_LINES;
use domain::{Quantity, Sku};
use futures::future::join_all;
use serde_json::{Value, json};
use sqlx::PgPool;
use std::sync::LazyLock;
use std::time::Duration;
use testkit::postgres::Db;
use uuid::Uuid;

static TEA: LazyLock<Sku> = LazyLock::new(|| sku("TEA"));

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

fn quantity(number: u32) -> Quantity {
    Quantity::try_from(number).unwrap()
}

fn noon() -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse().unwrap()
}

fn lines(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines.iter().map(|line| (line.sku.as_str(), line.quantity.get())).collect()
}

async fn pool(db: &Db) -> PgPool {
    db::connect(&db.app_url(), 8).await.unwrap()
}

/// The cart of a new session.
async fn visitor(pool: &PgPool) -> Uuid {
    let lifetime = Lifetime { lasts: Duration::from_secs(60), ends_with_browser: false };
    sessions::begin(pool, &SessionSecret::random(), lifetime, noon()).await.unwrap().cart_id
}

async fn read(pool: &PgPool, cart: CartRef) -> Cart {
    carts::read(pool, cart).await.unwrap().expect("the cart is there")
}

/// Fills a cart with lines of one each, as many as asked for, named by `prefix`.
async fn fill(db: &Db, cart: Uuid, prefix: &str, count: usize) {
    sqlx::query(
        "INSERT INTO cart_lines (cart_id, sku, quantity, added_at)
         SELECT $1, $2 || lpad(n::text, 4, '0'), 1, $3::timestamptz + make_interval(secs => n)
           FROM generate_series(1, $4) AS n",
    )
    .bind(cart)
    .bind(prefix)
    .bind(noon())
    .bind(count as i32)
    .execute(&db.pool().await)
    .await
    .unwrap();
}

#[tokio::test]
async fn what_is_put_in_is_there_until_it_is_taken_out() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let cart = CartRef::Visitor(visitor(&pool).await);
    let empty = read(&pool, cart).await;
    assert_eq!(lines(&empty), []);
    assert_eq!(carts::add(&pool, cart, &sku("TEA"), quantity(2), noon()).await.unwrap(), 2);
    let later = noon() + TimeDelta::seconds(1);
    assert_eq!(carts::add(&pool, cart, &sku("CUP"), quantity(1), later).await.unwrap(), 1);
    assert_eq!(carts::add(&pool, cart, &sku("TEA"), quantity(3), later).await.unwrap(), 5);
    let full = read(&pool, cart).await;
    assert_eq!(lines(&full), [("TEA", 5), ("CUP", 1)], "in the order in which they came");
    assert_ne!(full.content_id, empty.content_id);
    carts::set(&pool, cart, &sku("TEA"), quantity(1), later).await.unwrap();
    carts::remove(&pool, cart, &sku("CUP"), later).await.unwrap();
    assert_eq!(lines(&read(&pool, cart).await), [("TEA", 1)]);
    for refused in [
        carts::set(&pool, cart, &sku("CUP"), quantity(1), later).await,
        carts::remove(&pool, cart, &sku("CUP"), later).await,
    ] {
        assert!(matches!(refused, Err(CartError::NotInCart)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_cart_that_is_not_there_or_anothers_is_none() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (theirs, ours) = (visitor(&pool).await, carts::create(&pool, noon()).await.unwrap());
    // An API client that learned the id of a session's cart gets nowhere with it; nor the other way round.
    for cart in [CartRef::Client(theirs), CartRef::Visitor(ours), CartRef::Client(Uuid::new_v4())] {
        assert_eq!(carts::read(&pool, cart).await.unwrap(), None);
        let outcomes = [
            carts::add(&pool, cart, &sku("TEA"), quantity(1), noon()).await.map(drop),
            carts::set(&pool, cart, &sku("TEA"), quantity(1), noon()).await,
            carts::remove(&pool, cart, &sku("TEA"), noon()).await,
        ];
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(CartError::NoCart))), "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_line_and_a_cart_have_their_most() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let id = visitor(&pool).await;
    let cart = CartRef::Visitor(id);
    carts::add(&pool, cart, &sku("TEA"), quantity(Quantity::MAX - 1), noon()).await.unwrap();
    let before = read(&pool, cart).await;
    let refused = carts::add(&pool, cart, &sku("TEA"), quantity(2), noon()).await;
    assert!(matches!(refused, Err(CartError::TooMuch)), "{refused:?}");
    assert_eq!(read(&pool, cart).await, before, "what was refused changed nothing");
    fill(&db, id, "P-", MAX_LINES - 1).await;
    let refused = carts::add(&pool, cart, &sku("CUP"), quantity(1), noon()).await;
    assert!(matches!(refused, Err(CartError::TooManyLines)), "{refused:?}");
    assert_eq!(carts::add(&pool, cart, &sku("TEA"), quantity(1), noon()).await.unwrap(), Quantity::MAX);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_at_once_add_up_and_stay_within_the_most_lines() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let id = visitor(&pool).await;
    let cart = CartRef::Visitor(id);
    let same = join_all((0..20).map(|_| carts::add(&pool, cart, &TEA, quantity(1), noon()))).await;
    assert!(same.iter().all(Result::is_ok), "{same:?}");
    assert_eq!(lines(&read(&pool, cart).await), [("TEA", 20)]);
    fill(&db, id, "P-", MAX_LINES - 6).await;
    let skus: Vec<Sku> = (0..20).map(|n| sku(&format!("N-{n}"))).collect();
    let others = join_all(skus.iter().map(|sku| carts::add(&pool, cart, sku, quantity(1), noon()))).await;
    let full = others.iter().filter(|outcome| matches!(outcome, Err(CartError::TooManyLines))).count();
    assert_eq!((others.iter().filter(|outcome| outcome.is_ok()).count(), full), (5, 15));
    assert_eq!(read(&pool, cart).await.lines.len(), MAX_LINES);
}

/// An order of these lines, as far as the cart is concerned: what its transaction keeps under its key.
async fn ordered(pool: &PgPool, cart: Uuid, order: &str, lines: &Value) {
    let keep = sqlx::query(
        "INSERT INTO idempotency_keys
             (key_digest, request_digest, status, body, position, created_at, cart_id, cart_lines)
         VALUES (sha256($1::text::bytea), sha256($1::text::bytea), 303, $1, 1, now(), $2, $3)",
    );
    keep.bind(order).bind(cart).bind(lines).execute(pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_was_ordered_is_taken_out() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let id = visitor(&pool).await;
    let (cart, cup) = (CartRef::Visitor(id), sku("CUP"));
    for round in 0..20 {
        carts::add(&pool, cart, &TEA, quantity(2), noon()).await.unwrap();
        let order = format!("order {round}");
        ordered(&pool, id, &order, &json!({ "TEA": 2 })).await;
        let content = read(&pool, cart).await.content_id;
        let (one, other, cups, teas) = tokio::join!(
            carts::settle(&pool, id, noon()),
            carts::settle(&pool, id, noon()),
            carts::add(&pool, cart, &cup, quantity(1), noon()),
            carts::add(&pool, cart, &TEA, quantity(3), noon())
        );
        cups.and(teas).unwrap();
        assert_eq!([one.unwrap(), other.unwrap()].concat(), [order], "round {round}: by one of them, once");
        let after = read(&pool, cart).await;
        let mut left = lines(&after);
        left.sort_unstable();
        assert_eq!(left, [("CUP", 1), ("TEA", 3)], "round {round}: what came later stays");
        assert_ne!(after.content_id, content);
        carts::remove(&pool, cart, &TEA, noon()).await.unwrap();
        carts::remove(&pool, cart, &cup, noon()).await.unwrap();
    }
    let before = read(&pool, cart).await;
    assert_eq!(carts::settle(&pool, id, noon()).await.unwrap(), [""; 0]);
    assert_eq!(read(&pool, cart).await, before, "nothing was ordered");
}

#[tokio::test]
async fn what_was_ordered_is_not_moved_into_another_cart() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (from, into) = (visitor(&pool).await, visitor(&pool).await);
    for (cart, product, count) in [(from, "TEA", 2), (from, "CUP", 1), (into, "POT", 1), (into, "TEA", 4)] {
        carts::add(&pool, CartRef::Visitor(cart), &sku(product), quantity(count), noon()).await.unwrap();
    }
    ordered(&pool, from, "first", &json!({ "TEA": 2 })).await;
    ordered(&pool, into, "second", &json!({ "POT": 1, "TEA": 1 })).await;
    carts::merge(&pool, from, into, noon()).await.unwrap();
    let merged = read(&pool, CartRef::Visitor(into)).await;
    let mut left = lines(&merged);
    left.sort_unstable();
    assert_eq!(left, [("CUP", 1), ("TEA", 3)]);
}

#[tokio::test]
async fn two_carts_become_one_within_the_bounds() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (from, into) = (visitor(&pool).await, visitor(&pool).await);
    for (cart, product, count) in [(from, "TEA", 9_000), (from, "CUP", 1), (into, "TEA", 5_000), (into, "POT", 2)] {
        carts::add(&pool, CartRef::Visitor(cart), &sku(product), quantity(count), noon()).await.unwrap();
    }
    let contents = [read(&pool, CartRef::Visitor(from)).await, read(&pool, CartRef::Visitor(into)).await];
    carts::merge(&pool, from, into, noon()).await.unwrap();
    let (left, merged) = (read(&pool, CartRef::Visitor(from)).await, read(&pool, CartRef::Visitor(into)).await);
    assert_eq!(lines(&left), []);
    let mut found = lines(&merged);
    found.sort_unstable();
    assert_eq!(found, [("CUP", 1), ("POT", 2), ("TEA", Quantity::MAX)]);
    assert!(left.content_id != contents[0].content_id && merged.content_id != contents[1].content_id);
    carts::merge(&pool, into, into, noon()).await.unwrap();
    assert_eq!(read(&pool, CartRef::Visitor(into)).await, merged, "with itself there is nothing to do");
    let nowhere = carts::merge(&pool, from, Uuid::new_v4(), noon()).await;
    assert!(matches!(nowhere, Err(CartError::NoCart)), "{nowhere:?}");
    let client = carts::create(&pool, noon()).await.unwrap();
    assert!(matches!(carts::merge(&pool, into, client, noon()).await, Err(CartError::NoCart)));
}

#[tokio::test]
async fn a_merge_moves_the_oldest_lines_while_there_is_room() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (from, into) = (visitor(&pool).await, visitor(&pool).await);
    fill(&db, from, "A-", 300).await;
    fill(&db, into, "B-", 299).await;
    fill(&db, into, "A-", 1).await;
    carts::merge(&pool, from, into, noon()).await.unwrap();
    let merged = read(&pool, CartRef::Visitor(into)).await;
    assert_eq!(merged.lines.len(), MAX_LINES);
    let of = |name: &str| merged.lines.iter().find(|line| line.sku.as_str() == name).map(|line| line.quantity.get());
    assert_eq!((of("A-0001"), of("A-0201"), of("A-0202")), (Some(2), Some(1), None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_both_ways_at_once_ends() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (one, other) = (visitor(&pool).await, visitor(&pool).await);
    carts::add(&pool, CartRef::Visitor(one), &TEA, quantity(1), noon()).await.unwrap();
    for _ in 0..10 {
        let (there, back) =
            tokio::join!(carts::merge(&pool, one, other, noon()), carts::merge(&pool, other, one, noon()));
        there.unwrap();
        back.unwrap();
    }
    let (one, other) = (read(&pool, CartRef::Visitor(one)).await, read(&pool, CartRef::Visitor(other)).await);
    assert_eq!(one.lines.len() + other.lines.len(), 1);
}

#[tokio::test]
async fn old_carts_of_clients_are_swept_and_changed_ones_are_not() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (old, kept) = (carts::create(&pool, noon()).await.unwrap(), carts::create(&pool, noon()).await.unwrap());
    let late = noon() + TimeDelta::from_std(carts::CLIENT_CARTS_KEPT_FOR).unwrap();
    carts::add(&pool, CartRef::Client(old), &TEA, quantity(1), noon()).await.unwrap();
    carts::add(&pool, CartRef::Client(kept), &TEA, quantity(1), late).await.unwrap();
    assert_eq!(shop::sweep(&pool, late - TimeDelta::seconds(1)).await.unwrap().carts, 0);
    assert_eq!(shop::sweep(&pool, late).await.unwrap().carts, 1);
    assert_eq!(carts::read(&pool, CartRef::Client(old)).await.unwrap(), None);
    assert_eq!(lines(&read(&pool, CartRef::Client(kept)).await), [("TEA", 1)]);
}
