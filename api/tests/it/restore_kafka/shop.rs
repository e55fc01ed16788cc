//! A shop on servers of production's kind: a PostgreSQL of its own that archives its log, real Kafka, real mail.

use super::docs;
use crate::http_support::{BOUND, buys, usd};
use crate::walk::client::{Client, Reply};
use crate::walk::make_key;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use tempfile::TempDir;
use testkit::kafka::{KafkaBroker, Record, read_topic};
use testkit::postgres::{PostgresServer, SUPERUSER, ServerOptions};
use testkit::smtp::MailServer;
use testkit::{Db, Launch, Program, eventually, free_port};

pub struct Shop {
    pub postgres: PostgresServer,
    pub db: Db,
    pub prefix: String,
    pub token: String,
    port: u16,
    backups: TempDir,
    kafka: &'static KafkaBroker,
    mail: &'static MailServer,
}

impl Shop {
    /// Migrated, with a key. Nothing of it runs.
    pub async fn open() -> Self {
        let backups = tempfile::tempdir().unwrap();
        for directory in ["", "wal", "base"] {
            // For the user that PostgreSQL runs as.
            let directory = backups.path().join(directory);
            fs::create_dir_all(&directory).unwrap();
            fs::set_permissions(&directory, fs::Permissions::from_mode(0o777)).unwrap();
        }
        let settings = docs::postgres_settings(backups.path().to_str().unwrap());
        let postgres = PostgresServer::start_with(ServerOptions { settings, preload: None });
        let db = postgres.database().await;
        let token = make_key(&db.app_url()).await;
        let prefix = format!("restore{:08x}.", rand::random::<u32>());
        let (kafka, mail, port) = (KafkaBroker::shared(), MailServer::shared(), free_port());
        Self { postgres, db, prefix, token, port, backups, kafka, mail }
    }

    pub fn backups(&self) -> &str {
        self.backups.path().to_str().unwrap()
    }

    /// `orders` with the shop's settings.
    pub fn orders(&self, arguments: &[&str]) -> Launch {
        self.settings(Launch::orders().args(arguments))
    }

    fn settings(&self, launch: Launch) -> Launch {
        launch
            .env("DATABASE_URL", self.db.app_url())
            .env("KAFKA_BROKERS", self.kafka.brokers())
            .env("ORDERS_KAFKA_PREFIX", &self.prefix)
            .env("ORDERS_KAFKA_PARTITIONS", "2")
            .env("SMTP_URL", self.mail.starttls_url())
            .env("SSL_CERT_FILE", self.mail.certificates().authority())
            .env("ORDERS_MAIL_FROM", "Leaf & Kettle <shop@example.com>")
    }

    /// A role whose health, or API, is at [`Self::client`]'s address.
    pub fn listening(&self, role: &[&str]) -> Launch {
        self.orders(role).args(["--listen", &format!("127.0.0.1:{}", self.port)])
    }

    /// Everything in one process.
    pub async fn serve(&self) -> Program {
        let mut program = self.listening(&["serve"]).spawn();
        program.wait_for_line("orders is ready").await;
        program
    }

    pub fn client(&self) -> Client {
        Client::new(&format!("127.0.0.1:{}", self.port), &self.token)
    }

    pub async fn stock(&self) {
        let product = json!({ "sku": "TEA", "name": "Green tea", "price": usd("7.50") });
        self.client().post("/v1/products", &[], &product).await.is(201);
    }

    /// Places an order; gives it as it was answered.
    pub async fn place(&self, email: &str) -> Value {
        self.client().post("/v1/orders", &[], &buys(email, &[("TEA", 2)])).await.is(201).json()
    }

    pub async fn order(&self, order: &Value) -> Reply {
        self.client().get(&format!("/v1/orders/{}", order["id"].as_str().unwrap()), &[]).await
    }

    /// Waits until so many mails are for this address, and all mails of the shop are known as sent.
    pub async fn mailed(&self, email: &str, count: usize) {
        self.mail.wait_for(email, count, BOUND).await;
        let admin = self.db.superuser_pool().await;
        eventually("the ledger knows what was sent", BOUND, async || {
            let open = "SELECT count(*) FROM consumer_ledger WHERE state IN ('claimed', 'sending', 'waiting')";
            sqlx::query_scalar::<_, i64>(open).fetch_one(&admin).await.unwrap() == 0
        })
        .await;
        admin.close().await;
    }

