//! The issues of the newsletter. Answers the list of the staff pages; what an issue says is read from its own history.

use crate::read::{Plan, rows_of};
use crate::{Page, Projection, ProjectionError, ReadError, Seen, ViewTransaction, Views, Wants};
use chrono::{DateTime, Utc};
use commands::db::column;
use domain::newsletter::NewsletterEvent;
use domain::{Event, Recorded};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::types::Uuid;
use sqlx::{FromRow, Postgres, Row};
use std::collections::{BTreeMap, BTreeSet};

/// The issues, one row each.
pub struct Newsletters;

impl Projection for Newsletters {
    const NAME: &'static str = "newsletters";
    const VERSION: u32 = 1;
    const TABLES: &'static str = include_str!("newsletters.sql");
    const WANTS: Wants = Wants::types(NewsletterEvent::TYPES);

    /// Reads the issues that the batch touches, folds its events into them, and writes them back whole.
    async fn apply(batch: &[&Recorded<Event>], view: &mut ViewTransaction<'_>) -> Result<(), ProjectionError> {
        let mut issues = known(batch, view).await?;
        for recorded in batch {
            let Event::Newsletter(event) = &recorded.event else { continue };
            // What is no UUID no command of ours made.
            let Ok(id) = recorded.aggregate_id.parse() else { continue };
            fold(&mut issues, id, recorded, event);
        }
        let rows: Vec<IssueRow> = issues.into_values().collect();
        view.execute(upsert(&rows)).await?;
        Ok(())
    }
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueRow {
    /// By which it is known.
    pub id: Uuid,
    /// Its subject, in the shop's own language.
    pub subject: String,
    /// Counts its events; what `If-Match` names.
    pub version: u64,
    /// When it was first written.
    pub written_at: DateTime<Utc>,
    /// When something last happened to it.
    pub updated_at: DateTime<Utc>,
    /// When it was released, if it was.
    pub released_at: Option<DateTime<Utc>>,
}

/// The issues behind `after`, the newest first; at most `limit`.
pub async fn list(
    views: &Views,
    released: Option<bool>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Seen<Page<IssueRow, Uuid>>, ReadError> {
    let kind = match released {
        None => "",
        Some(true) => "AND released_at IS NOT NULL",
        Some(false) => "AND released_at IS NULL",
    };
    let rows = limit.saturating_add(1);
    let select = |schema: &str| {
        format!(
            "SELECT true AS present, {COLUMNS} FROM {schema}.newsletters WHERE id < $1 {kind} ORDER BY id DESC LIMIT {rows}"
        )
    };
    // Every issue's id is below the highest.
    let after = after.unwrap_or(Uuid::max());
    let seen = views.read::<Newsletters>(Plan::Kept, select, "found.id DESC", |query| query.bind(after)).await?;
    let rows = rows_of::<Newsletters, IssueRow>(&seen.value)?;
    Ok(seen.map(|_| Page::cut(rows, limit, |last| last.id)))
}

const COLUMNS: &str = "id, subject, version, written_at, updated_at, released_at";

impl<'r> FromRow<'r, PgRow> for IssueRow {
    fn from_row(row: &'r PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            subject: row.try_get("subject")?,
            version: row.try_get::<i64, _>("version")?.unsigned_abs(),
            written_at: row.try_get("written_at")?,
            updated_at: row.try_get("updated_at")?,
            released_at: row.try_get("released_at")?,
        })
    }
}

/// The rows of the issues that the batch touches, as they are before it.
async fn known(
    batch: &[&Recorded<Event>],
    view: &mut ViewTransaction<'_>,
) -> Result<BTreeMap<Uuid, IssueRow>, ProjectionError> {
    let ids: BTreeSet<Uuid> = batch.iter().filter_map(|recorded| recorded.aggregate_id.parse().ok()).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let sql = format!("SELECT {COLUMNS} FROM newsletters WHERE id = ANY($1)");
    let rows: Vec<IssueRow> = view.fetch_all(sqlx::query_as(&sql).bind(ids)).await?;
    Ok(rows.into_iter().map(|row| (row.id, row)).collect())
}

fn fold(issues: &mut BTreeMap<Uuid, IssueRow>, id: Uuid, recorded: &Recorded<Event>, event: &NewsletterEvent) {
    let at = recorded.metadata.occurred_at;
    let content = match event {
        NewsletterEvent::IssueDrafted(drafted) => &drafted.content,
        NewsletterEvent::IssueReleased(released) => &released.content,
    };
    let subject = content.words.subject.as_str().to_owned();
    let new = IssueRow { id, subject: String::new(), version: 0, written_at: at, updated_at: at, released_at: None };
    let issue = issues.entry(id).or_insert(new);
    if matches!(event, NewsletterEvent::IssueReleased(_)) {
        issue.released_at = Some(at);
    }
    (issue.subject, issue.version, issue.updated_at) = (subject, recorded.sequence, at);
}

fn upsert(rows: &[IssueRow]) -> Query<'_, Postgres, PgArguments> {
    sqlx::query(
        "INSERT INTO newsletters (id, subject, version, written_at, updated_at, released_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[],
                              $6::timestamptz[])
         ON CONFLICT (id) DO UPDATE SET subject = excluded.subject, version = excluded.version,
                updated_at = excluded.updated_at, released_at = excluded.released_at",
    )
    .bind(column(rows, |row| row.id))
    .bind(column(rows, |row| row.subject.as_str()))
    .bind(column(rows, |row| row.version.cast_signed()))
    .bind(column(rows, |row| row.written_at))
    .bind(column(rows, |row| row.updated_at))
    .bind(column(rows, |row| row.released_at))
}
