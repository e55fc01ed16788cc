//! What a person decides about items: that they are tried again, or never more; of what waits, that it is tried now.
//! Each decision is written down in the log of what operators did, in its own transaction; one that was refused, by
//! itself.

use super::{Decided, Filter};
use crate::ledger::{LedgerError, OPEN};
use commands::audit::{self, Action};
use commands::db;
use domain::Position;
use domain::ids::OrderId;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, PgPool, Postgres, QueryBuilder};
use std::time::Duration;

/// The most items of one decision: more would hold locks for long.
pub const MOST_AT_ONCE: u64 = 50_000;
/// How long a decision may take.
const DECIDE_AT_MOST: Duration = Duration::from_secs(30);

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is tried again, its attempts counted from 0: at once, or when what holds it is done. A mail goes out with the
    /// same Message-ID as before. What waits is due now, its attempts as they are; what an earlier one holds stays
    /// held.
    Retry,
    /// It is never tried again, and what it held goes on. Not possible for what waits.
    Discard,
}

impl Decision {
    /// What it is called in the log of what operators did.
    pub const fn action(self) -> &'static str {
        match self {
            Self::Retry => "parked.retry",
            Self::Discard => "parked.discard",
        }
    }
}

/// What came of a decision about many items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Many {
    /// It is carried out, for so many.
    Done(u64),
    /// There are so many by now, and not as many as was expected: nothing was done.
    Changed(u64),
    /// There are more than [`MOST_AT_ONCE`]: nothing was done.
    TooMany,
    /// What waits is tried again by itself, and was to be discarded: nothing was done.
    NotDiscarded,
}

/// Has an item tried again; see [`Decision::Retry`].
pub async fn retry(pool: &PgPool, id: i64, who: &str) -> Result<Decided, LedgerError> {
    one(pool, id, Decision::Retry, who).await
}

/// Decides against an item; see [`Decision::Discard`].
pub async fn discard(pool: &PgPool, id: i64, who: &str) -> Result<Decided, LedgerError> {
    one(pool, id, Decision::Discard, who).await
}

async fn one(pool: &PgPool, id: i64, decision: Decision, who: &str) -> Result<Decided, LedgerError> {
    let target = id.to_string();
    let action = Action::done(who, decision.action(), &target);
    let decided = db::work(pool, DECIDE_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let count = carry_out(&mut transaction, &[id], decision, who).await?;
        if count == 0 {
            return Ok(Decided::NotParked);
        }
        audit::append(&mut transaction, &Action { count: Some(count), ..action.clone() }).await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(Decided::Done)
    });
    let decided = decided.await?;
    if decided == Decided::NotParked {
        audit::record_refused(pool, action, "no such item needs a person").await;
    }
    Ok(decided)
}

/// Decides about all items that a filter finds, if there are as many as `expected`: those of one aggregate follow each
/// other as their events do. What waits comes and goes by itself, and is tried now however many there are: but what is
/// just being moved, which needs nobody. Of no items nothing is decided, and nothing written down.
pub async fn decide_all(
    pool: &PgPool,
    filter: &Filter,
    decision: Decision,
    expected: u64,
    who: &str,
) -> Result<Many, LedgerError> {
    let action = Action { arguments: arguments(filter), ..Action::done(who, decision.action(), "") };
    if decision == Decision::Discard && filter.is_of_waiting() {
        audit::record_refused(pool, action, "what waits is tried again by itself, and can't be discarded").await;
        return Ok(Many::NotDiscarded);
    }
    let decided = db::work(pool, DECIDE_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let ids = lock(&mut transaction, filter).await?;
        let found = ids.len() as u64;
        if found > MOST_AT_ONCE {
            return Ok(Many::TooMany);
        }
        if found != expected && !filter.is_of_waiting() {
            return Ok(Many::Changed(found));
        }
        if found == 0 {
            return Ok(Many::Done(0));
        }
        let count = carry_out(&mut transaction, &ids, decision, who).await?;
        audit::append(&mut transaction, &Action { count: Some(count), ..action.clone() }).await?;
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(Many::Done(count))
    });
    let decided = decided.await?;
    match decided {
        Many::Done(_) | Many::NotDiscarded => {}
        Many::Changed(found) => {
            let why = format!("there are {found} such items by now, and not {expected}");
            audit::record_refused(pool, action, &why).await;
        }
        Many::TooMany => {
            let why = format!("there are more than {MOST_AT_ONCE} such items, the most that are decided on at once");
            audit::record_refused(pool, action, &why).await;
        }
    }
    Ok(decided)
}

/// The items of a filter, held until the transaction ends: at most one more than are decided on at once. Members move
/// several of what waits in one statement, in any order: to wait for them while holding others would end in a deadlock.
async fn lock(session: &mut PgConnection, filter: &Filter) -> Result<Vec<i64>, sqlx::Error> {
    let mut sql = QueryBuilder::<Postgres>::new("SELECT entry.id FROM consumer_ledger AS entry WHERE ");
    filter.push_to(&mut sql);
    sql.push(" ORDER BY entry.id LIMIT ").push_bind((MOST_AT_ONCE + 1).cast_signed());
    sql.push(if filter.is_of_waiting() { " FOR UPDATE OF entry SKIP LOCKED" } else { " FOR UPDATE OF entry" });
    sql.build_query_scalar().fetch_all(session).await
}

