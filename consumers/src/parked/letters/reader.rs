//! Reading single records, wherever they stand.

use crate::kafka::{ASK_AT_MOST, BrokerError, KafkaSettings, Quiet};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

const POLL_STEP: Duration = Duration::from_millis(100);

/// A client that reads one record at a time. Its calls block.
pub(super) struct Reader {
    client: BaseConsumer<Quiet>,
    brokers: String,
}

impl Reader {
    pub(super) fn new(kafka: &KafkaSettings) -> Result<Self, BrokerError> {
        let mut config = kafka.consumer(&kafka.group("dead-letters"))?;
        config.set("enable.auto.commit", "false").set("enable.partition.eof", "true").set("fetch.wait.max.ms", "10");
        let client = BaseConsumer::from_config_and_context(&config, Quiet).map_err(BrokerError::Settings)?;
        Ok(Self { client, brokers: kafka.brokers.clone() })
    }

    /// The record at a place; `None` where there is none any more.
    pub(super) fn record_at(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Option<OwnedMessage>, BrokerError> {
        let mut place = TopicPartitionList::new();
        place.add_partition_offset(topic, partition, Offset::Offset(offset)).map_err(BrokerError::Settings)?;
        self.client.assign(&place).map_err(BrokerError::Settings)?;
        let found = self.first_from(topic, partition, offset);
        // What stands behind it is not wanted.
        self.client.unassign().map_err(BrokerError::Settings)?;
        found
    }

    fn first_from(&self, topic: &str, partition: i32, offset: i64) -> Result<Option<OwnedMessage>, BrokerError> {
        let deadline = Instant::now() + ASK_AT_MOST;
        loop {
            match self.client.poll(POLL_STEP) {
                // Of what was asked for before.
                Some(Ok(message)) if message.topic() != topic || message.partition() != partition => {}
                Some(Ok(message)) if message.offset() < offset => {}
                Some(Ok(message)) => return Ok(Some(message.detach()).filter(|message| message.offset() == offset)),
                Some(Err(KafkaError::PartitionEOF(ended))) if ended != partition => {}
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(None),
                Some(Err(error)) => return Err(self.away(&error)),
                None if Instant::now() > deadline => {
                    return Err(self.away(&format_args!("no answer within {} s", ASK_AT_MOST.as_secs())));
                }
                None => {}
            }
        }
    }

    /// Whether the broker of that topic's first partition answers.
    pub(super) fn is_answered(&self, topic: &str) -> bool {
        self.client.fetch_watermarks(topic, 0, ASK_AT_MOST).is_ok()
    }

    fn away(&self, fault: &dyn std::fmt::Display) -> BrokerError {
        BrokerError::Unreachable { brokers: self.brokers.clone(), fault: fault.to_string() }
    }
}
