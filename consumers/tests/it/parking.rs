//! What is parked: found, decided on one by one or many at once, with its attempts, and in the dead-letter topic
//! besides.

use super::process::{Plan, Process, SOON};
use super::shop::{Order, Shop};
use chrono::SecondsFormat;
use commands::audit;
use consumers::groups;
use consumers::parked::letters::{self, Letter};
use consumers::parked::{self, Decided, Decision, Filter, Many};
use consumers::{EmbeddedBroker, Retry, ledger::State};
use serde_json::json;
use std::time::Duration;
use testkit::eventually;
use testkit::smtp::{Fault, Scripted, Step};

struct World {
    server: Scripted,
    shop: Shop,
    broker: EmbeddedBroker,
    _process: Process,
}

impl World {
    async fn new() -> Self {
        Self::with(|plan| plan).await
    }

    /// Where what failed for now is not tried again by itself while a test waits.
    async fn patient() -> Self {
        Self::with(|mut plan| {
            plan.settings.retry = Some(Retry::growing(Duration::from_hours(4), Duration::from_hours(4), 12));
            plan
        })
        .await
    }

    async fn with(change: impl FnOnce(Plan) -> Plan) -> Self {
        let (server, shop) = (Scripted::start(), Shop::open().await);
        let broker = EmbeddedBroker::start(6).unwrap();
        let process = Process::start(&shop, change(Plan::new(broker.settings(), &server.url())));
        Self { server, shop, broker, _process: process }
    }

    /// What the mails fail for that are to be tried again.
    async fn last_error(&self) -> Option<String> {
        groups::get(&self.shop.log, "order_mail").await.unwrap().last_error
    }

    /// An order whose confirmation the server refuses for good.
    async fn refused(&self, email: &str) -> Order {
        self.server.script(Fault::reply(Step::Recipient, 550, "mailbox unavailable").only_for(email).times(1));
        let order = self.shop.place_for("Ada", email).await;
        self.shop.until(&order, "OrderPlaced", "parked").await;
        order
    }

    async fn found(&self, filter: &Filter) -> Vec<String> {
        let items = parked::list_of(self.shop.pool(), filter, 0, 200).await.unwrap();
        assert_eq!(parked::count(self.shop.pool(), filter).await.unwrap(), items.len() as u64);
        items.into_iter().map(|item| item.aggregate_id).collect()
    }

    async fn letters(&self, count: usize) -> Vec<Letter> {
        let kafka = self.broker.settings();
        eventually(&format!("there are {count} dead letters"), SOON, async || {
            let letters = letters::browse(&kafka, None, 100).await.unwrap().letters;
            if letters.len() == count { Ok(letters) } else { Err(format!("{letters:?}")) }
        })
        .await
    }
}

#[tokio::test]
async fn many_items_are_decided_on_at_once_if_they_are_as_many_as_was_seen() {
    let world = World::new().await;
    let (ada, zoe) = (world.refused("ada@example.com").await, world.refused("zoe@example.com").await);
    let of_mail = Filter { consumer: Some("order_mail".to_owned()), ..Filter::default() };
    assert_eq!(world.found(&of_mail).await, [ada.id.clone(), zoe.id.clone()]);
    let of_zoe = Filter { aggregate_id: Some(zoe.id.clone()), ..Filter::default() };
    assert_eq!(world.found(&of_zoe).await, std::slice::from_ref(&zoe.id));
    let all = [ada.id.clone(), zoe.id.clone()];
    assert_eq!(world.found(&Filter { reason: Some("MAILBOX un".to_owned()), ..Filter::default() }).await, all);
    assert_eq!(world.found(&Filter { event_type: Some("OrderPlaced".to_owned()), ..Filter::default() }).await, all);
    for nothing in [
        Filter { state: Some(State::Unknown), ..Filter::default() },
        Filter { reason: Some("greylisted".to_owned()), ..Filter::default() },
        Filter { consumer: Some("newsletter".to_owned()), ..Filter::default() },
    ] {
        assert!(world.found(&nothing).await.is_empty(), "{nothing:?}");
    }

    let pool = world.shop.pool();
    let unexpected = parked::decide_all(pool, &of_mail, Decision::Retry, 3, "an operator").await.unwrap();
    assert_eq!(unexpected, Many::Changed(2));
    assert_eq!(world.found(&of_mail).await.len(), 2, "nothing was done");
    let done = parked::decide_all(pool, &of_mail, Decision::Retry, 2, "an operator").await.unwrap();
    assert_eq!(done, Many::Done(2));
    for order in [&ada, &zoe] {
        world.shop.until(order, "OrderPlaced", "sent").await;
    }
    let lines = audit::list(pool, &audit::Filter::default(), None, 10).await.unwrap();
    let [line, refused] = &lines[..] else { panic!("{lines:?}") };
    assert_eq!(
        (refused.action.as_str(), refused.outcome, refused.count),
        ("parked.retry", audit::Outcome::Refused, None)
    );
    assert_eq!(refused.detail.as_deref(), Some("there are 2 such items by now, and not 3"));
    assert_eq!((line.action.as_str(), line.actor.as_str(), line.count), ("parked.retry", "an operator", Some(2)));
    assert_eq!(line.arguments, json!({ "consumer": "order_mail" }));
}

