//! The relay: streams the log to Kafka, each event once and in order.
//!
//! On a real broker ([`exact`]) each batch is one Kafka transaction, with the position that it ends at inside
//! ([`position`]); so Kafka itself knows how far it is, whatever becomes of this process. Into an embedded broker
//! ([`embedded`]) it is at least once, and the consumers' ledger removes the duplicates.

mod embedded;
mod exact;
mod place;
mod position;
mod producer;
mod traced;

pub use place::noted;
pub(crate) use position::{Published, published};
pub(crate) use producer::AHEAD_AT_MOST;

use crate::kafka::{BrokerError, KafkaSettings};
use crate::ledger::LedgerError;
use crate::pause::Pauses;
use crate::status::{ReaderState, ReaderStatus, tell};
use crate::topics::Topics;
use commands::db::DbError;
use commands::{Log, LogError};
use domain::Position;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The relay's name, in its status and as what one instance leads in.
pub const RELAY: &str = "relay";

/// How long one read waits for news before it looks by itself.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often is looked how far the relay is behind.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// The pauses before the relay tries again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Why the relay stops, or pauses. Each text says what is wrong, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// Kafka is away, or its topics are not as they must be.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The lead can't be asked for.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The groups' places can't be read or kept.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A transaction, or a delivery, failed. Nothing of it shows to readers of committed records.
    #[error("Kafka did not take a batch: {0}")]
    NotTaken(String),
    /// Another instance leads now.
    #[error("another instance leads the relay now")]
    LeadLost,
    /// Kafka knows of more events than there are.
    #[error(
        "Kafka has events up to position {published}, the log ends at {head}: the log was restored to an earlier point. \
         Restore it to {published} or later. If the events in between are lost for good, run `orders log new-epoch` and \
         leave the topics {topics} behind: with another ORDERS_KAFKA_PREFIX all events are published anew"
    )]
    Ahead {
        /// The position that Kafka has.
        published: Position,
        /// Where the log ends.
        head: Position,
        /// The topics.
        topics: String,
    },
    /// The log was restored to an earlier point than Kafka knows, and has grown beyond that since.
    #[error(
        "another event stands at position {position} of the log than the one that Kafka has from there: the log was \
         restored to an earlier point and has gone on. Run `orders log new-epoch` and leave the topics {topics} behind: \
         with another ORDERS_KAFKA_PREFIX all events are published anew"
    )]
    OtherHistory {
        /// Up to where Kafka has events.
        position: Position,
        /// The topics.
        topics: String,
    },
    /// Kafka holds the events of another log, or of this one before a restore.
    #[error(
        "the topics {topics} hold events of the log {published_id} in its epoch {published_epoch}; this one is \
         {log_id} in epoch {epoch}: it is another shop's, or was restored. Choose another ORDERS_KAFKA_PREFIX: all \
         events are published anew"
    )]
    OtherLog {
        /// Whose events Kafka holds.
        published_id: Uuid,
        /// In which epoch they were published.
        published_epoch: u64,
        /// This log.
        log_id: Uuid,
        /// Its epoch.
        epoch: u64,
        /// The topics.
        topics: String,
    },
    /// The topic that holds the position is empty, the topics of events are not.
    #[error(
        "the topics of events hold records, but {relay_topic}, which says up to where they go, is empty: somebody deleted \
         it. Going on would publish events twice. Delete the topics {topics}: all events are published anew, and no mail \
         is sent twice"
    )]
    PositionLost {
        /// The empty topic.
        relay_topic: String,
        /// All of them.
        topics: String,
    },
    /// The topics of events are empty, the topic that holds the position is not.
    #[error(
        "{relay_topic} says that events up to {published} are published, but the topics of events are empty: somebody \
         deleted them. Delete {relay_topic} too: all events are published anew, and no mail is sent twice"
    )]
    EventsLost {
        /// The topic that holds the position.
        relay_topic: String,
        /// The position.
        published: Position,
    },
    /// A record of the position can't be read.
    #[error("the last record of {relay_topic} is not of our form: {fault}")]
    StrangePosition {
        /// The topic.
        relay_topic: String,
        /// What does not fit.
        fault: String,
    },
    /// The groups have finished more than there is.
    #[error(
        "the consumers have finished events up to {finished}, the log ends at {head}: the events table was restored \
         without the tables of consumers. Restore the whole database to one point in time"
    )]
    FinishedAhead {
        /// The groups' lowest finished position.
        finished: Position,
        /// Where the log ends.
        head: Position,
    },
    /// An aggregate of a kind that this program does not know.
    #[error(
        "the event at position {position} is of a `{aggregate_type}`, for which there is no topic: a newer program wrote \
         it; upgrade this one"
    )]
    NoTopic {
        /// Where it stands.
        position: Position,
        /// The kind.
        aggregate_type: String,
    },
}

