//! The private server's files: made once by `initdb`, and how the server is told to use them.

use super::super::account::{self, Account};
use super::super::launcher;
use super::binaries::Binaries;
use super::roles::{DATABASE, LOGIN, OWNER, SUPERUSER};
use super::socket::PORT;
use super::{PostgresError, cause, last_line};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A log longer than this is put aside at a start. One is kept.
const MAX_LOG_BYTES: u64 = 8 << 20;

/// What the server runs with, whatever its files say.
///
/// Durability is not for sale: `fsync`, `full_page_writes` and `synchronous_commit` are on. The rest is sized for a
/// machine that does other things too.
const SETTINGS: [(&str, &str); 18] = [
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("synchronous_commit", "on"),
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "100"),
    ("shared_buffers", "128MB"),
    // Bounds the time that a start after a crash takes.
    ("max_wal_size", "512MB"),
    ("checkpoint_timeout", "5min"),
    ("wal_compression", "on"),
    ("jit", "off"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_line_prefix", "%m [%p] %q%u@%d "),
    // A conflict's details hold values of the row: customers' data have no place in a log.
    ("log_error_verbosity", "terse"),
    ("log_min_error_statement", "panic"),
    ("log_checkpoints", "off"),
    ("cluster_name", "orders"),
];

/// Where everything of one server is.
#[derive(Debug, Clone)]
pub(super) struct Cluster {
    pub binaries: Binaries,
    pub account: Option<Account>,
    pub data: PathBuf,
    pub sockets: PathBuf,
    pub log: PathBuf,
}

/// The file that data have, and that names the version which made them.
pub(super) fn version_file(data: &Path) -> PathBuf {
    data.join("PG_VERSION")
}

/// The major version that made `data`, if there are data.
pub(super) fn major_of(data: &Path) -> Result<Option<u32>, PostgresError> {
    let file = version_file(data);
    match fs::read_to_string(&file) {
        Ok(text) => Ok(text.trim().parse().ok()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(PostgresError::Io { path: file.display().to_string(), source }),
    }
}

/// A directory for the server's user alone.
pub(super) fn make_directory(path: &Path, account: Option<&Account>) -> Result<(), PostgresError> {
    let made = match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => account.map_or(Ok(()), |account| chown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw()))),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    };
    made.map_err(|source| PostgresError::Io { path: path.display().to_string(), source })
}

impl Cluster {
    /// Makes the data with checksums, synced to disk. They are made under another name: there are data or there are
    /// none, never half of them.
    pub async fn init(&self) -> Result<(), PostgresError> {
        let home = self.data.parent().unwrap_or(Path::new("/"));
        for leftover in fs::read_dir(home).into_iter().flatten().flatten() {
            if leftover.file_name().to_string_lossy().starts_with("new-") {
                // Of a start that was cut off.
                fs::remove_dir_all(leftover.path()).map_err(|source| self.io(&leftover.path(), source))?;
            }
        }
        let new = home.join(format!("new-{}", std::process::id()));
        let mut command = self.command("initdb")?;
        let locale = if cfg!(target_os = "linux") { "C.UTF-8" } else { "C" };
        command.arg("--pgdata").arg(&new).args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", locale]);
        command.args(["--data-checksums", "--auth-local=peer", "--auth-host=reject", "--no-instructions"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        // On this very thread's life its own hangs: see the launcher. It waits for the end.
        let output = std::thread::spawn(move || command.output());
        let output = tokio::task::spawn_blocking(move || output.join()).await;
        let output = output.map_err(|error| PostgresError::Init(error.to_string()))?;
        let output = output.map_err(|_panic| PostgresError::Init("its thread panicked".to_owned()))?;
        let output = output.map_err(|source| self.io(&self.binaries.program("initdb"), source))?;
        if !output.status.success() {
            return Err(PostgresError::Init(cause(&String::from_utf8_lossy(&output.stderr))));
        }
        fs::rename(&new, &self.data).map_err(|source| self.io(&self.data, source))
    }

    /// Who may connect: our own user, as any of the three roles, by the socket alone. Written at each start.
    pub fn write_access_rules(&self) -> Result<(), PostgresError> {
        let us = account::own_name()?;
        let mut rules = "# Written at each start of orders.\n".to_owned();
        let mut names = rules.clone();
        for role in [SUPERUSER, OWNER, LOGIN] {
            rules.push_str(&format!("local all {role} peer map=orders\n"));
            names.push_str(&format!("orders \"{us}\" {role}\n"));
        }
        // Logins that `orders analysts add` makes.
        rules.push_str(&format!("local {DATABASE} +{} scram-sha-256\n", commands::db::ANALYST_ROLE));
        for (name, text) in [("pg_hba.conf", rules), ("pg_ident.conf", names)] {
            let path = self.data.join(name);
            // Both exist since initdb, with their owner and rights.
            let written = File::options().write(true).truncate(true).open(&path);
            written.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|source| self.io(&path, source))?;
        }
        Ok(())
    }

    /// The server in the foreground, its output appended to the log.
    pub fn server(&self) -> Result<Command, PostgresError> {
        let log = self.open_log().map_err(|source| self.io(&self.log, source))?;
        let err = log.try_clone().map_err(|source| self.io(&self.log, source))?;
        let mut command = self.command("postgres")?;
        command.arg("-D").arg(&self.data).arg("-p").arg(PORT.to_string()).arg("-k").arg(&self.sockets);
        for (name, value) in SETTINGS {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdin(Stdio::null()).stdout(log).stderr(err);
        Ok(command)
    }

    /// The last words of the server.
    pub fn last_words(&self) -> String {
        last_line(&String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()))
    }

    /// How long its log is.
    pub fn log_bytes(&self) -> usize {
        fs::metadata(&self.log).map_or(0, |log| usize::try_from(log.len()).unwrap_or(usize::MAX))
    }

    /// Why it did not come up, by what it wrote since its log was so long.
    pub fn cause_since(&self, log_bytes: usize) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        cause(&String::from_utf8_lossy(log.get(log_bytes..).unwrap_or_default()))
    }

    fn command(&self, program: &str) -> Result<Command, PostgresError> {
        let path = self.binaries.program(program);
        let home = self.data.parent().unwrap_or(Path::new("/"));
        let mut command = launcher::command(&path, self.account.as_ref()).map_err(|source| self.io(&path, source))?;
        // Without TZ initdb compares every zone of the world with the system's.
        command.env("LC_ALL", "C").env("TZ", "UTC").current_dir(home);
        Ok(command)
    }

    fn open_log(&self) -> std::io::Result<File> {
        if fs::metadata(&self.log).is_ok_and(|log| log.len() > MAX_LOG_BYTES) {
            fs::rename(&self.log, self.log.with_extension("log.1"))?;
        }
        File::options().create(true).append(true).open(&self.log)
    }

    fn io(&self, path: &Path, source: std::io::Error) -> PostgresError {
        PostgresError::Io { path: path.display().to_string(), source }
    }
}
