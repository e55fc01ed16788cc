//! Relays: two at once, and one whose clock stands still in the middle of a transaction.

use super::APART;
use super::trial::{SOON, Trial};
use crate::shop_under_load::shop::{Role, Servers, Shop};
use crate::shop_under_load::staff::Member;
use nix::sys::signal::Signal;
use testkit::eventually;
use testkit::kafka::has_open_transaction;

/// How many commands succeed in between.
const BETWEEN: u64 = 10;
/// How often it is tried to stop a relay in the middle of a transaction, which takes it some milliseconds of every ten.
const STOPPED_AT_MOST: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_relays_each_event_is_published_once() {
    let servers = Servers::start();
    let shop = Shop::open(&servers, "relay").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await;
    trial
        .survives("a relay stopped past its transaction's time-out", async |trial| {
            let relay = stopped_in_a_transaction(trial).await;
            eventually("Kafka ends its transaction", SOON, async || match open(trial).await? {
                true => Err("it is open".to_owned()),
                false => Ok(()),
            })
            .await;
            trial.orders_go_on(BETWEEN).await;
            relay.program.signal(Signal::SIGCONT);
            trial.staff.put(relay);
        })
        .await;
    trial
        .survives("a stopped relay that comes back when another one leads", async |trial| {
            let relay = stopped_in_a_transaction(trial).await;
            trial.staff.hire(Role::Relay);
            trial.staff.ready().await;
            // The lease of somebody who is not heard of runs out.
            let head = trial.head().await;
            trial.kafka_reaches(head).await;
            let before = pauses(&relay);
            relay.program.signal(Signal::SIGCONT);
            eventually("it finds that it is not alone", SOON, async || pauses(&relay) > before).await;
            trial.orders_go_on(BETWEEN).await;
            trial.staff.put(relay);
        })
        .await;
    let effects = trial
        .survives("two relays at once", async |trial| {
            for _ in 0..4 {
                // The one that leads believes so for a while after another one does.
                let before: usize = trial.staff.members(Role::Relay).map(pauses).sum();
                end_leads(trial).await;
                let head = trial.head().await;
                trial.orders_go_on(BETWEEN).await;
                trial.kafka_reaches(head).await;
                eventually("it finds that it leads no more", SOON, async || {
                    trial.staff.members(Role::Relay).map(pauses).sum::<usize>() > before
                })
                .await;
            }
        })
        .await;
    assert_eq!(effects.unknown, 0, "no mail was cut off");
    trial.close().await;
}

/// Has the leads run out.
async fn end_leads(trial: &Trial<'_>) {
    let end = sqlx::query("UPDATE leases SET until = clock_timestamp() WHERE until > clock_timestamp()");
    assert!(end.execute(&trial.shop.db.pool().await).await.unwrap().rows_affected() > 0);
}

/// How often a relay has stopped and begun anew: as it does not lead any more, or as Kafka has fenced it off.
fn pauses(relay: &Member) -> usize {
    relay.program.stderr().matches("the relay pauses").count()
}

/// Whether a transaction is open, as soon as Kafka says.
async fn is_open(trial: &Trial<'_>) -> bool {
    eventually("Kafka answers", SOON, async || open(trial).await).await
}

async fn open(trial: &Trial<'_>) -> Result<bool, String> {
    has_open_transaction(&trial.servers.kafka.brokers(), &format!("{}orders.events", trial.shop.prefix)).await
}

/// Stops the only relay when it has produced and not yet committed.
async fn stopped_in_a_transaction(trial: &mut Trial<'_>) -> Member {
    for _ in 0..STOPPED_AT_MOST {
        let relay = trial.staff.take(Role::Relay);
        relay.program.signal(Signal::SIGSTOP);
        // Looked at twice, as Kafka may just be about to end it, having been told to.
        if is_open(trial).await && is_open(trial).await {
            return relay;
        }
        relay.program.signal(Signal::SIGCONT);
        trial.staff.put(relay);
        trial.orders_go_on(1).await;
    }
    panic!("stopped {STOPPED_AT_MOST} times, and never in a transaction");
}
