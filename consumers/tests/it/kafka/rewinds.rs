//! Orders to go back that come late, or one after the other.

use super::group::{all_committed, rewind};
use super::settings;
use crate::groups::until;
use crate::process::{Plan, Process, SOON};
use crate::shop::Shop;
use consumers::groups::{self, GroupError, Rewound, To};
use domain::Position;
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::eventually;
use testkit::smtp::Scripted;

const MAIL: &str = "order_mail";
/// More than a member takes at once, so that it is still far from the end when it looks at what is ordered.
const ORDERS: usize = 700;
const FORGOTTEN: usize = 60;

/// Has the ledger forget what it knows of the last events up to a position: whoever is handed them again acts on them.
async fn forget(shop: &Shop, up_to: Position, count: usize) {
    let owner = shop.db.owner_pool().await;
    let forgotten = sqlx::query(
        "DELETE FROM consumer_ledger WHERE id IN (SELECT id FROM consumer_ledger WHERE consumer = $1 AND position <= $2
                                                   ORDER BY position DESC LIMIT $3)",
    )
    .bind(MAIL)
    .bind(up_to.as_i64())
    .bind(i64::try_from(count).unwrap());
    assert_eq!(forgotten.execute(&owner).await.unwrap().rows_affected(), count as u64);
}

async fn sent(server: &Scripted, count: usize) {
    eventually(&format!("{count} mails are sent"), Duration::from_secs(120), async || {
        let sent = server.attempts().len();
        if sent >= count { Ok(()) } else { Err(sent) }
    })
    .await;
    assert_eq!(server.attempts().len(), count);
}

/// Somebody confirms an old page after the group was set back to the beginning: it has not been handed yet what it
/// would leave out.
#[tokio::test]
async fn a_late_order_moves_no_group_forward() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    shop.place_many(ORDERS).await;
    sent(&server, ORDERS).await;
    until(&shop, "it is up to date", |group| group.lag.events == 0).await;
    let head = shop.log.head().await.unwrap();
    let late = Position(head.0 / 7 * 6);
    let old_page = groups::preview(&shop.log, MAIL, To::Position(late), |_, _| {}).await.unwrap();
    assert!(old_page.events > 0 && old_page.acts == 0, "{old_page:?}");
    let mut forged = old_page.clone();
    (forged.position, forged.events) = (head.0 + 1_000_000, 0);
    let refused = groups::rewind(&shop.log, &forged, "an operator", |_, _| {}).await;
    assert!(matches!(refused, Err(GroupError::BeyondHead { .. })), "{refused:?}");
    process.stop().await;

    rewind(&kafka).await;
    let at_beginning = sqlx::query("UPDATE consumer_progress SET position = 0, log_offset = -1 WHERE consumer = $1");
    at_beginning.bind(MAIL).execute(shop.pool()).await.unwrap();
    let refused = groups::rewind(&shop.log, &old_page, "an operator", |_, _| {}).await.unwrap();
    let Rewound::Changed(now) = refused else { panic!("{refused:?}") };
    assert!((now.events, now.acts) == (0, 0) && now.is_empty(), "{now:?}");
    // And one that was written down in the moment before.
    let ordered = sqlx::query(
        "INSERT INTO consumer_rewinds (consumer, topic, partition, position, ordered_at)
         SELECT consumer, topic, partition, $2, now() FROM consumer_progress WHERE consumer = $1",
    );
    ordered.bind(MAIL).bind(late.as_i64()).execute(shop.pool()).await.unwrap();
    forget(&shop, late, FORGOTTEN).await;

    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    until(&shop, "the order has ended", |group| group.rewinding.is_empty()).await;
    sent(&server, ORDERS + FORGOTTEN).await;
    eventually("the group has read all again", SOON, async || all_committed(&kafka)).await;
    assert_eq!(server.attempts().len(), ORDERS + FORGOTTEN);
    let ids: BTreeSet<_> = server.attempts().iter().map(|attempt| attempt.mail.message_id().unwrap()).collect();
    assert_eq!(ids.len(), ORDERS);
    process.stop().await;
}

#[tokio::test]
async fn of_two_orders_one_after_the_other_the_one_that_goes_further_back_holds() {
    let (server, shop, kafka) = (Scripted::start(), Shop::open().await, settings());
    let process = Process::start(&shop, Plan::new(kafka.clone(), &server.url()));
    shop.place_many(40).await;
    sent(&server, 40).await;
    until(&shop, "it is up to date", |group| group.lag.events == 0).await;
    let half = Position(shop.log.head().await.unwrap().0 / 2);
    forget(&shop, half, 5).await;
    let part = groups::preview(&shop.log, MAIL, To::Position(half), |_, _| {}).await.unwrap();
    let whole = groups::preview(&shop.log, MAIL, To::Position(Position::ORIGIN), |_, _| {}).await.unwrap();
    assert_eq!((whole.events, whole.acts, part.acts), (40, 5, 0));
    assert_eq!(groups::rewind(&shop.log, &whole, "an operator", |_, _| {}).await.unwrap(), Rewound::Instructed);
    // Refused once the first is under way, and of no more effect before.
    let _ = groups::rewind(&shop.log, &part, "an operator", |_, _| {}).await.unwrap();
    sent(&server, 45).await;
    until(&shop, "it has read all again", |group| group.rewinding.is_empty() && group.lag.events == 0).await;
    assert_eq!(server.attempts().len(), 45);
    process.stop().await;
}
