//! A real Apache Kafka broker, what an operator does to groups and sees of transactions, and two ways to read what is
//! in it that know nothing of the program under test.

mod admin;
mod broker;
mod jvm;
mod kcat;
mod records;

pub use admin::{group_progress, has_open_transaction, rewind};
pub use broker::{KafkaBroker, Mechanism};
pub use kcat::read_topic_with_kcat;
pub use records::{Record, read_topic};
