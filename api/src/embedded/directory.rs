//! The data directory: where the system keeps what it makes by itself, used by one process at a time.
//!
//! ```text
//! lock            held (flock) by the process that uses the directory; says who that is and how to reach its parts
//! dev-api-key     the API key of the demo
//! mail/           what was sent while no SMTP server is configured
//! media/          the pictures of products
//! postgres/       the private PostgreSQL: its data, its socket, its log
//! postgresql/     PostgreSQL's programs, where they had to be fetched
//! ```

use super::account::is_root;
use consumers::KafkaSettings;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, process, thread};

/// How often, and how far apart, a lock is tried whose holder does not say who it is.
const TAKE_ATTEMPTS: u32 = 20;
const TAKE_PAUSE: Duration = Duration::from_millis(50);

/// What the holder of a directory says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its command, such as `orders serve`.
    pub command: String,
    /// Where its PostgreSQL is, once that runs. Holds no secret: who may use the socket is a matter of file rights.
    pub postgres: Option<PostgresUrls>,
    /// Where its Kafka is, once that runs, if it is one inside it.
    #[serde(default)]
    pub kafka: Option<EmbeddedKafka>,
    /// Where it serves HTTP, once it does.
    #[serde(default)]
    pub http: Option<SocketAddr>,
    /// Whether it is a short command that brought PostgreSQL up for itself alone.
    pub passing: bool,
}

/// Where the Kafka inside a process is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmbeddedKafka {
    /// Its address on the loopback interface.
    pub brokers: String,
    /// How many partitions its topics of events have.
    pub partitions: u16,
    /// What goes before the names of its topics.
    pub prefix: String,
}

impl EmbeddedKafka {
    /// How it is reached.
    pub fn settings(&self) -> KafkaSettings {
        let Self { partitions, prefix, .. } = self.clone();
        KafkaSettings { partitions, prefix, embedded: true, ..KafkaSettings::new(&self.brokers) }
    }
}

/// The two ways into the private PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresUrls {
    /// As the program connects: may read and append.
    pub login: String,
    /// As whoever migrates connects.
    pub owner: String,
}

/// A data directory that this process holds until it ends or drops this.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    lock: File,
    holder: Holder,
}

/// Why a data directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Neither `HOME` nor `XDG_STATE_HOME` says where an ordinary user keeps things.
    #[error("HOME is not set, so there is no place for data: name one with --data-dir")]
    NoHome,
    /// It is in the hands of another process.
    #[error("the data directory {path} is in use by process {} (`{}`): stop that, or choose another with --data-dir", .holder.pid, .holder.command)]
    InUse {
        /// The directory.
        path: String,
        /// Who has it.
        holder: Box<Holder>,
    },
    /// It is in the hands of a process that has not yet said who it is.
    #[error(
        "the data directory {path} is in use by a process that is just starting: try again, or choose another with --data-dir"
    )]
    InUseByUnknown {
        /// The directory.
        path: String,
    },
    /// It can't be made or written.
    #[error("the data directory {path} can't be used: {source}; make it writable, or choose another with --data-dir")]
    Io {
        /// The directory or file.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Where data go when nothing is configured: `/var/lib/orders` for root, `$XDG_STATE_HOME/orders` or
/// `~/.local/state/orders` for everyone else.
pub fn default_path() -> Result<PathBuf, DirectoryError> {
    if is_root() {
        return Ok("/var/lib/orders".into());
    }
    // The XDG base directory specification: a path that is not absolute counts as absent.
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|state| state.join("orders"))
        .ok_or(DirectoryError::NoHome)
}

