//! The schemas of one run, beside the views: one with what was, one with what would have been.
//!
//! All is written on one session, which holds a lock on the run's name: when the session is gone, so is the lock. A run
//! that is kept is marked as whole at its end, by the comment of its schema; what has neither mark nor lock was cut
//! off, and whoever runs next drops it.

use super::WhatIfError;
use crate::aside;
use crate::projection::Definition;
use commands::db::APP_ROLE;
use sqlx::{ConnectOptions, Connection, Executor, PgConnection, PgPool};

/// Begins with what no projection's name begins with.
const PREFIX: &str = "_what_if_";
const WAS: &str = "_was";
const BECOMES: &str = "_if";
const MAX_NAME_BYTES: usize = 30;
/// What one hash table or sort of a comparison may take before it goes to disk.
const WORK_MEMORY: &str = "32MB";
/// How long a statement waits for a lock, in Postgres' spelling.
const LOCKED_AT_MOST: &str = "60s";

/// A run that was kept, or cut off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// What it is; `None` where it was cut off, or goes on at this moment.
    pub about: Option<String>,
    /// How much it takes on disk.
    pub bytes: u64,
}

/// The place of one run. To be closed when all is done.
#[derive(Debug)]
pub struct Space {
    session: PgConnection,
    name: String,
    /// Whether it is to be kept.
    keep: bool,
    cleaned: Vec<String>,
}

impl Space {
    /// Takes a name, and drops what runs left that were cut off. One that was kept under that name stays.
    pub async fn open(pool: &PgPool, name: &str, keep: bool) -> Result<Self, WhatIfError> {
        check_name(name)?;
        let mut session = connect(pool).await?;
        if !lock(&mut session, name).await? {
            return Err(WhatIfError::UnderWay(name.to_owned()));
        }
        let mut cleaned = Vec::new();
        for left in named(&mut session).await? {
            let own = left.name == name;
            match left.about {
                Some(about) if own => return Err(WhatIfError::Kept { name: left.name, about }),
                Some(_) => {}
                None if own || lock(&mut session, &left.name).await? => {
                    // It may have been marked, or dropped, before the lock was had.
                    if is_cut_off(&mut session, &left.name).await? {
                        drop_schemas(&mut session, &left.name).await?;
                        cleaned.push(left.name.clone());
                    }
                    if !own {
                        unlock(&mut session, &left.name).await?;
                    }
                }
                None => {}
            }
        }
        Ok(Self { session, name: name.to_owned(), keep, cleaned })
    }

    /// The names of runs that were cut off, of which nothing is left now.
    pub fn cleaned(&self) -> &[String] {
        &self.cleaned
    }

    /// Ends it well: what is to be kept is marked, the rest dropped.
    pub async fn close(mut self, about: &str) -> Result<(), WhatIfError> {
        if self.keep {
            let mut transaction = self.session.begin().await?;
            for schema in schemas(&self.name) {
                let mark =
                    format!("SET LOCAL ROLE {APP_ROLE}; COMMENT ON SCHEMA {schema} IS '{}'", about.replace('\'', "''"));
                transaction.execute(mark.as_str()).await?;
            }
            transaction.commit().await?;
            return end(self.session, &self.name).await;
        }
        self.abandon().await
    }

    /// Ends it without anything left.
    pub async fn abandon(mut self) -> Result<(), WhatIfError> {
        drop_schemas(&mut self.session, &self.name).await?;
        end(self.session, &self.name).await
    }

    /// Where it is as it was, and where as it would have been.
    pub(super) fn schemas(&self) -> [String; 2] {
        schemas(&self.name)
    }

    pub(super) fn session(&mut self) -> &mut PgConnection {
        &mut self.session
    }

    /// Makes one of its schemas with the tables of these views.
    pub(super) async fn make_tables(&mut self, schema: &str, views: &[&Definition]) -> Result<(), sqlx::Error> {
        aside::make_tables(&mut self.session, schema, views, self.keep).await?;
        Ok(())
    }

