//! The topics: one per published kind of aggregate, and one that holds how far the relay is.

use crate::kafka::{ASK_AT_MOST, BrokerError, KafkaSettings, Quiet};
use domain::AggregateType;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::Metadata;
use std::fmt;
use std::time::{Duration, Instant};

/// How long a topic that was just made may take to show in the cluster's metadata.
const SHOWS_WITHIN: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The names of the topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Every event of every order.
    pub orders: String,
    /// Every event of every product.
    pub products: String,
    /// How far the relay is: one record per transaction, of which compaction keeps the last.
    pub relay: String,
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {} and {}", self.orders, self.products, self.relay)
    }
}

impl Topics {
    /// The names under a prefix.
    pub fn new(prefix: &str) -> Self {
        Self {
            orders: format!("{prefix}orders.events"),
            products: format!("{prefix}products.events"),
            relay: format!("{prefix}orders.relay"),
        }
    }

    /// The topic on which events of a kind are published.
    pub fn of(&self, kind: AggregateType) -> &str {
        match kind {
            AggregateType::Order => &self.orders,
            AggregateType::Product => &self.products,
        }
    }

    /// The kind whose events a topic carries.
    pub fn kind(&self, topic: &str) -> Option<AggregateType> {
        [AggregateType::Order, AggregateType::Product].into_iter().find(|kind| self.of(*kind) == topic)
    }

    /// All topics of events.
    pub fn events(&self) -> [&str; 2] {
        [&self.orders, &self.products]
    }
}

/// Makes the topics that are missing and checks those that are there. Also tells whether Kafka can be reached at all.
///
/// Topics of events keep everything for ever: whoever starts a new consumer next year reads from the first order on.
pub async fn ensure(settings: &KafkaSettings) -> Result<Topics, BrokerError> {
    let topics = Topics::new(&settings.prefix);
    let client = settings.client()?;
    let admin = AdminClient::from_config_and_context(&client, Quiet).map_err(BrokerError::Settings)?;
    // An embedded broker makes its topics itself, at its start.
    if !settings.embedded {
        make(&admin, settings, &topics).await?;
    }
    let (settings, names) = (settings.clone(), topics.clone());
    tokio::task::spawn_blocking(move || check(&admin, &settings, &names))
        .await
        .map_err(|panic| BrokerError::NotMade { topic: topics.orders.clone(), fault: panic.to_string() })??;
    Ok(topics)
}

async fn make(admin: &AdminClient<Quiet>, settings: &KafkaSettings, topics: &Topics) -> Result<(), BrokerError> {
    let replicas = settings.replicas.map_or(-1, i32::from);
    let events = topics.events().map(|name| {
        NewTopic::new(name, i32::from(settings.partitions), TopicReplication::Fixed(replicas))
            .set("cleanup.policy", "delete")
            .set("retention.ms", "-1")
            .set("retention.bytes", "-1")
    });
    let position = NewTopic::new(&topics.relay, 1, TopicReplication::Fixed(replicas))
        .set("cleanup.policy", "compact")
        // Small segments are compacted soon, so that the topic stays small.
        .set("segment.bytes", "16777216")
        .set("min.cleanable.dirty.ratio", "0.1");
    let options =
        AdminOptions::new().request_timeout(Some(ASK_AT_MOST)).operation_timeout(Some(Duration::from_secs(5)));
    let made = admin
        .create_topics(events.iter().chain([&position]), &options)
        .await
        .map_err(|error| BrokerError::Unreachable { brokers: settings.brokers.clone(), fault: error.to_string() })?;
    for outcome in made {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(BrokerError::NotMade { topic, fault: code.to_string() }),
        }
    }
    Ok(())
}

fn check(admin: &AdminClient<Quiet>, settings: &KafkaSettings, topics: &Topics) -> Result<(), BrokerError> {
    let mut wanted = vec![(topics.orders.as_str(), usize::from(settings.partitions))];
    wanted.push((&topics.products, usize::from(settings.partitions)));
    if !settings.embedded {
        wanted.push((&topics.relay, 1));
    }
    let deadline = Instant::now() + SHOWS_WITHIN;
    loop {
        let metadata = admin.inner().fetch_metadata(None, ASK_AT_MOST).map_err(|error| BrokerError::Unreachable {
            brokers: settings.brokers.clone(),
            fault: error.to_string(),
        })?;
        let Some((missing, _)) = wanted.iter().find(|(topic, _)| partitions(&metadata, topic) == 0) else {
            return counts(&metadata, &wanted);
        };
        if Instant::now() > deadline {
            let fault = format!("it does not show in the cluster's metadata after {} s", SHOWS_WITHIN.as_secs());
            return Err(BrokerError::NotMade { topic: (*missing).to_owned(), fault });
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

fn counts(metadata: &Metadata, wanted: &[(&str, usize)]) -> Result<(), BrokerError> {
    for (topic, wanted) in wanted {
        let found = partitions(metadata, topic);
        if found != *wanted {
            return Err(BrokerError::PartitionsChanged { topic: (*topic).to_owned(), found, wanted: *wanted });
        }
    }
    Ok(())
}

fn partitions(metadata: &Metadata, topic: &str) -> usize {
    metadata
        .topics()
        .iter()
        .find(|found| found.name() == topic && found.error().is_none())
        .map_or(0, |found| found.partitions().len())
}
