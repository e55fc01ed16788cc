//! `orders serve`: everything in one process; what is not configured is brought along.

use super::process::stop_token;
use super::{Asker, Failure, Process, data_path};
use crate::app::{App, HttpSettings};
use crate::embedded::directory::EmbeddedKafka;
use crate::embedded::welcome::{Welcome, base_url};
use crate::embedded::{demo, dev_key, directory, first_owner};
use crate::http::{RateLimit, Server, ServerSettings};
use crate::payments::{ChosenProvider, PaymentSettings};
use crate::scheduled::ReleaseIssue;
use crate::settings::{
    DatabaseArgs, HttpArgs, KafkaArgs, MailArgs, MigrationArgs, PaymentArgs, RedisArgs, SessionArgs, ShopArgs,
    TelemetryArgs, ViewArgs,
};
use crate::shop::order_address;
use commands::schedule::Task;
use commands::schedule::sweeps::Sweep;
use commands::shop::links::LinkKey;
use commands::{Catalogue, Gateway, Schedule};
use consumers::order_mail::reminder::PayLink;
use consumers::topics::Topics;
use consumers::{EmbeddedBroker, KafkaSettings, MailBackend, MailSettings, Mailer};
use projections::Views;
use sqlx::PgPool;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long the welcome waits for the views: on a first start they are there in no time; a large one that is built anew
/// must not keep orders from being taken.
const VIEWS_AT_MOST: Duration = Duration::from_secs(2);
const VIEWS_LOOK_EVERY: Duration = Duration::from_millis(10);

/// The folder of the data directory that holds the pictures of products.
const MEDIA: &str = "media";

/// The settings of this role: all there are.
#[derive(Debug, Clone, clap::Args)]
pub struct ServeArgs {
    #[command(flatten)]
    pub(crate) http: HttpArgs,
    #[command(flatten)]
    pub(crate) database: DatabaseArgs,
    #[command(flatten)]
    pub(crate) migration: MigrationArgs,
    #[command(flatten)]
    pub(crate) kafka: KafkaArgs,
    #[command(flatten)]
    pub(crate) mail: MailArgs,
    #[command(flatten)]
    pub(crate) shop: ShopArgs,
    #[command(flatten)]
    pub(crate) sessions: SessionArgs,
    #[command(flatten)]
    pub(crate) payments: PaymentArgs,
    #[command(flatten)]
    pub(crate) redis: RedisArgs,
    #[command(flatten)]
    pub(crate) views: ViewArgs,
    #[command(flatten)]
    pub(crate) telemetry: TelemetryArgs,
}

/// Runs until a signal.
pub async fn serve(args: &ServeArgs) -> Result<(), Failure> {
    let started = Instant::now();
    let stop = stop_token()?;
    // All that can be refused without starting anything.
    let mail = mail_settings(&args.database, &args.shop, &args.mail)?;
    let payments = payment_settings(&args.payments, &args.shop, &args.database)?;
    args.redis.settings()?;
    let server = Server::bind(args.http.listen, ServerSettings::default()).await?;
    let kafka = Kafka::of(&args.kafka).await?;
    let asker = Asker { command: "orders serve", joins: false, passing: false, begins: true };
    let mut process = Process::open(&args.database, Some(&args.migration), &args.telemetry, asker, stop).await?;
    match start(&mut process, args, &kafka, &mail, payments, server).await {
        Ok(mut welcome) => {
            welcome.mail = mail_shown(&mail);
            welcome.took = started.elapsed();
            // Who closed our output wants no welcome.
            let _ = io::stdout().lock().write_all(welcome.text().as_bytes());
            process.run().await
        }
        Err(failure) => {
            process.close().await;
            Err(failure)
        }
    }
}

