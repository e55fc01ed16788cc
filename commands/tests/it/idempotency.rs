//! The same key gives the same success, and no second event.

use crate::shop::{Shop, check_log, payment, submission};
use commands::{CommandError, IdempotencyKey, idempotency};
use domain::order::Order;
use futures::future::join_all;
use testkit::postgres::Db;

fn key(name: u8) -> IdempotencyKey {
    IdempotencyKey { digest: [name; 32], request_digest: [1; 32], ordered: None }
}

#[tokio::test]
async fn a_success_is_answered_again() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let (_, first) = shop.try_place("TEA", 1, Some(key(1))).await;
    let (_, again) = shop.try_place("TEA", 1, Some(key(1))).await;
    let (first, again) = (first.unwrap(), again.unwrap());
    assert_eq!((&again.answer, again.position), (&first.answer, first.position));
    assert_eq!((first.replayed, again.replayed), (false, true));
    assert_eq!(check_log(&shop.log).await, 4);
}

#[tokio::test]
async fn another_body_under_the_same_key_is_refused() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    shop.try_place("TEA", 1, Some(key(1))).await.1.unwrap();
    let other = IdempotencyKey { request_digest: [2; 32], ..key(1) };
    let refused = shop.try_place("TEA", 2, Some(other)).await.1.unwrap_err();
    assert!(matches!(refused, CommandError::KeyReused));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_duplicates_in_two_processes_make_one_order_and_fail_no_neighbour() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    let duplicates = join_all((0..50).map(|number| {
        let shop = if number % 2 == 0 { &here } else { &there };
        shop.try_place("TEA", 1, Some(key(7)))
    }));
    let neighbours = join_all((0..50).map(|number| {
        let shop = if number % 2 == 0 { &here } else { &there };
        shop.try_place("CUP", 1, None)
    }));
    let (duplicates, neighbours) = tokio::join!(duplicates, neighbours);
    let answers: Vec<_> = duplicates.into_iter().map(|(_, done)| done.unwrap()).collect();
    assert!(answers.iter().all(|done| done.answer == answers[0].answer && done.position == answers[0].position));
    assert_eq!(answers.iter().filter(|done| !done.replayed).count(), 1);
    assert!(neighbours.iter().all(|(_, done)| done.is_ok()));
    assert_eq!(check_log(&here.log).await, 2 + 51 * 2);
}

/// Two requests under one key, at once and in two processes: one is carried out, the other is never.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_bodies_under_one_key_at_once_one_wins() {
    let db = Db::new().await;
    let (here, there) = (Shop::with_products(&db).await, Shop::open(&db).await);
    for round in 0..10 {
        let racing = join_all((0..12_u8).map(|number| {
            let shop = if number % 2 == 0 { &here } else { &there };
            let body = number / 2 % 2;
            let key = IdempotencyKey { digest: [100 + round; 32], request_digest: [body; 32], ordered: None };
            async move { (body, shop.try_place(if body == 0 { "TEA" } else { "CUP" }, 1, Some(key)).await.1) }
        }));
        let neighbours = join_all((0..12).map(|_| here.try_place("CUP", 1, None)));
        let (raced, neighbours) = tokio::join!(racing, neighbours);
        assert!(neighbours.iter().all(|(_, done)| done.is_ok()), "a neighbour failed");
        let winner = raced.iter().find_map(|(body, outcome)| outcome.is_ok().then_some(*body)).expect("a winner");
        for (body, outcome) in raced {
            match outcome {
                Ok(_) => assert_eq!(body, winner),
                Err(CommandError::KeyReused) => assert_ne!(body, winner),
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert_eq!(check_log(&here.log).await, 2 + 10 * 13 * 2);
}

#[tokio::test]
async fn a_success_without_events_is_kept_too() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    shop.pay(&id, "r", "1.00").await.unwrap();
    let again = || {
        let mut again = submission::<Order>(&id, payment("r", "1.00"));
        again.key = Some(key(3));
        shop.gateway.submit(again)
    };
    let (first, second) = (again().await.unwrap(), again().await.unwrap());
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!((first.position, second.position), (domain::Position(5), domain::Position(5)));
    assert_eq!(first.answer, second.answer);
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let refused = shop.try_place("POT", 1, Some(key(4))).await.1.unwrap_err();
    assert!(matches!(refused, CommandError::Rejected { .. }));
    shop.add_product("POT", "30.00").await;
    assert!(!shop.try_place("POT", 1, Some(key(4))).await.1.unwrap().replayed);
}

/// A retry after the order went on is answered as the first was, though the command would be refused by now.
#[tokio::test]
async fn a_retry_is_answered_before_it_is_judged() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    let id = shop.place("TEA", 1).await;
    let pay = || {
        let mut pay = submission::<Order>(&id, payment("r", "12.50"));
        (pay.key, pay.expected_version) = (Some(key(5)), Some(2));
        shop.gateway.submit(pay)
    };
    let first = pay().await.unwrap();
    let again = pay().await.unwrap();
    assert!(again.replayed);
    assert_eq!(again.answer, first.answer);
}

#[tokio::test]
async fn old_answers_are_swept_and_young_ones_are_not() {
    let db = Db::new().await;
    let shop = Shop::with_products(&db).await;
    shop.try_place("TEA", 1, Some(key(1))).await.1.unwrap();
    shop.try_place("TEA", 1, Some(key(2))).await.1.unwrap();
    sqlx::query("UPDATE idempotency_keys SET created_at = created_at - interval '25 hours' WHERE key_digest = $1")
        .bind([1_u8; 32].as_slice())
        .execute(&db.owner_pool().await)
        .await
        .unwrap();
    assert_eq!(idempotency::sweep(shop.log.pool()).await.unwrap(), 1);
    assert!(shop.try_place("TEA", 1, Some(key(2))).await.1.unwrap().replayed);
    assert!(!shop.try_place("TEA", 1, Some(key(1))).await.1.unwrap().replayed);
}
