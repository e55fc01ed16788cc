//! What follows from the log outside of PostgreSQL: the relay streams it to Kafka, and consumers act on what Kafka hands
//! them.
//!
//! - [`relay`]: the log to Kafka, each event once and in order.
//! - [`consumer`]: what a consumer declares; one file each, such as [`order_mail`], listed in the registry below.
//! - [`runner`]: runs consumers: notes, claims, retries, parks.
//! - [`ledger`]: what became of each effect. [`parked`]: what needs a person.
//! - [`verify`]: whether Kafka and the ledger agree with the log.
//! - [`cloud_event`]: an event as a Kafka record. [`mail`]: sending mail. [`kafka`], [`topics`], [`embedded_broker`]: reaching Kafka.
//! - [`language`]: the languages that the shop speaks, in mails and on its pages.
//!
//! Only this crate knows Kafka and mail.

pub mod cloud_event;
pub mod consumer;
pub mod embedded_broker;
pub mod kafka;
pub mod language;
pub mod ledger;
pub mod mail;
pub mod parked;
pub mod relay;
pub mod runner;
pub mod status;
pub mod topics;
pub mod verify;

mod claim;
mod pause;
#[macro_use]
mod registry;

registry![order_mail::OrderMail];

pub use claim::Claim;
pub use consumer::{Consumer, Done, Failure, Retry, Start, Wants};
pub use embedded_broker::EmbeddedBroker;
pub use kafka::{BrokerError, KafkaSettings};
pub use mail::{MailBackend, MailSettings, Mailer};
pub use relay::{RelayError, run_relay};
pub use runner::{ConsumerSettings, RunError, Services, run_consumer, run_consumers};
pub use status::{ReaderState, ReaderStatus};
