//! A new password for a forgotten one, by a link that only the owner of the address gets.

use super::{LinkToken, letters};
use crate::db;
use crate::schedule::Schedule;
use chrono::{DateTime, Utc};
use domain::ids::SubjectId;
use domain::text::Email;
use sqlx::PgPool;
use std::time::Duration;
use uuid::Uuid;

/// How long the link is good.
pub const LINK_LASTS: Duration = Duration::from_secs(60 * 60);
/// How many links of one member are good at a time: who asks for more gets none, as nobody may make another's void by
/// asking.
pub(super) const MAX_LINKS: i64 = 64;

/// Has the mail with the link written, if anybody has this address. Whether, is looked up when it is written.
pub async fn ask(schedule: &Schedule, email: &Email, lang: &str) -> Result<(), sqlx::Error> {
    letters::put_reset(schedule, email, lang).await
}

/// Whether a link is good.
pub async fn is_good(pool: &PgPool, token: &LinkToken, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let hash = token.hash();
    db::read(pool, async |session| {
        let find =
            sqlx::query_scalar("SELECT EXISTS (SELECT FROM password_resets WHERE token_hash = $1 AND expires_at > $2)");
        find.bind(&hash).bind(now).fetch_one(session).await
    })
    .await
}

/// Sets the password of whoever was sent the link: what was let in by the one before is let in no longer, and all links
/// to set one are void. Returns who it is, and [`Member::credentials`](super::Member::credentials) as they are now;
/// `None` for a link that is not good, or no longer.
pub async fn set_password(
    pool: &PgPool,
    token: &LinkToken,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<(SubjectId, i64)>, sqlx::Error> {
    let set = sqlx::query_as(
        // The member first: of two links that are used at once, one waits here and finds itself void.
        "WITH who AS MATERIALIZED (
             SELECT m.id FROM members AS m JOIN password_resets AS link ON link.member_id = m.id
              WHERE link.token_hash = $1 AND link.expires_at > $3 FOR UPDATE OF m),
         asked AS (
             DELETE FROM password_resets AS link USING who
              WHERE link.token_hash = $1 AND link.member_id = who.id RETURNING link.member_id),
         void AS (
             DELETE FROM password_resets AS other USING asked
              WHERE other.member_id = asked.member_id AND other.token_hash <> $1)
         UPDATE members SET password_hash = $2, credentials = credentials + 1, changed_at = $3
           FROM asked WHERE id = asked.member_id RETURNING id, credentials",
    );
    let set = set.bind(token.hash()).bind(hash).bind(now);
    let set: Option<(Uuid, i64)> = db::ask(pool, async |session| set.fetch_optional(session).await).await?;
    Ok(set.map(|(id, credentials)| (SubjectId(id), credentials)))
}
