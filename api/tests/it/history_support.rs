//! Long histories, made quickly.

use testkit::Db;

/// Adds `copies` of every order that there is, each under ids of its own. The log is dense as ever, and its times go
/// on; only the database's owner can write such a thing. Gives the position of the last event.
pub async fn multiply_orders(db: &Db, copies: i32) -> i64 {
    let pool = db.owner_pool().await;
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata,
                             position, event_id, recorded_at)
         SELECT e.aggregate_type, md5(format('%s %s %s', e.aggregate_id, copy, head.position))::uuid::text, e.sequence, e.event_type, e.event_version,
                e.payload, e.metadata, head.position + row_number() OVER (ORDER BY copy, e.position), gen_random_uuid(),
                head.recorded_at + copy * interval '1 millisecond'
           FROM events AS e
          CROSS JOIN generate_series(1, $1) AS copy
          CROSS JOIN (SELECT position, recorded_at FROM events ORDER BY position DESC LIMIT 1) AS head
          WHERE e.aggregate_type = 'order'",
    )
    .bind(copies)
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query("ANALYZE events").execute(&pool).await.unwrap();
    let head = sqlx::query_scalar("SELECT max(position) FROM events").fetch_one(&pool).await.unwrap();
    pool.close().await;
    head
}
