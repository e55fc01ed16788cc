//! What any login may tell all processes, as PostgreSQL has no privilege for NOTIFY.

use crate::gate::BOUND;
use crate::shop::{Shop, check_log};
use commands::{EventFilter, Log, Moment, MomentError};
use domain::Position;
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use testkit::eventually;
use testkit::postgres::Db;

/// A login that may read the views of analysts, and nothing else; its transactions write nothing.
async fn reader(db: &Db) -> PgConnection {
    let name = format!("reader_of_{}", db.name());
    let url = db.url_of(&name);
    let password = url.split(':').nth(2).unwrap().split('@').next().unwrap();
    let admin = db.superuser_pool().await;
    for statement in [
        format!("CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE orders_analyst"),
        format!("GRANT CONNECT ON DATABASE {} TO {name}", db.name()),
        format!("ALTER ROLE {name} SET default_transaction_read_only = on"),
    ] {
        sqlx::query(&statement).execute(&admin).await.unwrap();
    }
    PgConnection::connect(&url).await.unwrap()
}

/// Waits until the process knows of all that is in the log, and no more.
async fn knows_the_head(log: &Log) -> Position {
    eventually("it knows the head", BOUND, async || {
        let (head, known) = (log.head().await.unwrap(), log.known_head());
        if head == known { Ok(head) } else { Err(format!("the head is {head}, and {known} is known")) }
    })
    .await
}

#[tokio::test]
async fn what_anybody_says_of_the_head_is_looked_up_and_not_believed() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let mut reader = reader(&db).await;
    for message in ["9223372036854775806", "9223372036854775806 products", "18446744073709551615", "x", "7 x"] {
        let before = there.log.head().await.unwrap();
        sqlx::query("SELECT pg_notify('orders_log', $1)").bind(message).execute(&mut reader).await.unwrap();
        // Messages are heard in order: this one behind the other.
        here.place("TEA", 1).await;
        eventually("it knows of the order", BOUND, async || there.log.known_head() > before).await;
        let head = knows_the_head(&there.log).await;
        assert_eq!(head, Position(before.0 + 2), "{message}");

        assert!(there.log.catalogue_changed_at() <= head, "{message}");
        assert_eq!(there.log.wait_beyond(head, Duration::from_millis(50)).await, head, "{message}");
        let read = there.log.read_filtered(&EventFilter::default(), before, there.log.known_head(), 10).await.unwrap();
        assert_eq!((read.events.len(), read.up_to), (2, head), "{message}");
        let beyond = there.log.locate(Moment::Position(Position(head.0 + 1))).await;
        assert!(matches!(beyond, Err(MomentError::BeyondHead { .. })), "{message}: {beyond:?}");
    }
    // Who waits is woken by what is true.
    let head = knows_the_head(&there.log).await;
    let waiting = async { there.log.wait_beyond(head, BOUND).await };
    let (_, woken) = tokio::join!(here.place("TEA", 1), waiting);
    assert!(woken > head && woken.0 <= head.0 + 2);
    here.add_product("POT", "30.00").await;
    let changed_at = here.log.catalogue_changed_at();
    eventually("it knows of the product", BOUND, async || there.log.catalogue_changed_at() == changed_at).await;
    check_log(&there.log).await;
}
