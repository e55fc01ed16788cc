//! What an operator does to groups and sees of transactions. All calls block a thread of their own.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

/// How long one question may take.
const ANSWER_AT_MOST: Duration = Duration::from_secs(10);

/// Whether in some partition of the topic a transaction is open, which holds readers of committed records back.
///
/// # Errors
/// The broker's, as text: away, too slow.
pub async fn has_open_transaction(brokers: &str, topic: &str) -> Result<bool, String> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    ask(move || {
        let [committed, uncommitted] = ["read_committed", "read_uncommitted"].map(|level| {
            ClientConfig::new()
                .set("bootstrap.servers", &brokers)
                .set("group.id", "testkit") // Asked for by the library; never joined.
                .set("isolation.level", level)
                .create::<BaseConsumer>()
        });
        let (committed, uncommitted) = (committed?, uncommitted?);
        for partition in partitions(&uncommitted, &topic)? {
            // Where the next record goes, and up to where all transactions are over.
            let (_, end) = uncommitted.fetch_watermarks(&topic, partition, ANSWER_AT_MOST)?;
            let (_, stable) = committed.fetch_watermarks(&topic, partition, ANSWER_AT_MOST)?;
            if stable < end {
                return Ok(true);
            }
        }
        Ok(false)
    })
    .await
}

/// Sets a group back to the beginning of a topic.
///
/// # Errors
/// The broker's, as text: the group has members, or the broker is away.
pub async fn rewind(brokers: &str, group: &str, topic: &str) -> Result<(), String> {
    let (brokers, group, topic) = (brokers.to_owned(), group.to_owned(), topic.to_owned());
    ask(move || {
        let member = member(&brokers, &group)?;
        let mut beginning = places(&member, &topic)?;
        beginning.set_all_offsets(Offset::Offset(0))?;
        member.commit(&beginning, CommitMode::Sync)
    })
    .await
}

/// How many records of a topic a group has behind it, its transactions' markers counted too: the sum of its offsets.
///
/// # Errors
/// The broker's, as text.
pub async fn group_progress(brokers: &str, group: &str, topic: &str) -> Result<i64, String> {
    let (brokers, group, topic) = (brokers.to_owned(), group.to_owned(), topic.to_owned());
    ask(move || {
        let member = member(&brokers, &group)?;
        let committed = member.committed_offsets(places(&member, &topic)?, ANSWER_AT_MOST)?;
        Ok(committed.elements().iter().filter_map(|place| place.offset().to_raw().filter(|offset| *offset > 0)).sum())
    })
    .await
}

async fn ask<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, String> {
    let answer = tokio::task::spawn_blocking(question).await.expect("asking does not panic");
    answer.map_err(|error| error.to_string())
}

/// Somebody who speaks for a group without joining it.
fn member(brokers: &str, group: &str) -> Result<BaseConsumer, KafkaError> {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .create()
}

fn places(client: &BaseConsumer, topic: &str) -> Result<TopicPartitionList, KafkaError> {
    let mut places = TopicPartitionList::new();
    for partition in partitions(client, topic)? {
        places.add_partition(topic, partition);
    }
    Ok(places)
}

fn partitions(client: &BaseConsumer, topic: &str) -> Result<Vec<i32>, KafkaError> {
    let metadata = client.fetch_metadata(Some(topic), ANSWER_AT_MOST)?;
    Ok(metadata.topics().iter().flat_map(|topic| topic.partitions()).map(|partition| partition.id()).collect())
}
