//! The roles as processes of their own: `orders api`, `orders relay`, `orders projections run`, `orders consumers run`.

use super::process::stop_token;
use super::serve::{http_settings, mail_settings, mailer, own_tasks, pay_link, payment_settings, public_base};
use super::{Asker, Failure, Process};
use crate::app::{App, HttpSettings};
use crate::embedded::directory::EmbeddedKafka;
use crate::http::{Server, ServerSettings};
use crate::payments::PaymentSettings;
use crate::settings::{
    DatabaseArgs, HttpArgs, KafkaArgs, MailArgs, MigrationArgs, PaymentArgs, ProviderArgs, ProviderName, RedisArgs,
    SessionArgs, SettingsError, ShopArgs, TelemetryArgs, ViewArgs,
};
use consumers::KafkaSettings;
use consumers::order_mail::reminder::PayLink;
use projections::Views;
use std::net::SocketAddr;
use tokio_util::sync::CancellationToken;

/// Where a process without an API shows its health.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "HTTP")]
pub struct ProbeArgs {
    /// Address on which /healthz, /readyz and /metrics are served [default: none]
    #[arg(long, value_name = "ADDRESS", env = "ORDERS_LISTEN", hide_env_values = true)]
    listen: Option<SocketAddr>,
}

impl ProbeArgs {
    async fn bind(&self) -> Result<Option<Server>, Failure> {
        match self.listen {
            Some(address) => Ok(Some(Server::bind(address, ServerSettings::default()).await?)),
            None => Ok(None),
        }
    }
}

/// The settings of `orders api`.
#[derive(Debug, Clone, clap::Args)]
pub struct ApiArgs {
    #[command(flatten)]
    http: HttpArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    migration: MigrationArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(flatten)]
    views: ViewArgs,
    #[command(flatten)]
    shop: ShopArgs,
    #[command(flatten)]
    sessions: SessionArgs,
    #[command(flatten)]
    payments: PaymentArgs,
    #[command(flatten)]
    redis: RedisArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