impl RelayError {
    /// Whether it may go away by itself.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Broker(error) => error.is_transient(),
            Self::Log(LogError::Db(_)) | Self::Db(_) | Self::Ledger(_) | Self::NotTaken(_) | Self::LeadLost => true,
            _ => false,
        }
    }
}

/// Refuses a log that is not the one that Kafka's events are of: before anything is begun, and before a consumer acts
/// on events that may be no more. Never with an embedded broker, which holds nothing of an earlier run.
pub async fn check_history(log: &Log, kafka: &KafkaSettings, topics: &Topics) -> Result<(), RelayError> {
    if kafka.embedded {
        return Ok(());
    }
    let (asked, settings) = (topics.clone(), kafka.clone());
    let ask = tokio::task::spawn_blocking(move || published(&settings, &asked));
    let answer = ask.await.map_err(|error| RelayError::NotTaken(format!("the position could not be read: {error}")))?;
    match answer? {
        Some(published) => position::check_history(log, topics, &published).await,
        None => Ok(()),
    }
}

/// Streams the log to Kafka until `cancel`. What may go away by itself is tried again, with growing pauses, and shown
/// in `status` meanwhile; an error that is returned needs a person.
pub async fn run_relay(
    log: Log,
    kafka: KafkaSettings,
    cancel: CancellationToken,
    status: watch::Sender<ReaderStatus>,
) -> Result<(), RelayError> {
    let topic = Topics::new(&kafka.prefix).relay;
    let outcome = tokio::select! {
        outcome = keep_relaying(&log, &kafka, &cancel, &status) => outcome,
        never = measure_lag(&log, &status) => match never {},
        never = place::keep_noted(&log, &topic, &status) => match never {},
    };
    place::note_last(&log, &topic, &status).await;
    outcome
}

/// Shows how far the relay is behind, whatever holds it up.
async fn measure_lag(log: &Log, status: &watch::Sender<ReaderStatus>) -> Infallible {
    loop {
        if let Some(lag) = lag(&status.borrow(), log.known_head()) {
            metrics::gauge!("orders_relay_lag_events").set(lag as f64);
        }
        tokio::time::sleep(MEASURE_EVERY).await;
    }
}

/// One that stands by is behind nothing. One that leads and has not heard from Kafka yet how far it is goes by what it
/// knew last; `None` when it never knew.
fn lag(status: &ReaderStatus, head: Position) -> Option<u64> {
    match status.state {
        ReaderState::Standby => Some(0),
        ReaderState::Running => Some(head.0.saturating_sub(status.position.0)),
        _ if status.position == Position::ORIGIN => None,
        _ => Some(head.0.saturating_sub(status.position.0)),
    }
}

async fn keep_relaying(
    log: &Log,
    kafka: &KafkaSettings,
    cancel: &CancellationToken,
    status: &watch::Sender<ReaderStatus>,
) -> Result<(), RelayError> {
    let mut pauses = Pauses::new(FIRST_PAUSE, LONGEST_PAUSE);
    loop {
        let before = status.borrow().position;
        let outcome = if kafka.embedded {
            embedded::relay(log, kafka, cancel, status).await
        } else {
            exact::relay(log, kafka, cancel, status).await
        };
        match outcome {
            Ok(()) => return Ok(()),
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "the relay pauses");
                tell(status, ReaderState::Retrying(error.to_string()));
            }
            Err(error) => {
                tell(status, ReaderState::Stopped(error.to_string()));
                return Err(error);
            }
        }
        metrics::counter!("orders_relay_retries_total").increment(1);
        if status.borrow().position > before {
            pauses.start_over();
        }
        if cancel.run_until_cancelled(tokio::time::sleep(pauses.next())).await.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_leads_is_behind_and_never_by_a_log_that_it_has_not_looked_at() {
        let at = |position, state| {
            lag(&ReaderStatus { name: RELAY, position: Position(position), taken_records: 0, state }, Position(100))
        };
        let away = || ReaderState::Retrying("Kafka is away".to_owned());
        assert_eq!([at(0, ReaderState::Standby), at(90, ReaderState::Standby)], [Some(0); 2]);
        assert_eq!([at(0, ReaderState::Starting), at(0, away())], [None; 2], "how far Kafka is was never heard");
        assert_eq!([at(90, ReaderState::Starting), at(90, away())], [Some(10); 2]);
        assert_eq!([at(0, ReaderState::Running), at(100, ReaderState::Running)], [Some(100), Some(0)]);
    }
}
