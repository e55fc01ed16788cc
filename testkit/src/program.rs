//! The built program as a child process: started with settings of the test's choosing, watched, signalled, killed.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::{eventually, process};

/// How long a line of output is waited for: a cold start on a machine that builds beside it.
const LINE_BOUND: Duration = Duration::from_secs(60);

/// How long an end is waited for: draining included.
const EXIT_BOUND: Duration = Duration::from_secs(60);

/// How long pipes are read on after the end.
const PIPE_BOUND: Duration = Duration::from_secs(2);

/// What to start, before it is started. The environment is empty but for `PATH`, and for what is set here.
#[derive(Debug, Clone)]
pub struct Launch {
    binary: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    directory: Option<PathBuf>,
}

impl Launch {
    /// The program `orders` as built for the tests that run.
    ///
    /// # Panics
    /// When it is not built. The tests of its own package build it; others can't ask cargo for it.
    pub fn orders() -> Self {
        Self::of(orders_binary())
    }

    /// Any program.
    pub fn of(binary: impl Into<PathBuf>) -> Self {
        let mut environment = BTreeMap::new();
        environment.insert("PATH".into(), env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
        environment.insert("RUST_BACKTRACE".into(), "1".into());
        Self { binary: binary.into(), arguments: Vec::new(), environment, directory: None }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.insert(name.as_ref().to_owned(), value.as_ref().to_owned());
        self
    }

    /// Sets variables.
    #[must_use]
    pub fn envs<N: AsRef<OsStr>, V: AsRef<OsStr>>(mut self, variables: impl IntoIterator<Item = (N, V)>) -> Self {
        self.environment
            .extend(variables.into_iter().map(|(name, value)| (name.as_ref().to_owned(), value.as_ref().to_owned())));
        self
    }

    /// The directory to start in; else ours.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = Some(directory.into());
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When it can't be started.
    pub fn spawn(&self) -> Program {
        let mut command = process::command(&self.binary, Signal::SIGKILL, None);
        command.args(&self.arguments).env_clear().envs(&self.environment).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let name = self.description();
        let spawned = Instant::now();
        let mut child = process::spawn(command).unwrap_or_else(|error| panic!("{name} can't be started: {error}"));
        let output = Arc::new(Mutex::new(Vec::new()));
        let out = child.stdout.take().map(|pipe| collect(Stream::Out, pipe, &output));
        let err = child.stderr.take().map(|pipe| collect(Stream::Err, pipe, &output));
        Program { name, child, spawned, output, readers: out.into_iter().chain(err).collect() }
    }

    /// Starts it and waits for its end: for commands that do one thing.
    ///
    /// # Panics
    /// When it can't be started or does not end; with its output.
    pub async fn run(&self) -> Finished {
        self.run_within(EXIT_BOUND).await
    }

    /// [`run`](Self::run) with a bound of one's own.
    ///
    /// # Panics
    /// When it can't be started or does not end within the bound; with its output.
    pub async fn run_within(&self, bound: Duration) -> Finished {
        let mut program = self.spawn();
        let status = program.wait_within(bound).await;
        Finished { status, stdout: program.stdout(), stderr: program.stderr() }
    }

    fn description(&self) -> String {
        let mut text = self.binary.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for argument in &self.arguments {
            let _ = write!(text, " {}", argument.to_string_lossy());
        }
        text
    }
}

/// How a program that has ended went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// All that it wrote to its standard output.
    pub stdout: String,
    /// All that it wrote to its standard error.
    pub stderr: String,
}

impl Finished {
    /// The standard output of a program that succeeded.
    ///
    /// # Panics
    /// When it failed; with its output.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.status.success(), "{}\n{}\n{}", self.status, self.stdout, self.stderr);
        self.stdout
    }
}

/// A running program. It is killed when this is dropped, and when the test process ends.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    spawned: Instant,
    output: Arc<Mutex<Vec<Line>>>,
    readers: Vec<JoinHandle<()>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
}

#[derive(Debug, Clone)]
struct Line {
    stream: Stream,
    text: String,
    /// When it was read, which does not depend on when anybody looks for it.
    read: Instant,
}

impl Program {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// When it was started.
    pub fn spawned(&self) -> Instant {
        self.spawned
    }

    /// Waits for a line, of either stream, that contains `part`; gives the first such line. Lines that came before the
    /// call count too.
    ///
    /// # Panics
    /// When it has not come within a minute, or can't come any more because the program has ended; with the output.
    pub async fn wait_for_line(&mut self, part: &str) -> String {
        self.wait_for_line_within(part, LINE_BOUND).await
    }

    /// [`wait_for_line`](Self::wait_for_line) with a bound of one's own.
    ///
    /// # Panics
    /// When it has not come within the bound, or can't come any more because the program has ended; with the output.
    pub async fn wait_for_line_within(&mut self, part: &str, bound: Duration) -> String {
        self.line(part, bound).await.text
    }