    pub fn mails(&self, email: &str) -> usize {
        self.mail.mailbox(email).len()
    }

    /// What is in a topic by now, of any prefix.
    pub async fn records(&self, prefix: &str) -> Vec<Record> {
        read_topic(&self.kafka.brokers(), &format!("{prefix}orders.events")).await.unwrap_or_default()
    }

    /// Waits until an order is published, and gives its records.
    pub async fn published(&self, order: &Value) -> Vec<Record> {
        eventually("the order is in Kafka", BOUND, async || {
            let mut records = self.records(&self.prefix).await;
            records.retain(|record| record.key_text() == order["id"]);
            if records.is_empty() { None } else { Some(records) }
        })
        .await
    }

    /// Runs commands as the operator of `orders`.
    pub async fn operate(&self, script: &str) -> String {
        let path = Path::new(env!("CARGO_BIN_EXE_orders")).parent().unwrap();
        let launch = Launch::of("bash").args(["-euo", "pipefail", "-c", script]);
        let launch = self.settings(launch).env("MIGRATION_DATABASE_URL", self.db.owner_url());
        launch.env("PATH", with_path(path)).run().await.succeeded()
    }

    /// Runs commands as the user that PostgreSQL runs as.
    pub async fn as_postgres(&self, script: &str) -> String {
        let data = self.postgres.socket_directory().join("data");
        let owner = fs::metadata(self.postgres.socket_directory()).unwrap();
        let me = fs::metadata("/proc/self").unwrap();
        let bash = ["bash", "-euo", "pipefail", "-c", script];
        let launch = if owner.uid() == me.uid() {
            Launch::of(bash[0]).args(&bash[1..])
        } else {
            let (user, group) = (format!("--reuid={}", owner.uid()), format!("--regid={}", owner.gid()));
            Launch::of("setpriv").args([&user, &group, "--clear-groups", "--"]).args(bash)
        };
        let programs = Launch::of("pg_config").arg("--bindir").run().await.succeeded();
        launch
            .in_directory("/")
            .envs(self.postgres.client_environment())
            .env("PGUSER", SUPERUSER)
            .env("PGDATA", data)
            .env("PATH", with_path(Path::new(programs.trim())))
            .run()
            .await
            .succeeded()
    }

    /// The nightly backup. Gives its directory.
    pub async fn back_up(&self) -> String {
        let script = docs::commands("Backup", "backup=", &[("/srv/backups", self.backups())]);
        self.as_postgres(&format!("{script}echo \"$backup\"")).await.lines().last().unwrap().to_owned()
    }

    /// Loses the server, as a dead machine does, and restores its data: to a moment, or to the newest.
    pub async fn restore(&self, base: &str, moment: Option<&str>) {
        self.postgres.kill();
        let replaced = [
            ("/srv/backups/base/20260301T020000", base),
            ("/srv/backups", self.backups()),
            ("2026-03-01 14:05:00+00", moment.unwrap_or_default()),
        ];
        let section = "Point-in-time restore";
        let mut script = docs::commands(section, "mv ", &replaced);
        if moment.is_none() {
            let kept = script.lines().filter(|line| !line.starts_with("recovery_target"));
            script = kept.map(|line| format!("{line}\n")).collect();
        }
        self.as_postgres(&script).await;
        self.postgres.restart();
        if moment.is_some() {
            self.as_postgres(&docs::commands(section, "psql", &[])).await;
        }
    }

    /// Waits until `orders verify` finds everything there and in agreement.
    pub async fn verified(&self) {
        let script = docs::commands("Point-in-time restore", "orders verify", &[]);
        let said = self.operate(&script).await;
        assert!(said.contains("Everything agrees"), "{said}");
    }
}

/// Stops a program in order.
pub async fn stop(mut program: Program) {
    program.sigterm();
    let status = program.wait().await;
    assert!(status.success(), "{status}: {}", program.output());
}

/// An address that nobody else has.
pub fn address(name: &str) -> String {
    format!("{name}.{:08x}@example.com", rand::random::<u32>())
}

fn with_path(directory: &Path) -> String {
    format!("{}:{}", directory.display(), std::env::var("PATH").unwrap())
}
