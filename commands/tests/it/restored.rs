//! A restore to an earlier point under a running process: the same positions come again with other content.

use crate::gate::BOUND;
use crate::shop::{Shop, check_log};
use commands::{CommandError, LogError};
use testkit::postgres::Db;

/// Takes the database back to `position`, as a restore or a failover that lost the last commits does: everybody's
/// connection is cut.
async fn restore_to(db: &Db, position: i64) {
    let admin = db.superuser_pool().await;
    let mut transaction = admin.begin().await.unwrap();
    for statement in [
        "ALTER TABLE events DISABLE TRIGGER events_are_never_changed".to_owned(),
        format!("DELETE FROM events WHERE position > {position}"),
        "ALTER TABLE events ENABLE TRIGGER events_are_never_changed".to_owned(),
    ] {
        sqlx::query(&statement).execute(&mut *transaction).await.unwrap();
    }
    transaction.commit().await.unwrap();
    db.cut_sessions().await;
}

#[tokio::test]
async fn a_process_that_knows_another_history_stops_and_says_so() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    shop.place("TEA", 1).await;
    let lost = shop.place("TEA", 1).await;
    let seen = shop.log.known_head();
    restore_to(&db, 4).await;
    // Another process, started after it, goes further than the first had been.
    let other = Shop::open(&db).await;
    for _ in 0..3 {
        other.place("CUP", 1).await;
    }
    assert!(other.log.known_head() > seen);

    let refusal = testkit::eventually("it notices", BOUND, async || match shop.log.read(seen, 10).await {
        Err(error @ LogError::OtherHistory { .. }) => Ok(error.to_string()),
        Err(error) => Err(error.to_string()),
        Ok(events) => {
            assert!(events.is_empty(), "events of another history follow on what was read: {events:?}");
            Err("nothing to read".to_owned())
        }
    })
    .await;
    assert!(refusal.contains("position 6") && refusal.contains("start this program again"), "{refusal}");
    // Neither an order that is gone nor a new one is written on what is no longer so.
    let paid = shop.pay(&lost, "a", "1.00").await;
    assert!(matches!(paid, Err(CommandError::Unavailable(_))), "{paid:?}");
    let placed = shop.try_place("TEA", 1, None).await.1;
    assert!(matches!(placed, Err(CommandError::Unavailable(_))), "{placed:?}");
    assert!(matches!(shop.log.head().await, Err(LogError::OtherHistory { .. })));
    assert_eq!(check_log(&other.log).await, 10);
    assert_eq!(check_log(&Shop::open(&db).await.log).await, 10, "started again, all is well");
}

/// Nobody reads on before it is noticed: the first to append finds out.
#[tokio::test]
async fn the_first_append_after_a_restore_is_refused() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let lost = shop.place("TEA", 1).await;
    restore_to(&db, 2).await;
    testkit::eventually("it is refused with the reason", BOUND, async || match shop.pay(&lost, "a", "1.00").await {
        Err(CommandError::Unavailable(reason)) => reason.contains("start this program again"),
        outcome => panic!("{outcome:?}"),
    })
    .await;
    assert_eq!(check_log(&Shop::open(&db).await.log).await, 2);
}
