//! What servers, links and processes do to a shop, one fault after the other, while clients give it no rest. After each,
//! what clients were told is compared with the log, Kafka and the mailboxes, and `orders verify` says that all agree.
//!
//! A seed to run again, and a shorter time for what lasts a minute, are told by `TESTKIT_FAULTS_SEED` and
//! `TESTKIT_FAULTS_SECONDS`: see `docs/TESTING.md`.

mod consumers;
mod kafka;
mod links;
mod postgres;
mod relay;
mod sigterm;
mod smtp;
mod trial;
mod unknown_version;

use crate::shop_under_load::shop::{Post, Role, Servers};
use std::time::Duration;
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::smtp::{MailServer, Scripted};

/// Each role as a process of its own, and two that take commands.
const APART: [Role; 5] = [Role::Api(0), Role::Api(1), Role::Relay, Role::Projections, Role::Consumers];

/// How long something is away that is away for a while.
fn a_minute() -> Duration {
    Duration::from_secs(number("TESTKIT_FAULTS_SECONDS").unwrap_or(60))
}

/// By what the load is drawn; shown with a failure.
fn seed() -> u64 {
    let seed = number("TESTKIT_FAULTS_SEED").unwrap_or_else(rand::random);
    println!("to run this again: TESTKIT_FAULTS_SEED={seed}");
    seed
}

/// A number from the environment.
fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// The servers of all tests, for faults that leave servers alone; but for the mail server.
fn shared() -> Servers {
    Servers {
        postgres: PostgresServer::shared().clone(),
        kafka: KafkaBroker::shared().clone(),
        mail: Post::Real(MailServer::start()),
    }
}

/// The same, with mail that fails to order.
fn scripted() -> Servers {
    Servers { mail: Post::Scripted(Scripted::start()), ..shared() }
}
