//! Races: one winner, refusals on the merits, versions that clients name.

use crate::gate::BOUND;
use crate::shop::{Shop, check_log, payment, submission};
use commands::CommandError;
use domain::order::{Order, Rejection};
use domain::product::{self, Changes, Product};
use domain::{Money, Position};
use futures::future::join_all;
use std::sync::Arc;
use testkit::postgres::Db;

#[tokio::test]
async fn a_stale_version_is_refused_and_a_right_one_is_not() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let mut stale = submission::<Order>(&id, payment("a", "1.00"));
    stale.expected_version = Some(1);
    let refused = shop.gateway.submit(stale).await.unwrap_err();
    assert!(matches!(refused, CommandError::VersionMismatch { current } if current.version == 2));
    let mut right = submission::<Order>(&id, payment("a", "1.00"));
    right.expected_version = Some(2);
    shop.gateway.submit(right).await.unwrap();
    assert_eq!(shop.order(&id).await.version, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_name_one_version_one_wins() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let id = here.place("TEA", 4).await;
    let racing = (0..20).map(|number| {
        let gateway = if number % 2 == 0 { &here.gateway } else { &there.gateway };
        let mut submission = submission::<Order>(&id, payment(&number.to_string(), "1.00"));
        submission.expected_version = Some(2);
        gateway.submit(submission)
    });
    let outcomes = join_all(racing).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    assert!(
        outcomes.iter().filter_map(|o| o.as_ref().err()).all(|e| matches!(e, CommandError::VersionMismatch { .. }))
    );
}

/// Two processes, one order, many payments: each is applied to what the one before left, or refused on its merits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_racing_on_one_order_never_pay_too_much() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let id = here.place("TEA", 4).await;
    let racing = (0..80).map(|number| {
        let shop = if number % 2 == 0 { &here } else { &there };
        let (id, reference) = (id.clone(), number.to_string());
        async move { shop.pay(&id, &reference, "1.00").await }
    });
    let outcomes = join_all(racing).await;
    let order = here.order(&id).await;
    let contended = outcomes.iter().filter(|o| matches!(o, Err(CommandError::Contention))).count();
    let paid = outcomes.iter().filter(|o| o.is_ok()).count();
    assert_eq!(contended, 0, "nobody gives up");
    assert_eq!(paid, 50, "the order costs 50.00 USD");
    assert!(order.state.is_paid());
    let refused = outcomes.iter().filter_map(|o| o.as_ref().err());
    for error in refused {
        let CommandError::Rejected { rejection, .. } = error else { panic!("{error}") };
        assert_eq!(*rejection, Rejection::AlreadyPaid);
    }
    check_log(&here.log).await;
}

#[tokio::test]
async fn the_same_payment_again_changes_nothing() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let first = shop.pay(&id, "r", "2.50").await.unwrap();
    let again = shop.pay(&id, "r", "2.50").await.unwrap();
    assert_eq!(again.position, first.position);
    assert_eq!(shop.order(&id).await.version, 3);
    let other = shop.pay(&id, "r", "2.51").await.unwrap_err();
    let CommandError::Rejected { rejection, current } = other else { panic!("{other}") };
    assert_eq!(rejection, Rejection::ReferenceReused { recorded: Money::parse("2.50", "USD").unwrap() });
    assert_eq!(current.version, 3);
}

#[tokio::test]
async fn an_order_that_was_never_placed_is_refused_as_such() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let refused = shop.pay("0192f0c1-0000-7000-8000-000000000000", "r", "1.00").await.unwrap_err();
    let CommandError::Rejected { rejection, current } = refused else { panic!("{refused}") };
    assert_eq!((rejection, current.version, current.position), (Rejection::NotFound, 0, Position::ORIGIN));
}

/// What one process holds in memory never refuses what another made possible a moment ago.
#[tokio::test]
async fn memory_of_one_process_does_not_refuse_what_another_made_possible() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let id = here.place("TEA", 1).await;
    // `there` remembers the order as it is now: 12.50 to pay.
    let above = there.pay(&id, "a", "20.50").await.unwrap_err();
    assert!(matches!(above, CommandError::Rejected { rejection: Rejection::AboveBalance { .. }, .. }));
    here.add_item(&id, "CUP", 1).await.unwrap();
    there.pay(&id, "a", "20.50").await.unwrap();
    assert!(here.order(&id).await.state.is_paid());
}

