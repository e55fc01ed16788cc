//! A log that is as it must be gives no difference, also while it grows; each kind of damage is named.

use crate::shop::Shop;
use commands::Log;
use commands::verify::{Difference, LogChecked, VerifyError, Watch, check_log};
use domain::Position;
use sqlx::{Executor, PgPool};
use std::sync::Arc;
use testkit::postgres::Db;
use tokio_util::sync::CancellationToken;

async fn check(log: &Log) -> LogChecked {
    let (up_to, cancel) = (log.head().await.unwrap(), CancellationToken::new());
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
    check_log(log, up_to, &mut watch).await.unwrap()
}

async fn differences(log: &Log) -> Vec<Difference> {
    check(log).await.differences.listed().to_vec()
}

/// Two orders, the first of them paid: positions 3 to 7 and 8 to 9.
async fn two_orders(shop: &Shop) -> (String, String) {
    let first = shop.place("TEA", 2).await;
    shop.add_item(&first, "CUP", 1).await.unwrap();
    shop.pay(&first, "a", "33.00").await.unwrap();
    (first, shop.place("CUP", 3).await)
}

/// Does what nobody may do.
async fn damage(db: &Db, sql: &str) {
    let superuser: PgPool = db.superuser_pool().await;
    let mut transaction = superuser.begin().await.unwrap();
    transaction.execute("ALTER TABLE events DISABLE TRIGGER events_are_never_changed").await.unwrap();
    let touched = transaction.execute(sql).await.unwrap().rows_affected();
    assert!(touched > 0, "{sql}");
    transaction.execute("ALTER TABLE events ENABLE TRIGGER events_are_never_changed").await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_sound_log_gives_no_difference() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    two_orders(&shop).await;
    let checked = check(&shop.log).await;
    assert_eq!(checked.differences.listed(), []);
    assert_eq!((checked.events, checked.orders, checked.products), (9, 2, 2));
    assert_eq!(checked.up_to, Position(9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_happens_meanwhile_is_no_difference() {
    let db = Db::new().await;
    let shop = Arc::new(Shop::with_products(&db).await);
    let hot = shop.place("TEA", 50).await;
    let stop = CancellationToken::new();
    let load = {
        let (shop, hot, stop) = (Arc::clone(&shop), hot.clone(), stop.clone());
        tokio::spawn(async move {
            let mut payments = 0;
            while !stop.is_cancelled() {
                payments += 1;
                shop.pay(&hot, &format!("p-{payments}"), "0.01").await.unwrap();
                shop.place("CUP", 1).await;
            }
            payments
        })
    };
    let begun = shop.log.head().await.unwrap();
    let mut checks = 0;
    while checks < 5 || shop.log.head().await.unwrap().0 < begun.0 + 30 {
        assert_eq!(differences(&shop.log).await, []);
        checks += 1;
    }
    stop.cancel();
    assert!(load.await.unwrap() > 0);
}

#[tokio::test]
async fn a_missing_event_is_named_by_position_and_sequence() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let (first, _) = two_orders(&shop).await;
    damage(&db, "DELETE FROM events WHERE position IN (5, 6)").await;
    let missing = Difference::PositionsMissing { first: Position(5), last: Position(6) };
    let of_order = Difference::SequencesMissing {
        aggregate_type: "order".to_owned(),
        aggregate_id: first.clone(),
        first: 3,
        last: 4,
    };
    assert_eq!(differences(&shop.log).await, [missing.clone(), of_order.clone()]);
    assert_eq!(missing.to_string(), "the positions 5 to 6 hold no events");
    assert_eq!(of_order.to_string(), format!("order {first} has no events with the sequences 3 to 4"));
}

#[tokio::test]
async fn the_end_of_a_log_that_was_cut_is_missed() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    two_orders(&shop).await;
    let up_to = shop.log.head().await.unwrap();
    damage(&db, "DELETE FROM events WHERE position >= 8").await;
    let cancel = CancellationToken::new();
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
    let checked = check_log(&shop.log, up_to, &mut watch).await.unwrap();
    assert_eq!(checked.differences.listed(), [Difference::PositionsMissing { first: Position(8), last: Position(9) }]);
}

#[tokio::test]
async fn time_and_order_are_held_to_positions() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let (first, _) = two_orders(&shop).await;
    damage(&db, "UPDATE events SET recorded_at = recorded_at - interval '1 day' WHERE position = 5").await;
    assert_eq!(differences(&shop.log).await, [Difference::TimeRunsBackwards { position: Position(5) }]);
    // The two first sequences change places.
    damage(&db, "UPDATE events SET sequence = sequence + 100 WHERE position IN (3, 4)").await;
    damage(&db, "UPDATE events SET sequence = 103 - sequence WHERE position IN (3, 4)").await;
    let found = differences(&shop.log).await;
    let swapped = Difference::OutOfOrder {
        aggregate_type: "order".to_owned(),
        aggregate_id: first,
        sequence: 2,
        position: Position(3),
    };
    assert!(found.contains(&swapped), "{found:?}");
}

