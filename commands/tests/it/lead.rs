//! One leads, the others stand by, and the lead is followed when its holder sets it free or vanishes.

use crate::gate::BOUND;
use chrono::{DateTime, Utc};
use commands::lead::held;
use commands::{Lead, Log, db};
use testkit::eventually;
use testkit::postgres::Db;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// One running program.
async fn instance(db: &Db) -> (Log, DropGuard) {
    let stop = CancellationToken::new();
    // Who waits for the lead and is not polled meanwhile may keep a connection.
    let pool = db::connect(&db.app_url(), 4).await.unwrap();
    let log = Log::open(pool, stop.clone(), &TaskTracker::new()).await.unwrap();
    (log, stop.drop_guard())
}

#[tokio::test]
async fn one_leads_until_it_sets_the_lead_free() {
    let db = Db::new().await;
    let ((one, _stop_one), (another, _stop_another)) = (instance(&db).await, instance(&db).await);
    let first = Lead::acquire(&one, "relay").await.unwrap();
    let waits = another.clone();
    let second = tokio::spawn(async move { Lead::acquire(&waits, "relay").await });
    let other = Lead::acquire(&another, "another").await.unwrap();
    let leases = held(another.pool()).await.unwrap();
    let told: Vec<_> = leases.iter().map(|lease| (lease.name.as_str(), lease.holder, lease.token)).collect();
    assert_eq!(told, [("another", another.instance(), 1), ("relay", one.instance(), 1)]);

    assert!(!second.is_finished(), "it stands by");

    first.release().await;
    let second = tokio::time::timeout(BOUND, second).await.expect("it hears").unwrap().unwrap();
    assert_eq!((second.token(), other.token()), (2, 1));
}

#[tokio::test]
async fn a_holder_that_vanishes_is_followed_and_can_renew_nothing() {
    let db = Db::new().await;
    let ((one, _stop_one), (another, _stop_another)) = (instance(&db).await, instance(&db).await);
    let first = Lead::acquire(&one, "relay").await.unwrap();
    // As when the process was stopped for longer than the lease lasts, or its clock was.
    sqlx::query("UPDATE leases SET until = clock_timestamp()").execute(one.pool()).await.unwrap();
    let second = tokio::time::timeout(BOUND, Lead::acquire(&another, "relay")).await.expect("it hears").unwrap();
    assert_eq!(second.token(), 2);
    tokio::time::timeout(BOUND, first.lost()).await.expect("the first hears");
    first.release().await;
    assert_eq!(held(another.pool()).await.unwrap()[0].holder, another.instance());

    // Dropped without a word, as by a kill.
    drop(second);
    let third = tokio::time::timeout(BOUND, Lead::acquire(&one, "relay")).await.expect("the lease runs out").unwrap();
    assert_eq!(third.token(), 3);
}

#[tokio::test]
async fn a_lease_from_before_the_clock_was_set_back_binds_nobody() {
    let db = Db::new().await;
    let ((one, _stop_one), (another, _stop_another)) = (instance(&db).await, instance(&db).await);
    let first = Lead::acquire(&one, "relay").await.unwrap();
    drop(first);
    sqlx::query("UPDATE leases SET until = clock_timestamp() + interval '1 hour'").execute(one.pool()).await.unwrap();
    let second = tokio::time::timeout(BOUND, Lead::acquire(&another, "relay")).await.expect("it is free").unwrap();
    assert_eq!(second.token(), 2);
}

#[tokio::test]
async fn a_holder_that_lives_renews_its_lease() {
    let db = Db::new().await;
    let (log, _stop) = instance(&db).await;
    let lead = Lead::acquire(&log, "relay").await.unwrap();
    let until = async || -> DateTime<Utc> {
        sqlx::query_scalar("SELECT until FROM leases").fetch_one(log.pool()).await.unwrap()
    };
    let first = until().await;
    eventually("it is renewed", BOUND, async || until().await > first).await;
    assert_eq!(lead.token(), 1);
}