impl DataDirectory {
    /// Takes the directory, making it if need be. `command` and `passing` are what others are told about us.
    pub fn claim(path: &Path, command: &str, passing: bool) -> Result<Self, DirectoryError> {
        let failed = |source| DirectoryError::Io { path: path.display().to_string(), source };
        make(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let lock = open_lock(&path).map_err(failed)?;
        take(&lock, &path)?;
        let holder = Holder {
            pid: process::id(),
            command: command.to_owned(),
            postgres: None,
            kafka: None,
            http: None,
            passing,
        };
        let mut claimed = Self { path, lock, holder };
        claimed.write_holder()?;
        Ok(claimed)
    }

    /// Tells others how to reach our PostgreSQL.
    pub fn announce(&mut self, urls: PostgresUrls) -> Result<(), DirectoryError> {
        self.holder.postgres = Some(urls);
        self.write_holder()
    }

    /// Tells others how to reach the Kafka inside us.
    pub fn announce_kafka(&mut self, kafka: EmbeddedKafka) -> Result<(), DirectoryError> {
        self.holder.kafka = Some(kafka);
        self.write_holder()
    }

    /// Tells others where we serve HTTP.
    pub fn announce_http(&mut self, address: SocketAddr) -> Result<(), DirectoryError> {
        self.holder.http = Some(address);
        self.write_holder()
    }

    /// The directory, as an absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or directory in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    fn write_holder(&mut self) -> Result<(), DirectoryError> {
        let written = (|| {
            let text = serde_json::to_vec(&self.holder)?;
            self.lock.set_len(0)?;
            self.lock.rewind()?;
            self.lock.write_all(&text)
        })();
        written.map_err(|source| DirectoryError::Io { path: self.path.display().to_string(), source })
    }
}

/// Who has the directory at this moment; `None` when nobody, or nobody who has said so yet.
pub fn holder(path: &Path) -> Option<Holder> {
    let mut file = File::open(path.join("lock")).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        // Nobody: what stands in the file is of a process that has ended.
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Takes the lock. One that is held by nobody who says so is tried again for a moment: its holder is just starting, or
/// someone just looked whether there is one.
fn take(lock: &File, path: &Path) -> Result<(), DirectoryError> {
    let mut attempts_left = TAKE_ATTEMPTS;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => {
                return Err(DirectoryError::Io { path: path.display().to_string(), source });
            }
        }
        attempts_left -= 1;
        match in_use(path) {
            DirectoryError::InUseByUnknown { .. } if attempts_left > 0 => thread::sleep(TAKE_PAUSE),
            error => return Err(error),
        }
    }
}

fn in_use(path: &Path) -> DirectoryError {
    let text = path.display().to_string();
    match holder(path) {
        Some(holder) => DirectoryError::InUse { path: text, holder: Box::new(holder) },
        None => DirectoryError::InUseByUnknown { path: text },
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).read(true).write(true).mode(0o600).open(path.join("lock"))
}

/// Ours alone; as root others may pass through it, because PostgreSQL's user must.
fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path)?;
    fs::set_permissions(path, Permissions::from_mode(if is_root() { 0o711 } else { 0o700 }))
}

/// Makes a directory that nobody else may look into, such as that of mails. One that exists stays as it is.
pub fn make_private(path: &Path) -> Result<(), DirectoryError> {
    let failed = |source| DirectoryError::Io { path: path.display().to_string(), source };
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make(parent).map_err(failed)?;
    }
    fs::DirBuilder::new().mode(0o700).create(path).map_err(failed)
}

/// Writes a file as a whole: whoever looks meanwhile, or after a crash, finds all of it or nothing.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), DirectoryError> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", process::id()));
    let written = (|| {
        let mut file = File::create(&unfinished)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)
    })();
    written.map_err(|source| DirectoryError::Io { path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_claim_is_refused_and_names_the_first() {
        let top = tempfile::tempdir().unwrap();
        let first = DataDirectory::claim(top.path(), "orders serve", false).unwrap();
        let error = DataDirectory::claim(top.path(), "orders events", true).unwrap_err().to_string();
        assert!(error.contains(&format!("process {} (`orders serve`)", process::id())), "{error}");
        assert_eq!(holder(top.path()).map(|holder| holder.pid), Some(process::id()));
        drop(first);
        assert_eq!(holder(top.path()), None);
        DataDirectory::claim(top.path(), "orders serve", false).unwrap();
    }
}
