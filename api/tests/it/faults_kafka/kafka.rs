//! Kafka, killed and away.

use super::trial::Trial;
use super::{APART, a_minute};
use crate::shop_under_load::shop::{Post, Role, Servers, Shop};
use std::time::Instant;
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::smtp::MailServer;
use tokio::task::block_in_place;

/// How many commands succeed before the next look.
const BETWEEN: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_kafka_is_away_orders_go_on_and_the_relay_catches_up() {
    let servers = Servers {
        postgres: PostgresServer::shared().clone(),
        kafka: KafkaBroker::start(),
        mail: Post::Real(MailServer::start()),
    };
    let shop = Shop::open(&servers, "kafka").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await;
    trial
        .survives("Kafka killed and started again", async |trial| {
            for _ in 0..2 {
                block_in_place(|| {
                    servers.kafka.kill();
                    servers.kafka.restart();
                });
                trial.orders_go_on(BETWEEN).await;
            }
        })
        .await;
    trial
        .survives("Kafka away for a minute", async |trial| {
            block_in_place(|| servers.kafka.kill());
            let back = Instant::now() + a_minute();
            while Instant::now() < back {
                trial.orders_go_on(BETWEEN).await;
                trial.staff.member(Role::Api(0)).ready().await;
                trial.staff.member(Role::Projections).ready().await;
            }
            trial.staff.member(Role::Relay).unready().await;
            trial.staff.member(Role::Consumers).unready().await;
            block_in_place(|| servers.kafka.restart());
        })
        .await;
    trial.close().await;
}
