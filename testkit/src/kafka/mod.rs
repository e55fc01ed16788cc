//! A real Apache Kafka broker, and two ways to read what is in it that know nothing of the program under test.

mod broker;
mod jvm;
mod kcat;
mod records;

pub use broker::{KafkaBroker, Mechanism};
pub use kcat::read_topic_with_kcat;
pub use records::{Record, read_topic};
