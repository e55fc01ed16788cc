//! One documented set of settings: flags and variables of the environment, each with one meaning for every command.
//!
//! What is not known is refused, and no secret is ever shown: values that may hold one are [`Secret`]s, and are checked
//! by us instead of by the parser, which would quote them.

pub mod environment;
mod fault;
mod groups;
mod payment;
mod secret;
mod telemetry;

pub use fault::SettingsError;
pub use groups::{
    DatabaseArgs, HttpArgs, KafkaArgs, LogArgs, LogFormat, MailArgs, MigrationArgs, RedisArgs, SessionArgs, ShopArgs,
    ViewArgs,
};
pub use payment::{PaymentArgs, ProviderArgs, ProviderName};
pub use secret::{Secret, without_password};
pub use telemetry::{Collector, TelemetryArgs};

use crate::shared::SharedSettings;
use crate::shop::{Clock, SessionSettings, ShopSettings};
use commands::shop::sessions::Lifetime;
use consumers::{KafkaSettings, MailBackend, MailSettings};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;
use url::{Host, Url};

impl DatabaseArgs {
    /// The configured database; `None` asks for the private one.
    pub fn url(&self) -> Result<Option<Secret>, SettingsError> {
        postgres_url("DATABASE_URL", self.database_url.as_ref(), self.database_url_file.as_deref())
    }
}

impl MigrationArgs {
    /// The configured database as its owner connects.
    pub fn url(&self) -> Result<Option<Secret>, SettingsError> {
        let (value, file) = (self.migration_database_url.as_ref(), self.migration_database_url_file.as_deref());
        postgres_url("MIGRATION_DATABASE_URL", value, file)
    }
}

impl RedisArgs {
    /// What processes share through; nothing where no Redis is configured.
    pub fn settings(&self) -> Result<SharedSettings, SettingsError> {
        match value_or_file("REDIS_URL", self.redis_url.as_ref(), self.redis_url_file.as_deref())? {
            Some(url) => SharedSettings::parse(url.expose()),
            None => Ok(SharedSettings::default()),
        }
    }
}

impl MailArgs {
    /// How mail is sent. Without a configured server: to the terminal, and as files into `directory`.
    pub fn settings(&self, shop: &ShopArgs, directory: &Path) -> Result<MailSettings, SettingsError> {
        let url = value_or_file("SMTP_URL", self.smtp_url.as_ref(), self.smtp_url_file.as_deref())?;
        let backend = match url {
            Some(url) => MailBackend::parse(url.expose(), self.smtp_ca_file.as_deref()).map_err(Box::new)?,
            None => MailBackend::ConsoleAndFiles(directory.to_path_buf()),
        };
        Ok(MailSettings {
            backend,
            from: parsed("ORDERS_MAIL_FROM", &self.mail_from)?,
            reply_to: self.mail_reply_to.as_ref().map(|text| parsed("ORDERS_MAIL_REPLY_TO", text)).transpose()?,
            shop_name: shop.shop_name.clone(),
        })
    }
}

impl SessionArgs {
    /// How long visits go on, at a process that listens on `address`.
    ///
    /// Browsers keep a cookie that is for TLS alone also where they reach the machine itself. Without a known address
    /// of the shop, listening to nobody else is taken for that.
    pub fn settings(&self, shop: &ShopArgs, address: SocketAddr) -> SessionSettings {
        let secure = match &shop.public_url {
            Some(url) => url.scheme() == "https" || is_this_machine(url),
            None => address.ip().is_loopback(),
        };
        let lasts = Duration::from_secs(self.session_age_s.into());
        let lifetime = Lifetime { lasts, ends_with_browser: self.session_ends_with_browser };
        SessionSettings { lifetime, secure, clock: Clock::system() }
    }
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl ShopArgs {
    /// What the pages show; pictures of products are in the directory `media`.
    pub fn settings(&self, media: Option<PathBuf>) -> ShopSettings {
        ShopSettings { name: self.shop_name.clone(), public_url: self.public_url.clone(), media }
    }
}

fn parsed<T: FromStr>(name: &'static str, text: &str) -> Result<T, SettingsError> {
    text.parse().map_err(|_| SettingsError::Address { name })
}

impl KafkaArgs {
    /// The configured Kafka; `None` asks for the one inside the process.
    pub fn settings(&self) -> Result<Option<KafkaSettings>, SettingsError> {
        let file = self.kafka_brokers_file.as_deref();
        let Some(brokers) = value_or_file("KAFKA_BROKERS", self.kafka_brokers.as_ref(), file)? else {
            return self.of_another_kafka().map_or(Ok(None), |name| Err(SettingsError::WithoutKafka { name }));
        };
        Ok(Some(KafkaSettings {
            brokers: brokers.expose().to_owned(),
            properties: self.properties()?,
            partitions: self.kafka_partitions,
            replicas: self.kafka_replicas,
            prefix: self.kafka_prefix.clone().unwrap_or_default(),
            embedded: false,
        }))
    }

    /// A setting that has no meaning for the Kafka inside the process.
    fn of_another_kafka(&self) -> Option<&'static str> {
        let given = [
            ("ORDERS_KAFKA_PROPERTIES", !self.kafka_properties.is_empty()),
            ("ORDERS_KAFKA_PROPERTIES_FILE", self.kafka_properties_file.is_some()),
            ("ORDERS_KAFKA_REPLICAS", self.kafka_replicas.is_some()),
        ];
        given.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
    }

    fn properties(&self) -> Result<Vec<(String, String)>, SettingsError> {
        let file = self.kafka_properties_file.as_deref();
        let text = match (self.kafka_properties.is_empty(), file) {
            (false, Some(_)) => return Err(SettingsError::Twice { name: "ORDERS_KAFKA_PROPERTIES" }),
            (true, None) => return Ok(Vec::new()),
            (false, None) => self.kafka_properties.iter().map(Secret::expose).collect::<Vec<_>>().join("\n"),
            (true, Some(file)) => read("ORDERS_KAFKA_PROPERTIES", file)?,
        };
        let lines = text.lines().map(str::trim).enumerate();
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(index, line)| {
                let (name, value) = line.split_once('=').ok_or(SettingsError::Property { line: index + 1 })?;
                Ok((name.trim().to_owned(), value.trim().to_owned()))
            })
            .collect()
    }
}

fn postgres_url(
    name: &'static str,
    value: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, SettingsError> {
    match value_or_file(name, value, file)? {
        Some(url) if !["postgres://", "postgresql://"].iter().any(|scheme| url.expose().starts_with(scheme)) => {
            Err(SettingsError::Scheme { name, expected: "postgres://" })
        }
        url => Ok(url),
    }
}

pub(crate) fn value_or_file(
    name: &'static str,
    value: Option<&Secret>,
    file: Option<&Path>,
) -> Result<Option<Secret>, SettingsError> {
    let value = match (value, file) {
        (Some(_), Some(_)) => return Err(SettingsError::Twice { name }),
        (Some(value), None) => value.clone(),
        (None, Some(file)) => Secret::from(read(name, file)?),
        (None, None) => return Ok(None),
    };
    if value.is_empty() { Err(SettingsError::Empty { name }) } else { Ok(Some(value)) }
}

/// What stands in a file, without the line's end that editors add.
fn read(name: &'static str, path: &Path) -> Result<String, SettingsError> {
    let text = fs::read_to_string(path);
    let text = text.map_err(|source| SettingsError::File { name, path: path.to_path_buf(), source })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
