//! What shares a batch shares a transaction, and nothing else: no command is the worse for its neighbours.

use crate::gate::{BOUND, Gate, hand_in, outcomes};
use crate::shop::{Shop, check_log, payment, placing, submission};
use commands::{Answer, CommandError, IdempotencyKey, Submission};
use domain::order::{ItemAdded, Order, OrderEvent};
use domain::{Money, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use testkit::postgres::Db;

/// So many orders of two events, with one payment before and one behind them, fill a batch to the last event.
const ORDERS_TO_FILL_A_BATCH: usize = 499;

async fn orders(shop: &Shop, sku: &str, count: usize) -> Vec<Submission<Order>> {
    let mut orders = vec![];
    for _ in 0..count {
        orders.push(placing(shop.gateway.next_order_number().await.unwrap(), sku, 1));
    }
    orders
}

/// The second payment of an order does not fit the batch that the first is in, and the first turns out to have a key
/// that is taken: the second must not follow on what was never written.
#[tokio::test]
async fn what_did_not_fit_a_batch_follows_on_nothing_that_was_not_written() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let taken = IdempotencyKey { digest: [9; 32], request_digest: [1; 32], ordered: None };
    shop.try_place("CUP", 1, Some(taken.clone())).await.1.unwrap();
    let (id, other) = (shop.place("TEA", 1).await, shop.place("TEA", 1).await);
    let mut first = submission::<Order>(&id, payment("first", "2.50"));
    first.key = Some(IdempotencyKey { request_digest: [2; 32], ..taken });
    let mut batch = vec![first];
    batch.extend(orders(&shop, "CUP", ORDERS_TO_FILL_A_BATCH).await);
    batch.push(submission(&other, payment("a", "1.00")));
    batch.push(submission(&id, payment("second", "10.00")));

    let gate = Gate::close(&db).await;
    let before = hand_in(&shop, orders(&shop, "CUP", 1).await).await;
    gate.until_an_append_waits().await;
    let handed = hand_in(&shop, batch).await;
    gate.open().await;
    assert!(outcomes(before).await.iter().all(Result::is_ok));
    let mut outcomes = outcomes(handed).await;
    assert!(matches!(outcomes.remove(0), Err(CommandError::KeyReused)));
    outcomes.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    let order = shop.order(&id).await;
    assert_eq!((order.version, order.state.is_paid()), (3, false));
    check_log(&shop.log).await;
}

/// Two payments of one order share a batch, the second decided on what the first leaves; but another process added an
/// item meanwhile. The stream has the version then that the second follows on, and it is another one.
#[tokio::test]
async fn what_followed_on_a_loser_of_the_batch_loses_with_it() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let order = shop.order(&id).await;
    let tea = order.state.placed().unwrap().lines[0].clone();
    let gate = Gate::close(&db).await;
    let before = hand_in(&shop, orders(&shop, "CUP", 1).await).await;
    gate.until_an_append_waits().await;
    let pay = |reference, amount| {
        let mut pay = submission::<Order>(&id, payment(reference, amount));
        pay.answer = Arc::new(|snapshot| Answer {
            status: 200,
            location: None,
            etag: None,
            body: snapshot.state.placed().map(|placed| placed.total.to_string()).unwrap_or_default(),
        });
        pay
    };
    let handed = hand_in(&shop, vec![pay("a", "2.50"), pay("b", "10.00")]).await;
    let item = ItemAdded { line: tea, total: Money::parse("25.00", "USD").unwrap() };
    gate.open_after(&id, 3, OrderEvent::from(item).into()).await;
    assert!(outcomes(before).await.iter().all(Result::is_ok));
    for done in outcomes(handed).await.into_iter().map(Result::unwrap) {
        assert_eq!(done.answer.body, "25.00 USD", "decided without the item");
    }
    let order = shop.order(&id).await;
    assert_eq!((order.version, order.state.is_paid()), (5, false));
    check_log(&shop.log).await;
}

/// A success without events, decided on what its neighbour in the batch is about to write, answers a position at which
/// a reader finds that.
#[tokio::test]
async fn the_same_payment_twice_in_one_batch_answers_a_position_that_holds_it() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let gate = Gate::close(&db).await;
    let before = hand_in(&shop, orders(&shop, "CUP", 1).await).await;
    gate.until_an_append_waits().await;
    let pay = || submission::<Order>(&id, payment("r", "1.00"));
    let mut keyed = pay();
    keyed.key = Some(IdempotencyKey { digest: [3; 32], request_digest: [1; 32], ordered: None });
    let handed = hand_in(&shop, vec![pay(), pay(), keyed]).await;
    gate.open().await;
    assert!(outcomes(before).await.iter().all(Result::is_ok));
    let done: Vec<_> = outcomes(handed).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(shop.order(&id).await.position, Position(7));
    assert!(done.iter().all(|done| done.position == Position(7)), "{done:?}");
    assert_eq!(done[1].answer, done[0].answer);
    // What is remembered of the order, and what is kept under the key, says the same.
    assert_eq!(shop.pay(&id, "r", "1.00").await.unwrap().position, Position(7));
    let mut again = pay();
    again.key = Some(IdempotencyKey { digest: [3; 32], request_digest: [1; 32], ordered: None });
    let again = shop.gateway.submit(again).await.unwrap();
    assert_eq!((again.replayed, again.position), (true, Position(7)));
}