#[tokio::test]
async fn an_event_that_can_not_be_read_is_named() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let (first, _) = two_orders(&shop).await;
    damage(&db, "UPDATE events SET event_version = '9' WHERE position = 4").await;
    damage(&db, "UPDATE events SET aggregate_type = 'parcel' WHERE position >= 8").await;
    let found = differences(&shop.log).await;
    let unreadable: Vec<_> = found.iter().filter(|found| matches!(found, Difference::Unreadable { .. })).collect();
    assert_eq!(unreadable.len(), found.len());
    let texts: Vec<String> = unreadable.iter().map(ToString::to_string).collect();
    let begin = format!("the event at position 4, of order {first}, can't be read: unknown version `9`");
    assert!(texts.iter().any(|text| text.starts_with(&begin)), "{texts:?}");
    assert!(texts.iter().any(|text| text.contains("position 9") && text.contains("`parcel`")), "{texts:?}");
}

#[tokio::test]
async fn what_postgres_es_can_not_load_is_named() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let (_, second) = two_orders(&shop).await;
    // Ours reads over members that it does not know; a stock reader wants a flat map of strings.
    damage(&db, "UPDATE events SET metadata = (metadata::jsonb || '{\"nested\": {}}')::json WHERE position = 9").await;
    let found = differences(&shop.log).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().starts_with(&format!("postgres-es can't load order {second}: ")), "{found:?}");
}

#[tokio::test]
async fn only_so_many_are_listed_and_all_are_counted() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    for _ in 0..10 {
        shop.place("TEA", 1).await;
    }
    damage(&db, "UPDATE events SET event_version = '9' WHERE position > 2").await;
    let checked = check(&shop.log).await;
    assert_eq!((checked.differences.count(), checked.differences.listed().len()), (20, 10));
}

#[tokio::test]
async fn it_stops_when_it_is_told() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let cancel = CancellationToken::new();
    cancel.cancel();
    let mut watch = Watch { most_listed: 10, cancel: &cancel, progress: &mut |_| () };
    let stopped = check_log(&shop.log, Position(2), &mut watch).await;
    assert!(matches!(stopped, Err(VerifyError::Stopped(_))));
}

/// However rare a type is, a statement looks at so many positions and no more.
#[tokio::test]
async fn events_of_a_type_are_read_so_many_positions_at_a_time() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    two_orders(&shop).await;
    let head = shop.log.head().await.unwrap();
    let (mut after, mut reads, mut found) = (Position::ORIGIN, Vec::new(), Vec::new());
    while after < head {
        let read = shop.log.read_types(&["OrderPlaced"], after, head, 2).await.unwrap();
        found.extend(read.events.iter().map(|event| event.position.0));
        after = read.up_to;
        reads.push(after.0);
    }
    assert_eq!(reads, [2, 4, 6, 8, 9]);
    assert_eq!(found, [4, 9]);
}
