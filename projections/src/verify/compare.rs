//! Row by row, in PostgreSQL: what a copy and a rebuild do not have in common.

use super::remake::Made;
use super::scratch::{Copied, Scratch};
use super::{Difference, RowKey, VerifyError};
use commands::verify::Found;
use futures::TryStreamExt;
use sqlx::{PgConnection, Row};

/// Compares all tables; says how many rows the copy has.
pub(super) async fn compare(
    scratch: &mut Scratch,
    copied: &Copied,
    made: &Made,
    differences: &mut Found<Difference>,
) -> Result<u64, VerifyError> {
    let session = &mut scratch.session;
    let mut rows = 0;
    for table in &made.tables {
        if !copied.tables.contains(table) {
            differences.add(Difference::TableMissing { table: table.clone() });
            continue;
        }
        let columns = columns(session, &made.schema, table).await?;
        if columns != self::columns(session, &copied.schema, table).await? {
            differences.add(Difference::OtherColumns { table: table.clone() });
            continue;
        }
        rows += count(session, &copied.schema, table).await?;
        let key = key(session, &made.schema, table).await?;
        let names = columns.into_iter().map(|(name, _)| name).collect();
        let pair = Pair::of([&copied.schema, &made.schema], table, key, names);
        pair.compare(session, table, differences).await?;
    }
    for table in copied.tables.iter().filter(|table| !made.tables.contains(table)) {
        rows += count(session, &copied.schema, table).await?;
        differences.add(Difference::TableExtra { table: table.clone() });
    }
    Ok(rows)
}

/// Name and type of each column, in order.
pub(crate) async fn columns(
    session: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<Vec<(String, String)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute
          WHERE attrelid = format('%I.%I', $1, $2)::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .bind(schema)
    .bind(table)
    .fetch_all(session)
    .await
}

/// The columns of the primary key, in order; none where there is no such key.
pub(crate) async fn key(session: &mut PgConnection, schema: &str, table: &str) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT attname::text FROM pg_index CROSS JOIN LATERAL unnest(indkey) WITH ORDINALITY AS part (attnum, nth)
           JOIN pg_attribute ON attrelid = indrelid AND pg_attribute.attnum = part.attnum
          WHERE indrelid = format('%I.%I', $1, $2)::regclass AND indisprimary ORDER BY nth",
    )
    .bind(schema)
    .bind(table)
    .fetch_all(session)
    .await
}

pub(crate) async fn count(session: &mut PgConnection, schema: &str, table: &str) -> Result<u64, sqlx::Error> {
    let sql = format!(r#"SELECT count(*) FROM {schema}."{table}""#);
    let count: i64 = sqlx::query_scalar(&sql).fetch_one(session).await?;
    Ok(count.unsigned_abs())
}

/// Two sources of rows with the same columns, and the columns that tell the rows apart.
struct Pair {
    seen: String,
    made: String,
    key: Vec<String>,
    columns: Vec<String>,
}

impl Pair {
    fn of(schemas: [&str; 2], table: &str, key: Vec<String>, columns: Vec<String>) -> Self {
        let [seen, made] = schemas.map(|schema| format!(r#"{schema}."{table}""#));
        if !key.is_empty() {
            return Self { seen, made, key, columns };
        }
        // Without a key, equal rows are counted.
        let counted = |source: String| {
            format!("(SELECT md5(t::text) AS row_digest, count(*) AS copies FROM {source} AS t GROUP BY 1)")
        };
        let (key, columns) = (vec!["row_digest".to_owned()], vec!["copies".to_owned()]);
        Self { seen: counted(seen), made: counted(made), key, columns }
    }

    /// Rows whose bytes are the same are the same. Of the others, those whose columns read the same are not told.
    fn sql(&self) -> String {
        let Self { seen, made, key, columns } = self;
        let each = |columns: &[String], form: &dyn Fn(&str) -> String, between: &str| {
            columns.iter().map(|column| form(column)).collect::<Vec<_>>().join(between)
        };
        let values = each(key, &|k| format!(r#"coalesce(s."{k}", m."{k}")::text"#), ", ");
        let joined = each(key, &|k| format!(r#"s."{k}" = m."{k}""#), " AND ");
        let first = &key[0];
        let other = each(
            columns,
            &|c| format!(r#"CASE WHEN s."{c}"::text IS DISTINCT FROM m."{c}"::text THEN '{c}' END"#),
            ", ",
        );
        format!(
            r#"SELECT * FROM (
                   SELECT ARRAY[{values}] AS key, s."{first}" IS NULL AS missing, m."{first}" IS NULL AS extra,
                          array_remove(ARRAY[{other}]::text[], NULL) AS columns
                     FROM {seen} AS s FULL JOIN {made} AS m ON {joined}
                    WHERE s."{first}" IS NULL OR m."{first}" IS NULL OR s.* OPERATOR(pg_catalog.*<>) m.*) AS found
                WHERE missing OR extra OR cardinality(columns) > 0
                ORDER BY key"#
        )
    }

    async fn compare(
        &self,
        session: &mut PgConnection,
        table: &str,
        differences: &mut Found<Difference>,
    ) -> Result<(), sqlx::Error> {
        let sql = self.sql();
        let mut rows = sqlx::query(&sql).persistent(false).fetch(session);
        while let Some(row) = rows.try_next().await? {
            let values: Vec<String> = row.try_get("key")?;
            let key = RowKey(self.key.iter().cloned().zip(values).collect());
            let table = table.to_owned();
            differences.add(if row.try_get("missing")? {
                Difference::RowMissing { table, key }
            } else if row.try_get("extra")? {
                Difference::RowExtra { table, key }
            } else {
                Difference::RowDiffers { table, key, columns: row.try_get("columns")? }
            });
        }
        Ok(())
    }
}
