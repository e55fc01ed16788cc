//! What PostgreSQL keeps of a group.

use super::{Member, Paused, Rewinding};
use crate::runner::GONE_AFTER;
use chrono::{DateTime, Utc};
use commands::db;
use domain::Position;
use sqlx::PgPool;
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

/// A group that was started once.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub started_after: Position,
    pub finished_up_to: Position,
    /// The prefix of its topics and their count of partitions; `None` where it did not run since these are kept.
    pub topics: Option<(String, u16)>,
    pub paused: Option<Paused>,
}

type KnownRow = (i64, i64, Option<String>, Option<i32>, Option<DateTime<Utc>>, Option<String>, Option<String>);

pub(super) async fn known(pool: &PgPool, name: &str) -> Result<Option<Known>, sqlx::Error> {
    let row: Option<KnownRow> = db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT started_after, finished_up_to, kafka_prefix, partitions, paused_at, paused_by, pause_reason
               FROM consumer_groups WHERE consumer = $1",
        )
        .bind(name)
        .fetch_optional(session)
        .await
    })
    .await?;
    Ok(row.map(|(started_after, finished_up_to, prefix, partitions, at, by, reason)| Known {
        started_after: Position::from_i64(started_after),
        finished_up_to: Position::from_i64(finished_up_to),
        topics: prefix.zip(partitions.and_then(|partitions| u16::try_from(partitions).ok())),
        paused: match (at, by, reason) {
            (Some(at), Some(by), Some(reason)) => Some(Paused { at, by, reason }),
            _ => None,
        },
    }))
}

/// How far a group is: by topic and partition the position of the last event noted, and its offset.
pub(super) type Progress = HashMap<(String, i32), (Position, i64)>;

pub(super) async fn progress(pool: &PgPool, name: &str) -> Result<Progress, sqlx::Error> {
    let rows: Vec<(String, i32, i64, i64)> = db::read(pool, async |session| {
        sqlx::query_as("SELECT topic, partition, position, log_offset FROM consumer_progress WHERE consumer = $1")
            .bind(name)
            .fetch_all(session)
            .await
    })
    .await?;
    let place = |(topic, partition, position, offset)| ((topic, partition), (Position::from_i64(position), offset));
    Ok(rows.into_iter().map(place).collect())
}

type MemberRow = (Uuid, String, DateTime<Utc>, DateTime<Utc>, String, Option<String>, Json<Vec<(String, i32)>>);

pub(super) async fn members(pool: &PgPool, name: &str) -> Result<Vec<Member>, sqlx::Error> {
    let rows: Vec<MemberRow> = db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT member, instance, started_at, seen_at, state, detail, holds FROM consumer_members
              WHERE consumer = $1 AND seen_at > now() - make_interval(secs => $2) ORDER BY started_at, member",
        )
        .bind(name)
        .bind(GONE_AFTER.as_secs_f64())
        .fetch_all(session)
        .await
    })
    .await?;
    let member = |(id, instance, started_at, seen_at, state, detail, Json(holds)): MemberRow| Member {
        id,
        instance,
        started_at,
        seen_at,
        state,
        detail,
        holds,
    };
    Ok(rows.into_iter().map(member).collect())
}

pub(super) async fn rewinding(pool: &PgPool, name: &str) -> Result<Vec<Rewinding>, sqlx::Error> {
    let rows: Vec<(String, i32, i64)> = db::read(pool, async |session| {
        sqlx::query_as(
            "SELECT topic, partition, position FROM consumer_rewinds WHERE consumer = $1 ORDER BY topic, partition",
        )
        .bind(name)
        .fetch_all(session)
        .await
    })
    .await?;
    let place = |(topic, partition, position)| Rewinding { topic, partition, position: Position::from_i64(position) };
    Ok(rows.into_iter().map(place).collect())
}
