//! One PostgreSQL server process and its directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::User;
use tokio::sync::OnceCell;

use super::{SUPERUSER, binaries, database};
use crate::ports::free_port;
use crate::process::{self, Directory, Service};

/// How long a start may take: on a busy machine, after a crash, with recovery.
const START_BOUND: Duration = Duration::from_secs(180);

/// How often another port is tried when the one chosen was taken meanwhile.
const PORTS_TRIED: usize = 5;

/// A running PostgreSQL server on 127.0.0.1 and on a Unix socket, with fsync on. Handles are cheap clones; the server
/// stops when the last one goes.
#[derive(Clone, Debug)]
pub struct PostgresServer {
    inner: Arc<Inner>,
}

static SHARED: OnceLock<PostgresServer> = OnceLock::new();

/// How a server of one's own differs from the shared one.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// Lines of `postgresql.conf`, such as `("shared_buffers", "512MB")`. `fsync` and its like stay on.
    pub settings: Vec<(&'static str, String)>,
    /// A shared object that the server loads before all others (`LD_PRELOAD`): it must be readable for the server's
    /// user.
    pub preload: Option<PathBuf>,
}

#[derive(Debug)]
struct Inner {
    // Dropped in this order: the server first, then its directory.
    service: Mutex<Option<Service>>,
    directory: Directory,
    binaries: PathBuf,
    account: Option<User>,
    options: ServerOptions,
    password: String,
    port: u16,
    template: OnceCell<()>,
}

impl PostgresServer {
    /// The server that all tests of this process share, started by whoever asks first.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn shared() -> &'static Self {
        SHARED.get_or_init(Self::start)
    }

    pub(super) fn is_shared(&self) -> bool {
        SHARED.get().is_some_and(|shared| Arc::ptr_eq(&shared.inner, &self.inner))
    }

    /// A server of one's own, for tests that kill or stop it.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start() -> Self {
        Self::start_with(ServerOptions::default())
    }

    /// A server of one's own with settings of one's own.
    ///
    /// # Panics
    /// When it can't be started; with its log, or with what to install.
    pub fn start_with(options: ServerOptions) -> Self {
        let binaries = binaries::directory();
        let account = binaries::account();
        let directory = Directory::new("postgres", account.as_ref());
        let password = format!("{:032x}", rand::random::<u128>());
        init(&binaries, &directory, account.as_ref(), &password);
        for _ in 0..PORTS_TRIED {
            let port = free_port();
            configure(&directory, port, &options.settings);
            let mut service = launch(&binaries, &directory, account.as_ref(), options.preload.as_deref());
            let pid = service.pid();
            if service.wait_until(START_BOUND, || is_ready(&directory, pid)) {
                let template = OnceCell::new();
                let service = Mutex::new(Some(service));
                return Self {
                    inner: Arc::new(Inner { service, directory, binaries, account, options, password, port, template }),
                };
            }
            let log = service.log_tail();
            assert!(log.contains("Address already in use"), "PostgreSQL ended at its start; its log ends:\n{log}");
        }
        panic!("PostgreSQL found {PORTS_TRIED} ports taken, one after the other")
    }

    /// A fresh database, migrated, in this server.
    pub async fn database(&self) -> super::Db {
        super::Db::in_server(self).await
    }

    /// A fresh database without any table, owned by [`OWNER`](super::OWNER).
    pub async fn empty_database(&self) -> super::Db {
        super::Db::empty_in_server(self).await
    }

    /// The TCP port on 127.0.0.1, the same after a restart.
    pub fn port(&self) -> u16 {
        self.inner.port
    }

    /// The directory of the Unix socket.
    pub fn socket_directory(&self) -> &Path {
        self.inner.directory.path()
    }

    /// The process id of the postmaster.
    ///
    /// # Panics
    /// When the server is stopped.
    pub fn pid(&self) -> u32 {
        self.service().as_ref().expect("the server is not running").pid()
    }

    /// Kills the postmaster (SIGKILL), as a crash would: its backends end by themselves, nothing is shut down in order.
    pub fn kill(&self) {
        self.end(Signal::SIGKILL);
    }

    /// Stops it at once without a checkpoint (`pg_ctl stop -m immediate`): the next start recovers from the log.
    pub fn stop_immediate(&self) {
        self.end(Signal::SIGQUIT);
    }

    /// Stops it in order (`pg_ctl stop -m fast`).
    pub fn stop(&self) {
        self.end(Signal::SIGINT);
    }

    /// Starts it again after [`kill`](Self::kill) or a stop, on the same directory and port.
    ///
    /// # Panics
    /// When it is running, or does not come up.
    pub fn restart(&self) {
        let inner = &self.inner;
        let mut running = self.service();
        assert!(running.is_none(), "the server is running");
        let deadline = Instant::now() + START_BOUND;
        loop {
            let preload = inner.options.preload.as_deref();
            let mut service = launch(&inner.binaries, &inner.directory, inner.account.as_ref(), preload);
            let pid = service.pid();
            if service.wait_until(START_BOUND, || is_ready(&inner.directory, pid)) {
                *running = Some(service);
                return;
            }
            // The backends of a killed postmaster hold its shared memory until each has noticed.
            let log = service.log_tail();
            assert!(Instant::now() < deadline, "PostgreSQL did not start again; its log ends:\n{log}");
        }
    }

    /// The URL of a database in it for the superuser.
    pub fn superuser_url(&self, database: &str) -> String {
        self.url(SUPERUSER, database)
    }

    /// The variables that make `psql` and its like find the server, and log in as the superuser.
    pub fn client_environment(&self) -> [(&'static str, String); 3] {
        [
            ("PGHOST", self.socket_directory().display().to_string()),
            ("PGPORT", self.port().to_string()),
            ("PGPASSWORD", self.password().to_owned()),
        ]
    }

    /// The end of the server's log, to be shown when a test fails.
    pub fn log_tail(&self) -> String {
        self.service().as_ref().map(Service::log_tail).unwrap_or_default()
    }

    /// All roles have the same password, made up for this server.
    pub(super) fn url(&self, role: &str, database: &str) -> String {
        self.url_by(self.inner.port, role, database)
    }

    pub(super) fn url_by(&self, port: u16, role: &str, database: &str) -> String {
        let password = self.password();
        format!("postgres://{role}:{password}@127.0.0.1:{port}/{database}")
    }

    pub(super) fn password(&self) -> &str {
        &self.inner.password
    }

    /// Makes the migrated template, once.
    pub(super) async fn template(&self) {
        self.inner.template.get_or_init(|| database::make_template(self)).await;
    }

    fn end(&self, signal: Signal) {
        self.service().take().expect("the server is not running").stop(signal);
    }

    fn service(&self) -> MutexGuard<'_, Option<Service>> {
        self.inner.service.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    /// In order, so that no backend still writes when the directory is removed.
    fn drop(&mut self) {
        if let Some(mut service) = self.service.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            service.stop(Signal::SIGQUIT);
        }
    }
}

