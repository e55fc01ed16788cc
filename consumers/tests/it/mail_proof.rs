//! Whether a customer got a mail, and why (not).

use super::process::{Plan, Process, SOON, mail};
use super::shop::{Order, Shop};
use commands::Clock;
use commands::schedule::{Schedule, Worker};
use consumers::mails::{self, Mail, Teller};
use consumers::order_mail::again::{self, OrderMailAgain, Which};
use consumers::parked::{self, Decided};
use consumers::{EmbeddedBroker, Mailer, groups};
use domain::ids::OrderId;
use domain::text::Email;
use std::sync::Arc;
use testkit::eventually;
use testkit::smtp::{Fault, Scripted, Step};
use uuid::Uuid;

async fn mails_of(shop: &Shop, order: &Order) -> Vec<Mail> {
    let schedule = Schedule::new(shop.pool().clone(), Clock::system());
    let (id, email) = (order.id.parse::<OrderId>().unwrap(), Email::parse(&order.email).unwrap());
    let teller = Teller::open(&shop.log, &schedule).await.unwrap();
    teller.of_order(id, Some(&email)).await.unwrap().expect("an order")
}

#[tokio::test]
async fn a_mail_tells_what_the_server_answered_each_time_and_where_its_event_is() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let _process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    server.script(Fault::reply(Step::Recipient, 450, "<ada@example.com> is busy").times(2));
    let order = shop.place_for("Ada", "ada@example.com").await;
    shop.until(&order, "OrderPlaced", "sent").await;
    server.script(Fault::reply(Step::Recipient, 550, "no such user ada").times(1));
    shop.pay(&order).await;
    shop.until(&order, "OrderPaid", "parked").await;
    let told = mails_of(&shop, &order).await;
    let [confirmation, receipt, reminder] = &told[..] else { panic!("{told:?}") };
    assert_eq!((reminder.state, reminder.why.as_deref()), ("not_called_for", Some("the order is paid")));
    assert_eq!((confirmation.cause.as_str(), confirmation.state, confirmation.attempts), ("OrderPlaced", "sent", 3));
    let answers: Vec<&str> = confirmation.failed_attempts.iter().map(|attempt| attempt.answer.as_str()).collect();
    assert_eq!(answers, ["RCPT TO: 450 <address> is busy"; 2]);
    assert!(confirmation.why.as_ref().is_some_and(|answer| answer.starts_with("250")), "{confirmation:?}");
    assert_eq!(confirmation.message_id, server.received()[0].message_id());
    let event = confirmation.event.as_ref().unwrap();
    assert!(event.record.is_some() && event.position > 0 && confirmation.is_to_address == Some(true));
    assert_eq!((receipt.state, receipt.why.as_deref()), ("parked", Some("RCPT TO: 550 no such user <address>")));
    assert!(receipt.item.is_some());
    assert!(!format!("{told:?}").contains("ada@example.com"));
}

#[tokio::test]
async fn a_mail_that_was_not_sent_says_what_it_waits_for() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let order = shop.place_for("Ada", "ada@example.com").await;
    let why =
        |mails: Vec<Mail>| mails.into_iter().map(|mail| (mail.state, mail.why.unwrap_or_default())).collect::<Vec<_>>();
    let told = why(mails_of(&shop, &order).await);
    let rules = [
        ("not_noted", "the consumer was never started"),
        ("not_called_for", "0.00 USD of 25.00 USD is paid, and the receipt goes out when all is"),
        ("not_called_for", "it goes out a day after the order was placed, if that is not paid by then"),
    ];
    assert_eq!(told, rules.map(|(state, why)| (state, why.to_owned())));
    let nobody = Schedule::new(shop.pool().clone(), Clock::system());
    let nobody = Teller::open(&shop.log, &nobody).await.unwrap().of_order(OrderId(Uuid::now_v7()), None).await.unwrap();
    assert_eq!(nobody, None);
    server.script(Fault::reply(Step::Recipient, 550, "no").times(1));
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    shop.until(&order, "OrderPlaced", "parked").await;
    shop.pay(&order).await;
    shop.until(&order, "OrderPaid", "waiting").await;
    let told = mails_of(&shop, &order).await;
    let waits = format!("it waits for item {}, which comes before it", told[0].item.unwrap());
    assert_eq!(why(told)[1], ("waiting", waits));
    let _ = groups::pause(shop.pool(), "order_mail", "the server moves", "an operator").await.unwrap();
    eventually("it rests", SOON, async || {
        let group = groups::get(&shop.log, "order_mail").await.unwrap();
        group.members.iter().all(|member| member.state == "paused")
    })
    .await;
    let later = shop.place("Grace").await;
    let paused = "the consumer is paused: the server moves".to_owned();
    assert_eq!(why(mails_of(&shop, &later).await)[0], ("not_noted", paused.clone()));
    let item = mails_of(&shop, &order).await[0].item.unwrap();
    assert_eq!(parked::retry(shop.pool(), item, "an operator").await.unwrap(), Decided::Done);
    assert_eq!(
        why(mails_of(&shop, &order).await)[0],
        ("waiting", format!("{paused}; the last attempt: RCPT TO: 550 no"))
    );
    process.stop().await;
    let _ = groups::resume(shop.pool(), "order_mail", "an operator").await.unwrap();
    let gone = "no program runs the consumer".to_owned();
    assert_eq!(why(mails_of(&shop, &later).await)[0], ("not_noted", gone));
}

