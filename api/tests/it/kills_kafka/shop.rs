//! One shop: its database, its place in Kafka, its mailboxes, and how its processes are started.

use super::deck::Card;
use super::wire::{Ask, Try, Wire};
use crate::walk::make_key;
use api::failpoints;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use testkit::kafka::{KafkaBroker, Record, read_topic};
use testkit::postgres::PostgresServer;
use testkit::smtp::MailServer;
use testkit::{Db, Launch, Program, eventually, free_port};

/// What is in the catalogue, with its prices.
pub const CATALOGUE: [(&str, &str); 4] = [("TEA", "7.50"), ("CUP", "9.00"), ("TIN", "3.25"), ("POT", "41.00")];

/// Longer than any step takes, also after thousands of kills and on a busy machine.
pub const BOUND: Duration = Duration::from_secs(900);

/// What all shops share.
pub struct Servers {
    pub postgres: PostgresServer,
    pub kafka: &'static KafkaBroker,
    pub mail: MailServer,
}

impl Servers {
    pub fn start() -> Self {
        Self { postgres: PostgresServer::start(), kafka: KafkaBroker::shared(), mail: MailServer::start() }
    }
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// All in one.
    Serve,
    /// The API, on one of the shop's two ports.
    Api(usize),
    Relay,
    Projections,
    Consumers,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Api(_) => "api",
            Self::Relay => "relay",
            Self::Projections => "projections run",
            Self::Consumers => "consumers run",
        }
    }

    /// The port on which it takes commands.
    pub fn port(self) -> Option<usize> {
        match self {
            Self::Serve => Some(0),
            Self::Api(port) => Some(port),
            _ => None,
        }
    }

    pub fn comes_by(self, failpoint: &str) -> bool {
        let moments: &[&str] = match self {
            Self::Serve => return true,
            Self::Api(_) => &["append", "commit", "reply"],
            Self::Relay => &["produce", "kafka_commit"],
            Self::Projections => &["projection_commit"],
            Self::Consumers => &["claim", "reclaim", "sending", "send", "outcome"],
        };
        failpoint.split('.').next().is_some_and(|moment| moments.contains(&moment))
    }
}

/// One shop.
pub struct Shop {
    pub db: Db,
    pub prefix: String,
    pub token: String,
    kafka: &'static KafkaBroker,
    ports: [u16; 2],
    mail: Vec<(&'static str, String)>,
}

impl Shop {
    /// Migrated, with a key and a catalogue. Nothing of it runs.
    pub async fn open(servers: &Servers, number: usize) -> Self {
        let mail = vec![
            ("SMTP_URL", servers.mail.starttls_url()),
            ("SSL_CERT_FILE", servers.mail.certificates().authority().display().to_string()),
            ("ORDERS_MAIL_FROM", "Leaf & Kettle <shop@example.com>".to_owned()),
        ];
        let prefix = format!("kills{:08x}.{number}.", rand::random::<u32>());
        let db = servers.postgres.database().await;
        let token = make_key(&db.app_url()).await;
        let shop = Self { db, prefix, token, kafka: servers.kafka, ports: [free_port(), free_port()], mail };
        let mut api = shop.launch(Role::Api(0), None);
        api.wait_for_line("serving the API").await;
        shop.stock().await;
        api.sigterm();
        assert!(api.wait().await.success(), "{}", api.output());
        shop
    }

    async fn stock(&self) {
        let wire = Wire::new(&self.token);
        for (sku, amount) in CATALOGUE {
            let body = json!({ "sku": sku, "name": sku, "price": { "amount": amount, "currency": "USD" } });
            let (id, path) = (format!("stock-{sku}"), "/v1/products".to_owned());
            let ask = Ask { place: 0, id, path, body, key: None, if_match: None };
            let added = wire.send(self.address(0), &ask).await;
            assert!(matches!(added, Try::Done(..)), "{added:?}");
        }
    }

    /// Where one of its APIs listens, whenever it runs.
    pub fn address(&self, port: usize) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[port]))
    }

    /// `orders` with this shop's settings.
    pub fn orders(&self, arguments: &[&str]) -> Launch {
        Launch::orders()
            .args(arguments)
            .env("DATABASE_URL", self.db.app_url())
            .env("KAFKA_BROKERS", self.kafka.brokers())
            .env("ORDERS_KAFKA_PREFIX", &self.prefix)
            .env("ORDERS_KAFKA_PARTITIONS", "3")
            .env("ORDERS_DATABASE_CONNECTIONS", "8")
            .envs(self.mail.iter().cloned())
    }

    /// Starts a process, which ends as the card says.
    pub fn launch(&self, role: Role, card: Option<&Card>) -> Program {
        let mut launch = self.orders(&role.name().split(' ').collect::<Vec<_>>());
        if let Some(port) = role.port() {
            launch = launch.args(["--listen", &self.address(port).to_string()]);
        }
        if let Some(Card::Failpoint { name, nth }) = card {
            launch = launch.env(failpoints::VARIABLE, format!("{name}:{nth}"));
        }
        launch.spawn()
    }

    /// What the program itself finds: that log, views, Kafka and the ledger agree.
    pub async fn verify(&self) {
        let mut verify = self.orders(&["verify"]).spawn();
        eventually("the verification ends", BOUND, async || verify.has_ended()).await;
        assert!(verify.wait().await.success(), "{}", verify.output());
    }

    /// All that was published, of orders.
    pub async fn records(&self) -> Vec<Record> {
        let (brokers, topic) = (self.kafka.brokers(), format!("{}orders.events", self.prefix));
        eventually("the topic is read", BOUND, async || read_topic(&brokers, &topic).await).await
    }
}
