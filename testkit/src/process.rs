//! Child processes that end with the test process, however it ends, and leave nothing behind.
//!
//! A `Drop` is not enough for that: servers shared by all tests of a process are never dropped, and no destructor runs
//! when a test process is killed. So the kernel is asked to signal each child when its parent dies (`PR_SET_PDEATHSIG`,
//! through util-linux's `setpriv`, which sets it after changing the user and then becomes the program itself), and one
//! shell process waits for the end of ours to remove the directories.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};

use crate::prerequisites::require;

/// How long a server may take to obey a signal that ends it.
const STOP_BOUND: Duration = Duration::from_secs(30);

/// A server's last lines of log are shown when it fails.
const LOG_TAIL_LINES: usize = 40;

/// How often a condition on a child is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(10);

/// A command for `program` that the kernel ends with `at_parents_death` when this process dies. `account` is the user
/// to run it as. It has a process group of its own, so that Ctrl-C in a terminal reaches us alone; we then take it
/// along.
pub(crate) fn command(program: &Path, at_parents_death: Signal, account: Option<&User>) -> Command {
    let mut command = Command::new(require("setpriv", "util-linux"));
    command.arg("--pdeathsig").arg(at_parents_death.as_str().trim_start_matches("SIG"));
    if let Some(user) = account {
        command.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid)).arg("--clear-groups");
    }
    command.arg("--").arg(program).process_group(0).stdin(Stdio::null());
    command
}

/// Spawns from a thread that lives as long as the process: the death signal is tied to the *thread* that spawned, and a
/// test's own thread ends with the test.
pub(crate) fn spawn(mut command: Command) -> io::Result<Child> {
    type Job = Box<dyn FnOnce() + Send>;
    static SPAWNER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("testkit-spawner".to_owned())
            .spawn(move || queue.into_iter().for_each(|job| job()))
            .expect("a thread can be started");
        jobs
    });
    let (reply, answer) = mpsc::channel();
    let job = Box::new(move || {
        let _ = reply.send(command.spawn());
    });
    spawner.send(job).expect("the spawner lives as long as the process");
    answer.recv().expect("the spawner answers each job")
}

/// Sends a signal to a process that we started and have not waited for, so that its id can't be another's by now.
pub(crate) fn signal(child: &Child, signal: Signal) {
    // It may have ended by itself: then there is nobody to tell.
    let _ = kill(Pid::from_raw(child.id().cast_signed()), signal);
}

/// Waits for the end of a child; `None` after `bound`.
pub(crate) fn wait_within(child: &mut Child, bound: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return Some(status);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(POLL);
    }
}

/// A directory for a server, removed when dropped and otherwise after the end of this process.
#[derive(Debug)]
pub(crate) struct Directory(tempfile::TempDir);

impl Directory {
    /// A fresh directory below the system's temporary one, owned by `account` if given.
    pub(crate) fn new(name: &str, account: Option<&User>) -> Self {
        let directory = tempfile::Builder::new()
            .prefix(&format!("testkit-{name}-"))
            .tempdir()
            .unwrap_or_else(|error| panic!("no temporary directory for {name}: {error}"));
        if let Some(user) = account {
            std::os::unix::fs::chown(directory.path(), Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .expect("root can give a directory away");
        }
        remove_at_exit(directory.path());
        Self(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn join(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path().join(name.as_ref())
    }
}

/// Reads directories to remove, and removes them once its input ends: at our death, of whatever kind. The servers are
/// dying at the same moment and may still write, hence the repetition.
const JANITOR: &str = r#"
trap '' HUP INT TERM
set --
while IFS= read -r directory; do set -- "$@" "$directory"; done
attempt=0
while [ "$attempt" -lt 100 ]; do
  rm -rf -- "$@" 2>/dev/null && exit 0
  attempt=$((attempt + 1))
  sleep 0.1
done
"#;

fn remove_at_exit(directory: &Path) {
    static JANITOR_PROCESS: OnceLock<Mutex<Child>> = OnceLock::new();
    let janitor = JANITOR_PROCESS.get_or_init(|| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", JANITOR]).process_group(0).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Mutex::new(command.spawn().expect("a shell can be started"))
    });
    let mut janitor = janitor.lock().unwrap_or_else(PoisonError::into_inner);
    let input = janitor.stdin.as_mut().expect("its input is piped");
    writeln!(input, "{}", directory.display()).expect("the janitor reads until we end");
}

/// A server process whose output goes to a file.
#[derive(Debug)]
pub(crate) struct Service {
    name: &'static str,
    log: PathBuf,
    child: Child,
}

impl Service {
    /// Starts the command; its output is appended to `log`.
    pub(crate) fn spawn(name: &'static str, mut command: Command, log: PathBuf) -> Self {
        let file = File::options().create(true).append(true).open(&log).expect("the log can be opened");
        command.stdout(file.try_clone().expect("a handle can be cloned")).stderr(file);
        let child = spawn(command).unwrap_or_else(|error| panic!("{name} can't be started: {error}"));
        Self { name, log, child }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, once, if the command pipes it.
    pub(crate) fn take_input(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Sends a signal that does not end it.
    pub(crate) fn signal(&self, with: Signal) {
        signal(&self.child, with);
    }

    /// Sends the signal and waits for the end.
    ///
    /// # Panics
    /// When it lives on.
    pub(crate) fn stop(&mut self, with: Signal) {
        signal(&self.child, with);
        let ended = wait_within(&mut self.child, STOP_BOUND);
        assert!(
            ended.is_some(),
            "{} still runs {STOP_BOUND:?} after {with}; its log ends:\n{}",
            self.name,
            self.log_tail()
        );
    }

    /// Looks until `ready`, at most for `bound`; says whether the process is ready (`true`) or has ended (`false`).
    ///
    /// # Panics
    /// When it is neither within the bound.
    pub(crate) fn wait_until(&mut self, bound: Duration, mut ready: impl FnMut() -> bool) -> bool {
        let deadline = Instant::now() + bound;
        loop {
            if self.child.try_wait().expect("a child can be waited for").is_some() {
                return false;
            }
            if ready() {
                return true;
            }
            assert!(
                Instant::now() < deadline,
                "{} is not ready after {bound:?}; its log ends:\n{}",
                self.name,
                self.log_tail()
            );
            thread::sleep(POLL);
        }
    }

    /// The last lines of what it wrote.
    pub(crate) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether this process may become any user, and some servers refuse to be it.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}