async fn start(
    process: &mut Process,
    args: &ServeArgs,
    kafka: &Kafka,
    mail: &MailSettings,
    payments: PaymentSettings,
    server: Server,
) -> Result<Welcome, Failure> {
    let address = server.address();
    process.core.check_history(&kafka.settings).await?;
    let mailer = mailer(mail)?;
    let (gateway, catalogue) = process.core.gateway().await?;
    let private = bring_along(process, &gateway, &catalogue).await?;
    let base = public_base(&args.shop).unwrap_or_else(|| base_url(address));
    let first_owner = first_owner(process, &base).await?;
    let views = process.core.views(projections::Settings { time_zone: args.views.time_zone });
    process.project(&views, &Views::names().collect::<Vec<_>>());
    if let Some(embedded) = kafka.embedded() {
        process.announce_kafka(embedded)?;
    }
    process.relay(&kafka.settings);
    process.consume(&kafka.settings, &mailer, consumers::NAMES);
    let schedule = process.schedule();
    let link = match payments.provider {
        ChosenProvider::None => None,
        _ => Some(pay_link(process.core.pool(), base.clone()).await?),
    };
    let mut tasks = consumers::scheduled_tasks(&process.core.log, &schedule, &mailer, Some(base), link);
    tasks.extend(own_tasks(&schedule, &gateway));
    process.carry_out(&schedule, tasks);
    let readiness = process.readiness().clone();
    let http = http_settings(&args.http, &args.shop, &args.sessions, &args.database);
    let payments = PaymentSettings { listens_at: address, ..payments };
    let http = HttpSettings { payments, shared: args.redis.settings()?, ..http };
    let app = App::new(gateway, process.core.log.clone(), views.clone(), readiness, http);
    let app = app.watched_by(process.monitor().clone()).with_dead_letters_of(Some(kafka.settings.clone()));
    let (cancel, tasks) = process.behind_requests();
    let app = app.ending_with(cancel, tasks);
    process.announce_http(address)?;
    process.share(&app.shared);
    process.handle_payments(&app.payments);
    process.follow(&app.live);
    process.serve(server, app.router());
    wait_for_views(&views).await;
    Ok(Welcome {
        address,
        database: process.database().shown(),
        brokers: kafka.settings.brokers.clone(),
        topic: Topics::new(&kafka.settings.prefix).orders,
        embedded_broker: kafka.settings.embedded,
        mail: String::new(),
        private,
        first_owner,
        took: Duration::ZERO,
    })
}

/// The demo's shop and API key belong to the private database alone.
async fn bring_along(
    process: &Process,
    gateway: &Gateway,
    catalogue: &Catalogue,
) -> Result<Option<(PathBuf, String)>, Failure> {
    let Some(private) = process.database().private() else { return Ok(None) };
    demo::draw(&private.directory.join(MEDIA))?;
    demo::stock(gateway, &process.core.log, catalogue).await?;
    let token = dev_key::ensure(&private.directory, process.core.pool()).await?;
    Ok(Some((private.directory.path().to_path_buf(), token.to_string())))
}

/// The link by which the private system's administrator sets a password, until one was set.
async fn first_owner(process: &Process, base: &str) -> Result<Option<String>, Failure> {
    match process.database().private() {
        Some(_) => Ok(first_owner::link(process.core.pool(), base, chrono::Utc::now()).await?),
        None => Ok(None),
    }
}

/// Where visitors reach the shop, as links in mails begin.
pub(crate) fn public_base(shop: &ShopArgs) -> Option<String> {
    shop.public_url.as_ref().map(|url| url.origin().ascii_serialization())
}

/// Makes the addresses under which orders are paid, for mails: those of their pages, with the key that a guest has.
pub(super) async fn pay_link(pool: &PgPool, base: String) -> Result<PayLink, Failure> {
    let key = LinkKey::load(pool).await?;
    Ok(Arc::new(move |order| format!("{base}{}", order_address(&key, order))))
}

/// The tasks of the schedule that every process with an API carries out.
pub(super) fn own_tasks(schedule: &Schedule, gateway: &Gateway) -> Vec<Arc<dyn Task>> {
    vec![Arc::new(Sweep::new(schedule.clone())), Arc::new(ReleaseIssue::new(gateway.clone()))]
}

