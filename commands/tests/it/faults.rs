//! Killed backends and a killed server: what was acknowledged is there, and the log stays dense.

use crate::gate::BOUND;
use crate::shop::{Shop, check_log, placing};
use commands::CommandError;
use futures::future::join_all;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use testkit::postgres::{Db, PostgresServer};

const PROCESSES: usize = 8;
const KILLS: usize = 60;

/// Eight writers, each as a process has it, tailing readers, an open snapshot, and backends killed at random.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_backends_lose_nothing_that_was_acknowledged() {
    let db = Db::new().await;
    let first = Shop::with_products(&db).await;
    let mut shops = vec![];
    for _ in 0..PROCESSES {
        shops.push(Shop::open(&db).await);
    }
    let admin = db.superuser_pool().await;
    let mut snapshot = admin.begin().await.unwrap();
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *snapshot).await.unwrap();
    let before: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut *snapshot).await.unwrap();
    let done = AtomicBool::new(false);
    let writing = join_all(shops.iter().flat_map(|shop| (0..4).map(move |_| shop)).map(|shop| write(shop, &done)));
    let killing = async {
        kill_backends(&db).await;
        done.store(true, Ordering::SeqCst);
    };
    // One reader in a process that only reads, one where others' events come between its own.
    let (written, (), tailed, beside) = tokio::join!(writing, killing, tail(&first, &done), tail(&shops[0], &done));
    let after: i64 = sqlx::query_scalar("SELECT count(*) FROM events").fetch_one(&mut *snapshot).await.unwrap();
    assert_eq!(before, after, "the snapshot was open all the while");
    let acknowledged: Vec<String> = written.into_iter().flatten().collect();
    assert!(acknowledged.len() > PROCESSES, "the writers got through: {}", acknowledged.len());
    for id in &acknowledged {
        assert_eq!(first.order(id).await.version, 2, "an acknowledged order is whole");
    }
    let total = check_log(&first.log).await;
    assert!(tailed <= total && beside <= total);
    // Nothing half-written, and nothing twice: every order is the two events of one command.
    let odd: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT 1 FROM events WHERE aggregate_type = 'order' GROUP BY aggregate_id
                                HAVING count(*) <> 2) AS odd",
    )
    .fetch_one(first.log.pool())
    .await
    .unwrap();
    assert_eq!(odd, 0);
}

/// Places orders until told to stop; the ids of those that were acknowledged.
async fn write(shop: &Shop, done: &AtomicBool) -> Vec<String> {
    let mut acknowledged = vec![];
    while !done.load(Ordering::SeqCst) {
        match shop.try_place("TEA", 1, None).await {
            (id, Ok(_)) => acknowledged.push(id),
            (_, Err(CommandError::Unavailable(_) | CommandError::OutcomeUnknown | CommandError::Contention)) => {}
            (_, Err(error)) => panic!("{error}"),
        }
    }
    acknowledged
}

async fn kill_backends(db: &Db) {
    let admin = db.superuser_pool().await;
    let mut killed = 0;
    while killed < KILLS {
        let now: Vec<bool> = sqlx::query_scalar(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
              WHERE datname = current_database() AND usename = 'orders_login' AND state = 'active'
              ORDER BY random() LIMIT 1",
        )
        .fetch_all(&admin)
        .await
        .unwrap();
        killed += now.len();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Follows the head while it moves, and holds it to be dense: whoever has read N has seen all up to N.
async fn tail(shop: &Shop, done: &AtomicBool) -> u64 {
    let mut after = domain::Position::ORIGIN;
    while !done.load(Ordering::SeqCst) {
        shop.log.wait_beyond(after, Duration::from_millis(50)).await;
        let Ok(events) = shop.log.read(after, 500).await else { continue };
        for event in events {
            assert_eq!(event.position.0, after.0 + 1, "a reader never sees a gap");
            after = event.position;
        }
    }
    after.0
}

/// Who had nothing under way is refused at once; who had learns what became of it once the server is back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_is_a_clear_refusal_and_then_all_is_well() {
    let server = PostgresServer::start();
    let db = server.database().await;
    let (shop, other) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let id = shop.place("TEA", 1).await;
    let numbers = (shop.gateway.next_order_number().await.unwrap(), other.gateway.next_order_number().await.unwrap());
    server.kill();
    let refused = other.gateway.submit(placing(numbers.1, "TEA", 1)).await;
    assert!(matches!(refused, Err(CommandError::Unavailable(_))), "{refused:?}");
    let in_doubt = placing(numbers.0, "TEA", 1);
    let (doubtful, gateway) = (in_doubt.id.clone(), shop.gateway.clone());
    let in_doubt = tokio::spawn(async move { gateway.submit(in_doubt).await });
    server.restart();
    let told = in_doubt.await.unwrap();
    let written = other.order(&doubtful).await.version;
    match (&told, written) {
        (Ok(_), 2) | (Err(CommandError::Unavailable(_)), 0) => {}
        // The server took longer to come back than a client waits.
        (Err(CommandError::OutcomeUnknown), 0 | 2) => {}
        _ => panic!("{told:?}, and the order has {written} events"),
    }
    testkit::eventually("orders are taken again", BOUND, async || shop.try_place("TEA", 1, None).await.1.is_ok()).await;
    assert_eq!(shop.order(&id).await.version, 2);
    check_log(&Shop::open(&db).await.log).await;
}

/// On a stop, what was handed in is still written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_writes_what_waits() {
    let db = Db::new().await;
    let (shop, other) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let placing = join_all((0..100).map(|_| shop.try_place("TEA", 1, None)));
    let stopping = async {
        tokio::task::yield_now().await;
        shop.stop.cancel();
    };
    let (placed, ()) = tokio::join!(placing, stopping);
    shop.tasks.close();
    shop.tasks.wait().await;
    for (id, outcome) in placed {
        match outcome {
            Ok(_) => assert_eq!(other.order(&id).await.version, 2),
            Err(CommandError::Overloaded) => assert_eq!(other.order(&id).await.version, 0),
            Err(error) => panic!("{error}"),
        }
    }
}
