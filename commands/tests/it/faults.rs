//! A server that is killed, and a program that stops: what was acknowledged is there, and the log stays dense.

use crate::gate::BOUND;
use crate::shop::{Shop, check_log, placing};
use commands::CommandError;
use futures::future::join_all;
use testkit::postgres::{Db, PostgresServer};

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
