//! Consumer groups as people run them, with an embedded broker; with Apache Kafka in `kafka::orders`.

use super::process::{Plan, Process, SOON};
use super::shop::Shop;
use commands::audit;
use consumers::groups::{self, Group, GroupError, GroupState, Instructed, Preview, Recounted, Rewound, To};
use consumers::{EmbeddedBroker, ReaderState};
use domain::Position;
use testkit::eventually;
use testkit::kafka::{Record, read_topic};
use testkit::smtp::Scripted;
use tokio_util::sync::CancellationToken;

const MAIL: &str = "order_mail";

/// The group, once it is as `is_so` says.
pub async fn until(shop: &Shop, what: &str, is_so: impl Fn(&Group) -> bool) -> Group {
    eventually(what, SOON, async || {
        let group = groups::get(&shop.log, MAIL).await.unwrap();
        if is_so(&group) { Ok(group) } else { Err(format!("{group:?}")) }
    })
    .await
}

#[tokio::test]
async fn a_group_that_was_never_started_is_instructed_nothing() {
    let shop = Shop::open().await;
    let group = groups::get(&shop.log, MAIL).await.unwrap();
    assert_eq!((group.state, group.started_after, group.lag.events), (GroupState::NotStarted, None, 0));
    let refused = groups::pause(shop.pool(), MAIL, "no reason", "an operator").await;
    assert!(matches!(refused, Err(GroupError::NotStarted(_))), "{refused:?}");
    let unknown = groups::pause(shop.pool(), "nobody", "no reason", "an operator").await;
    assert!(matches!(unknown, Err(GroupError::NoSuchGroup { .. })), "{unknown:?}");
    assert_eq!(groups::list(&shop.log).await.unwrap().len(), consumers::NAMES.len());
}

#[tokio::test]
async fn a_paused_group_takes_nothing_until_it_is_resumed_also_after_a_restart() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let before = shop.place("Ada").await;
    shop.until(&before, "OrderPlaced", "sent").await;
    assert_eq!(groups::pause(shop.pool(), MAIL, "the server moves", "an operator").await.unwrap(), Instructed::Done);
    assert_eq!(groups::pause(shop.pool(), MAIL, "another", "an operator").await.unwrap(), Instructed::AlreadySo);
    let mut status = process.consumers[0].clone();
    let paused = status.wait_for(|status| status.state == ReaderState::Paused("the server moves".to_owned()));
    tokio::time::timeout(SOON, paused).await.expect("it rests").unwrap();
    let during = shop.place("Grace").await;
    process.relayed(&shop).await;
    let group = until(&shop, "its lag shows", |group| group.lag.events > 0).await;
    assert_eq!(group.state, GroupState::Paused);
    assert_eq!(group.paused.as_ref().map(|paused| paused.reason.as_str()), Some("the server moves"));
    assert!(group.lag.is_exact && group.lag.events == 2, "{group:?}");
    assert_eq!((group.members.len(), group.partitions.len()), (1, 6));
    assert_eq!(group.members[0].holds.len(), 6, "it stays a member");
    assert_eq!(shop.state(&during, "OrderPlaced").await, None);
    process.stop().await;
    until(&shop, "its member is gone", |group| group.members.is_empty()).await;

    // Another program finds it paused.
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let mut status = process.consumers[0].clone();
    let paused = status.wait_for(|status| matches!(status.state, ReaderState::Paused(_)));
    tokio::time::timeout(SOON, paused).await.expect("it rests").unwrap();
    process.relayed(&shop).await;
    assert_eq!(server.received().len(), 1);
    assert_eq!(groups::resume(shop.pool(), MAIL, "an operator").await.unwrap(), Instructed::Done);
    assert_eq!(groups::resume(shop.pool(), MAIL, "an operator").await.unwrap(), Instructed::AlreadySo);
    shop.until(&during, "OrderPlaced", "sent").await;
    until(&shop, "it is up to date", |group| group.state == GroupState::Running && group.lag.events == 0).await;
    assert_eq!(server.received().len(), 2);
    let lines = audit::list(shop.pool(), &audit::Filter::default(), None, 10).await.unwrap();
    let actions: Vec<&str> = lines.iter().map(|line| line.action.as_str()).collect();
    assert_eq!(actions, ["consumer.resume", "consumer.pause"]);
}

