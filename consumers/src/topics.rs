//! The topics: one per published kind of aggregate, one that holds how far the relay is, and one of what consumers
//! parked.

use crate::kafka::{ASK_AT_MOST, BrokerError, KafkaSettings, Quiet};
use domain::AggregateType;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::RDKafkaErrorCode;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
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
    /// Every event of every category.
    pub categories: String,
    /// Every event of every issue of the newsletter.
    pub newsletters: String,
    /// How far the relay is: one record per transaction, of which compaction keeps the last.
    pub relay: String,
    /// What consumers parked: the record as it came, with the reason. See [`crate::parked::letters`].
    pub dead_letters: String,
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { orders, products, categories, newsletters, relay, dead_letters } = self;
        write!(f, "{orders}, {products}, {categories}, {newsletters}, {relay} and {dead_letters}")
    }
}

impl Topics {
    /// The names under a prefix.
    pub fn new(prefix: &str) -> Self {
        Self {
            orders: format!("{prefix}orders.events"),
            products: format!("{prefix}products.events"),
            categories: format!("{prefix}categories.events"),
            newsletters: format!("{prefix}newsletters.events"),
            relay: format!("{prefix}orders.relay"),
            dead_letters: format!("{prefix}orders.dead-letters"),
        }
    }

    /// The topic on which events of a kind are published.
    pub fn of(&self, kind: AggregateType) -> &str {
        match kind {
            AggregateType::Order => &self.orders,
            AggregateType::Product => &self.products,
            AggregateType::Category => &self.categories,
            AggregateType::Newsletter => &self.newsletters,
        }
    }

    /// The kind whose events a topic carries.
    pub fn kind(&self, topic: &str) -> Option<AggregateType> {
        AggregateType::ALL.into_iter().find(|kind| self.of(*kind) == topic)
    }

    /// All topics of events.
    pub fn events(&self) -> [&str; 4] {
        AggregateType::ALL.map(|kind| self.of(kind))
    }
}

/// Makes the topics that are missing and checks those that are there. Also tells whether Kafka can be reached at all.
///
/// Topics of events keep everything for ever: whoever starts a new consumer next year reads from the first order on.
pub async fn ensure(settings: &KafkaSettings) -> Result<Topics, BrokerError> {
    let topics = Topics::new(&settings.prefix);
    let client = settings.client()?;
    let admin = AdminClient::from_config_and_context(&client, Quiet).map_err(BrokerError::Settings)?;
    let mut wanted: Vec<Wanted> = topics.events().into_iter().map(|topic| Wanted::events(topic, settings)).collect();
    wanted.push(Wanted { topic: topics.dead_letters.clone(), partitions: 1, kind: Kind::DeadLetters });
    // An embedded broker makes its topics itself, at its start, and needs no position.
    if !settings.embedded {
        wanted.push(Wanted { topic: topics.relay.clone(), partitions: 1, kind: Kind::Position });
    }
    let cluster = Cluster { admin: Arc::new(admin), brokers: settings.brokers.clone() };
    let missing = cluster.missing(&wanted).await?;
    // Asked only where it is needed: a login may use topics that it may not make.
    if !settings.embedded && !missing.is_empty() {
        cluster.make(&missing, settings.replicas).await?;
    }
    cluster.until_there(&wanted).await?;
    Ok(topics)
}

/// A topic as it must be.
#[derive(Debug, Clone)]
struct Wanted {
    topic: String,
    partitions: u16,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Events,
    Position,
    DeadLetters,
}

impl Wanted {
    fn events(topic: &str, settings: &KafkaSettings) -> Self {
        Self { topic: topic.to_owned(), partitions: settings.partitions, kind: Kind::Events }
    }

    fn new_topic(&self, replicas: Option<u16>) -> NewTopic<'_> {
        let replicas = TopicReplication::Fixed(replicas.map_or(-1, i32::from));
        let topic = NewTopic::new(&self.topic, i32::from(self.partitions), replicas);
        match self.kind {
            Kind::Events => {
                topic.set("cleanup.policy", "delete").set("retention.ms", "-1").set("retention.bytes", "-1")
            }
            // Small segments are compacted soon, so that the topic stays small.
            Kind::Position => topic
                .set("cleanup.policy", "compact")
                .set("segment.bytes", "16777216")
                .set("min.cleanable.dirty.ratio", "0.1"),
            // The ledger keeps what matters; the copies of records, personal data included, go after a month.
            Kind::DeadLetters => topic.set("cleanup.policy", "delete").set("retention.ms", "2592000000"),
        }
    }
}

/// The cluster, as an administrator asks it.
struct Cluster {
    admin: Arc<AdminClient<Quiet>>,
    brokers: String,
}

impl Cluster {
    async fn make(&self, missing: &[Wanted], replicas: Option<u16>) -> Result<(), BrokerError> {
        let new: Vec<_> = missing.iter().map(|wanted| wanted.new_topic(replicas)).collect();
        let options =
            AdminOptions::new().request_timeout(Some(ASK_AT_MOST)).operation_timeout(Some(Duration::from_secs(5)));
        let made = self.admin.create_topics(&new, &options).await.map_err(|error| self.unreachable(&error))?;
        for outcome in made {
            match outcome {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => return Err(BrokerError::NotMade { topic, fault: code.to_string() }),
            }
        }
        Ok(())
    }

    async fn until_there(&self, wanted: &[Wanted]) -> Result<(), BrokerError> {
        let deadline = Instant::now() + SHOWS_WITHIN;
        while let Some(missing) = self.missing(wanted).await?.pop() {
            if Instant::now() > deadline {
                let fault = format!("it does not show in the cluster's metadata after {} s", SHOWS_WITHIN.as_secs());
                return Err(BrokerError::NotMade { topic: missing.topic, fault });
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Which topics are not there. Those that are must have the right count of partitions.
    async fn missing(&self, wanted: &[Wanted]) -> Result<Vec<Wanted>, BrokerError> {
        let counts = self.partition_counts().await?;
        let mut missing = Vec::new();
        for wanted in wanted {
            match counts.get(&wanted.topic) {
                None => missing.push(wanted.clone()),
                Some(found) if *found == usize::from(wanted.partitions) => {}
                Some(found) => {
                    return Err(BrokerError::PartitionsChanged {
                        topic: wanted.topic.clone(),
                        found: *found,
                        wanted: usize::from(wanted.partitions),
                    });
                }
            }
        }
        Ok(missing)
    }

    async fn partition_counts(&self) -> Result<HashMap<String, usize>, BrokerError> {
        let admin = Arc::clone(&self.admin);
        let ask = tokio::task::spawn_blocking(move || admin.inner().fetch_metadata(None, ASK_AT_MOST));
        let metadata =
            ask.await.map_err(|error| self.unreachable(&error))?.map_err(|error| self.unreachable(&error))?;
        let there = metadata.topics().iter().filter(|topic| topic.error().is_none() && !topic.partitions().is_empty());
        Ok(there.map(|topic| (topic.name().to_owned(), topic.partitions().len())).collect())
    }

    fn unreachable(&self, fault: &dyn fmt::Display) -> BrokerError {
        BrokerError::Unreachable { brokers: self.brokers.clone(), fault: fault.to_string() }
    }
}