#[tokio::test]
async fn items_of_one_order_are_tried_again_in_their_order() {
    let world = World::new().await;
    let order = world.refused("ada@example.com").await;
    world.shop.pay(&order).await;
    world.shop.until(&order, "OrderPaid", "waiting").await;
    // As a person finds it who had the receipt parked too: by an older program, or by hand.
    let also = sqlx::query("UPDATE consumer_ledger SET state = 'parked' WHERE aggregate_id = $1 AND state = 'waiting'");
    assert_eq!(also.bind(&order.id).execute(world.shop.pool()).await.unwrap().rows_affected(), 1);
    let all = Filter::default();
    assert_eq!(
        parked::decide_all(world.shop.pool(), &all, Decision::Retry, 2, "an operator").await.unwrap(),
        Many::Done(2)
    );
    world.shop.until(&order, "OrderPaid", "sent").await;
    let received = world.server.received();
    let subjects: Vec<_> =
        received.iter().filter(|mail| mail.is_for(&order.email)).map(|mail| mail.subject()).collect();
    let number = &order.number;
    assert_eq!(subjects, [format!("Order nr. {number}"), format!("Receipt for order nr. {number}")]);
}

#[tokio::test]
async fn what_waits_is_listed_on_request_says_why_and_is_tried_at_once_when_a_person_wants_it() {
    let world = World::patient().await;
    assert_eq!(world.last_error().await, None);
    world.server.script(Fault::reply(Step::Sender, 451, "the disk is full").times(1));
    let order = world.shop.place_for("Ada", "ada@example.com").await;
    world.shop.until(&order, "OrderPlaced", "waiting").await;
    world.shop.pay(&order).await;
    world.shop.until(&order, "OrderPaid", "waiting").await;
    assert!(world.last_error().await.is_some_and(|error| error.contains("451")), "it is told while it is so");

    let waiting = Filter { state: Some(State::Waiting), ..Filter::default() };
    assert!(world.found(&Filter::default()).await.is_empty(), "nothing needs a person");
    assert_eq!(world.found(&waiting).await, [order.id.clone(), order.id.clone()]);
    assert_eq!(world.found(&Filter { reason: Some("DISK".to_owned()), ..waiting.clone() }).await.len(), 1);
    let pool = world.shop.pool();
    let items = parked::list_of(pool, &waiting, 0, 200).await.unwrap();
    let [confirmation, receipt] = &items[..] else { panic!("{items:?}") };
    assert_eq!((confirmation.attempts, confirmation.holds, receipt.attempts, receipt.holds), (1, 1, 0, 0));
    assert!(confirmation.next_at.is_some_and(|at| at > confirmation.since), "{confirmation:?}");
    assert_eq!(receipt.next_at, None, "it waits for the confirmation");

    // Nobody decides against what is tried again by itself, and what is held stays held.
    assert_eq!(parked::discard(pool, confirmation.id, "an operator").await.unwrap(), Decided::NotParked);
    let discarded = parked::decide_all(pool, &waiting, Decision::Discard, 2, "an operator").await.unwrap();
    assert_eq!(discarded, Many::NotDiscarded);
    assert_eq!(parked::retry(pool, receipt.id, "an operator").await.unwrap(), Decided::Done);
    let held = parked::show(&world.shop.log, receipt.id).await.unwrap().unwrap().item;
    assert_eq!((held.state, held.next_at, world.server.received().len()), (State::Waiting, None, 0));

    // However many are expected: they come and go.
    let retried = parked::decide_all(pool, &waiting, Decision::Retry, 7, "an operator").await.unwrap();
    assert_eq!(retried, Many::Done(2));
    world.shop.until(&order, "OrderPaid", "sent").await;
    let sent = parked::show(&world.shop.log, confirmation.id).await.unwrap().unwrap();
    assert_eq!((sent.item.attempts, sent.tries), (2, 2), "the attempt before counts still");
    assert_eq!(sent.decided_by.as_deref(), Some("an operator"));
    assert_eq!((world.last_error().await, world.server.received().len()), (None, 2));
}

