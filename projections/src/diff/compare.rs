//! What two copies do not have in common, row by row, with the values of both.

use super::copies::Copy;
use super::{Compared, Side};
use crate::verify::compare::{columns, count, key};
use crate::verify::{RowKey, Scratch, VerifyError};
use commands::verify::{Found, Watch};
use futures::TryStreamExt;
use serde::{Serialize, Serializer};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

/// Columns of one row with their values, as PostgreSQL writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells(pub Vec<(String, Option<String>)>);

impl Serialize for Cells {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(column, value)| (column, value)))
    }
}

/// A row that is not the same in both. Of one that both have, the columns that differ; of one that only one has, all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RowDifference {
    /// Its table.
    pub table: String,
    /// Which row.
    pub key: RowKey,
    /// What it is in the one; `None` where it has no such row.
    pub a: Option<Cells>,
    /// What it is in the other; `None` where it has no such row.
    pub b: Option<Cells>,
}

/// A table that is not of one shape in both: what only one has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableShape {
    /// Which.
    pub table: String,
    /// The columns, with their types, that it has in the one alone.
    pub only_in_a: Vec<String>,
    /// Those that it has in the other alone.
    pub only_in_b: Vec<String>,
    /// Whether its rows could be compared: both have the columns that tell them apart.
    pub compared: bool,
}

/// Compares all tables.
pub(super) async fn compare(
    scratch: &mut Scratch,
    [a, b]: &[Copy; 2],
    watch: &mut Watch<'_>,
) -> Result<Compared, VerifyError> {
    let session = &mut scratch.session;
    let (mut shapes, mut rows) = (Vec::new(), Found::new(watch.most_listed));
    let mut tables: Vec<&String> = a.tables.iter().chain(&b.tables).collect();
    tables.sort_unstable();
    tables.dedup();
    let total = tables.len() as u64;
    for (done, table) in tables.into_iter().enumerate() {
        watch.tell(table, done as u64, total)?;
        let shape = Shape::of(session, [a, b], table).await?;
        if let Some(pair) = shape.pair([&a.schema, &b.schema], table) {
            pair.compare(session, table, &mut rows).await?;
        }
        shapes.extend(shape.told(table));
    }
    let (a, b, position) = (side(session, a).await?, side(session, b).await?, a.position);
    Ok(Compared { a, b, position, shapes, rows })
}

async fn side(session: &mut PgConnection, copy: &Copy) -> Result<Side, sqlx::Error> {
    let mut rows = 0;
    for table in &copy.tables {
        rows += count(session, &copy.schema, table).await?;
    }
    Ok(Side { schema: copy.build.schema.clone(), version: copy.build.version, rows })
}

/// The columns of a table in both.
struct Shape {
    /// Those that both have, of one type.
    common: Vec<String>,
    only_in_a: Vec<String>,
    only_in_b: Vec<String>,
    /// What tells rows apart: the columns of the primary key.
    key: Vec<String>,
}

impl Shape {
    async fn of(session: &mut PgConnection, [a, b]: [&Copy; 2], table: &String) -> Result<Self, sqlx::Error> {
        let (mut of_a, mut of_b, mut keys) = (Vec::new(), Vec::new(), Vec::new());
        // The builds themselves are asked for keys: a copy of another version has none.
        if a.tables.contains(table) {
            of_a = columns(session, &a.build.schema, table).await?;
            keys.push(key(session, &a.build.schema, table).await?);
        }
        if b.tables.contains(table) {
            of_b = columns(session, &b.build.schema, table).await?;
            keys.push(key(session, &b.build.schema, table).await?);
        }
        let besides = |these: &[(String, String)], those: &[(String, String)]| {
            let only = these.iter().filter(|column| !those.contains(column));
            only.map(|(name, of_type)| format!("{name} {of_type}")).collect()
        };
        let common: Vec<String> =
            of_a.iter().filter(|column| of_b.contains(column)).map(|(name, _)| name.clone()).collect();
        keys.dedup();
        let key = match <[Vec<String>; 1]>::try_from(keys) {
            Ok([key]) if key.iter().all(|column| common.contains(column)) => key,
            _ => Vec::new(),
        };
        Ok(Self { only_in_a: besides(&of_a, &of_b), only_in_b: besides(&of_b, &of_a), common, key })
    }

