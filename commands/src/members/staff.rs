//! Members as staff see them: finding one, and keeping one out.

use super::Member;
use crate::db;
use chrono::{DateTime, Utc};
use domain::ids::SubjectId;
use sqlx::PgPool;
use uuid::Uuid;

/// Which members are listed: all that fit everything said here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted<'w> {
    /// Those whose address, given or family name begins like this, in any case.
    pub begins: Option<&'w str>,
    /// Those who are kept out, or the others.
    pub disabled: Option<bool>,
}

/// The members behind `after`, the newest first; at most `limit`.
pub async fn list(
    pool: &PgPool,
    wanted: &Wanted<'_>,
    after: Option<SubjectId>,
    limit: u32,
) -> Result<Vec<Member>, sqlx::Error> {
    let kind = match wanted.disabled {
        None => "",
        Some(true) => "AND disabled_at IS NOT NULL",
        Some(false) => "AND disabled_at IS NULL",
    };
    // Two texts: the indexes serve a search only where there is one.
    let search = match wanted.begins {
        None => "",
        Some(_) => "AND (email_key LIKE $3 OR lower(first_name) LIKE $3 OR lower(last_name) LIKE $3)",
    };
    // Ids are made in the order of time. Every member's is below the highest.
    let sql = format!("SELECT * FROM members WHERE id < $1 {kind} {search} ORDER BY id DESC LIMIT $2");
    let after = after.map_or(Uuid::max(), |id| id.0);
    let pattern = wanted.begins.map(|text| format!("{}%", literally(&text.to_lowercase())));
    db::read(pool, async |session| {
        let list = sqlx::query_as(&sql).bind(after).bind(i64::from(limit));
        match &pattern {
            Some(pattern) => list.bind(pattern).fetch_all(session).await,
            None => list.fetch_all(session).await,
        }
    })
    .await
}

/// The text as a pattern that stands for nothing else.
fn literally(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for char in text.chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern
}

/// Keeps a member out: what they are logged in with is let in no longer, nor is their password, and a link to set
/// another is void. Doing it twice is doing it once; says whether there is such a member.
pub async fn disable(pool: &PgPool, id: SubjectId, who: &str, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let disable = sqlx::query(
        "WITH void AS (DELETE FROM password_resets WHERE member_id = $1)
         UPDATE members
            SET credentials = credentials + CASE WHEN disabled_at IS NULL THEN 1 ELSE 0 END,
                disabled_at = coalesce(disabled_at, $3), disabled_by = coalesce(disabled_by, $2), changed_at = $3
          WHERE id = $1",
    );
    let disable = disable.bind(id.0).bind(who).bind(now);
    Ok(db::ask(pool, async |session| disable.execute(session).await).await?.rows_affected() == 1)
}

/// Lets a member in again, with the password that they had. Says whether there is such a member.
pub async fn enable(pool: &PgPool, id: SubjectId, now: DateTime<Utc>) -> Result<bool, sqlx::Error> {
    let enable =
        sqlx::query("UPDATE members SET disabled_at = NULL, disabled_by = NULL, changed_at = $2 WHERE id = $1");
    let enable = enable.bind(id.0).bind(now);
    Ok(db::ask(pool, async |session| enable.execute(session).await).await?.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_no_pattern() {
        assert_eq!(literally("a_b%c\\"), "a\\_b\\%c\\\\");
    }
}