#[tokio::test]
async fn with_an_embedded_broker_a_group_is_handed_everything_again_and_sends_nothing() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    for order in shop.place_many(20).await {
        shop.until(&order, "OrderPlaced", "sent").await;
    }
    until(&shop, "it is up to date", |group| group.lag.events == 0).await;
    let preview = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
    assert_eq!((preview.events, preview.acts), (20, 0));
    assert_eq!(Preview::of_token(&preview.token()), Some(preview.clone()));
    let mut lied = preview.clone();
    lied.acts = 1;
    let refused = groups::rewind(&shop.log, &lied, "an operator", |_, _| {}).await.unwrap();
    assert_eq!(refused, Rewound::Changed(preview.clone()));
    let lines = audit::list(shop.pool(), &audit::Filter::default(), None, 10).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.action.as_str(), line.outcome)).collect();
    assert_eq!(told, [("consumer.rewind", audit::Outcome::Refused)]);
    let published = process.relay.borrow().position;
    assert_eq!(groups::rewind(&shop.log, &preview, "an operator", |_, _| {}).await.unwrap(), Rewound::Instructed);
    until(&shop, "it has gone back", |group| group.rewinding.is_empty()).await;
    let last = shop.place("Grace").await;
    shop.until(&last, "OrderPlaced", "sent").await;
    process.relayed(&shop).await;
    assert!(process.relay.borrow().position > published);
    until(&shop, "it is up to date", |group| group.lag.events == 0).await;
    assert_eq!(server.attempts().len(), 21);
    process.stop().await;
}

/// Between counting again and ordering another order may have been carried out.
#[tokio::test]
async fn a_group_that_has_gone_back_meanwhile_is_instructed_nothing_and_nobody_is_told_that_it_was() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let order = shop.place("Ada").await;
    shop.until(&order, "OrderPlaced", "sent").await;
    until(&shop, "it is up to date", |group| group.lag.events == 0).await;
    process.stop().await;
    let preview = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
    assert_eq!(preview.events, 1);
    let recounted = groups::recount(&shop.log, &preview, |_, _| {}).await.unwrap();
    assert!(matches!(recounted, Recounted::Same(_)), "{recounted:?}");
    for goes_back in ["UPDATE consumer_progress SET position = 0", "UPDATE consumer_groups SET finished_up_to = 0"] {
        sqlx::query(goes_back).execute(shop.pool()).await.unwrap();
    }
    let refused = groups::instruct(shop.pool(), recounted, "an operator").await.unwrap();
    let Rewound::Changed(now) = refused else { panic!("{refused:?}") };
    assert!((now.events, now.acts) == (0, 0) && now.is_empty(), "{now:?}");
    let lines = audit::list(shop.pool(), &audit::Filter::default(), None, 10).await.unwrap();
    let told: Vec<_> = lines.iter().map(|line| (line.action.as_str(), line.outcome)).collect();
    assert_eq!(told, [("consumer.rewind", audit::Outcome::Refused)]);
    assert!(groups::get(&shop.log, MAIL).await.unwrap().rewinding.is_empty());
}

/// Whoever asks may have a clock that goes wrong: here that of the database is an hour ahead.
#[tokio::test]
async fn for_how_long_a_group_is_behind_is_told_by_the_clock_of_the_database() {
    let shop = Shop::open().await;
    shop.place("Ada").await;
    let ahead = "INSERT INTO consumer_groups (consumer, started_after, finished_up_to, kafka_prefix, partitions)
                 VALUES ('order_mail', 0, 0, '', 6);
                 CREATE SCHEMA ahead;
                 GRANT USAGE ON SCHEMA ahead TO PUBLIC;
                 CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql
                     AS 'SELECT pg_catalog.clock_timestamp() + interval ''1 hour''';
                 DO $$ BEGIN
                     EXECUTE format('ALTER DATABASE %I SET search_path = ahead, pg_catalog, public', current_database());
                 END $$";
    sqlx::raw_sql(ahead).execute(&shop.db.superuser_pool().await).await.unwrap();
    let shop = shop.reopened().await;
    let group = groups::get(&shop.log, MAIL).await.unwrap();
    assert!(group.lag.events > 0 && group.lag.seconds >= 3_600.0, "{group:?}");
}

/// A statement that waits for ever would keep a group from ever starting again.
#[tokio::test]
async fn a_group_that_can_t_be_registered_within_a_bound_says_so_and_is_tried_again() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let owner = shop.db.owner_pool().await;
    let mut session = owner.begin().await.unwrap();
    sqlx::query("LOCK TABLE consumer_groups").execute(&mut *session).await.unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let mut status = process.consumers[0].clone();
    let tried = status.wait_for(|status| matches!(&status.state, ReaderState::Retrying(why) if why.contains("ledger")));
    tokio::time::timeout(SOON, tried).await.expect("it gives up").unwrap();
    session.rollback().await.unwrap();
    let order = shop.place("Ada").await;
    shop.until(&order, "OrderPlaced", "sent").await;
    process.stop().await;
}

