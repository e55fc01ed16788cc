//! What lasts a minute: Kafka is away, a transaction stays open.

use super::trial::Trial;
use super::{APART, number, side_by_side};
use crate::shop_under_load::shop::{Post, Role, Servers, Shop};
use std::time::{Duration, Instant};
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::smtp::MailServer;
use tokio::task::block_in_place;

/// How many commands succeed before the next look.
const BETWEEN: u64 = 20;

#[test]
fn what_lasts_a_minute_holds_no_order_up() {
    side_by_side(kafka_away, transaction_open);
}

/// How long it lasts.
fn a_minute() -> Duration {
    Duration::from_secs(number("TESTKIT_FAULTS_SECONDS").unwrap_or(60))
}

async fn kafka_away() {
    let servers = Servers {
        postgres: PostgresServer::start(),
        kafka: KafkaBroker::start(),
        mail: Post::Real(MailServer::start()),
    };
    let shop = Shop::open(&servers, "kafka").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await.with_few_clients();
    trial
        .survives("Kafka killed and started again", async |trial| {
            block_in_place(|| {
                servers.kafka.kill();
                servers.kafka.restart();
            });
            trial.orders_go_on(BETWEEN).await;
        })
        .await;
    let effects = trial
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
    assert_eq!(effects.unknown, 0, "no mail was cut off");
    trial.close().await;
}

async fn transaction_open() {
    let servers = Servers::start();
    let shop = Shop::open(&servers, "open").await;
    let mut trial = Trial::open(&servers, &shop, &APART).await.with_few_clients();
    let effects = trial
        .survives("a transaction left open for a minute", async |trial| {
            let mut open = trial.admin.begin().await.unwrap();
            // It has a snapshot of everything, and is one that writes.
            sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *open).await.unwrap();
            sqlx::query("SELECT pg_current_xact_id()").execute(&mut *open).await.unwrap();
            let count = "SELECT count(*) FROM events";
            let before: i64 = sqlx::query_scalar(count).fetch_one(&mut *open).await.unwrap();
            let enough = Instant::now() + a_minute();
            while Instant::now() < enough {
                trial.orders_go_on(BETWEEN).await;
                let head = trial.head().await;
                trial.views_reach(head).await;
                trial.kafka_reaches(head).await;
                trial.mails_reach(head).await;
            }
            let after: i64 = sqlx::query_scalar(count).fetch_one(&mut *open).await.unwrap();
            assert_eq!(before, after, "it was open all the while");
            open.rollback().await.unwrap();
        })
        .await;
    assert_eq!(effects.unknown, 0, "no mail was cut off");
    trial.close().await;
}
