//! What becomes of an order's mails when the mail server fails: waiting, parked or unknown, others flowing meanwhile.

use super::process::{Plan, Process, SOON};
use super::shop::{Order, Shop};
use consumers::parked::{self, Decided};
use consumers::{EmbeddedBroker, ledger::State};
use std::time::Duration;
use testkit::eventually;
use testkit::smtp::{Fault, Scripted, Step};

/// A shop with its consumers at work, and a mail server that fails to order.
struct World {
    server: Scripted,
    shop: Shop,
    _process: Process,
    _broker: EmbeddedBroker,
}

impl World {
    async fn new() -> Self {
        let (server, shop) = (Scripted::start(), Shop::open().await);
        let broker = EmbeddedBroker::start(6).unwrap();
        let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
        Self { server, shop, _process: process, _broker: broker }
    }

    /// How often a mail for the order arrived in full, told to the client or not.
    fn arrivals(&self, order: &Order) -> Vec<String> {
        let attempts = self.server.attempts();
        let of_order = attempts.iter().filter(|attempt| attempt.mail.is_for(&order.email));
        of_order.map(|attempt| attempt.mail.message_id().unwrap()).collect()
    }

    async fn only_parked(&self) -> parked::Parked {
        let mut items = parked::list(self.shop.pool(), 0, 200).await.unwrap();
        assert_eq!(items.len(), 1, "{items:?}");
        items.remove(0)
    }
}

#[tokio::test]
async fn a_busy_server_is_tried_again_and_others_flow_meanwhile() {
    let world = World::new().await;
    world.server.script(Fault::reply(Step::Recipient, 450, "busy").only_for("busy@example.com").times(3));
    world.server.script(Fault::reply(Step::Sender, 421, "closing").times(1));
    let busy = world.shop.place_for("Ada", "busy@example.com").await;
    let other = world.shop.place("Grace").await;
    world.shop.until(&other, "OrderPlaced", "sent").await;
    world.shop.until(&busy, "OrderPlaced", "sent").await;
    assert_eq!((world.arrivals(&busy).len(), world.arrivals(&other).len()), (1, 1));
}

/// PostgreSQL ends a deadlock by refusing one of its statements. What that one was to note is noted by the next.
#[tokio::test]
async fn a_statement_that_a_deadlock_ended_is_repeated() {
    let world = World::new().await;
    sqlx::raw_sql(
        "CREATE SEQUENCE refusals;
         GRANT USAGE ON SEQUENCE refusals TO PUBLIC;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF nextval('refusals') <= 3 THEN
                 RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected';
             END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER refuse BEFORE UPDATE ON consumer_ledger
             FOR EACH ROW WHEN (NEW.state = 'sent') EXECUTE FUNCTION refuse()",
    )
    .execute(&world.shop.db.owner_pool().await)
    .await
    .unwrap();
    let order = world.shop.place("Ada").await;
    world.shop.until(&order, "OrderPlaced", "sent").await;
    assert_eq!(world.arrivals(&order).len(), 1);
}

/// The lease of what is being sent ran out, so that it counts as unknown; then its owner hears from the server after
/// all.
#[tokio::test]
async fn what_the_owner_knows_in_the_end_is_not_unknown() {
    let world = World::new().await;
    world.server.script(Fault::delay(Step::EndOfData, Duration::from_millis(1_500)).times(1));
    let order = world.shop.place("Ada").await;
    world.shop.until(&order, "OrderPlaced", "sending").await;
    let given_up = sqlx::query(
        "UPDATE consumer_ledger SET state = 'unknown', due_at = 'infinity', attempts = attempts + 1
          WHERE aggregate_id = $1 AND state = 'sending'",
    );
    let given_up = given_up.bind(&order.id).execute(&world.shop.db.owner_pool().await).await.unwrap();
    assert_eq!(given_up.rows_affected(), 1);
    world.shop.until(&order, "OrderPlaced", "sent").await;
    let attempts: i32 = sqlx::query_scalar("SELECT attempts FROM consumer_ledger WHERE aggregate_id = $1")
        .bind(&order.id)
        .fetch_one(world.shop.pool())
        .await
        .unwrap();
    assert_eq!((world.arrivals(&order).len(), attempts), (1, 1));
}