/// What the routes need of the settings.
pub(super) fn http_settings(
    args: &HttpArgs,
    shop: &ShopArgs,
    sessions: &SessionArgs,
    database: &DatabaseArgs,
) -> HttpSettings {
    // Where there is no place for data, there are no pictures either.
    let media = data_path(database).ok().map(|path| path.join(MEDIA));
    let rate_limit = args.rate_limit.map(|count| RateLimit { per_second: f64::from(count), burst: count });
    let sessions = sessions.settings(shop, args.listen);
    if !sessions.secure {
        tracing::warn!(
            "visitors reach the shop without TLS as far as is known, so whoever is on the way can take their sessions over: \
             serve it by https, and say so with --public-url"
        );
    }
    let trusted_proxies = args.trusted_proxies.clone();
    HttpSettings { rate_limit, trusted_proxies, shop: shop.settings(media), sessions, ..HttpSettings::default() }
}

/// How payments are made. Touches nothing yet.
pub(super) fn payment_settings(
    payments: &PaymentArgs,
    shop: &ShopArgs,
    database: &DatabaseArgs,
) -> Result<PaymentSettings, Failure> {
    let provider = payments.provider(shop.public_url.as_ref(), database.url()?.is_none())?;
    Ok(PaymentSettings { provider, ..PaymentSettings::default() })
}

/// How mail is sent. Touches nothing yet.
pub(super) fn mail_settings(
    database: &DatabaseArgs,
    shop: &ShopArgs,
    mail: &MailArgs,
) -> Result<MailSettings, Failure> {
    Ok(mail.settings(shop, &data_path(database)?.join("mail"))?)
}

/// What sends it; a directory for it is made, for our eyes alone.
pub(super) fn mailer(settings: &MailSettings) -> Result<Mailer, Failure> {
    if let MailBackend::ConsoleAndFiles(directory) = &settings.backend {
        directory::make_private(directory)?;
    }
    Ok(Mailer::new(settings.clone())?)
}

fn mail_shown(mail: &MailSettings) -> String {
    match &mail.backend {
        MailBackend::Smtp(server) => format!("by {}:{}", server.host, server.port),
        MailBackend::Console => "shown here".to_owned(),
        MailBackend::Files(directory) => format!("{}/*.eml", directory.display()),
        MailBackend::ConsoleAndFiles(directory) => format!("shown here, and {}/*.eml", directory.display()),
    }
}

async fn wait_for_views(views: &Views) {
    let all_here = async {
        let at_work = |status: &projections::ReaderStatus| {
            !matches!(status.state, projections::ReaderState::Elsewhere | projections::ReaderState::Building(_))
        };
        while !views.statuses().iter().all(at_work) {
            tokio::time::sleep(VIEWS_LOOK_EVERY).await;
        }
    };
    // Longer than this, `/readyz` tells.
    let _ = tokio::time::timeout(VIEWS_AT_MOST, all_here).await;
}

/// The configured Kafka, or the one inside this process.
struct Kafka {
    settings: KafkaSettings,
    /// Ends when dropped.
    _embedded: Option<EmbeddedBroker>,
}

impl Kafka {
    /// A configured one is asked: a wrong address shows now, not in a log line an hour later.
    async fn of(args: &KafkaArgs) -> Result<Self, Failure> {
        if let Some(settings) = args.settings()? {
            consumers::topics::ensure(&settings).await?;
            return Ok(Self { settings, _embedded: None });
        }
        let prefix = args.kafka_prefix.as_deref().unwrap_or_default();
        let broker = EmbeddedBroker::start_prefixed(args.kafka_partitions, prefix)?;
        Ok(Self { settings: broker.settings(), _embedded: Some(broker) })
    }

    /// The one inside this process, as others are told of it.
    fn embedded(&self) -> Option<EmbeddedKafka> {
        let KafkaSettings { brokers, partitions, prefix, embedded, .. } = self.settings.clone();
        embedded.then_some(EmbeddedKafka { brokers, partitions, prefix })
    }
}
