//! A Kafka broker inside this process, for a start with nothing configured: librdkafka's own, on a port of the loopback
//! interface, so that any Kafka client can read it.
//!
//! It has no real transactions, keeps at most [`KEPT_BYTES`] and [`KEPT_BATCHES`] per partition, and forgets everything
//! when it ends. [`crate::run_relay`] makes up for that.

use crate::kafka::{BrokerError, KafkaSettings};
use crate::topics::Topics;
use rdkafka::error::KafkaError;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use std::fmt;
use std::net::TcpStream;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// How many bytes of records a partition keeps; the oldest go first.
pub const KEPT_BYTES: usize = 5 << 20;
/// How many produced batches a partition keeps, of one record or many.
pub const KEPT_BATCHES: usize = 100_000;

const WAKE_EVERY: Duration = Duration::from_millis(20);

/// A running embedded broker. It ends, and forgets, when dropped.
#[derive(Debug)]
pub struct EmbeddedBroker {
    brokers: String,
    partitions: u16,
    prefix: String,
    // Its end tells the thread that owns the cluster to end too.
    _alive: mpsc::Sender<()>,
}

impl EmbeddedBroker {
    /// Starts a broker with empty topics of events of that many partitions.
    pub fn start(partitions: u16) -> Result<Self, BrokerError> {
        Self::start_prefixed(partitions, "")
    }

    /// The same, with a prefix before the names of topics and groups.
    pub fn start_prefixed(partitions: u16, prefix: &str) -> Result<Self, BrokerError> {
        let topics = Topics::new(prefix);
        let (alive, ended) = mpsc::channel::<()>();
        let (reply, replies) = mpsc::channel();
        let hold = move || {
            let cluster = start(&topics, partitions, &reply);
            // Nothing is ever sent: this returns when the handle is dropped.
            let _ = ended.recv();
            drop(cluster);
        };
        thread::Builder::new().name("embedded-kafka".to_owned()).spawn(hold).map_err(unable)?;
        let brokers = replies.recv().map_err(unable)?.map_err(unable)?;
        wait_for_topics(&replies, &brokers)?;
        Ok(Self { brokers, partitions, prefix: prefix.to_owned(), _alive: alive })
    }

    /// How clients reach it: `host:port`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// The settings for our own clients.
    pub fn settings(&self) -> KafkaSettings {
        KafkaSettings {
            partitions: self.partitions,
            prefix: self.prefix.clone(),
            embedded: true,
            ..KafkaSettings::new(&self.brokers)
        }
    }
}

type Cluster = MockCluster<'static, DefaultProducerContext>;

type Reply = Result<String, KafkaError>;

/// Makes the cluster and its topics. Replies twice with its address: once it has one, and once the topics are there.
fn start(topics: &Topics, partitions: u16, reply: &mpsc::Sender<Reply>) -> Option<Cluster> {
    let made = MockCluster::new(1).and_then(|cluster| {
        let address = cluster.bootstrap_servers();
        let _ = reply.send(Ok(address.clone()));
        for topic in topics.events() {
            cluster.create_topic(topic, i32::from(partitions), 1)?;
        }
        cluster.create_topic(&topics.dead_letters, 1, 1)?;
        let _ = reply.send(Ok(address));
        Ok(cluster)
    });
    made.map_err(|error| reply.send(Err(error))).ok()
}

/// librdkafka's cluster may miss the wake-up of a request that comes right behind another, and then looks for it a
/// second later. A connection wakes it.
fn wait_for_topics(replies: &mpsc::Receiver<Reply>, brokers: &str) -> Result<(), BrokerError> {
    loop {
        match replies.recv_timeout(WAKE_EVERY) {
            Ok(made) => return made.map(|_| ()).map_err(unable),
            Err(RecvTimeoutError::Timeout) => drop(TcpStream::connect(brokers)),
            Err(RecvTimeoutError::Disconnected) => return Err(unable("it ended at its start")),
        }
    }
}

fn unable(fault: impl fmt::Display) -> BrokerError {
    BrokerError::Unreachable { brokers: "the embedded broker".to_owned(), fault: fault.to_string() }
}
