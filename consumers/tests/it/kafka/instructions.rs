//! What people instruct a group to do on a real broker, and what its partitions hold that is no event.

use super::settings;
use super::verify::{producer, send};
use crate::groups::until;
use crate::process::{Plan, Process, SOON};
use crate::shop::Shop;
use consumers::groups::{self, GroupState, Instructed, Rewound, To};
use consumers::parked::letters;
use consumers::parked::{self, Decided, Filter};
use consumers::topics::Topics;
use domain::Position;
use rdkafka::producer::Producer;
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::eventually;
use testkit::kafka::read_topic;
use testkit::smtp::Scripted;

const MAIL: &str = "order_mail";

#[tokio::test]
async fn a_group_goes_back_while_its_members_run_and_sends_nothing_again() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let members = [0, 1].map(|_| Process::start(&shop, Plan::new(kafka.clone(), &server.url())));
    let orders = shop.place_many(40).await;
    for order in &orders {
        shop.pay(order).await;
    }
    for order in &orders {
        shop.until(order, "OrderPaid", "sent").await;
    }
    let group = until(&shop, "it is up to date", |group| group.lag.events == 0 && group.members.len() == 2).await;
    assert_eq!((group.state, group.partitions.len()), (GroupState::Running, 6));
    let half = shop.log.head().await.unwrap().0 / 2;
    let time = shop.log.read(Position(half), 1).await.unwrap()[0].recorded_at;
    let whole = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
    let part = groups::preview(&shop.log, MAIL, To::Time(time), |_, _| {}).await.unwrap();
    assert_eq!((whole.events, whole.acts, part.acts), (80, 0, 0));
    assert!(part.events > 0 && part.events < 80 && part.position <= half, "{part:?}");
    // One effect that the ledger does not know would be acted on.
    let owner = shop.db.owner_pool().await;
    let forgotten = sqlx::query("DELETE FROM consumer_ledger WHERE aggregate_id = $1 AND event_type = 'OrderPaid'");
    assert_eq!(forgotten.bind(&orders[0].id).execute(&owner).await.unwrap().rows_affected(), 1);
    let changed = groups::rewind(&shop.log, &whole, "an operator", |_, _| {}).await.unwrap();
    let Rewound::Changed(now) = changed else { panic!("{changed:?}") };
    assert_eq!((now.events, now.acts), (80, 1));

    assert_eq!(groups::rewind(&shop.log, &now, "an operator", |_, _| {}).await.unwrap(), Rewound::Instructed);
    shop.until(&orders[0], "OrderPaid", "sent").await;
    until(&shop, "it has read all again", |group| group.rewinding.is_empty() && group.lag.events == 0).await;
    let after = shop.place("Grace").await;
    shop.until(&after, "OrderPlaced", "sent").await;
    assert_eq!(server.attempts().len(), 80 + 1 + 1);
    let ids: BTreeSet<_> = server.attempts().iter().map(|attempt| attempt.mail.message_id().unwrap()).collect();
    assert_eq!(ids.len(), 81, "the one that was forgotten bears the same Message-ID");
    for member in members {
        member.stop().await;
    }
}

#[tokio::test]
async fn a_paused_group_keeps_its_members_and_goes_back_when_it_is_resumed() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    let before = shop.place("Ada").await;
    shop.until(&before, "OrderPlaced", "sent").await;
    assert_eq!(groups::pause(shop.pool(), MAIL, "a look", "an operator").await.unwrap(), Instructed::Done);
    until(&shop, "it rests", |group| group.members.iter().all(|member| member.state == "paused")).await;
    let during = shop.place_many(5).await;
    process.relayed(&shop).await;
    let preview = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
    assert_eq!((preview.events, preview.acts), (1, 0), "what it was not handed yet is not handed again");
    assert_eq!(groups::rewind(&shop.log, &preview, "an operator", |_, _| {}).await.unwrap(), Rewound::Instructed);
    let group = until(&shop, "it waits", |group| group.lag.events == 10).await;
    assert_eq!((group.state, group.rewinding.len()), (GroupState::Paused, 1));
    assert_eq!((group.members.len(), group.members[0].holds.len()), (1, 6));
    assert_eq!(groups::resume(shop.pool(), MAIL, "an operator").await.unwrap(), Instructed::Done);
    for order in &during {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    until(&shop, "it has read all", |group| group.rewinding.is_empty() && group.lag.events == 0).await;
    assert_eq!(server.attempts().len(), 6);
    process.stop().await;
}

/// A record that is none of ours stands in the middle of a partition, under an order's key: for each registered
/// consumer, on the topics that it follows.
#[tokio::test]
async fn a_record_that_is_no_event_parks_its_aggregate_for_every_consumer_and_lets_others_pass() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    let (order, other) = (shop.place("Ada").await, shop.place("Grace").await);
    for order in [&order, &other] {
        shop.until(order, "OrderPlaced", "sent").await;
    }
    let topics = Topics::new(&kafka.prefix);
    let records = read_topic(&kafka.brokers, &topics.orders).await.unwrap();
    let mut garbage = records.into_iter().find(|record| record.key_text() == order.id).unwrap();
    garbage.headers.clear();
    garbage.value = Some(b"\xff not ours".to_vec());
    let producer = producer(&kafka);
    for topic in topics.events() {
        send(&producer, topic, &garbage);
    }
    producer.flush(Duration::from_secs(30)).unwrap();
    let items = eventually("each consumer has parked it", SOON, async || {
        let items = parked::list(shop.pool(), 0, 200).await.unwrap();
        if items.len() == consumers::NAMES.len() { Ok(items) } else { Err(format!("{items:?}")) }
    })
    .await;
    let parked_by: BTreeSet<&str> = items.iter().map(|item| item.consumer.as_str()).collect();
    assert_eq!(parked_by, consumers::NAMES.iter().copied().collect());
    let item = items.iter().find(|item| item.consumer == MAIL).unwrap();
    assert_eq!((item.aggregate_id.as_str(), item.event_type.as_str()), (order.id.as_str(), ""));

    for order in [&order, &other] {
        shop.pay(order).await;
    }
    shop.until(&other, "OrderPaid", "sent").await;
    shop.until(&order, "OrderPaid", "waiting").await;
    let letters = eventually("it is a dead letter", SOON, async || {
        let letters = letters::browse(&kafka, None, 100).await.unwrap().letters;
        letters.into_iter().find(|letter| letter.item == Some(item.id)).ok_or("not yet")
    })
    .await;
    assert_eq!(letters.came_from.as_ref().map(|place| (place.partition, place.offset)), item.record);
    assert!(letters.value.as_ref().is_some_and(|value| value.ends_with("not ours")), "{letters:?}");
    assert_eq!(letters.came_from.map(|place| place.topic), Some(topics.orders));
    // The log has no such event: tried again it is parked again. Decided against, it lets the receipt go.
    let of_order =
        Filter { aggregate_id: Some(order.id.clone()), consumer: Some(MAIL.to_owned()), ..Filter::default() };
    assert_eq!(parked::retry(shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
    eventually("it is parked again", SOON, async || {
        let items = parked::list_of(shop.pool(), &of_order, 0, 10).await.unwrap();
        items.first().is_some_and(|item| item.attempts == 1)
    })
    .await;
    assert_eq!(shop.state(&order, "OrderPaid").await.as_deref(), Some("waiting"));
    assert_eq!(parked::discard(shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
    shop.until(&order, "OrderPaid", "sent").await;
    let group = groups::get(&shop.log, MAIL).await.unwrap();
    assert_eq!((group.parked, group.unknown), (0, 0));
    process.stop().await;
}