#[tokio::test]
async fn an_item_shows_its_attempts_its_event_and_what_waits() {
    let world = World::new().await;
    world.server.script(Fault::reply(Step::Sender, 451, "greylisted").times(24));
    let order = world.shop.place_for("Ada", "ada@example.com").await;
    world.shop.until(&order, "OrderPlaced", "parked").await;
    world.shop.pay(&order).await;
    world.shop.until(&order, "OrderPaid", "waiting").await;
    let item = parked::list(world.shop.pool(), 0, 1).await.unwrap().remove(0);
    let detail = parked::show(&world.shop.log, item.id).await.unwrap().unwrap();
    assert_eq!((detail.tries, detail.attempts.len(), detail.item.attempts), (12, 12, 12));
    let (first, last) = (&detail.attempts[0], &detail.attempts[11]);
    assert_eq!((first.number, first.state, last.number, last.state), (1, State::Waiting, 12, State::Parked));
    assert!(first.answer.contains("451") && last.answer.contains("451"), "{detail:?}");
    assert_eq!(detail.topic.as_deref(), Some("orders.events"));
    assert!(item.record.is_some_and(|(partition, offset)| (0..6).contains(&partition) && offset >= 0));
    let held: Vec<&str> = detail.held.iter().map(|held| held.event_type.as_str()).collect();
    assert_eq!((item.holds, held), (1, vec!["OrderPaid"]));
    let event = detail.event.unwrap();
    assert!(event.payload.contains("OrderPlaced") && event.metadata.contains("0af7651916cd43dd8448eb211c80319c"));

    // Tried again as often: numbers go on, and the newest 20 are kept.
    assert_eq!(parked::retry(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
    world.shop.until(&order, "OrderPlaced", "waiting").await;
    world.shop.until(&order, "OrderPlaced", "parked").await;
    let detail = parked::show(&world.shop.log, item.id).await.unwrap().unwrap();
    let numbers: Vec<u32> = detail.attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!((detail.tries, detail.item.attempts, numbers), (24, 12, (5..=24).collect()));
    assert_eq!(detail.decided_by.as_deref(), Some("an operator"));
    assert!(parked::show(&world.shop.log, i64::MAX).await.unwrap().is_none());
}

#[tokio::test]
async fn each_parking_is_a_dead_letter_that_leads_back_to_its_item() {
    let world = World::new().await;
    let order = world.refused("ada@example.com").await;
    let item = parked::list(world.shop.pool(), 0, 1).await.unwrap().remove(0);
    let letter = world.letters(1).await.remove(0);
    assert_eq!((letter.item, letter.consumer.as_deref()), (Some(item.id), Some("order_mail")));
    assert_eq!((letter.event_type.as_deref(), letter.attempts), (Some("OrderPlaced"), Some(1)));
    assert_eq!(letter.key.as_deref(), Some(order.id.as_str()));
    assert_eq!(letter.position, Some(item.position.0));
    assert_eq!(letter.came_from.as_ref().map(|place| (place.partition, place.offset)), item.record);
    assert!(letter.reason.as_ref().is_some_and(|reason| reason.contains("550")), "{letter:?}");
    assert_eq!(letter.correlation_id.as_deref(), Some("one request"));
    assert!(letter.value.as_ref().is_some_and(|value| value.contains("OrderPlaced")));

    // Redriven, and refused once more: that is another letter.
    world.server.script(Fault::reply(Step::Recipient, 550, "still no").only_for("ada@example.com").times(1));
    let redriven = letters::item_at(&world.broker.settings(), letter.offset).await.unwrap();
    assert_eq!(redriven, Some(item.id));
    assert_eq!(parked::retry(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
    let second = world.letters(2).await.remove(1);
    assert!(second.item == letter.item && second.parked_at != letter.parked_at, "{second:?}");
    assert!(letters::item_at(&world.broker.settings(), 77).await.unwrap().is_none());
    // Once each: nothing more comes while others are published.
    world.refused("zoe@example.com").await;
    assert_eq!(world.letters(3).await[2].reason.as_deref(), Some("RCPT TO: 550 mailbox unavailable"));
}

/// Kafka may be away for long, and people decide meanwhile: the letter tells of the parking all the same.
#[tokio::test]
async fn a_letter_that_comes_late_tells_of_its_parking_and_not_of_what_was_decided_since() {
    let world = World::new().await;
    world.refused("ada@example.com").await;
    let first = world.letters(1).await.remove(0);
    // Another member is at one, for as long as this test needs.
    let busy = sqlx::query(
        "INSERT INTO consumer_letters (consumer, parked_at, entry_id, attempts, owner, due_at)
         VALUES ('order_mail', now(), $1, 0, gen_random_uuid(), now() + interval '1 hour')",
    );
    busy.bind(first.item.unwrap()).execute(world.shop.pool()).await.unwrap();
    let order = world.refused("zoe@example.com").await;
    let of_zoe = Filter { aggregate_id: Some(order.id.clone()), ..Filter::default() };
    let item = parked::list_of(world.shop.pool(), &of_zoe, 0, 1).await.unwrap().remove(0);
    assert_eq!(parked::retry(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
    world.shop.until(&order, "OrderPlaced", "sent").await;
    assert_eq!(world.letters(1).await.len(), 1, "one member at a time");
    let done = sqlx::query("DELETE FROM consumer_letters WHERE entry_id = $1").bind(first.item.unwrap());
    assert_eq!(done.execute(world.shop.pool()).await.unwrap().rows_affected(), 1);
    let late = world.letters(2).await.remove(1);
    assert_eq!((late.item, late.attempts), (Some(item.id), Some(1)));
    assert_eq!(late.parked_at, Some(item.since.to_rfc3339_opts(SecondsFormat::Micros, true)));
    assert_eq!(late.reason.as_deref(), Some("RCPT TO: 550 mailbox unavailable"));
}