    fn pair(&self, schemas: [&str; 2], table: &str) -> Option<Pair> {
        let [a, b] = schemas.map(|schema| format!(r#"{schema}."{table}""#));
        let (key, columns) = (self.key.clone(), self.common.clone());
        (!key.is_empty()).then_some(Pair { a, b, key, columns })
    }

    fn told(self, table: &str) -> Option<TableShape> {
        let compared = !self.key.is_empty();
        let Self { only_in_a, only_in_b, .. } = self;
        let differs = !(compared && only_in_a.is_empty() && only_in_b.is_empty());
        differs.then(|| TableShape { table: table.to_owned(), only_in_a, only_in_b, compared })
    }
}

/// The columns of a row, as text; `None` where the build has no such row.
type InBuild = Option<Vec<Option<String>>>;

/// A table in both copies, the columns that tell its rows apart, and those that are compared.
struct Pair {
    a: String,
    b: String,
    key: Vec<String>,
    columns: Vec<String>,
}

impl Pair {
    /// Rows whose bytes are the same are the same; the others come with all their values as texts.
    fn sql(&self) -> String {
        let Self { a, b, key, columns } = self;
        let each = |columns: &[String], form: &dyn Fn(&str) -> String, between: &str| {
            columns.iter().map(|column| form(column)).collect::<Vec<_>>().join(between)
        };
        let keys = each(key, &|k| format!(r#"coalesce(a."{k}", b."{k}")::text"#), ", ");
        let order = each(key, &|k| format!(r#"coalesce(a."{k}", b."{k}")"#), ", ");
        let joined = each(key, &|k| format!(r#"a."{k}" = b."{k}""#), " AND ");
        let [values_a, values_b] = ["a", "b"].map(|s| each(columns, &|c| format!(r#"{s}."{c}"::text"#), ", "));
        let [row_a, row_b] = ["a", "b"].map(|s| each(columns, &|c| format!(r#"{s}."{c}""#), ", "));
        let first = &key[0];
        format!(
            r#"SELECT ARRAY[{keys}]::text[] AS key,
                      CASE WHEN a."{first}" IS NOT NULL THEN ARRAY[{values_a}]::text[] END AS a,
                      CASE WHEN b."{first}" IS NOT NULL THEN ARRAY[{values_b}]::text[] END AS b
                 FROM {a} AS a FULL JOIN {b} AS b ON {joined}
                WHERE a."{first}" IS NULL OR b."{first}" IS NULL
                   OR ROW({row_a})::record OPERATOR(pg_catalog.*<>) ROW({row_b})::record
                ORDER BY {order}"#
        )
    }

    async fn compare(
        &self,
        session: &mut PgConnection,
        table: &str,
        found: &mut Found<RowDifference>,
    ) -> Result<(), sqlx::Error> {
        let sql = self.sql();
        let mut rows = sqlx::query(&sql).persistent(false).fetch(session);
        while let Some(row) = rows.try_next().await? {
            if let Some(difference) = self.difference(&row, table)? {
                found.add(difference);
            }
        }
        Ok(())
    }

    /// `None` where the row reads the same in both: two spellings of one value.
    fn difference(&self, row: &PgRow, table: &str) -> Result<Option<RowDifference>, sqlx::Error> {
        let values: Vec<String> = row.try_get("key")?;
        let (a, b): (InBuild, InBuild) = (row.try_get("a")?, row.try_get("b")?);
        if a == b {
            return Ok(None);
        }
        let cells = |of: &InBuild, other: &InBuild| {
            let of = of.as_ref()?;
            let differs = |index: usize| other.as_ref().is_none_or(|other| other.get(index) != of.get(index));
            let named = self.columns.iter().cloned().zip(of.iter().cloned()).enumerate();
            Some(Cells(named.filter(|(index, _)| differs(*index)).map(|(_, cell)| cell).collect()))
        };
        let key = RowKey(self.key.iter().cloned().zip(values).collect());
        Ok(Some(RowDifference { table: table.to_owned(), key, a: cells(&a, &b), b: cells(&b, &a) }))
    }
}
