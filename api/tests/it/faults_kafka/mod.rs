//! What servers, links and processes do to a shop, one fault after the other, while clients give it no rest. After
//! each, what clients were told is compared with the log, Kafka and the mailboxes, and `orders verify` says that all
//! agree.
//!
//! A seed to run again, and a shorter time for what lasts a minute, are told by `TESTKIT_FAULTS_SEED` and
//! `TESTKIT_FAULTS_SECONDS`: see `docs/TESTING.md`.

mod consumers;
mod links;
mod minute;
mod postgres;
mod relay;
mod sigterm;
mod smtp;
mod trial;
mod unknown_version;

use crate::shop_under_load::shop::{Post, Role, Servers};
use std::panic::resume_unwind;
use std::thread;
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::smtp::Scripted;
use tokio::runtime::Runtime;

/// Each role as a process of its own, and two that take commands.
const APART: [Role; 5] = [Role::Api(0), Role::Api(1), Role::Relay, Role::Projections, Role::Consumers];

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

/// Servers of one's own, with mail that fails to order.
fn scripted() -> Servers {
    Servers {
        postgres: PostgresServer::start(),
        kafka: KafkaBroker::shared().clone(),
        mail: Post::Scripted(Scripted::start()),
    }
}

/// Two shops at a time, as most of what a fault takes is waiting.
fn side_by_side<One: Future<Output = ()>, Other: Future<Output = ()>>(
    one: impl FnOnce() -> One + Send,
    other: impl FnOnce() -> Other + Send,
) {
    thread::scope(|scope| {
        let one = scope.spawn(|| Runtime::new().unwrap().block_on(one()));
        let other = scope.spawn(|| Runtime::new().unwrap().block_on(other()));
        for ended in [one.join(), other.join()] {
            ended.unwrap_or_else(|panic| resume_unwind(panic));
        }
    });
}