/// The settings of `orders relay`.
#[derive(Debug, Clone, clap::Args)]
pub struct RelayArgs {
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

/// The settings of `orders projections run`.
#[derive(Debug, Clone, clap::Args)]
pub struct ProjectionsArgs {
    /// Which projections to run [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    views: ViewArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

/// The settings of `orders consumers run`.
#[derive(Debug, Clone, clap::Args)]
pub struct ConsumersArgs {
    /// Which consumers to run [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    #[command(flatten)]
    probe: ProbeArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    kafka: KafkaArgs,
    #[command(flatten)]
    mail: MailArgs,
    #[command(flatten)]
    shop: ShopArgs,
    #[command(flatten)]
    provider: ProviderArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

/// Commands and reads over HTTP, until a signal.
pub async fn api(args: &ApiArgs) -> Result<(), Failure> {
    let stop = stop_token()?;
    let payments = payment_settings(&args.payments, &args.shop, &args.database)?;
    let shared = args.redis.settings()?;
    let kafka = args.kafka.settings()?;
    let server = Server::bind(args.http.listen, ServerSettings::default()).await?;
    let address = server.address();
    let mut process =
        Process::open(&args.database, Some(&args.migration), &args.telemetry, role("orders api"), stop).await?;
    let gateway = match process.core.gateway().await {
        Ok((gateway, _)) => gateway,
        Err(failure) => {
            process.close().await;
            return Err(failure);
        }
    };
    let views = process.core.views(projections::Settings { time_zone: args.views.time_zone });
    let schedule = process.schedule();
    process.carry_out(&schedule, own_tasks(&schedule, &gateway));
    let readiness = process.readiness().clone();
    let http = http_settings(&args.http, &args.shop, &args.sessions, &args.database);
    let payments = PaymentSettings { listens_at: address, ..payments };
    let http = HttpSettings { payments, shared, ..http };
    let app = App::new(gateway, process.core.log.clone(), views, readiness, http);
    // Of a system that it joins it takes the Kafka too.
    let neighbour = process.database().neighbour().and_then(|system| system.kafka.as_ref());
    let kafka = kafka.or_else(|| neighbour.map(EmbeddedKafka::settings));
    let (cancel, tasks) = process.behind_requests();
    let app = app.watched_by(process.monitor().clone()).with_dead_letters_of(kafka).ending_with(cancel, tasks);
    process.share(&app.shared);
    process.handle_payments(&app.payments);
    process.follow(&app.live);
    process.serve(server, app.router());
    tracing::info!(%address, "serving the API");
    process.run().await
}

/// The log to Kafka, until a signal.
pub async fn relay(args: &RelayArgs) -> Result<(), Failure> {
    let stop = stop_token()?;
    let kafka = configured(&args.kafka, "relay")?;
    let server = args.probe.bind().await?;
    consumers::topics::ensure(&kafka).await?;
    let mut process = open_with(&kafka, &args.database, &args.telemetry, "orders relay", stop).await?;
    process.relay(&kafka);
    process.show_health(server);
    tracing::info!(brokers = kafka.brokers, "relaying the log to Kafka");
    process.run().await
}

/// The views, until a signal.
pub async fn project(args: &ProjectionsArgs) -> Result<(), Failure> {
    let stop = stop_token()?;
    let names = chosen("projection", &args.names, &Views::names().collect::<Vec<_>>())?;
    let server = args.probe.bind().await?;
    let mut process =
        Process::open(&args.database, None, &args.telemetry, role("orders projections run"), stop).await?;
    let views = process.core.views(projections::Settings { time_zone: args.views.time_zone });
    process.project(&views, &names);
    process.show_health(server);
    tracing::info!(names = names.join(" "), "running projections");
    process.run().await
}

/// The consumers, until a signal.
pub async fn consume(args: &ConsumersArgs) -> Result<(), Failure> {
    let stop = stop_token()?;
    let names = chosen("consumer", &args.names, consumers::NAMES)?;
    let kafka = configured(&args.kafka, "consumers run")?;
    let mail = mail_settings(&args.database, &args.shop, &args.mail)?;
    let server = args.probe.bind().await?;
    consumers::topics::ensure(&kafka).await?;
    let mailer = mailer(&mail)?;
    let mut process = open_with(&kafka, &args.database, &args.telemetry, "orders consumers run", stop).await?;
    let base = public_base(&args.shop);
    // Where nobody takes payments, mails lead to no place to pay at.
    let pays = args.provider.name(args.database.url()?.is_none()) != ProviderName::None;
    let link = match pay_link_at(&process, base.clone().filter(|_| pays)).await {
        Ok(link) => link,
        Err(failure) => {
            process.close().await;
            return Err(failure);
        }
    };
    process.consume(&kafka, &mailer, &names);
    let schedule = process.schedule();
    let tasks = consumers::scheduled_tasks(&process.core.log, &schedule, &mailer, base, link);
    process.carry_out(&schedule, tasks);
    process.show_health(server);
    tracing::info!(names = names.join(" "), brokers = kafka.brokers, "running consumers");
    process.run().await
}

/// Where the shop's address is not known, mails lead nowhere.
async fn pay_link_at(process: &Process, base: Option<String>) -> Result<Option<PayLink>, Failure> {
    match base {
        Some(base) => pay_link(process.core.pool(), base).await.map(Some),
        None => Ok(None),
    }
}

/// A process of a role that works with the log and with Kafka, if the two belong together.
async fn open_with(
    kafka: &KafkaSettings,
    database: &DatabaseArgs,
    telemetry: &TelemetryArgs,
    command: &'static str,
    stop: CancellationToken,
) -> Result<Process, Failure> {
    let process = Process::open(database, None, telemetry, role(command), stop).await?;
    match process.core.check_history(kafka).await {
        Ok(()) => Ok(process),
        Err(failure) => {
            process.close().await;
            Err(failure)
        }
    }
}

/// It may join the database of a running system, and stays.
fn role(command: &'static str) -> Asker {
    Asker { command, joins: true, passing: false, begins: true }
}

/// Kafka inside a process is of no use to another one.
fn configured(args: &KafkaArgs, role: &'static str) -> Result<KafkaSettings, SettingsError> {
    let why = "the Kafka that `orders serve` brings along lives and ends with that process";
    args.settings()?.ok_or(SettingsError::Needed { role, name: "KAFKA_BROKERS", why })
}

/// The names as they are registered; all of them when none is given.
fn chosen(kind: &str, wanted: &[String], known: &[&'static str]) -> Result<Vec<&'static str>, Failure> {
    if wanted.is_empty() {
        return Ok(known.to_vec());
    }
    wanted
        .iter()
        .map(|name| {
            let found = known.iter().copied().find(|known| known == name);
            found.ok_or_else(|| Failure::new(format!("there is no {kind} `{name}`; there are {}", known.join(", "))))
        })
        .collect()
}
