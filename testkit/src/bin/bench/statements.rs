//! What PostgreSQL spent its time on, as `pg_stat_statements` counts it.

use sqlx::{Connection, Executor, PgConnection};
use testkit::postgres::PostgresServer;

/// Shows the statements that took most, of all databases, and counts anew.
pub async fn tell(server: &PostgresServer) {
    let mut session = PgConnection::connect(&server.superuser_url("postgres")).await.expect("the server answers");
    session
        .execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        .await
        .expect("PostgreSQL's contributed modules");
    let top: Vec<(i64, f64, f64, String)> = sqlx::query_as(
        "SELECT calls, total_exec_time / 1000, 1000 * mean_exec_time, left(regexp_replace(query, '\\s+', ' ', 'g'), 90)
           FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT 10",
    )
    .fetch_all(&mut session)
    .await
    .expect("the statements are counted");
    eprintln!("  {:>9} {:>9} {:>9}  statement", "calls", "total s", "mean µs");
    for (calls, total_s, mean_us, statement) in top {
        eprintln!("  {calls:>9} {total_s:>9.2} {mean_us:>9.0}  {statement}");
    }
    session.execute("SELECT pg_stat_statements_reset()").await.expect("they can be counted anew");
}