/// Of an order that a process knows it reads at most what came since, and whether the log still has what it knows.
#[tokio::test]
async fn what_is_known_of_an_order_is_not_read_again() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let id = here.place("TEA", 2).await;
    here.pay(&id, "a", "1.00").await.unwrap();
    there.pay(&id, "b", "2.00").await.unwrap();
    let admin = db.superuser_pool().await;
    for hide in ["ALTER TABLE events ENABLE ROW LEVEL SECURITY", "CREATE POLICY late ON events USING (sequence >= 3)"] {
        sqlx::query(hide).execute(&admin).await.unwrap();
    }
    let above = here.pay(&id, "c", "25.00").await.unwrap_err();
    let CommandError::Rejected { rejection: Rejection::AboveBalance { .. }, current } = above else {
        panic!("{above}")
    };
    assert_eq!((current.version, here.order(&id).await), (4, current.clone()));

    // Another event is where the known one was: all is read again, as far as it is there.
    let change = "UPDATE events SET position = position + 100 WHERE aggregate_id = $1 AND sequence = 4";
    for show in ["ALTER TABLE events DISABLE ROW LEVEL SECURITY", "ALTER TABLE events DISABLE TRIGGER ALL"] {
        sqlx::query(show).execute(&admin).await.unwrap();
    }
    sqlx::query(change).bind(&id).execute(&admin).await.unwrap();
    assert_eq!(here.order(&id).await.position.0, current.position.0 + 100);
}

/// Readers at the same time share statements. Each gets its own order, also when others hang up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_at_once_each_get_their_own() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Arc::new(Shop::open(&db).await));
    let mut orders = vec![("0192f0c1-0000-7000-8000-000000000000".to_owned(), None)];
    for quantity in 1..=20 {
        orders.push((here.place("TEA", quantity).await, Some(quantity)));
    }
    let readers = (0..400).map(|number| {
        let (shop, (id, quantity)) = (Arc::clone(&there), orders[number % orders.len()].clone());
        let reader = tokio::spawn(async move {
            let order = shop.order(&id).await;
            assert_eq!((&order.id, order.state.placed().map(|order| order.lines[0].quantity.get())), (&id, quantity));
        });
        if number % 3 == 0 {
            reader.abort();
        }
        reader
    });
    for reader in readers.collect::<Vec<_>>() {
        if let Err(error) = tokio::time::timeout(BOUND, reader).await.expect("an answer") {
            assert!(error.is_cancelled(), "{error}");
        }
    }
}

/// What one process holds in memory never takes for done what another has undone a moment ago.
#[tokio::test]
async fn memory_of_one_process_does_not_take_for_done_what_another_undid() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let repriced = |amount| {
        let price = Some(Money::parse(amount, "USD").unwrap());
        product::Command::Change(Changes { price, ..Changes::default() })
    };
    for round in 1..=3 {
        here.on_product("TEA", product::Command::Withdraw).await.unwrap();
        there.on_product("TEA", product::Command::Restore).await.unwrap();
        here.on_product("CUP", repriced("9.00")).await.unwrap();
        there.on_product("CUP", repriced("8.00")).await.unwrap();
        assert_eq!(here.log.head().await.unwrap(), Position(2 + 4 * round), "each changed something");
    }
}

#[tokio::test]
async fn a_product_changes_by_merge() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let price = Money::parse("13.00", "USD").unwrap();
    let changes = product::Command::Change(Changes { price: Some(price), ..Changes::default() });
    shop.on_product("TEA", changes).await.unwrap();
    let tea = shop.gateway.load::<Product>("TEA").await.unwrap();
    let Product::Listed(listed) = &tea.state else { panic!("{tea:?}") };
    assert_eq!((listed.price, listed.name.as_str(), tea.version), (price, "The TEA", 2));
    let (_, order) = shop.try_place("TEA", 1, None).await;
    assert!(order.is_ok());
}

/// A client that hangs up cancels its own waiting, not its command.
#[tokio::test]
async fn a_command_outlives_its_caller() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let gateway = shop.gateway.clone();
    let mut command = Box::pin(async move { gateway.submit(submission::<Order>(&id, payment("r", "1.00"))).await });
    assert!(futures::poll!(&mut command).is_pending());
    drop(command);
    testkit::eventually("the payment is there", std::time::Duration::from_secs(10), async || {
        shop.log.head().await.unwrap() == Position(5)
    })
    .await;
}
