//! A database that is away, in all the ways it can be: an answer within seconds, never a hang, and never a lie.

use crate::frozen::Frozen;
use crate::gate::{BOUND, Gate, hand_in, outcomes};
use crate::shop::{Shop, check_log, payment, placing, submission};
use chrono::Utc;
use commands::{CommandError, Done, IdempotencyKey, Lead};
use domain::Position;
use domain::order::Order;
use futures::future::join_all;
use sqlx::PgPool;
use testkit::postgres::{Db, PostgresServer};

/// It accepts what is sent to it, and is silent: everybody is answered, and nobody is told more than is known.
#[tokio::test]
async fn a_frozen_server_hangs_nobody() {
    let server = PostgresServer::start();
    let db = server.database().await;
    let (shop, other) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let (known, unknown) = (shop.place("TEA", 1).await, other.place("TEA", 1).await);
    let key = IdempotencyKey { digest: [1; 32], request_digest: [1; 32], ordered: None };
    let mut place = placing(shop.gateway.next_order_number().await.unwrap(), "TEA", 1);
    place.key = Some(key.clone());
    let in_doubt = place.id.clone();
    // What is lost is the reply: nothing stops what has come as far as its commit, which this stands for.
    let slow =
        SlowAppends::begin(&db, "PERFORM set_config('client_connection_check_interval', '0', true), pg_sleep(1)").await;
    let handed = hand_in(&shop, vec![place]).await;
    slow.until_one_is_under_way().await;

    let frozen = Frozen::server(&server);
    let answered = async { tokio::join!(commands(&shop, &known, &unknown), reads(&shop, &unknown), outcomes(handed)) };
    let (commands, reads, mut handed) = tokio::time::timeout(BOUND, answered).await.expect("everybody is answered");
    for outcome in commands {
        let refused = matches!(&outcome, Err(CommandError::Unavailable(_) | CommandError::KeyInFlight));
        assert!(refused, "{outcome:?}");
    }
    assert_eq!(reads, [true; 6], "reads fail");
    let outcome = handed.remove(0);
    assert!(matches!(outcome, Err(CommandError::OutcomeUnknown)), "{outcome:?}");

    // Thawed, the server goes on with what it had.
    drop(frozen);
    testkit::eventually("the order is written", BOUND, async || {
        other.gateway.load::<Order>(&in_doubt).await.is_ok_and(|order| order.version == 2)
    })
    .await;
    slow.end().await;
    let retry = async || shop.try_place("TEA", 1, Some(key.clone())).await.1.ok();
    let again = testkit::eventually("the retry is answered", BOUND, retry).await;
    assert!(again.replayed);
    assert_eq!((again.answer.location, again.position), (Some(format!("/{in_doubt}")), Position(8)));
    assert_eq!(check_log(&other.log).await, 8, "nothing was written of what was refused");
}

/// The disk is too slow: the append is ended and does not keep the log's lock, who asked is told so at once, and
/// nothing is written but what is asked for again.
#[tokio::test]
async fn an_append_that_takes_too_long_is_a_refusal() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let slow = SlowAppends::begin(&db, "PERFORM pg_sleep(3600)").await;
    let key = IdempotencyKey { digest: [1; 32], request_digest: [1; 32], ordered: None };
    let outcome = shop.try_place("TEA", 1, Some(key.clone())).await.1;
    assert!(matches!(outcome, Err(CommandError::Unavailable(_))), "{outcome:?}");
    // Waits for whoever still writes to the table.
    tokio::time::timeout(BOUND, slow.end()).await.expect("the append is ended");
    let retried = shop.try_place("TEA", 1, Some(key)).await.1.unwrap();
    assert!(!retried.replayed);
    assert_eq!(check_log(&shop.log).await, 4, "written once");
}

/// Commands that need an append, a number, a price, an order or a key, many at once.
async fn commands(shop: &Shop, known: &str, unknown: &str) -> Vec<Result<Done, CommandError<Order>>> {
    // More than there are numbers in stock, and more refusals than one: they must not wait for each other's time-outs.
    let numbered = join_all((0..100).map(|_| shop.try_place("TEA", 1, None)));
    let refusals = join_all((0..30).map(|_| shop.try_place("POT", 1, None)));
    let keyed = join_all((0..3).map(|_| {
        let mut pay = submission::<Order>(unknown, payment("a", "1.00"));
        pay.key = Some(IdempotencyKey { digest: [2; 32], request_digest: [1; 32], ordered: None });
        shop.gateway.submit(pay)
    }));
    let (numbered, refusals, keyed, paid) = tokio::join!(numbered, refusals, keyed, shop.pay(known, "a", "1.00"));
    let placed = numbered.into_iter().chain(refusals).map(|(_, outcome)| outcome);
    placed.chain(keyed).chain([paid]).collect()
}

/// Whether each way to read failed.
async fn reads(shop: &Shop, order: &str) -> [bool; 6] {
    let head = shop.log.known_head();
    let (load, head, events, time, catalogue, lead) = tokio::join!(
        shop.gateway.load::<Order>(order),
        shop.log.head(),
        shop.log.read(head, 10),
        shop.log.position_at(Utc::now()),
        shop.catalogue.refresh(),
        Lead::acquire(&shop.log, "anything"),
    );
    [load.is_err(), head.is_err(), events.is_err(), time.is_err(), catalogue.is_err(), lead.is_err()]
}

/// Each append takes its time, as on a bad disk.
struct SlowAppends {
    owner: PgPool,
    admin: PgPool,
}

