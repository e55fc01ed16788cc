//! The rows of an order, as they stand in PostgreSQL.

use super::Row;
use crate::error::RunError;
use crate::projection::Definition;
use crate::read::ReadError;
use crate::{REGISTRY, checkpoint, reading};
use commands::db;
use domain::Position;
use domain::ids::OrderId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long it may take to look at one view.
const LOOK_AT_MOST: Duration = Duration::from_secs(30);
/// The most rows of one table; an order has one in most.
const MAX_ROWS: usize = 1_000;

/// What the build of a view that this program reads holds of an order, as one snapshot has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewRows {
    /// The name of the view.
    pub view: String,
    /// Where its rows are.
    pub schema: String,
    /// Its version.
    pub version: u32,
    /// What it was built with, such as its time zone.
    pub settings: BTreeMap<String, String>,
    /// All events up to here are in it.
    pub position: Position,
    /// Its tables that can hold rows of an order.
    pub tables: Vec<TableRows>,
}

/// An order's rows in one table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRows {
    /// The table's name.
    pub table: String,
    /// Those whose id, or whose order, it is.
    pub rows: Vec<Row>,
    /// The columns that hold numbers, times or truth values by their type in SQL. All others may hold what somebody
    /// typed.
    #[serde(skip)]
    pub plain: BTreeSet<String>,
}

/// The rows of an order in every view that is built and has a table by orders.
pub async fn rows_of(pool: &PgPool, order: OrderId) -> Result<Vec<ViewRows>, ReadError> {
    let mut found = Vec::new();
    for definition in REGISTRY {
        let look = db::work(pool, LOOK_AT_MOST, async |session| rows_in(session, definition, order).await);
        let view = look.await.map_err(|error| match error {
            RunError::Database(error) => ReadError::Database(error),
            other => ReadError::Registry(other.to_string()),
        })?;
        found.extend(view.filter(|view| !view.tables.is_empty()));
    }
    Ok(found)
}

async fn rows_in(
    session: &mut PgConnection,
    definition: &Definition,
    order: OrderId,
) -> Result<Option<ViewRows>, RunError> {
    // One snapshot for the checkpoint and all rows.
    let mut transaction = session.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let Some(build) = reading::to_read(&mut transaction, definition).await? else { return Ok(None) };
    let Some(checkpoint) = checkpoint::load(&mut transaction, &build).await? else { return Ok(None) };
    let mut tables = Vec::new();
    for (table, column) in tables_by_order(&mut transaction, &build.schema).await? {
        let sql = format!(
            r#"SELECT (SELECT json_object_agg(key, value ORDER BY key) FROM jsonb_each_text(to_jsonb(t)))::text
                 FROM {}."{table}" AS t WHERE t."{column}" = $1 LIMIT {MAX_ROWS}"#,
            build.schema
        );
        let texts: Vec<String> =
            sqlx::query_scalar(&sql).bind(order.0).persistent(false).fetch_all(&mut *transaction).await?;
        let (plain, json) = kinds_of(&mut transaction, &build.schema, &table).await?;
        let rows = texts.iter().map(|text| row(text, &json)).collect::<Result<_, _>>();
        let rows = rows.map_err(|error| RunError::Registry(format!("a row of {}: {error}", build.schema)))?;
        tables.push(TableRows { table, rows, plain });
    }
    transaction.rollback().await?;
    let (view, version, position) = (definition.name.to_owned(), build.version, checkpoint.position);
    Ok(Some(ViewRows { view, schema: build.schema, version, settings: build.settings, position, tables }))
}

/// Tables, each with the column that names an order: `order_id`, else `id`.
async fn tables_by_order(session: &mut PgConnection, schema: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT DISTINCT ON (c.relname) c.relname::text, a.attname::text
           FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
          WHERE c.relnamespace = $1::regnamespace AND c.relkind = 'r' AND NOT a.attisdropped
            AND a.atttypid = 'uuid'::regtype AND a.attname IN ('order_id', 'id')
          ORDER BY c.relname, a.attname = 'order_id' DESC",
    )
    .bind(schema)
    .fetch_all(session)
    .await
}

/// A table's columns of numbers, times and truth values, and those that are JSON: documents, arrays, rows.
async fn kinds_of(
    session: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<(BTreeSet<String>, BTreeSet<String>), sqlx::Error> {
    let columns: Vec<(String, bool, bool)> = sqlx::query_as(
        "SELECT a.attname::text, t.typcategory IN ('N', 'D', 'T', 'B'),
                t.typcategory IN ('A', 'C') OR t.oid IN ('json'::regtype, 'jsonb'::regtype)
           FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid JOIN pg_class AS c ON c.oid = a.attrelid
          WHERE c.relnamespace = $1::regnamespace AND c.relname = $2 AND a.attnum > 0 AND NOT a.attisdropped",
    )
    .bind(schema)
    .bind(table)
    .fetch_all(session)
    .await?;
    let (mut plain, mut json) = (BTreeSet::new(), BTreeSet::new());
    for (name, is_plain, is_json) in columns {
        if is_plain {
            plain.insert(name);
        } else if is_json {
            json.insert(name);
        }
    }
    Ok((plain, json))
}

/// What is JSON by itself is no text in JSON.
fn row(text: &str, json_columns: &BTreeSet<String>) -> Result<Row, serde_json::Error> {
    let mut row: Row = serde_json::from_str(text)?;
    for (column, value) in &mut row {
        if let Value::String(text) = value
            && json_columns.contains(column)
            && let Ok(json) = serde_json::from_str(text)
        {
            *value = json;
        }
    }
    Ok(row)
}