    /// Whether its tables have to outlive a crash of PostgreSQL.
    pub(super) fn lasts(&self) -> bool {
        self.keep
    }
}

/// All runs of which something is there, by name.
pub async fn list(pool: &PgPool) -> Result<Vec<Kept>, WhatIfError> {
    let mut session = connect(pool).await?;
    let found = named(&mut session).await?;
    session.close().await?;
    Ok(found)
}

/// Drops a run that was kept, or cut off.
pub async fn drop_named(pool: &PgPool, name: &str) -> Result<(), WhatIfError> {
    check_name(name)?;
    let mut session = connect(pool).await?;
    if !lock(&mut session, name).await? {
        return Err(WhatIfError::UnderWay(name.to_owned()));
    }
    if !named(&mut session).await?.iter().any(|kept| kept.name == name) {
        return Err(WhatIfError::None(name.to_owned()));
    }
    drop_schemas(&mut session, name).await?;
    end(session, name).await
}

fn check_name(name: &str) -> Result<(), WhatIfError> {
    let is_plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let begins_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    if is_plain && begins_well && name.len() <= MAX_NAME_BYTES {
        return Ok(());
    }
    Err(WhatIfError::Name(name.chars().take(2 * MAX_NAME_BYTES).collect()))
}

fn schemas(name: &str) -> [String; 2] {
    [WAS, BECOMES].map(|which| format!("{PREFIX}{name}{which}"))
}

async fn connect(pool: &PgPool) -> Result<PgConnection, sqlx::Error> {
    // What runs here takes its time, and that is no news.
    let options = pool.connect_options().as_ref().clone().disable_statement_logging();
    PgConnection::connect_with(&options.options([("work_mem", WORK_MEMORY), ("lock_timeout", LOCKED_AT_MOST)])).await
}

/// What there is of each run. Marked is one whose both schemas are.
async fn named(session: &mut PgConnection) -> Result<Vec<Kept>, sqlx::Error> {
    let rows: Vec<(String, Option<String>, i64)> = sqlx::query_as(
        "SELECT name, CASE WHEN count(about) = 2 THEN min(about) END,
                coalesce(sum((SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c
                               WHERE c.relnamespace = found.oid AND c.relkind = 'r')), 0)::bigint
           FROM (SELECT oid, substring(nspname FROM '^_what_if_(.*)_(?:was|if)$') AS name,
                        obj_description(oid, 'pg_namespace') AS about
                   FROM pg_namespace WHERE nspname ~ '^_what_if_[a-z][a-z0-9_]*_(was|if)$') AS found
          GROUP BY name ORDER BY name",
    )
    .fetch_all(session)
    .await?;
    Ok(rows.into_iter().map(|(name, about, bytes)| Kept { name, about, bytes: bytes.unsigned_abs() }).collect())
}

async fn is_cut_off(session: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    Ok(named(session).await?.iter().any(|kept| kept.name == name && kept.about.is_none()))
}

async fn drop_schemas(session: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    for schema in schemas(name) {
        let mut transaction = session.begin().await?;
        let drop = format!(r#"SET LOCAL ROLE {APP_ROLE}; DROP SCHEMA IF EXISTS "{schema}" CASCADE"#);
        transaction.execute(drop.as_str()).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Takes the lock on a name, for as long as the session lives; `false` when another session has it.
async fn lock(session: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT pg_try_advisory_lock(hashtextextended('orders what-if ' || $1, 0))")
        .bind(name)
        .fetch_one(session)
        .await
}

/// Gives the name back before the session ends: PostgreSQL may take a moment to notice that.
async fn end(mut session: PgConnection, name: &str) -> Result<(), WhatIfError> {
    unlock(&mut session, name).await?;
    Ok(session.close().await?)
}

async fn unlock(session: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_unlock(hashtextextended('orders what-if ' || $1, 0))")
        .bind(name)
        .execute(session)
        .await?;
    Ok(())
}
