//! What is outside the log: the stream in Kafka, the mails, and the ledger of both.

use super::audit::Effect;
use super::figures::Effects;
use super::shop::{BOUND, Post, Shop};
use sqlx::PgPool;
use std::collections::HashMap;
use testkit::eventually;

/// The events that call for a mail.
const MAILED: [&str; 2] = ["OrderPlaced", "OrderPaid"];

/// Lets the time come at which leases of dead processes have run out, and whatever waits is due. Nothing of the shop
/// runs.
pub async fn let_leases_run_out(superuser: &PgPool) {
    sqlx::query(
        "UPDATE consumer_ledger SET due_at = now()
          WHERE state IN ('claimed', 'sending', 'waiting') AND due_at < 'infinity'",
    )
    .execute(superuser)
    .await
    .unwrap();
}

/// Waits until Kafka holds every event of an order once, and in order.
pub async fn streamed_once(shop: &Shop, events: &[&Effect]) {
    let expected = by_order(events.iter().map(|event| (event.order.clone(), event.event_id.clone())));
    eventually("every event is in Kafka", BOUND, async || {
        let records = shop.records().await;
        let id = |name| move |record: &testkit::kafka::Record| record.header(name).unwrap_or_default().to_owned();
        if records.len() < events.len() {
            return Err(format!("{} of {}", records.len(), events.len()));
        }
        let streamed = by_order(records.iter().map(|record| (record.key_text().to_owned(), id("ce_id")(record))));
        for (order, ids) in &expected {
            assert_eq!(streamed.get(order), Some(ids), "the stream of order {order}");
        }
        assert_eq!(records.len(), events.len(), "records of no event");
        Ok(())
    })
    .await;
}

fn by_order(events: impl Iterator<Item = (String, String)>) -> HashMap<String, Vec<String>> {
    let mut by_order: HashMap<String, Vec<String>> = HashMap::new();
    events.for_each(|(order, id)| by_order.entry(order).or_default().push(id));
    by_order
}

/// One entry of the ledger.
#[derive(Debug, sqlx::FromRow)]
struct Entry {
    event_id: String,
    state: String,
    message_id: Option<String>,
    reason: Option<String>,
    /// Whom it is for: the customer, as the order was placed.
    email: Option<String>,
}

/// Waits until every event that calls for a mail has its entry in the ledger, sent or unknown, and compares these with
/// the mailboxes.
pub async fn mailed_once(shop: &Shop, superuser: &PgPool, mail: &Post, events: &[&Effect]) -> Effects {
    let mut expected: Vec<&str> = events
        .iter()
        .filter(|event| MAILED.contains(&event.event_type.as_str()))
        .map(|event| event.event_id.as_str())
        .collect();
    expected.sort_unstable();
    let entries = eventually("every mail is sent or unknown", BOUND, async || {
        let entries: Vec<Entry> = sqlx::query_as(
            "SELECT event_id::text, state, message_id, reason,
                    (SELECT payload->'OrderPlaced'->'customer'->>'email' FROM events AS placed
                      WHERE placed.aggregate_type = entry.aggregate_type AND placed.aggregate_id = entry.aggregate_id
                        AND event_type = 'OrderPlaced') AS email
               FROM consumer_ledger AS entry WHERE consumer = 'order_mail' ORDER BY event_id::text",
        )
        .fetch_all(superuser)
        .await
        .unwrap();
        let open: Vec<&Entry> = entries.iter().filter(|entry| !["sent", "unknown"].contains(&&*entry.state)).collect();
        if entries.len() < expected.len() || !open.is_empty() {
            let first = open.first().map(|entry| (&entry.state, &entry.reason));
            let (noted, open) = (entries.len(), open.len());
            return Err(format!("{noted} entries for {} mails; {open} open, such as {first:?}", expected.len()));
        }
        Ok(entries)
    })
    .await;
    let noted: Vec<&str> = entries.iter().map(|entry| entry.event_id.as_str()).collect();
    assert_eq!(noted, expected, "entries of the ledger, and the events that call for a mail");
    compare_with_mailboxes(&entries, mail.arrived(&shop.prefix))
}

/// Each mail that is sent has arrived once, each that is unknown at most once, at its customer's; and no other has.
fn compare_with_mailboxes(entries: &[Entry], mut arrived: HashMap<String, Vec<String>>) -> Effects {
    let mut figures = Effects::default();
    for entry in entries {
        let copies = entry.message_id.as_ref().and_then(|id| arrived.remove(id)).unwrap_or_default();
        match (entry.state.as_str(), copies.as_slice()) {
            ("sent", [to]) if Some(to) == entry.email.as_ref() => figures.sent += 1,
            ("unknown", []) => figures.unknown += 1,
            ("unknown", [to]) if Some(to) == entry.email.as_ref() => {
                figures.unknown += 1;
                figures.unknown_arrived += 1;
            }
            _ => panic!("the mail of {entry:?} arrived at {copies:?}"),
        }
    }
    assert!(arrived.is_empty(), "mails of no entry of the ledger: {arrived:?}");
    figures
}
