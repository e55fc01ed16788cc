//! One shop: its database, its place in Kafka, its mailboxes, and how its processes are started.

use super::wire::{Ask, Try, Wire};
use crate::walk::make_key;
use serde_json::json;
use sqlx::PgPool;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use testkit::kafka::{KafkaBroker, Record, read_topic};
use testkit::postgres::PostgresServer;
use testkit::smtp::{MailServer, Scripted};
use testkit::{Db, Launch, eventually, free_port};

/// What is in the catalogue, with its prices.
pub const CATALOGUE: [(&str, &str); 4] = [("TEA", "7.50"), ("CUP", "9.00"), ("TIN", "3.25"), ("POT", "41.00")];

/// Longer than any step takes, also after thousands of kills and on a busy machine.
pub const BOUND: Duration = Duration::from_secs(900);

/// The exit code of a verification that finds no difference, and could not check everything.
const NOT_ALL_CHECKED: i32 = 2;

/// How many views there are.
pub const VIEWS: usize = projections::REGISTRY.len();

/// What shops share.
pub struct Servers {
    pub postgres: PostgresServer,
    pub kafka: KafkaBroker,
    pub mail: Post,
}

impl Servers {
    /// A PostgreSQL and a mail server of one's own, and the Kafka of all tests.
    pub fn start() -> Self {
        let mail = Post::Real(MailServer::start());
        Self { postgres: PostgresServer::start(), kafka: KafkaBroker::shared().clone(), mail }
    }
}

/// Where mails go.
pub enum Post {
    /// With TLS and a login.
    Real(MailServer),
    /// One that fails to order.
    Scripted(Scripted),
}

impl Post {
    fn settings(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Real(server) => vec![
                ("SMTP_URL", server.starttls_url()),
                ("SSL_CERT_FILE", server.certificates().authority().display().to_string()),
            ],
            Self::Scripted(server) => vec![("SMTP_URL", server.url())],
        }
    }

    /// To whom each message to a shop's customers went, by Message-ID, once for each copy. It serves all shops.
    pub fn arrived(&self, prefix: &str) -> HashMap<String, Vec<String>> {
        let taken = match self {
            Self::Real(server) => server.mails(),
            Self::Scripted(server) => server.received(),
        };
        let mut arrived: HashMap<String, Vec<String>> = HashMap::new();
        for mail in taken.iter().filter(|mail| mail.envelope_to.iter().any(|address| address.starts_with(prefix))) {
            arrived.entry(mail.message_id().unwrap_or_default()).or_default().push(mail.envelope_to.join(", "));
        }
        arrived
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

    /// Whether it sends mails.
    pub fn sends_mails(self) -> bool {
        matches!(self, Self::Serve | Self::Consumers)
    }

    /// The port on which it takes commands.
    pub fn port(self) -> Option<usize> {
        match self {
            Self::Serve => Some(0),
            Self::Api(port) => Some(port),
            _ => None,
        }
    }
}

/// One shop.
pub struct Shop {
    pub db: Db,
    pub prefix: String,
    pub token: String,
    kafka: KafkaBroker,
    ports: [u16; 2],
    mail: Vec<(&'static str, String)>,
    detours: Vec<Detour>,
}

/// A setting that leads a role to a server by way of a proxy.
pub struct Detour {
    pub role: Role,
    pub setting: &'static str,
    pub value: String,
}

impl Shop {
    /// Migrated, with a key and a catalogue. Nothing of it runs.
    pub async fn open(servers: &Servers, name: &str) -> Self {
        let mut mail = servers.mail.settings();
        mail.push(("ORDERS_MAIL_FROM", "Leaf & Kettle <shop@example.com>".to_owned()));
        let prefix = format!("{name}{:08x}.", rand::random::<u32>());
        let db = servers.postgres.database().await;
        let token = make_key(&db.app_url()).await;
        let (kafka, ports) = (servers.kafka.clone(), [free_port(), free_port()]);
        let shop = Self { db, prefix, token, kafka, ports, mail, detours: Vec::new() };
        let mut api = shop.launch(Role::Api(0)).spawn();
        api.wait_for_line("serving the API").await;
        shop.stock().await;
        api.sigterm();
        assert!(api.wait().await.success(), "{}", api.output());
        shop
    }

    /// The same shop, with some links that lead through proxies.
    pub fn by(mut self, detours: Vec<Detour>) -> Self {
        self.detours = detours;
        self
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

    /// A process of it.
    pub fn launch(&self, role: Role) -> Launch {
        let mut launch = self.orders(&role.name().split(' ').collect::<Vec<_>>());
        for detour in self.detours.iter().filter(|detour| detour.role.name() == role.name()) {
            launch = launch.env(detour.setting, &detour.value);
        }
        match role.port() {
            Some(port) => launch.args(["--listen", &self.address(port).to_string()]),
            None => launch,
        }
    }

    /// What the program itself finds: that log, views, Kafka and the ledger agree. What could not be checked, as Kafka
    /// did not answer for a moment, is checked again.
    pub async fn verify(&self) {
        let (status, found) = eventually("all is checked", BOUND, async || {
            let mut verify = self.orders(&["verify"]).spawn();
            eventually("the verification ends", BOUND, async || verify.has_ended()).await;
            let status = verify.wait().await;
            if status.code() == Some(NOT_ALL_CHECKED) { Err(verify.output()) } else { Ok((status, verify.output())) }
        })
        .await;
        assert!(status.success(), "{found}");
    }

    /// Where the log ends.
    pub async fn head(&self, superuser: &PgPool) -> i64 {
        let head = "SELECT coalesce(max(position), 0) FROM events";
        sqlx::query_scalar(head).fetch_one(superuser).await.unwrap()
    }

    /// How far each view is.
    pub async fn views(&self, superuser: &PgPool) -> Vec<(String, i64)> {
        sqlx::query_as(
            "SELECT name, coalesce((SELECT position FROM projection_checkpoints WHERE schema_name = active_schema
                                     ORDER BY revision DESC LIMIT 1), 0)
               FROM projections ORDER BY name",
        )
        .fetch_all(superuser)
        .await
        .unwrap()
    }

    /// Waits until every view holds all up to a position.
    pub async fn views_reach(&self, superuser: &PgPool, position: i64) {
        eventually("the views hold it", BOUND, async || {
            let views = self.views(superuser).await;
            let there = views.len() == VIEWS && views.iter().all(|(_, at)| *at >= position);
            if there { Ok(()) } else { Err(format!("{views:?}, {position}")) }
        })
        .await;
    }

    /// All that was published, of orders.
    pub async fn records(&self) -> Vec<Record> {
        let (brokers, topic) = (self.kafka.brokers(), format!("{}orders.events", self.prefix));
        eventually("the topic is read", BOUND, async || read_topic(&brokers, &topic).await).await
    }
}
