//! `orders analysts`: who reads the history by SQL, as logins of PostgreSQL with their bounds.

use super::With;
use super::table::table;
use super::tell::{json, say};
use crate::roles::{Asker, Database, Failure};
use crate::settings::{DatabaseArgs, LogArgs, MigrationArgs, SettingsError};
use clap::{Args, Subcommand};
use commands::analysts::{self, Analyst, LoginName, LoginNameError};
use commands::db;
use serde::Serialize;
use sqlx::PgPool;
use std::path::PathBuf;

/// What a password that is brought along has at least.
const MIN_PASSWORD_CHARS: usize = 12;
const MAX_PASSWORD_CHARS: usize = 128;

#[derive(Debug, Subcommand)]
pub(super) enum Analysts {
    /// Makes a login that may read the views in `analytics`, and shows its password, this once
    #[command(after_help = "\
Its statements end after --timeout, it writes nothing, and it is connected three times at once at most. With
a superuser's URL the size of its temporary files is bounded too.

Example:
  orders analysts add ada
  psql postgres://ada@db.example.com/shop -c 'SELECT count(*) FROM analytics.orders'")]
    Add(With<AddArgs>),
    /// Lists all logins, with what bounds them
    List(With<ListArgs>),
    /// Removes a login, and ends its sessions
    Remove(With<RemoveArgs>),
}

#[derive(Debug, Clone, Args)]
pub(super) struct AddArgs {
    /// What it logs in as
    #[arg(value_name = "NAME", value_parser = name)]
    name: LoginName,
    /// File that holds the password [default: a random one, which is shown]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// How long a statement may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct ListArgs {
    /// Write JSON, one login per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

#[derive(Debug, Clone, Args)]
pub(super) struct RemoveArgs {
    /// What it logs in as
    #[arg(value_name = "NAME", value_parser = name)]
    name: LoginName,
    #[command(flatten)]
    server: ServerArgs,
}

/// Which server, and as whom.
#[derive(Debug, Clone, Args)]
struct ServerArgs {
    #[command(flatten)]
    migration: MigrationArgs,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn name(text: &str) -> Result<LoginName, LoginNameError> {
    LoginName::parse(text)
}

impl Analysts {
    pub(super) fn log_args(&self) -> &LogArgs {
        match self {
            Self::Add(with) => &with.log,
            Self::List(with) => &with.log,
            Self::Remove(with) => &with.log,
        }
    }

    fn server_args(&self) -> &ServerArgs {
        match self {
            Self::Add(with) => &with.args.server,
            Self::List(with) => &with.args.server,
            Self::Remove(with) => &with.args.server,
        }
    }

    pub(super) async fn run(&self) -> Result<(), Failure> {
        let ServerArgs { migration, database } = self.server_args();
        if let Some(owner) = migration.url()? {
            return self.tell(&db::connect(owner.expose(), 1).await?).await;
        }
        let why =
            "the program's own login may not make roles; give the URL of who may: one with CREATEROLE, or a superuser";
        let needed = SettingsError::Needed { role: "analysts", name: "MIGRATION_DATABASE_URL", why };
        if database.url()?.is_some() {
            return Err(needed.into());
        }
        let private = Database::open(database, None, Asker::passing("orders analysts")).await?;
        let outcome = match private.superuser_pool().await {
            Ok(Some(pool)) => self.tell(&pool).await,
            Ok(None) => Err(needed.into()),
            Err(failure) => Err(failure),
        };
        private.close().await;
        outcome
    }

    async fn tell(&self, pool: &PgPool) -> Result<(), Failure> {
        let outcome = self.run_on(pool).await;
        pool.close().await;
        say(&outcome?)
    }

    async fn run_on(&self, pool: &PgPool) -> Result<String, Failure> {
        match self {
            Self::Add(with) => with.args.add(pool).await,
            Self::List(with) => {
                let found = analysts::list(pool).await?;
                if with.args.json {
                    found.iter().map(|login| json(&Login::of(login))).collect()
                } else {
                    Ok(list(&found))
                }
            }
            Self::Remove(with) => {
                let name = &with.args.name;
                let left = match analysts::remove(pool, name).await? {
                    0 => String::new(),
                    left => format!(" {left} of its sessions go on until they end: only a superuser may end them."),
                };
                Ok(format!("`{}` logs in no longer.{left}\n", name.as_str()))
            }
        }
    }
}

impl AddArgs {
    async fn add(&self, pool: &PgPool) -> Result<String, Failure> {
        let (password, shown) = match &self.password_file {
            Some(file) => {
                let text = std::fs::read_to_string(file)
                    .map_err(|error| Failure::new(format!("{} can't be read: {error}", file.display())))?;
                (checked(text.trim_end_matches(['\r', '\n']))?, String::new())
            }
            None => {
                let random = format!("{:032x}", rand::random::<u128>());
                (random.clone(), format!("{random}\n"))
            }
        };
        let added = analysts::add(pool, &self.name, &password, self.timeout).await?;
        // The password alone on standard output, so that it can be piped to where it is kept.
        let once = if shown.is_empty() { "." } else { "; its password is shown this once:" };
        let (name, timeout) = (self.name.as_str(), self.timeout);
        eprintln!("`{name}` may read the views in `analytics`, each statement for {timeout} s at most{once}");
        if !added.bounds_temp_files {
            eprintln!("Only a superuser may bound its temporary files: ALTER ROLE {name} SET temp_file_limit = '2GB'");
        }
        Ok(shown)
    }
}

/// A password that every server takes as it stands: others are normalised before they are compared.
fn checked(password: &str) -> Result<String, Failure> {
    let fits = (MIN_PASSWORD_CHARS..=MAX_PASSWORD_CHARS).contains(&password.len())
        && password.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if fits {
        return Ok(password.to_owned());
    }
    Err(Failure::new(format!(
        "--password-file: a password is {MIN_PASSWORD_CHARS} to {MAX_PASSWORD_CHARS} letters, digits and signs of ASCII"
    )))
}

/// A login, for programs. What bounds it is as PostgreSQL has it; `null` where nothing does.
#[derive(Serialize)]
struct Login<'a> {
    name: &'a str,
    statement_timeout: Option<&'a str>,
    default_transaction_read_only: Option<&'a str>,
    temp_file_limit: Option<&'a str>,
    max_connections: Option<u32>,
    sessions: i64,
}

impl<'a> Login<'a> {
    fn of(login: &'a Analyst) -> Self {
        Self {
            name: &login.name,
            statement_timeout: login.setting("statement_timeout"),
            default_transaction_read_only: login.setting("default_transaction_read_only"),
            temp_file_limit: login.setting("temp_file_limit"),
            max_connections: u32::try_from(login.max_connections).ok(),
            sessions: login.sessions,
        }
    }
}

fn list(logins: &[Analyst]) -> String {
    let rows: Vec<[String; 6]> = logins
        .iter()
        .map(|login| {
            let setting = |name| login.setting(name).unwrap_or("none").to_owned();
            [
                login.name.clone(),
                setting("statement_timeout"),
                setting("default_transaction_read_only"),
                setting("temp_file_limit"),
                if login.max_connections < 0 { "none".to_owned() } else { login.max_connections.to_string() },
                login.sessions.to_string(),
            ]
        })
        .collect();
    table(["LOGIN", "TIME-OUT", "READ ONLY", "TEMPORARY FILES", "CONNECTIONS", "NOW"], &rows)
}
