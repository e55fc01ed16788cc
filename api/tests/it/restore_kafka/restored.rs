//! What an operator does after a disk is gone, and what the program makes of it.

use super::docs;
use super::shop::{Shop, address, stop};
use testkit::Launch;

/// Starts what works with Kafka; each refuses to begin, and says the same.
async fn refused(shop: &Shop, roles: &[&[&str]], why: &str) {
    for role in roles {
        let refused = shop.orders(role).run().await;
        assert_eq!(refused.status.code(), Some(1), "{role:?}: {refused:?}");
        let said = refused.stderr.lines().last().unwrap();
        for part in [why, "ORDERS_KAFKA_PREFIX", &format!("{}orders.relay", shop.prefix)] {
            assert!(said.contains(part), "{role:?}, {part}: {refused:?}");
        }
    }
}

async fn now(shop: &Shop) -> String {
    let admin = shop.db.superuser_pool().await;
    let now = sqlx::query_scalar("SELECT clock_timestamp()::text").fetch_one(&admin).await.unwrap();
    admin.close().await;
    now
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_to_an_earlier_point_than_kafka_has_seen_it_is_refused_until_the_end_is_declared_lost() {
    let mut shop = Shop::open().await;
    let program = shop.serve().await;
    shop.stock().await;
    let (ada, bob, cleo) = (address("ada"), address("bob"), address("cleo"));
    let first = shop.place(&ada).await;
    let base = shop.back_up().await;
    let second = shop.place(&bob).await;
    shop.mailed(&ada, 1).await;
    shop.mailed(&bob, 1).await;
    let moment = now(&shop).await;
    let lost = shop.place(&cleo).await;
    shop.mailed(&cleo, 1).await;
    shop.published(&lost).await;
    stop(program).await;

    shop.restore(&base, Some(&moment)).await;
    let all: [&[&str]; 3] = [&["relay"], &["consumers", "run"], &["serve", "--listen", "127.0.0.1:0"]];
    refused(&shop, &all, "the log was restored to an earlier point").await;
    // An API alone knows nothing of Kafka: the log goes beyond where it was, with other events.
    let mut api = shop.listening(&["api"]).spawn();
    api.wait_for_line("serving the API").await;
    assert_eq!(shop.order(&first).await.is(200).json(), first);
    assert_eq!(shop.order(&second).await.is(200).json(), second);
    shop.order(&lost).await.is(404);
    let dora = address("dora");
    let (third, _) = (shop.place(&dora).await, shop.place(&address("emil")).await);
    stop(api).await;
    refused(&shop, &all, "another event stands at position").await;

    declare_lost(&shop).await;
    refused(&shop, &all[..2], "in epoch 2").await;
    let (old, new) = (shop.prefix.clone(), format!("new.{}", shop.prefix));
    shop.operate(&docs::commands("Point-in-time restore", "export", &[("2026-03-01.", &new)])).await;
    shop.prefix = new;
    let program = shop.serve().await;
    shop.mailed(&dora, 1).await;
    for order in [&first, &second, &third] {
        assert_eq!(shop.published(order).await.len(), 2, "a line, and that it is placed");
    }
    shop.verified().await;
    stop(program).await;
    assert_eq!([&ada, &bob, &cleo, &dora].map(|email| shop.mails(email)), [1; 4], "nobody was written to again");
    let kept = shop.records(&old).await;
    assert!(kept.iter().any(|record| record.key_text() == lost["id"]), "what was lost can be looked up");
}

/// Counts the epoch up, as the operator does: asks where the log ends, and names that.
async fn declare_lost(shop: &Shop) {
    let both = docs::commands("Point-in-time restore", "orders log new-epoch", &[]);
    let (ask, declare) = both.split_once('\n').unwrap();
    let said = shop.operate(ask).await;
    let head = said.split("ends at position ").nth(1).unwrap().split(',').next().unwrap().to_owned();
    assert!(said.contains("in epoch 1. Nothing was changed"), "{said}");
    let elsewhere = Launch::orders().args(["log", "new-epoch", "--head", "3"]);
    let elsewhere = elsewhere.env("MIGRATION_DATABASE_URL", shop.db.owner_url()).run().await;
    assert_eq!(elsewhere.status.code(), Some(1), "{elsewhere:?}");
    assert!(elsewhere.stderr.contains(&format!("ends at position {head}, not at 3: nothing was changed")));
    assert!(declare.contains("41872"), "{declare}");
    let said = shop.operate(&declare.replace("41872", &head)).await;
    assert!(said.contains(&format!("in epoch 2 from position {head} on")), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_to_the_newest_moment_everything_goes_on() {
    let shop = Shop::open().await;
    let program = shop.serve().await;
    shop.stock().await;
    let (ada, bob, cleo) = (address("ada"), address("bob"), address("cleo"));
    let first = shop.place(&ada).await;
    shop.mailed(&ada, 1).await;
    let base = shop.back_up().await;
    let second = shop.place(&bob).await;
    shop.mailed(&bob, 1).await;
    shop.published(&second).await;
    stop(program).await;

    // The last orders are in no archive: they are on the old disk alone.
    shop.restore(&base, None).await;
    let program = shop.serve().await;
    for order in [&first, &second] {
        assert_eq!(&shop.order(order).await.is(200).json(), order);
    }
    let third = shop.place(&cleo).await;
    shop.mailed(&cleo, 1).await;
    shop.published(&third).await;
    shop.verified().await;
    let complaints = program.stderr();
    assert!(!complaints.contains("WARN") && !complaints.contains("ERROR"), "{complaints}");
    stop(program).await;
    assert_eq!([&ada, &bob, &cleo].map(|email| shop.mails(email)), [1; 3]);
}
