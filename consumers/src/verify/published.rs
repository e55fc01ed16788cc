//! Up to where the relay has published, and whether that is of this log.

use super::broker::{Broker, EventTopic};
use super::difference::Difference;
use super::{RelayChecked, VerifyError};
use crate::ledger::groups;
use commands::Log;
use commands::verify::Found;
use domain::Position;

/// The topics of events, and what the relay says of itself.
///
/// An embedded broker keeps no position: there everything is published that all consumers have finished, which is kept
/// in PostgreSQL.
pub(super) async fn look(
    log: &Log,
    broker: &Broker,
    most_listed: usize,
) -> Result<(Vec<EventTopic>, RelayChecked), VerifyError> {
    let (topics, has_position) = broker.ask(Broker::event_topics).await?;
    let mut differences = Found::new(most_listed);
    let mut position = Position::ORIGIN;
    if broker.kafka.embedded {
        (position, _) = groups::finished(log.pool(), &crate::declared()).await?;
    } else {
        // Asked before: what is noted was published by then.
        let names: Vec<String> = topics.iter().map(|topic| topic.name.clone()).collect();
        let noted = groups::noted(log.pool(), &names).await?;
        let published = if has_position { broker.ask(Broker::published).await? } else { None };
        match published {
            Some(published) if published.is_of(log.identity()) => position = published.position,
            Some(published) => {
                let (log_id, epoch) = (published.log_id, published.epoch);
                differences.add(Difference::OtherLog { log_id, epoch });
            }
            None if holds_records(broker, &topics).await? => differences.add(Difference::PositionLost),
            None => {}
        }
        if noted > position && differences.count() == 0 {
            differences.add(Difference::BehindConsumers { position, noted });
        }
    }
    // Asked afterwards: what is published is in the log by now.
    let head = log.head().await?;
    if position > head {
        differences.add(Difference::AheadOfLog { position, head });
    }
    Ok((topics, RelayChecked { published: position, head, differences }))
}

/// Whether there are records although nothing says that anything was published. Looked at twice: the first transaction
/// of all may have become visible in between.
async fn holds_records(broker: &Broker, topics: &[EventTopic]) -> Result<bool, VerifyError> {
    for topic in topics {
        let asked = topic.clone();
        if broker.ask(move |broker| broker.any_record(&asked)).await? {
            return Ok(broker.ask(Broker::published).await?.is_none());
        }
    }
    Ok(false)
}