/// The filter as it is written down.
fn arguments(filter: &Filter) -> Value {
    let Filter { consumer, aggregate_id, event_type, reason, state } = filter;
    let named = [
        ("consumer", consumer.as_deref()),
        ("of", aggregate_id.as_deref()),
        ("type", event_type.as_deref()),
        // It may quote a server's answer, and people may have put anything into it.
        ("reason", reason.as_ref().map(|_| "…")),
        ("state", state.map(|state| state.as_str())),
    ];
    let given = named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))));
    Value::Object(given.collect())
}

async fn carry_out(session: &mut PgConnection, ids: &[i64], decision: Decision, who: &str) -> Result<u64, sqlx::Error> {
    match decision {
        Decision::Retry => retry_on(session, ids, who).await,
        Decision::Discard => discard_on(session, ids, who).await,
    }
}

/// Of several items of one aggregate, the first is due at once: the others wait for it, as all that is later does. One
/// that waits already has used up the attempts that it has made.
async fn retry_on(session: &mut PgConnection, ids: &[i64], who: &str) -> Result<u64, sqlx::Error> {
    let sql = format!(
        "UPDATE consumer_ledger AS entry
            SET state = 'waiting', decided_by = $2,
                attempts = CASE WHEN entry.state = 'waiting' THEN entry.attempts ELSE 0 END,
                changed_at = CASE WHEN entry.state = 'waiting' THEN entry.changed_at ELSE now() END,
                due_at = CASE WHEN EXISTS (SELECT FROM consumer_ledger AS earlier
                         WHERE earlier.consumer = entry.consumer AND earlier.aggregate_type = entry.aggregate_type
                           AND earlier.aggregate_id = entry.aggregate_id AND earlier.sequence < entry.sequence
                           AND earlier.state IN {OPEN})
                    THEN 'infinity' ELSE now() END
          WHERE entry.id = ANY($1) AND entry.state IN ('parked', 'unknown', 'waiting')"
    );
    Ok(sqlx::query(&sql).bind(ids).bind(who).execute(session).await?.rows_affected())
}

async fn discard_on(session: &mut PgConnection, ids: &[i64], who: &str) -> Result<u64, sqlx::Error> {
    let discarded: i64 = sqlx::query_scalar(
        "WITH discarded AS (
             UPDATE consumer_ledger SET state = 'discarded', decided_by = $2, due_at = 'infinity', changed_at = now()
              WHERE id = ANY($1) AND state IN ('parked', 'unknown')
             RETURNING consumer, aggregate_type, aggregate_id, sequence
         ), released AS (
             UPDATE consumer_ledger AS later SET due_at = now()
               FROM discarded
              WHERE later.consumer = discarded.consumer AND later.aggregate_type = discarded.aggregate_type
                AND later.aggregate_id = discarded.aggregate_id AND later.sequence > discarded.sequence
                AND later.state = 'waiting' AND later.due_at = 'infinity'
         )
         SELECT count(*) FROM discarded",
    )
    .bind(ids)
    .bind(who)
    .fetch_one(session)
    .await?;
    Ok(discarded.unsigned_abs())
}

/// Gives up the effects for an order that events before `position` call for and that were not carried out yet: none of
/// them holds up a later one any more. What is being tried at this moment is left alone. Returns how many.
pub async fn give_up_earlier(
    pool: &PgPool,
    consumer: &str,
    order: OrderId,
    position: Position,
    who: &str,
) -> Result<u64, LedgerError> {
    let given_up = db::work(pool, DECIDE_AT_MOST, async |session| {
        let mut transaction = session.begin().await?;
        let count = give_up_on(&mut transaction, consumer, order, position, who).await?;
        if count > 0 {
            let arguments = json!({ "consumer": consumer, "before": position.0 });
            let target = order.to_string();
            let action =
                Action { arguments, count: Some(count), ..Action::done(who, "parked.give_up_earlier", &target) };
            audit::append(&mut transaction, &action).await?;
        }
        transaction.commit().await?;
        Ok::<_, sqlx::Error>(count)
    });
    Ok(given_up.await?)
}

async fn give_up_on(
    session: &mut PgConnection,
    consumer: &str,
    order: OrderId,
    position: Position,
    who: &str,
) -> Result<u64, sqlx::Error> {
    let given_up: i64 = sqlx::query_scalar(
        "WITH given_up AS (
             UPDATE consumer_ledger SET state = 'discarded', decided_by = $4, due_at = 'infinity', changed_at = now()
              WHERE consumer = $1 AND aggregate_type = 'order' AND aggregate_id = $2 AND position < $3
                AND state IN ('waiting', 'parked')
             RETURNING 1
         ), released AS (
             UPDATE consumer_ledger SET due_at = now()
              WHERE consumer = $1 AND aggregate_type = 'order' AND aggregate_id = $2 AND position >= $3
                AND state = 'waiting' AND due_at = 'infinity'
         )
         SELECT count(*) FROM given_up",
    )
    .bind(consumer)
    .bind(order.to_string())
    .bind(position.as_i64())
    .bind(who)
    .fetch_one(session)
    .await?;
    Ok(given_up.unsigned_abs())
}
