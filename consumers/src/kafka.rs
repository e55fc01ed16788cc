//! How Kafka is reached: addresses, security, and what every client of ours has in common.

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use std::fmt;
use std::time::Duration;

/// The properties of librdkafka that settings may carry, by the names that librdkafka gives them. All others decide
/// about correctness or speed, and are ours.
pub const ALLOWED_PROPERTIES: &[&str] = &[
    "broker.address.family",
    "client.dns.lookup",
    "client.rack",
    "compression.type",
    "enable.ssl.certificate.verification",
    "sasl.mechanism",
    "sasl.password",
    "sasl.username",
    "security.protocol",
    "socket.keepalive.enable",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.cipher.suites",
    "ssl.endpoint.identification.algorithm",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
];

/// What is never shown.
const SECRET_PROPERTIES: &[&str] = &["sasl.password", "ssl.key.password", "ssl.key.pem"];

/// How many partitions a topic of events gets.
pub const DEFAULT_PARTITIONS: u16 = 6;

/// Which Kafka, and how it is reached.
#[derive(Clone)]
pub struct KafkaSettings {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// Security and the like: names out of [`ALLOWED_PROPERTIES`] with their values.
    pub properties: Vec<(String, String)>,
    /// How many partitions a topic of events has. Fixed for good once the topics exist: a key's partition depends on
    /// it.
    pub partitions: u16,
    /// How many brokers keep a copy of each topic that is made; `None` leaves it to the cluster's default.
    pub replicas: Option<u16>,
    /// Goes before the name of each topic, group and transaction, so that several shops share a cluster. Usually empty.
    pub prefix: String,
    /// Whether `brokers` is an [`crate::EmbeddedBroker`]: without transactions, and forgetful.
    pub embedded: bool,
}

impl KafkaSettings {
    /// A broker reached in clear, with everything at its default.
    pub fn new(brokers: impl Into<String>) -> Self {
        Self {
            brokers: brokers.into(),
            properties: Vec::new(),
            partitions: DEFAULT_PARTITIONS,
            replicas: None,
            prefix: String::new(),
            embedded: false,
        }
    }

    /// What all clients have in common.
    pub(crate) fn client(&self) -> Result<ClientConfig, BrokerError> {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "orders")
            .set("allow.auto.create.topics", "false")
            .set("socket.nagle.disable", "true")
            // A broker that says nothing counts as away after this; the library's own minute is long for who watches.
            .set("socket.timeout.ms", ASK_AT_MOST.as_millis().to_string())
            // A broker that comes back is found within this.
            .set("reconnect.backoff.max.ms", "2000")
            .set_log_level(RDKafkaLogLevel::Warning);
        for (name, value) in &self.properties {
            if !ALLOWED_PROPERTIES.contains(&name.as_str()) {
                return Err(BrokerError::UnknownProperty { name: name.clone() });
            }
            config.set(name, value);
        }
        Ok(config)
    }

    /// What all consumers have in common: a bounded queue, committed records alone.
    pub(crate) fn consumer(&self, group: &str) -> Result<ClientConfig, BrokerError> {
        let mut config = self.client()?;
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "range")
            .set("enable.auto.offset.store", "false")
            .set("queued.max.messages.kbytes", "4096")
            .set("queued.min.messages", "2000")
            // A full queue is looked at again after this; its default of a second would starve a quick consumer.
            .set("fetch.queue.backoff.ms", "10");
        if self.embedded {
            // The embedded broker answers a fetch at the end of this time only, never earlier.
            config.set("fetch.wait.max.ms", "10");
        }
        Ok(config)
    }

    /// The name of a consumer's group.
    pub(crate) fn group(&self, consumer: &str) -> String {
        format!("{}{consumer}", self.prefix)
    }
}

impl fmt::Debug for KafkaSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let properties = self.properties.iter().map(|(name, value)| {
            let shown = if SECRET_PROPERTIES.contains(&name.as_str()) { "…" } else { value };
            format!("{name}={shown}")
        });
        f.debug_struct("KafkaSettings")
            .field("brokers", &self.brokers)
            .field("properties", &properties.collect::<Vec<_>>())
            .field("partitions", &self.partitions)
            .field("replicas", &self.replicas)
            .field("prefix", &self.prefix)
            .field("embedded", &self.embedded)
            .finish()
    }
}

/// Why Kafka can't be used. Each text is for the person who configured it, and holds no secret.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// A property that settings may not carry.
    #[error("`{name}` is no Kafka property that can be set; these can: {}", ALLOWED_PROPERTIES.join(", "))]
    UnknownProperty {
        /// The property's name.
        name: String,
    },
    /// A client could not be made of the settings.
    #[error("the Kafka settings do not fit together: {0}")]
    Settings(#[source] KafkaError),
    /// No answer.
    #[error("Kafka at {brokers} can't be reached: {fault}; check KAFKA_BROKERS and the security settings")]
    Unreachable {
        /// The addresses.
        brokers: String,
        /// What the library said.
        fault: String,
    },
    /// A topic is missing and could not be made.
    #[error("the topic {topic} could not be made: {fault}")]
    NotMade {
        /// The topic.
        topic: String,
        /// What the broker said.
        fault: String,
    },
    /// The count of partitions is another than the settings'.
    #[error(
        "the topic {topic} has {found} partitions, the settings say {wanted}. A key's partition depends on the count, so \
         it is fixed for good: with another one, an order's later events would overtake its earlier ones. Set it back to \
         {found}, or publish everything anew to topics with another prefix"
    )]
    PartitionsChanged {
        /// The topic.
        topic: String,
        /// How many it has.
        found: usize,
        /// How many the settings ask for.
        wanted: usize,
    },
}

impl BrokerError {
    /// Whether it may go away by itself.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::NotMade { .. })
    }
}

/// How long one question to the cluster may take.
pub(crate) const ASK_AT_MOST: Duration = Duration::from_secs(10);

/// Passes on what librdkafka says, at the levels of a library: what matters shows as an error of the call that failed.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        report(&error, reason);
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    tracing::debug!(target: "librdkafka", ?level, facility, message);
}

pub(crate) fn report(error: &KafkaError, reason: &str) {
    tracing::debug!(target: "librdkafka", %error, reason);
}