#[tokio::test]
async fn a_paused_group_whose_rewind_was_withdrawn_goes_on_where_it_was() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let first = shop.place("Ada").await;
    shop.until(&first, "OrderPlaced", "sent").await;
    until(&shop, "it is up to date", |group| group.lag.events == 0).await;
    assert_eq!(groups::pause(shop.pool(), MAIL, "a look", "an operator").await.unwrap(), Instructed::Done);
    let mut status = process.consumers[0].clone();
    let paused = status.wait_for(|status| matches!(status.state, ReaderState::Paused(_)));
    tokio::time::timeout(SOON, paused).await.expect("it rests").unwrap();
    // What the ledger does not know would be sent once more.
    let forgotten = sqlx::query("DELETE FROM consumer_ledger").execute(&shop.db.superuser_pool().await).await.unwrap();
    assert_eq!(forgotten.rows_affected(), 1);
    let preview = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
    assert_eq!((preview.events, preview.acts), (1, 1));
    assert_eq!(groups::rewind(&shop.log, &preview, "an operator", |_, _| {}).await.unwrap(), Rewound::Instructed);
    let ordered = groups::get(&shop.log, MAIL).await.unwrap().rewinding.len();
    let ordered = u64::try_from(ordered).unwrap();
    assert!(ordered > 0);
    assert_eq!(groups::withdraw_rewind(shop.pool(), MAIL, "an operator").await.unwrap(), ordered);
    assert_eq!(groups::withdraw_rewind(shop.pool(), MAIL, "an operator").await.unwrap(), 0);
    assert_eq!(groups::resume(shop.pool(), MAIL, "an operator").await.unwrap(), Instructed::Done);
    let second = shop.place("Grace").await;
    shop.until(&second, "OrderPlaced", "sent").await;
    process.relayed(&shop).await;
    until(&shop, "it is up to date", |group| group.lag.events == 0 && group.rewinding.is_empty()).await;
    assert_eq!(server.attempts().len(), 2, "nothing was handed over again");
    let lines = audit::list(shop.pool(), &audit::Filter::default(), None, 10).await.unwrap();
    let withdrawn: Vec<_> = lines.iter().filter(|line| line.action == "consumer.withdraw_rewind").collect();
    assert_eq!(withdrawn.iter().map(|line| line.count).collect::<Vec<_>>(), [Some(ordered)]);
    process.stop().await;
}

#[tokio::test]
async fn with_an_embedded_broker_a_group_goes_back_while_orders_keep_coming() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let first = shop.place("Ada").await;
    shop.until(&first, "OrderPlaced", "sent").await;
    let preview = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
    let enough = CancellationToken::new();
    let load = async {
        let mut placed = 1;
        while !enough.is_cancelled() {
            placed += shop.place_many(4).await.len();
        }
        placed
    };
    let steering = async {
        let published = process.relay.borrow().position;
        eventually("the load is there", SOON, async || process.relay.borrow().position.0 > published.0 + 20).await;
        assert_eq!(groups::rewind(&shop.log, &preview, "an operator", |_, _| {}).await.unwrap(), Rewound::Instructed);
        eventually("the first order is published again", SOON, async || {
            let times = times_published(&broker, &first.id).await;
            if times > 1 { Ok(()) } else { Err(times) }
        })
        .await;
        until(&shop, "the order has ended", |group| group.rewinding.is_empty()).await;
        enough.cancel();
    };
    let (placed, ()) = tokio::join!(load, steering);
    process.relayed(&shop).await;
    until(&shop, "it is up to date", |group| group.lag.events == 0).await;
    eventually("all are sent", SOON, async || {
        let sent = server.attempts().len();
        if sent >= placed { Ok(()) } else { Err(format!("{sent} of {placed}")) }
    })
    .await;
    assert_eq!(server.attempts().len(), placed, "and none twice");
    process.stop().await;
}

/// How often an order's first event is in the broker.
async fn times_published(broker: &EmbeddedBroker, order: &str) -> usize {
    let records = read_topic(broker.brokers(), "orders.events").await.unwrap();
    let is_it = |record: &&Record| record.key_text() == order && record.header("ce_sequence") == Some("1");
    records.iter().filter(is_it).count()
}

/// A broker that was started anew holds nothing of what was done before: it is handed over again all the same.
#[tokio::test]
async fn with_an_embedded_broker_a_group_goes_back_to_before_its_start() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let orders = shop.place_many(5).await;
    for order in &orders {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    process.stop().await;
    let broker = EmbeddedBroker::start(6).unwrap();
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let preview = eventually("it is as far as it was", SOON, async || {
        let preview = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
        if preview.events == 5 { Ok(preview) } else { Err(format!("{preview:?}")) }
    })
    .await;
    assert_eq!(groups::rewind(&shop.log, &preview, "an operator", |_, _| {}).await.unwrap(), Rewound::Instructed);
    for order in &orders {
        eventually("it is published again", SOON, async || times_published(&broker, &order.id).await > 0).await;
    }
    until(&shop, "it is up to date", |group| group.rewinding.is_empty() && group.lag.events == 0).await;
    assert_eq!(server.attempts().len(), 5);
    process.stop().await;
}

#[tokio::test]
async fn what_was_finished_before_a_restart_is_where_a_consumer_stands() {
    let shop = Shop::open().await;
    sqlx::query(
        "INSERT INTO consumer_groups (consumer, started_after, finished_up_to, kafka_prefix, partitions)
         VALUES ('order_mail', 2, 7, '', 6)",
    )
    .execute(&shop.db.superuser_pool().await)
    .await
    .unwrap();
    let overview = consumers::ledger::overview(shop.pool()).await.unwrap();
    assert_eq!(overview.iter().map(|consumer| consumer.position.0).collect::<Vec<_>>(), [7]);
}
