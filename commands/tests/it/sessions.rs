//! Sessions begin, live on while they are used, change their secret, and end; what a visitor looked at goes with them.

use chrono::{DateTime, TimeDelta, Utc};
use commands::db;
use commands::shop::carts::{self, CartRef};
use commands::shop::links::LinkKey;
use commands::shop::sessions::{self, Lifetime, Session, SessionSecret};
use commands::shop::{self, viewed};
use domain::ids::OrderId;
use domain::{Quantity, Sku};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::time::Duration;
use testkit::postgres::Db;
use uuid::Uuid;

const HOUR: Lifetime = Lifetime { lasts: Duration::from_secs(3_600), ends_with_browser: false };

fn at(minutes: i64) -> DateTime<Utc> {
    "2026-06-01T12:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
}

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

async fn pool(db: &Db) -> PgPool {
    db::connect(&db.app_url(), 4).await.unwrap()
}

async fn begin(pool: &PgPool, lifetime: Lifetime) -> (SessionSecret, Session) {
    let secret = SessionSecret::random();
    let session = sessions::begin(pool, &secret, lifetime, at(0)).await.unwrap();
    (secret, session)
}

async fn rows(db: &Db, table: &str) -> i64 {
    sqlx::query_scalar(&format!("SELECT count(*) FROM {table}")).fetch_one(&db.pool().await).await.unwrap()
}

#[tokio::test]
async fn a_session_is_found_by_its_secret_until_it_expires() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (secret, begun) = begin(&pool, HOUR).await;
    assert_eq!(sessions::find(&pool, &secret, at(59)).await.unwrap().as_ref(), Some(&begun));
    assert_eq!(sessions::find(&pool, &secret, at(60)).await.unwrap(), None);
    assert_eq!(sessions::find(&pool, &SessionSecret::random(), at(0)).await.unwrap(), None);
    sessions::renew(&pool, &begun, at(59)).await.unwrap();
    assert_eq!(sessions::find(&pool, &secret, at(118)).await.unwrap().unwrap().last_seen_at, at(59));
    assert_eq!(sessions::find(&pool, &secret, at(119)).await.unwrap(), None);
}

#[tokio::test]
async fn a_session_that_nobody_came_back_with_ends_after_a_day() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let weeks = Lifetime { lasts: Duration::from_secs(14 * 86_400), ..HOUR };
    let ((left, _), (used, session)) = (begin(&pool, weeks).await, begin(&pool, weeks).await);
    assert!(session.is_new && session.is_to_be_renewed(at(0)));
    sessions::renew(&pool, &session, at(1)).await.unwrap();
    let found = sessions::find(&pool, &used, at(13 * 1_440)).await.unwrap().expect("it lives on");
    assert!(!found.is_new && found.lifetime == weeks);
    assert!(sessions::find(&pool, &left, at(1_439)).await.unwrap().unwrap().is_new);
    assert_eq!(sessions::find(&pool, &left, at(1_440)).await.unwrap(), None);
}

#[tokio::test]
async fn the_database_holds_no_secret() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (secret, _) = begin(&pool, HOUR).await;
    let all: String = sqlx::query_scalar("SELECT string_agg(s::text, ' ') FROM sessions AS s")
        .fetch_one(&db.pool().await)
        .await
        .unwrap();
    let bytes: Vec<u8> =
        sqlx::query_scalar("SELECT secret_hash FROM sessions").fetch_one(&db.pool().await).await.unwrap();
    assert!(!all.contains(&secret.expose()));
    assert_eq!(SessionSecret::parse(&secret.expose()), Some(secret.clone()));
    // Whoever takes what the database has for the secret is not let in.
    let stolen = base64_url(&bytes);
    let stolen = SessionSecret::parse(&stolen).expect("it has the form of one");
    assert_eq!(sessions::find(&pool, &stolen, at(0)).await.unwrap(), None);
}

fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |bits: &[u8]| bits.iter().fold(0, |sum, bit| sum << 1 | usize::from(*bit)) << (6 - bits.len());
    bits.chunks(6).map(|bits| char::from(ALPHABET[digit(bits)])).collect()
}

#[tokio::test]
async fn a_secret_that_was_exchanged_is_worth_nothing() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (planted, session) = begin(&pool, HOUR).await;
    let fresh = SessionSecret::random();
    let who = json!({ "name": "Ada" });
    let log_in = async |id, secret: &SessionSecret| {
        sessions::log_in(&pool, id, secret, ("who", &who), HOUR, at(1)).await.unwrap()
    };
    assert!(log_in(session.id, &fresh).await);
    assert_eq!(sessions::find(&pool, &planted, at(1)).await.unwrap(), None);
    let known = Session { data: json!({ "who": who }), last_seen_at: at(1), ..session };
    assert_eq!(sessions::find(&pool, &fresh, at(1)).await.unwrap(), Some(known), "all else stays");
    assert!(!log_in(Uuid::now_v7(), &SessionSecret::random()).await);
}

#[tokio::test]
async fn each_session_may_have_a_lifetime_of_its_own() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (secret, session) = begin(&pool, Lifetime { ends_with_browser: true, ..HOUR }).await;
    assert!(sessions::find(&pool, &secret, at(0)).await.unwrap().unwrap().lifetime.ends_with_browser);
    let remembered = Lifetime { lasts: Duration::from_secs(30 * 86_400), ends_with_browser: false };
    sessions::log_in(&pool, session.id, &secret, ("who", &json!(1)), remembered, at(10)).await.unwrap();
    let found = sessions::find(&pool, &secret, at(29 * 1_440)).await.unwrap().expect("it lives on");
    assert_eq!(found.lifetime, remembered);
    assert_eq!(sessions::find(&pool, &secret, at(30 * 1_440 + 10)).await.unwrap(), None);
}

#[tokio::test]
async fn data_is_set_member_by_member_and_is_bounded() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (secret, session) = begin(&pool, HOUR).await;
    let set = async |member: &str, value: &Value| {
        sessions::log_in(&pool, session.id, &secret, (member, value), HOUR, at(0)).await
    };
    for (member, value) in [("shade", json!({ "deep": [1] })), ("size", json!("large"))] {
        assert!(set(member, &value).await.unwrap());
    }
    let found = sessions::find(&pool, &secret, at(0)).await.unwrap().unwrap();
    assert_eq!(found.data, json!({ "shade": { "deep": [1] }, "size": "large" }));
    let refused = set("much", &json!("x".repeat(9_000))).await.unwrap_err();
    assert!(db::is_about_data(&refused), "{refused}");
}

