//! The database of a command: the configured one, that of a running system, or a private one started for the command.

use super::Failure;
use crate::embedded::directory::{self, DataDirectory, DirectoryError, EmbeddedKafka, Holder};
use crate::embedded::postgres::{self, Postgres, superuser_url};
use crate::settings::{DatabaseArgs, MigrationArgs, Secret, without_password};
use commands::db::{self, DbError};
use sqlx::PgPool;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::Instant;

/// How long a command waits for another one that uses the data directory for a moment.
const PASSING_AT_MOST: Duration = Duration::from_secs(10);
const PASSING_LOOK_EVERY: Duration = Duration::from_millis(50);

/// Who asks for a database, and what others are told.
#[derive(Debug, Clone, Copy)]
pub struct Asker {
    /// The command, such as `orders events`.
    pub command: &'static str,
    /// Whether it may use the PostgreSQL of a system that runs already.
    pub joins: bool,
    /// Whether it is gone soon, and the PostgreSQL that it started with it.
    pub passing: bool,
    /// Whether it may begin a system where there is none: who only asks would be told of an empty one.
    pub begins: bool,
}

impl Asker {
    /// A command that asks, or does one thing, in a system that there is.
    pub const fn passing(command: &'static str) -> Self {
        Self { command, joins: true, passing: true, begins: false }
    }
}

/// A database that can be used until it is closed.
#[derive(Debug)]
pub struct Database {
    url: Secret,
    connections: u32,
    private: Option<Private>,
    /// The system whose PostgreSQL it is, if it is that of one that runs already.
    neighbour: Option<Holder>,
}

/// A private PostgreSQL that this process runs.
#[derive(Debug)]
pub struct Private {
    /// Where its data are. Held by this process.
    pub directory: DataDirectory,
    postgres: Postgres,
}

/// Where the data directory is.
pub fn data_path(args: &DatabaseArgs) -> Result<PathBuf, DirectoryError> {
    args.data_dir.clone().map_or_else(directory::default_path, Ok)
}

impl Database {
    /// Finds the database, or starts one. It is migrated if we may: our own always, another with the owner's URL.
    pub async fn open(args: &DatabaseArgs, owner: Option<&MigrationArgs>, asker: Asker) -> Result<Self, Failure> {
        let connections = args.database_connections;
        if let Some(url) = args.url()? {
            if let Some(owner) = owner.map(MigrationArgs::url).transpose()?.flatten() {
                migrate(&owner).await?;
            }
            return Ok(Self { url, connections, private: None, neighbour: None });
        }
        match claim(args, asker).await? {
            Claim::Running(login, holder) => {
                Ok(Self { url: Secret::from(login), connections, private: None, neighbour: Some(*holder) })
            }
            Claim::Ours(directory) => Self::start(args, *directory).await,
        }
    }

    async fn start(args: &DatabaseArgs, mut directory: DataDirectory) -> Result<Self, Failure> {
        let postgres = Postgres::start(&directory, args.postgres_bin.as_deref()).await?;
        let urls = postgres.urls().clone();
        let prepared = match db::migrate(&urls.owner).await {
            Ok(()) => directory.announce(urls.clone()).map_err(Failure::from),
            Err(error) => Err(error.into()),
        };
        if let Err(failure) = prepared {
            postgres.stop().await;
            return Err(failure);
        }
        let private = Some(Private { directory, postgres });
        let (url, connections) = (Secret::from(urls.login), args.database_connections);
        Ok(Self { url, connections, private, neighbour: None })
    }

    /// A pool of connections.
    pub async fn pool(&self) -> Result<PgPool, Failure> {
        connect(&self.url, self.connections).await
    }

    /// A pool of who may make roles, where the server is a private one.
    pub async fn superuser_pool(&self) -> Result<Option<PgPool>, Failure> {
        let urls = match (&self.private, &self.neighbour) {
            (Some(private), _) => Some(private.postgres.urls()),
            (None, Some(neighbour)) => neighbour.postgres.as_ref(),
            (None, None) => None,
        };
        match urls.and_then(superuser_url) {
            Some(url) => Ok(Some(connect(&Secret::from(url), 1).await?)),
            None => Ok(None),
        }
    }

    /// Where it is, as may be shown.
    pub fn shown(&self) -> String {
        match &self.private {
            // No secret in it, and only whole does it lead there.
            Some(private) => private.postgres.urls().login.clone(),
            None => without_password(&self.url),
        }
    }

