//! The settings themselves, in groups: a command takes the groups that it has use for. What stands here as help is the
//! text of `--help`; `docs/OPERATIONS.md` lists the same names and defaults, held together by a test.

use super::Secret;
use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use url::Url;

/// Which PostgreSQL, and where the data of the private one are.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct DatabaseArgs {
    /// PostgreSQL to use instead of the private one, as a member of the role orders_app
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// File that holds the database URL
    #[arg(long, value_name = "FILE", env = "DATABASE_URL_FILE", hide_env_values = true)]
    pub database_url_file: Option<PathBuf>,
    /// Most connections to the database at once
    #[arg(long, value_name = "COUNT", env = "ORDERS_DATABASE_CONNECTIONS", hide_env_values = true,
          default_value_t = 16, value_parser = clap::value_parser!(u32).range(4..=1000))]
    pub database_connections: u32,
    /// Data of the private PostgreSQL, mails, the demo's API key [default: /var/lib/orders for root, else
    /// ~/.local/state/orders]
    #[arg(long, value_name = "DIRECTORY", env = "ORDERS_DATA_DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// Directory of the programs `postgres` and `initdb` [default: the newest installed, else fetched]
    #[arg(long, value_name = "DIRECTORY", env = "ORDERS_POSTGRES_BIN", hide_env_values = true)]
    pub postgres_bin: Option<PathBuf>,
}

/// As whom the database is migrated.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Database")]
pub struct MigrationArgs {
    /// The database as the owner of its tables: for migrations alone
    #[arg(long, value_name = "URL", env = "MIGRATION_DATABASE_URL", hide_env_values = true)]
    pub migration_database_url: Option<Secret>,
    /// File that holds the owner's database URL
    #[arg(long, value_name = "FILE", env = "MIGRATION_DATABASE_URL_FILE", hide_env_values = true)]
    pub migration_database_url_file: Option<PathBuf>,
}

/// Which Kafka.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Kafka")]
pub struct KafkaArgs {
    /// Kafka to use instead of the one inside the process: host:port, several separated by commas
    #[arg(long, value_name = "ADDRESSES", env = "KAFKA_BROKERS", hide_env_values = true)]
    pub kafka_brokers: Option<Secret>,
    /// File that holds the addresses
    #[arg(long, value_name = "FILE", env = "KAFKA_BROKERS_FILE", hide_env_values = true)]
    pub kafka_brokers_file: Option<PathBuf>,
    /// Property of the connection, such as security.protocol=SASL_SSL; may be repeated (in the variable: one per line)
    #[arg(
        long = "kafka-property",
        value_name = "NAME=VALUE",
        env = "ORDERS_KAFKA_PROPERTIES",
        hide_env_values = true,
        value_delimiter = '\n'
    )]
    pub kafka_properties: Vec<Secret>,
    /// File of such properties, one per line
    #[arg(long, value_name = "FILE", env = "ORDERS_KAFKA_PROPERTIES_FILE", hide_env_values = true)]
    pub kafka_properties_file: Option<PathBuf>,
    /// Partitions of each topic of events; fixed for good once the topics exist
    #[arg(long, value_name = "COUNT", env = "ORDERS_KAFKA_PARTITIONS", hide_env_values = true,
          default_value_t = consumers::kafka::DEFAULT_PARTITIONS, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub kafka_partitions: u16,
    /// Brokers that keep a copy of each topic that is made [default: as the cluster has it]
    #[arg(long, value_name = "COUNT", env = "ORDERS_KAFKA_REPLICAS", hide_env_values = true,
          value_parser = clap::value_parser!(u16).range(1..=100))]
    pub kafka_replicas: Option<u16>,
    /// Goes before the names of topics and groups, so that several shops share a cluster [default: none]
    #[arg(long, value_name = "TEXT", env = "ORDERS_KAFKA_PREFIX", hide_env_values = true, value_parser = prefix)]
    pub kafka_prefix: Option<String>,
}

/// How mail is sent.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Mail")]
pub struct MailArgs {
    /// SMTP server: smtps://user:password@host (TLS), smtp://user:password@host?tls=required (STARTTLS), smtp://host
    /// (in clear); also console: and file:///directory. Without one, mails go to the terminal and into the data
    /// directory
    #[arg(long, value_name = "URL", env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: Option<Secret>,
    /// File that holds the SMTP URL
    #[arg(long, value_name = "FILE", env = "SMTP_URL_FILE", hide_env_values = true)]
    pub smtp_url_file: Option<PathBuf>,
    /// Certificate authority (PEM) of the SMTP server, trusted besides the system's
    #[arg(long, value_name = "FILE", env = "ORDERS_SMTP_CA_FILE", hide_env_values = true)]
    pub smtp_ca_file: Option<PathBuf>,
    /// Sender of all mails
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "ORDERS_MAIL_FROM",
        hide_env_values = true,
        default_value = "Leaf & Kettle <orders@localhost>"
    )]
    pub mail_from: String,
    /// Where answers to mails go [default: to the sender]
    #[arg(long, value_name = "ADDRESS", env = "ORDERS_MAIL_REPLY_TO", hide_env_values = true)]
    pub mail_reply_to: Option<String>,
}