    /// Waits as [`wait_for_line_within`](Self::wait_for_line_within) does; gives how long after its start the program
    /// had written the line, however late that was looked at.
    ///
    /// # Panics
    /// When it has not come within the bound, or can't come any more because the program has ended; with the output.
    pub async fn time_to_line(&mut self, part: &str, bound: Duration) -> Duration {
        let spawned = self.spawned;
        self.line(part, bound).await.read.duration_since(spawned)
    }

    async fn line(&mut self, part: &str, bound: Duration) -> Line {
        let found = eventually(&format!("`{}` writes “{part}”", self.name), bound, async || {
            if let Some(line) = self.find(part) {
                // Not asked whether it has ended: whoever does takes along what the system knows of it, such as its CPU
                // time.
                return Ok(Some(line));
            }
            // In this order: what it wrote before it ended is in the output once the readers are done.
            let ended = self.has_ended() && self.readers.iter().all(JoinHandle::is_finished);
            match self.find(part) {
                None if !ended => Err(format!("it wrote\n{}", self.output())),
                found => Ok(found),
            }
        })
        .await;
        found.unwrap_or_else(|| panic!("`{}` ended without writing “{part}”; it wrote\n{}", self.name, self.output()))
    }

    /// Whether it has ended by now.
    ///
    /// # Panics
    /// When the system can't tell.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_some()
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it has not ended within a minute; with its output.
    pub async fn wait(&mut self) -> ExitStatus {
        self.wait_within(EXIT_BOUND).await
    }

    /// [`wait`](Self::wait) with a bound of one's own.
    ///
    /// # Panics
    /// When it has not ended within the bound; with its output.
    pub async fn wait_within(&mut self, bound: Duration) -> ExitStatus {
        let status = eventually(&format!("`{}` ends", self.name), bound, async || {
            let status = self.child.try_wait().expect("a child can be waited for");
            status.ok_or_else(|| format!("it wrote\n{}", self.output()))
        })
        .await;
        self.read_to_the_end().await;
        status
    }

    /// What it wrote is in its pipes still. A child of its own may hold them open for longer: that is not waited for.
    async fn read_to_the_end(&self) {
        let deadline = Instant::now() + PIPE_BOUND;
        while !self.readers.iter().all(JoinHandle::is_finished) && Instant::now() < deadline {
            tokio::time::sleep(process::POLL).await;
        }
    }

    /// Kills it (SIGKILL), as a crash would, and waits until it is gone.
    ///
    /// # Panics
    /// When it has ended before: then this was no crash.
    pub fn kill9(&mut self) {
        assert!(!self.has_ended(), "`{}` had ended already; it wrote\n{}", self.name, self.output());
        self.child.kill().expect("one's own child can be killed");
        self.child.wait().expect("a killed child ends");
    }

    /// Asks it to end (SIGTERM), as a service manager does.
    pub fn sigterm(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Asks it to end (SIGINT), as Ctrl-C does.
    pub fn sigint(&self) {
        self.signal(Signal::SIGINT);
    }

    /// Sends it any signal.
    pub fn signal(&self, signal: Signal) {
        process::signal(&self.child, signal);
    }

    /// All that it wrote so far, both streams in the order in which lines came.
    pub fn output(&self) -> String {
        self.text(|_line| true)
    }

    /// What it wrote to its standard output so far.
    pub fn stdout(&self) -> String {
        self.text(|line| line.stream == Stream::Out)
    }

    /// What it wrote to its standard error so far.
    pub fn stderr(&self) -> String {
        self.text(|line| line.stream == Stream::Err)
    }

    fn find(&self, part: &str) -> Option<Line> {
        lock(&self.output).iter().find(|line| line.text.contains(part)).cloned()
    }

    fn text(&self, wanted: impl Fn(&Line) -> bool) -> String {
        lock(&self.output).iter().filter(|line| wanted(line)).map(|line| format!("{}\n", line.text)).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            // The test harness shows it with the failure.
            eprintln!("`{}` wrote\n{}", self.name, self.output());
        }
    }
}

fn collect(stream: Stream, pipe: impl Read + Send + 'static, output: &Arc<Mutex<Vec<Line>>>) -> JoinHandle<()> {
    let output = Arc::clone(output);
    thread::spawn(move || {
        let mut pipe = BufReader::new(pipe);
        let mut line = Vec::new();
        while pipe.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
            let read = Instant::now();
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned();
            lock(&output).push(Line { stream, text, read });
            line.clear();
        }
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Cargo names it to the tests of its own package; otherwise it lies one directory above the test's executable.
fn orders_binary() -> PathBuf {
    if let Some(path) = env::var_os("CARGO_BIN_EXE_orders") {
        return path.into();
    }
    let test = env::current_exe().expect("a process knows its executable");
    let binary = test.ancestors().nth(2).map(|directory: &Path| directory.join("orders"));
    binary
        .filter(|path| path.is_file())
        .unwrap_or_else(|| panic!("the program is not built for this test: run `cargo build --package api` before"))
}