    /// Our own server, if it is one.
    pub fn private(&self) -> Option<&Private> {
        self.private.as_ref()
    }

    /// The running system whose server it is, if it is one.
    pub fn neighbour(&self) -> Option<&Holder> {
        self.neighbour.as_ref()
    }

    /// Tells others where the Kafka inside this process is; nobody asks where the database is no private one.
    pub fn announce_kafka(&mut self, kafka: EmbeddedKafka) -> Result<(), Failure> {
        match &mut self.private {
            Some(private) => Ok(private.directory.announce_kafka(kafka)?),
            None => Ok(()),
        }
    }

    /// Tells others where this process serves HTTP, likewise.
    pub fn announce_http(&mut self, address: SocketAddr) -> Result<(), Failure> {
        match &mut self.private {
            Some(private) => Ok(private.directory.announce_http(address)?),
            None => Ok(()),
        }
    }

    /// Ends our own server, if it is one. Close pools before.
    pub async fn close(self) {
        if let Some(private) = self.private {
            private.postgres.stop().await;
        }
    }
}

impl Private {
    /// What the server is doing, as it changes.
    pub fn state(&self) -> tokio::sync::watch::Receiver<crate::embedded::postgres::ServerState> {
        self.postgres.state()
    }
}

/// Migrates as the owner of the tables.
pub async fn migrate(owner: &Secret) -> Result<(), Failure> {
    db::migrate(owner.expose()).await.map_err(|error| hinted(error, "MIGRATION_DATABASE_URL"))
}

async fn connect(url: &Secret, connections: u32) -> Result<PgPool, Failure> {
    db::connect(url.expose(), connections).await.map_err(|error| hinted(error, "DATABASE_URL"))
}

/// An address may be wrong, or its server not up: say where it was set.
fn hinted(error: DbError, name: &str) -> Failure {
    match error {
        DbError::Unreachable { .. } => Failure::new(format!("{error}; is the server up, and {name} right?")),
        error => error.into(),
    }
}

enum Claim {
    Ours(Box<DataDirectory>),
    /// By this URL, of the system that holds the directory.
    Running(String, Box<Holder>),
}

async fn claim(args: &DatabaseArgs, asker: Asker) -> Result<Claim, Failure> {
    let path = data_path(args)?;
    // Where there is no lock, nobody begins one at this moment either, and nothing is made.
    if !asker.begins && !is_begun(&path) && is_absent(&path.join("lock")) {
        return Err(no_system(&path));
    }
    let deadline = Instant::now() + PASSING_AT_MOST;
    loop {
        let error = match DataDirectory::claim(&path, asker.command, asker.passing) {
            Ok(_) if !asker.begins && !is_begun(&path) => return Err(no_system(&path)),
            Ok(directory) => return Ok(Claim::Ours(Box::new(directory))),
            Err(error) => error,
        };
        match usable(&error, asker) {
            Usable::Yes(login, holder) => return Ok(Claim::Running(login, holder)),
            Usable::Soon if Instant::now() < deadline => tokio::time::sleep(PASSING_LOOK_EVERY).await,
            Usable::Soon | Usable::No => return Err(error.into()),
        }
    }
}

/// What can't be looked at counts as begun: whoever uses it is told why that can't be.
fn is_begun(path: &Path) -> bool {
    !is_absent(&postgres::version_file(path))
}

fn is_absent(path: &Path) -> bool {
    matches!(path.try_exists(), Ok(false))
}

fn no_system(path: &Path) -> Failure {
    let path = path.display();
    Failure::new(format!(
        "there is no system in {path}: `orders serve --data-dir {path}` begins one, or name another with --data-dir"
    ))
}

enum Usable {
    Yes(String, Box<Holder>),
    Soon,
    No,
}

/// What a holder's PostgreSQL is to us. One that was started for a short command is gone with it.
fn usable(error: &DirectoryError, asker: Asker) -> Usable {
    match error {
        DirectoryError::InUse { holder, .. } => match &**holder {
            Holder { passing: true, .. } => Usable::Soon,
            _ if !asker.joins => Usable::No,
            Holder { postgres: Some(urls), .. } => Usable::Yes(urls.login.clone(), holder.clone()),
            Holder { postgres: None, .. } => Usable::Soon,
        },
        _ => Usable::No,
    }
}