#[tokio::test]
async fn what_expired_is_swept_with_all_that_belongs_to_it() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (_, old) = begin(&pool, HOUR).await;
    let (secret, young) = begin(&pool, Lifetime { lasts: Duration::from_secs(7_200), ..HOUR }).await;
    for session in [&old, &young] {
        let one = Quantity::try_from(1).unwrap();
        carts::add(&pool, CartRef::Visitor(session.cart_id), &sku("TEA"), one, at(0)).await.unwrap();
        viewed::note(&pool, session.id, &sku("TEA"), at(0)).await.unwrap();
    }
    assert_eq!(shop::sweep(&pool, at(59)).await.unwrap().sessions, 0);
    assert_eq!(shop::sweep(&pool, at(60)).await.unwrap().sessions, 1);
    for table in ["sessions", "carts", "cart_lines", "products_viewed"] {
        assert_eq!(rows(&db, table).await, 1, "{table}");
    }
    assert_eq!(sessions::find(&pool, &secret, at(60)).await.unwrap().unwrap().cart_units, 1);
    sessions::end(&pool, young.id).await.unwrap();
    for table in ["sessions", "carts", "cart_lines", "products_viewed"] {
        assert_eq!(rows(&db, table).await, 0, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_are_swept_in_batches_and_by_several_at_once() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    sqlx::query(
        "INSERT INTO sessions (id, secret_hash, lasts_s, ends_with_browser, created_at, last_seen_at, expires_at)
         SELECT gen_random_uuid(), sha256(n::text::bytea), 60, false, $1, $1, $1 FROM generate_series(1, 1200) AS n",
    )
    .bind(at(0))
    .execute(&db.pool().await)
    .await
    .unwrap();
    let (one, other) = tokio::join!(shop::sweep(&pool, at(1)), shop::sweep(&pool, at(1)));
    let (one, other) = (one.unwrap().sessions, other.unwrap().sessions);
    // What the one has in hand, the other passes over: it may end before all is done.
    assert_eq!(one + other + shop::sweep(&pool, at(1)).await.unwrap().sessions, 1_200);
    assert_eq!(rows(&db, "sessions").await, 0);
}

#[tokio::test]
async fn the_last_products_that_were_looked_at_are_counted() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let visitor = Uuid::now_v7();
    for (minute, product) in ["TEA", "CUP", "TEA", "POT"].into_iter().enumerate() {
        viewed::note(&pool, visitor, &sku(product), at(minute as i64)).await.unwrap();
    }
    let most = async |limit| viewed::most(&pool, visitor, limit).await.unwrap();
    assert_eq!(most(10).await, [sku("TEA"), sku("POT"), sku("CUP")]);
    assert_eq!(most(1).await, [sku("TEA")]);
    assert_eq!(viewed::most(&pool, Uuid::now_v7(), 10).await.unwrap(), []);
    for number in 0..viewed::MAX_PRODUCTS {
        viewed::note(&pool, visitor, &sku(&format!("P-{number}")), at(10 + number)).await.unwrap();
    }
    let left = most(100).await;
    assert_eq!(left.len() as i64, viewed::MAX_PRODUCTS);
    assert!(!left.contains(&sku("TEA")), "the one looked at longest ago went");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_looked_at_becomes_one_s_within_the_bounds() {
    let db = Db::new().await;
    let pool = pool(&db).await;
    let (visit, member) = (Uuid::now_v7(), Uuid::now_v7());
    let note = async |visitor: Uuid, product: &str, minute: i64| {
        viewed::note(&pool, visitor, &sku(product), at(minute)).await.unwrap();
    };
    let most = async |visitor| viewed::most(&pool, visitor, 100).await.unwrap();
    for (visitor, product, minute) in [
        (member, "TEA", 0),
        (member, "TEA", 1),
        (member, "CUP", 2),
        (visit, "CUP", 3),
        (visit, "CUP", 4),
        (visit, "POT", 5),
    ] {
        note(visitor, product, minute).await;
    }
    viewed::merge(&pool, visit, member).await.unwrap();
    assert_eq!(most(member).await, [sku("CUP"), sku("TEA"), sku("POT")]);
    assert_eq!(most(visit).await, []);
    viewed::merge(&pool, member, member).await.unwrap();
    assert_eq!(most(member).await.len(), 3, "with itself there is nothing to do");
    for number in 0..viewed::MAX_PRODUCTS {
        note(visit, &format!("P-{number}"), 10 + number).await;
    }
    let (once, again) = tokio::join!(viewed::merge(&pool, visit, member), viewed::merge(&pool, visit, member));
    once.and(again).unwrap();
    let left = most(member).await;
    assert_eq!(left.len() as i64, viewed::MAX_PRODUCTS);
    assert!(!left.contains(&sku("TEA")), "those looked at longest ago went");
}

#[tokio::test]
async fn links_are_signed_alike_everywhere() {
    let db = Db::new().await;
    let (here, there) = (pool(&db).await, pool(&db).await);
    let order = OrderId(Uuid::now_v7());
    let signature = LinkKey::load(&here).await.unwrap().sign(order);
    assert!(LinkKey::load(&there).await.unwrap().verify(order, &signature));
    let changed = sqlx::query("UPDATE signing_keys SET key = sha256('x')").execute(&db.pool().await).await.unwrap_err();
    assert_eq!(changed.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"));
}
