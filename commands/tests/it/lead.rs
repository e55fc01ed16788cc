//! One leads, the others stand by, and the lead goes with the session.

use crate::gate::BOUND;
use commands::Lead;
use futures::poll;
use testkit::postgres::Db;

#[tokio::test]
async fn one_leads_until_its_session_ends() {
    let db = Db::new().await;
    let pool = db.pool().await;
    let mut first = Lead::acquire(&pool, "relay").await.unwrap();
    let mut lost = Box::pin(first.lost());
    let mut second = Box::pin(Lead::acquire(&pool, "relay"));
    assert!(poll!(&mut second).is_pending());
    Lead::acquire(&pool, "another").await.unwrap();
    assert!(poll!(&mut second).is_pending() && poll!(&mut lost).is_pending());

    let admin = db.superuser_pool().await;
    sqlx::query(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .execute(&admin)
    .await
    .unwrap();
    let (taken_over, ()) = tokio::time::timeout(BOUND, async { tokio::join!(second, lost) }).await.expect("both hear");
    taken_over.unwrap();
}