impl SlowAppends {
    /// `delay` is what each append does first, in PL/pgSQL.
    async fn begin(db: &Db, delay: &'static str) -> Self {
        let (owner, admin) = (db.owner_pool().await, db.superuser_pool().await);
        let function =
            format!("CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {delay}; RETURN NULL; END $$");
        let trigger = "CREATE TRIGGER slow BEFORE INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION slow()";
        for statement in [function.as_str(), trigger] {
            sqlx::query(statement).execute(&owner).await.unwrap();
        }
        Self { owner, admin }
    }

    async fn until_one_is_under_way(&self) {
        testkit::eventually("an append is under way", BOUND, async || {
            let sleeping: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
            )
            .fetch_one(&self.admin)
            .await
            .unwrap();
            sleeping == 1
        })
        .await;
    }

    async fn end(self) {
        sqlx::query("DROP TRIGGER slow ON events").execute(&self.owner).await.unwrap();
    }
}

/// Somebody holds the log's lock for longer than a client would wait: all who wait are told so, and nothing is written.
#[tokio::test]
async fn a_lock_held_by_another_is_a_refusal() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let mut orders = vec![];
    for _ in 0..600 {
        orders.push(placing(shop.gateway.next_order_number().await.unwrap(), "TEA", 1));
    }
    let gate = Gate::close(&db).await;
    let handed = hand_in(&shop, orders).await;
    let outcomes = outcomes(handed).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Err(CommandError::Unavailable(_)))), "{outcomes:?}");
    gate.open().await;
    shop.place("TEA", 1).await;
    assert_eq!(check_log(&shop.log).await, 4);
}

/// The server is there and can't write, as when its disk is full.
#[tokio::test]
async fn a_full_disk_is_a_refusal_until_there_is_room() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let owner = db.owner_pool().await;
    for statement in [
        "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$",
        "CREATE TRIGGER disk_full BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION disk_full()",
    ] {
        sqlx::query(statement).execute(&owner).await.unwrap();
    }
    let refused = join_all((0..5).map(|_| shop.try_place("TEA", 1, None))).await;
    assert!(refused.iter().all(|(_, outcome)| matches!(outcome, Err(CommandError::Unavailable(_)))), "{refused:?}");
    sqlx::query("DROP TRIGGER disk_full ON events").execute(&owner).await.unwrap();
    shop.place("TEA", 1).await;
    assert_eq!(check_log(&shop.log).await, 4);
}

/// The server process that had the statement is gone, and with it the statement: decided and written again, once.
#[tokio::test]
async fn a_reply_lost_before_the_commit_leads_to_one_order() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let number = shop.gateway.next_order_number().await.unwrap();
    let gate = Gate::close(&db).await;
    let handed = hand_in(&shop, vec![placing(number, "TEA", 1)]).await;
    end(&db.superuser_pool().await, gate.until_an_append_waits().await).await;
    gate.until_an_append_waits().await;
    gate.open().await;
    let done = outcomes(handed).await.remove(0).unwrap();
    assert_eq!(done.position, Position(4));
    assert_eq!(check_log(&shop.log).await, 4);
}

/// The same where nothing but a key was to be written, and another process wrote it meanwhile.
#[tokio::test]
async fn a_lost_reply_to_a_success_without_events_takes_the_answer_that_is_kept() {
    let db = Db::new().await;
    let (shop, other) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let id = shop.place("TEA", 1).await;
    shop.pay(&id, "r", "1.00").await.unwrap();
    other.pay(&id, "r", "1.00").await.unwrap();
    let again = |key: u8| {
        let mut again = submission::<Order>(&id, payment("r", "1.00"));
        again.key = Some(IdempotencyKey { digest: [key; 32], request_digest: [1; 32], ordered: None });
        again
    };
    let gate = Gate::close(&db).await;
    let here = hand_in(&shop, vec![again(1), again(2)]).await;
    let backend = gate.until_an_append_waits().await;
    let there = hand_in(&other, vec![again(1)]).await;
    let admin = db.superuser_pool().await;
    testkit::eventually("both wait", BOUND, async || {
        let waiting: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pg_locks WHERE NOT granted").fetch_one(&admin).await.unwrap();
        waiting == 2
    })
    .await;
    end(&admin, backend).await;
    gate.open().await;
    let (here, there) = (outcomes(here).await, outcomes(there).await);
    let answers: Vec<_> = here.into_iter().chain(there).map(|done| done.unwrap().answer).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    // Each key is kept, whoever wrote it.
    for key in [1, 2] {
        assert!(shop.gateway.submit(again(key)).await.unwrap().replayed, "key {key}");
    }
    assert_eq!(check_log(&shop.log).await, 5);
}

/// A server that was started again, or an administrator, cuts the connections that wait in the pool. Nobody who reads
/// hears of it.
#[tokio::test]
async fn connections_cut_while_they_were_idle_fail_no_read() {
    let db = Db::new().await;
    let (shop, other) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let id = shop.place("TEA", 1).await;
    for _ in 0..3 {
        // The pool is full of connections that have just been used.
        assert_eq!(join_all((0..3).map(|_| reads(&other, &id))).await, [[false; 6]; 3]);
        db.cut_sessions().await;
        assert_eq!(join_all((0..3).map(|_| reads(&other, &id))).await, [[false; 6]; 3]);
    }
    let key = IdempotencyKey { digest: [1; 32], request_digest: [1; 32], ordered: None };
    let first = shop.try_place("TEA", 1, Some(key.clone())).await.1.unwrap();
    assert_eq!(other.try_place("TEA", 1, Some(key)).await.1.unwrap().position, first.position);
}

async fn end(admin: &PgPool, backend: i32) {
    let ended: bool =
        sqlx::query_scalar("SELECT pg_terminate_backend($1, 10000)").bind(backend).fetch_one(admin).await.unwrap();
    assert!(ended);
}
