//! The links between the processes and their servers, cut, silenced and slowed one by one.

use super::side_by_side;
use super::trial::{SOON, Trial};
use crate::shop_under_load::shop::{Detour, Post, Role, Servers, Shop};
use std::time::Duration;
use testkit::kafka::KafkaBroker;
use testkit::postgres::PostgresServer;
use testkit::smtp::MailServer;
use testkit::toxiproxy::{Link, Slowness, Toxiproxy};
use testkit::{eventually, free_port};

/// How slow a slow link is: as to another continent, over a thin line.
const SLOW: Slowness =
    Slowness { latency: Duration::from_millis(60), jitter: Duration::from_millis(30), kilobytes_per_second: 200 };

/// How many commands succeed while a link that the API does not need is cut, and while one is slow.
const MEANWHILE: u64 = 20;
/// How many requests are in vain while the API is cut off.
const IN_VAIN: u64 = 4;

const ROLES: [Role; 4] = [Role::Api(0), Role::Relay, Role::Projections, Role::Consumers];

/// A link of one role, through the proxy.
struct Way {
    name: &'static str,
    role: Role,
    link: Link,
}

#[test]
fn cut_silent_or_slow_each_link_loses_nothing() {
    side_by_side(to_postgres, to_kafka_and_mail);
}

async fn to_postgres() {
    let (proxy, servers) = (Toxiproxy::start(), Servers::start());
    let shop = Shop::open(&servers, "links").await;
    let named = ["api-postgres", "relay-postgres", "projections-postgres", "consumers-postgres"];
    let (mut ways, mut detours) = (Vec::new(), Vec::new());
    for (name, role) in named.into_iter().zip(ROLES) {
        let link = proxy.link(name, free_port(), servers.postgres.port()).await;
        detours.push(Detour { role, setting: "DATABASE_URL", value: shop.db.app_url_by(link.port()) });
        ways.push(Way { name, role, link });
    }
    cut_and_slowed(&servers, shop.by(detours), &ways).await;
}

async fn to_kafka_and_mail() {
    let (proxy, mail) = (Toxiproxy::start(), MailServer::start());
    let smtp = proxy.link("consumers-smtp", free_port(), mail.starttls_port()).await;
    let mut detours =
        vec![Detour { role: Role::Consumers, setting: "SMTP_URL", value: mail.starttls_url_by(smtp.port()) }];
    let mut ways = vec![Way { name: "consumers-smtp", role: Role::Consumers, link: smtp }];
    let ports = [free_port(), free_port()];
    let kafka = KafkaBroker::start_with_detours(&ports);
    let named = [("relay-kafka", Role::Relay), ("consumers-kafka", Role::Consumers)];
    for (place, (name, role)) in named.into_iter().enumerate() {
        let link = proxy.link(name, ports[place], kafka.detour_port(place)).await;
        detours.push(Detour { role, setting: "KAFKA_BROKERS", value: format!("127.0.0.1:{}", link.port()) });
        ways.push(Way { name, role, link });
    }
    let servers = Servers { postgres: PostgresServer::start(), kafka, mail: Post::Real(mail) };
    let shop = Shop::open(&servers, "links").await;
    cut_and_slowed(&servers, shop.by(detours), &ways).await;
}

/// Each link, one after the other.
async fn cut_and_slowed(servers: &Servers, shop: Shop, ways: &[Way]) {
    let mut trial = Trial::open(servers, &shop, &ROLES).await;
    for way in ways {
        trial.survives(&format!("{} cut", way.name), async |trial| cut(trial, way).await).await;
        trial.survives(&format!("{} silent", way.name), async |trial| silent(trial, way).await).await;
        trial.survives(&format!("{} slowed", way.name), async |trial| slowed(trial, way).await).await;
    }
    trial.close().await;
}

/// Cut until it shows, then mended.
async fn cut(trial: &mut Trial<'_>, way: &Way) {
    way.link.cut().await;
    noticed(trial, way).await;
    way.link.mend().await;
}

/// Nothing passes and nothing ends until it shows, then mended.
async fn silent(trial: &mut Trial<'_>, way: &Way) {
    way.link.silence().await;
    noticed(trial, way).await;
    way.link.mend().await;
}

/// Waits until it shows: to clients, in `/readyz`, or in the ledger.
async fn noticed(trial: &mut Trial<'_>, way: &Way) {
    match (way.role, way.name) {
        (Role::Api(_), _) => {
            trial.clients_notice(IN_VAIN).await;
            trial.staff.member(way.role).unready().await;
        }
        (_, "consumers-smtp") => {
            trial.orders_go_on(MEANWHILE).await;
            eventually("mails wait for another attempt", SOON, async || {
                let failed = "SELECT count(*) FROM consumer_ledger WHERE state = 'waiting' AND attempts > 0";
                sqlx::query_scalar::<_, i64>(failed).fetch_one(&trial.admin).await.unwrap() > 0
            })
            .await;
        }
        _ => {
            trial.orders_go_on(MEANWHILE).await;
            trial.staff.member(way.role).unready().await;
        }
    }
}

/// Slow for as long as it takes to do what there is to do.
async fn slowed(trial: &mut Trial<'_>, way: &Way) {
    way.link.slow(SLOW).await;
    trial.orders_go_on(MEANWHILE).await;
    let head = trial.head().await;
    match way.role {
        Role::Relay => trial.kafka_reaches(head).await,
        Role::Projections => trial.views_reach(head).await,
        Role::Consumers => trial.mails_reach(head).await,
        Role::Serve | Role::Api(_) => {}
    }
    way.link.mend().await;
}
