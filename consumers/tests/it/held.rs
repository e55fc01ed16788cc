//! Effects that an earlier one of their order held, and that nothing holds any more.

use super::process::{Plan, Process};
use super::shop::{Order, Shop};
use consumers::EmbeddedBroker;
use testkit::smtp::{Fault, Scripted, Step};

/// More than is gone through at once.
const OTHERS: i64 = 2_500;

/// An order whose confirmation was refused for good, so that its receipt waits for it.
async fn stuck(shop: &Shop, server: &Scripted, name: &str) -> Order {
    let email = format!("{name}@example.com");
    server.script(Fault::reply(Step::Recipient, 550, "no").only_for(&email).times(1));
    let order = shop.place_for(name, &email).await;
    shop.until(&order, "OrderPlaced", "parked").await;
    shop.pay(&order).await;
    shop.until(&order, "OrderPaid", "waiting").await;
    order
}

/// What ended what held them missed them, as it does where they are noted at the same moment. Many others are open
/// before them.
#[tokio::test]
async fn what_nothing_holds_any_more_goes_out_behind_any_number_of_others() {
    let (server, shop, broker) = (Scripted::start(), Shop::open().await, EmbeddedBroker::start(6).unwrap());
    let process = Process::start(&shop, Plan::new(broker.settings(), &server.url()));
    let (missed, locked) = (stuck(&shop, &server, "missed").await, stuck(&shop, &server, "locked").await);
    let owner = shop.db.owner_pool().await;
    let others = sqlx::query(
        "INSERT INTO consumer_ledger (consumer, event_id, recipient, aggregate_type, aggregate_id, sequence, position,
                event_type, state, due_at, noted_at, changed_at)
         SELECT consumer, gen_random_uuid(), recipient, aggregate_type, '!' || number, sequence, position, event_type,
                'parked', 'infinity', now(), now()
           FROM consumer_ledger CROSS JOIN generate_series(1, $2) AS number
          WHERE aggregate_id = $1 AND state = 'parked'",
    );
    others.bind(&missed.id).bind(OTHERS).execute(&owner).await.unwrap();
    let mut session = owner.begin().await.unwrap();
    let lock = sqlx::query("SELECT FROM consumer_ledger WHERE aggregate_id = $1 AND state = 'waiting' FOR UPDATE");
    lock.bind(&locked.id).execute(&mut *session).await.unwrap();
    let ended =
        sqlx::query("UPDATE consumer_ledger SET state = 'discarded' WHERE aggregate_id = ANY($1) AND state = 'parked'");
    ended.bind(vec![missed.id.clone(), locked.id.clone()]).execute(shop.pool()).await.unwrap();

    // One that somebody else has locked holds up neither the others nor what is due.
    server.script(Fault::reply(Step::Recipient, 450, "busy").only_for("busy@example.com").times(1));
    let busy = shop.place_for("busy", "busy@example.com").await;
    shop.until(&busy, "OrderPlaced", "sent").await;
    shop.until(&missed, "OrderPaid", "sent").await;
    session.rollback().await.unwrap();
    shop.until(&locked, "OrderPaid", "sent").await;
    process.stop().await;
}