#[tokio::test]
async fn waiting_is_durable_and_bounded() {
    let world = World::new().await;
    world.server.script(Fault::reply(Step::Sender, 451, "greylisted"));
    let order = world.shop.place("Ada").await;
    world.shop.until(&order, "OrderPlaced", "waiting").await;
    world.shop.until(&order, "OrderPlaced", "parked").await;
    let item = world.only_parked().await;
    assert_eq!((item.attempts, item.state), (12, State::Parked));
    let reason = item.reason.unwrap();
    assert!(reason.contains("given up after 12 attempts") && reason.contains("451"), "{reason}");
    assert!(world.arrivals(&order).is_empty());
}

#[tokio::test]
async fn a_refused_mail_is_parked_and_its_orders_receipt_waits_while_others_flow() {
    let world = World::new().await;
    // Refused for a reason that names nobody; the fault comes before the order.
    world.server.script(Fault::reply(Step::Recipient, 550, "mailbox unavailable").times(1));
    let refused = world.shop.place("Ada").await;
    world.shop.until(&refused, "OrderPlaced", "parked").await;
    world.shop.pay(&refused).await;
    let other = world.shop.place("Grace").await;
    world.shop.pay(&other).await;
    world.shop.until(&other, "OrderPaid", "sent").await;
    world.shop.until(&refused, "OrderPaid", "waiting").await;

    let item = world.only_parked().await;
    assert_eq!((item.aggregate_id.as_str(), item.holds), (refused.id.as_str(), 1));
    let reason = item.reason.clone().unwrap();
    assert!(reason.contains("550") && !reason.contains(&refused.email), "{reason}");
    // A person has it tried again: it goes out, and then the receipt.
    assert_eq!(parked::retry(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
    world.shop.until(&refused, "OrderPaid", "sent").await;
    let subjects: Vec<_> =
        world.server.received().iter().filter(|mail| mail.is_for(&refused.email)).map(|mail| mail.subject()).collect();
    let number = &refused.number;
    assert_eq!(subjects, [format!("Order nr. {number}"), format!("Receipt for order nr. {number}")]);
    assert_eq!(parked::retry(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::NotParked);
}

#[tokio::test]
async fn an_address_beyond_the_server_is_parked_at_once_and_a_quoted_one_is_written_to() {
    let world = World::new().await;
    // It offers no SMTPUTF8.
    world.server.script(Fault::reply(Step::Hello, 250, "an old server"));
    let beyond = world.shop.place_for("Zoë", "zoë@example.com").await;
    let quoted = world.shop.place_for("Ada", "\"ada, lovelace\"@example.com").await;
    world.shop.until(&quoted, "OrderPlaced", "sent").await;
    world.shop.until(&beyond, "OrderPlaced", "parked").await;
    assert_eq!((world.arrivals(&quoted).len(), world.arrivals(&beyond).len()), (1, 0));
    let item = world.only_parked().await;
    assert_eq!((item.attempts, item.aggregate_id.as_str()), (1, beyond.id.as_str()));
    let reason = item.reason.unwrap();
    assert!(reason.contains("SMTPUTF8") && !reason.contains("zoë"), "{reason}");
}

#[tokio::test]
async fn what_is_discarded_is_never_sent_and_lets_the_receipt_go() {
    let world = World::new().await;
    world.server.script(Fault::reply(Step::Data, 554, "no such content here").times(1));
    let order = world.shop.place("Ada").await;
    world.shop.until(&order, "OrderPlaced", "parked").await;
    world.shop.pay(&order).await;
    world.shop.until(&order, "OrderPaid", "waiting").await;
    let item = world.only_parked().await;
    assert_eq!(parked::discard(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
    world.shop.until(&order, "OrderPaid", "sent").await;
    assert_eq!(world.shop.state(&order, "OrderPlaced").await.as_deref(), Some("discarded"));
    assert_eq!(world.arrivals(&order).len(), 1);
    assert_eq!(parked::discard(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::NotParked);
}

#[tokio::test]
async fn a_lost_last_reply_is_unknown_holds_nothing_up_and_is_sent_again_only_on_request() {
    for fault in [Fault::hang_up(Step::EndOfData), Fault::fall_silent(Step::EndOfData)] {
        let world = World::new().await;
        world.server.script(fault.times(1));
        let order = world.shop.place("Ada").await;
        world.shop.until(&order, "OrderPlaced", "unknown").await;
        world.shop.pay(&order).await;
        world.shop.until(&order, "OrderPaid", "sent").await;
        let item = world.only_parked().await;
        assert_eq!(item.state, State::Unknown);
        let arrived = world.arrivals(&order);
        assert_eq!(arrived.len(), 2, "the confirmation once, the receipt once");
        assert_eq!(item.message_id.as_deref(), Some(arrived[0].as_str()));

        assert_eq!(parked::retry(world.shop.pool(), item.id, "an operator").await.unwrap(), Decided::Done);
        world.shop.until(&order, "OrderPlaced", "sent").await;
        let arrived = world.arrivals(&order);
        assert_eq!(arrived.len(), 3);
        assert_eq!(arrived[2], arrived[0], "the second copy bears the same Message-ID");
    }
}

#[tokio::test]
async fn a_poison_event_parks_its_own_order_and_lets_others_pass() {
    let world = World::new().await;
    // As an event stands that a newer program wrote: of a version that this one does not know.
    let poisoned = "0198a000-0000-7000-8000-000000000001";
    let superuser = world.shop.db.superuser_pool().await;
    sqlx::query(
        "WITH place AS MATERIALIZED (SELECT * FROM log_lock())
         INSERT INTO events SELECT 'order', $1, 1, 'OrderPlaced', '99', '{\"OrderPlaced\":{}}',
                '{\"occurred_at\":\"2026-01-01T00:00:00Z\",\"actor\":\"x\",\"correlation_id\":\"x\"}',
                last_position + 1, gen_random_uuid(), at FROM place",
    )
    .bind(poisoned)
    .execute(&superuser)
    .await
    .unwrap();
    let order = world.shop.place("Ada").await;
    world.shop.until(&order, "OrderPlaced", "sent").await;
    let item =
        eventually("it is parked", SOON, async || parked::list(world.shop.pool(), 0, 200).await.unwrap().pop()).await;
    assert_eq!(item.aggregate_id, poisoned);
    let reason = item.reason.unwrap();
    assert!(reason.contains("unknown version `99`"), "{reason}");
}

#[tokio::test]
async fn a_silent_mailbox_delays_nobody() {
    let world = World::new().await;
    world.server.script(Fault::fall_silent(Step::Recipient).only_for("silent@example.com"));
    let silent = world.shop.place_for("Ada", "silent@example.com").await;
    let orders = world.shop.place_many(40).await;
    for order in &orders {
        world.shop.until(order, "OrderPlaced", "sent").await;
    }
    let state = world.shop.state(&silent, "OrderPlaced").await;
    assert!(matches!(state.as_deref(), Some("claimed" | "sending" | "waiting")), "{state:?}");
    assert_eq!(world.server.received().len(), 40);
}

#[tokio::test]
async fn pages_of_parked_items_follow_each_other() {
    let world = World::new().await;
    world.server.script(Fault::reply(Step::Recipient, 550, "no"));
    world.shop.place_many(5).await;
    eventually("all are parked", Duration::from_secs(20), async || {
        parked::list(world.shop.pool(), 0, 200).await.unwrap().len() == 5
    })
    .await;
    let first = parked::list(world.shop.pool(), 0, 3).await.unwrap();
    let second = parked::list(world.shop.pool(), first[2].id, 3).await.unwrap();
    assert_eq!((first.len(), second.len()), (3, 2));
    assert!(second[0].id > first[2].id);
}
