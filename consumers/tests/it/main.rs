//! The relay and the consumers on real servers. What needs Apache Kafka is in `kafka`; all else runs without it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that can not go on says so by a panic"
)]

mod account_mails;
mod addresses;
mod corrections;
mod embedded;
mod faults;
mod groups;
mod held;
mod hung;
mod kafka;
mod mail_proof;
mod mails;
mod members;
mod newsletter;
mod parking;
mod points;
mod process;
mod scheduled;
mod shop;
mod smtp;
mod staff_mails;
mod starts;
mod subscription_mails;
mod verify;
