//! What needs a real Apache Kafka.

mod group;
mod instructions;
mod letters;
mod relay;
mod rewinds;
mod verify;

use consumers::KafkaSettings;
use testkit::kafka::KafkaBroker;

/// The shared broker, with topics and groups of a test's own.
fn settings() -> KafkaSettings {
    KafkaSettings {
        prefix: format!("t{}.", uuid::Uuid::now_v7().simple()),
        ..KafkaSettings::new(KafkaBroker::shared().brokers())
    }
}
