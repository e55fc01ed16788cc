//! Reading a view: one statement gives the rows, the position that they are of, and whether they are of the build that
//! serves.

use crate::Projection;
use crate::build::Build;
use crate::error::{RunError, is_gone};
use crate::projection::Definition;
use crate::reading;
use crate::views::{Entry, Views};
use chrono_tz::Tz;
use commands::{LogError, db};
use domain::money::Currency;
use domain::{Money, Position};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{FromRow, Postgres, Row};
use std::sync::Arc;

/// How often a read looks up anew which build serves. One look-up is enough for each promotion that a read meets.
const ATTEMPTS: usize = 4;

/// Rows of a view, and the position of the log that they are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<T> {
    /// What was asked for.
    pub value: T,
    /// Every event up to here is in it, and none behind.
    pub position: Position,
}

impl<T> Seen<T> {
    /// The same position with what `change` makes of the value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Seen<U> {
        Seen { value: change(self.value), position: self.position }
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T, K> {
    /// The rows, in the list's order.
    pub rows: Vec<T>,
    /// The key behind which the next page begins; `None` on the last page.
    pub next: Option<K>,
}

impl<T, K> Page<T, K> {
    /// A page of `rows`, of which one more than `limit` was asked for.
    pub(crate) fn cut(mut rows: Vec<T>, limit: u32, key: impl FnOnce(&T) -> K) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more { rows.last().map(key) } else { None };
        Self { rows, next }
    }
}

/// Why a view can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No view of that name.
    #[error("there is no view `{0}`")]
    Unknown(String),
    /// No build of it was promoted yet.
    #[error("the view {name} is not built yet: `orders projections run` builds it")]
    NotBuilt {
        /// The projection.
        name: &'static str,
    },
    /// Another version serves, and nobody follows a build of this program's.
    #[error("the view {name} is served in version {served}, this program reads version {own}, which nobody follows")]
    OtherVersion {
        /// The projection.
        name: &'static str,
        /// What serves.
        served: u32,
        /// What this program reads.
        own: u32,
    },
    /// Promotions followed each other faster than a read could follow them.
    #[error("the view {name} is being exchanged; try again")]
    Exchanged {
        /// The projection.
        name: &'static str,
    },
    /// A row is not as this program writes it.
    #[error("a row of {name} can't be read: {fault}")]
    Malformed {
        /// The projection.
        name: &'static str,
        /// What does not fit. Holds no value of the row.
        fault: String,
    },
    /// The registry can't be read.
    #[error("{0}")]
    Registry(String),
    /// The log can't be asked.
    #[error(transparent)]
    Log(LogError),
    /// The database is away or refuses.
    #[error("PostgreSQL: {0}")]
    Database(#[source] sqlx::Error),
}

/// The build of a view that is read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReadBuild {
    /// Its schema.
    pub schema: String,
    /// The time zone whose days it counts, whatever is configured here.
    pub time_zone: Tz,
}

/// Where the rows of a view are.
#[derive(Debug)]
pub(crate) struct Active {
    schema: String,
    /// Whether it serves; otherwise it is followed beside one of another version.
    serves: bool,
}

impl Active {
    pub(crate) fn is(&self, build: &ReadBuild) -> bool {
        self.schema == build.schema
    }
}

pub(crate) type Sql<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// How a read is sent to PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Prepared once per connection and planned for all values: for reads whose best plan is the same for each.
    Kept,
    /// Planned for the values at hand: for ranges, where the best plan depends on how much they hold.
    Fresh,
}

