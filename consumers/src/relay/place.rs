//! How far the relay is, noted in PostgreSQL for whoever shows the system. It decides nothing: where the relay goes on,
//! Kafka says, or with an embedded broker what the groups have finished.
//!
//! The note stands among the groups' progress, under the relay's own name and the topic that holds its position, in
//! which it has no offset to tell.

use super::RELAY;
use crate::status::{ReaderState, ReaderStatus};
use commands::{Log, db};
use domain::Position;
use sqlx::PgPool;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;

/// How often is looked whether it has got further.
const NOTED_EVERY: Duration = Duration::from_secs(1);
/// How long a note may take to be written.
const NOTE_AT_MOST: Duration = Duration::from_secs(5);

/// Notes what `status` tells, as long as this instance leads and whenever it has changed.
pub(super) async fn keep_noted(log: &Log, topic: &str, status: &watch::Sender<ReaderStatus>) -> Infallible {
    let mut noted = None;
    loop {
        let position = leads_at(status);
        if position.is_some() && position != noted {
            noted = note(log.pool(), topic, position).await;
        }
        tokio::time::sleep(NOTED_EVERY).await;
    }
}

/// Notes how far a relay got that was stopped in order.
pub(super) async fn note_last(log: &Log, topic: &str, status: &watch::Sender<ReaderStatus>) {
    note(log.pool(), topic, leads_at(status)).await;
}

/// How far the relay is that any instance runs, or ran last; `None` before its first start.
pub async fn noted(pool: &PgPool) -> Result<Option<Position>, sqlx::Error> {
    // Under another prefix there is another row.
    let last: Option<i64> = db::read(pool, async |session| {
        let ask = "SELECT position FROM consumer_progress WHERE consumer = $1 ORDER BY changed_at DESC LIMIT 1";
        sqlx::query_scalar(ask).bind(RELAY).fetch_optional(session).await
    })
    .await?;
    Ok(last.map(Position::from_i64))
}

/// What an instance that stands by knows is old.
fn leads_at(status: &watch::Sender<ReaderStatus>) -> Option<Position> {
    let status = status.borrow();
    (status.state == ReaderState::Running).then_some(status.position)
}

/// Gives what is noted by it: nothing where it can't be now.
async fn note(pool: &PgPool, topic: &str, position: Option<Position>) -> Option<Position> {
    let position = position?;
    let note = sqlx::query(
        "INSERT INTO consumer_progress (consumer, topic, partition, position, log_offset, changed_at)
         VALUES ($1, $2, 0, $3, 0, now())
         ON CONFLICT ON CONSTRAINT consumer_progress_partition
         DO UPDATE SET position = excluded.position, changed_at = excluded.changed_at",
    );
    let note = note.bind(RELAY).bind(topic).bind(position.as_i64());
    match db::work(pool, NOTE_AT_MOST, async |session| note.execute(session).await).await {
        Ok(_) => Some(position),
        Err(error) => {
            tracing::debug!(%error, "how far the relay is can't be noted now");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RELAY;

    #[test]
    fn no_consumer_has_the_name_of_the_relay() {
        assert!(!crate::NAMES.contains(&RELAY));
    }
}