fn data(directory: &Directory) -> PathBuf {
    directory.join("data")
}

/// Makes the data directory. It is synced as a whole by the first checkpoint, so `initdb` need not.
fn init(binaries: &Path, directory: &Directory, account: Option<&User>, password: &str) {
    let password_file = directory.join("password");
    fs::write(&password_file, password).expect("the directory can be written");
    let mut command = process::command(&binaries.join("initdb"), Signal::SIGKILL, account);
    command
        .arg("--pgdata")
        .arg(data(directory))
        .arg("--pwfile")
        .arg(&password_file)
        .args(["--username", SUPERUSER, "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"])
        // The password in clear over loopback, checked by the server against its SCRAM secret: a client built without
        // optimisation takes 50 ms for its half of SCRAM, at each connection.
        .args(["--auth", "password"]);
    clean(&mut command, directory);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = process::spawn(command).expect("initdb can be started");
    let output = child.wait_with_output().expect("initdb ends");
    assert!(
        output.status.success(),
        "initdb failed (the temporary directory {} must be reachable for the user that it runs as):\n{}{}",
        directory.path().display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Durable like in production; sized for many tests at a time, each with a pool or two. Of a setting that is there
/// twice the server takes the last, and none of `more` can take durability away.
fn configure(directory: &Directory, port: u16, more: &[(&'static str, String)]) {
    let socket = directory.path().display();
    let more: String = more.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect();
    let settings = format!(
        "listen_addresses = '127.0.0.1'\n\
         port = {port}\n\
         unix_socket_directories = '{socket}'\n\
         max_connections = 300\n\
         {more}\
         fsync = on\n\
         full_page_writes = on\n\
         synchronous_commit = on\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         log_line_prefix = '%m [%p] %q%u@%d '\n"
    );
    fs::write(directory.join("data/postgresql.auto.conf"), settings).expect("the data directory can be written");
}

fn launch(binaries: &Path, directory: &Directory, account: Option<&User>, preload: Option<&Path>) -> Service {
    // SIGQUIT: at our death nobody needs a checkpoint.
    let mut command = process::command(&binaries.join("postgres"), Signal::SIGQUIT, account);
    command.arg("-D").arg(data(directory));
    clean(&mut command, directory);
    if let Some(object) = preload {
        command.env("LD_PRELOAD", object);
    }
    Service::spawn("PostgreSQL", command, directory.join("server.log"))
}

/// No variable of ours (PGDATA, PGHOST, LC_ALL, …) reaches the server.
fn clean(command: &mut std::process::Command, directory: &Directory) {
    command.env_clear().env("PATH", "/usr/bin:/bin").env("LC_ALL", "C.UTF-8").current_dir(directory.path());
}

/// The first line of `postmaster.pid` is the server's pid, the last its state. A killed server leaves the file as it
/// was, so that the state of the one before must not pass for the one that starts.
fn is_ready(directory: &Directory, pid: u32) -> bool {
    fs::read_to_string(directory.join("data/postmaster.pid")).is_ok_and(|text| {
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        lines.first().is_some_and(|line| *line == pid.to_string()) && lines.get(7) == Some(&"ready")
    })
}
