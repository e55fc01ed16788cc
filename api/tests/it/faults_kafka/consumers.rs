//! Consumers: killed and rebalanced while mails are on their way, and set back to the beginning.

use super::trial::{SOON, Trial, script};
use super::{APART, scripted};
use crate::shop_under_load::shop::{Role, Shop};
use sqlx::types::Uuid;
use testkit::eventually;
use testkit::kafka::{group_progress, rewind};
use testkit::smtp::{Fault, Step};

/// How many mails have been sent in full, and wait for the server's word, when a consumer is killed.
const IN_MID_SEND: usize = 3;
/// How many commands succeed in between.
const BETWEEN: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_happens_to_consumers_nobody_is_written_to_twice() {
    let servers = scripted();
    let shop = Shop::open(&servers, "consumers").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await;
    let mut cut_off = 0;
    let killed = async |trial: &mut Trial<'_>| cut_off = killed_in_mid_send(trial).await;
    let effects = trial.survives("a consumer killed and rebalanced in mid-send", killed).await;
    assert_eq!(effects.unknown, cut_off, "those that it was sending, and no others");
    let effects = trial.survives("the group set back to the beginning", set_back).await;
    assert_eq!(effects.unknown, cut_off);
    trial.close().await;
}

/// Says how many mails it was sending.
async fn killed_in_mid_send(trial: &mut Trial<'_>) -> usize {
    let server = script(trial);
    // The product waits for half a minute, so the consumer is killed meanwhile; else it notes the same.
    server.script(Fault::fall_silent(Step::EndOfData).times(IN_MID_SEND));
    eventually("mails wait for the server's word", SOON, async || {
        let waiting = server.attempts().iter().filter(|attempt| !attempt.acknowledged).count();
        if waiting >= IN_MID_SEND { Ok(()) } else { Err(waiting.to_string()) }
    })
    .await;
    let doomed: Vec<Uuid> =
        sqlx::query_scalar("SELECT DISTINCT owner FROM consumer_ledger").fetch_all(&trial.admin).await.unwrap();
    // Another one joins: partitions are taken from the first in mid-send.
    trial.staff.hire(Role::Consumers);
    trial.staff.ready().await;
    eventually("the other one works too", SOON, async || {
        let others = "SELECT count(*) FROM consumer_ledger WHERE owner <> ALL ($1) AND state = 'sent'";
        let sent: i64 = sqlx::query_scalar(others).bind(&doomed).fetch_one(&trial.admin).await.unwrap();
        sent > 0
    })
    .await;
    trial.staff.take(Role::Consumers).program.kill9();
    trial.orders_go_on(BETWEEN).await;
    // Its leases run out.
    let cut_off: i64 = sqlx::query_scalar(
        "WITH ended AS (
             UPDATE consumer_ledger SET due_at = now() WHERE owner = ANY ($1) AND state IN ('claimed', 'sending')
             RETURNING state)
         SELECT (SELECT count(*) FROM ended WHERE state = 'sending')
              + (SELECT count(*) FROM consumer_ledger WHERE state = 'unknown')",
    )
    .bind(&doomed)
    .fetch_one(&trial.admin)
    .await
    .unwrap();
    let cut_off = usize::try_from(cut_off).unwrap();
    assert!(cut_off >= IN_MID_SEND, "{cut_off}");
    trial.staff.hire(Role::Consumers);
    cut_off
}

async fn set_back(trial: &mut Trial<'_>) {
    let head = trial.head().await;
    trial.mails_reach(head).await;
    let mut consumers = [trial.staff.take(Role::Consumers), trial.staff.take(Role::Consumers)];
    for consumer in &mut consumers {
        consumer.program.sigterm();
        consumer.ends().await;
    }
    let brokers = trial.servers.kafka.brokers();
    let names = ["order_mail", "orders.events"].map(|name| format!("{}{name}", trial.shop.prefix));
    let [group, topic] = &names;
    let before = group_progress(&brokers, group, topic).await.unwrap();
    let mails = script(trial).attempts().len();
    eventually("the group is set back", SOON, async || rewind(&brokers, group, topic).await).await;
    assert_eq!(group_progress(&brokers, group, topic).await, Ok(0));
    trial.staff.hire(Role::Consumers);
    trial.staff.hire(Role::Consumers);
    trial.orders_go_on(BETWEEN).await;
    let head = trial.head().await;
    trial.mails_reach(head).await;
    assert!(script(trial).attempts().len() > mails, "what is new goes out");
    eventually("the group has read again what it had read", SOON, async || {
        let now = group_progress(&brokers, group, topic).await?;
        if now >= before { Ok(()) } else { Err(format!("{now} of {before}")) }
    })
    .await;
}
