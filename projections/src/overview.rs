//! All views with their builds, as whoever runs the system sees them.

use crate::aside::tables_in;
use crate::build::{BuildSettings, State};
use crate::error::is_gone;
use crate::views::Views;
use chrono::{DateTime, Utc};
use commands::{LogError, db};
use domain::Position;
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::BTreeMap;

/// The most rows of a build that are counted.
const COUNTED_ROWS: u64 = 10_000;

/// A view with its builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewOverview {
    /// The projection.
    pub name: String,
    /// The version that this program makes and reads; `None` for a view that it does not know.
    pub version: Option<u32>,
    /// Its builds, the oldest first.
    pub builds: Vec<BuildOverview>,
}

/// A build as it is at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildOverview {
    /// Its schema, by which it is named.
    pub schema: String,
    /// Of which version of the view it is.
    pub version: u32,
    /// What it is there for.
    pub state: State,
    /// What changes its meaning, by name.
    pub settings: BTreeMap<String, String>,
    /// It begins behind this.
    pub started_after: Position,
    /// Every event up to here is in it.
    pub position: Position,
    /// How many events the log has behind that.
    pub lag_events: u64,
    /// How many rows its tables have; about how many, by PostgreSQL's statistics, where they were not counted.
    pub rows: u64,
    /// Whether they were: [`overview_counted`] counts them where they are few.
    pub rows_exact: bool,
    /// How much disk they take, indexes included.
    pub bytes: u64,
    /// Who asked the instance that leads the view to make it, as long as that is under way.
    pub asked_by: Option<String>,
    /// Why it stopped, if it has.
    pub error: Option<String>,
    /// When it was begun.
    pub created_at: DateTime<Utc>,
    /// Since when it is in its state.
    pub since: DateTime<Utc>,
}

#[derive(sqlx::FromRow)]
struct Row {
    projection: String,
    schema_name: String,
    version: i32,
    state: String,
    settings: Json<BuildSettings>,
    started_after: i64,
    position: i64,
    rows: i64,
    bytes: i64,
    asked_by: Option<String>,
    error: Option<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// All views in the order in which the program registers them, those that it does not know behind; and the log's head.
pub async fn overview(views: &Views) -> Result<(Position, Vec<ViewOverview>), LogError> {
    let rows =
        db::read(views.pool(), async |session| sqlx::query_as::<_, Row>(BUILDS).fetch_all(session).await).await?;
    // Asked afterwards, so that no build is ahead of it.
    let head = views.log().head().await?;
    let known = views.definitions().map(|definition| (definition.name.to_owned(), Some(definition.version)));
    let mut found: Vec<ViewOverview> =
        known.map(|(name, version)| ViewOverview { name, version, builds: Vec::new() }).collect();
    for row in rows {
        let index = found.iter().position(|view| view.name == row.projection).unwrap_or_else(|| {
            found.push(ViewOverview { name: row.projection.clone(), version: None, builds: Vec::new() });
            found.len() - 1
        });
        if let (Some(view), Some(state)) = (found.get_mut(index), State::parse(&row.state)) {
            view.builds.push(build(row, state, head));
        }
    }
    Ok((head, found))
}

/// The same with the rows counted of each build that has few: statistics come late to a table that was made a moment
/// ago. It costs a statement for each build.
pub async fn overview_counted(views: &Views) -> Result<(Position, Vec<ViewOverview>), LogError> {
    let (head, mut found) = overview(views).await?;
    for build in found.iter_mut().flat_map(|view| &mut view.builds) {
        count(views.pool(), build).await?;
    }
    Ok((head, found))
}

async fn count(pool: &PgPool, build: &mut BuildOverview) -> Result<(), sqlx::Error> {
    let schema = build.schema.as_str();
    let counted = db::read(pool, async |session| {
        let tables = tables_in(session, schema).await?;
        let bound = COUNTED_ROWS + 1;
        let each = tables
            .iter()
            .map(|table| format!(r#"(SELECT count(*) FROM (SELECT FROM {schema}."{table}" LIMIT {bound}) AS few)"#));
        let sql = format!("SELECT {}", each.chain(["0::bigint".to_owned()]).collect::<Vec<_>>().join(" + "));
        sqlx::query_scalar::<_, i64>(&sql).persistent(false).fetch_one(session).await
    });
    let counted: Result<i64, sqlx::Error> = counted.await;
    match counted {
        Ok(rows) => {
            let rows = rows.unsigned_abs();
            build.rows_exact = rows <= COUNTED_ROWS;
            build.rows = if build.rows_exact { rows } else { rows.max(build.rows) };
            Ok(())
        }
        // It was dropped meanwhile.
        Err(error) if is_gone(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

fn build(row: Row, state: State, head: Position) -> BuildOverview {
    let position = Position::from_i64(row.position);
    let under_way = matches!(state, State::Filling | State::CatchingUp);
    BuildOverview {
        schema: row.schema_name,
        version: row.version.unsigned_abs(),
        state,
        settings: row.settings.0,
        started_after: Position::from_i64(row.started_after),
        position,
        lag_events: head.0.saturating_sub(position.0),
        rows: row.rows.unsigned_abs(),
        rows_exact: false,
        bytes: row.bytes.unsigned_abs(),
        asked_by: row.asked_by.filter(|_| under_way),
        error: row.error,
        created_at: row.created_at,
        since: row.updated_at,
    }
}

/// A table that is dropped meanwhile has no size. Of one that was not analysed yet, the number of live rows is known.
const BUILDS: &str = "
    SELECT b.projection, b.schema_name, b.version, b.state, b.settings, b.started_after, at.position,
           coalesce(size.rows, 0)::bigint AS rows, coalesce(size.bytes, 0)::bigint AS bytes, b.asked_by, b.error,
           b.created_at, b.updated_at
      FROM public.projection_builds AS b
     CROSS JOIN LATERAL (SELECT position FROM public.projection_checkpoints AS c
                          WHERE c.schema_name = b.schema_name ORDER BY revision DESC LIMIT 1) AS at
      LEFT JOIN LATERAL (SELECT sum(greatest(reltuples, pg_stat_get_live_tuples(t.oid), 0)) AS rows, sum(pg_total_relation_size(t.oid)) AS bytes
                           FROM pg_catalog.pg_class AS t JOIN pg_catalog.pg_namespace AS n ON n.oid = t.relnamespace
                          WHERE n.nspname = b.schema_name AND t.relkind = 'r') AS size ON true
     ORDER BY b.projection, b.version, b.build";
