//! A member's cart: one, whichever session it is filled from.

use crate::db;
use chrono::{DateTime, Utc};
use domain::ids::SubjectId;
use sqlx::PgPool;
use uuid::Uuid;

/// The member's cart, if there is one.
pub async fn find(pool: &PgPool, member: SubjectId) -> Result<Option<Uuid>, sqlx::Error> {
    db::read(pool, async |session| {
        sqlx::query_scalar("SELECT id FROM carts WHERE member_id = $1").bind(member.0).fetch_optional(session).await
    })
    .await
}

/// The member's cart; made now if there is none.
pub async fn of_member(pool: &PgPool, member: SubjectId, now: DateTime<Utc>) -> Result<Uuid, sqlx::Error> {
    let make = sqlx::query_scalar(
        "INSERT INTO carts (id, member_id, content_id, created_at, changed_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (member_id) DO UPDATE SET member_id = excluded.member_id RETURNING id",
    );
    let make = make.bind(Uuid::new_v4()).bind(member.0).bind(Uuid::new_v4()).bind(now);
    db::ask(pool, async |session| make.fetch_one(session).await).await
}