/// A command that PostgreSQL will never take is refused alone, however often it comes.
#[tokio::test]
async fn a_command_that_cannot_be_written_fails_no_neighbour() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    shop.add_product("POT", "30.00").await;
    let id = shop.place("TEA", 1).await;
    sqlx::query("ALTER TABLE events ADD CONSTRAINT no_pots CHECK (payload::text NOT LIKE '%\"POT\"%') NOT VALID")
        .execute(&db.owner_pool().await)
        .await
        .unwrap();
    for round in 0..2 {
        let gate = Gate::close(&db).await;
        let before = hand_in(&shop, orders(&shop, "CUP", 1).await).await;
        gate.until_an_append_waits().await;
        let mut batch = orders(&shop, "TEA", 12).await;
        batch.insert(1, submission(&id, payment(&format!("a {round}"), "1.00")));
        batch.insert(7, orders(&shop, "POT", 1).await.remove(0));
        batch.push(submission(&id, payment(&format!("b {round}"), "1.00")));
        let handed = hand_in(&shop, batch).await;
        gate.open().await;
        assert!(outcomes(before).await.iter().all(Result::is_ok));
        for (place, outcome) in outcomes(handed).await.into_iter().enumerate() {
            match outcome {
                Err(CommandError::NotStorable(_)) if place == 7 => {}
                outcome => assert!(outcome.is_ok() && place != 7, "{place}: {outcome:?}"),
            }
        }
    }
    assert_eq!(shop.order(&id).await.version, 6);
    check_log(&shop.log).await;
}

/// A fault of ours in one command is that command's alone: it does not end the task that appends for all.
#[tokio::test]
async fn a_command_that_panics_when_it_is_decided_again_stops_nobody_else() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let gate = Gate::close(&db).await;
    let before = hand_in(&shop, orders(&shop, "CUP", 1).await).await;
    gate.until_an_append_waits().await;
    let mut panics = submission::<Order>(&id, payment("b", "1.00"));
    let answer = Arc::clone(&panics.answer);
    panics.answer = Arc::new(move |snapshot| {
        assert!(snapshot.version < 4, "the fault that is tried here");
        answer(snapshot)
    });
    let pay = |reference| submission::<Order>(&id, payment(reference, "1.00"));
    let mut handed = hand_in(&shop, vec![pay("a"), panics, pay("c")]).await;
    gate.open().await;
    let panicked = tokio::time::timeout(BOUND, handed.remove(1)).await.expect("an end");
    assert!(panicked.is_err_and(|error| error.is_panic()), "its own caller hears of the panic");
    assert!(outcomes(before).await.iter().all(Result::is_ok));
    outcomes(handed).await.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    assert!(shop.gateway.is_open());
    shop.place("TEA", 1).await;
    assert_eq!(shop.order(&id).await.version, 4);
    check_log(&shop.log).await;
}

/// What is acknowledged is committed: an error that comes with the commit itself is no success.
#[tokio::test]
async fn a_commit_that_fails_at_its_very_end_is_not_acknowledged() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let owner = db.owner_pool().await;
    for statement in [
        "CREATE FUNCTION refuse_late() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'refused while committing'; END $$",
        "CREATE CONSTRAINT TRIGGER refuse_late AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW EXECUTE FUNCTION refuse_late()",
    ] {
        sqlx::query(statement).execute(&owner).await.unwrap();
    }
    let (id, refused) = shop.try_place("TEA", 1, None).await;
    assert!(matches!(refused, Err(CommandError::Unavailable(_))), "{refused:?}");
    assert_eq!(shop.order(&id).await.version, 0);
    sqlx::query("DROP TRIGGER refuse_late ON events").execute(&owner).await.unwrap();
    shop.place("TEA", 1).await;
    assert_eq!(check_log(&shop.log).await, 4);
}

/// What this process appended, and hands to its readers from memory, is what stands on disk.
#[tokio::test]
async fn what_is_remembered_is_what_was_written() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 2).await;
    shop.pay(&id, "a", "25.00").await.unwrap();
    let remembered = shop.log.read(Position::ORIGIN, 100).await.unwrap();
    let other = Shop::open(&db).await;
    let read = other.log.read(Position::ORIGIN, 100).await.unwrap();
    assert_eq!(remembered.len(), 6);
    for (remembered, read) in remembered.iter().zip(&read) {
        remembered.recorded().unwrap();
        read.recorded().unwrap();
        assert_eq!(format!("{remembered:?}"), format!("{read:?}"));
    }
}

/// Payments that come while a payment of the same order is being written follow on what it leaves: they are decided
/// again once, in memory, and written by the next batch.
#[tokio::test]
async fn what_was_decided_while_a_batch_was_written_follows_on_it() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let decided = Arc::new(AtomicUsize::new(0));
    let pay = |reference: &str| {
        let (mut pay, decided) = (submission::<Order>(&id, payment(reference, "1.00")), Arc::clone(&decided));
        let answer = Arc::clone(&pay.answer);
        pay.answer = Arc::new(move |snapshot| {
            decided.fetch_add(1, Ordering::Relaxed);
            answer(snapshot)
        });
        pay
    };
    let gate = Gate::close(&db).await;
    let mut handed = hand_in(&shop, vec![pay("a")]).await;
    gate.until_an_append_waits().await;
    handed.extend(hand_in(&shop, vec![pay("b"), pay("c")]).await);
    gate.open().await;
    outcomes(handed).await.into_iter().for_each(|outcome| drop(outcome.unwrap()));
    assert_eq!(decided.load(Ordering::Relaxed), 5, "the first once, the others twice");
    assert_eq!(shop.order(&id).await.version, 5);
    check_log(&shop.log).await;
}