/// What visitors see of the shop, on its pages and in its mails.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shop")]
pub struct ShopArgs {
    /// Name of the shop, as its pages and mails bear it
    #[arg(
        long,
        value_name = "NAME",
        env = "ORDERS_SHOP_NAME",
        hide_env_values = true,
        default_value = "Leaf & Kettle"
    )]
    pub shop_name: String,
    /// Where visitors reach the shop, such as https://shop.example.com: with https, browsers are told to use nothing
    /// else [default: not known]
    #[arg(long, value_name = "URL", env = "ORDERS_PUBLIC_URL", hide_env_values = true, value_parser = public_url)]
    pub public_url: Option<Url>,
}

/// How HTTP is served.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
pub struct HttpArgs {
    /// Address to listen on; port 0 takes any free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "ORDERS_LISTEN",
        hide_env_values = true,
        default_value = "127.0.0.1:8080"
    )]
    pub listen: SocketAddr,
    /// Requests per second that one API key may make [default: no limit]
    #[arg(long, value_name = "COUNT", env = "ORDERS_RATE_LIMIT", hide_env_values = true,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub rate_limit: Option<u32>,
    /// Networks of the proxies before this process, such as 10.0.0.0/8, separated by commas: what they say in
    /// X-Forwarded-For is taken for where a request comes from [default: none]
    #[arg(long, value_name = "NETWORKS", env = "ORDERS_TRUSTED_PROXIES", hide_env_values = true, value_delimiter = ',',
          value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,
}

/// Which Redis processes share sessions and the catalogue through.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "HTTP")]
pub struct RedisArgs {
    /// Redis through which processes share visitors' sessions and the catalogue:
    /// redis://user:password@host:port/database, or rediss:// (TLS) [default: none, PostgreSQL is asked]
    #[arg(long, value_name = "URL", env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<Secret>,
    /// File that holds the Redis URL
    #[arg(long, value_name = "FILE", env = "REDIS_URL_FILE", hide_env_values = true)]
    pub redis_url_file: Option<PathBuf>,
}

/// What views depend on besides the log.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Views")]
pub struct ViewArgs {
    /// Time zone (IANA) whose days the totals count; another one asks for a rebuild
    #[arg(long, value_name = "ZONE", env = "ORDERS_TIME_ZONE", hide_env_values = true, default_value = "UTC",
          value_parser = time_zone)]
    pub time_zone: Tz,
}

/// What is written to standard error.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Log output")]
pub struct LogArgs {
    /// What to log: a level (error, warn, info, debug, trace), or a list such as info,sqlx=warn
    #[arg(long, value_name = "FILTER", env = "ORDERS_LOG", hide_env_values = true, default_value = "info")]
    pub log: String,
    /// How to write it: text, or json with one object per line
    #[arg(
        long,
        value_name = "FORMAT",
        env = "ORDERS_LOG_FORMAT",
        hide_env_values = true,
        hide_possible_values = true,
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object per line
    Json,
}

/// How long visitors are known.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shop")]
pub struct SessionArgs {
    /// Seconds that a visitor's session, and the cart in it, lives after it was last used
    #[arg(long, value_name = "SECONDS", env = "ORDERS_SESSION_AGE_S", hide_env_values = true, default_value_t = 1_209_600,
          value_parser = clap::value_parser!(u32).range(60..=31_536_000))]
    pub session_age_s: u32,
    /// Whether it also ends when the browser is closed
    #[arg(long, value_name = "BOOLEAN", env = "ORDERS_SESSION_ENDS_WITH_BROWSER", hide_env_values = true,
          default_value_t = false, action = clap::ArgAction::Set)]
    pub session_ends_with_browser: bool,
}

/// Scheme, host and port: the pages are at the top of their host.
fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let bare = url.filter(|url| {
        url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    bare.ok_or_else(|| "it is no URL of a host alone, such as https://shop.example.com".to_owned())
}

/// A network in CIDR notation (RFC 4632), or an address alone.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let network = text.parse().ok().or_else(|| text.parse().ok().map(|address: IpAddr| IpNet::from(address)));
    network.ok_or_else(|| "it is no network such as 10.0.0.0/8 or 2001:db8::/32, and no address".to_owned())
}

fn time_zone(name: &str) -> Result<Tz, String> {
    name.parse().map_err(|_error| "it is no IANA time zone such as Europe/Berlin".to_owned())
}

/// Kafka's rule for the names of topics.
fn prefix(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.len() <= 100 && text.chars().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("up to 100 of the characters A-Z a-z 0-9 . _ - are allowed".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        http: HttpArgs,
    }

    #[test]
    fn proxies_are_networks_or_addresses() {
        let program = |networks: &str| Program::try_parse_from(["orders", "--trusted-proxies", networks]);
        let trusted = program("10.0.0.0/8, 192.0.2.1,fd00::/8,::1").unwrap_or_else(|error| panic!("{error}"));
        let shown: Vec<String> = trusted.http.trusted_proxies.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8", "::1/128"]);
        for wrong in ["10.0.0.0/33", "proxy", "10.0.0", "10.0.0.0/8,"] {
            assert!(program(wrong).is_err(), "{wrong}");
        }
    }
}
