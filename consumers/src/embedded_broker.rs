//! A Kafka broker inside this process, for a start with nothing configured: librdkafka's own, on a port of the loopback
//! interface, so that any Kafka client can read it.
//!
//! It has no real transactions, keeps at most [`KEPT_BYTES`] and [`KEPT_BATCHES`] per partition, and forgets everything
//! when it ends. [`crate::run_relay`] makes up for that.

use crate::kafka::{BrokerError, KafkaSettings};
use crate::topics::Topics;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use std::sync::mpsc;
use std::thread;

/// How many bytes of records a partition keeps; the oldest go first.
pub const KEPT_BYTES: usize = 5 << 20;
/// How many produced batches a partition keeps, of one record or many.
pub const KEPT_BATCHES: usize = 100_000;

/// A running embedded broker. It ends, and forgets, when dropped.
#[derive(Debug)]
pub struct EmbeddedBroker {
    brokers: String,
    partitions: u16,
    // Its end tells the thread that owns the cluster to end too.
    _alive: mpsc::Sender<()>,
}

impl EmbeddedBroker {
    /// Starts a broker with empty topics of events of that many partitions.
    pub fn start(partitions: u16) -> Result<Self, BrokerError> {
        let (alive, ended) = mpsc::channel::<()>();
        let (reply, started) = mpsc::channel();
        let hold = move || {
            let cluster = start(partitions);
            let addresses = cluster.as_ref().map(MockCluster::bootstrap_servers).map_err(Clone::clone);
            let _ = reply.send(addresses);
            // Nothing is ever sent: this returns when the handle is dropped.
            let _ = ended.recv();
        };
        let unable = |fault: String| BrokerError::Unreachable { brokers: "the embedded broker".to_owned(), fault };
        thread::Builder::new()
            .name("embedded-kafka".to_owned())
            .spawn(hold)
            .map_err(|error| unable(error.to_string()))?;
        let brokers = started
            .recv()
            .map_err(|_| unable("it ended at its start".to_owned()))?
            .map_err(|error| unable(error.to_string()))?;
        Ok(Self { brokers, partitions, _alive: alive })
    }

    /// How clients reach it: `host:port`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// The settings for our own clients.
    pub fn settings(&self) -> KafkaSettings {
        KafkaSettings { partitions: self.partitions, embedded: true, ..KafkaSettings::new(&self.brokers) }
    }
}

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn start(partitions: u16) -> Result<Cluster, rdkafka::error::KafkaError> {
    let cluster = MockCluster::new(1)?;
    for topic in Topics::new("").events() {
        cluster.create_topic(topic, i32::from(partitions), 1)?;
    }
    Ok(cluster)
}
