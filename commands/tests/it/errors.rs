//! What an error of PostgreSQL says about the statement: undone without doubt, or not.

use commands::db::surely_undone;
use testkit::postgres::Db;

#[tokio::test]
async fn only_what_the_server_itself_refused_is_surely_undone() {
    let db = Db::new().await;
    let pool = db.pool().await;
    for (code, undone) in [
        ("23505", true),  // unique_violation
        ("22021", true),  // character_not_in_repertoire
        ("40001", true),  // serialization_failure
        ("53100", true),  // disk_full
        ("55P03", true),  // lock_not_available
        ("57014", true),  // query_canceled
        ("08006", false), // connection_failure, as a proxy reports it
        ("40003", false), // statement_completion_unknown
    ] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'tried' USING ERRCODE = '{code}'; END $$");
        let error = sqlx::query(&raise).execute(&pool).await.unwrap_err();
        assert_eq!(surely_undone(&error), undone, "{code}: {error}");
    }
    // FATAL: the server process ends, and whether it committed before is another question.
    let ended = sqlx::query("SELECT pg_terminate_backend(pg_backend_pid())").execute(&pool).await.unwrap_err();
    assert!(!surely_undone(&ended), "{ended}");
    assert!(!surely_undone(&sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())));
    assert!(!surely_undone(&sqlx::Error::Protocol("a reply that the driver does not understand".to_owned())));
}

/// Whoever asks may stop waiting before the question's own bound; what is asked on the one connection next is answered.
#[tokio::test]
async fn a_question_that_nobody_waits_for_keeps_no_place_in_the_pool() {
    let db = Db::new().await;
    let pool = commands::db::connect(&db.app_url(), 1).await.unwrap();
    let slow = commands::db::read(&pool, async |session| sqlx::query("SELECT pg_sleep(60)").execute(session).await);
    assert!(tokio::time::timeout(std::time::Duration::from_millis(200), slow).await.is_err());
    let next = commands::db::read(&pool, async |session| sqlx::query("SELECT 1").execute(session).await).await;
    assert!(next.is_ok(), "{next:?}");
}
