//! A private PostgreSQL in the data directory: durable like any other, gone when we are.

mod binaries;
mod cluster;
pub mod fetch;
mod roles;
mod server;
mod socket;
mod stale;

pub use server::ServerState;

use super::account::{self, AccountError};
use super::directory::{DataDirectory, PostgresUrls};
use binaries::Wanted;
use cluster::Cluster;
use server::Keeper;
use std::io;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

/// Why there is no private PostgreSQL. Each text says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// Who should it run as?
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Nothing installed, and nothing to be had.
    #[error(
        "no PostgreSQL is installed, and it could not be fetched ({reason}): install {} or newer (Debian: apt-get install postgresql), or set DATABASE_URL",
        commands::db::OLDEST_SERVER_MAJOR
    )]
    NoneInstalled {
        /// Why it could not be fetched.
        reason: String,
    },
    /// The named directory has no programs in it.
    #[error(
        "{0} has no working `postgres` and `initdb`: name the directory that has them with --postgres-bin, or leave that out"
    )]
    NotThere(String),
    /// The named directory's version is too old.
    #[error("PostgreSQL {found} is too old: {} or newer is needed", commands::db::OLDEST_SERVER_MAJOR)]
    TooOld {
        /// Its major version.
        found: String,
    },
    /// Data of a version that is not there any more.
    #[error(
        "the data were made by PostgreSQL {major}, whose programs are not to be had (found: {found}): install it, or move the data with pg_upgrade"
    )]
    OtherMajor {
        /// The version that made the data.
        major: u32,
        /// What is installed.
        found: String,
    },
    /// The server's user can't get at the data.
    #[error(
        "{directory} is closed to the user `{account}`, as whom PostgreSQL runs here: open it (chmod o+x), or choose another --data-dir"
    )]
    Closed {
        /// The first directory on the way that is closed.
        directory: String,
        /// The user.
        account: String,
    },
    /// A path that no URL can hold.
    #[error("the path {0} is not UTF-8: choose another --data-dir")]
    NotUtf8(String),
    /// The data could not be made.
    #[error("PostgreSQL's data could not be made: {0}")]
    Init(String),
    /// The server ended at once, or never took connections.
    #[error("PostgreSQL could not be started: {0}")]
    Start(String),
    /// A server of an earlier life that does not end.
    #[error("a PostgreSQL of an earlier start (process {0}) does not end: end it by hand")]
    Orphan(i32),
    /// Setting up roles and database failed.
    #[error("the private PostgreSQL could not be set up: {0}")]
    Setup(#[from] sqlx::Error),
    /// A file.
    #[error("{path}: {source}")]
    Io {
        /// Which.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A file that is there once a data directory holds a database. It is there with all of it: see the making of the data.
pub fn version_file(directory: &Path) -> PathBuf {
    cluster::version_file(&data_of(&home_of(directory)))
}

fn home_of(directory: &Path) -> PathBuf {
    directory.join("postgres")
}

fn data_of(home: &Path) -> PathBuf {
    home.join("data")
}

/// How to connect to a private server as who may make roles there, as long as it runs.
pub fn superuser_url(urls: &PostgresUrls) -> Option<String> {
    socket::superuser_url_beside(urls)
}

/// A private PostgreSQL that runs. It ends with this process at the latest.
#[derive(Debug)]
pub struct Postgres {
    urls: PostgresUrls,
    keeper: Keeper,
}

impl Postgres {
    /// Starts it on its data, making those on the first start. `programs` names the directory of PostgreSQL's programs;
    /// without it they are found, or fetched.
    pub async fn start(directory: &DataDirectory, programs: Option<&Path>) -> Result<Self, PostgresError> {
        let cluster = prepare(directory, programs).await?;
        let sockets = cluster.sockets.clone();
        let keeper = Keeper::start(cluster).await?;
        if let Err(error) = roles::set_up(|database| socket::superuser_url(&sockets, database)).await {
            keeper.stop().await;
            return Err(error);
        }
        Ok(Self { urls: socket::urls(&sockets), keeper })
    }

    /// How to connect to it. The URLs hold no secret.
    pub fn urls(&self) -> &PostgresUrls {
        &self.urls
    }

    /// What it is doing, as it changes.
    pub fn state(&self) -> watch::Receiver<ServerState> {
        self.keeper.state()
    }

    /// Ends it with a checkpoint, and waits for that.
    pub async fn stop(self) {
        self.keeper.stop().await;
    }
}

async fn prepare(directory: &DataDirectory, programs: Option<&Path>) -> Result<Cluster, PostgresError> {
    let home = home_of(directory.path());
    let data = data_of(&home);
    let account = account::for_server(&data)?;
    if let Some(account) = &account
        && let Some(closed) = account.first_closed(directory.path())
    {
        let (directory, account) = (closed.display().to_string(), account.name.clone());
        return Err(PostgresError::Closed { directory, account });
    }
    cluster::make_directory(&home, account.as_ref())?;
    let major = cluster::major_of(&data)?;
    let fetched = directory.join("postgresql");
    let wanted = Wanted { named: programs, fetched: &fetched, major, account: account.as_ref() };
    let binaries = binaries::find_or_fetch(&wanted).await?;
    let sockets = socket::directory(&home.join("socket"), account.as_ref())?;
    let cluster = Cluster { binaries, account, sockets, log: home.join("server.log"), data };
    if major.is_none() {
        cluster.init().await?;
    }
    cluster.write_access_rules()?;
    Ok(cluster)
}

/// The last line that says anything.
fn last_line(text: &str) -> String {
    text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing").to_owned()
}

/// The line that says what went wrong, and not what followed from that: the first that is marked as an error, else the
/// last.
fn cause(text: &str) -> String {
    const MARKS: [&str; 4] = ["PANIC:", "FATAL:", "ERROR:", "error:"];
    let marked = text.lines().map(str::trim).find(|line| MARKS.iter().any(|mark| line.contains(mark)));
    marked.map_or_else(|| last_line(text), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::cause;

    #[test]
    fn what_went_wrong_is_told_and_not_what_followed() {
        let full = "initdb: error: could not write to file \"pg_wal/x\": No space left on device\n\
                    initdb: removing data directory \"/srv/orders/postgres/new-7\"\n";
        assert_eq!(cause(full), "initdb: error: could not write to file \"pg_wal/x\": No space left on device");
        let server = "12:00 [7] LOG:  starting PostgreSQL\n12:00 [7] FATAL:  could not create lock file\n\
                      12:00 [7] LOG:  database system is shut down\n";
        assert_eq!(cause(server), "12:00 [7] FATAL:  could not create lock file");
        assert_eq!(cause("first\nlast\n\n"), "last");
        assert_eq!(cause(""), "it said nothing");
    }
}
