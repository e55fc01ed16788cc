//! The PostgreSQL server and the databases in it.

use std::time::Duration;

use sqlx::{Connection, PgConnection};
use testkit::postgres::{OWNER, PostgresServer};
use testkit::{Db, eventually};

/// Against hanging alone: longer than anything here takes on a machine that builds beside it.
const BOUND: Duration = Duration::from_secs(180);

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (one, other) = (Db::new().await, Db::new().await);
    assert_ne!(one.name(), other.name());
    sqlx::query("CREATE TABLE mine (n int)").execute(&one.owner_pool().await).await.unwrap();
    let seen: Option<String> =
        sqlx::query_scalar("SELECT to_regclass('mine')::text").fetch_one(&other.owner_pool().await).await.unwrap();
    assert_eq!(seen, None);
}

#[tokio::test]
async fn acknowledged_means_synced() {
    let db = Db::new().await;
    let pool = db.pool().await;
    for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
        let value: String =
            sqlx::query_scalar("SELECT current_setting($1)").bind(setting).fetch_one(&pool).await.unwrap();
        assert_eq!(value, "on", "{setting}");
    }
}

#[tokio::test]
async fn the_program_is_neither_owner_nor_superuser() {
    let db = Db::new().await;
    let (owner, superuser): (bool, bool) = sqlx::query_as(
        "SELECT pg_has_role(current_user, datdba, 'member'), rolsuper
           FROM pg_database, pg_roles WHERE datname = current_database() AND rolname = current_user",
    )
    .fetch_one(&db.pool().await)
    .await
    .unwrap();
    assert!(!owner && !superuser);

    let pool = db.owner_pool().await;
    let role: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(&pool).await.unwrap();
    assert_eq!(role, OWNER);
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let db = Db::new().await;
    let (role, address) =
        db.app_url().split_once('@').map(|(left, right)| (left.to_owned(), right.to_owned())).unwrap();
    let role = role.rsplit_once(':').unwrap().0.to_owned();
    assert!(PgConnection::connect(&format!("{role}:wrong@{address}")).await.is_err());
}

/// How many databases the test below makes for others to be dropped with.
const MOST_OTHERS: u32 = 64;

#[tokio::test]
async fn databases_of_ended_tests_go_also_with_connections_open() {
    let db = Db::new().await;
    let (name, _pool) = (db.name().to_owned(), db.pool().await);
    let mut admin = PgConnection::connect(&db.server().superuser_url("postgres")).await.unwrap();
    drop(db);
    // They go in batches: a few full ones are enough, and more would only keep a slow disk busy.
    let mut others = 0..MOST_OTHERS;
    eventually("the database is dropped", BOUND, async || {
        if others.next().is_some() {
            drop(Db::new().await);
        }
        let databases: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_database WHERE datname = $1")
            .bind(&name)
            .fetch_one(&mut admin)
            .await
            .unwrap();
        databases == 0
    })
    .await;
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_it_acknowledged() {
    let server = PostgresServer::start();
    let db = server.database().await;
    let pool = db.owner_pool().await;
    sqlx::query("CREATE TABLE kept (n int)").execute(&pool).await.unwrap();
    for (n, end) in [PostgresServer::kill, PostgresServer::stop_immediate, PostgresServer::stop].into_iter().enumerate()
    {
        let n = i32::try_from(n).unwrap();
        sqlx::query("INSERT INTO kept VALUES ($1)").bind(n).execute(&pool).await.unwrap();
        let port = server.port();
        end(&server);
        assert!(PgConnection::connect(&db.owner_url()).await.is_err(), "it is away");
        server.restart();
        assert_eq!(server.port(), port);
        let rows = eventually("the pool has reconnected", BOUND, async || {
            sqlx::query_scalar::<_, i32>("SELECT n FROM kept ORDER BY n").fetch_all(&pool).await
        })
        .await;
        assert_eq!(rows, (0..=n).collect::<Vec<_>>());
    }
}
