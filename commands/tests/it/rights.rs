//! History can't be changed by the program: a matter of grants.

use crate::shop::Shop;
use commands::{Log, LogError, db};
use testkit::postgres::Db;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

async fn open(url: &str) -> Result<Log, LogError> {
    let pool = db::connect(url, 2).await.unwrap();
    Log::open(pool, CancellationToken::new(), &TaskTracker::new()).await
}

#[tokio::test]
async fn owner_and_superuser_are_refused() {
    let db = Db::new().await;
    for (url, why) in [(db.owner_url(), "the owner"), (db.superuser_url(), "a superuser")] {
        let error = open(&url).await.err().expect("refused").to_string();
        assert!(error.contains(why) && error.contains("CREATE ROLE"), "{error}");
    }
}

#[tokio::test]
async fn a_database_that_is_not_migrated_is_refused_with_what_to_do() {
    let db = Db::empty().await;
    let error = open(&db.app_url()).await.err().expect("refused").to_string();
    assert!(error.contains("orders migrate"), "{error}");
}

#[tokio::test]
async fn the_program_can_neither_change_nor_delete_events() {
    let db = Db::new().await;
    Shop::with_products(&db).await.place("TEA", 1).await;
    let pool = db.pool().await;
    for sql in [
        "UPDATE events SET payload = '{}'",
        "DELETE FROM events",
        "TRUNCATE events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "UPDATE log_head SET epoch = 2",
        "UPDATE idempotency_keys SET status = 200",
    ] {
        let error = sqlx::query(sql).execute(&pool).await.expect_err(sql);
        let code = error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn even_the_owner_is_told_that_history_stands() {
    let db = Db::new().await;
    Shop::with_products(&db).await.place("TEA", 1).await;
    let pool = db.owner_pool().await;
    for sql in ["UPDATE events SET payload = '{}'", "DELETE FROM events", "TRUNCATE events"] {
        let error = sqlx::query(sql).execute(&pool).await.expect_err(sql).to_string();
        assert!(error.contains("never changed"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn sessions_pin_what_promises_rest_on() {
    let db = Db::new().await;
    let shop = Shop::open(&db).await;
    let owner = db.superuser_pool().await;
    sqlx::query("ALTER ROLE orders_login SET synchronous_commit = off").execute(&owner).await.unwrap();
    let session = db::connect(&db.app_url(), 1).await.unwrap();
    let pinned: (String, String) =
        sqlx::query_as("SELECT current_setting('synchronous_commit'), current_setting('transaction_isolation')")
            .fetch_one(&session)
            .await
            .unwrap();
    sqlx::query("ALTER ROLE orders_login RESET synchronous_commit").execute(&owner).await.unwrap();
    assert_eq!(pinned, ("on".to_owned(), "read committed".to_owned()));
    drop(shop);
}
