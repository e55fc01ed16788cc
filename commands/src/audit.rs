//! Who ran the system, and how: a line for each action of an operator, in the table `operator_actions`.
//!
//! A line is appended in the transaction of the action itself ([`append`]), so that neither is there without the other.
//! An action without a transaction of its own, or one that was refused, has its line alone ([`record`]). Lines are
//! never changed. They hold no personal data: whoever acted is named by an id, and so is what was acted on.

use crate::db;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, PgPool, Row};
use std::borrow::Cow;

/// The most lines of one page.
pub const PAGE_LINES: u32 = 200;
/// The longest detail that is kept.
const MAX_DETAIL_CHARS: usize = 1_000;
/// The longest arguments that are kept whole. PostgreSQL writes them with more blanks than we do, and takes 4,096
/// bytes.
const MAX_ARGUMENTS_BYTES: usize = 3_500;
/// What is kept of each text of longer ones.
const MAX_CUT_CHARS: usize = 200;

/// What came of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// It was not possible, or not any more.
    Refused,
    /// It was begun, and went wrong.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Done, Self::Refused, Self::Failed];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// An action, as it is written down.
#[derive(Debug, Clone, PartialEq)]
pub struct Action<'a> {
    /// Who acts: a key's id, `staff:<account>`, or `cli:<user>@<host>`.
    pub actor: &'a str,
    /// What is done, for ever the same: `parked.retry`, `consumer.pause`, `projection.promote`.
    pub action: &'static str,
    /// To what: an item's number, the name of a group or projection. Empty where the arguments say it.
    pub target: &'a str,
    /// With what: an object, without personal data. Its texts are cut after 200 characters where it is longer than
    /// about 4 kB.
    pub arguments: Value,
    /// To how many things, where that can be counted.
    pub count: Option<u64>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why not, where it was not done. Cut after 1,000 characters.
    pub detail: Option<&'a str>,
}

impl<'a> Action<'a> {
    /// An action that was carried out, with nothing more to say of it.
    pub fn done(actor: &'a str, action: &'static str, target: &'a str) -> Self {
        let arguments = Value::Object(serde_json::Map::new());
        Self { actor, action, target, arguments, count: None, outcome: Outcome::Done, detail: None }
    }
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its number; later lines have higher ones.
    pub id: i64,
    /// When it was done.
    pub acted_at: DateTime<Utc>,
    /// Who did it; see [`Action`].
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: String,
    /// With what.
    pub arguments: Value,
    /// To how many things.
    pub count: Option<u64>,
    /// What came of it.
    pub outcome: Outcome,
    /// Why not.
    pub detail: Option<String>,
}

impl<'r> FromRow<'r, PgRow> for Line {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        let outcome: &str = row.try_get("outcome")?;
        let unknown =
            || sqlx::Error::ColumnDecode { index: "outcome".to_owned(), source: format!("`{outcome}`").into() };
        Ok(Self {
            id: row.try_get("id")?,
            acted_at: row.try_get("acted_at")?,
            actor: row.try_get("actor")?,
            action: row.try_get("action")?,
            target: row.try_get("target")?,
            arguments: row.try_get("arguments")?,
            count: row.try_get::<Option<i64>, _>("affected")?.map(i64::unsigned_abs),
            outcome: Outcome::parse(outcome).ok_or_else(unknown)?,
            detail: row.try_get("detail")?,
        })
    }
}

/// Appends a line in the transaction of its action: it is there if that commits.
pub async fn append(session: &mut PgConnection, action: &Action<'_>) -> Result<(), sqlx::Error> {
    let detail: Option<String> = action.detail.map(|detail| detail.chars().take(MAX_DETAIL_CHARS).collect());
    sqlx::query(
        "INSERT INTO operator_actions (acted_at, actor, action, target, arguments, affected, outcome, detail)
         VALUES (clock_timestamp(), $1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(action.actor)
    .bind(action.action)
    .bind(action.target)
    .bind(fitting(&action.arguments).as_ref())
    .bind(action.count.map(|count| i64::try_from(count).unwrap_or(i64::MAX)))
    .bind(action.outcome.as_str())
    .bind(detail)
    .execute(session)
    .await?;
    Ok(())
}

/// The arguments as they are kept: nothing is refused for a text that is long.
fn fitting(arguments: &Value) -> Cow<'_, Value> {
    let Value::Object(named) = arguments else { return Cow::Borrowed(arguments) };
    if arguments.to_string().len() <= MAX_ARGUMENTS_BYTES {
        return Cow::Borrowed(arguments);
    }
    let cut = |value: &Value| match value.as_str() {
        Some(text) if text.chars().count() > MAX_CUT_CHARS => {
            Value::from(text.chars().take(MAX_CUT_CHARS).chain(['…']).collect::<String>())
        }
        _ => value.clone(),
    };
    Cow::Owned(Value::Object(named.iter().map(|(name, value)| (name.clone(), cut(value))).collect()))
}

/// Appends a line by itself: of an action that was refused, or that has no transaction.
pub async fn record(pool: &PgPool, action: &Action<'_>) -> Result<(), sqlx::Error> {
    db::ask(pool, async |session| append(session, action).await).await
}

/// Appends a line of an action that was refused, and why. Where that can't be taken down the log says so: nothing was
/// done.
pub async fn record_refused(pool: &PgPool, action: Action<'_>, why: &str) {
    let action = Action { outcome: Outcome::Refused, detail: Some(why), ..action };
    if let Err(error) = record(pool, &action).await {
        tracing::warn!(action = action.action, actor = action.actor, %error, "what was refused could not be taken down");
    }
}

/// Which lines are asked for. What is `None` asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this actor.
    pub actor: Option<String>,
    /// Those of this action, or of all whose name begins like this, where it ends in a dot: `parked.`.
    pub action: Option<String>,
    /// Those about this.
    pub target: Option<String>,
}

/// The lines before the number `before` (`None` for the newest), the newest first: at most `limit`, and at most
/// [`PAGE_LINES`].
pub async fn list(pool: &PgPool, filter: &Filter, before: Option<i64>, limit: u32) -> Result<Vec<Line>, sqlx::Error> {
    db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT * FROM operator_actions
              WHERE id < coalesce($1, 9223372036854775807)
                AND ($2::text IS NULL OR actor = $2)
                AND ($3::text IS NULL OR action = $3 OR ($3 LIKE '%.' AND starts_with(action, $3)))
                AND ($4::text IS NULL OR target = $4)
              ORDER BY id DESC LIMIT $5",
        )
        .bind(before)
        .bind(filter.actor.as_deref())
        .bind(filter.action.as_deref())
        .bind(filter.target.as_deref())
        .bind(i64::from(limit.min(PAGE_LINES)))
        .fetch_all(session)
        .await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn arguments_that_are_long_are_cut_and_others_are_kept_whole() {
        let short = json!({ "consumer": "order_mail", "of": "é".repeat(500) });
        assert_eq!(*fitting(&short), short);
        let long = json!({ "consumer": "\u{1F600}".repeat(500), "of": "\u{1F600}".repeat(500), "before": 7 });
        let kept = fitting(&long);
        assert_eq!((&kept["before"], kept["of"].as_str().map(|text| text.chars().count())), (&json!(7), Some(201)));
        assert!(kept.to_string().len() <= MAX_ARGUMENTS_BYTES, "{}", kept.to_string().len());
    }
}