impl Views {
    /// Runs `select`, which names the build's tables by the schema that it is given and has a column `present` that is
    /// true, in one statement with the view's position. The rows come in the order that `order` says.
    pub(crate) async fn read<P: Projection>(
        &self,
        plan: Plan,
        select: impl Fn(&str) -> String,
        order: &str,
        bind: impl for<'q> Fn(Sql<'q>) -> Sql<'q>,
    ) -> Result<Seen<Vec<PgRow>>, ReadError> {
        Ok(self.read_with_build::<P>(plan, select, order, bind).await?.0)
    }

    /// The same, and of which build the rows are.
    pub(crate) async fn read_with_build<P: Projection>(
        &self,
        plan: Plan,
        select: impl Fn(&str) -> String,
        order: &str,
        bind: impl for<'q> Fn(Sql<'q>) -> Sql<'q>,
    ) -> Result<(Seen<Vec<PgRow>>, Arc<Active>), ReadError> {
        let entry = self.entry_of::<P>()?;
        for _ in 0..ATTEMPTS {
            let active = self.active(entry).await?;
            let sql = statement(entry.definition, &active, &select(&active.schema), order);
            let rows = db::read(self.pool(), async |session| {
                bind(sqlx::query(&sql).persistent(plan == Plan::Kept)).fetch_all(session).await
            });
            match rows.await {
                Ok(rows) => {
                    if let Some(seen) = seen(rows).map_err(ReadError::Database)? {
                        return Ok((seen, active));
                    }
                }
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(ReadError::Database(error)),
            }
            entry.active.store(None);
        }
        Err(ReadError::Exchanged { name: P::NAME })
    }

    /// The build of a view that is read at this moment.
    pub async fn build_of<P: Projection>(&self) -> Result<ReadBuild, ReadError> {
        let build = self.build(self.entry_of::<P>()?).await?;
        let time_zone = build.time_zone().map_err(unreadable)?;
        Ok(ReadBuild { schema: build.schema, time_zone })
    }

    /// The time zone whose days a view counts: that of the build that is read, whatever is configured here.
    pub async fn time_zone_of<P: Projection>(&self) -> Result<Tz, ReadError> {
        Ok(self.build_of::<P>().await?.time_zone)
    }

    async fn build(&self, entry: &Entry) -> Result<Build, ReadError> {
        let definition = entry.definition;
        let build = db::read(self.pool(), async |session| reading::to_read(session, definition).await);
        build.await.map_err(unreadable)?.ok_or(ReadError::NotBuilt { name: definition.name })
    }

    async fn active(&self, entry: &Entry) -> Result<Arc<Active>, ReadError> {
        if let Some(active) = entry.active.load_full() {
            return Ok(active);
        }
        let Definition { name, version: own, .. } = *entry.definition;
        let build = self.build(entry).await?;
        if build.version != own {
            return Err(ReadError::OtherVersion { name, served: build.version, own });
        }
        let active = Arc::new(Active { serves: reading::serves(&build), schema: build.schema });
        entry.active.store(Some(Arc::clone(&active)));
        Ok(active)
    }
}

/// One row at least comes back for a build that exists, so that an empty answer has its position too.
fn statement(definition: &Definition, Active { schema, serves }: &Active, select: &str, order: &str) -> String {
    let choice = reading::choice(definition);
    let is_read = if *serves {
        "serves".to_owned()
    } else {
        // Its checkpoint does not tell: followed or not, it says the same.
        format!(
            "EXISTS (SELECT FROM (SELECT b.schema_name, b.state {choice}) AS b WHERE schema_name = '{schema}' AND state = 'retired')"
        )
    };
    let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
    format!(
        "SELECT view.position AS view_position, view.is_read AS view_is_read, found.*
           FROM (SELECT position, {is_read} AS is_read FROM public.projection_checkpoints
                  WHERE schema_name = '{schema}' ORDER BY revision DESC LIMIT 1) AS view
           LEFT JOIN LATERAL ({select}) AS found ON true{order}"
    )
}

/// The rows, without the one that only tells the position; `None` when the build is not the one to read any more.
fn seen(mut rows: Vec<PgRow>) -> Result<Option<Seen<Vec<PgRow>>>, sqlx::Error> {
    let Some(first) = rows.first() else { return Ok(None) };
    if !first.try_get::<bool, _>(1)? {
        return Ok(None);
    }
    let position = Position::from_i64(first.try_get(0)?);
    if first.try_get::<Option<bool>, _>("present")?.is_none() {
        rows.clear();
    }
    Ok(Some(Seen { value: rows, position }))
}

/// The rows of a read as what they stand for.
pub(crate) fn rows_of<P: Projection, T: for<'r> FromRow<'r, PgRow>>(rows: &[PgRow]) -> Result<Vec<T>, ReadError> {
    rows.iter()
        .map(T::from_row)
        .collect::<Result<_, _>>()
        .map_err(|fault| ReadError::Malformed { name: P::NAME, fault: fault.to_string() })
}

fn unreadable(error: RunError) -> ReadError {
    match error {
        RunError::Database(error) => ReadError::Database(error),
        other => ReadError::Registry(other.to_string()),
    }
}

/// The amount of a column, in the currency of the column `currency`.
pub(crate) fn money(row: &PgRow, amount: &str) -> Result<Money, sqlx::Error> {
    let currency = Currency::parse(row.try_get("currency")?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Money::new(row.try_get::<Decimal, _>(amount)?, currency).map_err(|error| sqlx::Error::Decode(error.into()))
}