#[tokio::test]
async fn the_mails_of_many_orders_are_told_as_those_of_each() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let _process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    server.script(Fault::reply(Step::Recipient, 550, "no").only_for("zoe@example.com").times(1));
    let (ada, zoe) = (shop.place_for("Ada", "ada@example.com").await, shop.place_for("Zoe", "zoe@example.com").await);
    shop.pay(&ada).await;
    shop.until(&ada, "OrderPaid", "sent").await;
    shop.until(&zoe, "OrderPlaced", "parked").await;
    let schedule = Schedule::new(shop.pool().clone(), Clock::system());
    let [ada, zoe]: [OrderId; 2] = [ada, zoe].map(|order| order.id.parse().unwrap());
    assert!(again::ask(&schedule, zoe, Which::Confirmation).await.unwrap());
    let (teller, address) =
        (Teller::open(&shop.log, &schedule).await.unwrap(), Email::parse("zoe@example.com").unwrap());
    let told = teller.of_orders(&[zoe, OrderId(Uuid::now_v7()), ada], Some(&address)).await.unwrap();
    let mut each = Vec::new();
    for order in [zoe, ada] {
        each.push((order, teller.of_order(order, Some(&address)).await.unwrap().unwrap()));
    }
    assert_eq!(told, each, "and nothing of an order that there is not");
    let states = told.iter().map(|(_, mails)| mails.iter().map(|mail| mail.state).collect::<Vec<_>>());
    assert_eq!(
        states.collect::<Vec<_>>(),
        [vec!["parked", "not_called_for", "waiting", "not_called_for"], vec!["sent", "sent", "not_called_for"]]
    );
    assert_eq!(told[0].1[0].failed_attempts.len(), 1);
}

#[tokio::test]
async fn a_mail_that_nobody_was_handed_says_how_far_its_event_came() {
    let (shop, broker) = (Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let order = shop.place_for("Ada", "ada@example.com").await;
    let first = async || {
        let mail = mails_of(&shop, &order).await.remove(0);
        (mail.state, mail.why.unwrap_or_default())
    };
    let relay = Process::start(&shop, Plan::relay_alone(broker.settings()));
    let head = shop.log.head().await.unwrap();
    eventually("the relay has noted how far it is", SOON, async || {
        let noted = consumers::relay::noted(shop.pool()).await.unwrap();
        if noted == Some(head) { Ok(()) } else { Err(format!("{noted:?}")) }
    })
    .await;
    relay.stop().await;
    // A member that is at work, as it says of itself.
    for insert in [
        "UPDATE consumer_groups SET kafka_prefix = '', partitions = 6 WHERE consumer = 'order_mail'",
        "INSERT INTO consumer_members (consumer, member, instance, started_at, seen_at, state, detail, holds)
         VALUES ('order_mail', gen_random_uuid(), 'here:1', now(), now() + interval '1 hour', 'running', NULL, '[]')",
    ] {
        sqlx::query(insert).execute(shop.pool()).await.unwrap();
    }
    let behind = "the consumer was not handed the event yet: it is 2 events behind in its partition";
    assert_eq!(first().await, ("not_noted", behind.to_owned()));
    let set = async |sql: &str| sqlx::query(sql).execute(shop.pool()).await.unwrap();
    set("UPDATE consumer_progress SET position = 1 WHERE consumer = 'relay'").await;
    let unpublished = "the relay has not published the event yet: it is at position 1";
    assert_eq!(first().await, ("not_noted", unpublished.to_owned()));
    set("UPDATE consumer_members SET state = 'retrying', detail = 'Kafka is away'").await;
    assert_eq!(first().await, ("not_noted", "the consumer is not at work: Kafka is away".to_owned()));
    set("INSERT INTO consumer_progress (consumer, topic, partition, position, log_offset, changed_at)
         SELECT 'order_mail', 'orders.events', p, 99, 7, now() FROM generate_series(0, 5) AS p")
    .await;
    let (state, why) = first().await;
    assert!(state == "passed_over" && why.starts_with("the consumer went past the event"), "{state}: {why}");
    set("UPDATE consumer_groups SET started_after = 99").await;
    assert_eq!(first().await, ("passed_over", "the event came before the consumer's time".to_owned()));
}

#[tokio::test]
async fn a_mail_of_the_schedule_is_found_by_its_order_and_by_an_address_that_is_not_kept() {
    let (server, shop) = (Scripted::start(), Shop::open().await);
    let order = shop.place_for("Ada", "ada@example.com").await;
    let schedule = Schedule::new(shop.pool().clone(), Clock::system());
    assert!(again::ask(&schedule, order.id.parse().unwrap(), Which::Confirmation).await.unwrap());
    let of_schedule =
        |told: Vec<Mail>| told.into_iter().filter(|mail| mail.sender == "order_mail_again").collect::<Vec<_>>();
    let told = of_schedule(mails_of(&shop, &order).await);
    assert_eq!((told.len(), told[0].state), (1, "waiting"));
    let mailer = Mailer::new(mail(&server.url(), None)).unwrap();
    let task = Arc::new(OrderMailAgain::new(shop.log.clone(), mailer));
    Worker::new(schedule.clone(), vec![task]).run_due().await.unwrap();
    let told = of_schedule(mails_of(&shop, &order).await);
    let [sent] = &told[..] else { panic!("{told:?}") };
    assert_eq!((sent.state, sent.message_id.clone()), ("sent", server.received()[0].message_id()));
    assert!(sent.why.as_ref().is_some_and(|answer| answer.starts_with("250")), "{sent:?}");

    for (address, count) in [("Ada@Example.com", 1), ("zoe@example.com", 0)] {
        let found = mails::to_address(shop.pool(), &Email::parse(address).unwrap()).await.unwrap();
        assert_eq!(found.len(), count, "{address}: {found:?}");
    }
    let rows: Vec<String> =
        sqlx::query_scalar("SELECT kept::text FROM scheduled_mails AS kept").fetch_all(shop.pool()).await.unwrap();
    assert!(!rows.is_empty() && !rows.concat().contains("ada@"), "{rows:?}");
}
